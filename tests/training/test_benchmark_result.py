"""What a benchmark reports, for scripts and for people."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from training.benchmarks.result import BenchmarkResult, benchmark_result, peak_mib


def result() -> BenchmarkResult:
    return BenchmarkResult(
        name="simulated",
        protocol="Nothing was measured.",
        seeds=(0, 1, 2),
        metrics={"pool": {"cost95": 0.25, "cost99": math.nan}, "wins": np.array([1, 2]), "share": np.float64(0.5)},
        intervals={"pool": {"cost95": (0.2, 0.3)}},
        seconds=1.234,
        peak_mib=100.04,
    )


def test_a_result_has_exactly_the_keys_that_scripts_read():
    """The JSON has the published shape, numpy's values as numbers, and a figure that does not exist as null."""
    assert json.loads(json.dumps(result().as_dict(), allow_nan=False)) == {
        "name": "simulated",
        "protocol": "Nothing was measured.",
        "seeds": [0, 1, 2],
        "metrics": {"pool": {"cost95": 0.25, "cost99": None}, "wins": [1, 2], "share": 0.5},
        "intervals": {"pool": {"cost95": [0.2, 0.3]}},
        "seconds": 1.23,
        "peak_mib": 100.0,
    }


@pytest.mark.parametrize("line", ["pool.cost95", "0.2 to 0.3", "wins[1]", "Nothing was measured. Seeds: 0 to 2."])
def test_the_table_shows_each_figure_with_its_interval_and_how_to_repeat_it(line):
    """A reader sees dotted names, intervals beside figures, the protocol and the seeds."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(result().table())
    assert line in console.export_text()


def test_time_and_memory_are_measured():
    """Seconds count from the moment given; the peak is what the process really held."""
    started = time.perf_counter() - 2
    made = benchmark_result("x", protocol="", seeds=[3], metrics={}, intervals={}, started=started)
    assert 2 <= made.seconds < 60
    held = peak_mib()
    assert made.peak_mib is None or (held is not None and 1 < made.peak_mib <= held)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_a_workers_memory_counts_as_long_as_it_runs():
    """A pool of processes is not free."""
    holding = "import sys; held = b'x' * (64 << 20); print('ready', flush=True); sys.stdin.read()"
    before = peak_mib()
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout.readline() == "ready\n"
        during = peak_mib()
        worker.stdin.close()
    assert during - before > 60
