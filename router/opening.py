"""What is settled before the first call: what the prompt says, which tiers may answer, which rule decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from router.assess import UNEMBEDDED, Evidence
from router.decision import Attempt, Decision, Shortened
from router.embed import readable
from router.errors import EmbedderError, InputError, PromptTooLong
from router.features import Floats
from router.ops import Embed
from router.plan import Birth, Plan
from router.policy import Rule, Run, State
from router.types import Request

CHARS_PER_TOKEN = 6
"""More characters than nearly any token holds: a prompt is called too long only when it surely is."""

EMBEDDING = 5.0
"""Seconds after which a prompt is judged without its embedding; half of its deadline, where that is less."""


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
    span = ladder.span(request.floor, request.ceiling)
    if not span:
        raise InputError(f"floor={request.floor!r} is stronger than ceiling={request.ceiling!r}")
    tokens = sum(len(message.content) for message in request.messages) // CHARS_PER_TOKEN
    allowed = frozenset(rank for rank in span if tokens <= ladder[rank].context)
    if not allowed:
        widest = max((ladder[rank] for rank in span), key=lambda tier: tier.context)
        raise PromptTooLong(tokens=tokens, largest=widest.context, tier=widest.name)
    skipped = tuple(
        Attempt(
            tier=ladder[rank].name,
            model=ladder[rank].model,
            verdict="skipped",
            reason=f"the prompt is about {tokens:,} tokens and its window {ladder[rank].context:,}",
        )
        for rank in span
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


def outline(
    request: Request, plan: Plan, birth: Birth, opened: Opening, first: Run, *, shortened: Shortened | None = None
) -> Decision:
    """The decision before any call: which tier starts, and why; ``shortened`` is what was done to the prompt."""
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
        shortened=shortened,
    )
