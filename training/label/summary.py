"""What a labelling run came to, in numbers for people and scripts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from training.label.answer import Answer, Given

REASONS = 10
"""How many kinds of unclear labels are told apart."""


def summary(answers: Sequence[Answer], labels: Mapping[int, Given]) -> dict[str, Any]:
    """Count ``labels`` (by row) of ``answers``: how many are clear, why others are not, and the mean by tier.

    Means are weighted by the labels' weights.
    """
    clear: defaultdict[str, list[Given]] = defaultdict(list)
    unclear: Counter[str] = Counter()
    for answer in answers:
        given = labels.get(answer.row)
        if given is None:
            continue
        if given.known:
            clear[answer.tier].append(given)
        else:
            unclear[given.reason.partition(":")[0]] += 1
    return {
        "answers": len(answers),
        "labelled": sum(map(len, clear.values())),
        "unclear": unclear.total(),
        "reasons": dict(unclear.most_common(REASONS)),
        "tiers": {tier: {"n": len(found), "quality": _mean(found)} for tier, found in sorted(clear.items())},
    }


def _mean(found: Sequence[Given]) -> float:
    return sum(given.quality * given.weight for given in found) / sum(given.weight for given in found)
