"""A call that was made without the router, as a decision of the ledger."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from router.attribution import UNPRICED, UNROUTED
from router.decision import Attempt, Decision
from router.metering.gleaning import Told
from router.metering.recorder import Recorder
from router.pricing import Price
from router.types import Usage

logger = logging.getLogger(__name__)

Who = str | Callable[[], str | None] | None
Tagged = Mapping[str, str] | Callable[[], Mapping[str, str]]

REASON = "it was called without the router"

_NOTHING = Told()


@dataclass(slots=True, kw_only=True)
class Meter:
    """Writes down the calls of one client.

    ``price_of`` finds a model's price, None where nobody knows it. ``tags``, ``user`` and ``session`` are what the
    calls are for, or functions that say so when a call is made.
    """

    recorder: Recorder
    price_of: Callable[[str], Price | None]
    tags: Tagged = field(default_factory=dict)
    user: Who = None
    session: Who = None
    _unpriced: set[str] = field(default_factory=set)

    def begin(self, model: str, read: Callable[..., Usage | None]) -> Call:
        """Note that a call of ``model`` begins, whose usage ``read`` reads."""
        created = time.time_ns()
        return Call(
            meter=self,
            read=read,
            id=f"{created:016x}{os.urandom(8).hex()}",
            created=created / 1e9,
            started=time.monotonic(),
            model=model,
            tags=self._tags(),
            user=_asked(self.user),
            session=_asked(self.session),
        )

    def price(self, told: Told, model: str) -> Price | None:
        """The price of the model that answered, or else of the one that was asked for; warns once of one unknown."""
        names = [name for name in (told.model, model) if name]
        price = next((found for name in names if (found := self.price_of(name)) is not None), None)
        name = names[0] if names else "unknown"
        if price is None and name not in self._unpriced:
            self._unpriced.add(name)
            logger.warning(
                "no price is known for model %s: its calls are recorded with their tokens and without a cost; pass "
                "track(..., prices={%r: {'input': USD per million tokens, 'output': ...}})",
                name,
                name,
            )
        return price

    def _tags(self) -> Mapping[str, str]:
        try:
            found = self.tags() if callable(self.tags) else self.tags
            return {str(key): str(value) for key, value in found.items()}
        except Exception as error:  # noqa: BLE001 - a call is not to fail because nobody can say what it is for
            logger.warning("the tags of a tracked call cannot be told (%s: %s)", type(error).__name__, error)
            return {}


@dataclass(slots=True, kw_only=True)
class Call:
    """One call under way. It is written down once, by the first of :meth:`answered` and :meth:`failed`."""

    meter: Meter
    read: Callable[..., Usage | None]
    id: str
    created: float
    started: float
    model: str
    tags: Mapping[str, str]
    user: str | None
    session: str | None
    _done: bool = False

    def answered(self, told: Told, *, note: str = "") -> None:
        """Write down an answer; ``note`` says what is odd about it."""
        self._write(told, note=note)

    def failed(self, error: str, told: Told = _NOTHING) -> None:
        """Write down that no answer came, or not the whole of it; ``error`` is a kind, since a message may quote."""
        self._write(told, error=error)

    def _write(self, told: Told, *, error: str | None = None, note: str = "") -> None:
        if self._done:
            return
        self._done = True
        try:
            self.meter.recorder.put(self._decision(told, error, note))
        except Exception as fault:  # noqa: BLE001 - the call was answered; its caller has no part in this
            logger.warning("a tracked call cannot be written down (%s: %s)", type(fault).__name__, fault)

    def _decision(self, told: Told, error: str | None, note: str) -> Decision:
        usage = told.usage
        price = None if usage is None else self.meter.price(told, self.model)
        latency = max(time.monotonic() - self.started, 0.0)
        attempt = Attempt(
            tier=UNROUTED,
            model=told.model or self.model or "unknown",
            verdict="accepted" if error is None else "failed",
            reason=UNPRICED if usage is not None and price is None else error or REASON,
            usage=usage,
            cost=0 if usage is None or price is None else price.cost(usage),
            latency=latency,
            calls=1,
            request_id=told.request_id,
        )
        return Decision(
            id=self.id,
            created=self.created,
            start=UNROUTED,
            reason=REASON,
            attempts=(attempt,),
            tags=self.tags,
            user=self.user,
            session=self.session,
            latency=latency,
            error=error,
            notes=(note,) if note else (),
        )


def _asked(who: Who) -> str | None:
    try:
        return who() if callable(who) else who
    except Exception as error:  # noqa: BLE001 - a call is not to fail because nobody can say whose it is
        logger.warning("whose a tracked call is cannot be told (%s: %s)", type(error).__name__, error)
        return None
