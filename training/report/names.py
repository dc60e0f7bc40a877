"""What the evaluation's keys are called in front of readers."""

from __future__ import annotations

from training.report.reading import Reading

BASELINES = {
    "always_cheap": "always the cheapest",
    "always_strong": "always the strongest",
    "best_single": "best single tier",
    "zero_router": "zero router",
    "random_mix": "random mix",
    "length": "prompt length",
    "knn": "nearest neighbours",
    "weak_threshold": "threshold on P(cheap suffices)",
    "raw_confidence": "raw confidence",
    "frugal": "FrugalGPT thresholds",
    "cascade_routing": "cascade routing",
    "oracle": "oracle",
}


def baseline_name(key: str) -> str:
    """A baseline's name in words, ``single:small`` as "small alone"."""
    if key.startswith("single:"):
        return f"{key.removeprefix('single:')} alone"
    return BASELINES.get(key, key.replace("_", " "))


def tiers_of(read: Reading) -> list[str]:
    """The tiers, cheap to strong: as the evaluation lists them, else in the order of its tables by tier."""
    return read.names("tiers") or next(
        (
            found
            for path in (("policy", "visit_share"), ("policy", "final_share"), ("scorer",), ("calibration",))
            if (found := read.names(*path))
        ),
        [],
    )
