"""``decide_40`` and ``decide_400``: ``Router.decide`` against the same estimators served by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

from material import LADDER, Material, material
from result import Result, median, quartiles, rounded, say
from timing import settle, timed

from router import Config, FakeProvider, Request, Router
from router.policy import Thresholds
from router.types import as_messages
from training.benchmarks.sklearn_serving import PromptServer
from training.fit import fit

TARGET = 8.0
LENGTHS = {"decide_40": 40, "decide_400": 400}


def measure(names: list[str], *, quick: bool) -> list[Result]:
    """Fit once, see that both give the same probabilities, then time them in turns."""
    stuff = material(quick=quick)
    say(f"decide: fitting on {stuff.source}")
    fitted = fit(stuff.records, LADDER, rungs=["prompt"], report=lambda line: say(f"decide: {line}"))
    bundle = fitted.bundle.with_rule(Thresholds(start=(0.6, 0.0), accept=(0.6, 0.0)))
    router = Router.from_config(
        Config.of(LADDER.tiers, ledger={"enabled": False}), provider=FakeProvider({}), bundle=bundle
    )
    server = PromptServer(bundle.estimators)

    def peer(prompt: str) -> list[float]:
        return server(Request(messages=as_messages(prompt)))

    settle()
    return [_measure(name, router, peer, stuff, quick=quick) for name in names]


def _measure(name: str, router: Router, peer: Callable[[str], list[float]], stuff: Material, *, quick: bool) -> Result:
    prompts = stuff.prompts(tokens=LENGTHS[name], n=8 if quick else 64)
    rounds = 3 if quick else 60
    gap = _gap(router, peer, prompts)
    assert gap <= 1e-6, f"the probabilities differ by {gap}: this would compare two different things"
    say(f"{name}: {rounds} rounds over {len(prompts)} prompts, decide and scikit-learn in turns")
    assess = router.plan.assessor.begin
    requests = [Request(messages=as_messages(prompt)) for prompt in prompts]
    ours, theirs, estimators = [], [], []
    for call in (router.decide, peer):
        timed(call, prompts)
    for _ in range(rounds):
        ours.append(timed(router.decide, prompts))
        theirs.append(timed(peer, prompts))
        estimators.append(timed(assess, requests))
    return Result(
        name=name,
        value=median(ours),
        unit="us",
        against="scikit-learn",
        ratio=median(theirs) / median(ours),
        n=rounds * len(prompts),
        target=TARGET,
        more={
            "against_value": rounded(median(theirs)),
            "quartiles": quartiles(ours),
            "against_quartiles": quartiles(theirs),
            "estimators_only": rounded(median(estimators)),
            "chars": rounded(median([len(prompt) for prompt in prompts])),
            "terms": len(fitted_terms(router)),
            "source": stuff.source,
        },
    )


def fitted_terms(router: Router) -> list[int]:
    """The vocabulary of the bundle in force."""
    return router.plan.assessor.estimators.prompt.keys.tolist()


def _gap(router: Router, peer: Callable[[str], list[float]], prompts: list[str]) -> float:
    """The largest difference of a probability between us and the peer."""
    return max(
        abs(ours - theirs)
        for prompt in prompts
        for ours, theirs in zip(router.decide(prompt).suffices.values(), peer(prompt), strict=True)
    )
