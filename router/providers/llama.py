"""llama.cpp in this process: one model, loaded on first use, answering one request at a time."""

from __future__ import annotations

import asyncio
import queue
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from router.errors import ConfigError

_END = object()


class LlamaFault(Exception):
    """llama.cpp refused a request; ``body`` is what it said."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("message", body)))
        self.body = body


class Llama:
    """One GGUF model.

    Its one thread is on purpose: llama.cpp's threads wait for each other by spinning, and two of them on two
    busy cores are ten times slower than one.
    """

    def __init__(self, path: Path, *, context: int) -> None:
        self._path, self._context = path, context
        self._server: Any = None
        self._turn = threading.Lock()

    def create(self, *, body: Mapping[str, Any], chat: bool, timeout: float, stream: bool = False) -> Any:
        """Answer ``body``: a list of chunks, or with ``stream`` an iterator of them.

        ``timeout`` (seconds) covers loading the model and waiting for the turn. Reading a long prompt cannot
        be interrupted, so it is kept from there to the next token.

        Raises:
            TimeoutError: it took longer.
            LlamaFault: llama.cpp refused the request.
            ConfigError: the model or the engine is not there.
        """
        generate = self.generation(body, chat=chat, timeout=timeout)
        if stream:
            return _Chunks(generate)
        chunks: list[Mapping[str, Any]] = []

        def keep(chunk: Mapping[str, Any]) -> bool:
            chunks.append(chunk)
            return True

        generate(keep)
        return chunks

    def generation(
        self, body: Mapping[str, Any], *, chat: bool, timeout: float
    ) -> Callable[[Callable[[Mapping[str, Any]], bool]], None]:
        """A function that generates, and hands every chunk to its argument until that returns False.

        It raises as :meth:`create` does; the clock of ``timeout`` runs from now.
        """
        until = time.monotonic() + timeout
        return lambda take: self._generate(body, chat=chat, until=until, take=take)

    def close(self) -> None:
        """Unload the model, once the answer in progress is finished."""
        with self._turn:
            self._server = None

    def _generate(
        self, body: Mapping[str, Any], *, chat: bool, until: float, take: Callable[[Mapping[str, Any]], bool]
    ) -> None:
        fault: list[Exception] = []

        def receive(chunk: Mapping[str, Any]) -> bool:
            """Return whether llama.cpp should stop; what is raised here, it would swallow."""
            if chunk.get("error"):
                fault.append(LlamaFault(chunk["error"]))
            elif time.monotonic() > until:
                fault.append(TimeoutError())
            elif take(chunk):
                return False
            return True

        if not self._turn.acquire(timeout=max(until - time.monotonic(), 0)):
            raise TimeoutError
        try:
            self._server = self._server or self._load()
            answer = self._server.handle_chat_completions if chat else self._server.handle_completions
            answer({**body, "stream": True, "stream_options": {"include_usage": True}}, receive)
        finally:
            self._turn.release()
        if fault:
            raise fault[0]

    def _load(self) -> Any:
        if not self._path.is_file():
            raise ConfigError(
                f"the model file {self._path} is not there; give the path of a GGUF file, or run `tierwise local pull`"
            )
        try:
            import xllamacpp
        except ImportError:
            raise ConfigError("a local tier needs llama.cpp; install tierwise[local]") from None
        wanted = xllamacpp.CommonParams()
        wanted.model.path = str(self._path)
        wanted.n_ctx = self._context
        wanted.n_parallel = 1
        wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
        wanted.use_jinja = True
        wanted.verbosity = -1
        # The engine always listens on a loopback port as well, which nobody else shall use.
        wanted.port = 0
        wanted.api_keys = [secrets.token_urlsafe(32)]
        wanted.endpoint_slots = wanted.endpoint_metrics = wanted.ui = False
        try:
            return xllamacpp.Server(wanted)
        except RuntimeError as raised:
            raise ConfigError(f"llama.cpp cannot load {self._path}; it may be damaged or no GGUF file") from raised


class AsyncLlama:
    """The same model for asyncio. A call that is cancelled stops generating at the next token."""

    def __init__(self, model: Llama) -> None:
        self._model = model

    async def create(self, *, body: Mapping[str, Any], chat: bool, timeout: float, stream: bool = False) -> Any:  # noqa: ASYNC109 - the model keeps it
        """As :meth:`Llama.create`."""
        chunks = _AsyncChunks(self._model.generation(body, chat=chat, timeout=timeout))
        if stream:
            return chunks
        async with chunks:
            return [chunk async for chunk in chunks]


class _Generation:
    """Generates in a thread of its own, and hands over every chunk, then what was raised, then the end."""

    def __init__(self, generate: Callable[[Callable[[Any], bool]], None], deliver: Callable[[Any], None]) -> None:
        self._generate, self._deliver = generate, deliver
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="tierwise-llama").start()

    def close(self) -> None:
        """Stop at the next token."""
        self._closed.set()

    def _run(self) -> None:
        try:
            self._generate(self._take)
        except Exception as raised:  # noqa: BLE001 - it is raised again where the chunks are read
            self._deliver(raised)
        self._deliver(_END)

    def _take(self, chunk: Any) -> bool:
        self._deliver(chunk)
        return not self._closed.is_set()


class _Chunks(Iterator[Any]):
    """Chunks as they come."""

    def __init__(self, generate: Callable[[Callable[[Any], bool]], None]) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._generation = _Generation(generate, self._queue.put)

    def __next__(self) -> Any:
        item = self._queue.get()
        if item is _END:
            raise StopIteration
        if isinstance(item, Exception):
            raise item
        return item

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self._generation.close()


class _AsyncChunks(AsyncIterator[Any]):
    """Chunks as they come, in the event loop that made this."""

    def __init__(self, generate: Callable[[Callable[[Any], bool]], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._generation = _Generation(generate, self._deliver)

    def _deliver(self, item: Any) -> None:
        # A loop that is closed has nobody left to read.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def __anext__(self) -> Any:
        item = await self._queue.get()
        if item is _END:
            raise StopAsyncIteration
        if isinstance(item, Exception):
            raise item
        return item

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self._generation.close()
