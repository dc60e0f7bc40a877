"""A provider that answers from a script: for your tests, as it is for ours."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import replace

from router.errors import ProviderError
from router.ops import Send
from router.types import Completion, Request, Usage

Reply = str | Completion | ProviderError
Script = Reply | Callable[[Request], Reply] | list[Reply | Callable[[Request], Reply]]


class FakeProvider:
    """Answers each tier as ``replies`` says, by the tier's name, and records every call in ``calls``.

    A reply is text, a whole :class:`Completion`, an error to raise, a function of the request that returns one
    of these, or a list of these that is used up in turn. ``delay`` is in seconds. Plain text comes with a
    usage that counts words.

    Raises:
        AssertionError: a tier was asked that has no reply, or none left.
    """

    def __init__(self, replies: Mapping[str, Script], *, delay: float = 0.0) -> None:
        self.calls: list[Send] = []
        self._replies = {tier: list(reply) if isinstance(reply, list) else reply for tier, reply in replies.items()}
        self._delay = delay

    def complete(self, send: Send) -> Completion:
        """The whole answer."""
        if self._delay:
            time.sleep(self._delay)
        return self._answer(send)

    async def acomplete(self, send: Send) -> Completion:
        """The whole answer, in asyncio."""
        if self._delay:
            await asyncio.sleep(self._delay)
        return self._answer(send)

    def stream(self, send: Send) -> Generator[str | Completion, None, None]:
        """The answer word by word, and the whole answer as the last item."""
        answer = self.complete(send)
        yield from _pieces(answer.text)
        yield answer

    async def astream(self, send: Send) -> AsyncGenerator[str | Completion, None]:
        """The answer word by word, and the whole answer as the last item, in asyncio."""
        answer = await self.acomplete(send)
        for piece in _pieces(answer.text):
            yield piece
        yield answer

    def close(self) -> None:
        """Do nothing; there is nothing to close."""

    async def aclose(self) -> None:
        """Do nothing; there is nothing to close."""

    def _answer(self, send: Send) -> Completion:
        self.calls.append(send)
        script = self._replies.get(send.tier.name)
        if isinstance(script, list):
            script = script.pop(0) if script else None
        reply = script(send.request) if callable(script) else script
        if reply is None:
            raise AssertionError(f"the fake provider has no reply (left) for tier {send.tier.name!r}")
        if isinstance(reply, ProviderError):
            raise reply
        if isinstance(reply, Completion):
            return replace(reply, latency=reply.latency or self._delay)
        usage = Usage(
            input_tokens=sum(len(message.content.split()) for message in send.request.messages),
            output_tokens=len(reply.split()),
        )
        return Completion(text=reply, usage=usage, stop="end", latency=self._delay, model=send.tier.model)


def _pieces(text: str) -> list[str]:
    """Words, each with the space before it."""
    return re.findall(r"\s*\S+|\s+$", text)
