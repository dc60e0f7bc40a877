"""The straight line of one request, written once.

A coroutine over operations: it waits for nothing itself and knows no client, clock or database. A driver
performs what it awaits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from router.assess import UNEMBEDDED, Assessor, Evidence
from router.auditing import Audit
from router.audits import Audits, chosen
from router.decision import Attempt, Decision, Response
from router.embed import Embedder, readable
from router.errors import (
    AllTiersFailed,
    ConfigError,
    DeadlineExceeded,
    EmbedderError,
    InputError,
    LedgerError,
    PromptTooLong,
    ProviderError,
    TierwiseError,
)
from router.features import Floats
from router.ops import Append, Embed, Now, Spare
from router.policy import Rule, Run, State, Step
from router.profiles import Choice
from router.retry import ask
from router.tiers import Ladder
from router.trace import Ending, Taken, answered, closed, failed, judged
from router.types import Completion, Request

CHARS_PER_TOKEN = 6
"""More characters than nearly any token holds: a prompt is called too long only when it surely is."""

EMBEDDING = 5.0
"""Seconds after which a prompt is judged without its embedding; half of its deadline, where that is less."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a router decides with; replaced as a whole when the configuration is reloaded.

    ``profiles`` are the rules by name; None where there is one ``rule``, for requests of every profile. ``choice`` says
    which profile a request has that does not say so itself. ``audits``: how often a stronger tier is asked after an
    answer was accepted, None for never. ``fallen`` is why a safer rule is in force than the bundle's, None when the
    bundle's is. ``embedder`` embeds the prompts, for a classifier that reads their embeddings.
    """

    ladder: Ladder
    assessor: Assessor
    rule: Rule
    best_single: str | None = None
    policy_version: str = ""
    config_version: str = ""
    profiles: Mapping[str, Rule] | None = None
    choice: Choice = field(default_factory=Choice)
    audits: Audits | None = None
    fallen: str | None = None
    embedder: Embedder | None = None

    def rule_of(self, profile: str) -> Rule:
        """The rule of ``profile``.

        Raises:
            InputError: the bundle has no such profile.
        """
        if self.profiles is None:
            return self.rule
        found = self.profiles.get(profile)
        if found is None:
            raise InputError(f"profile={profile!r} is not in the bundle; it has {', '.join(sorted(self.profiles))}")
        return found


@dataclass(frozen=True, slots=True)
class Birth:
    """The identity of one request: its id, and when it came, in seconds since the epoch."""

    id: str
    created: float
    upgraded_from: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A prompt's ``vector`` (d,), None where the policy reads none, or why it was ``lost``."""

    vector: Floats | None = None
    lost: str | None = None


