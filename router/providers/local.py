"""Local tiers: the formats of chat and plain completions, spoken to llama.cpp in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from router.errors import ProviderError, ProviderTimeout
from router.local_models import DEMO_MODELS, path_of
from router.providers.codec import Assembly, Codec
from router.providers.faults import malformed, reported, sentence
from router.providers.fields import field
from router.providers.llama import LlamaFault
from router.providers.openai_chat import OpenAIChat
from router.providers.openai_completions import OpenAICompletions
from router.providers.usage import openai_usage
from router.tiers import Tier
from router.types import Completion, Request, Usage


class Local:
    """``tier.options["chat"]`` says whether the model's chat template is used; plain completion without it."""

    streaming = {"stream": True}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        self._chat, self._plain = OpenAIChat(), OpenAICompletions()

    def create(self, client: Any) -> Callable[..., Any]:
        """``client.create``: a Llama's, or an AsyncLlama's."""
        method: Callable[..., Any] = client.create
        return method

    def encode(self, tier: Tier, request: Request) -> dict[str, Any]:
        """The arguments of :meth:`router.providers.llama.Llama.create`."""
        options = {name: value for name, value in tier.options.items() if name != "chat"}
        body = self._inner(tier).encode(replace(tier, options=options), request)
        return {"body": {**body, **body.pop("extra_body", {})}, "chat": self._is_chat(tier)}

    def decode(self, tier: Tier, request: Request, raw: Sequence[Any]) -> Completion:
        """The answer in a list of chunks."""
        if not raw:
            raise malformed(tier, "is empty")
        answer = self.assembly(tier, request)
        for chunk in raw:
            answer.feed(chunk)
        return answer.finish()

    def billed(self, raw: Sequence[Any]) -> Usage | None:
        """What the chunks say that was read and generated."""
        reports = [openai_usage(field(chunk, "usage")) for chunk in raw]
        return next((usage for usage in reversed(reports) if usage is not None), None)

    def assembly(self, tier: Tier, request: Request) -> Assembly:
        """An empty answer to feed chunks to."""
        return _Named(tier, self._inner(tier).assembly(tier, request))

    def error(self, tier: Tier, raised: Exception) -> ProviderError | None:
        """What ``raised`` means in our terms."""
        if isinstance(raised, ProviderError):
            return raised
        if isinstance(raised, LlamaFault):
            return reported(tier, raised.body)
        if isinstance(raised, TimeoutError):
            return ProviderTimeout(sentence(tier, "did not answer in time"), tier=tier.name)
        return None

    def _inner(self, tier: Tier) -> Codec:
        return self._chat if self._is_chat(tier) else self._plain

    @staticmethod
    def _is_chat(tier: Tier) -> bool:
        return bool(tier.options.get("chat", False))


class _Named:
    """An answer that says the tier's word for its model: the engine reports a path of this machine."""

    def __init__(self, tier: Tier, answer: Assembly) -> None:
        self._tier, self._answer = tier, answer

    def feed(self, event: Any) -> str:
        """Take one chunk; return the text that it added."""
        return self._answer.feed(event)

    @property
    def usage(self) -> Usage | None:
        """What was read and generated, as far as the engine has said so."""
        return self._answer.usage

    def finish(self) -> Completion:
        """The whole answer."""
        return replace(self._answer.finish(), model=self._tier.model)


def model_path(tier: Tier) -> Path:
    """The GGUF file of a local tier: the path it gives, or that of the demo model it names."""
    return path_of(tier.model) if tier.model in DEMO_MODELS else Path(tier.model).expanduser()
