"""[output] as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Prompts of at most this ``complexity`` (0 to 1) get answers of at most ``max_tokens`` tokens.

    Complexity is 1 less the chance that the cheapest tier suffices, as the prompt alone tells it.
    """

    complexity: float
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """`[output]`: how long and in what form answers may be.

    ``levels`` rise in complexity; the first that a prompt does not pass bounds its answer, and a prompt above all of
    them is not bounded. ``concise`` is an instruction, appended to the system prompt of prompts of at most
    ``concise_below``; ``{words}`` in it stands for as many words as the bound has room for. ``stop`` are further
    strings that end an answer. ``validate``: structured answers are checked against the form that was asked for, and
    one that does not have it counts as wrong.
    """

    levels: tuple[Level, ...] = ()
    concise: str | None = None
    concise_below: float = 1.0
    stop: tuple[str, ...] = ()
    validate: bool = False
