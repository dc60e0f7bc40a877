"""The benchmarks run and print what scripts read; how fast anything is, is not tested here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "benchmarks" / "bench.py"


@pytest.mark.parametrize(
    ("name", "unit", "against"),
    [("import_cpu", "s", "import openai"), ("ledger_overhead", "us", 'durability "power"')],
)
def test_a_benchmark_prints_one_json_object_and_its_protocol(name, unit, against):
    """Standard output is for scripts alone; the protocol is on standard error."""
    done = subprocess.run(
        [sys.executable, BENCH, "--quick", "--only", name], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    (line,) = map(json.loads, done.stdout.splitlines())
    assert list(line)[:6] == ["name", "value", "unit", "against", "ratio", "n"]
    assert (line["name"], line["unit"], line["against"]) == (name, unit, against)
    assert isinstance(line["value"], float)
    assert isinstance(line["ratio"], float)
    assert line["n"] > 0
    assert "ratio = the peer's value / ours" in done.stderr


def test_the_benchmark_of_budgets_spends_most_of_the_limit_and_nothing_over_it(tmp_path):
    """On a real Redis, from several processes at once; a quick run does without a peer that is not installed."""
    done = subprocess.run(
        [sys.executable, BENCH, "--quick", "--only", "budget_overspend"],
        capture_output=True,
        text=True,
        env={**os.environ, "TIERWISE_BENCH_ENVS": str(tmp_path)},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (line["name"], line["unit"], line["overspend"]) == ("budget_overspend", "nano-dollars", 0)
    assert 0.9 < line["utilisation"] <= 1
    assert line["processes"] > 1
    assert "a quick run installs nothing" in line["peer"]["skipped"]


def test_an_unknown_benchmark_is_refused_with_the_names_there_are():
    """A misspelt name must not look like a run without results."""
    done = subprocess.run([sys.executable, BENCH, "--only", "decide"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "decide_40" in done.stderr
    assert done.stdout == ""
