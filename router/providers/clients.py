"""Real calls: every tier is asked through its vendor's official client, or through llama.cpp in this process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from router.errors import ConfigError
from router.ops import Send
from router.providers import sdks
from router.providers.anthropic import AnthropicMessages
from router.providers.call import Call
from router.providers.codec import Codec
from router.providers.llama import AsyncLlama, Llama
from router.providers.local import Local, model_path
from router.providers.openai_chat import OpenAIChat
from router.providers.openai_completions import OpenAICompletions
from router.providers.openai_responses import OpenAIResponses
from router.tiers import Api, Tier
from router.types import Completion, Message, Request

CODECS: Mapping[Api, Codec] = {
    "openai-chat": OpenAIChat(),
    "openai-responses": OpenAIResponses(),
    "openai-completions": OpenAICompletions(),
    "anthropic": AnthropicMessages(),
    "local": Local(),
}

_END = object()
_NOTHING = Request(messages=(Message(role="user", content="-"),))


class Clients:
    """Performs :class:`router.ops.Send`, from any thread and any event loop.

    Clients are made on first use, one for each vendor, address and key, and for asyncio one more in each event
    loop; local models are loaded once. ``environ`` holds the API keys.

    Every method raises:
        ProviderError: the call failed.
        MissingKey: the environment has no key for the tier.
        ConfigError: the tier's model or engine is not there.
    """

    def __init__(self, *, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._lock = threading.Lock()
        self._sync: dict[sdks.Account, Any] = {}
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[sdks.Account, Any]] = WeakKeyDictionary()
        self._models: dict[tuple[str, int], Llama] = {}

    def complete(self, send: Send) -> Completion:
        """The whole answer."""
        call, client = self._begin(send, self._client)
        with call.translated():
            return call.answer(call.create(client))

    async def acomplete(self, send: Send) -> Completion:
        """The whole answer, in asyncio."""
        call, client = await self._abegin(send)
        with call.translated():
            async with call.limit():
                raw = await call.create(client)
            return call.answer(raw)

    def stream(self, send: Send) -> Generator[str | Completion, None, None]:
        """The answer's text as it comes, and the whole answer as the last item."""
        call, client = self._begin(send, self._client)
        with call.translated(), call.opened(call.create(client, stream=True)) as events:
            for event in events:
                if text := call.feed(event):
                    yield text
            yield call.finish()

    async def astream(self, send: Send) -> AsyncGenerator[str | Completion, None]:
        """The answer's text as it comes, and the whole answer as the last item, in asyncio."""
        call, client = await self._abegin(send)
        with call.translated():
            async with call.limit():
                opened = await call.create(client, stream=True)
            async with call.opened(opened) as events:
                waiting = aiter(events)
                while (event := await _next(waiting, call)) is not _END:
                    if text := call.feed(event):
                        yield text
                yield call.finish()

    @contextmanager
    def reaching(self, tier: Tier) -> Iterator[Any]:
        """The vendor's synchronous client for ``tier``, for calls of another kind; what they raise is translated."""
        call, client = self._begin(Send(tier, _NOTHING, tier.timeout, live=False), self._client)
        with call.translated():
            yield client

    def close(self) -> None:
        """Close the synchronous clients and unload the local models."""
        with self._lock:
            clients, models = list(self._sync.values()), list(self._models.values())
            self._sync.clear()
            self._models.clear()
        for each in (*clients, *models):
            each.close()

    async def aclose(self) -> None:
        """Close this event loop's clients, and what :meth:`close` closes."""
        with self._lock:
            clients = self._async.pop(asyncio.get_running_loop(), {})
        for client in clients.values():
            await client.close()
        await asyncio.to_thread(self.close)

    def _begin(self, send: Send, client: Callable[[Tier], Any]) -> tuple[Call, Any]:
        tier = send.tier
        codec = CODECS.get(tier.api)
        if codec is None:
            raise ConfigError(f"tier {tier.name!r} has api {tier.api!r}, which only a FakeProvider can answer")
        made = client(tier)
        return Call(codec=codec, send=send, secret=sdks.account(tier, self._environ).key), made

    async def _abegin(self, send: Send) -> tuple[Call, Any]:
        await sdks.load(send.tier.api)
        return self._begin(send, self._async_client)

    def _client(self, tier: Tier) -> Any:
        if tier.api == "local":
            return self._model(tier)
        return self._kept(self._sync, sdks.account(tier, self._environ), sdks.connect)

    def _async_client(self, tier: Tier) -> Any:
        if tier.api == "local":
            return AsyncLlama(self._model(tier))
        with self._lock:
            mine = self._async.setdefault(asyncio.get_running_loop(), {})
        return self._kept(mine, sdks.account(tier, self._environ), sdks.aconnect)

    def _kept(
        self, clients: dict[sdks.Account, Any], account: sdks.Account, connect: Callable[[sdks.Account], Any]
    ) -> Any:
        with self._lock:
            if account not in clients:
                clients[account] = connect(account)
            return clients[account]

    def _model(self, tier: Tier) -> Llama:
        path = model_path(tier)
        with self._lock:
            return self._models.setdefault((str(path), tier.context), Llama(path, context=tier.context))


async def _next(events: AsyncIterator[Any], call: Call) -> Any:
    """The next event, waited for no longer than the call may take; ``_END`` after the last."""
    async with call.limit():
        return await anext(events, _END)
