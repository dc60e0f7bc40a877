"""LiteLLM's complexity router (``auto_router/complexity_router``), asked for its classification of a prompt.

``rules``: its default, a weighted sum of rules. The score is the tier's place in its order of severity, plus the sum
over ten, which orders prompts of one tier. ``learned``: its ``heuristic_v2``, a model fitted on UltraFeedback that it
carries; the score is one minus the chance that its cheapest tier succeeds.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else importing it downloads a price table
os.environ["LITELLM_MODE"] = "PRODUCTION"


def scorer(name: str) -> Callable[[str], float]:
    """The function from a prompt to its score."""
    from litellm.router_strategy.complexity_router import ComplexityRouter
    from litellm.router_strategy.complexity_router.config import TIER_SEVERITY_ORDER

    if name == "learned":
        from litellm.router_strategy.adaptive_router.classifier import classify_prompt
        from litellm.router_strategy.complexity_router.tier_predictor import TierSuccessPredictor, resolve_tier_artifact

        predictor = TierSuccessPredictor(resolve_tier_artifact("ultrafeedback"))
        return lambda prompt: 1.0 - float(predictor.predict(prompt, classify_prompt(prompt)).probabilities[1])

    # It asks its parent router for deployments alone, and none is needed to classify.
    router = ComplexityRouter(model_name="peer", litellm_router_instance=None)
    order = list(TIER_SEVERITY_ORDER)

    def score(prompt: str) -> float:
        tier, total, _ = router.classify(prompt)
        return order.index(tier) + float(total) / 10

    return score


def main() -> None:
    """Score the items on standard input with the scorer that the command line names."""
    out, sys.stdout = sys.stdout, sys.stderr
    logging.disable(logging.CRITICAL)
    score = scorer(sys.argv[1])
    for line in sys.stdin:
        out.write(json.dumps(score(json.loads(line)["prompt"])) + "\n")


if __name__ == "__main__":
    main()
