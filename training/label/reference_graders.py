"""Graders that hold an answer against a known right one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from router.errors import InputError
from router.ledger.label import Source
from training.graders import JOINER, grade
from training.label.answer import Answer
from training.label.grader import RIGHT, UNREFERENCED, WRONG, Grade

_NUMBER = re.compile(r"(?<![\w.,])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+|(?<=\d))(?:[eE][-+]?\d{1,3})?")
_FINAL = (
    re.compile(r"####(.*)", re.DOTALL),
    re.compile(r"\\boxed\s*\{([^{}]*)\}"),
    re.compile(r"\banswer\b(?:\s+is)?\s*[:=]?\s*(.*)", re.IGNORECASE),
)
_LETTER_CUES = (
    re.compile(r"\\boxed\s*\{\s*(?:\\text\s*\{)?\s*\(?([A-Ja-j])\)?\s*\}?\s*\}"),
    re.compile(
        r"\b(?i:answer|option|choice)\b(?i:\s+is)?\s*[:=]?\s*[*_`\"']*(?:\(([A-Ja-j])\)|([A-J])(?![\w'’])(?!\s+[a-z]))"
    ),
)
_LEADING_LETTER = re.compile(r"\W{0,3}([A-J])(?:[).:*](?!\s*(?:or|and|,|/))|\s*$)", re.MULTILINE)
_BRACKETED = re.compile(r"\(([A-Ja-j])\)")
_STANDING = re.compile(r"(?<![\w'’])([A-J])(?![\w'’])")


@dataclass(frozen=True, slots=True)
class Exact:
    """Right when the answer is one of the references (joined by " | "), folded, or the same number.

    A row's own ``exact_case`` keeps upper and lower case apart, as ``case`` does for all.
    """

    case: bool = False
    name: str = "exact"
    source: Source = "gold"

    def __call__(self, answer: Answer) -> Grade:
        """1 or 0; NaN without a reference."""
        if answer.reference is None:
            return UNREFERENCED
        accepted = answer.reference.split(JOINER)
        case = self.case or answer.fields.get("exact_case") in (True, "true", "True", "1", 1)
        return RIGHT if grade(answer.response, accepted=accepted, exact_case=case) else WRONG


def final_number(text: str) -> Decimal | None:
    r"""Find the number that ``text`` gives as its answer, None where it gives none.

    After the last "####", in the last "\boxed{}", after the last "answer is" or "answer:"; else its last number.
    Thousands separators are allowed; units, currency and percent signs are passed over.
    """
    for cue in _FINAL:
        marked = cue.findall(text)
        # "The answer is 5 + 3 = 8" gives 8.
        found = _NUMBER.search(marked[-1].rpartition("=")[2]) if marked else None
        if found:
            return _decimal(found[0])
    numbers = _NUMBER.findall(text)
    return _decimal(numbers[-1]) if numbers else None


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("\u2212", "-"))


@dataclass(frozen=True, slots=True)
class Numeric:
    """Right when the answer's number is within ``absolute``, or ``relative`` times the reference, of the reference.

    Raises:
        InputError: a tolerance is negative or not a number.
    """

    absolute: float = 0.0
    relative: float = 1e-6
    source: Source = "gold"

    def __post_init__(self) -> None:
        if not (0 <= self.absolute < math.inf and 0 <= self.relative < math.inf):
            raise InputError(f"a tolerance must be at least 0, not {self.absolute} and {self.relative}")

    @property
    def name(self) -> str:
        """The kind and the tolerances."""
        return f"numeric:{self.absolute:g}:{self.relative:g}"

    def __call__(self, answer: Answer) -> Grade:
        """1 or 0; NaN where the reference is no number."""
        if answer.reference is None:
            return UNREFERENCED
        wanted, found = final_number(answer.reference), final_number(answer.response)
        if wanted is None:
            return Grade(math.nan, f"the reference {answer.reference[:40]!r} is no number")
        if found is None:
            return Grade(0.0, "the answer has no number")
        near = abs(found - wanted) <= max(Decimal(str(self.absolute)), Decimal(str(self.relative)) * abs(wanted))
        return Grade(float(near), f"{found} for {wanted}")


def chosen_letter(text: str) -> str | None:
    r"""Find the option, A to J, that ``text`` settles on; None where it names none, or several without a cue.

    In this order: the whole text, "\boxed{C}", the last "answer is C", a first line that begins "C)", the only
    bracketed letter, the only letter that stands by itself ("A" and "I" are words and do not count).
    """
    bare = text.strip(" \t\r\n.,;:!?\"'`*()[]")
    if len(bare) == 1 and "A" <= bare.upper() <= "J":
        return bare.upper()
    for cue in _LETTER_CUES:
        marked = ["".join(found).upper() for found in cue.findall(text)]
        if marked:
            return marked[-1]
    leading = _LEADING_LETTER.match(text.strip())
    if leading:
        return leading[1]
    bracketed = {letter.upper() for letter in _BRACKETED.findall(text)}
    standing = bracketed or {letter for letter in _STANDING.findall(text) if letter not in "AI"}
    return standing.pop() if len(standing) == 1 else None


@dataclass(frozen=True, slots=True)
class Choice:
    """Right when the answer settles on the letter of the reference."""

    name: str = "choice"
    source: Source = "gold"

    def __call__(self, answer: Answer) -> Grade:
        """1 or 0; NaN where the reference is no letter from A to J."""
        if answer.reference is None:
            return UNREFERENCED
        wanted = answer.reference.strip(" \t\r\n.,;:!?\"'`*()[]").upper()
        if len(wanted) != 1 or not "A" <= wanted <= "J":
            return Grade(math.nan, f"the reference {answer.reference[:40]!r} is no letter from A to J")
        found = chosen_letter(answer.response)
        return Grade(float(found == wanted), f"{found or 'no single letter'} for {wanted}")
