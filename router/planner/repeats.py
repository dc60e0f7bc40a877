"""The exact cache: how many requests were asked before, and what answering them again cost."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

from router.cache.settings import TENANT, CacheSettings
from router.planner.history import Past
from router.planner.lever import Lever, percent
from router.planner.period import Daily, Period
from router.pricing import usd

_TTLS: Mapping[str, float] = {"1h": 3600.0, "1d": 86_400.0, "7d": 604_800.0}


class Repeats:
    """Replays the requests in their order against a cache that keeps what the pipeline would keep.

    Equal are requests whose kept JSON is the same; where no text was kept, those whose messages have the same hash,
    which knows neither temperature nor tools nor bounds, and folds white space.
    """

    def __init__(self, period: Period, settings: CacheSettings | None) -> None:
        self._on = settings is not None
        self._settings = settings or CacheSettings()
        self._kept: dict[bytes, tuple[float, ...]] = {}
        self._own = {name: Daily(period) for name in (*_TTLS, "set")}
        self._shared = Daily(period)
        self._requests = self._repeats = self._hashed = self._served = self._spent = 0

    def __call__(self, past: Past) -> None:
        """Look one request up, and keep its answer."""
        if past.audit_of is not None or not past.prompt_hash or past.upgraded_from is not None:
            return  # an upgrade asks again on purpose
        self._requests += 1
        self._spent += past.cost
        self._served += past.cache == "exact"
        if past.request is None:
            self._hashed += 1
        elif not self._settings.sampled and past.sampled:
            return
        what = past.prompt_hash if past.request is None else past.request
        tenant = past.tags.get(TENANT)
        owners = [tenant, *map(past.owner, self._settings.per)]
        own, shared = _digest(what, owners), _digest(what, [tenant])
        # What the cache answered cost nothing; the answer it came from is older than this ledger's part, or in it.
        ttl = self._settings.age_of(past.tags)
        for name, fresh in zip(self._own, self._looked_up(b"own" + own, past, (*_TTLS.values(), ttl)), strict=True):
            if fresh:
                self._own[name].add(past.created, past.cost)
                self._repeats += name == "set"
        if self._looked_up(b"all" + shared, past, (ttl,))[0]:
            self._shared.add(past.created, past.cost)

    def lever(self) -> Lever:
        """What such a cache would have saved, at the configuration's age or a day."""
        settings, saves = self._settings, self._own["set"].estimate()
        shared = self._shared.estimate().monthly
        apart = ", ".join(settings.per) or "tenant"
        why = (
            f"{self._repeats:,} of {self._requests:,} requests ({percent(self._repeats, self._requests)}) were asked "
            f"before within {settings.ttl / 3600:g} h by the same {apart}; answering them again cost "
            f"{percent(self._own['set'].total, self._spent)} of the spend."
        )
        if shared > saves.monthly:
            why += " Shared between users it is the larger sum."
        if self._hashed:
            why += (
                f" {self._hashed:,} were compared by the hash of their messages alone, which may find too many equal."
            )
        figures = {
            "requests": self._requests,
            "repeats": self._repeats,
            "compared_by_hash": self._hashed,
            "answered_by_the_cache": self._served,
            "ttl": settings.ttl,
            "per": list(settings.per),
            "saved_in_period": usd(self._own["set"].total),
            "monthly_by_ttl": {name: usd(self._own[name].estimate().monthly) for name in _TTLS},
            "monthly_shared_between_users": usd(shared),
        }
        return Lever(
            name="cache",
            on=self._on,
            saves=saves,
            at_most=max(shared, *(self._own[name].estimate().monthly for name in _TTLS)),
            why=why,
            figures=figures,
            risk='An answer may be as old as its ttl; a question about now needs freshness = "live".',
            switch='[cache]\nttl = "1d"\nper = ["tenant", "user"]   # without "user", users share answers',
        )

    def _looked_up(self, key: bytes, past: Past, ttls: tuple[float, ...]) -> list[bool]:
        """For each of the ages, whether there is an answer no older; where there is none, this one is kept."""
        made = self._kept.get(key, (-math.inf,) * len(ttls))
        found = [ttl > 0 and past.created - when <= ttl for when, ttl in zip(made, ttls, strict=True)]
        returned = past.returned
        if returned is not None and returned.stop not in ("refusal", "length", "tool_calls"):
            self._kept[key] = tuple(when if hit else past.created for when, hit in zip(made, found, strict=True))
        return found


def _digest(what: str, owners: list[str | None]) -> bytes:
    return hashlib.blake2b(repr((what, owners)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
