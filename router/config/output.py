"""Reading `[output]`."""

from __future__ import annotations

from pathlib import Path

from router.config.table import Table
from router.output.settings import OutputSettings


def output_settings(table: Table | None, folder: Path) -> OutputSettings | None:  # noqa: ARG001
    """Read `[output]`, None without it; paths in it start from ``folder``."""
    if table is None:
        return None
    table.only()
    return OutputSettings()
