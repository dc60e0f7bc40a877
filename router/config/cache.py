"""Reading `[cache]`."""

from __future__ import annotations

from pathlib import Path

from router.cache.settings import CacheSettings
from router.config.table import Table


def cache_settings(table: Table | None, folder: Path) -> CacheSettings | None:  # noqa: ARG001
    """Read `[cache]`, None without it; paths in it start from ``folder``."""
    if table is None:
        return None
    table.only()
    return CacheSettings()
