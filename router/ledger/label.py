"""A quality label: what somebody or something says one tier's answer was worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

from router.errors import InputError
from router.ledger.cells import clean, safe
from router.ledger.codec import Unreadable

Source = Literal["gold", "test", "human", "judge", "silver"]
SOURCES: tuple[str, ...] = get_args(Source)

LABEL_COLUMNS = ("decision_id", "tier", "source", "judge", "quality", "weight", "created")
LABEL_KEY = LABEL_COLUMNS[:4]
"""A label with the same values here takes the place of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """How good ``tier``'s answer was in the decision ``decision_id``.

    ``quality`` is in [0, 1]; an answer that nobody judged has no label, so NaN is refused. ``source`` says how far
    to trust it: a known right answer, a test that ran, a person, a judging model, or agreement with a stronger
    tier. ``judge`` names the person, the test or the model with its rubric. ``created`` is UTC, in seconds since the
    epoch. ``weight`` is how much the label counts, 1 over the probability with which the answer was chosen for
    labelling.

    Raises:
        InputError: a field is outside its range.
    """

    decision_id: str
    tier: str
    quality: float
    source: Source
    created: float
    judge: str | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        for name, text in (("decision_id", self.decision_id), ("tier", self.tier), ("judge", self.judge or "none")):
            if not _is_text(text):
                raise InputError(f"a label's {name} must be text, not {text!r}")
        if not _is_number(self.quality) or not 0 <= self.quality <= 1:
            raise InputError(
                f"quality must be a number from 0 (useless) to 1 (as good as can be), not {self.quality!r}; "
                "an answer that nobody judged gets no label"
            )
        if self.source not in SOURCES:
            raise InputError(f"source={self.source!r} is none of {', '.join(SOURCES)}")
        if not _is_number(self.weight) or not 0 < self.weight < math.inf:
            raise InputError(f"a label's weight must be a number above 0, not {self.weight!r}")
        if not _is_number(self.created) or not math.isfinite(self.created):
            raise InputError(f"a label's created must be seconds since the epoch, not {self.created!r}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: object) -> bool:
    """Whether ``value``, which may not be what its annotation says, is a number that compares; NaN is none."""
    return isinstance(value, Real) and not math.isnan(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One label as it is stored: values in the order of ``LABEL_COLUMNS``."""

    values: tuple[Any, ...]


def encode_label(label: Label) -> LabelRow:
    """Turn ``label`` into a row; no judge is stored as empty text, because NULL is never the same key as NULL."""
    return LabelRow(
        values=(
            clean(label.decision_id),
            clean(label.tier),
            label.source,
            "" if label.judge is None else safe(label.judge),
            float(label.quality),
            float(label.weight),
            float(label.created),
        )
    )


def decode_label(row: Sequence[Any]) -> Label:
    """Read back the label that :func:`encode_label` wrote.

    Raises:
        Unreadable: no tierwise wrote the row, or it was changed since.
    """
    it = dict(zip(LABEL_COLUMNS, row, strict=True))
    try:
        return Label(**{**it, "judge": it["judge"] or None})
    except InputError as error:
        raise Unreadable(f"a label of decision {it['decision_id']!r} cannot be read back ({error})") from error
