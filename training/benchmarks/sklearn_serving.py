"""What an engineer would serve without our export: our features, then scikit-learn's own objects.

They are made of a bundle's numbers, so that both sides give the same probabilities. One request at a time, as requests
come. They do less than we do, who also reckon lengths and costs, apply the rule and write the reasons down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit
from scipy.special import logit as scipy_logit
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel
from sklearn.preprocessing import StandardScaler, normalize

from router.assess import Answer, Estimators, Evidence, scorer_row
from router.embed import Embedder, readable
from router.errors import InputError
from router.estimators import EDGE, FARTHEST, Calibration, DenseModel, TextModel
from router.features import Floats, prompt_features
from router.signals import answer_signals
from router.trees import ROUNDING, Blend, TreeModel
from router.types import Completion, Request
from training.prompt_terms import term_weights


class PromptServer:
    """The complexity classifier: a vectorizer, its topics, a scaler, kernels, a linear regression, boosted trees for
    its averaged ones, and its calibration.

    ``embedder`` is ours, where the classifier reads embeddings.

    Raises:
        InputError: the classifier is of a kind that has no scikit-learn form here, or reads embeddings and there is
            no embedder.
    """

    def __init__(self, estimators: Estimators, *, embedder: Embedder | None = None) -> None:
        text, dense = estimators.prompt, estimators.dense
        if not isinstance(text, TextModel):
            raise InputError(f"a {type(text).__name__} has no scikit-learn form here; measure another bundle")
        if (dense is None) != (embedder is None):
            raise InputError("give an embedder where, and only where, the classifier reads embeddings")
        self._embedder = embedder
        self._vectorizer = _vectorizer(text)
        self._hand = _scaler(text.mean, text.scale)
        self._text, self._dense = text, dense
        self._topics = _directions(text.topics)
        weights = [text.terms, text.weights] + ([text.topic_weight * text.weights] if text.topic_weight[0] else [])
        weights += [] if dense is None else [dense.weights]
        read = len(text.mean) + text.topics.shape[1] + (0 if dense is None else dense.directions.shape[1])
        self._trees = [] if estimators.trees is None else _boosters(estimators.trees, columns=read)
        self._heads = LinearRegression()
        self._heads.coef_, self._heads.intercept_ = np.vstack(weights).T, text.intercept
        self._calibration = _Calibrated(estimators.calibration)

    def __call__(self, request: Request) -> list[float]:
        """Each tier's chance to suffice."""
        features, text = prompt_features(request), self._text
        hand = np.clip(self._hand.transform(features.hand[None]), -FARTHEST, FARTHEST)
        terms = self._vectorizer.transform([features])
        blocks: list[Any] = [
            terms,
            np.exp(-text.rate[0] * euclidean_distances(hand, text.landmarks)),
        ]
        topics = normalize(self._topics.transform(terms))
        row = [features.hand[None], topics]
        if text.topic_weight[0]:
            blocks.append(np.exp(-text.topic_rate[0] * euclidean_distances(topics, text.places)))
        if self._dense is not None:
            assert self._embedder is not None
            embedding = self._embedder((readable(request),))
            blocks.append(rbf_kernel(embedding, self._dense.landmarks, gamma=float(self._dense.rate[0])))
            row.append(embedding @ self._dense.directions)
        values = self._heads.predict(sparse.hstack(blocks, format="csr"))[0]
        for tier, booster in enumerate(self._trees):
            values[tier] += float(booster.decision_function(np.hstack(row))[0])
        logits = scipy_logit(np.clip(values, EDGE, 1 - EDGE)) @ text.mix + text.shift
        return self._calibration(logits.tolist())


class AnswerServer:
    """The confidence scorer after the answers of the tiers in ``mask``: imputation, a scaler, a logistic regression a
    tier, boosted trees where the bundle has them, and its calibration.

    Raises:
        InputError: the bundle scores no such set of answers.
    """

    def __init__(self, estimators: Estimators, *, mask: int) -> None:
        if mask not in estimators.scorer:
            raise InputError(f"the bundle has no scorer for the set of answers {mask}")
        model, calibration = estimators.scorer[mask]
        linear = model.linear if isinstance(model, Blend) else model
        self._columns = _Columns(linear)
        self._heads = _heads(linear.weights, linear.intercept)
        self._trees = _boosters(model.trees, columns=len(linear.mean)) if isinstance(model, Blend) else []
        self._calibration = _Calibrated(calibration)

    def __call__(self, evidence: Evidence, rank: int, completion: Completion) -> list[float]:
        """Each tier's chance after one more answer, that of tier ``rank``."""
        assert evidence.logits is not None
        assert evidence.features is not None
        answer = Answer(rank, answer_signals(evidence.request, completion), completion.text)
        row = scorer_row(evidence.logits, evidence.features.hand, (*evidence.answers, answer))[None]
        matrix = self._columns(row)
        logits = [float(head.decision_function(matrix)[0]) for head in self._heads]
        for tier, booster in enumerate(self._trees):
            logits[tier] += float(booster.decision_function(row)[0])
        return self._calibration(logits)


