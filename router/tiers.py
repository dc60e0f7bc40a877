"""Tiers: the models that may answer, ordered from cheap to strong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from router.errors import UnknownTier
from router.pricing import Price
from router.types import Usage

Api = Literal["openai-chat", "openai-responses", "openai-completions", "anthropic", "local", "fake"]
APIS: tuple[str, ...] = get_args(Api)

PromptCache = Literal["5m", "1h"]
PROMPT_CACHES: tuple[str, ...] = get_args(PromptCache)
"""For how long a provider is asked to keep the beginning of a prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One model that may answer, where it is reached and what it costs.

    ``api`` is the wire format. ``base_url`` is None for the vendor's own endpoint. ``api_key_env`` names the
    environment variable that holds the key, None where none is needed. ``context`` is the window in tokens.
    ``logprobs``: the server returns token log-probabilities. ``sampling``: it accepts a temperature.
    ``max_tokens`` bounds an answer, reasoning included, when the request sets no bound of its own.
    ``timeout`` (seconds) bounds one call, ``retries`` how often a call is repeated after a passing fault.
    ``options`` are extra fields of the request body, sent as they are (a reasoning effort, a seed).
    ``prompt_cache`` asks the provider to keep what prompts begin with (system prompt, tools, earlier turns) and how
    long, None for not asking; OpenAI keeps it as long as it likes, and is told which prompts begin alike.

    Raises:
        ValueError: a name or model is empty, an api unknown, or a number outside its range.
    """

    name: str
    api: Api
    model: str
    price: Price
    base_url: str | None = None
    api_key_env: str | None = None
    context: int = 8192
    max_tokens: int = 1024
    logprobs: bool = False
    sampling: bool = True
    timeout: float = 60.0
    retries: int = 2
    options: Mapping[str, Any] = field(default_factory=dict)
    prompt_cache: PromptCache | None = None

    def __post_init__(self) -> None:
        if not self.name or not self.model:
            raise ValueError("a tier needs a name and a model")
        if self.api not in APIS:
            raise ValueError(f"tier {self.name!r}: api is one of {', '.join(APIS)}, not {self.api!r}")
        if self.prompt_cache not in (None, *PROMPT_CACHES):
            raise ValueError(
                f"tier {self.name!r}: prompt_cache is {' or '.join(PROMPT_CACHES)}, not {self.prompt_cache!r}"
            )
        if self.context < 1 or self.max_tokens < 1 or self.retries < 0 or not self.timeout > 0:
            raise ValueError(
                f"tier {self.name!r}: context and max_tokens are at least 1, retries at least 0, timeout above 0"
            )

    def cost(self, usage: Usage, *, batch: bool = False) -> int:
        """Nano-dollars for one call with ``usage``; ``batch`` at the batch API's rates where there are any."""
        return self.price.cost(usage, batch=batch)

    def worst_case(self, prompt_tokens: int, max_tokens: int | None = None) -> int:
        """Return the most nano-dollars that one call can cost; ``max_tokens`` is the tier's own unless given."""
        return self.price.worst_case(prompt_tokens, self.max_tokens if max_tokens is None else max_tokens)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers in order, cheapest first; a tier's rank is its place here."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        names = [tier.name for tier in self.tiers]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a ladder needs at least one tier, each with its own name; got {names}")

    @property
    def names(self) -> tuple[str, ...]:
        """Tier names, cheapest first."""
        return tuple(tier.name for tier in self.tiers)

    def rank(self, name: str, *, where: str) -> int:
        """Return the place of tier ``name``; ``where`` names the argument in the error.

        Raises:
            UnknownTier: no tier has that name.
        """
        for rank, tier in enumerate(self.tiers):
            if tier.name == name:
                return rank
        raise UnknownTier(name, known=self.names, where=where)

    def span(self, floor: str | None, ceiling: str | None) -> range:
        """The ranks from ``floor`` to ``ceiling``, where None is no bound; empty where the floor is above the ceiling.

        Raises:
            UnknownTier: one of them names no tier.
        """
        low = 0 if floor is None else self.rank(floor, where="floor")
        high = len(self.tiers) - 1 if ceiling is None else self.rank(ceiling, where="ceiling")
        return range(low, high + 1)

    def __len__(self) -> int:
        return len(self.tiers)

    def __getitem__(self, rank: int) -> Tier:
        return self.tiers[rank]
