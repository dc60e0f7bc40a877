"""Workers that are killed while they spend: nothing that was charged is lost, and nothing is overspent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from router.budget.accounts import account
from router.budget.settings import BudgetSettings
from router.stores.budget_redis import RedisBudgets
from router.stores.budget_sqlite import SqliteBudgets
from tests.budget.conftest import scope

ROOT = Path(__file__).parents[2]
LIMIT = 500_000
NAMESPACE = "crash"


def start(url, seed):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.budget.worker", url, NAMESPACE, str(seed), str(LIMIT)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
    )


def sums(lines):
    """What was surely charged, and what may have been."""
    done = [line.split() for line in lines]
    surely = sum(int(cost) for word, cost in done if word == "spent")
    begun = [int(cost) for word, cost in done if word == "spends"]
    return surely, sum(begun)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_workers_killed_in_the_middle_lose_nothing_and_overspend_nothing(kind, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'budgets.db'}" if kind == "sqlite" else request.getfixturevalue("own_redis").url
    lines = []
    workers = [start(url, seed) for seed in range(3)]
    for worker in workers:
        lines += [worker.stdout.readline() for _ in range(60)]
        worker.kill()
        lines += worker.stdout.read().splitlines()
        worker.wait()
        worker.stdout.close()
    killed = len(lines)
    last = start(url, "last")  # goes on until the budget has no room
    lines += last.communicate()[0].splitlines()

    settings = BudgetSettings(url=url, namespace=NAMESPACE)
    store = RedisBudgets(settings) if kind == "redis" else SqliteBudgets(settings)
    accounts = (account(scope(limit=LIMIT, window="month"), None),)
    (now,) = store.survey(accounts).standings
    surely, at_most = sums(lines)
    assert killed < len(lines)
    assert surely <= now.spent <= at_most
    assert now.spent + now.held <= LIMIT
    assert now.held <= len(workers) * 1000  # what the dead had set aside, one call each at most
    store.close()
