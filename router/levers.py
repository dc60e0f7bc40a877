"""The levers that a configuration switches on, as what performs their operations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from router.config import Config
from router.drivers import AsyncShell, Shell
from router.ops import Op


class Performer(Protocol):
    """Performs the operations of one lever, from any thread; where it ``waits``, not on a loop."""

    @property
    def waits(self) -> bool:
        """Whether an operation waits for a disk or a network."""
        ...

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        ...

    def update(self, settings: Any) -> None:
        """Go on with the settings of a configuration that was read again."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def _cache(settings: Any) -> Performer:
    from router.stores.caching import Caching

    return Caching(settings)


def _shorten(settings: Any) -> Performer:
    from router.stores.condensing import Condensing

    return Condensing(settings)


def _budgets(settings: Any) -> Performer:
    from router.stores.budgeting import Budgeting

    return Budgeting(settings)


def _limits(settings: Any) -> Performer:
    from router.stores.limiting import Limiting

    return Limiting(settings)


_MAKERS: dict[str, Callable[[Any], Performer]] = {
    "cache": _cache,
    "shorten": _shorten,
    "budgets": _budgets,
    "limits": _limits,
}
"""Each imports its lever when it is switched on: a router without levers starts none the slower."""


class Levers:
    """The performers of ``config``; none connects before it is first used."""

    def __init__(self, config: Config) -> None:
        self._made: dict[str, Performer] = {}
        self.update(config)

    def update(self, config: Config) -> None:
        """Take up a configuration that was read again; requests under way may still use a lever it switched off."""
        for name, make in _MAKERS.items():
            settings = getattr(config, name)
            if settings is None:
                continue
            if name in self._made:
                self._made[name].update(settings)
            else:
                self._made[name] = make(settings)

    @property
    def shell(self) -> Shell:
        """How each lever's operations are performed in the calling thread."""
        return {op: act for made in self._made.values() for op, act in made.shell.items()}

    def ashell(self) -> AsyncShell:
        """The same on the running event loop."""
        return {
            op: _threaded(act) if made.waits else _at_once(act)
            for made in self._made.values()
            for op, act in made.shell.items()
        }

    def close(self) -> None:
        """Let go of all connections."""
        for made in self._made.values():
            made.close()


def _threaded(act: Callable[[Any], Any]) -> Callable[[Op[Any]], Any]:
    return lambda op: asyncio.to_thread(act, op)


def _at_once(act: Callable[[Any], Any]) -> Callable[[Op[Any]], Any]:
    async def perform(op: Op[Any]) -> Any:
        return act(op)

    return perform
