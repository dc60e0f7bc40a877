"""What "RouteLLM: Learning to Route LLMs with Preference Data" (arXiv 2406.18665v4, tables 1 to 3) publishes."""

from __future__ import annotations

from collections.abc import Mapping

from training.benchmarks.proof import Target

Rows = Mapping[str, Mapping[str, float]]


def _row(apgr: float, cpt50: float, cpt80: float) -> dict[str, float]:
    return {"apgr": apgr, "cpt50": cpt50, "cpt80": cpt80}


MMLU: Rows = {
    "RouteLLM random": _row(0.500, 50.07, 79.93),
    "RouteLLM BERT, arena": _row(0.502, 49.43, 77.80),
    "RouteLLM causal LLM, arena": _row(0.499, 48.88, 77.93),
    "RouteLLM matrix factorisation, arena": _row(0.524, 45.00, 76.86),
    "RouteLLM SW ranking, arena": _row(0.473, 55.82, 80.25),
    "RouteLLM BERT, arena + MMLU validation": _row(0.572, 41.30, 72.20),
    "RouteLLM causal LLM, arena + MMLU validation": _row(0.600, 35.49, 70.31),
    "RouteLLM matrix factorisation, arena + MMLU validation": _row(0.597, 35.46, 71.40),
    "RouteLLM SW ranking, arena + MMLU validation": _row(0.603, 35.40, 71.55),
}

GSM8K: Rows = {
    "RouteLLM random": _row(0.497, 50.00, 80.08),
    "RouteLLM BERT, arena": _row(0.438, 58.78, 83.84),
    "RouteLLM causal LLM, arena": _row(0.461, 56.09, 83.56),
    "RouteLLM matrix factorisation, arena": _row(0.4746, 53.59, 85.24),
    "RouteLLM SW ranking, arena": _row(0.4753, 54.43, 82.11),
    "RouteLLM BERT, arena + judge": _row(0.531, 44.76, 79.09),
    "RouteLLM causal LLM, arena + judge": _row(0.622, 33.64, 63.26),
    "RouteLLM matrix factorisation, arena + judge": _row(0.565, 38.82, 72.62),
    "RouteLLM SW ranking, arena + judge": _row(0.568, 41.21, 72.20),
}

MT_BENCH: Rows = {
    "RouteLLM random": _row(0.500, 49.03, 78.08),
    "RouteLLM BERT, arena": _row(0.391, 78.09, 87.64),
    "RouteLLM causal LLM, arena": _row(0.573, 28.82, 77.53),
    "RouteLLM matrix factorisation, arena": _row(0.580, 25.32, 74.26),
    "RouteLLM SW ranking, arena": _row(0.610, 37.85, 58.99),
    "RouteLLM BERT, arena + judge": _row(0.751, 19.58, 34.02),
    "RouteLLM causal LLM, arena + judge": _row(0.679, 31.50, 48.75),
    "RouteLLM matrix factorisation, arena + judge": _row(0.802, 13.40, 31.31),
    "RouteLLM SW ranking, arena + judge": _row(0.759, 23.21, 36.04),
}

READINGS = (
    "APGR and CPT twice: exact, over every threshold, and by RouteLLM's code (deciles), at the edges of 10 equal bins "
    "of the score, as the published figures are. Intervals: 95 %, bootstrap over runs and questions together; "
    "that of ECE lies somewhat high, since rows drawn twice are off alike; AIQ has none."
)

COSTS = (
    "The source counts no tokens, so cost-APGR, AIQ and regret use an estimate of four characters a token at today's "
    "list prices (0.6 USD per million for the weak tier, 10 in and 30 out for the strong one)."
)

EX_ANTE = (
    "Routing happens before any answer, so the baseline of the answer's raw confidence does not exist; with two tiers "
    "the hull of single tiers is the random mix."
)

DEVELOPED = (
    "Features, kernel and embedder were chosen on labels of RouteLLM's MMLU and GSM8K and of Zellinger and Thomson's "
    "questions by other draws (seeds from 100 up; the embedder also by scoring other questions of MMLU than it was "
    "fitted on, docs/decisions/0016 and 0017), so that choices have seen labels of questions that are judged here; no "
    "judged fit sees a judged label."
)

NO_REGRET = (
    "Regret needs a price of quality, which elsewhere is the one at which both models are worth the same on the rows "
    "learned from; where those are of other models, whose costs are not theirs, there is none."
)


def reach(
    *,
    within: str = "",
    apgr: float,
    cpt50: float | None = None,
    cpt80: float | None = None,
    auroc: float | None = None,
) -> dict[str, Target]:
    """Targets for both readings of the figures, of the metrics under the name ``within`` or of those at the top."""
    prefix = f"{within}." if within else ""
    found: dict[str, Target] = {}
    for reading in ("", "_deciles"):
        found[f"{prefix}apgr{reading}"] = {"reach": apgr, "better": "higher"}
        for name, share in (("cpt50", cpt50), ("cpt80", cpt80)):
            if share is not None:
                found[f"{prefix}{name}{reading}"] = {"reach": share, "better": "lower"}
    if auroc is not None:
        found[f"{prefix}auroc"] = {"reach": auroc, "better": "higher"}
    return found
