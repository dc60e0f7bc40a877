"""The straight line of one request, written once.

A coroutine over operations: it waits for nothing itself and knows no client, clock or database. A driver
performs what it awaits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from router.assess import Evidence
from router.auditing import Audit
from router.audits import chosen
from router.budget.ops import Posture, Survey
from router.cache.lookup import Lookup, kept, looked_up
from router.decision import Attempt, Response
from router.errors import (
    AllTiersFailed,
    BudgetExceeded,
    ConfigError,
    DeadlineExceeded,
    LedgerError,
    ProviderError,
    Throttled,
    TierwiseError,
)
from router.opening import Opening, embedded, opening, outline
from router.ops import Append, Now, Spare
from router.output.bounding import bounded, wanting
from router.plan import Birth, Plan
from router.policy import Run, State, Step
from router.retry import ask_whole
from router.shorten.shortening import shortened
from router.trace import Ending, Taken, answered, closed, failed, judged
from router.types import Completion, Request
from router.unasked import handed_over, refused, scope_of, within


async def cascade(request: Request, plan: Plan, birth: Birth) -> Response:
    """Serve one request: from the cache, or by asking tiers as far as the budgets allow; then write down why.

    Raises:
        InputError: the request cannot be served as written; nothing was sent or written.
        DeadlineExceeded: the deadline passed before any tier had answered.
        BudgetExceeded: a budget does not allow it, and the cache has no answer.
        Throttled: a rate limit leaves no room in time.
        ProviderError: a tier refused the request or the account; moving on would not help.
        AllTiersFailed: no tier that may answer did.
        LedgerError: the decision could not be written; it carries the response.
    """
    started = await Now()
    if request.deadline is not None and request.deadline <= 0:
        raise DeadlineExceeded("the deadline had passed before the request began; nothing was sent")
    expires = math.inf if request.deadline is None else started + request.deadline
    posture = Posture() if plan.gates is None or plan.gates.budgets is None else await Survey(request)
    found = await looked_up(request, plan.cache, lambda: scope_of(request, plan), expires=expires)
    if found.entry is not None:
        hit = handed_over(request, plan, birth, posture, found, await Now() - started)
        await _append(hit, request)
        return hit
    try:
        bounds = within(request, posture, plan)
        notes = [*posture.notes, *found.notes]
        return await _routed(bounds, plan, birth, found, notes, started, expires)
    except GeneratorExit:
        raise  # the driver was dropped, so nothing more may be awaited; a lease runs out by itself
    except BudgetExceeded as error:
        if error.decision is None:
            error.decision = refused(request, plan, birth, posture, found, await Now() - started, str(error))
            await Append(error.decision, request)
        await kept(found, request, plan.cache, None)
        raise
    except BaseException:
        await kept(found, request, plan.cache, None)
        raise


async def _append(response: Response, request: Request) -> None:
    """Write the decision of ``response`` down.

    Raises:
        LedgerError: it could not be written; it carries the response, which was paid for.
    """
    try:
        await Append(response.decision, request)
    except LedgerError as error:
        error.response, error.decision = response, response.decision
        raise


async def _routed(
    request: Request, plan: Plan, birth: Birth, found: Lookup, notes: list[str], started: float, expires: float
) -> Response:
    """Judge, call, judge the answer, perhaps escalate; hand the answer in to the cache, and write down why.

    ``notes`` gain what bears on the request. Raises as :func:`cascade`.
    """
    asking = request
    short = await shortened(request, plan.shorten, plan.assessor)
    request = short.request
    notes += short.notes
    opened = opening(request, plan, await embedded(request, plan))
    first = opened.rule.next(opened.state)
    assert isinstance(first, Run)
    draft = outline(request, plan, birth, opened, first, shortened=short.told)
    trail: list[Attempt | Taken] = list(opened.skipped)
    try:
        ending = await _climb(request, plan, opened, first, trail, birth.id, expires, notes)
    except GeneratorExit:
        raise
    except BaseException as error:
        draft = replace(draft, notes=tuple(notes))
        decision = closed(draft, plan.ladder, trail, None, await Now() - started, error=error)
        if isinstance(error, TierwiseError):
            error.decision = decision
        try:
            await Append(decision, request)
        except LedgerError as lost:
            error.add_note(str(lost))  # what ended the request matters more
        raise
    taken = await Now() - started
    rate = await _audit_rate(plan, ending)
    decision = closed(draft, plan.ladder, trail, ending, taken, best_single=plan.best_single, audit=rate)
    answer = next(item.completion for item in trail if isinstance(item, Taken) and item.rank == ending.stop.rank)
    response = Response(text=answer.text, decision=decision, tool_calls=answer.tool_calls, stop=answer.stop)
    note = await kept(found, asking, plan.cache, response)
    notes += () if note is None else (note,)
    if notes:
        response = replace(response, decision=replace(decision, notes=tuple(notes)))
    await _append(response, request)
    if ending.unasked is not None and chosen(decision.id, rate):
        tier = plan.ladder[ending.unasked]
        await Audit(tier, ending.unasked, request, response.decision, plan.assessor, ending.evidence, gates=plan.gates)
    return response


async def _audit_rate(plan: Plan, ending: Ending) -> float:
    """The probability with which the tier that was not asked is asked in the background."""
    if plan.audits is None or ending.unasked is None or not await Spare():
        return 0.0
    return plan.audits.rate(ending.quality[ending.stop.rank], ending.stop.threshold)


async def _climb(
    request: Request,
    plan: Plan,
    opened: Opening,
    step: Step,
    trail: list[Attempt | Taken],
    seed: str,
    expires: float,
    notes: list[str],
) -> Ending:
    """Take steps until the rule stops; ``trail`` gains each before anything else can go wrong."""
    evidence, state, rule = opened.evidence, opened.state, opened.rule
    sent = bounded(request, plan.output, state.quality)
    broken: dict[int, str] = {}
    while isinstance(step, Run):
        tier, run = plan.ladder[step.rank], step
        live = rule.final(state, run.rank)
        asked = await ask_whole(tier, request, sent, seed=seed, expires=expires, live=live, gates=plan.gates)
        notes += asked.notes
        if isinstance(asked.outcome, Completion):
            trail.append(answered(tier, run, asked, asked.outcome))
            wrong = wanting(sent, plan.output, asked.outcome)
            if wrong is not None:
                broken[run.rank] = wrong
            evidence = _observed(plan, evidence, run.rank, asked.outcome, broken)
            state = replace(
                state,
                run=(*state.run, run.rank),
                allowed=state.allowed - {run.rank},
                quality=evidence.quality,
                cost=evidence.cost,
            )
            step = rule.next(state)
            trail[-1] = judged(trail[-1], evidence, step, wrong=wrong)
        else:
            trail.append(failed(tier, run, asked))
            state = _after_failure(state, run.rank, asked.outcome, trail)
            step = rule.next(state)
    return Ending(step, evidence, state)


def _observed(plan: Plan, evidence: Evidence, rank: int, answer: Completion, broken: Mapping[int, str]) -> Evidence:
    """What is known with one more answer; those that are ``broken``, and why, have no chance."""
    found = plan.assessor.observe(evidence, rank, answer)
    if not broken:
        return found
    quality = tuple(0.0 if place in broken else chance for place, chance in enumerate(found.quality))
    return replace(found, quality=quality)


def _after_failure(state: State, rank: int, error: BaseException | None, trail: Sequence[Attempt | Taken]) -> State:
    """What may still be called when tier ``rank`` gave ``error``, or None when time had run out.

    A bad request, a bad key or a broken configuration ends the climb, and the answer in hand is kept.

    Raises:
        DeadlineExceeded, AllTiersFailed: nothing may be called and nothing was answered.
        BaseException: ``error`` itself, where no answer can follow it.
    """
    barred = isinstance(error, BudgetExceeded | Throttled)
    moves_on = barred or (isinstance(error, ProviderError) and error.escalates)
    shown = isinstance(error, ProviderError) and error.shown  # somebody has read part of this answer
    ours = error is None or barred or isinstance(error, ProviderError | ConfigError)
    if error is not None and (shown or not ours):
        raise error
    left = state.without(rank) if moves_on else replace(state, allowed=frozenset())
    if left.run or left.allowed:
        return left
    if error is None:
        raise DeadlineExceeded("the deadline passed before any tier had answered")
    if not moves_on or barred:
        raise error
    tried = "; ".join(f"{item.tier}: {item.reason}" for item in trail if isinstance(item, Attempt))
    raise AllTiersFailed(f"no tier answered ({tried})") from error
