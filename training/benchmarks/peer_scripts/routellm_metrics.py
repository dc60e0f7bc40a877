"""RouteLLM's own evaluation (``routellm.evals``) of a score: its thresholds, its curve, its figures.

Its ``MMLU`` benchmark class routes at the edges of its ten bins, or ``MTBench`` where qualities are not all 0 or 1, and
its ``generate_results`` makes the figures, which it prints. The files that it ships are replaced by the rows on
standard input, its controller by one that returns their scores. What the two modules import and do not need for that
(the routers with torch, plotting, parallel loops) is replaced by a stand-in.
"""

from __future__ import annotations

import json
import sys
import tempfile
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

WEAK, STRONG = "weak", "strong"
BINS = 10
_UNNEEDED = ("matplotlib", "matplotlib.pyplot", "pandarallel", "psutil", "routellm.controller", "yaml")


def evaluate(rows: list[dict[str, float]]) -> dict[str, Any]:
    """The figures of the rows, each a "score" and the two "weak" and "strong" qualities."""
    sys.modules.update({name: MagicMock() for name in _UNNEEDED})
    sys.modules["routellm.routers"] = sys.modules["routellm.routers.routers"] = MagicMock(ROUTER_CLS={})
    import numpy as np
    import pandas as pd
    from routellm.evals import benchmarks, evaluate

    scores = np.array([row["score"] for row in rows])
    pair = SimpleNamespace(weak=WEAK, strong=STRONG)
    controller = SimpleNamespace(model_pair=pair, batch_calculate_win_rate=lambda **_: scores)
    qualities = {name: [row[name] for row in rows] for name in (WEAK, STRONG)}
    numbers = list(range(len(rows)))
    if all(value in (0.0, 1.0) for name in (WEAK, STRONG) for value in qualities[name]):
        benchmark = object.__new__(benchmarks.MMLU)
        benchmark.all_data = pd.DataFrame(
            {"prompt": numbers} | {name: np.array(qualities[name]) == 1 for name in pair.__dict__.values()}
        )
    else:
        benchmark = object.__new__(benchmarks.MTBench)
        benchmark.questions = pd.DataFrame({"question_id": numbers, "turns": [[number] for number in numbers]})
        # Two turns a question, as it insists on: each is given the question's mean.
        benchmark.judgements = pd.DataFrame(
            [
                {"question_id": number, "model": name, "score": qualities[name][number]}
                for number in numbers
                for name in (WEAK, STRONG)
                for _ in range(2)
            ]
        )
    benchmark.routed_pair, benchmark.overwrite_cache, benchmark.cache = pair, [], {}
    printed: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        benchmark.cache_path = f"{folder}/cache.npy"
        points = [
            {
                "method": "ours",
                "threshold": threshold,
                "strong_percentage": counts[STRONG] / total * 100,
                "accuracy": accuracy,
            }
            for threshold, accuracy, counts, total in benchmark.evaluate(controller, "ours", BINS, True)
        ]
        evaluate.print = lambda *values: printed.extend(values)
        evaluate.generate_results(pd.DataFrame(points), benchmark, "ours", pair, folder)
    (figures,) = printed[-1].to_dict("records")
    return {
        "apgr": float(figures["APGR"]),
        **{
            name: float(figures[f"{level}% qual"].rstrip("%"))
            for name, level in (("cpt20", 20), ("cpt50", 50), ("cpt80", 80))
        },
        "points": [[point["strong_percentage"], point["accuracy"]] for point in points],
    }


def main() -> None:
    """Evaluate the rows on standard input."""
    out, sys.stdout = sys.stdout, sys.stderr
    out.write(json.dumps(evaluate([json.loads(line) for line in sys.stdin])) + "\n")


if __name__ == "__main__":
    main()
