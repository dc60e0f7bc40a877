"""Plain completions: base models on vLLM, llama.cpp and other compatible servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from router.errors import ProviderError, UnsupportedRequest
from router.providers.arguments import answer_limit, arguments, plain_prompt, sampling
from router.providers.faults import malformed, reported, sentence, translate
from router.providers.fields import field, items, text, word
from router.providers.logprobs import ALTERNATIVES, Token, columns, listed, of_answer
from router.providers.openai_chat import first_choice, response_format, truncated
from router.providers.stops import StopCut, first_stop
from router.providers.usage import openai_usage
from router.tiers import Tier
from router.types import Completion, Request, Usage


class OpenAICompletions:
    """The wire format of ``/v1/completions``."""

    streaming = {"stream": True, "stream_options": {"include_usage": True}}  # noqa: RUF012 - never changed

    def create(self, client: Any) -> Callable[..., Any]:
        """``client.completions.create``."""
        method: Callable[..., Any] = client.completions.create
        return method

    def encode(self, tier: Tier, request: Request) -> dict[str, Any]:
        """The client's keyword arguments for one call.

        Raises:
            UnsupportedRequest: the request has tools, which a base model cannot call.
        """
        if request.tools:
            raise UnsupportedRequest(sentence(tier, "completes plain text and cannot call tools"), tier=tier.name)
        asked: dict[str, Any] = {
            "model": tier.model,
            "prompt": plain_prompt(request),
            "max_tokens": answer_limit(tier, request),
            **sampling(tier, request),
        }
        if request.stop:
            asked["stop"] = list(request.stop)
        encoded = arguments(tier, asked=asked, defaults={"logprobs": ALTERNATIVES} if tier.logprobs else {})
        if request.response_format is not None:
            wanted = request.response_format
            # vLLM reads the one, llama.cpp the other; each ignores what it does not know.
            encoded["extra_body"] = {
                **encoded.get("extra_body", {}),
                "response_format": response_format(wanted),
                "json_schema": {"type": "object"} if wanted.schema is None else dict(wanted.schema),
            }
        return encoded

    def decode(self, tier: Tier, request: Request, raw: Any) -> Completion:
        """The answer in a Completion of the client."""
        choice = first_choice(tier, raw)
        parts = _Parts()
        parts.take(raw)
        if parts.text is None:
            raise malformed(tier, "has no text", request_id=field(raw, "_request_id"))
        parts.finish_reason = field(choice, "finish_reason")
        return parts.completion(request)

    def billed(self, raw: Any) -> Usage | None:
        """What the call is billed for."""
        return openai_usage(field(raw, "usage"))

    def assembly(self, tier: Tier, request: Request) -> CompletionAssembly:
        """An empty answer to feed chunks to."""
        return CompletionAssembly(tier, request)

    def error(self, tier: Tier, raised: Exception) -> ProviderError | None:
        """What ``raised`` means in our terms."""
        import openai

        return translate(tier, raised, sdk=openai)


class _Parts:
    """The parts of one answer; whole answers and chunks have the same form here."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.tokens: list[Token] = []
        self.finish_reason: str | None = None
        self.matched: Any = None
        self.usage: Any = None
        self.model: str | None = None
        self.request_id: str | None = None

    def take(self, raw: Any) -> str:
        """Take a whole answer or the next chunk; return the text that it added."""
        self.usage = field(raw, "usage") or self.usage
        self.model = word(raw, "model") or self.model
        self.request_id = field(raw, "_request_id") or self.request_id
        added = None
        for choice in items(raw, "choices")[:1]:
            added = text(choice, "text")
            if added is not None:
                self.text = (self.text or "") + added
            block = field(choice, "logprobs")
            content = items(block, "content")
            self.tokens += listed(content) if content else columns(block)
            self.finish_reason = field(choice, "finish_reason") or self.finish_reason
            self.matched = field(choice, "stop_reason") or self.matched
        return added or ""

    def completion(self, request: Request) -> Completion:
        """The answer."""
        said = self.text or ""
        place = first_stop(said, request.stop)
        shown = said if place is None else said[:place]
        stopped = place is not None or isinstance(self.matched, str)
        return Completion(
            text=shown,
            usage=openai_usage(self.usage),
            stop="stop_sequence"
            if stopped
            else "refusal"
            if self.finish_reason == "content_filter"
            else "length"
            if self.finish_reason == "length"
            else "end",
            logprobs=of_answer(self.tokens, generated=said, shown=shown),
            model=self.model,
            request_id=self.request_id,
        )


class CompletionAssembly:
    """Puts a streamed completion together."""

    def __init__(self, tier: Tier, request: Request) -> None:
        self._tier, self._request, self._parts = tier, request, _Parts()
        self._cut = StopCut(request.stop)

    def feed(self, event: Any) -> str:
        """Take one chunk; return the text that it added."""
        if field(event, "error"):
            raise reported(self._tier, field(event, "error"), request_id=self._parts.request_id)
        added = self._cut.feed(self._parts.take(event))
        return added + self._cut.rest() if self._parts.finish_reason else added

    @property
    def usage(self) -> Usage | None:
        """What the stream is billed for, as far as it has said so."""
        return openai_usage(self._parts.usage)

    def finish(self) -> Completion:
        """The whole answer."""
        if not self._parts.finish_reason:
            raise truncated(self._tier, request_id=self._parts.request_id)
        return self._parts.completion(self._request)
