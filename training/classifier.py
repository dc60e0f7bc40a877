"""The complexity classifier on its own: what the prompt says of every tier, for those who route before any answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from router.embed import Embedder
from router.estimators import Calibration
from router.features import Floats, PromptFeatures, prompt_features
from router.types import Request
from training.calibrate import calibrated_already
from training.embedding import with_embeddings
from training.heads import folds_of
from training.prompt_fit import PromptFit, fit_prompts


@dataclass(frozen=True)
class Classifier:
    """``held_out`` (n, K): each training row's calibrated chances from fits that did not see its label. ``embedder``
    embeds what is asked about, where the training prompts were embedded.
    """

    prompts: PromptFit
    calibration: Calibration
    held_out: Floats
    embedder: Embedder | None = None

    def chances(self, requests: Sequence[Request]) -> Floats:
        """Calibrated chances (m, K) that each tier suffices, by the runtime's own arithmetic.

        Raises:
            EmbedderError: the embedder failed.
        """
        return self.chances_of(_features(requests, self.embedder))

    def chances_of(self, features: Sequence[PromptFeatures]) -> Floats:
        """The same (m, K) of prompts that were read already."""
        return np.array([self.calibration.apply(self.prompts.of(item)) for item in features])


def fit_classifier(
    requests: Sequence[Request],
    quality: Floats,
    *,
    keys: Sequence[str],
    weight: Floats | None = None,
    embedder: Embedder | None = None,
) -> Classifier:
    """Fit the classifier as :func:`training.fit.fit` does, without a scorer.

    ``quality`` (n, K) in [0, 1], NaN where there is no label; ``keys`` (n,): rows that share one share a fold;
    ``weight`` (n, K), 1 by default. With an ``embedder`` it reads the prompts' embeddings too; pass one that is
    :class:`training.embedding.Remembered` where the same prompts come again.

    Raises:
        EmbedderError: the embedder failed.
    """
    return replace(fit_features(_features(requests, embedder), quality, keys=keys, weight=weight), embedder=embedder)


def fit_features(
    features: Sequence[PromptFeatures],
    quality: Floats,
    *,
    keys: Sequence[str],
    weight: Floats | None = None,
    fitted_by: Callable[..., PromptFit] = fit_prompts,
) -> Classifier:
    """:func:`fit_classifier` on prompts that were read already; ``fitted_by`` takes what ``fit_prompts`` takes."""
    mass = np.ones_like(quality) if weight is None else weight
    fold = folds_of(keys)
    with threadpool_limits(1):
        prompts = fitted_by(features, quality, weight=mass, fold=fold)
        found = calibrated_already(prompts.logits)
    return Classifier(prompts, found.final, found.chances)


def _features(requests: Sequence[Request], embedder: Embedder | None) -> Sequence[PromptFeatures]:
    features = [prompt_features(request) for request in requests]
    return features if embedder is None else with_embeddings(features, requests, embedder)
