"""The benchmarks run and print what scripts read; how fast anything is, is not tested here."""

from __future__ import annotations

import json
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


def test_an_unknown_benchmark_is_refused_with_the_names_there_are():
    """A misspelt name must not look like a run without results."""
    done = subprocess.run([sys.executable, BENCH, "--only", "decide"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "decide_40" in done.stderr
    assert done.stdout == ""
