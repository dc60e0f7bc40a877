"""Drivers: they perform what the core awaits. Nothing is decided here.

``run`` waits in the calling thread, ``arun`` on an event loop, ``run_many`` in several threads, ``stream`` and
``astream`` hand text over as it arrives, ``replay`` answers from a log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, closing, suppress
from typing import Any, TypeVar

from router.decision import Response
from router.embed import Vectors
from router.errors import EmbedderError, MalformedAnswer, ServerFault, TierwiseError
from router.ops import Append, Embed, Now, Op, Send, Sleep, Spare
from router.types import Completion

T = TypeVar("T")

Core = Coroutine[Op[Any], Any, T]
Shell = Mapping[type[Op[Any]], Callable[[Any], Any]]
"""How to perform each kind of operation."""

AsyncShell = Mapping[type[Op[Any]], Callable[[Any], Awaitable[Any]]]
"""The same, where each operation is awaited."""

_LEFT = "the reader closed the stream before its end"


class Abandoned(TierwiseError):
    """The reader of a stream left before its end."""


def run(core: Core[T], shell: Shell, *, error: BaseException | None = None) -> T:
    """Perform ``core`` in this thread; an operation's error goes to the core, which decides.

    A core that is already under way can be told of an ``error`` first.
    """
    value: Any = None
    while True:
        try:
            op = core.send(value) if error is None else core.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        value = error = None
        try:
            value = shell[type(op)](op)
        except BaseException as raised:  # noqa: BLE001
            error = raised


async def arun(core: Core[T], shell: AsyncShell, *, error: BaseException | None = None) -> T:
    """:func:`run`, on the running event loop."""
    value: Any = None
    while True:
        try:
            op = core.send(value) if error is None else core.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        value = error = None
        try:
            value = await shell[type(op)](op)
        except BaseException as raised:  # noqa: BLE001
            error = raised


def run_many(cores: Iterable[Callable[[], Core[T]]], shell: Shell, *, workers: int) -> Iterator[T | Exception]:
    """Perform many cores, ``workers`` at a time; results in the order given, an error in its request's place.

    Each core is made when its turn comes, so that an error in making it is its own.
    """

    def settle(make: Callable[[], Core[T]]) -> T | Exception:
        try:
            return run(make(), shell)
        except Exception as error:  # noqa: BLE001
            return error

    pool = ThreadPoolExecutor(workers, thread_name_prefix="tierwise")
    try:
        waiting: deque[Future[T | Exception]] = deque()
        for make in cores:
            waiting.append(pool.submit(settle, make))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)  # whoever stops reading does not pay for what has not begun


def stream(
    make: Callable[[], Core[Response]], shell: Shell, live: Callable[[Send], Generator[str | Completion, None, None]]
) -> Generator[str, None, Response]:
    """Perform a core, made when the first text is asked for; yield the text of the answer that is returned alone.

    An answer that may still be escalated is held back until it is accepted; one that cannot is shown as it
    comes, through ``live``.
    """
    core = make()
    value: Any = None
    error: BaseException | None = None
    shown = False
    while True:
        try:
            op = core.send(value) if error is None else core.throw(error)
        except StopIteration as stop:
            response: Response = stop.value
            if response.text and not shown:
                yield response.text
            return response
        value = error = None
        try:
            if isinstance(op, Send) and op.live:
                with closing(live(op)) as items:
                    for item in items:
                        if isinstance(item, str):
                            shown = True
                            yield item
                        else:
                            value = item
                error = None if value is not None else _unfinished(op)
            else:
                value = shell[type(op)](op)
        except GeneratorExit:
            with suppress(Abandoned):
                run(core, shell, error=Abandoned(_LEFT))  # the core writes down that nobody read on
            raise
        except BaseException as raised:  # noqa: BLE001
            error = raised


async def astream(
    make: Callable[[], Core[Response]],
    shell: AsyncShell,
    live: Callable[[Send], AsyncGenerator[str | Completion, None]],
) -> AsyncIterator[str | Response]:
    """As :func:`stream`, on the event loop; the response is the last item."""
    core = make()
    value: Any = None
    error: BaseException | None = None
    shown = False
    while True:
        try:
            op = core.send(value) if error is None else core.throw(error)
        except StopIteration as stop:
            response: Response = stop.value
            if response.text and not shown:
                yield response.text
            yield response
            return
        value = error = None
        try:
            if isinstance(op, Send) and op.live:
                async with aclosing(live(op)) as items:
                    async for item in items:
                        if isinstance(item, str):
                            shown = True
                            yield item
                        else:
                            value = item
                error = None if value is not None else _unfinished(op)
            else:
                value = await shell[type(op)](op)
        except GeneratorExit:
            with suppress(Abandoned):
                await arun(core, shell, error=Abandoned(_LEFT))
            raise
        except BaseException as raised:  # noqa: BLE001
            error = raised


def _unfinished(op: Send) -> MalformedAnswer:
    return MalformedAnswer(f"tier {op.tier.name!r} streamed nothing that could be put together", tier=op.tier.name)


def replay(core: Core[Response], answers: Mapping[str, Completion]) -> Response:
    """Perform ``core`` from logged ``answers`` by tier name, on a clock that only they move.

    A tier without a logged answer fails as a server would, so that the core's own rules apply. Nothing is
    written to any ledger, and nothing is audited.

    Raises:
        TierwiseError: the policy reads embeddings, and there is none of the prompt.
    """
    now = 0.0

    def send(op: Send) -> Completion:
        nonlocal now
        answer = answers.get(op.tier.name)
        if answer is None:
            raise _unlogged(op)
        now += answer.latency
        return answer

    shell: Shell = {
        Now: lambda _: now,
        Sleep: lambda _: None,
        Embed: _needed,
        Send: send,
        Append: lambda _: None,
        Spare: lambda _: False,
    }
    return run(core, shell)


def _needed(op: Embed) -> Vectors:
    """The vectors of a prompt that is replayed; the core would go on without them, as it must for a live request.

    Raises:
        TierwiseError: there are none.
    """
    try:
        return op.embedder(op.texts)
    except EmbedderError as error:
        raise TierwiseError(f"a replay needs every prompt's embedding: {error}") from error


class _NotRetried(ServerFault):
    retryable = False


def _unlogged(op: Send) -> ServerFault:
    return _NotRetried(f"the log has no answer of tier {op.tier.name!r}", tier=op.tier.name)
