"""The benchmark of intervals runs, and its few simulated tests come out as theory says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent.parent.parent / "benchmarks" / "bench.py"


def test_a_quick_run_finds_the_sequence_right_and_the_t_interval_wrong():
    done = subprocess.run(
        [sys.executable, BENCH, "--quick", "--only", "ab_ever_wrong"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    (line,) = map(json.loads, done.stdout.splitlines())
    assert line["name"] == "ab_ever_wrong"
    assert line["simulated"] is True
    assert line["value"] <= 0.05 < 3 * 0.05 < line["against_value"]
    assert line["stop"]["looked_at_once"] < line["stop"]["planned"]
