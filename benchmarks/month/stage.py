"""What the pipeline is performed with when the clock is a simulated one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.month.asks import BEGIN
from benchmarks.month.clock import Clock
from router.cascade import cascade
from router.config import Config
from router.decision import Response
from router.drivers import Shell, run
from router.embedding import Embedding
from router.ops import Append, Embed, Now, Send, Sleep, Spare
from router.plan import Birth, Plan
from router.stores.budget_sqlite import SqliteBudgets
from router.stores.budgeting import Budgeting
from router.stores.caching import Caching
from router.stores.limiting import Limiting
from router.stores.limits_memory import MemoryLimits
from router.types import Completion, Request


class Stage:
    """What a :class:`router.Router` performs its operations with, but for ``clock`` and ``send``, which asks a tier.

    A router reads the machine's own clock for what it writes down, so that a month would take a month; hence the same
    pipeline, plan, performers and stores are put together here.
    """

    def __init__(self, config: Config, plan: Plan, clock: Clock, send: Callable[[Send], Completion]) -> None:
        self.plan, self._clock = plan, clock
        embedding = Embedding()
        self._closing: list[Callable[[], None]] = [embedding.close]
        shell: dict[Any, Callable[[Any], Any]] = {
            Now: lambda _: clock.monotonic(),
            Sleep: lambda op: clock.sleep(op.seconds),
            Send: send,
            Append: lambda _: None,
            Spare: lambda _: False,
            Embed: embedding.perform,
        }
        for performer in _performers(config, clock):
            shell.update(performer.shell)
            self._closing.append(performer.close)
        self._shell: Shell = shell

    def route(self, request: Request, *, id: str) -> Response:
        """Serve one request now; ``id`` becomes the decision's."""
        birth = Birth(id, BEGIN + self._clock.now)
        return run(cascade(request, self.plan, birth), self._shell)

    def close(self) -> None:
        """Let go of stores and threads."""
        for close in self._closing:
            close()


def _performers(config: Config, clock: Clock) -> list[Any]:
    found: list[Any] = []
    if config.cache is not None:
        found.append(Caching(config.cache, clock=clock.monotonic, wall=clock.wall))
        if config.cache.semantic is not None:
            config.cache.semantic.embedder(("warm",))  # loading takes longer than a request would wait
    if config.budgets is not None:
        found.append(
            Budgeting(config.budgets, store=lambda read: SqliteBudgets(read, clock=clock.wall), clock=clock.monotonic)
        )
    if config.limits is not None:
        found.append(Limiting(config.limits, store=lambda _: MemoryLimits(clock=clock.wall), clock=clock.monotonic))
    return found
