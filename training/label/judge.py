"""Judging answers by a model: any tier of the configuration, asked through the router's own providers."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from router.drivers import Shell, run_many
from router.errors import (
    ContextOverflow,
    InputError,
    ProviderError,
    Unauthorized,
)
from router.ops import Now, Op, Send, Sleep
from router.retry import ask
from router.tiers import Tier
from router.types import Completion
from training.label.answer import Answer, Given
from training.label.journal import Journal, Verdict
from training.label.purse import BudgetReached, Purse, price
from training.label.rubric import Reading, Rubric, judge_id

PATIENCE = 5
"""Answers in a row that the judging tier may fail at before the run stops: it is down, and not the answer's fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A tier that judges by a rubric."""

    tier: Tier
    rubric: Rubric

    @property
    def id(self) -> str:
        """What labels name as their judge."""
        return judge_id(self.tier, self.rubric)


@dataclass(frozen=True, slots=True)
class Task:
    """One answer to judge, for a pair ``against`` another tier's answer to the same query."""

    answer: Answer
    against: Answer | None = None

    @property
    def key(self) -> str:
        """What it is in the journal: a changed prompt, reference or answer is another task."""
        parts = [self.answer.query_id, self.answer.tier, repr(self.answer.messages), self.answer.reference or ""]
        parts += [
            self.answer.response,
            "" if self.against is None else f"{self.against.tier}\x1e{self.against.response}",
        ]
        return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Note(Op[None]):
    """Write a verdict into the journal, in the thread that got it, so that no verdict that was paid for is lost."""

    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a run came to.

    ``verdicts`` are all there are now, by row of the answer judged, those of earlier runs included. ``stopped`` is
    "budget" where the next call might have cost too much, else "done". ``spent`` is over all runs, in nano-dollars;
    ``calls`` and ``unreported`` (answers without token counts, counted at their worst case) are of this one;
    ``failed`` counts answers that the tier could not judge this time.
    """

    verdicts: dict[int, Verdict]
    stopped: Literal["done", "budget"]
    spent: int
    calls: int
    unreported: int
    reused: int
    failed: int

    def labels(self, answers: Iterable[Answer]) -> dict[int, Given]:
        """Labels for those of ``answers`` that were judged, by row, with the weights that they have already.

        NaN with the reason where there was no clear verdict.
        """
        return {
            answer.row: Given(
                quality=verdict.quality,
                source="judge",
                judge=verdict.judge,
                weight=answer.given.weight,
                reason=verdict.reason,
            )
            for answer in answers
            if (verdict := self.verdicts.get(answer.row)) is not None
        }

    @property
    def swap_agreement(self) -> float:
        """The share of pairs on which both orders agreed; NaN without pairs. Far below 1: the judge goes by place."""
        told = [verdict.swapped for verdict in self.verdicts.values() if verdict.swapped is not None]
        return sum(told) / len(told) if told else math.nan


def pairs(answers: Sequence[Answer], *, against: str) -> list[Task]:
    """Pair each answer with that of tier ``against`` to the same query; queries without one are left out.

    Raises:
        InputError: no query has an answer of that tier and one of another.
    """
    theirs = {answer.query_id: answer for answer in answers if answer.tier == against}
    made = [
        Task(answer, theirs[answer.query_id])
        for answer in answers
        if answer.tier != against and answer.query_id in theirs
    ]
    if not made:
        raise InputError(
            f"no query has an answer of tier {against!r} and one of another, so there is nothing to compare"
        )
    return made


def judge_all(
    tasks: Sequence[Task],
    judge: Judge,
    *,
    send: Callable[[Send], Completion],
    journal: Journal,
    limit: int | None = None,
    workers: int = 4,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Judged:
    """Judge ``tasks`` that the journal does not have yet, spending at most ``limit`` nano-dollars over all runs.

    ``send`` asks a tier once: the ``complete`` of the router's clients, or of a fake. ``clock`` and ``sleep`` are in
    seconds. Every verdict is in the journal before it is counted. When the next call might cost more than is left, no
    more are made. A reply without a clear verdict, or an answer too long for the tier, is NaN with the reason.

    Raises:
        ProviderError: the judging tier failed at five answers in a row, or refuses the account.
        ConfigError: the tier's key or model is not there.
        InputError: ``workers`` is below 1, or the limit is negative.
    """
    if workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}")
    purse = Purse(limit, spent=journal.spent)
    shell: Shell = {
        Now: lambda _: clock(),
        Sleep: lambda op: sleep(op.seconds),
        Send: purse.sending(send),
        Note: lambda op: journal.append(op.verdict),
    }
    todo = {task.key: task for task in tasks if task.key not in journal.verdicts}
    reused = sum(task.key in journal.verdicts for task in tasks)
    stopped: Literal["done", "budget"] = "done"
    failed = in_a_row = done = 0
    with closing(run_many((_core(task, judge) for task in todo.values()), shell, workers=workers)) as results:  # type: ignore[type-var]
        for result in results:
            done += 1
            progress(done, len(todo))
            if isinstance(result, BudgetReached):
                stopped = "budget"
                break
            if isinstance(result, ProviderError) and not isinstance(result, Unauthorized):
                failed += 1
                in_a_row += 1
                if in_a_row == PATIENCE:
                    raise result
            elif isinstance(result, Exception):
                raise result
            else:
                in_a_row = 0
    found = {task.answer.row: journal.verdicts[task.key] for task in tasks if task.key in journal.verdicts}
    return Judged(
        verdicts=found,
        stopped=stopped,
        spent=purse.spent,
        calls=purse.calls,
        unreported=purse.unreported,
        reused=reused,
        failed=failed,
    )


def _core(task: Task, judge: Judge) -> Callable[[], Coroutine[Op[Any], Any, Verdict]]:
    return lambda: _judge(task, judge)


async def _judge(task: Task, judge: Judge) -> Verdict:
    """Ask the judge about one task, and note what it says.

    Raises:
        BudgetReached, ProviderError, ConfigError: it could not be asked; what was spent is noted.
    """
    tier, cost, calls = judge.tier, 0, 0
    readings: list[Reading] = []

    def verdict(reading: Reading, *, settled: bool, swapped: bool | None = None) -> Verdict:
        return Verdict(
            key=task.key, judge=judge.id, query_id=task.answer.query_id, tier=task.answer.tier,
            quality=reading.quality, reason=reading.reason, cost=cost, calls=calls, settled=settled, swapped=swapped,
        )  # fmt: skip

    for request in judge.rubric.requests(task.answer, task.against):
        asked = await ask(tier, request, seed=task.key, expires=math.inf, live=False)
        outcome = asked.outcome
        calls += asked.calls
        cost += sum(map(tier.cost, asked.billed))
        if isinstance(outcome, Completion):
            cost += price(tier, request, outcome)
            readings.append(judge.rubric.read(outcome))
            continue
        assert outcome is not None
        if isinstance(outcome, ContextOverflow):  # asking the same again will not mend it
            readings.append(Reading(math.nan, f"too long for the judge: {outcome}"))
            break
        calls -= isinstance(outcome, BudgetReached)  # it was stopped before anything was sent
        if cost:
            await Note(verdict(Reading(math.nan, str(outcome)), settled=False))
        raise outcome
    compared = len(readings) == 2 and not any(math.isnan(reading.quality) for reading in readings)
    found = verdict(_settle(readings), settled=True, swapped=_agrees(readings) if compared else None)
    await Note(found)
    return found


def _settle(readings: Sequence[Reading]) -> Reading:
    """Put the readings of one task together: a pair whose two orders disagree is a tie."""
    unclear = [reading for reading in readings if math.isnan(reading.quality)]
    if unclear:
        return unclear[0]
    if len(readings) == 1:
        return readings[0]
    if _agrees(readings):
        return Reading(readings[0].quality, "both orders agree")
    return Reading(0.5, "the verdict turned with the order, so it is a tie")


def _agrees(readings: Sequence[Reading]) -> bool:
    first, second = readings
    return first.quality == 1 - second.quality
