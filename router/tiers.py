"""Tiers: the models that may answer, ordered from cheap to strong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from router.errors import UnknownTier
from router.pricing import Price
from router.types import Usage

Api = Literal["openai-chat", "openai-responses", "openai-completions", "anthropic", "local", "fake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One model that may answer, where it is reached and what it costs.

    ``api`` is the wire format. ``base_url`` is None for the vendor's own endpoint. ``api_key_env`` names the
    environment variable that holds the key, None where none is needed. ``context`` is the window in tokens.
    ``logprobs``: the server returns token log-probabilities. ``sampling``: it accepts a temperature.
    ``timeout`` (seconds) bounds one call, ``retries`` how often a call is repeated after a passing fault.
    ``options`` are extra fields of the request body, sent as they are (a reasoning effort, a seed).
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

    def cost(self, usage: Usage) -> int:
        """Nano-dollars for one call with ``usage``."""
        return self.price.cost(usage)


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
        """The place of tier ``name``; ``where`` names the argument in the error.

        Raises:
            UnknownTier: no tier has that name.
        """
        for rank, tier in enumerate(self.tiers):
            if tier.name == name:
                return rank
        raise UnknownTier(name, known=self.names, where=where)

    def __len__(self) -> int:
        return len(self.tiers)

    def __getitem__(self, rank: int) -> Tier:
        return self.tiers[rank]
