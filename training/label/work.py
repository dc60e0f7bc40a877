"""What a judge is to do: the answers that need a label, and some with trusted ones to measure it on."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from router.errors import InputError
from training.label.answer import Answer, Given
from training.label.gold import Measured, measure
from training.label.journal import Verdict
from training.label.judge import Task, pairs

TRUSTED = ("gold", "test", "human")
"""Sources that a judge is measured against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """``tasks`` get labels; ``gold`` are judged only to measure the judge, and keep the labels that they have."""

    tasks: tuple[Task, ...]
    gold: tuple[Task, ...]

    def ties(self, labels: Mapping[int, Given]) -> dict[int, Given]:
        """Labels for the other side of judged pairs, by row: 0.5, which is what an answer is worth against itself.

        Only where that answer has no label of its own.
        """
        return {
            task.against.row: Given(
                quality=0.5,
                source="judge",
                judge=labels[task.answer.row].judge,
                weight=task.against.given.weight,
                reason="compared with itself",
            )
            for task in self.tasks
            if task.against is not None
            and not task.against.given.known
            and task.answer.row in labels
            and labels[task.answer.row].known
        }

    def measured(self, verdicts: Mapping[int, Verdict], *, seed: int = 0) -> Measured | None:
        """Measure the judge by its ``verdicts`` by row; None where no trusted answer was judged."""
        both = [task for task in self.gold if task.answer.row in verdicts]
        if not both:
            return None
        return measure(
            np.array([verdicts[task.answer.row].quality for task in both]),
            np.array([_trusted(task) for task in both]),
            np.array([verdicts[row].quality for task in self.tasks if (row := task.answer.row) in verdicts], float),
            keys=[task.answer.query_id for task in both],
            seed=seed,
        )


def work_of(
    answers: Sequence[Answer],
    *,
    against: str | None = None,
    gold: int = 100,
    limit: int | None = None,
    seed: int = 0,
) -> Work:
    """Choose what to judge: every answer without a label, at most ``limit``, and ``gold`` trusted ones at random.

    ``against`` names the tier whose answers are the other side of each pair; None judges each answer alone.

    Raises:
        InputError: there is nothing to judge.
    """
    tasks = [Task(answer) for answer in answers] if against is None else pairs(answers, against=against)
    open_ = [task for task in tasks if not task.answer.given.known]
    if not open_:
        raise InputError("every answer is labelled already, so there is nothing to judge")
    trusted = [task for task in tasks if not math.isnan(_trusted(task))]
    random.Random(seed).shuffle(trusted)
    return Work(tasks=tuple(open_[:limit]), gold=tuple(trusted[:gold]))


def _trusted(task: Task) -> float:
    """What a trusted label says of a task, NaN without one; of a pair 1 better, 0.5 as good, 0 worse."""
    given = task.answer.given
    if given.source not in TRUSTED or not given.known:
        return math.nan
    if task.against is None:
        return given.quality
    other = task.against.given
    if other.source not in TRUSTED or not other.known:
        return math.nan
    return 0.5 + float(np.sign(given.quality - other.quality)) / 2
