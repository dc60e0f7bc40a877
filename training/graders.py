"""Exact graders: an answer is right when it equals an accepted one after folding, or is the same number."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

JOINER = " | "
"""Stands between the accepted answers in the sample's ``reference`` column; no answer contains it."""

_EDGES = " \t\r\n.,;:!?\"'`*()[]<>"


def fold(text: str) -> str:
    """Lower-case ``text``, its white space folded and its edges stripped of punctuation and one leading article."""
    folded = " ".join(text.split()).strip(_EDGES).casefold()
    for article in ("a ", "an ", "the "):
        folded = folded.removeprefix(article)
    return folded


def number(text: str) -> Decimal | None:
    """Read ``text`` as one number, thousands separators allowed; None when it is anything else."""
    try:
        value = Decimal(" ".join(text.split()).strip(_EDGES).replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def grade(response: str, *, accepted: Sequence[str], exact_case: bool = False) -> float:
    """1.0 when ``response`` is one of the ``accepted`` answers, else 0.0.

    Numbers are compared by value (``07`` and ``7.0`` are 7), everything else folded; ``exact_case`` keeps
    upper and lower case apart, for tasks that ask for a case.
    """
    for answer in accepted:
        value = number(answer)
        if value is not None and value == number(response):
            return 1.0
        if exact_case and answer == " ".join(response.split()):
            return 1.0
        if not exact_case and fold(answer) == fold(response):
            return 1.0
    return 0.0
