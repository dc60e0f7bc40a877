"""Reading `[shorten]`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from router.config.embedder import embedder_in
from router.config.table import Table, suggestion
from router.embed import Embedder, Vectors
from router.embedders.naming import embedder_named
from router.shorten.settings import (
    STAGES,
    ContextSettings,
    HistorySettings,
    LinguaSettings,
    ShortenSettings,
    Stage,
)

KEYS = ("stages", "overlap", "bullets", "history", "context", "llmlingua")


class Configured:
    """The embedder that a configuration names: settings that are copied, hashed or compared go by its name."""

    def __init__(self, named: str) -> None:
        self._embedder: Embedder = embedder_named(named)
        self._named = named

    @property
    def name(self) -> str:
        """What identifies the model."""
        return self._embedder.name

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed ``texts``."""
        return self._embedder(texts)

    def __deepcopy__(self, memo: dict[int, Any]) -> Configured:
        return self

    def __str__(self) -> str:
        return self._named

    def __repr__(self) -> str:
        return f"Configured({self._named!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configured) and other._named == self._named

    def __hash__(self) -> int:
        return hash(self._named)


def shorten_settings(table: Table | None, folder: Path) -> ShortenSettings | None:
    """Read `[shorten]`, None without it; the path of an embedder's file starts from ``folder``.

    Raises:
        ConfigError: a key or a stage is unknown, a value does not fit, stages stand in an order in which one undoes
            what another relies on, or the package of a stage is not installed.
    """
    if table is None:
        return None
    table.only(*KEYS)
    usual = ShortenSettings()
    overlap, bullets = table.number("overlap", above=0, most=1), table.flag("bullets")
    stages = _stages(table)
    return ShortenSettings(
        stages=usual.stages if stages is None else stages,
        overlap=usual.overlap if overlap is None else overlap,
        bullets=usual.bullets if bullets is None else bullets,
        history=_history(table.table("history")),
        context=_context(table.table("context"), folder),
        llmlingua=_lingua(table.table("llmlingua")),
    )


def _stages(table: Table) -> tuple[Stage, ...] | None:
    if "stages" not in table.raw:
        return None
    stages = table.texts("stages")
    for stage in stages:
        if stage not in STAGES:
            raise table.error(f"has {stage!r}; {suggestion(stage, STAGES)}", "stages")
    if len(set(stages)) < len(stages):
        raise table.error("names a stage twice", "stages")
    if "history" in stages and "dedupe" in stages[: stages.index("history")]:
        raise table.error(
            "has `dedupe` before `history`, which could then cut the only copy that is left; put `history` first",
            "stages",
        )
    if "llmlingua" in stages:
        _need_lingua(table)
    return cast("tuple[Stage, ...]", stages)


def _need_lingua(table: Table) -> None:
    from importlib.util import find_spec

    if find_spec("llmlingua") is None:
        raise table.error(
            "has `llmlingua`, and that package is not installed; run `pip install 'tierwise[llmlingua]'`, or leave the "
            "stage out",
            "stages",
        )


def _history(table: Table | None) -> HistorySettings:
    usual = HistorySettings()
    if table is None:
        return usual
    table.only("turns", "tokens", "summary")
    return HistorySettings(
        turns=table.whole("turns", least=1) or usual.turns,
        tokens=table.whole("tokens", least=1),
        summary=table.flag("summary") or False,
    )


def _context(table: Table | None, folder: Path) -> ContextSettings:
    usual = ContextSettings()
    if table is None:
        return usual
    table.only("budget", "easy", "embedder", "timeout")
    named, easy = embedder_in(table, folder), table.number("easy", above=0, most=1)
    return ContextSettings(
        budget=table.whole("budget", least=1) or usual.budget,
        easy=usual.easy if easy is None else easy,
        embedder=None if named is None else Configured(named),
        timeout=table.number("timeout", above=0, most=60) or usual.timeout,
    )


def _lingua(table: Table | None) -> LinguaSettings:
    usual = LinguaSettings()
    if table is None:
        return usual
    table.only("model", "rate", "device", "timeout")
    return LinguaSettings(
        model=table.text("model") or usual.model,
        rate=table.number("rate", above=0, most=1) or usual.rate,
        device=table.text("device") or usual.device,
        timeout=table.number("timeout", above=0, most=600) or usual.timeout,
    )
