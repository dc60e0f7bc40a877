"""What became of each unit of an A/B test: read from the ledger and its labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from router.abtest.experiment import TAG, Arm, Experiment
from router.decision import Decision
from router.ledger import Label, Ledger
from router.ledger.label import SOURCES


@dataclass(slots=True)
class Tally:
    """Sums over one arm; money in nano-dollars. Upgrades are those of its requests, asked for later."""

    requests: int = 0
    failed: int = 0
    escalated: int = 0
    cached: int = 0
    cost: int = 0
    capped: int = 0
    labelled: int = 0
    upgrades: int = 0
    upgrades_cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One request of an arm: ``quality`` is NaN without a label, ``labelled_at`` when it came (infinity: not yet)."""

    created: float
    cost: float
    quality: float = math.nan
    labelled_at: float = math.inf


@dataclass(slots=True)
class UnitLog:
    """The requests of one user, session or request, and the arms it was seen in: two, where its arm was changed."""

    first: float
    arms: set[Arm] = field(default_factory=set)
    requests: list[Observed] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that the ledger says of an experiment.

    ``outside`` counts the requests that it did not take since it began. ``weighted`` counts labels of answers that were
    chosen for labelling with unequal chances.
    """

    tallies: Mapping[Arm, Tally]
    units: tuple[UnitLog, ...]
    outside: int
    weighted: int


def read(ledger: Ledger, test: Experiment, *, since: float | None, until: float | None, cap: int | None) -> Reading:
    """Read the decisions from ``since`` until before ``until`` that are tagged as ``test``'s, and their labels.

    A request costs ``cap`` nano-dollars at most. Audits and what was collected later are left out: they are paid to
    learn from. Upgrades are counted, and are not requests.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    labels = _best_labels(ledger)
    tallies: dict[Arm, Tally] = {"a": Tally(), "b": Tally()}
    units: dict[str, UnitLog] = {}
    outside = weighted = 0
    for decision in _decisions(ledger, since, until):
        arm = test.arm_in(decision.tags.get(TAG))
        if arm is None:
            outside += bool(units) and decision.upgraded_from is None
            continue
        tally = tallies[arm]
        if decision.upgraded_from is not None:
            tally.upgrades += 1
            tally.upgrades_cost += decision.cost
            continue
        label = labels.get((decision.id, decision.tier or ""))
        _count(tally, decision, label, cap)
        weighted += label is not None and label.weight != 1
        unit = units.setdefault(_unit(test, decision), UnitLog(decision.created))
        unit.arms.add(arm)
        cost = decision.cost if cap is None else min(decision.cost, cap)
        seen = Observed(created=decision.created, cost=float(cost))
        if label is not None:
            seen = Observed(
                created=decision.created, cost=float(cost), quality=label.quality, labelled_at=label.created
            )
        unit.requests.append(seen)
    return Reading(tallies=tallies, units=tuple(units.values()), outside=outside, weighted=weighted)


def _decisions(ledger: Ledger, since: float | None, until: float | None) -> Iterator[Decision]:
    return (entry.decision for entry in ledger.decisions(since, until) if entry.decision.audit_of is None)


def _count(tally: Tally, decision: Decision, label: Label | None, cap: int | None) -> None:
    tally.requests += 1
    tally.failed += decision.accepted is None
    tally.escalated += decision.escalated
    tally.cached += decision.cache is not None
    tally.cost += decision.cost
    tally.capped += cap is not None and decision.cost > cap
    tally.labelled += label is not None


def _unit(test: Experiment, decision: Decision) -> str:
    named = {"user": decision.user, "session": decision.session, "request": decision.id}[test.unit]
    return named or decision.id


def _best_labels(ledger: Ledger) -> dict[tuple[str, str], Label]:
    """The most trusted label of each answer, of equals the newest."""
    best: dict[tuple[str, str], Label] = {}
    for label in ledger.labels():
        key = label.decision_id, label.tier
        if key not in best or SOURCES.index(label.source) <= SOURCES.index(best[key].source):
            best[key] = label
    return best
