"""``ledger_overhead``: what the SQLite ledger adds to ``Router.route``, surviving a crash and surviving a power cut."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from instant import provider_for, router_for
from material import bundle_path, rows
from result import Result, median, quartiles, rounded, say
from routing import halved
from timing import settle, timed

from router.bundle import load
from training.benchmarks.environments import home


def measure(*, quick: bool) -> Result:
    """Route the same prompts without a ledger, with one, and with one that flushes the disk, a pass in turn."""
    rounds = 3 if quick else 60
    bundle, marked = halved(load(bundle_path()), rows())
    prompts = [row["prompt"] for row in marked]
    provider = provider_for(bundle.tiers, marked)
    within = home()
    within.mkdir(parents=True, exist_ok=True)
    say(f"ledger_overhead: {rounds} rounds over {len(prompts)} prompts: no ledger, process, power in turns")
    with TemporaryDirectory(prefix="ledger-", dir=within) as folder:
        kinds = {
            "none": {"enabled": False},
            "process": {"url": f"sqlite:///{Path(folder) / 'process.db'}", "durability": "process"},
            "power": {"url": f"sqlite:///{Path(folder) / 'power.db'}", "durability": "power"},
        }
        routers = {kind: router_for(bundle, provider, ledger=ledger) for kind, ledger in kinds.items()}
        settle()
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for turn in range(rounds + 1):
            for kind, router in routers.items():
                took = timed(router.route, prompts)
                provider.calls.clear()
                if turn:  # the first round opens files and warms up
                    found[kind].append(took)
        for kind in ("process", "power"):
            ledger = routers[kind].ledger
            assert ledger is not None
            assert ledger.count() == (rounds + 1) * len(prompts), "a decision is missing from the ledger"
        for router in routers.values():
            router.close()
    extra = {
        kind: [took - bare for took, bare in zip(found[kind], found["none"], strict=True)]
        for kind in ("process", "power")
    }
    return Result(
        name="ledger_overhead",
        value=median(extra["process"]),
        unit="us",
        against='durability "power"',
        ratio=median(extra["power"]) / median(extra["process"]),
        n=rounds * len(prompts),
        more={
            "against_value": rounded(median(extra["power"])),
            "quartiles": quartiles(extra["process"]),
            "against_quartiles": quartiles(extra["power"]),
            "route_without": rounded(median(found["none"])),
        },
    )
