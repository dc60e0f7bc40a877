"""Requests for which no tier is asked: the cache has the answer, or a budget does not allow them."""

from __future__ import annotations

from dataclasses import replace

from router.budget.ops import Posture
from router.cache.key import Scope
from router.cache.lookup import Lookup
from router.decision import Attempt, Decision, FromCache, Response
from router.errors import BudgetExceeded
from router.plan import Birth, Plan
from router.types import Request


def scope_of(request: Request, plan: Plan) -> Scope:
    """What decides on ``request`` besides itself, for the key of its cached answer."""
    return Scope(
        policy=plan.policy_version,
        config=plan.config_version,
        profile=plan.choice.of(request),
        ladder=plan.ladder,
        sending=(plan.shorten, plan.output),
    )


def within(request: Request, posture: Posture, plan: Plan) -> Request:
    """The request as its budgets let it be routed.

    Raises:
        BudgetExceeded: they do not.
    """
    budget = posture.budget or ""
    if posture.refused is not None:
        raise BudgetExceeded(posture.refused, budget=budget, resets=posture.resets)
    if posture.cache_only:
        raise BudgetExceeded(
            f"budget {budget!r} lets only the cache answer now, and it has no answer",
            budget=budget,
            resets=posture.resets,
        )
    changes: dict[str, str] = {}
    if posture.profile is not None and plan.profiles is not None and posture.profile in plan.profiles:
        changes["profile"] = posture.profile
    if posture.ceiling is not None:
        cap = plan.ladder.rank(posture.ceiling, where="ceiling")
        span = plan.ladder.span(request.floor, request.ceiling)
        if span.start > cap:
            raise BudgetExceeded(
                f"budget {budget!r} lets no tier above {posture.ceiling} answer now, and the floor is {request.floor}",
                budget=budget,
                resets=posture.resets,
            )
        changes["ceiling"] = plan.ladder.names[min(cap, span.stop - 1)]
    return replace(request, **changes) if changes else request  # type: ignore[arg-type]


def _bare(request: Request, plan: Plan, birth: Birth) -> Decision:
    """The decision of a request for which no tier is asked."""
    return Decision(
        id=birth.id,
        created=birth.created,
        start="",
        reason="no tier was asked",
        tags=request.tags,
        user=request.user,
        session=request.session,
        prompt_hash=request.prompt_hash,
        policy_version=plan.policy_version,
        config_version=plan.config_version,
        upgraded_from=birth.upgraded_from,
        profile=plan.choice.of(request),
    )


def refused(
    request: Request, plan: Plan, birth: Birth, posture: Posture, found: Lookup, latency: float, error: str
) -> Decision:
    """The decision of a request that was refused before any tier was chosen."""
    return replace(
        _bare(request, plan, birth), latency=max(latency, 0.0), error=error, notes=(*posture.notes, *found.notes)
    )


def handed_over(
    request: Request, plan: Plan, birth: Birth, posture: Posture, found: Lookup, latency: float
) -> Response:
    """The cache's answer; it cost nothing, and the strongest tier would have been asked once more."""
    assert found.found is not None
    spent = () if posture.refused is None else (f"{posture.refused}; so only the cache could answer.",)
    entry = found.found.entry
    assert entry is not None
    kind, similarity = found.found.kind, found.found.similarity
    source = FromCache(
        kind=kind, decision=entry.decision, age=max(birth.created - entry.created, 0.0), similarity=similarity
    )
    like = "the same request" if kind == "exact" else f"a request that asks the same (similarity {similarity:.3f})"
    reason = f"the cache had its answer to {like}, {_ago(source.age)} old"
    attempt = Attempt(
        tier=entry.tier,
        model=entry.model,
        verdict="cached",
        reason=reason,
        confidence=entry.confidence,
        stop=entry.stop,
        text=entry.text,
    )
    decision = replace(
        _bare(request, plan, birth),
        start=entry.tier,
        reason="the cache had the answer",
        attempts=(attempt,),
        strong_cost=entry.strong_cost,
        best_single_cost=entry.best_single_cost,
        latency=max(latency, 0.0),
        cache=source,
        notes=(*posture.notes, *spent, *found.notes),
    )
    return Response(text=entry.text, decision=decision, tool_calls=entry.tool_calls, stop=entry.stop)


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
