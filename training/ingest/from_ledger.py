"""Observations of the ledger: decisions with their labels, and with the probabilities of what was seen."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from router.attribution import unrouted
from router.decision import ANSWERED, Attempt, Decision
from router.ledger import Ledger
from router.ledger.codec import Entry
from router.ledger.label import Label
from router.tiers import Ladder
from router.types import Completion, Request
from training.ingest.chances import Chances
from training.ingest.from_file import Skipped
from training.ingest.observation import Observation, estimate
from training.ingest.options import Options
from training.ingest.rejects import RefusedError, Reject
from training.ingest.tier_names import TierNames
from training.records import Outcome

_NO_TEXT = 'the ledger kept no text of this request; set `keep = "text"` under [ledger] for those to train on'


def observations(
    ledger: Ledger,
    ladder: Ladder,
    options: Options,
    chances: Chances,
    *,
    since: float | None = None,
    until: float | None = None,
) -> Iterator[Observation | Reject | Skipped]:
    """Yield what each answer of each decision from ``since`` until before ``until`` was, once for each label it has.

    A decision is a query, whatever else had the same prompt. What an audit's tier answered belongs to the decision
    that was audited. ``chances`` gains the probabilities of what was not asked.

    Raises:
        LedgerError: the ledger cannot be read.
        InputError: it names other tiers than ``ladder``; known, and raised, only at the end.
    """
    labels: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for label in ledger.labels():
        key = label.decision_id, label.tier
        # One that was replaced while it was read comes again.
        labels[key] = [old for old in labels[key] if (old.source, old.judge) != (label.source, label.judge)] + [label]
    tiers = TierNames(ladder, options.mapping)
    reader = _Reader(ladder, options, tiers, labels, chances)
    for entry in ledger.decisions(since, until):
        yield from reader.read(entry)
    reader.finish()
    if reader.answers:
        tiers.check(where="the ledger")


class _Reader:
    def __init__(
        self,
        ladder: Ladder,
        options: Options,
        tiers: TierNames,
        labels: dict[tuple[str, str], list[Label]],
        chances: Chances,
    ) -> None:
        self._ladder = ladder
        self._options = options
        self._tiers = tiers
        self._labels = labels
        self._chances = chances
        self._known: dict[str, float | None] = {}
        self._spared: list[str] = []
        self._framed = 0
        self.answers = 0

    def read(self, entry: Entry) -> Iterator[Observation | Reject | Skipped]:
        """Yield what one decision says."""
        decision = entry.decision
        if unrouted(decision):
            yield Skipped("it was called without the router")
            return
        answered = [attempt for attempt in decision.attempts if attempt.verdict in ANSWERED]
        path = _path(decision)
        query = decision.audit_of or decision.id
        if decision.audit_of is not None:
            if query not in self._known:
                yield Reject(decision.id, "audit_of", "it is an audit of a decision that was not read", query)
                return
            first = self._known[query]
            if first is not None and _collects(decision):
                # Every draw goes by the decision's one number, so the largest of their probabilities holds. Whatever
                # path the rule took, the collection saw the other tiers, so the path's probability is no factor of it.
                path = max(self._chances.collected.get(query, 0.0), decision.propensity)
                self._chances.collected[query] = path
                self._framed = len(self._spared)
                if not answered:
                    return
            else:
                path = None if first is None else first * decision.propensity
        else:
            self._known[query] = path
            self._unasked(decision, path)
        if entry.request is None:
            yield Reject(decision.id, "prompt", _NO_TEXT)
            return
        if not answered:
            yield Skipped("no tier answered")
            return
        for attempt in answered:
            self.answers += 1
            yield from self._answer(decision, entry.request, attempt, query, path)

    def finish(self) -> None:
        """Note that what a collection left out might have been in it, with a probability that the ledger does not say.

        A collection draws among the decisions before it.
        """
        for query in self._spared[: self._framed]:
            unasked = self._chances.by_query[query]
            unasked.update({name: math.nan for name, chance in unasked.items() if chance == 0})

    def _answer(
        self, decision: Decision, request: Request, attempt: Attempt, query: str, path: float | None
    ) -> Iterator[Observation | Reject | Skipped]:
        tier = self._tiers.tier(attempt.tier)
        if tier is None:
            known = self._tiers.knows(attempt.tier)
            reason = "it is no tier of the configuration"
            left_out = Skipped("its model is left out by the mapping")
            yield left_out if known else Reject(decision.id, "tier", reason, attempt.tier)
            return
        try:
            completion, estimated = self._completion(request, attempt)
        except RefusedError as refused:
            yield refused.at(decision.id)
            return
        place = decision.attempts.index(attempt)
        seen = path if decision.audit_of or path is None else _least(decision.attempts[: place + 1])
        for label in self._labels.get((decision.id, attempt.tier)) or (None,):
            yield Observation(
                place=decision.id,
                query_id=query,
                request=request,
                tier=tier,
                outcome=_outcome(completion, label),
                inclusion=seen,
                groups=_groups(request, decision),
                task=decision.tags.get("task", ""),
                estimated=estimated,
            )

    def _completion(self, request: Request, attempt: Attempt) -> tuple[Completion, bool]:
        usage, text = attempt.usage, attempt.text or ""
        if usage is None and self._options.tokens == "logged":
            raise RefusedError(
                "usage", "the server reported none, and a cost is never guessed unasked (--estimate-tokens)"
            )
        return (
            Completion(
                text=text,
                usage=estimate(request, text) if usage is None else usage,
                stop=attempt.stop or "end",
                latency=attempt.latency,
                model=attempt.model,
                request_id=attempt.request_id,
                signals=dict(attempt.signals),
            ),
            usage is None,
        )

    def _unasked(self, decision: Decision, path: float | None) -> None:
        """Note the probabilities of the tiers that were not asked, where the rule drew no lot.

        Such a rule asks them with probability 0, but for the one that may be audited.
        """
        if path != 1:
            return
        self._spared.append(decision.id)
        asked = {attempt.tier for attempt in decision.attempts}
        chances = {name: 0.0 for name in self._ladder.names if name not in asked}
        audited = _next(self._ladder, decision)
        if audited in chances:
            chances[audited] = decision.audit
        self._chances.by_query[decision.id] = chances


def _collects(decision: Decision) -> bool:
    """Whether it was written by a collection, and not by an audit."""
    return not any(attempt.verdict == "audited" for attempt in decision.attempts) and any(
        attempt.verdict in ("collected", "skipped") for attempt in decision.attempts
    )


def _path(decision: Decision) -> float | None:
    """The probability of the decision's steps; None for an upgrade, which the caller asked for."""
    return None if decision.upgraded_from is not None else _least(decision.attempts)


def _least(attempts: tuple[Attempt, ...]) -> float:
    """The probability of having taken these steps: the least of theirs, since one draw decides a request's path."""
    return min((attempt.propensity for attempt in attempts), default=1.0)


def _next(ladder: Ladder, decision: Decision) -> str:
    """The tier that an audit would ask: the first one stronger than the last asked."""
    asked = [attempt.tier for attempt in decision.attempts if attempt.verdict != "skipped"]
    last = ladder.names.index(asked[-1]) if asked and asked[-1] in ladder.names else len(ladder)
    skipped = {attempt.tier for attempt in decision.attempts}
    return next((name for name in ladder.names[last + 1 :] if name not in skipped), "")


def _outcome(completion: Completion, label: Label | None) -> Outcome:
    if label is None:
        return Outcome(completion, math.nan)
    return Outcome(completion, label.quality, source=label.source, weight=label.weight, judge=label.judge)


def _groups(request: Request, decision: Decision) -> tuple[str, ...]:
    session = request.session or decision.session
    named = {"session": session, **{kind: decision.tags.get(kind) for kind in ("conversation", "tenant")}}
    return tuple(f"{kind}:{key}" for kind, key in named.items() if key)
