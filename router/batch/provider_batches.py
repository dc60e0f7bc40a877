"""Providers' batches from their intent to their results: created once, found again after a crash, fetched once."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from router.batch.apis import Item
from router.batch.journal import Journal
from router.batch.means import Means, api_of
from router.batch.records import Intent, Place
from router.batch.settings import LARGEST
from router.errors import BatchError, MalformedAnswer, ProviderError, Unauthorized
from router.ops import Send
from router.providers.faults import malformed
from router.tiers import Tier

MOST_BYTES = 90_000_000
"""Of the bodies of one batch; OpenAI takes files of 200 MB, Anthropic calls of 256 MB."""

PATIENCE = 8
"""Calls of a batch API in a row that may fail before the run stops; it can be gone on with."""

_FIRST_LOOK = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parked:
    """A call that waits for its batch; ``since`` is on the monotonic clock. Compared by identity."""

    owner: Any
    send: Send
    place: Place
    item: Item
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What a parked call came to: ``raw`` is what the provider sent, ``latency`` in seconds. With neither ``raw`` nor
    ``error`` the call was not taken, and is to be sent as if for the first time.
    """

    parked: Parked
    raw: Mapping[str, Any] | None = None
    error: ProviderError | None = None
    latency: float = 0.0


@dataclass(slots=True)
class _Open:
    """One batch that is under way. ``next`` is when to see to it, ``failures`` how many calls in a row have failed."""

    intent: Intent
    tier: Tier
    next: float
    pause: float
    items: dict[str, Parked] = field(default_factory=dict)
    failures: int = 0


