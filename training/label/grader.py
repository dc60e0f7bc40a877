"""Graders: programs that say how good an answer is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from router.ledger.label import Source
from training.label.answer import Answer, Given


@dataclass(frozen=True, slots=True)
class Grade:
    """What a grader says: ``quality`` in [0, 1], NaN where it cannot tell, and why."""

    quality: float
    reason: str


RIGHT, WRONG = Grade(1.0, "right"), Grade(0.0, "wrong")
UNREFERENCED = Grade(math.nan, "no reference answer to compare with")


class Grader(Protocol):
    """Grades one answer at a time; pure but for what a user's own function does.

    ``name`` says what it is and how it was set; it becomes the label's judge. ``source`` is "gold" where answers are
    held against a known right one, "test" where something about them is tried.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def source(self) -> Source: ...  # noqa: D102

    def __call__(self, answer: Answer) -> Grade: ...  # noqa: D102


def graded(answers: Iterable[Answer], grader: Grader) -> dict[int, Given]:
    """Grade ``answers``; labels by row, NaN with the reason where the grader cannot tell.

    A weight that an answer has already, because it was chosen for labelling with a probability below one, is kept.
    """
    labels = {}
    for answer in answers:
        grade = grader(answer)
        labels[answer.row] = Given(
            quality=grade.quality,
            source=grader.source,
            judge=grader.name,
            weight=answer.given.weight,
            reason=grade.reason,
        )
    return labels
