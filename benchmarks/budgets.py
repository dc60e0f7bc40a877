"""``budget_overspend``: what 64 workers spend over a budget's limit: ours on a real Redis, cascadeflow's in process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from result import SEED, Result, median, quartiles, rounded, say
from servers import Missing, redis

from router.budget.accounts import account
from router.budget.settings import BudgetScope, BudgetSettings
from router.budget.windows import Window
from router.stores.budget_store import Holding
from router.stores.budgeting import store_of
from training.benchmarks.environments import Absent, PeerMissing, environment, required
from training.benchmarks.peers import CASCADEFLOW

FOLDER = Path(__file__).parent / "peers"
LIMIT = 10**9  # a dollar, about a fifth of what the requests would cost together
MOST = 2_000_000
CALL_SECONDS = 0.005


def measure(*, quick: bool) -> Result:
    """Let the same requests spend from one budget: ours from 8 processes at once, the peer's from one."""
    processes, threads, count = (2, 4, 400) if quick else (8, 8, 10_000)
    dice = random.Random(SEED)
    mosts = [dice.randint(1, MOST) for _ in range(count)]
    requests = [(most, dice.randint(0, most)) for most in mosts]
    limit = LIMIT * count // 10_000
    work = {"requests": requests, "limit": limit, "threads": threads, "seconds": CALL_SECONDS}
    with TemporaryDirectory(prefix="tierwise-bench-") as folder:
        try:
            ours = _ours(work, processes, Path(folder))
        except Missing as error:
            say(f"budget_overspend: left out, since {error}")
            ours = None
        peer, why = _peer(work | {"threads": processes * threads}, Path(folder), absent="tell" if quick else "install")
    more: dict[str, Any] = {
        "workers": processes * threads,
        "processes": processes,
        "limit_usd": limit / 10**9,
        "asked_usd": sum(cost for _, cost in requests) / 10**9,
        "call_ms": CALL_SECONDS * 1000,
        "peer": peer if why is None else {"version": CASCADEFLOW.version, "skipped": why},
    }
    return Result(
        name="budget_overspend",
        value=None if ours is None else ours["overspend"],
        unit="nano-dollars",
        against="cascadeflow",
        ratio=None,  # what is not overspent has no ratio
        n=count,
        more=({} if ours is None else ours) | more,
    )


def _ours(work: dict[str, Any], processes: int, folder: Path) -> dict[str, Any]:
    """Every process takes each so many-eth request; all begin together."""
    with redis() as port:
        url = f"redis://127.0.0.1:{port}/0"
        alone = _alone(url, 20 if len(work["requests"]) < 10_000 else 500)
        say(f"budget_overspend: {len(work['requests']):,} requests, {processes} processes of {work['threads']} threads")
        started = []
        for place in range(processes):
            plan = folder / f"plan-{place}.json"
            share = {"url": url, "requests": work["requests"][place::processes]}
            plan.write_text(json.dumps(work | share), encoding="utf-8")
            started.append(_start(Path(sys.executable), "tierwise_budget.py", plan, stdin=subprocess.PIPE))
        reports = [_together(process, started) for process in started]
        scope = BudgetScope(name="bench", limit=work["limit"], window=Window(kind="month"))
        store = store_of(BudgetSettings(url=url, scopes=(scope,)))
        (standing,) = store.survey((account(scope, None),)).standings
        store.close()
    spent = sum(report["spent"] for report in reports)
    assert spent == standing.spent, "the budget was not charged what the calls cost"
    assert standing.held == 0, "something is still set aside"
    assert sum(report["faults"] for report in reports) == 0, "the store could not be asked"
    return {
        "overspend": max(spent - work["limit"], 0),
        "spent_usd": spent / 10**9,
        "utilisation": round(spent / work["limit"], 6),
        "granted": sum(report["granted"] for report in reports),
        "alone_us": {"median": rounded(median(alone)), "quartiles": quartiles(alone)},
    }


def _alone(url: str, rounds: int) -> list[float]:
    """Microseconds of setting aside and settling when nobody else does."""
    scope = BudgetScope(name="alone", limit=LIMIT, window=Window(kind="month"))
    store = store_of(BudgetSettings(url=url, scopes=(scope,)))
    accounts = (account(scope, None),)
    times = []
    for turn in range(rounds):
        holding = Holding(id=str(turn), most=2, accounts=accounts)
        began = perf_counter()
        store.reserve(holding)
        store.settle(holding, 1)
        times.append((perf_counter() - began) * 1e6)
    store.close()
    return times[1:]  # the first connects


def _peer(work: dict[str, Any], folder: Path, *, absent: Absent) -> tuple[dict[str, Any], str | None]:
    """cascadeflow on the same requests, in one process, since its budgets are not shared between processes."""
    try:
        required(CASCADEFLOW, absent=absent)
        python = environment(CASCADEFLOW, report=say)
    except PeerMissing as missing:
        say(f"budget_overspend: {missing.reason}; it is left out")
        return {}, missing.reason
    say(f"budget_overspend: cascadeflow, {work['threads']} threads")
    plan = folder / "peer.json"
    plan.write_text(json.dumps(work), encoding="utf-8")
    report = _end(_start(python, "cascadeflow_budget.py", plan))
    return {
        "version": report["version"],
        "overspend": max(report["spent"] - work["limit"], 0),
        "spent_usd": report["spent"] / 10**9,
        "utilisation": round(report["spent"] / work["limit"], 6),
        "granted": report["granted"],
    }, None


def _start(python: Path, script: str, plan: Path, *, stdin: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(python), str(FOLDER / script), str(plan)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
        cwd=plan.parent,
        env=os.environ | {"PYTHONPATH": str(FOLDER.parent)},
    )


def _together(process: subprocess.Popen[str], all_of_them: list[subprocess.Popen[str]]) -> dict[str, Any]:
    """One process's report, once all were ready and told to begin."""
    if process is all_of_them[0]:
        for each in all_of_them:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n", "a worker did not start"
        for each in all_of_them:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
    return _end(process)


def _end(process: subprocess.Popen[str]) -> dict[str, Any]:
    text, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("a worker failed; its message is above")
    report: dict[str, Any] = json.loads(text.splitlines()[-1])
    return report
