"""[budgets] as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """`[budgets]`: how much may be spent, by whom, in what time."""
