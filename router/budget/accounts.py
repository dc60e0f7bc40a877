"""Which budgets a request counts for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from router.budget.settings import BudgetScope
from router.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The budget of one ``scope`` for one ``value`` of what it is kept per; None where it is one for all.

    ``id`` is the same wherever scope, window and value are, whatever the limit: a limit may change while money is set
    aside.
    """

    id: str
    scope: BudgetScope
    value: str | None

    @property
    def name(self) -> str:
        """The budget's name in sentences."""
        return self.scope.name if self.scope.per is None else f"{self.scope.name} of {self.scope.per} {self.value!r}"


def account(scope: BudgetScope, value: str | None) -> Account:
    """The account of ``scope`` for ``value``."""
    what = json.dumps([scope.name, scope.window.identity, scope.per, value])
    return Account(id=hashlib.blake2b(what.encode(), digest_size=16).hexdigest(), scope=scope, value=value)


def accounts_of(request: Request, scopes: tuple[BudgetScope, ...]) -> tuple[Account, ...]:
    """The accounts that ``request`` counts for, in the order of ``scopes``.

    Requests that do not say what a budget is kept per share one, so that nobody escapes it by keeping silent.
    """
    return tuple(
        account(scope, None if scope.per is None else request.said(scope.per) or "")
        for scope in scopes
        if scope.tag is None or (request.said(scope.tag) or "") == scope.value
    )
