"""cascadeflow's view of a prompt, or of an answer without log-probabilities.

``complexity``: the level that its ``ComplexityDetector`` gives a prompt, from 0 (trivial) to 4 (expert); its router
decides by that level. ``difficulty``: its ``QueryDifficultyEstimator``, in [0, 1], which its confidence reads.
``confidence``: its ``ProductionConfidenceEstimator`` with the defaults ("openai", temperature 0.7), given the prompt
and the answer's text, as its providers ask it where the model returned no log-probabilities.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any


def scorer(name: str) -> Callable[[dict[str, Any]], float]:
    """The function from one item to its score."""
    if name == "confidence":
        from cascadeflow.quality.confidence import ProductionConfidenceEstimator

        estimator = ProductionConfidenceEstimator()
        return lambda item: float(estimator.estimate(item["answer"], query=item["prompt"]).final_confidence)
    if name == "difficulty":
        from cascadeflow.quality.query_difficulty import QueryDifficultyEstimator

        difficulty = QueryDifficultyEstimator()
        return lambda item: float(difficulty.estimate(item["prompt"]))
    from cascadeflow.quality.complexity import ComplexityDetector, QueryComplexity

    detector, levels = ComplexityDetector(), list(QueryComplexity)
    return lambda item: float(levels.index(detector.detect(item["prompt"])[0]))


def main() -> None:
    """Score the items on standard input with the scorer that the command line names."""
    out, sys.stdout = sys.stdout, sys.stderr
    logging.disable(logging.CRITICAL)
    score = scorer(sys.argv[1])
    for line in sys.stdin:
        out.write(json.dumps(score(json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
