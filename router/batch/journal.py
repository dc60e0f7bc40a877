"""The journal of a batch: what was asked, what was sent, what came back, in one SQLite file that survives anything.

Whatever costs money is written down before it is done, and again after.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from router.batch.records import Intent, Line, Outcome, Place, Sent, Tally
from router.errors import BatchError

VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE requests (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, content TEXT NOT NULL, birth TEXT NOT NULL, created REAL NOT NULL,
    posture TEXT, outcome TEXT, failed INTEGER, cost INTEGER, standard INTEGER, batched INTEGER
);
CREATE TABLE batches (
    intent TEXT PRIMARY KEY, tier TEXT NOT NULL, size INTEGER NOT NULL, created REAL NOT NULL, tried REAL,
    provider_id TEXT, state TEXT NOT NULL
);
CREATE TABLE sends (
    request TEXT NOT NULL, key TEXT NOT NULL, nth INTEGER NOT NULL, intent TEXT, custom_id TEXT, raw TEXT,
    settled INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (request, key, nth)
);
CREATE INDEX sends_by_intent ON sends (intent);
CREATE INDEX requests_open ON requests (position) WHERE outcome IS NULL;
"""
_TALLY = (
    "SELECT count(*), count(outcome), coalesce(sum(failed), 0), coalesce(sum(batched), 0), coalesce(sum(cost), 0), "
    "coalesce(sum(standard), 0), (SELECT count(*) FROM batches WHERE provider_id IS NOT NULL), "
    "(SELECT count(*) FROM batches WHERE state IN ('intended', 'created')) FROM requests"
)


