"""Reading `[budgets]`."""

from __future__ import annotations

from pathlib import Path

from router.budget.settings import BudgetSettings
from router.config.table import Table


def budget_settings(table: Table | None, folder: Path) -> BudgetSettings | None:  # noqa: ARG001
    """Read `[budgets]`, None without it; paths in it start from ``folder``."""
    if table is None:
        return None
    table.only()
    return BudgetSettings()
