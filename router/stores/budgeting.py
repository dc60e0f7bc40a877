"""Performs what the pipeline asks of budgets."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from router.budget.accounting import Reading
from router.budget.accounts import accounts_of
from router.budget.ops import Grant, Posture, Reserve, Settle, Survey
from router.budget.posture import no_room, posture, resets
from router.budget.settings import BudgetSettings
from router.drivers import Shell
from router.errors import BudgetError
from router.stores.budget_alerts import Alerts
from router.stores.budget_redis import RedisBudgets
from router.stores.budget_sqlite import SqliteBudgets
from router.stores.budget_store import BudgetStore, Holding, StoreAway
from router.stores.hold_off import HoldOff

logger = logging.getLogger("tierwise.budgets")

_SPARE = 60.0


def store_of(settings: BudgetSettings) -> BudgetStore:
    """The store of ``settings``, not yet connected."""
    if settings.url.startswith(("redis://", "rediss://")):
        return RedisBudgets(settings)
    return SqliteBudgets(settings)


class Budgeting:
    """Performs what the pipeline asks of budgets, from any thread; never raises for a store that is away.

    What a call cost while the store was away is kept, and charged when it is back. ``clock`` is monotonic.
    """

    def __init__(
        self,
        settings: BudgetSettings,
        *,
        store: Callable[[BudgetSettings], BudgetStore] = store_of,
        alerts: Alerts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._make = store
        self._store = store(settings)
        self._alerts = alerts or Alerts()
        self._owed: deque[tuple[Holding, int]] = deque()
        self._hold_off = HoldOff(StoreAway, clock=clock)

    @property
    def waits(self) -> bool:
        """Whether an operation waits for a disk or a network."""
        return self._settings.url != "memory"

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        return {Survey: self._survey, Reserve: self._reserve, Settle: self._settle}

    def update(self, settings: BudgetSettings) -> None:
        """Go on with other settings; what is spent stays, as long as the store does."""
        before, self._settings = self._settings, settings
        if _place(before) != _place(settings):
            old, self._store = self._store, self._make(settings)
            self._hold_off.end()
            old.close()

    def close(self) -> None:
        """Charge what is owed, if the store can be reached, tell of alerts, and let go of connections."""
        with suppress(StoreAway):
            self._pay()
        if self._owed:
            logger.warning("calls were not charged to their budgets: %d; the ledger has them.", len(self._owed))
        self._alerts.close()
        self._store.close()

    def _survey(self, op: Survey) -> Posture:
        settings = self._settings
        accounts = accounts_of(op.request, settings.scopes)
        if not accounts:
            return Posture()
        try:
            reading = self._asked(lambda store: store.survey(accounts))
        except BudgetError as error:
            if settings.on_failure == "closed":
                return Posture(refused=_closed(error), budget=accounts[0].scope.name)
            return Posture(notes=(_open(error),))
        return posture(reading.standings, tiers=settings.tiers)

    def _reserve(self, op: Reserve) -> Grant:
        settings = self._settings
        accounts = accounts_of(op.request, settings.scopes)
        id = os.urandom(12).hex()
        granted = Grant(id=id, most=op.most, accounts=accounts)
        if not accounts:
            return granted
        # Nobody may give a call back to the budget while it can still be under way.
        ttl = max(settings.ttl, op.tier.timeout + _SPARE)
        holding = Holding(id=id, most=op.most, accounts=accounts, ttl=ttl)
        try:
            reading = self._asked(lambda store: store.reserve(holding))
        except BudgetError as error:
            if settings.on_failure == "closed":
                return Grant(refused=_closed(error), budget=accounts[0].scope.name)
            # Nothing may be set aside, or it may and we were not told: its cost is charged all the same.
            return Grant(id=id, most=op.most, accounts=accounts, notes=(_open(error),))
        if reading.refused is None:
            return granted
        by = reading.refused
        return Grant(
            refused=no_room(by, most=op.most, tier=op.tier.name), budget=by.account.scope.name, resets=by.resets
        )

    def _settle(self, op: Settle) -> str | None:
        grant = op.grant
        if grant.id is None or not grant.accounts:
            return None
        holding = Holding(id=grant.id, most=grant.most, accounts=grant.accounts)
        try:
            reading = self._asked(lambda store: store.settle(holding, op.cost))
        except BudgetError as error:
            self._owed.append((holding, op.cost))
            return f"{error}; what the call cost is charged to its budgets later."
        over = [each for each in reading.standings if each.spent > each.account.scope.limit]
        if over:
            names = ", ".join(repr(each.account.name) for each in over)
            return f"This call took {names} over the limit: {resets(over[0])}."
        return None

    def _asked(self, ask: Callable[[BudgetStore], Reading]) -> Reading:
        """What the store says, after what it is owed; alerts that it raises are told.

        Raises:
            BudgetError: it cannot say.
        """
        reading = self._hold_off.ask(lambda: self._paid(ask))
        self._tell(reading)
        return reading

    def _paid(self, ask: Callable[[BudgetStore], Reading]) -> Reading:
        self._pay()
        return ask(self._store)

    def _pay(self) -> None:
        """Charge what is owed. Several threads may; each charge is made once, whoever makes it."""
        while self._owed:
            try:
                holding, cost = self._owed.popleft()
            except IndexError:
                return
            try:
                self._tell(self._store.settle(holding, cost))
            except StoreAway:
                self._owed.appendleft((holding, cost))
                raise
            except BudgetError:
                self._owed.append((holding, cost))  # this account is broken, and others need not wait for it
                return

    def _tell(self, reading: Reading) -> None:
        for alert in reading.alerts:
            self._alerts.tell(alert, self._settings.notify)


def _place(settings: BudgetSettings) -> tuple[object, ...]:
    """What a store is made of: with anything else changed it need not be made anew, and what is in memory stays."""
    if settings.url == "memory":
        return (settings.url,)
    return (settings.url, settings.password_env, settings.namespace, settings.timeout, settings.durability)


def _closed(error: BudgetError) -> str:
    return f"{error}, and [budgets] `on_failure` is closed, so nothing is sent"


def _open(error: BudgetError) -> str:
    return f"{error}, and [budgets] `on_failure` is open, so no budget was asked."