class Journal:
    """One file, for one process at a time and any of its threads.

    Raises:
        BatchError: another process works on it, or it cannot be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._held = _locked(path)
        try:
            path.touch(mode=0o600)  # it holds prompts and answers
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")  # an intent must outlive the loss of power, too
            self._migrate()
        except (sqlite3.Error, OSError) as error:
            os.close(self._held)
            raise BatchError(f"{path}: the journal cannot be opened ({error})") from error
        except BatchError:
            os.close(self._held)
            raise

    def close(self) -> None:
        """Let go of the file; another process may go on with it."""
        with self._lock:
            self._db.close()
            if self._held >= 0:
                os.close(self._held)
                self._held = -1

    def note(self, key: str, value: str) -> str:
        """What is noted under ``key``; ``value`` from now on where there was nothing."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, value))
            (found,) = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(found)

    def add(self, lines: Iterable[Line]) -> None:
        """Write requests down; those that are there stay as they are."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO requests (id, position, content, birth, created) VALUES (?, ?, ?, ?, ?)",
                ((line.id, line.position, line.content, line.birth, line.created) for line in lines),
            )

    def waiting(self) -> list[Line]:
        """The requests without an outcome, in order."""
        rows = self._read(
            "SELECT id, position, content, birth, created, posture FROM requests "
            "WHERE outcome IS NULL ORDER BY position"
        )
        names = ("id", "position", "content", "birth", "created", "posture")
        return [Line(**dict(zip(names, row, strict=True))) for row in rows]

    def surveyed(self, request: str, posture: str) -> None:
        """Note what the budgets said of a request before anything was sent for it."""
        with self._writing() as db:
            db.execute("UPDATE requests SET posture = ? WHERE id = ? AND posture IS NULL", (posture, request))

    def finish(self, outcomes: Mapping[str, Outcome]) -> None:
        """Write outcomes down, by request; the first of each stays."""
        with self._writing() as db:
            db.executemany(
                "UPDATE requests SET outcome = ?, failed = ?, cost = ?, standard = ?, batched = ? "
                "WHERE id = ? AND outcome IS NULL",
                (
                    (each.line, each.failed, each.cost, each.standard, each.batched, request)
                    for request, each in outcomes.items()
                ),
            )

    def outcomes(self) -> Iterator[str]:
        """The outcomes, in the order of their requests, as lines of JSON."""
        for (line,) in self._read("SELECT outcome FROM requests WHERE outcome IS NOT NULL ORDER BY position"):
            yield str(line)

    def intend(self, intent: Intent, places: Mapping[str, Place]) -> None:
        """Write a batch down, before it is created; ``places`` by the custom ids of its items."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO batches VALUES (?, ?, ?, ?, NULL, NULL, 'intended')",
                (intent.id, intent.tier, intent.size, intent.created),
            )
            db.executemany(
                "INSERT OR REPLACE INTO sends (request, key, nth, intent, custom_id) VALUES (?, ?, ?, ?, ?)",
                ((at.request, at.key, at.nth, intent.id, custom) for custom, at in places.items()),
            )

    def trying(self, intent: str, now: float) -> None:
        """Note that the creation of a batch is attempted now."""
        with self._writing() as db:
            db.execute("UPDATE batches SET tried = ? WHERE intent = ?", (now, intent))

    def created(self, intent: str, provider_id: str) -> None:
        """Note what the provider calls a batch."""
        with self._writing() as db:
            db.execute("UPDATE batches SET provider_id = ?, state = 'created' WHERE intent = ?", (provider_id, intent))

    def drop(self, intent: str) -> None:
        """Forget a batch that was certainly not created."""
        with self._writing() as db:
            db.execute("DELETE FROM sends WHERE intent = ? AND raw IS NULL", (intent,))
            db.execute("UPDATE batches SET state = 'dropped' WHERE intent = ?", (intent,))

    def collect(self, intent: str, raws: Mapping[str, Mapping[str, Any]], again: Iterable[str] = ()) -> None:
        """Write all of a batch's results down at once, by custom id; the items ``again`` were not taken at all."""
        with self._writing() as db:
            db.executemany(
                "UPDATE sends SET raw = ? WHERE intent = ? AND custom_id = ? AND raw IS NULL",
                ((json.dumps(raw), intent, custom) for custom, raw in raws.items()),
            )
            db.executemany(
                "DELETE FROM sends WHERE intent = ? AND custom_id = ?", ((intent, custom) for custom in again)
            )
            db.execute("UPDATE batches SET state = 'collected' WHERE intent = ?", (intent,))

    def under_way(self) -> list[Intent]:
        """The batches whose results are not here yet."""
        rows = self._read(
            "SELECT intent, tier, size, created, tried, provider_id FROM batches "
            "WHERE state IN ('intended', 'created') ORDER BY created, intent"
        )
        names = ("id", "tier", "size", "created", "tried", "provider_id")
        return [Intent(**dict(zip(names, row, strict=True))) for row in rows]

    def known(self) -> frozenset[str]:
        """What providers call the batches of this journal."""
        return frozenset(str(id) for (id,) in self._read("SELECT provider_id FROM batches WHERE provider_id NOT NULL"))

    def customs(self, intent: str) -> tuple[str, ...]:
        """The custom ids of a batch's items."""
        return tuple(str(id) for (id,) in self._read("SELECT custom_id FROM sends WHERE intent = ?", (intent,)))

    def sent(self, place: Place) -> Sent | None:
        """What is known of a call; None when it was never made."""
        rows = self._read(
            "SELECT intent, custom_id, raw, settled FROM sends WHERE request = ? AND key = ? AND nth = ?",
            (place.request, place.key, place.nth),
        )
        for intent, custom, raw, settled in rows:
            loaded = None if raw is None else json.loads(raw)
            return Sent(intent=intent, custom_id=custom, raw=loaded, settled=bool(settled))
        return None

    def was_sent(self, request: str) -> bool:
        """Whether any call was made, or was to be made, for a request."""
        return bool(self._read("SELECT 1 FROM sends WHERE request = ? LIMIT 1", (request,)))

    def begin(self, place: Place) -> None:
        """Note that a call is made directly."""
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO sends (request, key, nth) VALUES (?, ?, ?)",
                (place.request, place.key, place.nth),
            )

    def keep(self, place: Place, raw: Mapping[str, Any]) -> None:
        """Note what a direct call came to."""
        with self._writing() as db:
            db.execute(
                "UPDATE sends SET raw = ? WHERE request = ? AND key = ? AND nth = ?",
                (json.dumps(raw), place.request, place.key, place.nth),
            )

    def settle(self, place: Place) -> None:
        """Note that a call was charged to its budgets."""
        with self._writing() as db:
            db.execute(
                "UPDATE sends SET settled = 1 WHERE request = ? AND key = ? AND nth = ?",
                (place.request, place.key, place.nth),
            )

    def forget(self) -> None:
        """Forget the requests that are done, with their calls: for a journal that goes on and on."""
        with self._writing() as db:
            db.execute("DELETE FROM sends WHERE request IN (SELECT id FROM requests WHERE outcome IS NOT NULL)")
            db.execute("DELETE FROM requests WHERE outcome IS NOT NULL")

    def tally(self) -> Tally:
        """How far it has come."""
        return _tally(self._read(_TALLY)[0])

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version or self._db.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise BatchError(f"{self.path}: this is no journal of this version of tierwise; move it away")
        self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._away(error) from error

    def _read(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise self._away(error) from error

    def _away(self, error: sqlite3.Error) -> BatchError:
        return BatchError(f"{self.path}: the journal cannot be read or written ({error}); what was done is kept in it")


def peek(path: Path) -> Tally:
    """How far the journal at ``path`` has come, whoever works on it.

    Raises:
        BatchError: it cannot be read.
    """
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
        try:
            return _tally(db.execute(_TALLY).fetchone())
        finally:
            db.close()
    except sqlite3.Error as error:
        raise BatchError(f"{path}: the journal cannot be read ({error})") from error


def _tally(row: Sequence[int]) -> Tally:
    return Tally(**dict(zip(Tally.__slots__, row, strict=True)))


def _locked(path: Path) -> int:
    """The handle of a lock that the kernel holds for as long as this process lives.

    Raises:
        BatchError: another process has it, or there is no place for the file.
    """
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BatchError(f"{path}: the journal cannot be kept there ({error.strerror})") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise BatchError(f"{path}: another process works on this batch; wait for it") from None
    return handle
