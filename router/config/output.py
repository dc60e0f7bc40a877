"""Reading `[output]`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from router.config.table import Table
from router.output.settings import Level, OutputSettings

KEYS = ("levels", "concise", "concise_below", "stop", "validate")


def output_settings(table: Table | None, folder: Path) -> OutputSettings | None:  # noqa: ARG001
    """Read `[output]`, None without it.

    Raises:
        ConfigError: a key is unknown, or a value does not fit.
    """
    if table is None:
        return None
    table.only(*KEYS)
    levels = tuple(_level(each) for each in table.tables("levels"))
    for lower, upper in pairwise(levels):
        if upper.complexity <= lower.complexity or upper.max_tokens < lower.max_tokens:
            raise table.error("must rise in complexity from one to the next, and not fall in max_tokens", "levels")
    below, usual = table.number("concise_below", least=0, most=1), OutputSettings()
    concise = table.text("concise")
    if below is not None and concise is None:
        raise table.error("needs `concise` beside it, the instruction itself", "concise_below")
    return OutputSettings(
        levels=levels,
        concise=concise,
        concise_below=usual.concise_below if below is None else below,
        stop=table.texts("stop"),
        validate=table.flag("validate") or False,
    )


def _level(table: Table) -> Level:
    table.only("complexity", "max_tokens")
    complexity, most = table.number("complexity", least=0, most=1), table.whole("max_tokens", least=1)
    if complexity is None or most is None:
        missing = "complexity" if complexity is None else "max_tokens"
        raise table.error("is missing; a level is { complexity = 0.3, max_tokens = 128 }", missing)
    return Level(complexity=complexity, max_tokens=most)
