"""Spend from one budget in Redis with several threads, as the router does: set aside, call, settle.

A model's call is a sleep, so that many are under way at once.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from timing import report, work

from router.budget.ops import Reserve, Settle
from router.budget.settings import BudgetScope, BudgetSettings
from router.budget.windows import Window
from router.pricing import Price, per_million
from router.stores.budgeting import Budgeting
from router.tiers import Tier
from router.types import Request, as_messages


def main() -> None:
    plan = work()
    scope = BudgetScope(name="bench", limit=plan["limit"], window=Window(kind="month"))
    budgets = Budgeting(BudgetSettings(url=plan["url"], scopes=(scope,), timeout=30.0))
    tier = Tier(name="own", api="fake", model="m", price=Price(rates=per_million(input=1.0, output=2.0)))
    request = Request(messages=as_messages("What is 2 + 2?"))
    reserve, settle = budgets.shell[Reserve], budgets.shell[Settle]
    results: list[dict[str, Any]] = []

    def spend(requests: list[tuple[int, int]]) -> None:
        spent = granted = faults = 0
        for most, cost in requests:
            grant = reserve(Reserve(request, tier, most))
            if grant.refused is not None:
                faults += "cannot be used" in grant.refused
                continue
            time.sleep(plan["seconds"])
            note = settle(Settle(request, grant, cost))
            faults += note is not None
            spent += cost
            granted += 1
        results.append({"spent": spent, "granted": granted, "faults": faults})

    threads = [
        threading.Thread(target=spend, args=(plan["requests"][place :: plan["threads"]],))
        for place in range(plan["threads"])
    ]
    print("ready", flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(
        spent=sum(each["spent"] for each in results),
        granted=sum(each["granted"] for each in results),
        faults=sum(each["faults"] for each in results),
    )


if __name__ == "__main__":
    main()