class ProviderBatches:
    """All batches of one journal that are under way, those of an earlier process too.

    Raises:
        BatchError: a provider cannot be reached, or refuses the account; what was done is kept.
    """

    def __init__(self, means: Means, journal: Journal, *, report: Callable[[str], None]) -> None:
        self._means, self._journal, self._report = means, journal, report
        self._open: dict[str, _Open] = {}
        self._anew = 0

    def adopt(self, tiers: Mapping[str, Tier]) -> None:
        """Go on with what an earlier process left."""
        for intent in self._journal.under_way():
            tier = tiers.get(intent.tier)
            if tier is None:
                raise BatchError(
                    f"{self._journal.path}: a batch of tier {intent.tier!r} is under way, and the configuration has no "
                    "such tier; go on with the configuration that it was begun with"
                )
            if intent.tried is None:
                self._journal.drop(intent.id)  # its calls are made anew
                continue
            self._open[intent.id] = self._opened(intent, tier)
            self._report(f"{tier.name}: going on with a batch of {intent.size:,} requests")

    def __len__(self) -> int:
        return len(self._open)

    def holds(self, intent: str | None) -> bool:
        """Whether a batch is under way."""
        return intent in self._open

    def join(self, intent: str, custom_id: str, parked: Parked) -> None:
        """Wait for an item of a batch that is under way already."""
        self._open[intent].items[custom_id] = parked

    def begin(self, tier: Tier, parked: Sequence[Parked]) -> None:
        """Write down that these calls are to be sent, in as many batches as they need."""
        for share in _shares(parked):
            id = os.urandom(8).hex()
            intent = Intent(id=id, tier=tier.name, size=len(share), created=self._means.wall())
            items = {f"{id}-{place}": each for place, each in enumerate(share)}
            self._journal.intend(intent, {custom: each.place for custom, each in items.items()})
            self._open[id] = self._opened(intent, tier, items)

    @property
    def due(self) -> float:
        """When, on the monotonic clock, something is to be done next; infinite when nothing is under way."""
        return min((each.next for each in self._open.values()), default=math.inf)

    def advance(self) -> Iterator[Back]:
        """Do what is due: create, look for, or fetch batches."""
        now = self._means.clock()
        for each in [each for each in self._open.values() if each.next <= now]:
            new = each.intent.provider_id is None and each.intent.tried is None
            try:
                yield from self._seen_to(each)
            except ProviderError as error:
                if new:
                    yield from self._refused(each, error)
                else:
                    self._failed(each, error)
            else:
                each.failures = 0

    def _seen_to(self, each: _Open) -> Iterator[Back]:
        api, timeout = api_of(each.tier.api), self._means.settings.timeout
        intent = each.intent
        if intent.provider_id is None and intent.tried is None:
            items = {custom: parked.item for custom, parked in each.items.items()}
            with self._reaching(each.tier) as client:
                self._tried(each)
                provider_id = api.create(client, intent.id, items, timeout=timeout)
            self._created(each, provider_id)
            self._report(f"{each.tier.name}: a batch of {intent.size:,} requests was created ({provider_id})")
            return
        if intent.provider_id is None:
            with self._reaching(each.tier) as client:
                found = api.find(client, intent, self._journal.known(), timeout=timeout)
            if found.id is not None:
                self._created(each, found.id)
                self._report(f"{each.tier.name}: its batch was found again ({found.id})")
            elif found.sure and self._means.wall() >= (intent.tried or 0.0) + self._means.settings.grace:
                yield from self._dropped(each)
            else:
                self._later(each)
            return
        with self._reaching(each.tier) as client:
            results = api.results(client, intent.provider_id, timeout=timeout)
        if results is None:
            self._later(each)
            return
        missing = {"ended": results.ended}
        customs = self._journal.customs(intent.id)
        raws = {custom: results.raws.get(custom, missing) for custom in customs if custom not in results.again}
        self._journal.collect(intent.id, raws, results.again)
        del self._open[intent.id]
        self._report(f"{each.tier.name}: the batch of {intent.size:,} requests has {results.ended}")
        latency = max(self._means.wall() - intent.created, 0.0)
        for custom, parked in each.items.items():
            yield Back(parked=parked, raw=raws.get(custom), latency=latency)

    @contextmanager
    def _reaching(self, tier: Tier) -> Iterator[Any]:
        """The client of ``tier``; an answer of it that is not of the form that was promised is an error of our tree."""
        assert self._means.reaching is not None
        try:
            with self._means.reaching(tier) as client:
                yield client
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as raised:
            raise malformed(tier, f"is not of the expected form ({raised!r})") from raised

    def _refused(self, each: _Open, error: ProviderError) -> Iterator[Back]:
        """The creation of a batch failed: where it is the requests that were refused, so that nothing was created, the
        half that is not to blame is not to suffer.
        """
        if error.retryable or isinstance(error, MalformedAnswer):
            self._failed(each, error)
            return
        parked = list(each.items.values())
        self._drop(each)
        if isinstance(error, Unauthorized):
            self._failed(each, error)
        if len(parked) == 1:
            yield Back(parked=parked[0], error=error)
        else:
            half = len(parked) // 2
            self.begin(each.tier, parked[:half])
            self.begin(each.tier, parked[half:])

    def _failed(self, each: _Open, error: ProviderError) -> None:
        if error.retryable or isinstance(error, MalformedAnswer):
            each.failures += 1
            if each.failures > PATIENCE:
                raise BatchError(
                    f"the batch API of tier {each.tier.name!r} failed {each.failures} times in a row ({error}); "
                    "what was done is kept, so go on later"
                ) from error
            pause = min(0.5 * 2.0**each.failures, self._means.settings.poll)
            each.next = self._means.clock() + max(pause, error.retry_after or 0.0)
        else:
            raise BatchError(f"{error}; what was done is kept, so go on when that is put right") from error

    def _dropped(self, each: _Open) -> Iterator[Back]:
        self._drop(each)
        self._anew += 1
        if self._anew > PATIENCE:
            raise BatchError(
                f"the batch API of tier {each.tier.name!r} took none of {self._anew} batches in a row; what was done "
                "is kept, so go on later"
            )
        self._report(f"{each.tier.name}: a batch of {each.intent.size:,} requests was never created; it is sent anew")
        for parked in each.items.values():
            yield Back(parked=parked)

    def _drop(self, each: _Open) -> None:
        self._journal.drop(each.intent.id)
        del self._open[each.intent.id]

    def _opened(self, intent: Intent, tier: Tier, items: dict[str, Parked] | None = None) -> _Open:
        pause = min(_FIRST_LOOK, self._means.settings.poll)
        return _Open(intent, tier, self._means.clock(), pause, items or {})

    def _tried(self, each: _Open) -> None:
        now = self._means.wall()
        self._journal.trying(each.intent.id, now)
        each.intent = replace(each.intent, tried=now)

    def _created(self, each: _Open, provider_id: str) -> None:
        self._journal.created(each.intent.id, provider_id)
        self._anew = 0
        each.intent = replace(each.intent, provider_id=provider_id)
        self._later(each)

    def _later(self, each: _Open) -> None:
        each.next = self._means.clock() + each.pause
        each.pause = min(each.pause * 1.5, self._means.settings.poll)


def _shares(parked: Iterable[Parked]) -> Iterator[list[Parked]]:
    """As many lists as it takes for none to be too large; the items of one share their headers."""
    share: list[Parked] = []
    size = 0
    for each in sorted(parked, key=lambda one: one.item.headers):
        length = len(str(each.item.body))
        other = bool(share) and share[0].item.headers != each.item.headers
        if share and (other or len(share) >= LARGEST or size + length > MOST_BYTES):
            yield share
            share, size = [], 0
        share.append(each)
        size += length
    if share:
        yield share
