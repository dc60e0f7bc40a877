"""A call's timeout bounds the whole of it, whatever a server sends to keep the connection alive."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from router.errors import ProviderTimeout
from tests.providers.examples import asynchronously, send, streamed_asynchronously, tier

LIMIT = 0.3
"""Seconds that a call may take here; the servers would go on for four times as long."""

SLACK = 0.6
"""Seconds more that a busy machine may need."""


@pytest.fixture
def trickle() -> Iterator[Callable[..., str]]:
    """Start a server that sends ``head``, then ``drop`` over and over, and at last nothing; return its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket, head: bytes, drop: bytes, times: int) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            for _ in range(times):
                connection.sendall(drop)
                if over.wait(LIMIT / 5):
                    return
            over.wait(4 * LIMIT)

    def serve(head: bytes, drop: bytes, times: int) -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threads.append(threading.Thread(target=answer, args=(connection, head, drop, times)))
            threads[-1].start()

    def begin(*, kind: str, drop: str, times: int = 20, length: str = "transfer-encoding: chunked") -> str:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{length}\r\n\r\n".encode()
        chunk = f"{len(drop):x}\r\n{drop}\r\n" if "chunked" in length else drop
        threads.append(threading.Thread(target=serve, args=(head, chunk.encode(), times)))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"

    yield begin
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join()


def took(*calls: Callable[[], object]) -> list[float]:
    """Seconds until each of ``calls`` timed out, all at the same time."""

    def timed(call: Callable[[], object]) -> float:
        began = time.perf_counter()
        with pytest.raises(ProviderTimeout):
            call()
        return time.perf_counter() - began

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(timed, calls))


# Few drops and then silence: the read that never returns began shortly before the time was up.
@pytest.mark.parametrize("times", [20, 4])
@pytest.mark.parametrize("length", ["transfer-encoding: chunked", "connection: close"])
@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_white_space_does_not_prolong_a_call(api, length, times, trickle, clients):
    """Gateways send it while the model thinks; every read then returns in time, and the call never."""
    url = trickle(kind="application/json", drop="\n", times=times, length=length)
    op = send(tier(api, base_url=url), timeout=LIMIT)
    clients._client(op.tier)  # importing takes longer than the call may
    assert max(took(lambda: clients.complete(op), lambda: asynchronously(op, environ={}))) < LIMIT + SLACK


@pytest.mark.parametrize("times", [20, 4])
@pytest.mark.parametrize("api", ["openai-chat", "openai-completions", "openai-responses", "anthropic"])
def test_comments_do_not_prolong_a_stream(api, times, trickle, clients):
    """They are no events, so the clock that is read at each event would never be read."""
    url = trickle(kind="text/event-stream", drop=": PROCESSING\n\n", times=times)
    op = send(tier(api, base_url=url), timeout=LIMIT)
    clients._client(op.tier)
    both = took(lambda: list(clients.stream(op)), lambda: streamed_asynchronously(op, environ={}))
    assert max(both) < LIMIT + SLACK


def test_a_connection_is_kept_after_a_call_that_was_in_time(canned, clients):
    """The watch over one body must not outlive it, or it would cut off the next one."""
    canned.reply({"choices": [{"message": {"content": "42"}, "finish_reason": "stop"}]})
    op = send(tier(base_url=canned.url), timeout=LIMIT)
    assert clients.complete(op).text == "42"
    watches = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    time.sleep(LIMIT + 0.1)
    assert clients.complete(op).text == "42"
    assert not [each for each in watches if each.is_alive()]
