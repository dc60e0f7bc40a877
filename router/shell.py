"""What a router's operations are performed with: clients, clock, ledger and the work that goes on in the background."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from router.auditing import Audit, audit
from router.background import Background
from router.config import Config
from router.drivers import AsyncShell, Shell, arun, run
from router.embedding import Embedding
from router.in_force import InForce
from router.ledger import Ledger
from router.levers import Levers
from router.ops import Append, Embed, Look, Now, Send, Sleep, Spare
from router.plan import Birth
from router.spend import Spend
from router.tiers import Tier
from router.types import Completion
from router.verifying import Verifier


class Provider(Protocol):
    """What the router calls tiers through: :class:`router.providers.clients.Clients`, or a fake in tests."""

    def complete(self, send: Send) -> Completion:
        """Ask one tier once."""
        ...

    def acomplete(self, send: Send) -> Awaitable[Completion]:
        """The same on an event loop."""
        ...

    def stream(self, send: Send) -> Generator[str | Completion, None, None]:
        """Text as it arrives, then the whole completion."""
        ...

    def astream(self, send: Send) -> AsyncGenerator[str | Completion, None]:
        """The same on an event loop."""
        ...

    def close(self) -> None:
        """Let go of connections and models."""
        ...

    async def aclose(self) -> None:
        """Let go of them on the event loop that used them."""
        ...


class Outside:
    """Performs everything that the core may ask for; ``shell`` in the calling thread, :meth:`ashell` on a loop.

    ``in_force`` is what is looked after for new policies, ``verifier`` the user's check of answers, ``clock`` and
    ``sleep`` those of the synchronous shell.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        in_force: InForce,
        levers: Levers,
        ledger: Ledger | None,
        verifier: Verifier | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._provider = provider
        self._in_force = in_force
        self._levers = levers
        self._ledger = ledger
        self._verifier = verifier
        self._clock = clock
        self._spend = Spend()
        self._background = Background()
        batch = in_force.config.batch
        self._embedding = Embedding(window=0.0 if batch is None else batch.embed_window)
        self._own: Shell = {
            Now: lambda _: clock(),
            Sleep: lambda op: sleep(op.seconds),
            Look: lambda _: in_force.look(),
            Embed: self._embedding.perform,
            Send: self._send,
            Spare: self._spare,
            Append: self._append,
            Audit: self._audit,
        }
        self.shell: Shell = {**self._own, **levers.shell}

    def update(self, config: Config) -> None:
        """Take up the levers of a configuration that was read again."""
        self._levers.update(config)
        self.shell = {**self._own, **self._levers.shell}

    def ashell(self) -> AsyncShell:
        """The shell for the running event loop."""

        async def now(_: Now) -> float:
            return self._clock()

        async def look(_: Look) -> None:
            if self._in_force.due:
                await asyncio.to_thread(self._in_force.look)

        async def spare(op: Spare) -> bool:
            return self._spare(op)

        async def append(op: Append) -> None:
            if self._ledger is None:
                self._append(op)
            else:
                await asyncio.to_thread(self._append, op)

        async def begin(op: Audit) -> None:
            self._background.spawn(self._aaudited(op))

        return {
            Now: now,
            Sleep: lambda op: asyncio.sleep(op.seconds),
            Look: look,
            Embed: self._embedding.aperform,
            Send: self._asend,
            Spare: spare,
            Append: append,
            Audit: begin,
            **self._levers.ashell(),
        }

    def live(self, op: Send) -> Generator[str | Completion, None, None]:
        """The answer as it arrives, then the whole of it."""
        items = self._provider.stream(op)
        return items if self._verifier is None else self._verifier.stream(op, items)

    def alive(self, op: Send) -> AsyncGenerator[str | Completion, None]:
        """The same on the running event loop."""
        items = self._provider.astream(op)
        return items if self._verifier is None else self._verifier.astream(op, items)

    def close(self) -> None:
        """Finish the work in the background and let go of the clients and the ledger."""
        self._background.drain()
        self._embedding.close()
        self._levers.close()
        self._provider.close()
        if self._ledger is not None:
            self._ledger.close()

    async def aclose(self) -> None:
        """The same on the event loop that made the calls."""
        await self._background.adrain()
        self._embedding.close()
        self._levers.close()
        await self._provider.aclose()
        if self._ledger is not None:
            self._ledger.close()

    @property
    def reaching(self) -> Callable[[Tier], AbstractContextManager[Any]] | None:
        """The vendors' own clients; None where the provider has none."""
        return getattr(self._provider, "reaching", None)

    def verified(self, op: Send, answer: Completion) -> Completion:
        """The answer with what the user's own check said of it, where there is one."""
        return answer if self._verifier is None else self._verifier.verified(op, answer)

    def _send(self, op: Send) -> Completion:
        return self.verified(op, self._provider.complete(op))

    async def _asend(self, op: Send) -> Completion:
        answer = await self._provider.acomplete(op)
        return answer if self._verifier is None else await self._verifier.averified(op, answer)

    def _spare(self, _: Spare) -> bool:
        return not self._background.is_full and self._spend.within(self._in_force.config.audits.share)

    def _append(self, op: Append) -> None:
        self._spend.note(op.decision)
        if self._ledger is not None:
            self._ledger.append(op.decision, op.request)

    def _audit(self, op: Audit) -> None:
        self._spend.reserve(op.expected_cost)
        self._background.submit(lambda: self._audited(op))

    def _audited(self, op: Audit) -> None:
        birth = born()
        try:
            run(audit(op, id=birth.id, created=birth.created), self.shell)
        finally:
            self._spend.release(op.expected_cost)

    async def _aaudited(self, op: Audit) -> None:
        birth = born()
        self._spend.reserve(op.expected_cost)
        try:
            await arun(audit(op, id=birth.id, created=birth.created), self.ashell())
        finally:
            self._spend.release(op.expected_cost)


def born(upgraded_from: str | None = None) -> Birth:
    """A new identity whose id sorts by time."""
    created = time.time_ns()
    return Birth(f"{created:016x}{os.urandom(8).hex()}", created / 1e9, upgraded_from)