_UNREAD = Embedded()


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known before the first call, and the rule that goes by it. ``lost`` is why there is no embedding."""

    profile: str
    rule: Rule
    evidence: Evidence
    state: State
    skipped: tuple[Attempt, ...]
    prompt_hash: str
    lost: str | None = None


async def embedded(request: Request, plan: Plan) -> Embedded:
    """Embed the prompt where the policy reads that. An embedder that fails or is slow does not lose the request."""
    if plan.embedder is None:
        return _UNREAD
    timeout = EMBEDDING if request.deadline is None else min(EMBEDDING, request.deadline / 2)
    try:
        return Embedded((await Embed(plan.embedder, (readable(request),), timeout))[0])
    except EmbedderError as error:
        return Embedded(UNEMBEDDED, str(error))


def opening(request: Request, plan: Plan, seen: Embedded = _UNREAD) -> Opening:
    """Judge the prompt, and settle which tiers may answer it and which rule says which of them does.

    Raises:
        UnknownTier: floor or ceiling names no tier.
        InputError: the bundle has no such profile.
        InputError: floor is above ceiling.
        PromptTooLong: no tier that may answer can hold the prompt.
    """
    ladder = plan.ladder
    profile = plan.choice.of(request)
    rule = plan.rule_of(profile)
    low = 0 if request.floor is None else ladder.rank(request.floor, where="floor")
    high = len(ladder) - 1 if request.ceiling is None else ladder.rank(request.ceiling, where="ceiling")
    if low > high:
        raise InputError(f"floor={request.floor!r} is stronger than ceiling={request.ceiling!r}")
    tokens = sum(len(message.content) for message in request.messages) // CHARS_PER_TOKEN
    allowed = frozenset(rank for rank in range(low, high + 1) if tokens <= ladder[rank].context)
    if not allowed:
        widest = max(ladder.tiers[low : high + 1], key=lambda tier: tier.context)
        raise PromptTooLong(tokens=tokens, largest=widest.context, tier=widest.name)
    skipped = tuple(
        Attempt(
            tier=ladder[rank].name,
            model=ladder[rank].model,
            verdict="skipped",
            reason=f"the prompt is about {tokens:,} tokens and its window {ladder[rank].context:,}",
        )
        for rank in range(low, high + 1)
        if rank not in allowed
    )
    evidence = plan.assessor.begin(request, embedding=seen.vector)
    prompt_hash = request.prompt_hash
    draw = drawn(prompt_hash)
    state = State(run=(), allowed=allowed, quality=evidence.quality, cost=evidence.cost, draw=draw)
    return Opening(profile, rule, evidence, state, skipped, prompt_hash, seen.lost)


def drawn(prompt_hash: str) -> float:
    """The number in [0, 1) by which a mixture of two rules chooses for this prompt."""
    return int(prompt_hash[:12], 16) / 16**12


def outline(request: Request, plan: Plan, birth: Birth, opened: Opening, first: Run) -> Decision:
    """The decision before any call: which tier starts, and why."""
    names = plan.ladder.names
    quality = opened.evidence.quality
    reason = first.reason
    if request.floor is not None or request.ceiling is not None:
        bounds = [f"{key} {value}" for key, value in (("floor", request.floor), ("ceiling", request.ceiling)) if value]
        reason += f" (within {' and '.join(bounds)})"
    if plan.fallen is not None:
        reason += f" (a safer policy is in force: {plan.fallen})"
    if opened.lost is not None:
        reason += f" (decided without the prompt's embedding: {opened.lost})"
    return Decision(
        id=birth.id,
        created=birth.created,
        start=names[first.rank],
        reason=reason,
        attempts=opened.skipped,
        suffices={} if any(map(math.isnan, quality)) else dict(zip(names, quality, strict=True)),
        expected_cost={name: round(cost) for name, cost in zip(names, opened.evidence.cost, strict=True)},
        tags=request.tags,
        user=request.user,
        session=request.session,
        prompt_hash=opened.prompt_hash,
        policy_version=plan.policy_version,
        config_version=plan.config_version,
        upgraded_from=birth.upgraded_from,
        profile=opened.profile,
    )


async def cascade(request: Request, plan: Plan, birth: Birth) -> Response:
    """Route one request: judge, call, judge the answer, perhaps escalate; then write down why.

    Raises:
        InputError: the request cannot be served as written; nothing was sent or written.
        DeadlineExceeded: the deadline passed before any tier had answered.
        ProviderError: a tier refused the request or the account; moving on would not help.
        AllTiersFailed: no tier that may answer did.
        LedgerError: the decision could not be written; it carries the response.
    """
    started = await Now()
    if request.deadline is not None and request.deadline <= 0:
        raise DeadlineExceeded("the deadline had passed before the request began; nothing was sent")
    opened = opening(request, plan, await embedded(request, plan))
    first = opened.rule.next(opened.state)
    assert isinstance(first, Run)
    draft = outline(request, plan, birth, opened, first)
    trail: list[Attempt | Taken] = list(opened.skipped)
    expires = math.inf if request.deadline is None else started + request.deadline
    try:
        ending = await _climb(request, plan, opened, first, trail, birth.id, expires)
    except GeneratorExit:
        raise  # the driver was dropped, so nothing more may be awaited
    except BaseException as error:
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
    try:
        await Append(decision, request)
    except LedgerError as error:
        error.response, error.decision = response, decision  # it was paid for
        raise
    if ending.unasked is not None and chosen(decision.id, rate):
        tier = plan.ladder[ending.unasked]
        await Audit(tier, ending.unasked, request, decision, plan.assessor, ending.evidence)
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
) -> Ending:
    """Take steps until the rule stops; ``trail`` gains each before anything else can go wrong."""
    evidence, state, rule = opened.evidence, opened.state, opened.rule
    while isinstance(step, Run):
        tier, run = plan.ladder[step.rank], step
        asked = await ask(tier, request, seed=seed, expires=expires, live=rule.final(state, run.rank))
        if isinstance(asked.outcome, Completion):
            trail.append(answered(tier, run, asked, asked.outcome))
            evidence = plan.assessor.observe(evidence, run.rank, asked.outcome)
            state = replace(
                state,
                run=(*state.run, run.rank),
                allowed=state.allowed - {run.rank},
                quality=evidence.quality,
                cost=evidence.cost,
            )
            step = rule.next(state)
            trail[-1] = judged(trail[-1], evidence, step)
        else:
            trail.append(failed(tier, run, asked))
            state = _after_failure(state, run.rank, asked.outcome, trail)
            step = rule.next(state)
    return Ending(step, evidence, state)


def _after_failure(state: State, rank: int, error: BaseException | None, trail: Sequence[Attempt | Taken]) -> State:
    """What may still be called when tier ``rank`` gave ``error``, or None when time had run out.

    A bad request, a bad key or a broken configuration ends the climb, and the answer in hand is kept.

    Raises:
        DeadlineExceeded, AllTiersFailed: nothing may be called and nothing was answered.
        BaseException: ``error`` itself, where no answer can follow it.
    """
    moves_on = isinstance(error, ProviderError) and error.escalates
    shown = isinstance(error, ProviderError) and error.shown  # somebody has read part of this answer
    ours = error is None or isinstance(error, ProviderError | ConfigError)
    if error is not None and (shown or not ours):
        raise error
    left = state.without(rank) if moves_on else replace(state, allowed=frozenset())
    if left.run or left.allowed:
        return left
    if error is None:
        raise DeadlineExceeded("the deadline passed before any tier had answered")
    if not moves_on:
        raise error
    tried = "; ".join(f"{item.tier}: {item.reason}" for item in trail if isinstance(item, Attempt))
    raise AllTiersFailed(f"no tier answered ({tried})") from error
