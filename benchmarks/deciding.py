"""``decide_40`` and ``decide_400``: ``Router.decide`` against the same estimators served by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from material import LADDER, Material, material
from result import Result, median, quartiles, rounded, say
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from timing import settle, timed

from router import Config, FakeProvider, Request, Router
from router.estimators import Calibration
from router.features import prompt_features
from router.policy import Thresholds
from router.types import as_messages
from training.fit import Fitted, fit

TARGET = 8.0
LENGTHS = {"decide_40": 40, "decide_400": 400}


class ScikitLearn:
    """What an engineer would serve without our export: our features, then the fitted scikit-learn objects.

    One prompt at a time, as requests come: the vectorizer, the scaler, each tier's logistic regression, then its
    calibration, Platt's logistic regression on the logit or isotonic regression on the probability. It does less than
    ``decide``, which also reckons lengths and costs, applies the rule and writes its reasons down.
    """

    def __init__(self, fitted: Fitted) -> None:
        assert fitted.prompts is not None
        self.pipeline = fitted.prompts
        self.heads = [_logistic(head.weights, head.intercept) for head in fitted.prompts.heads]
        self.calibrators = _calibrators(fitted.prompt_calibration)

    def __call__(self, prompt: str) -> list[float]:
        request = Request(messages=as_messages(prompt))
        matrix = self.pipeline.matrix([prompt_features(request)])
        chances = []
        for head, calibrator in zip(self.heads, self.calibrators, strict=True):
            if isinstance(calibrator, IsotonicRegression):
                chances.append(float(calibrator.predict(head.predict_proba(matrix)[:, 1])[0]))
            else:
                chances.append(float(calibrator.predict_proba(head.decision_function(matrix)[:, None])[0, 1]))
        return chances


def _logistic(weights: np.ndarray, intercept: float) -> LogisticRegression:
    """A fitted logistic regression of these weights."""
    model = LogisticRegression()
    model.classes_, model.n_features_in_ = np.array([0, 1]), len(weights)
    model.coef_, model.intercept_ = weights[None], np.array([intercept])
    return model


def _calibrators(fitted: Calibration) -> list[IsotonicRegression | LogisticRegression]:
    """The scikit-learn objects that ``training.calibrate`` took its numbers from."""
    found: list[IsotonicRegression | LogisticRegression] = []
    for slope, shift, x, y in zip(fitted.slope, fitted.shift, fitted.x, fitted.y, strict=True):
        if np.array_equal(x, y):
            found.append(_logistic(np.array([slope]), shift))
        else:
            places, first = np.unique(x, return_index=True)
            found.append(IsotonicRegression(out_of_bounds="clip").fit(places, y[first]))
    return found


def measure(names: list[str], *, quick: bool) -> list[Result]:
    """Fit once, see that both give the same probabilities, then time them in turns."""
    stuff = material(quick=quick)
    say(f"decide: fitting on {stuff.source}")
    fitted = fit(stuff.records, LADDER, rungs=["prompt"], report=lambda line: say(f"decide: {line}"))
    bundle = fitted.bundle.with_rule(Thresholds(start=(0.6, 0.0), accept=(0.6, 0.0)))
    router = Router.from_config(
        Config.of(LADDER.tiers, ledger={"enabled": False}), provider=FakeProvider({}), bundle=bundle
    )
    peer = ScikitLearn(fitted)
    settle()
    return [_measure(name, router, peer, stuff, quick=quick) for name in names]


def _measure(name: str, router: Router, peer: ScikitLearn, stuff: Material, *, quick: bool) -> Result:
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
