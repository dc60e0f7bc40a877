"""Time ``Router.route``: two tiers on an instant fake provider, a trained bundle, no ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.metadata import version

from instant import provider_for, router_for
from timing import atimed, report, settle, timed, work

from router import FakeProvider
from router.bundle import load


def measure(call: Callable[[], float], provider: FakeProvider, passes: int) -> list[float]:
    """Microseconds a request, a pass at a time; what the fake remembers of a pass is let go after it."""
    found = []
    for _ in range(passes):
        found.append(call())
        provider.calls.clear()
    return found


def main() -> None:
    plan = work()
    bundle = load(plan["bundle"])
    provider = provider_for(bundle.tiers, plan["rows"])
    router = router_for(bundle, provider, ledger={"enabled": False})
    prompts = [row["prompt"] for row in plan["rows"]]
    settle()
    measure(lambda: timed(router.route, prompts), provider, plan["warmup"])
    passes = measure(lambda: timed(router.route, prompts), provider, plan["passes"])

    async def awaited() -> list[float]:
        found = []
        for _ in range(plan["passes"]):
            found.append(await atimed(router.aroute, prompts))
            provider.calls.clear()
        return found

    asynchronous = asyncio.run(awaited())
    decisions = [router.route(prompt).decision for prompt in prompts]
    report(
        version=version("tierwise"),
        passes=passes,
        asynchronous=asynchronous,
        calls=sum(len(decision.attempts) for decision in decisions) / len(decisions),
    )


if __name__ == "__main__":
    main()
