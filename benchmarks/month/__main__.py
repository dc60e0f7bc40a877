"""The command: ``python -m benchmarks.month``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.month.measured import FULL, LABELS, QUICK, QUICK_LABELS, SAMPLE_QUICK, SEED, measured
from benchmarks.month.page import NAME, PLOT, page
from benchmarks.month.plot import plot

PAGE = Path(__file__).resolve().parents[2] / "docs" / "spend.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer requests: every part works, the numbers mean little"
    )
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--save", type=Path, help="write the figures and the plot into this folder, and docs/spend.md")
    parser.add_argument("--page", type=Path, help="measure nothing: write the plot and docs/spend.md from this folder")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    if arguments.page is not None:
        found = json.loads((arguments.page / NAME).read_text(encoding="utf-8"))
    else:
        began = perf_counter()
        say(
            f"protocol: SIMULATED month of {QUICK if arguments.quick else FULL:,} requests, seed {arguments.seed}, one "
            "after the other through the real pipeline on a simulated clock, once for each lever, then the sample's "
            f"test rows from their logged answers; {os.cpu_count()} CPUs, Python {platform.python_version()}"
        )
        found = measured(
            requests=QUICK if arguments.quick else FULL,
            labels=QUICK_LABELS if arguments.quick else LABELS,
            prompts=SAMPLE_QUICK if arguments.quick else None,
            seed=arguments.seed,
            report=say,
        )
        found["quick"] = arguments.quick
        say(f"took {perf_counter() - began:.0f} s")
    folder = arguments.save or arguments.page
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (folder / PLOT).write_text(plot(found), encoding="utf-8")
        if folder.resolve() == PAGE.with_suffix(""):
            PAGE.write_text(page(found), encoding="utf-8")
    print(json.dumps(found) if arguments.json else page(found))


def say(text: str) -> None:
    """Tell how far we are; results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
