"""What requests cost, for whom, and what the levers saved: sums over the ledger."""

from router.analytics.costs import Costs
from router.analytics.prices import Prices
from router.analytics.row import Row, Savings, Tokens

__all__ = ["Costs", "Prices", "Row", "Savings", "Tokens"]
