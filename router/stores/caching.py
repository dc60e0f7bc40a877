"""Performs what the pipeline asks of the cache of answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from router.cache.entry import decode, decode_result, encode, encode_result
from router.cache.ops import Cached, Clear, Fetch, Fetched, FetchedStep, FetchStep, Keep, KeepStep, Nearest, Result
from router.cache.semantic.question import asked
from router.cache.settings import CacheSettings
from router.drivers import Shell
from router.errors import CacheError
from router.ledger.redact import redact
from router.stores.answers import Stock, Unreachable, answers_in
from router.stores.hold_off import HoldOff
from router.stores.neighbours import Neighbours

E = TypeVar("E", Cached, Result)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found(Generic[E]):
    """As :class:`router.cache.ops.Fetched`, of any kind of entry."""

    entry: E | None = None
    lease: str | None = None
    busy: bool = False
    note: str | None = None


class Caching:
    """Performs what the pipeline asks of the cache of answers; what goes wrong with its store is a note.

    ``clock`` is monotonic, ``wall`` counts seconds from the epoch.
    """

    def __init__(
        self,
        settings: CacheSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._clock, self._wall = settings, clock, wall
        self._answers = answers_in(settings, clock=clock, wall=wall)
        self._hold_off = HoldOff(Unreachable, clock=clock)
        self._neighbours = None if settings.semantic is None else Neighbours(settings.semantic)

    @property
    def waits(self) -> bool:
        """Whether the store is a disk or a network, or many vectors are searched, which takes milliseconds."""
        return self._answers.waits or self._neighbours is not None

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        return {
            Fetch: self._fetch,
            Nearest: self._nearest,
            Keep: self._keep,
            FetchStep: self._fetch_step,
            KeepStep: self._keep_step,
            Clear: self._clear,
        }

    def update(self, settings: CacheSettings) -> None:
        """Go on with other settings; what is in memory is lost when the store is another one."""
        before, self._settings = self._settings, settings
        if _store(before) != _store(settings):
            old, self._answers = self._answers, answers_in(settings, clock=self._clock, wall=self._wall)
            self._hold_off.end()
            old.close()
        if settings.semantic is None:
            return  # requests under way may still look; they find what there was
        if self._neighbours is None:
            self._neighbours = Neighbours(settings.semantic)
        else:
            self._neighbours.update(settings.semantic)

    def close(self) -> None:
        """Let go of connections, and of what is in memory."""
        self._answers.close()
        if self._neighbours is not None:
            self._neighbours.close()

    def stock(self) -> Stock:
        """What the store holds. Reads all of it, so for a person who asks and not for a request.

        Raises:
            CacheError: it cannot be read.
        """
        return self._answers.stock()

    def _fetch(self, op: Fetch) -> Fetched:
        found = self._looked_up(op.key, decode, self._settings.max_age(op.request))
        return Fetched(entry=found.entry, lease=found.lease, busy=found.busy, note=found.note)

    def _fetch_step(self, op: FetchStep) -> FetchedStep:
        found = self._looked_up(op.key, decode_result, op.max_age)
        return FetchedStep(result=found.entry, lease=found.lease, busy=found.busy, note=found.note)

    def _nearest(self, op: Nearest) -> Fetched:
        """The answer to the nearest question that still has one; a question without is forgotten."""
        neighbours = self._neighbours
        if neighbours is None:
            return Fetched()
        near = neighbours.nearest(asked(op.request), op.group, op.vector)
        note = near.note
        for each in near.found:
            try:
                blob = self._hold_off.ask(partial(self._answers.get, each.key))
            except (CacheError, ImportError) as error:
                return Fetched(note=_told(error))
            if blob is None:
                neighbours.drop(op.group, each.key)
                continue
            found = self._read(blob, decode, self._settings.max_age(op.request))
            if found.entry is not None:
                return Fetched(entry=found.entry, kind="semantic", similarity=each.similarity, note=note)
            note = found.note or note
        return Fetched(note=note)

    def _keep(self, op: Keep) -> str | None:
        if op.entry is None:
            return self._released(op.key, op.lease, op.open)
        blob = encode(op.entry, op.request.tags)
        note = self._put(op.key, blob, ttl=self._settings.max_age(op.request), lease=op.lease)
        if note is None and op.vector is not None and op.group is not None and self._neighbours is not None:
            return self._neighbours.add(op.key, asked(op.request), op.group, op.vector)
        return note

    def _keep_step(self, op: KeepStep) -> str | None:
        if op.result is None:
            return self._released(op.key, op.lease, 0.0)
        return self._put(op.key, encode_result(op.result, op.tags), ttl=op.ttl, lease=op.lease)

    def _clear(self, op: Clear) -> int | None:
        dropped = self._answers.clear(op.tag, op.value)
        if op.tag is None and self._neighbours is not None:  # one whose answer is gone is dropped when it is met
            note = self._neighbours.clear()
            if note is not None:
                raise CacheError(note)
        return dropped

    def _looked_up(self, key: str, read: Callable[[bytes], E], max_age: float) -> _Found[E]:
        """The entry of ``key`` if it is young enough, else a lease on it; a store that is down is a note."""
        try:
            return self._hold_off.ask(lambda: self._found(key, read, max_age))
        except (CacheError, ImportError) as error:
            return _Found(note=_told(error))

    def _found(self, key: str, read: Callable[[bytes], E], max_age: float) -> _Found[E]:
        seen = self._answers.get(key)
        found = self._read(seen, read, max_age)
        if found.entry is not None:
            return found
        token = os.urandom(8).hex()
        claim = self._answers.claim(key, seen=seen, token=token, seconds=self._settings.lease)
        if claim.value is not None:  # it was made between the two words
            return self._read(claim.value, read, max_age)
        return _Found(lease=token if claim.granted else None, busy=claim.busy, note=found.note)

    def _read(self, blob: bytes | None, read: Callable[[bytes], E], max_age: float) -> _Found[E]:
        if blob is None:
            return _Found()
        try:
            entry = read(blob)
        except ValueError as error:
            return _Found(note=f"The cached answer could not be used, since {error}; a new one takes its place.")
        return _Found(entry=entry) if self._wall() - entry.created <= max_age else _Found()

    def _put(self, key: str, blob: bytes, *, ttl: float, lease: str | None) -> str | None:
        """Keep an entry; what went wrong is a note, and the lease is given back in any case."""
        text = blob.decode("ascii")
        if redact(text) != text:
            self._released(key, lease, 0.0)
            return "Its answer was not cached, because it or a tag holds what looks like an API key."
        try:
            self._hold_off.ask(lambda: self._answers.put(key, blob, ttl=ttl, token=lease))
        except (CacheError, ImportError) as error:
            if not isinstance(error, Unreachable):
                self._released(key, lease, 0.0)
            return _told(error)
        return None

    def _released(self, key: str, lease: str | None, passing: float) -> str | None:
        if lease is None:
            return None
        try:
            self._hold_off.ask(lambda: self._answers.release(key, token=lease, passing=passing))
        except (CacheError, ImportError) as error:
            return _told(error)
        return None


def _told(error: CacheError | ImportError) -> str:
    return f"The cache was not used: {error}."


def _store(settings: CacheSettings) -> tuple[object, ...]:
    """What makes a store another one."""
    return (
        *(settings.store, settings.path, settings.url, settings.password_env, settings.namespace),
        *(settings.max_entries, settings.max_bytes, settings.timeout),
    )
