"""LLMRouter's routers among nine models: what they are given to read, and what they choose at several prices of cost.

Their own code runs where it can be installed (:mod:`training.benchmarks.peers`). Where it cannot, scikit-learn's
estimators of the same kind with the same hyper-parameters stand in, and the benchmark says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from router.features import Floats, PromptFeatures, prompt_features
from router.types import Request
from training.benchmarks.environments import Absent, PeerMissing
from training.benchmarks.peers import Trained, llmrouter_choices
from training.benchmarks.result import Report
from training.prompt_terms import term_weights
from training.steps import Ranks

DIRECTIONS = 200
"""Directions of the prompts' terms that stand in for their Longformer embeddings, beside our hand-made features."""

ROUTERS: tuple[Trained, ...] = ("knn", "svm", "mlp")

WORTH = (0.0, 0.01, 0.3)
"""How much quality the dearest model must add to the cheapest one to be a row's best: 0 as they have it.

Their label is a row's best model. With qualities of 0 and 1 the least price already makes that the cheapest one that is
right, and no higher one below 1 changes much.
"""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """``chosen[router]`` are a router's choices (t,) at each price; ``missing`` says why their own code did not run."""

    chosen: Mapping[Trained, Sequence[Ranks]]
    missing: str | None


@dataclass(frozen=True, kw_only=True)
class Dense:
    """What their routers read, of the rows to learn from and of those to route: (n, d) and (t, d)."""

    train: Floats
    test: Floats


def dense(train: Sequence[Request], test: Sequence[Request], *, seed: int = 0) -> Dense:
    """Our own features as dense rows: directions of the TF-IDF terms and the hand-made ones, each block of length 1."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import StandardScaler, normalize

    known, new = ([prompt_features(request) for request in requests] for requests in (train, test))
    vectorizer = term_weights()
    with threadpool_limits(1):
        terms: Any = vectorizer.fit_transform(known)
        directions = TruncatedSVD(min(DIRECTIONS, min(terms.shape) - 1), random_state=seed).fit(terms)
        scaler = StandardScaler().fit(_hand(known))

        def rows(features: Sequence[PromptFeatures]) -> Floats:
            blocks = directions.transform(vectorizer.transform(features)), scaler.transform(_hand(features))
            return np.hstack([normalize(block) for block in blocks])

        return Dense(train=rows(known), test=rows(new))


def choices(
    features: Dense,
    quality: Floats,
    cost: Floats,
    *,
    routers: Sequence[Trained] = ROUTERS,
    worth: Sequence[float] = WORTH,
    seed: int = 0,
    absent: Absent = "install",
    report: Report = lambda _: None,
) -> Choices:
    """What each router chooses at each price, trained on ``quality`` and ``cost`` (n, K) of the rows to learn from.

    ``absent``: what becomes of LLMRouter's own code where it is not installed; scikit-learn stands in for it.
    """
    mean = cost.mean(axis=0)
    gap = float(mean.max() - mean.min()) or 1.0
    worths = [quality - price * cost / gap for price in worth]
    try:
        chosen = {
            router: [
                llmrouter_choices(
                    router, features.train, value, asked=features.test, seed=seed, absent=absent, report=report
                )
                for value in worths
            ]
            for router in routers
        }
    except PeerMissing as missing:
        report(f"LLMRouter's own code does not run here, scikit-learn stands in: {missing}")
        stood = {router: [_stand_in(router, features, value, seed) for value in worths] for router in routers}
        return Choices(chosen=stood, missing=str(missing))
    return Choices(chosen=chosen, missing=None)


def _stand_in(router: Trained, features: Dense, worth: Floats, seed: int) -> Ranks:
    """The same kind of estimator with the same hyper-parameters, its label a row's best model, the first of equals."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    label = worth.argmax(axis=1)
    if len(np.unique(label)) == 1:
        return np.full(len(features.test), label[0])
    model: Any = {
        "knn": lambda: KNeighborsClassifier(n_neighbors=5),
        "svm": lambda: SVC(kernel="rbf", C=1.0, gamma="scale"),
        "mlp": lambda: MLPClassifier(
            hidden_layer_sizes=(128, 64),
            alpha=0.0001,
            batch_size=32,
            max_iter=100,
            tol=0.0,
            n_iter_no_change=100,
            random_state=seed,
        ),
    }[router]()
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 100 epochs, converged or not, is what they train
        found: Ranks = model.fit(features.train, label).predict(features.test).astype(np.int64)
    return found


def _hand(features: Sequence[PromptFeatures]) -> Floats:
    return np.array([item.hand for item in features])
