"""[shorten] as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from router.embed import Embedder

Stage = Literal["history", "clean", "dedupe", "context", "concise", "llmlingua"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""Every stage, in the order in which they work best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySettings:
    """`[shorten.history]`: how much of a conversation stays. ``tokens`` None: however long the turns are."""

    turns: int = 6
    tokens: int | None = None
    summary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSettings:
    """`[shorten.context]`: how many tokens of passages stay.

    The hardest question has the whole ``budget``, the easiest the share ``easy`` of it. ``embedder`` ranks beside the
    words; a request waits for its vectors for ``timeout`` seconds at most.
    """

    budget: int = 1000
    easy: float = 0.5
    embedder: Embedder | None = None
    timeout: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LinguaSettings:
    """`[shorten.llmlingua]`: the ``rate`` of tokens that stay of a passage, by ``model`` on ``device``; a prompt waits
    for it for ``timeout`` seconds at most.
    """

    model: str = "microsoft/llmlingua-2-bert-base-multilingual-cased-meetingbank"
    rate: float = 0.6
    device: str = "cpu"
    timeout: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortenSettings:
    """`[shorten]`: what is done to prompts before they are sent: the ``stages``, in their order.

    ``overlap`` is the share of a passage's runs of words that another must hold for it to go. ``bullets``: paragraphs
    of passages become lists.
    """

    stages: tuple[Stage, ...] = ("clean", "dedupe")
    overlap: float = 0.8
    bullets: bool = True
    history: HistorySettings = field(default_factory=HistorySettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    llmlingua: LinguaSettings = field(default_factory=LinguaSettings)
