"""Budgets in SQLite: the same rules as the Redis script's, in a file for all processes of one machine, or in memory."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from router.budget.accounting import Alert, Reading, Standing, newly_reached, spent_in
from router.budget.accounts import Account
from router.budget.settings import BudgetSettings
from router.budget.windows import Span, span
from router.errors import BudgetError
from router.stores.budget_store import REMEMBERED, Holding, Kept, StoreAway, kept
from router.stores.sqlite_file import Schema, SqliteFile, Why

_LEAST_TIMEOUT = 5.0
"""Seconds: whoever writes is on this machine, and done in a moment."""

_SCHEMA = Schema(
    version=1,
    another="was written by another version of tierwise or another program",
    script="""
CREATE TABLE account (id TEXT PRIMARY KEY, label TEXT NOT NULL, idle INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX account_idle ON account (idle);
CREATE TABLE bucket (account TEXT NOT NULL, start INTEGER NOT NULL, spent INTEGER NOT NULL,
    PRIMARY KEY (account, start)) STRICT, WITHOUT ROWID;
CREATE TABLE hold (account TEXT NOT NULL, id TEXT NOT NULL, most INTEGER NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (account, id)) STRICT, WITHOUT ROWID;
CREATE TABLE settled (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX settled_until ON settled (until);
CREATE TABLE told (account TEXT NOT NULL, share REAL NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, share)) STRICT, WITHOUT ROWID;
""",
)


class SqliteBudgets:
    """Budgets of ``settings`` in the file that its `url` names, or in memory; opens it on first use, and after a fork.

    ``clock`` is in seconds since the epoch; the processes of one machine share it.
    """

    def __init__(self, settings: BudgetSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.name = settings.url.removeprefix("sqlite:///")
        self._clock = clock
        self._file = SqliteFile(
            None if settings.url == "memory" else Path(self.name),
            _SCHEMA,
            timeout=max(settings.timeout, _LEAST_TIMEOUT),
            fault=self._fault,
            synchronous="full" if settings.durability == "power" else "normal",
        )

    def survey(self, accounts: Sequence[Account]) -> Reading:
        """How ``accounts`` stand."""
        with self._caught(), self._file.snapshot() as db:
            return Reading(standings=_standings(db, accounts, self._now))

    def reserve(self, holding: Holding) -> Reading:
        """Set aside in all accounts or in none."""
        return self._changed(lambda db, now: _reserve(db, holding, now))

    def settle(self, holding: Holding, cost: int) -> Reading:
        """Charge ``cost`` in place of what was set aside, once."""
        return self._changed(lambda db, now: _settle(db, holding, cost, now))

    def reset(self, accounts: Sequence[Account]) -> Reading:
        """Forget what was spent."""

        def forget(db: sqlite3.Connection, now: int) -> Reading:
            for account in accounts:
                db.execute("DELETE FROM bucket WHERE account = ?", (account.id,))
                db.execute("DELETE FROM told WHERE account = ?", (account.id,))
            return Reading(standings=_standings(db, accounts, now))

        return self._changed(forget)

    def known(self) -> list[Kept]:
        """The accounts that have something in them."""
        with self._caught(), self._file.reading() as db:
            return [Kept(**json.loads(label)) for (label,) in db.execute("SELECT label FROM account").fetchall()]

    def close(self) -> None:
        """Close the file; what is in memory is lost."""
        self._file.close()

    def _changed(self, act: Callable[[sqlite3.Connection, int], Reading]) -> Reading:
        """What ``act`` gives, of a connection and the time in milliseconds, in a transaction of its own.

        No time is read before the turn to write has come: transactions see it in the order they happen.
        """
        with self._caught(), self._file.writing() as db:
            return act(db, self._now)

    @property
    def _now(self) -> int:
        return int(self._clock() * 1000)

    @contextmanager
    def _caught(self) -> Iterator[None]:
        """Say what the file holds that cannot be.

        Raises:
            BudgetError: it holds what is no budget.
        """
        try:
            yield
        except (ValueError, OverflowError) as error:
            raise BudgetError(f"the budgets' file {self.name} cannot be used ({error})") from error

    def _fault(self, why: Why, told: str) -> BudgetError:
        mend = "; move it away, or name another" if why == "unfit" else ""
        kind = StoreAway if why in ("busy", "away") else BudgetError
        return kind(f"the budgets' file {self.name} {told}{mend}")


def _reserve(db: sqlite3.Connection, holding: Holding, now: int) -> Reading:
    _tidy(db, holding.accounts, now)
    standings = _standings(db, holding.accounts, now)
    key = (holding.accounts[0].id, holding.id)
    again = db.execute("SELECT 1 FROM hold WHERE account = ? AND id = ?", key).fetchone()
    refused = None if again else next((each for each in standings if not each.has_room(holding.most)), None)
    if refused is None:
        expires = now + int(holding.ttl * 1000)
        for account in holding.accounts:
            _note(db, account, now, holding)
            db.execute(
                "INSERT OR IGNORE INTO hold VALUES (?, ?, ?, ?)", (account.id, holding.id, holding.most, expires)
            )
        standings = _standings(db, holding.accounts, now)
    return Reading(standings=standings, refused=refused)


def _settle(db: sqlite3.Connection, holding: Holding, cost: int, now: int) -> Reading:
    _tidy(db, holding.accounts, now)
    until = now + int(max(holding.ttl, REMEMBERED) * 1000)
    fresh = db.execute("INSERT OR IGNORE INTO settled VALUES (?, ?)", (holding.id, until)).rowcount
    if not fresh:
        return Reading(standings=_standings(db, holding.accounts, now))
    for account in holding.accounts:
        _note(db, account, now, holding)
        db.execute("DELETE FROM hold WHERE account = ? AND id = ?", (account.id, holding.id))
        db.execute(
            "INSERT INTO bucket VALUES (?, ?, ?) ON CONFLICT (account, start) DO UPDATE SET spent = spent + ?",
            (account.id, span(account.scope.window, now).bucket(now), cost, cost),
        )
    standings = _standings(db, holding.accounts, now)
    return Reading(standings=standings, alerts=tuple(_alerts(db, standings, now)))


def _standings(db: sqlite3.Connection, accounts: Sequence[Account], now: int) -> tuple[Standing, ...]:
    return tuple(_standing(db, account, span(account.scope.window, now), now) for account in accounts)


def _standing(db: sqlite3.Connection, account: Account, time_of: Span, now: int) -> Standing:
    buckets = dict(db.execute("SELECT start, spent FROM bucket WHERE account = ?", (account.id,)).fetchall())
    held = db.execute("SELECT sum(most) FROM hold WHERE account = ? AND expires > ?", (account.id, now)).fetchone()[0]
    return Standing(
        account=account,
        spent=spent_in(time_of, buckets),
        held=held or 0,
        resets=None if time_of.stop is None else time_of.stop / 1000,
    )


def _alerts(db: sqlite3.Connection, standings: Sequence[Standing], now: int) -> list[Alert]:
    """The alerts that are due now, marked so that nobody else raises them."""
    due = []
    for standing in standings:
        account = standing.account
        told = dict(db.execute("SELECT share, at FROM told WHERE account = ?", (account.id,)).fetchall())
        for share in newly_reached(account, standing.spent, span(account.scope.window, now), told):
            db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (account.id, share, now))
            due.append(Alert(standing=standing, share=share))
    return due


def _note(db: sqlite3.Connection, account: Account, now: int, holding: Holding) -> None:
    """Keep the account listed until nothing of it counts any more."""
    time_of = span(account.scope.window, now)
    idle = (time_of.stop or 2 * now - time_of.start + time_of.width) + int(holding.ttl * 1000)
    db.execute(
        "INSERT INTO account VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET idle = excluded.idle",
        (account.id, kept(account).label, idle),
    )


def _tidy(db: sqlite3.Connection, accounts: Sequence[Account], now: int) -> None:
    """Give back what nobody settled in time, and forget what no window counts any more."""
    for account in accounts:
        time_of = span(account.scope.window, now)
        db.execute("DELETE FROM hold WHERE account = ? AND expires <= ?", (account.id, now))
        db.execute("DELETE FROM bucket WHERE account = ? AND start < ?", (account.id, time_of.start - time_of.width))
    db.execute("DELETE FROM settled WHERE until <= ?", (now,))
    for (id,) in db.execute("SELECT id FROM account WHERE idle <= ? LIMIT 10", (now,)).fetchall():
        for statement in ("DELETE FROM bucket WHERE account = ?", "DELETE FROM told WHERE account = ?"):
            db.execute(statement, (id,))
        db.execute("DELETE FROM hold WHERE account = ?", (id,))
        db.execute("DELETE FROM account WHERE id = ?", (id,))
