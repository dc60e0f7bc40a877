"""``batch_lost``, ``batch_doubled``: a batch file whose process is killed three times, at three different places.

The counts are the vendor's own, of a server on loopback with OpenAI's and Anthropic's batch APIs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from batch_vendor import HARD, Vendor, serving
from result import Result, say

from router.ledger import Ledger

WORKER = Path(__file__).parent / "batch_worker.py"
APIS = ("openai-chat", "anthropic")
GRACE = 3.0
LATE = 0.5

KILLS = (
    ("the first batch was created, and its id not yet told", "registered", 1, 0.0),
    ("the answers of the first round were asked for", "results", 1, 0.0),
    ("the second batch was sent, and not yet taken in", "received", 2, LATE),
)
"""When the process is killed: at the nth such event of all runs, after which the vendor waits so many seconds."""


def measure(*, quick: bool) -> list[Result]:
    """Answer a file with each vendor's API, killed three times each."""
    count, apis = (20, APIS[:1]) if quick else (200, APIS)
    runs = {api: _killed(api, count) for api in apis}
    more = {
        "kills": {api: run["kills"] for api, run in runs.items()},
        "requests": count,
        "calls_billed": {api: run["billed"] for api, run in runs.items()},
        "calls_sent": {api: run["sent"] for api, run in runs.items()},
        "ledger_usd": {api: run["ledger_usd"] for api, run in runs.items()},
        "billed_usd": {api: run["billed_usd"] for api, run in runs.items()},
        "seconds": {api: run["seconds"] for api, run in runs.items()},
        "vendor": "a server on loopback; no real provider was asked",
    }

    def result(name: str, key: str, unit: str, more: dict[str, Any]) -> Result:
        value = sum(run[key] for run in runs.values())
        n = count * len(runs)
        return Result(name=name, value=value, unit=unit, against="nothing", ratio=None, n=n, more=more)

    return [
        result("batch_lost", "lost", "requests", more),
        result("batch_doubled", "doubled", "calls billed twice", {"calls_billed": more["calls_billed"]}),
    ]


def _killed(api: str, count: int) -> dict[str, Any]:
    began = time.perf_counter()
    with serving() as vendor, TemporaryDirectory(prefix="tierwise-bench-") as name:
        folder = Path(name)
        plan, out = _plan(vendor, api, folder, count)
        events = _Events(vendor)
        kills = []
        for place, event, nth, late in KILLS:
            say(f"batch_lost: {api}: killed when {place}")
            events.arm(event, nth, late)
            process = _start(plan, events)
            status = process.wait(40)
            assert status == -signal.SIGKILL, f"it was not killed when {place}, but ended with {status}"
            kills.append(place)
        events.arm("nothing", 0, 0.0)
        process = _start(plan, events)
        assert process.wait(40) == 0, "the last run failed; its message is above"
        lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        answered = {line["line"] for line in lines if line.get("text", "").startswith("sure")}
        with Ledger(folder / "ledger.db") as ledger:
            costs = {entry.decision.id: entry.decision.cost for entry in ledger.decisions()}
    assert len(lines) == len({line["line"] for line in lines}), "a request was written twice"
    lost = count - len(answered & set(range(1, count + 1)))
    return {
        "kills": kills,
        "lost": max(lost, count - len(costs)),
        "doubled": vendor.twice,
        "billed": vendor.billed.total(),
        "sent": vendor.sent.total(),
        "ledger_usd": sum(costs.values()) / 10**9,
        "billed_usd": vendor.billed.total() * 20_000 / 10**9,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _plan(vendor: Vendor, api: str, folder: Path, count: int) -> tuple[Path, Path]:
    source, out = folder / "in.jsonl", folder / "out.jsonl"
    prompts = [f"{HARD if place % 2 else 'easy'} question {place}" for place in range(count)]
    source.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts), encoding="utf-8")
    plan = folder / "plan.json"
    work = {"url": vendor.url, "api": api, "source": str(source), "out": str(out), "grace": GRACE}
    plan.write_text(json.dumps(work | {"ledger": str(folder / "ledger.db")}), encoding="utf-8")
    return plan, out


class _Events:
    """Kills the worker at an event."""

    def __init__(self, vendor: Vendor) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        self._armed: tuple[str, int, float] = ("nothing", 0, 0.0)
        self.pid = 0
        vendor.on = self._on

    def arm(self, event: str, nth: int, late: float) -> None:
        self._armed = (event, nth, late)

    def _on(self, event: str) -> None:
        with self._lock:
            self._seen[event] = self._seen.get(event, 0) + 1
            armed, nth, late = self._armed
            strike = event == armed and self._seen[event] == nth
        if strike:
            os.kill(self.pid, signal.SIGKILL)
            time.sleep(late)


def _start(plan: Path, events: _Events) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, str(WORKER), str(plan)], stdout=subprocess.DEVNULL, cwd=plan.parent)
    events.pid = process.pid
    return process
