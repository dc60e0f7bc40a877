"""Performs what the pipeline asks of budgets."""

from __future__ import annotations

from router.budget.settings import BudgetSettings
from router.drivers import Shell


class Budgeting:
    """Performs what the pipeline asks of budgets."""

    waits = False

    def __init__(self, settings: BudgetSettings) -> None:
        self._settings = settings

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        return {}

    def update(self, settings: BudgetSettings) -> None:
        """Go on with other settings."""
        self._settings = settings

    def close(self) -> None:
        """Let go of connections."""
