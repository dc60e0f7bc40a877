"""A worker that may be killed: it spends from a budget, and says each thing it does before and after.

python -m tests.budget.worker URL NAMESPACE SEED LIMIT
"""

from __future__ import annotations

import random
import sys

from router.budget.accounts import account
from router.budget.settings import BudgetScope, BudgetSettings
from router.budget.windows import Window
from router.stores.budget_store import Holding
from router.stores.budgeting import store_of


def main() -> None:
    url, namespace, seed, limit = sys.argv[1:]
    chance = random.Random(seed)
    store = store_of(BudgetSettings(url=url, namespace=namespace, timeout=10.0))
    scope = BudgetScope(name="all", limit=int(limit), window=Window(kind="month"))
    accounts = (account(scope, None),)
    refused = turn = 0
    while refused < 20:
        most = chance.randint(1, 1000)
        cost = chance.randint(0, most)
        holding = Holding(id=f"{seed}-{turn}", most=most, accounts=accounts)
        turn += 1
        if store.reserve(holding).refused is not None:
            refused += 1
            continue
        print("spends", cost, flush=True)
        store.settle(holding, cost)
        print("spent", cost, flush=True)


if __name__ == "__main__":
    main()
