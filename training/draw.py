"""Which requests of a ledger have every tier's answer collected, and with which probability each was drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from router.audits import number_of
from router.decision import ANSWERED, Decision
from router.ledger import Entry, Ledger
from router.tiers import Ladder
from training.label.candidates import margin_of
from training.label.choose import inclusion_of

By = Literal["margin", "uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One request that was drawn. ``missing``: the ranks that have not answered it, cheapest first.

    ``inclusion`` is the probability with which all its answers are observed, and ``recorded`` what the ledger says of
    that so far; ``later`` are the tiers whose answers an audit or an earlier collection brought.
    """

    entry: Entry
    missing: tuple[int, ...]
    inclusion: float
    recorded: float
    later: tuple[str, ...]

    @property
    def understated(self) -> bool:
        """Whether nothing is to be asked, and the ledger's probability is that of a smaller draw."""
        return not self.missing and bool(self.later) and self.recorded < self.inclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What was drawn, in the order of the draw, from how many ``candidates``."""

    drawn: tuple[Drawn, ...]
    candidates: int


@dataclass(slots=True)
class _Candidate:
    """A decision of which nothing is kept in memory but numbers. ``margin`` is how far it was from a tie."""

    answered: set[str]
    margin: float
    recorded: float
    later: list[str] = field(default_factory=list)


def draw(
    ledger: Ledger,
    ladder: Ladder,
    count: int,
    *,
    by: By = "margin",
    since: float | None = None,
    until: float | None = None,
) -> Draw:
    """Draw ``count`` requests of the ledger, those made from ``since`` until before ``until``; all if there are fewer.

    The probabilities are the label planner's (``by`` "margin"): half spread evenly, half by how near a tie each
    decision was; as long as nothing is trained, nothing is known of ties, and they are all alike. Or they are all alike
    ("uniform"). A request's place in the draw is its permanent random number over its probability (sequential Poisson
    sampling, Ohlsson 1998), so that the probabilities hold to about one part in ``count``. The number is the one that
    audits go by: a larger draw contains the smaller one and the audits that were likelier, and nothing is asked twice.

    Not drawn from: requests of which no text was kept, that no tier answered, that were upgrades, whose tiers the
    caller bounded, or that do not fit every tier's window.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    candidates = _candidates(ledger.decisions(since, until), ladder)
    n = len(candidates)
    if not n:
        return Draw(drawn=(), candidates=0)
    ids = list(candidates)
    count = min(count, n)
    margin = np.array([candidates[id].margin for id in ids])
    inclusion = inclusion_of(count, margin=margin) if by == "margin" else np.full(n, count / n)
    place = np.array([number_of(id) for id in ids]) / inclusion
    chosen = {ids[row]: float(inclusion[row]) for row in np.argsort(place, kind="stable")[:count]}
    entries = {entry.decision.id: entry for entry in ledger.decisions(since, until) if entry.decision.id in chosen}
    return Draw(drawn=tuple(_drawn(entries[id], candidates[id], chosen[id], ladder) for id in chosen), candidates=n)


def _drawn(entry: Entry, candidate: _Candidate, inclusion: float, ladder: Ladder) -> Drawn:
    return Drawn(
        entry=entry,
        missing=tuple(rank for rank, name in enumerate(ladder.names) if name not in candidate.answered),
        inclusion=min(max(inclusion, entry.decision.audit, candidate.recorded), 1.0),
        recorded=candidate.recorded,
        later=tuple(candidate.later),
    )


def _candidates(entries: Iterable[Entry], ladder: Ladder) -> Mapping[str, _Candidate]:
    found: dict[str, _Candidate] = {}
    for entry in entries:
        decision = entry.decision
        answered = [attempt.tier for attempt in decision.attempts if attempt.verdict in ANSWERED]
        if decision.audit_of is not None:
            first = found.get(decision.audit_of)
            if first is not None:
                first.answered.update(answered)
                first.later += answered
                first.recorded = max(first.recorded, decision.propensity)
        elif answered and _eligible(entry, decision, ladder):
            margin = margin_of(decision.attempts)
            found[decision.id] = _Candidate(set(answered), margin, recorded=0.0)
    return found


def _eligible(entry: Entry, decision: Decision, ladder: Ladder) -> bool:
    request = entry.request
    return (
        request is not None
        and request.floor is None
        and request.ceiling is None
        and decision.upgraded_from is None
        and not any(attempt.verdict == "skipped" for attempt in decision.attempts)
        and all(math.isfinite(attempt.propensity) for attempt in decision.attempts)
        and {attempt.tier for attempt in decision.attempts} <= set(ladder.names)
    )
