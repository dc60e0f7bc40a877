"""How the page of benchmarks writes names and figures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Any

from router.report.wording import MINUS
from training.report.names import BASELINES

NAMES = {
    "apgr": "APGR",
    "apgr_deciles": "APGR (10 bins)",
    "cpt50": "CPT50 %",
    "cpt80": "CPT80 %",
    "cpt50_deciles": "CPT50 % (10 bins)",
    "cpt80_deciles": "CPT80 % (10 bins)",
    "cost_apgr": "cost-APGR",
    "cost_cpt50": "cost-CPT50 %",
    "cost_cpt80": "cost-CPT80 %",
    "auroc": "AUROC",
    "auroc_gain": "AUROC of the gain",
    "ece": "ECE",
    "aiq": "AIQ",
    "error_cost_auc": "error-cost area",
    "cost95": "cost at 95 %",
    "cost98": "cost at 98 %",
    "cost99": "cost at 99 %",
    "win_share": "win share",
    "hull": "hull of single tiers",
    "markov_copula": "Markov copula",
    "litellm": "LiteLLM",
    "llmrouter_knn": "LLMRouter kNN",
    "llmrouter_svm": "LLMRouter SVM",
    "llmrouter_mlp": "LLMRouter MLP",
    "scikit_learn": "scikit-learn",
    "cost_per_1k": "USD per 1,000",
    "strong_calls": "strong calls",
}

GLOSSARY = (
    ("APGR", "area under the recovered performance gap over the share of strong calls; 0.5 is a random mix"),
    ("(10 bins)", "read as RouteLLM's code reads it, at the edges of 10 equal bins of the score; else exactly"),
    ("CPT50, CPT80", "the least share of strong calls, in %, that recovers 50 or 80 % of the gap; lower is better"),
    ("cost-APGR, cost-CPT", "the same over the share of the extra cost, each prompt at its own"),
    ("AUROC", "the chance that a prompt that the weak tier fails is ranked above one that it does not"),
    ("ECE", "expected calibration error of the confidence"),
    ("AIQ", "mean quality of the concave hull between the cheapest and the strongest tier's cost"),
    ("error-cost area", "area under error over cost, normalised; lower is better"),
    ("cost at 95 %", "cost of 95 % of the strongest tier's quality, in % of always asking it"),
    ("regret", "worth lost to the oracle per prompt, in quality at the even price"),
    ("oracle", "reads the labels: a limit, not a router"),
)

DASH = "-"

NOTHING = 1e-12
"""Below it a figure is what rounding has left of 0."""


def called(name: str) -> str:
    """A metric's or a baseline's name in words; of a dotted name every part."""
    return ", ".join(NAMES.get(part) or BASELINES.get(part) or part.replace("_", " ") for part in split(name))


def split(name: str) -> list[str]:
    """The parts of a dotted name; a dot between digits, as in a model's version, parts nothing."""
    parts = [""]
    for place, each in enumerate(name):
        if each == "." and not (name[place - 1 : place].isdigit() and name[place + 1 : place + 2].isdigit()):
            parts.append("")
        else:
            parts[-1] += each
    return parts


def decimals(values: Iterable[Any]) -> int:
    """How many decimals a column of figures is written with: three where they are about one, more where all of them
    are tiny, one or none where they are large. By their median, so that an oracle far above does not count.
    """
    known = [abs(value) for value in values if isinstance(value, (int, float)) and abs(value) > NOTHING]
    if not known:
        return 3
    usual, largest = statistics.median(known), max(known)
    if largest < 0.01:
        return min(12, 2 - math.floor(math.log10(largest)))
    if usual < 2:
        return 3
    return 0 if usual >= 1000 else 2 if min(known) < 1 else 1


def written(value: Any, places: int) -> str:
    """A figure with so many decimals, words as they are, a dash for nothing."""
    if value is None:
        return DASH
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    shown = 0.0 if round(value, places) == 0 else value
    return f"{shown:,.{places}f}".replace("-", MINUS)
