"""Quality predicted from the most similar training prompts: the plainest router that learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from router.features import Floats, prompt_features
from training.rows import Rows

NEIGHBOURS = 100

_LONGEST = 20_000  # characters of a prompt that neighbours are told by

_BLOCK = 512  # rows whose similarities are held at once

_PIECE = r"(?u)\w+|[^\w\s]"

Excluded = Callable[[int, int], Any]


def others(keys: Sequence[str]) -> Excluded:
    """Rows of the same split key as each of a block: they would give a training row its own label."""
    _, number = np.unique(np.array(keys, str), return_inverse=True)
    return lambda start, stop: number[start:stop, None] == number[None, :]


def similar(train: Rows) -> Callable[[Rows, Excluded | None], Floats]:
    """A nearest-neighbour regression on TF-IDF terms and hand-made features, fitted on the training rows alone."""
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import StandardScaler, normalize

    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=50_000, token_pattern=_PIECE)
    scaler = StandardScaler()

    def texts(rows: Rows) -> list[str]:
        return [query.request.text[:_LONGEST] for query in rows.queries]

    def hand(rows: Rows) -> Floats:
        return np.array([prompt_features(query.request).hand for query in rows.queries])

    vectorizer.fit(texts(train))
    scaler.fit(hand(train))

    def matrix(rows: Rows) -> Any:
        parts = [vectorizer.transform(texts(rows)), scipy.sparse.csr_matrix(normalize(scaler.transform(hand(rows))))]
        return scipy.sparse.hstack(parts, format="csr")

    known = matrix(train).T.tocsr()
    most = min(NEIGHBOURS, len(train))

    def predict(rows: Rows, excluded: Excluded | None) -> Floats:
        found = np.empty((len(rows), train.quality.shape[1]))
        places = matrix(rows)
        for start in range(0, len(rows), _BLOCK):
            stop = min(start + _BLOCK, len(rows))
            near = (places[start:stop] @ known).toarray()
            if excluded is not None:
                near[excluded(start, stop)] = -np.inf
            top = np.argpartition(-near, most - 1, axis=1)[:, :most]
            share = np.maximum(np.take_along_axis(near, top, axis=1), 0.0) + 1e-9
            share[np.isinf(np.take_along_axis(near, top, axis=1))] = 0.0
            share *= train.weight[top]
            total = share.sum(axis=1, keepdims=True)
            found[start:stop] = np.where(
                total > 0,
                (share[:, :, None] * train.quality[top]).sum(axis=1) / np.where(total > 0, total, 1.0),
                train.mean(train.quality),
            )
        return found

    return predict
