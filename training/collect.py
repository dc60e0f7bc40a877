"""Collecting: the tiers that have not answered a request are asked afterwards, to have something to learn from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal

from router.auditing import Audit, audit
from router.decision import Attempt, Decision
from router.drivers import Shell, run_many
from router.errors import InputError, TierwiseError
from router.ledger import Ledger
from router.ops import Append, Now, Op, Send, Sleep
from router.plan import Birth, Plan
from router.shell import born
from router.types import Completion, Request
from training.draw import Drawn
from training.embedding import begin, embedded_before
from training.label.purse import BudgetReached, Purse
from training.label.purse import worst_case as worst_call

PATIENCE = 5
"""Requests in a row that fail before the work stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What became of the requests that lacked an answer.

    ``requests`` have them all now; of ``failed`` some tier failed, and a rerun asks it again. ``calls`` were answered,
    of them ``unreported`` without token counts, which count at the worst case in ``spent`` (nano-dollars). ``stopped``
    says whether the budget ended it.
    """

    requests: int
    failed: int
    calls: int
    unreported: int
    spent: int
    stopped: Literal["done", "budget"]


@dataclass(frozen=True, slots=True)
class _Hold(Op[None]):
    """Set nano-dollars aside.

    Raises:
        BudgetReached: they might be more than is left.
    """

    worst: int


@dataclass(frozen=True, slots=True)
class _Settle(Op[None]):
    """Give back what was set aside, and count what was spent."""

    worst: int
    spent: int


@dataclass(frozen=True, slots=True)
class _Done:
    """One request's calls: what they were billed in all, and which tiers failed."""

    decisions: tuple[Decision, ...]
    unreported: int


def collect(
    drawn: Sequence[Drawn],
    plan: Plan,
    *,
    ledger: Ledger,
    send: Callable[[Send], Completion],
    limit: int,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    workers: int = 4,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Collected:
    """Ask every tier that has not answered a request of ``drawn``, in that order; spend at most ``limit`` nano-dollars.

    Before a request's first call the worst case of all its calls, retries included, is set aside, so that none is left
    half asked for want of money. Each answer is in the ledger before it is counted, as a decision whose ``audit_of`` is
    the request's and whose propensity is the probability of the draw; so a rerun does not ask again. Where nothing is
    to be asked and the draw is a larger one than brought the answers, its probability is noted in the ledger. ``send``
    asks a tier once: the ``complete`` of the router's clients, or of a fake. ``clock`` and ``sleep`` are in seconds.

    When the budget ends it, the answers that are there stand, in the order of the draw, for the whole of it: a factor
    that all their weights lack, until a run with more budget has finished the draw.

    Raises:
        TierwiseError: tiers failed at five requests in a row.
        EmbedderError: the plan reads embeddings, and some prompt has none; nothing was asked or written.
        LedgerError: an answer could not be written.
        InputError: ``workers`` is below 1, or the limit is negative.
    """
    if workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}")
    purse = Purse(limit)
    todo = [one for one in drawn if one.missing]
    plan = embedded_before(plan, list(map(_request, todo)))
    shell: Shell = {
        Now: lambda _: clock(),
        Sleep: lambda op: sleep(op.seconds),
        Send: send,
        Append: lambda op: ledger.append(op.decision, op.request),
        _Hold: lambda op: purse.hold(op.worst),
        _Settle: lambda op: purse.settle(op.worst, op.spent),
    }
    for one in drawn:
        if one.understated:
            ledger.append(_note(one, born()), _request(one))
    stopped: Literal["done", "budget"] = "done"
    requests = failed = calls = unreported = in_a_row = 0
    with closing(run_many((_core(one, plan) for one in todo), shell, workers=workers)) as results:  # type: ignore[type-var]
        for done, result in enumerate(results, start=1):
            progress(done, len(todo))
            if isinstance(result, BudgetReached):
                stopped = "budget"  # requests that had begun are still to be counted; no other begins
                continue
            if isinstance(result, Exception):
                raise result
            broken = [decision for decision in result.decisions if decision.error is not None]
            calls += len(result.decisions) - len(broken)
            unreported += result.unreported
            failed, requests = failed + bool(broken), requests + (not broken)
            in_a_row = in_a_row + 1 if broken else 0
            if in_a_row == PATIENCE:
                raise TierwiseError(
                    f"{PATIENCE} requests in a row failed, the last at tier {broken[-1].start!r} ({broken[-1].error}); "
                    "what was collected is in the ledger, and running the same again goes on from there"
                )
    return Collected(
        requests=requests, failed=failed, calls=calls, unreported=unreported, spent=purse.spent, stopped=stopped
    )


def worst_case(one: Drawn, plan: Plan) -> int:
    """The most nano-dollars that collecting a request's missing answers can cost, retries included."""
    return sum(worst_call(plan.ladder[rank], _request(one)) * (1 + plan.ladder[rank].retries) for rank in one.missing)


def _core(one: Drawn, plan: Plan) -> Callable[[], Coroutine[Op[Any], Any, _Done]]:
    return lambda: _collect(one, plan, [born() for _ in one.missing])


async def _collect(one: Drawn, plan: Plan, births: Sequence[Birth]) -> _Done:
    """Ask the missing tiers of one request, cheapest first.

    Raises:
        BudgetReached: nothing was asked.
        LedgerError: an answer could not be written.
    """
    request, worst, spent, unreported = _request(one), worst_case(one, plan), 0, 0
    decisions: list[Decision] = []
    await _Hold(worst)
    try:
        evidence = begin(plan, request)
        for rank, birth in zip(one.missing, births, strict=True):
            tier = plan.ladder[rank]
            asking = Audit(tier, rank, request, one.entry.decision, plan.assessor, evidence, one.inclusion, "collected")
            decision = await audit(asking, id=birth.id, created=birth.created)
            decisions.append(decision)
            silent = decision.error is None and decision.attempts[0].usage is None
            unreported += silent
            spent += worst_call(tier, request) if silent else decision.cost
    finally:
        await _Settle(worst, spent)
    return _Done(tuple(decisions), unreported)


def _note(one: Drawn, birth: Birth) -> Decision:
    """A decision that only says with which probability the answers that are there would have been collected."""
    first, reason = one.entry.decision, "its answer is in the ledger; a larger draw would have collected it"
    attempts = tuple(
        Attempt(tier=name, model=name, verdict="skipped", reason=reason, propensity=one.inclusion) for name in one.later
    )
    return replace(
        first,
        id=birth.id,
        created=birth.created,
        start=one.later[0],
        reason=reason,
        attempts=attempts,
        propensity=one.inclusion,
        strong_cost=0,
        best_single_cost=None if first.best_single_cost is None else 0,
        latency=0.0,
        error=None,
        audit=0.0,
        audit_of=first.id,
    )


def _request(one: Drawn) -> Request:
    assert one.entry.request is not None
    return one.entry.request
