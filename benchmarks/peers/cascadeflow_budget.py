"""Spend from one of cascadeflow's budgets with several threads, as its documentation asks: see, call, add the cost.

Its ``CostTracker`` is told to block, and ``can_afford`` is asked before each call with the most that it may cost, the
same number that we set aside. A "total" budget, which it looks up fastest. One process: its trackers are not shared.
"""

from __future__ import annotations

import logging
import threading
import time
from importlib.metadata import version

from cascadeflow.telemetry import BudgetConfig, CostTracker
from timing import report, work

NANO = 10**9


def main() -> None:
    logging.disable(logging.CRITICAL)
    plan = work()
    tracker = CostTracker(user_budgets={"tier": BudgetConfig(total=plan["limit"] / NANO)}, enforcement_mode="block")
    spent: list[int] = []

    def spend(requests: list[tuple[int, int]]) -> None:
        for most, cost in requests:
            if not tracker.can_afford("team", most / NANO, "tier"):
                continue
            time.sleep(plan["seconds"])
            tracker.add_cost(model="m", provider="p", tokens=1, cost=cost / NANO, user_id="team", user_tier="tier")
            spent.append(cost)

    threads = [
        threading.Thread(target=spend, args=(plan["requests"][place :: plan["threads"]],))
        for place in range(plan["threads"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(version=version("cascadeflow"), spent=sum(spent), granted=len(spent))


if __name__ == "__main__":
    main()
