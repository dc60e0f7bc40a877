"""A purse: what judging may still spend, with the worst case of every call set aside before it is made."""

from __future__ import annotations

import threading
from collections.abc import Callable

from router.errors import InputError, ProviderError, TierwiseError
from router.gates import most_tokens
from router.ops import Send
from router.tiers import Tier
from router.types import Completion, Request


class BudgetReached(TierwiseError):
    """The next call might cost more than is left; it was not made."""


class Purse:
    """Spends at most ``limit`` nano-dollars, ``spent`` of them before; no limit where it is None. Thread-safe."""

    def __init__(self, limit: int | None, *, spent: int = 0) -> None:
        if limit is not None and limit < 0:
            raise InputError(f"the budget must be at least 0, not {limit}")
        self.limit = limit
        self.spent = spent
        self.calls = 0
        self.unreported = 0
        self._held = 0
        self._closed = False
        self._changed = threading.Condition()

    def sending(self, send: Callable[[Send], Completion]) -> Callable[[Send], Completion]:
        """Return ``send`` within the purse: it sets the worst case aside, then spends what the usage says.

        An answer whose usage was not reported is counted at the worst case, and in ``unreported``; a failed call at
        what the provider says it billed.
        """

        def spend(op: Send) -> Completion:
            worst = worst_case(op.tier, op.request)
            self.hold(worst)
            actual = unreported = 0
            try:
                completion = send(op)
                unreported = int(completion.usage is None)
                actual = price(op.tier, op.request, completion)
            except ProviderError as error:
                actual = 0 if error.usage is None else op.tier.cost(error.usage)
                raise
            finally:
                self.settle(worst, actual, unreported=unreported)
            return completion

        return spend

    def hold(self, worst: int) -> None:
        """Set ``worst`` aside, waiting for calls under way that may give some of theirs back.

        Raises:
            BudgetReached: even then it might not be enough.
        """
        if self.limit is None:
            with self._changed:
                self._held += worst
            return
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._fits(worst) or self._held == 0)
            if self._closed or not self._fits(worst):
                self._closed = True  # a smaller call might still fit, but then it would depend on the order
                self._changed.notify_all()
                raise BudgetReached("the next call might cost more than is left of the budget")
            self._held += worst

    def settle(self, worst: int, actual: int, *, calls: int = 1, unreported: int = 0) -> None:
        """Give back the ``worst`` that was set aside, and count what it ``actual``ly came to."""
        with self._changed:
            self._held -= worst
            self.spent += actual
            self.calls += calls
            self.unreported += unreported
            self._changed.notify_all()

    def _fits(self, worst: int) -> bool:
        return self.limit is None or self.spent + self._held + worst <= self.limit


def worst_case(tier: Tier, request: Request) -> int:
    """Return the most nano-dollars that asking ``tier`` once can cost."""
    return tier.worst_case(most_tokens(request), request.max_tokens)


def price(tier: Tier, request: Request, completion: Completion) -> int:
    """Nano-dollars that an answer cost: by its usage, and at the worst case where none was reported."""
    return worst_case(tier, request) if completion.usage is None else tier.cost(completion.usage)
