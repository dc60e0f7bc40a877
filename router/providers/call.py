"""One call to one tier: everything but the call itself, shared by the synchronous and the asyncio driver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from router.errors import ProviderTimeout
from router.ops import Send
from router.providers.codec import Codec
from router.providers.faults import malformed, sentence
from router.providers.fields import field
from router.types import Completion, Usage

_DUMMY = "none"
"""The key sent where none is needed; an ordinary word, so not one to remove from messages."""


class Call:
    """One call in progress. ``secret`` is the API key, which no error may show."""

    def __init__(self, *, codec: Codec, send: Send, secret: str) -> None:
        self._codec, self._tier, self._request, self._timeout = codec, send.tier, send.request, send.timeout
        self._secret = "" if secret == _DUMMY else secret
        self._assembly = codec.assembly(send.tier, send.request)
        self._request_id: str | None = None
        self._raw: Any = None
        self._shown = False
        self._started = time.perf_counter()

    def create(self, client: Any, *, stream: bool = False) -> Any:
        """Call the client: the answer, or with an asyncio client what to await for it."""
        arguments = self._codec.encode(self._tier, self._request)
        if stream:
            arguments |= self._codec.streaming
        return self._codec.create(client)(**arguments, timeout=self._timeout)

    def limit(self) -> asyncio.Timeout:
        """What bounds a wait in asyncio to the time that is left of the whole call.

        The client's own timeout is that of each single read, which white space sent to keep the connection
        alive would renew for ever.
        """
        return asyncio.timeout(max(self._started + self._timeout - time.perf_counter(), 0))

    def answer(self, raw: Any) -> Completion:
        """The answer in what the client returned."""
        self._raw = raw
        with self._reading():
            return self._timed(self._codec.decode(self._tier, self._request, raw))

    def opened(self, events: Any) -> Any:
        """The stream, whose response says which request this was."""
        headers = field(events, "response", "headers") or {}
        self._request_id = headers.get("x-request-id") or headers.get("request-id")
        return events

    def feed(self, event: Any) -> str:
        """Take one event; return the text to show.

        Raises:
            ProviderTimeout: the stream has gone on for too long, though it never paused for long.
        """
        if time.perf_counter() - self._started > self._timeout:
            raise ProviderTimeout(sentence(self._tier, "did not finish its answer in time"), tier=self._tier.name)
        with self._reading():
            text = self._assembly.feed(event)
        self._shown = self._shown or bool(text)
        return text

    def finish(self) -> Completion:
        """The whole answer, after the last event."""
        with self._reading():
            answer = self._timed(self._assembly.finish())
        return answer if answer.request_id else replace(answer, request_id=self._request_id)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what is raised inside into an error of our tree, without the key."""
        try:
            yield
        except Exception as raised:
            failure = self._codec.error(self._tier, raised)
            if failure is None:
                raise
            failure.shown = self._shown
            failure.usage = failure.usage or self._billed()
            failure.request_id = failure.request_id or self._request_id
            failure.args = tuple(self._without_key(str(part)) for part in failure.args)
            if failure is raised:
                raise
            # A cause that repeats the key would be printed with every traceback.
            raise failure from (None if self._secret and self._secret in f"{raised!s}{raised!r}" else raised)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Take what cannot be read for malformed: a server may send any JSON wherever a text or a list belongs."""
        try:
            yield
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as raised:
            raise malformed(self._tier, f"is not of the expected form ({raised})") from raised

    def _billed(self) -> Usage | None:
        """What a call that failed is billed for: a fragment, and an answer that is of no use, cost money too."""
        return self._assembly.usage if self._raw is None else self._codec.billed(self._raw)

    def _timed(self, answer: Completion) -> Completion:
        return replace(answer, latency=time.perf_counter() - self._started)

    def _without_key(self, words: str) -> str:
        return words.replace(self._secret, "[key]") if self._secret else words
