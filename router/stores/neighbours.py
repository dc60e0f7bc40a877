"""Questions that were answered, by their vectors: which of them ask the same as one that comes now."""

from __future__ import annotations

import hashlib
import struct
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from router.cache.semantic.facts import VERSION as GATES_VERSION
from router.cache.semantic.gates import shut
from router.cache.semantic.search import Near, Vectors
from router.cache.semantic.settings import SemanticSettings
from router.errors import CacheError
from router.features import Floats
from router.ledger.redact import redact
from router.stores.per_process import PerProcess

_HEAD = struct.Struct("<BI")
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """Questions that ask the same as far as their vectors and the gates tell, the nearest first; ``note`` says what
    went wrong.
    """

    found: tuple[Near, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A vector that another process may have written: its number ``seq``, which only grows, its key and its bytes."""

    seq: int
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class News:
    """What came to a shelf since it was last read. ``clears`` counts how often everything was forgotten."""

    rows: Sequence[Row]
    clears: int


class Rows(Protocol):
    """Vectors by shelf, outside of the process; any number of threads. Raises CacheError with a clause on why."""

    def news(self, shelf: str, seen: int) -> News:
        """The rows of ``shelf`` whose number is above ``seen``, the lowest first."""
        ...

    def put(self, shelf: str, key: str, body: bytes) -> None:
        """Keep a row under a new number, and let the oldest go where there are too many."""
        ...

    def drop(self, shelf: str, key: str) -> None:
        """Forget a row."""
        ...

    def clear(self) -> None:
        """Forget all rows of all shelves."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(slots=True)
class _Shelf:
    """One group's vectors as far as this process has read them."""

    vectors: Vectors
    seen: int = 0
    clears: int = -1


@dataclass(slots=True)
class _Known:
    """What one process knows: its shelves, and all their questions, those that came first at the front."""

    shelves: dict[str, _Shelf] = field(default_factory=dict)
    order: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self.shelves.clear()
            self.order.clear()


class Neighbours:
    """Finds questions that ask the same among those of one scope: what all but the last turn of a request must equal.

    The vectors are searched in this process. With a store they outlive it and reach others: each lookup first asks the
    store what is new. A store that is down is a note, and what this process knows is searched all the same. No answer
    lies here, only its key: whoever finds that the answer is gone drops the question. A process that was forked begins
    with none.
    """

    def __init__(self, settings: SemanticSettings) -> None:
        self._settings = settings
        self._rows = _rows_in(settings)
        self._known = PerProcess(_Known)

    @property
    def waits(self) -> bool:
        """Whether the store is a disk or a network."""
        return self._rows is not None

    def update(self, settings: SemanticSettings) -> None:
        """Go on with other settings."""
        before, self._settings = self._settings, settings
        if _place(before) != _place(settings):
            old, self._rows = self._rows, _rows_in(settings)
            self._known().clear()
            if old is not None:
                old.close()

    def nearest(self, text: str, scope: str, vector: Floats) -> Nearby:
        """The questions of ``scope`` that may be taken for ``text``, whose ``vector`` (d,) is of length 1."""
        settings, name = self._settings, self._named(scope)
        known, note = self._known(), self._caught_up(name)
        with known.lock:
            shelf = known.shelves.get(name)
            if shelf is None or shelf.vectors.dimension != len(vector):
                return Nearby(note=note)
            near = shelf.vectors.nearest(vector, count=settings.candidates, least=settings.threshold)
        return Nearby(found=tuple(each for each in near if shut(text, each.text) is None), note=note)

    def add(self, key: str, text: str, scope: str, vector: Floats) -> str | None:
        """Take up a question whose answer is kept under ``key``; a note where it could not be."""
        if not vector.any():
            return None  # the embedder found nothing in it, so it is near to nothing
        if redact(text) != text:
            return "Its question is not found by meaning, because it holds what looks like an API key."
        name = self._named(scope)
        if self._rows is not None:
            try:
                self._rows.put(name, key, _packed(text, vector))
            except (CacheError, ImportError) as error:
                return _told(error)
            return None  # the next lookup reads it
        known = self._known()
        with known.lock:
            self._take(known, name, key, text, vector)
        return None

    def drop(self, scope: str, key: str) -> None:
        """Forget a question, because its answer is gone."""
        known, name = self._known(), self._named(scope)
        with known.lock:
            self._forget(known, name, key)
        if self._rows is not None:
            try:
                self._rows.drop(name, key)
            except (CacheError, ImportError):
                return  # whoever meets it next drops it

    def clear(self) -> str | None:
        """Forget all questions; a note where the store could not be reached."""
        self._known().clear()
        if self._rows is not None:
            try:
                self._rows.clear()
            except (CacheError, ImportError) as error:
                return _told(error)
        return None

    def size(self) -> int:
        """How many questions this process knows."""
        return len(self._known().order)

    def close(self) -> None:
        """Let go of connections, and of what is in memory."""
        self._known().clear()
        if self._rows is not None:
            self._rows.close()

    def _named(self, scope: str) -> str:
        """The shelf of a scope: vectors of other models, and questions of other gates, stand elsewhere."""
        told = f"{scope}\0{self._settings.identity}\0{GATES_VERSION}"
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _caught_up(self, name: str) -> str | None:
        """Read what other processes wrote; a note where that cannot be."""
        if self._rows is None:
            return None
        known = self._known()
        shelf = known.shelves.get(name)
        seen, clears = (0, -1) if shelf is None else (shelf.seen, shelf.clears)
        try:
            news = self._rows.news(name, seen)
            if news.clears != clears and seen:
                news = self._rows.news(name, 0)
        except (CacheError, ImportError) as error:
            return _told(error)
        with known.lock:
            shelf = known.shelves.get(name)
            if shelf is not None and shelf.clears != news.clears:
                for key in [key for shelved, key in known.order if shelved == name]:
                    self._forget(known, name, key)
                known.shelves.pop(name, None)
                shelf = None
            for row in news.rows:
                if shelf is None or row.seq > shelf.seen:
                    self._read(known, name, row)
            shelf = known.shelves.get(name)
            if shelf is not None:
                shelf.clears = news.clears
                shelf.seen = max([shelf.seen, *(row.seq for row in news.rows)])
        return None

    def _read(self, known: _Known, name: str, row: Row) -> None:
        try:
            text, vector = _unpacked(row.body)
        except ValueError:
            return  # of another version, or damaged: it is as if it were not there
        self._take(known, name, row.key, text, vector)

    def _take(self, known: _Known, name: str, key: str, text: str, vector: Floats) -> None:
        shelf = known.shelves.get(name)
        if shelf is None:
            shelf = known.shelves[name] = _Shelf(Vectors(len(vector)))
        if shelf.vectors.dimension != len(vector):
            return
        shelf.vectors.add(key, text, vector)
        known.order[name, key] = None
        known.order.move_to_end((name, key))
        while len(known.order) > self._settings.max_entries:
            self._forget(known, *next(iter(known.order)))

    def _forget(self, known: _Known, name: str, key: str) -> None:
        known.order.pop((name, key), None)
        shelf = known.shelves.get(name)
        if shelf is not None:
            shelf.vectors.remove(key)
            if not len(shelf.vectors) and self._rows is None:
                del known.shelves[name]


def _packed(text: str, vector: Floats) -> bytes:
    told = text.encode("utf-8", "surrogatepass")
    return _HEAD.pack(_FORMAT, len(told)) + told + vector.astype("<f4").tobytes()


def _unpacked(body: bytes) -> tuple[str, Floats]:
    """The text and the vector of a row.

    Raises:
        ValueError: it is none.
    """
    if len(body) < _HEAD.size:
        raise ValueError("too short")
    format_, length = _HEAD.unpack_from(body)
    numbers = body[_HEAD.size + length :]
    if format_ != _FORMAT or not numbers or len(numbers) % 4:
        raise ValueError("of another format")
    vector = np.frombuffer(numbers, "<f4").astype(np.float64)
    if not abs(float(np.linalg.norm(vector)) - 1.0) < 1e-3:
        raise ValueError("no vector of length 1")
    return body[_HEAD.size : _HEAD.size + length].decode("utf-8", "surrogatepass"), vector


def _told(error: Exception) -> str:
    return f"The cache was not searched by meaning as far as it could be: {error}."


def _rows_in(settings: SemanticSettings) -> Rows | None:
    """The store that ``settings`` name, not yet connected; None for the process's own memory."""
    if settings.store == "sqlite":
        from router.stores.neighbours_sqlite import SqliteRows

        assert settings.path is not None
        return SqliteRows(settings.path, most=settings.max_entries, timeout=settings.store_timeout)
    if settings.store == "redis":
        from router.stores.neighbours_redis import RedisRows

        assert settings.url is not None
        return RedisRows(
            settings.url,
            namespace=settings.namespace,
            password_env=settings.password_env,
            most=settings.max_entries,
            timeout=settings.store_timeout,
        )
    return None


def _place(settings: SemanticSettings) -> tuple[object, ...]:
    """What makes a store another one."""
    return (
        *(settings.store, settings.path, settings.url, settings.password_env, settings.namespace),
        *(settings.store_timeout, settings.max_entries),
    )