class _Columns:
    """Numbers standardised, a missing one at the training mean."""

    def __init__(self, model: DenseModel) -> None:
        self._imputer = SimpleImputer(keep_empty_features=True).fit(np.zeros((2, len(model.mean))))
        self._imputer.statistics_ = model.mean
        self._scaler = _scaler(model.mean, model.scale)

    def __call__(self, rows: Floats) -> Floats:
        out: Floats = self._scaler.transform(self._imputer.transform(rows))
        return out


class _Calibrated:
    """A tier's Platt scaling, isotonic regression, or one after the other, as ``training.calibrate`` chose.

    Platt's is the formula alone, as scikit-learn's own calibration has it: a logistic regression would be slower.
    """

    def __init__(self, fitted: Calibration) -> None:
        self._platt = list(zip(fitted.slope.tolist(), fitted.shift.tolist(), strict=True))
        self._isotonic = [_isotonic(x, y) for x, y in zip(fitted.x, fitted.y, strict=True)]

    def __call__(self, logits: Sequence[float]) -> list[float]:
        chances = []
        for logit, (slope, shift), isotonic in zip(logits, self._platt, self._isotonic, strict=True):
            chance = float(expit(slope * logit + shift))
            chances.append(chance if isotonic is None else float(isotonic.predict([chance])[0]))
        return chances


def _vectorizer(text: TextModel) -> TfidfVectorizer:
    vocabulary = {key: place for place, key in enumerate(text.keys.tolist())}
    vectorizer = term_weights().set_params(vocabulary=vocabulary)
    vectorizer.idf_ = text.idf
    return vectorizer


def _directions(topics: Floats) -> TruncatedSVD:
    svd = TruncatedSVD(topics.shape[1])
    svd.components_ = topics.T
    return svd


def _scaler(mean: Floats, scale: Floats) -> StandardScaler:
    scaler = StandardScaler().fit(np.zeros((2, len(mean))))
    scaler.mean_, scaler.scale_, scaler.var_ = mean, scale, scale**2
    return scaler


def _heads(weights: Floats, intercept: Floats) -> list[LogisticRegression]:
    return [_logistic(column, shift) for column, shift in zip(weights.T, intercept, strict=True)]


def _logistic(weights: Floats, intercept: float) -> LogisticRegression:
    """A fitted logistic regression of these weights."""
    model = LogisticRegression()
    model.classes_, model.n_features_in_ = np.array([0, 1]), len(weights)
    model.coef_, model.intercept_ = weights[None], np.array([intercept])
    return model


def _isotonic(x: Floats, y: Floats) -> IsotonicRegression | None:
    """The isotonic regression through these knots; None for the map that changes nothing."""
    if np.array_equal(x, y):
        return None
    places, first = np.unique(x, return_index=True)
    return IsotonicRegression(out_of_bounds="clip").fit(places, y[first])


def _boosters(model: TreeModel, *, columns: int) -> list[HistGradientBoostingClassifier]:
    """Each tier's trees as a booster of scikit-learn: one fitted to anything, its trees then exchanged for ours.

    scikit-learn has no public way to do that. That the probabilities are equal is seen to before anything is timed.
    """
    rng = np.random.default_rng(0)
    starts = model.roots.astype(int)
    order = np.argsort(starts)
    ends = np.append(starts[order][1:], len(model.feature))[np.argsort(order)]
    made = []
    for tier in range(len(model.intercept)):
        own = np.arange(len(model.roots)) if model.value.ndim > 1 else np.flatnonzero(model.head == tier)
        value = model.value[:, tier] if model.value.ndim > 1 else model.value
        booster = HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=1)
        booster.fit(rng.random((20, columns)), np.arange(20) % 2)
        booster._predictors = [[_tree(model, value, starts[tree], ends[tree])] for tree in own]  # noqa: SLF001
        booster._baseline_prediction = np.full((1, 1), model.intercept[tier])  # noqa: SLF001
        made.append(booster)
    return made


def _tree(model: TreeModel, value: Floats, start: int, end: int) -> Any:
    here = np.arange(start, end)
    nodes = np.zeros(end - start, PREDICTOR_RECORD_DTYPE)
    nodes["is_leaf"] = model.left[start:end] == here
    nodes["feature_idx"], nodes["num_threshold"] = model.feature[start:end], model.threshold[start:end] + ROUNDING
    nodes["missing_go_to_left"], nodes["value"] = model.missing_left[start:end], value[start:end]
    nodes["left"], nodes["right"] = model.left[start:end] - start, model.right[start:end] - start
    none = np.zeros((0, 8), np.uint32)
    return TreePredictor(nodes, none, none)
