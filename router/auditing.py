"""One audit: a tier that a decision spared, asked all the same when nobody waits for it any more."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from router.assess import Assessor, Evidence
from router.decision import Attempt, Decision
from router.gates import Gates
from router.ops import Append, Op
from router.policy import Run
from router.retry import ask
from router.signals import NAMES
from router.tiers import Tier
from router.trace import answered, failed
from router.types import Completion, Request

REASON = "to learn whether the cheaper answer was good enough"
_REASONS = {"audited": REASON, "collected": "to have every tier's answer to train on"}


@dataclass(frozen=True, slots=True)
class Audit(Op[None]):
    """Begin to ask ``tier``, of this ``rank``, in the background; never fails, and waits for nothing.

    ``decision`` is the one that it is an audit of, ``evidence`` what was known when that was made. ``propensity`` is
    the probability of the draw, None for the decision's own; ``verdict`` is what its answer is called. It passes the
    same ``gates`` as other calls.
    """

    tier: Tier
    rank: int
    request: Request
    decision: Decision
    assessor: Assessor
    evidence: Evidence
    propensity: float | None = None
    verdict: Literal["audited", "collected"] = "audited"
    gates: Gates | None = None

    @property
    def expected_cost(self) -> int:
        """Nano-dollars that it is expected to cost."""
        return self.decision.expected_cost.get(self.tier.name, 0)


async def audit(op: Audit, *, id: str, created: float) -> Decision:
    """Ask the tier, and write its answer down as a decision of this ``id``; ``created`` is in seconds since the epoch.

    The deadline was the first answer's, so it binds nothing here. A tier that fails is written down as well: it was
    part of the draw.

    Raises:
        LedgerError: it could not be written.
    """
    first, reason = op.decision, _REASONS[op.verdict]
    propensity = first.audit if op.propensity is None else op.propensity
    request = replace(op.request, deadline=None)
    run = Run(op.rank, reason, propensity=propensity)
    asked = await ask(op.tier, request, seed=id, expires=math.inf, live=False, gates=op.gates)
    if isinstance(asked.outcome, Completion):
        attempt = _audited(op, answered(op.tier, run, asked, asked.outcome).attempt, asked.outcome)
    else:
        attempt = failed(op.tier, run, asked)
    decision = replace(
        first,
        id=id,
        created=created,
        start=op.tier.name,
        reason=reason,
        attempts=(attempt,),
        propensity=propensity,
        strong_cost=0,
        best_single_cost=None if first.best_single_cost is None else 0,
        latency=asked.latency,
        upgraded_from=None,
        error=attempt.reason if attempt.verdict == "failed" else None,
        audit=0.0,
        audit_of=first.id,
        cache=None,
        notes=asked.notes,
    )
    await Append(decision, request)
    if asked.outcome is not None and not isinstance(asked.outcome, Completion | Exception):
        raise asked.outcome  # a cancelled task stays cancelled
    return decision


def _audited(op: Audit, attempt: Attempt, answer: Completion) -> Attempt:
    """The answer with its confidence and its signals, as an escalation would have had them."""
    attempt = replace(attempt, verdict=op.verdict)
    try:
        evidence = op.assessor.observe(op.evidence, op.rank, answer)
    except Exception:  # noqa: BLE001 - it was paid for, so it is written down unjudged
        return attempt
    confidence = evidence.quality[op.rank]
    signals = zip(NAMES, evidence.answers[-1].signals.tolist(), strict=True)
    return replace(
        attempt,
        reason=_REASONS[op.verdict],
        confidence=None if math.isnan(confidence) else confidence,
        signals={name: value for name, value in signals if not math.isnan(value)},
    )
