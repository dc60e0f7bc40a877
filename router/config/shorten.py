"""Reading `[shorten]`."""

from __future__ import annotations

from pathlib import Path

from router.config.table import Table
from router.shorten.settings import ShortenSettings


def shorten_settings(table: Table | None, folder: Path) -> ShortenSettings | None:  # noqa: ARG001
    """Read `[shorten]`, None without it; paths in it start from ``folder``."""
    if table is None:
        return None
    table.only()
    return ShortenSettings()
