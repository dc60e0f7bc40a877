"""Tells of alerts: the log, a webhook, a function; in the background, so that no request waits for them or fails."""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from router.budget.accounting import Alert
from router.budget.posture import alarm
from router.budget.settings import Notify
from router.pricing import usd
from router.stores.per_process import PerProcess

Post = Callable[[str, bytes, float], None]
"""Posts JSON to an address, in so many seconds."""

logger = logging.getLogger("tierwise.budgets")

_MOST_WAITING = 1000
_LAST_SECONDS = 10.0


@dataclass(slots=True)
class _Line:
    """What waits to be told in one process, and who tells it."""

    waiting: queue.Queue[tuple[Alert, Notify] | None]
    thread: threading.Thread | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Alerts:
    """Tells of alerts one after another in a thread of its own, which starts with the first; at most ``most`` wait.

    What goes wrong is logged and nothing else; the address of a webhook is never logged, since it may be a secret.
    """

    def __init__(self, *, post: Post | None = None, most: int = _MOST_WAITING) -> None:
        self._post = post or _post
        self._line = PerProcess(lambda: _Line(queue.Queue(most)))

    def tell(self, alert: Alert, notify: Notify) -> None:
        """Hand an alert over, at once."""
        if notify.log:
            logger.warning("%s.", alarm(alert))
        if notify.webhook is None and notify.webhook_env is None and notify.call is None:
            return
        line = self._line()
        with line.lock:
            if line.thread is None:
                line.thread = threading.Thread(
                    target=self._work, args=(line.waiting,), name="tierwise-budget-alerts", daemon=True
                )
                line.thread.start()
        try:
            line.waiting.put_nowait((alert, notify))
        except queue.Full:
            logger.warning("too many alerts of budgets wait to be told; this one is only logged: %s.", alarm(alert))

    def close(self) -> None:
        """Tell of what waits, for at most ten seconds."""
        line = self._line()
        with line.lock:
            thread, line.thread = line.thread, None
        if thread is not None:
            with suppress(queue.Full):
                line.waiting.put(None, timeout=_LAST_SECONDS)
                thread.join(_LAST_SECONDS)

    def _work(self, waiting: queue.Queue[tuple[Alert, Notify] | None]) -> None:
        while (item := waiting.get()) is not None:
            alert, notify = item
            body = told(alert)
            if notify.webhook is not None or notify.webhook_env is not None:
                self._attempt("webhook", lambda: self._posted(body, notify))  # noqa: B023 -- called before the next turn
            if notify.call is not None:
                self._attempt(f"function {notify.call}", lambda: _function(notify.call or "")(body))  # noqa: B023

    def _posted(self, body: dict[str, Any], notify: Notify) -> None:
        address = notify.webhook or os.environ.get(notify.webhook_env or "")
        if not address:
            raise ValueError(f"set the environment variable {notify.webhook_env}")
        self._post(address, json.dumps(body).encode(), notify.timeout)

    def _attempt(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 -- it is the user's, or a network's, and no request may fail of it
            # Of a network's error only the kind: its words may hold the address.
            said = f": {error}" if isinstance(error, ValueError) and what == "webhook" else ""
            logger.warning("the %s of an alert failed (%s%s)", what, type(error).__name__, said)


def told(alert: Alert) -> dict[str, Any]:
    """An alert for JSON: money in USD, times in seconds since the epoch."""
    standing, scope = alert.standing, alert.standing.account.scope
    return {
        "event": "budget_alert",
        "text": f"{alarm(alert)}.",
        "budget": scope.name,
        "per": scope.per,
        "value": standing.account.value,
        "share": alert.share,
        "spent": usd(standing.spent),
        "held": usd(standing.held),
        "limit": usd(scope.limit),
        "window": scope.window.words,
        "resets": standing.resets,
    }


def _function(name: str) -> Callable[[dict[str, Any]], object]:
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _post(address: str, body: bytes, seconds: float) -> None:
    from urllib.request import Request, urlopen

    if not address.startswith(("http://", "https://")):
        raise ValueError("its address must begin with https:// or http://")
    request = Request(address, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310
    with urlopen(request, timeout=seconds) as answer:  # noqa: S310 -- the scheme is checked above
        answer.read(1024)
