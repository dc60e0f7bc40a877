"""``route_overhead``: ``Router.route`` on an instant provider against cascadeflow's agent and LiteLLM's Router."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from instant import ladder_for, provider_for, router_for
from material import bundle_path, rows
from result import Result, median, quartiles, rounded, say

from router import PolicyBundle
from router.bundle import load
from router.ops import Send
from router.policy import Thresholds
from router.types import Request, as_messages
from training.benchmarks.environments import PeerMissing, environment
from training.benchmarks.peers import CASCADEFLOW, LITELLM

TARGET = 1.0
PEERS = {peer.name: peer for peer in (CASCADEFLOW, LITELLM)}
FOLDER = Path(__file__).parent / "peers"
SCRIPTS = {"tierwise": "tierwise_route.py", "cascadeflow": "cascadeflow_agent.py", "litellm": "litellm_router.py"}


def halved(bundle: PolicyBundle, given: list[dict[str, Any]]) -> tuple[PolicyBundle, list[dict[str, Any]]]:
    """The bundle with a rule that starts cheap and accepts half of the answers, and the rows marked with which."""
    provider = provider_for(bundle.tiers, given)
    router = router_for(bundle, provider, ledger={"enabled": False})
    answers = provider_for(bundle.tiers, given)
    tier = ladder_for(bundle)[0]
    confidences = []
    for row in given:
        request = Request(messages=as_messages(row["prompt"]))
        completion = answers.complete(Send(tier, request, timeout=60.0, live=False))
        assessor = router.plan.assessor
        confidences.append(assessor.observe(assessor.begin(request), 0, completion).quality[0])
    threshold = median(confidences)
    rest = len(bundle.tiers) - 1
    rule = Thresholds(start=(0.0,) * (rest + 1), accept=(threshold, *(0.0,) * rest))
    marked = [row | {"accepted": found >= threshold} for row, found in zip(given, confidences, strict=True)]
    return bundle.with_rule(rule), marked


def measure(*, quick: bool) -> Result:
    """Run us and each peer in processes of their own, in turns, and take the medians over all passes."""
    rounds, passes = (1, 2) if quick else (5, 20)
    pythons: dict[str, Path] = {"tierwise": Path(sys.executable)}
    peers: dict[str, dict[str, Any]] = {}
    for name, peer in PEERS.items():
        try:
            pythons[name] = environment(peer, report=say)
        except PeerMissing as missing:
            say(f"route_overhead: {missing.reason}; it is left out")
            peers[name] = {"version": peer.version, "value": None, "ratio": None, "skipped": missing.reason}
    bundle, marked = halved(load(bundle_path()), rows())
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in pythons}
    with TemporaryDirectory(prefix="tierwise-bench-") as folder:
        bundle.save(Path(folder) / "bundle.tierwise")
        plan = Path(folder) / "plan.json"
        plan.write_text(
            json.dumps(
                {"bundle": f"{folder}/bundle.tierwise", "rows": marked, "passes": passes, "warmup": 1 if quick else 5}
            )
        )
        for turn in range(rounds):
            for name, python in pythons.items():
                say(f"route_overhead: round {turn + 1} of {rounds}, {name}")
                found[name].append(_run(python, SCRIPTS[name], plan))
    times = {name: [value for report in reports for value in report["passes"]] for name, reports in found.items()}
    ours = median(times["tierwise"])
    for name in pythons:
        if name != "tierwise":
            theirs = median(times[name])
            peers[name] = {
                "version": found[name][0]["version"],
                "value": rounded(theirs),
                "ratio": rounded(theirs / ours),
                "quartiles": quartiles(times[name]),
                "calls_per_request": rounded(found[name][0]["calls"]),
            }
    measured = {name: peer for name, peer in peers.items() if peer["value"] is not None}
    fastest = min(measured, key=lambda name: measured[name]["value"], default=None)
    asynchronous = [value for report in found["tierwise"] for value in report["asynchronous"]]
    return Result(
        name="route_overhead",
        value=ours,
        unit="us",
        against=" and ".join(PEERS) if fastest is None else fastest,
        ratio=None if fastest is None else measured[fastest]["ratio"],
        n=len(times["tierwise"]) * len(marked),
        target=TARGET,
        more={
            "quartiles": quartiles(times["tierwise"]),
            "aroute": rounded(median(asynchronous)),
            "calls_per_request": rounded(found["tierwise"][0]["calls"]),
            "peers": peers,
        },
    )


def _run(python: Path, script: str, plan: Path) -> dict[str, Any]:
    """One process's report: the last line that it printed."""
    done = subprocess.run(
        [str(python), str(FOLDER / script), str(plan)],
        capture_output=True,
        text=True,
        check=False,
        cwd=plan.parent,
        env=os.environ | {"PYTHONPATH": str(FOLDER.parent)},
    )
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report
