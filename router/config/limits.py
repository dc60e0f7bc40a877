"""Reading `[limits]`."""

from __future__ import annotations

from pathlib import Path

from router.config.table import Table
from router.limits.settings import LimitSettings


def limit_settings(table: Table | None, folder: Path, *, tiers: tuple[str, ...] = ()) -> LimitSettings | None:
    """Read `[limits]`, None without it; paths in it start from ``folder``."""
    if table is None:
        return None
    table.only()
    return LimitSettings()
