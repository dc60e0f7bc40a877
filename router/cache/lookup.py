"""The cache's place in the pipeline: look an answer up, wait for one that is being made, hand one in."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from router.cache.key import Scope, key_of
from router.cache.ops import Cached, Fetch, Fetched, FetchedStep, Keep, Nearest
from router.cache.rules import entry_of, is_cached
from router.cache.semantic.question import asked, blanked
from router.cache.semantic.settings import SemanticSettings
from router.cache.settings import CacheSettings
from router.decision import Response
from router.errors import BundleError, EmbedderError
from router.features import Floats
from router.ops import Embed, Now, Sleep
from router.types import Request

F = TypeVar("F", Fetched, FetchedStep)

OPEN = 10.0
"""Seconds for which nobody waits for an answer after one came that may not be kept: the next may not be either."""

_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What looking up came to. ``found`` holds the answer, where there is one; ``key`` is None for a request that is
    not cached at all, or whose cache is down.

    ``asked`` and ``scope`` are what was looked up; ``vector`` (d,) and ``group`` are where it is kept by meaning.
    """

    found: Fetched | None = None
    key: str | None = None
    notes: tuple[str, ...] = ()
    asked: Request | None = None
    scope: Scope | None = None
    vector: Floats | None = None
    group: str | None = None

    @property
    def entry(self) -> Cached | None:
        """The answer that will do, None where there is none."""
        return None if self.found is None else self.found.entry


async def looked_up(
    request: Request, settings: CacheSettings | None, scope: Callable[[], Scope], *, expires: float
) -> Lookup:
    """Look ``request`` up, exactly and then by meaning; ``expires`` is on the monotonic clock.

    Where somebody is making the same answer now, wait for it: for half of the time that is left at most, so that there
    is enough to make it after all. ``scope`` is asked for only where there is a cache.

    Raises:
        InputError: the request names a freshness or a tier that the configuration does not have.
    """
    if settings is None or not is_cached(request, settings):
        return Lookup()
    decided = scope()
    key = key_of(request, decided, settings)
    if key is None:
        return Lookup(notes=("It was not looked up in the cache: a schema in it is not JSON.",))
    told = await settled(lambda: Fetch(key, request), wait=settings.wait, expires=expires)
    found = told.found
    lookup = Lookup(found=found, key=key, notes=told.notes, asked=request, scope=decided)
    if found.entry is not None or settings.semantic is None or found.lease is None:
        out = found.entry is None and found.lease is None and found.note is not None
        return replace(lookup, key=None) if out else lookup
    try:
        return await _by_meaning(lookup, request, settings, settings.semantic, expires)
    except GeneratorExit:
        raise  # nothing more may be awaited; the lease runs out by itself
    except BaseException:
        await kept(lookup, request, settings, None)
        raise


@dataclass(frozen=True, slots=True)
class Settled(Generic[F]):
    """What was ``found`` in the end, and what to note of it."""

    found: F
    notes: tuple[str, ...] = ()


async def settled(ask: Callable[[], Awaitable[F]], *, wait: float = math.inf, expires: float = math.inf) -> Settled[F]:
    """Ask until nobody else is making the answer, ``wait`` seconds at most."""
    found = await ask()
    if not found.busy:
        return Settled(found, () if found.note is None else (found.note,))
    began = now = await Now()
    until = began + min(wait, (expires - began) / 2)
    pause = _FIRST_PAUSE
    while now < until:
        await Sleep(min(pause, until - now))
        pause = min(2 * pause, _LONGEST_PAUSE)
        found = await ask()
        now = await Now()
        if not found.busy:
            break
    notes: tuple[str, ...] = () if found.note is None else (found.note,)
    took = max(now - began, 0.0)
    if found.busy:
        notes = (*notes, f"It waited {took:.2f} s for the same request, which is being answered, and then went on.")
    elif found.lease is None and found.note is None:
        notes = (f"It waited {took:.2f} s for the same request, which was being answered.",)
    return Settled(found, notes)


async def _by_meaning(
    lookup: Lookup, request: Request, settings: CacheSettings, semantic: SemanticSettings, expires: float
) -> Lookup:
    """Look for the answer to a question that asks the same; the lease on the exact key is given back where one is."""
    blank = blanked(request)
    if blank is None:
        return lookup
    assert lookup.scope is not None
    group = key_of(blank, lookup.scope, settings)
    assert group is not None  # the request itself has a key
    left = math.inf if expires == math.inf else expires - await Now()
    try:
        vectors = await Embed(semantic.embedder, (asked(request),), max(min(semantic.timeout, left / 2), 0.0))
    except (EmbedderError, BundleError) as error:
        return replace(lookup, notes=(*lookup.notes, f"The cache was not searched by meaning: {error}."))
    vector: Floats = vectors[0]
    near = await Nearest(request, vector, group)
    notes = lookup.notes if near.note is None else (*lookup.notes, near.note)
    if near.entry is None:
        return replace(lookup, vector=vector, group=group, notes=notes)
    note = await kept(lookup, request, settings, None)
    return replace(lookup, found=near, notes=notes if note is None else (*notes, note))


async def kept(
    lookup: Lookup, request: Request, settings: CacheSettings | None, response: Response | None
) -> str | None:
    """Hand in ``response`` where it may be cached, and give the lease back in any case; a note on what went wrong.

    ``request`` is the one that was answered: where a budget changed it, its answer is not that of the one looked up.
    """
    if settings is None or lookup.key is None or lookup.found is None or lookup.entry is not None:
        return None
    assert lookup.asked is not None
    assert lookup.scope is not None
    entry = None
    if response is not None and request == lookup.asked:
        entry = entry_of(response, settings, lookup.scope.ladder.names)
    lease = lookup.found.lease
    if entry is None and lease is None:
        return None
    return await Keep(
        lookup.key,
        lease,
        lookup.asked,
        entry,
        vector=None if entry is None else lookup.vector,
        group=lookup.group,
        open=OPEN if entry is None and response is not None else 0.0,
    )
