"""A synchronous client whose timeout bounds the whole call, and not each single read of it.

A server that sends white space or comments to keep the connection alive would otherwise hold a call for ever.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

import httpx2

_UNTIL = "tierwise_until"
"""The extension of a request that says when it must be done, by the monotonic clock."""


def client(sdk: ModuleType) -> Any:
    """The HTTP client of ``sdk`` (openai or anthropic), bounded."""
    return sdk.DefaultHttpxClient(event_hooks={"request": [_begin], "response": [_bound]})


def _begin(request: httpx2.Request) -> None:
    """Start the clock of a request; a redirected one goes on with the first one's."""
    seconds = request.extensions.get("timeout", {}).get("read")
    if seconds is not None:
        request.extensions.setdefault(_UNTIL, time.monotonic() + seconds)


def _bound(response: httpx2.Response) -> None:
    """Bound the body of a response, whose headers have just come."""
    until = response.request.extensions.get(_UNTIL)
    if until is not None and isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Bounded(response.stream, until, response)


class _Bounded(httpx2.SyncByteStream):
    """A body that must have come by ``until``.

    The clock is read at every chunk, and a wait for a chunk that goes on past ``until`` is ended by shutting
    the socket down: the time that one read may take was fixed before the first of them.
    """

    def __init__(self, stream: httpx2.SyncByteStream, until: float, response: httpx2.Response) -> None:
        self._stream, self._until, self._request = stream, until, response.request
        network = response.extensions.get("network_stream")
        self._socket = network.get_extra_info("socket") if network is not None else None
        self._watch = threading.Timer(max(until - time.monotonic(), 0), self._shut)
        self._watch.daemon = True

    def __iter__(self) -> Iterator[bytes]:
        self._watch.start()
        try:
            for chunk in self._stream:
                self._check()
                yield chunk
        except httpx2.TransportError as raised:
            self._check(raised)
            raise
        finally:
            self._watch.cancel()
        # A body that only ends with its connection looks whole after a shutdown.
        self._check()

    def close(self) -> None:
        self._watch.cancel()
        self._stream.close()

    def _check(self, cause: Exception | None = None) -> None:
        if time.monotonic() >= self._until:
            raise httpx2.ReadTimeout("the body did not come in time", request=self._request) from cause

    def _shut(self) -> None:
        # A socket's own shutdown: that of a TLS socket would let the reader go on in plain text.
        with suppress(OSError):
            if isinstance(self._socket, socket.socket):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
