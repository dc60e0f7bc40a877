"""A value predicted from the most similar training texts: the plainest router that learns, without costs or tiers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router.features import Floats

NEIGHBOURS = 100

_LONGEST = 20_000  # characters of a text that neighbours are told by

_BLOCK = 512  # texts whose similarities are held at once

_PIECE = r"(?u)\w+|[^\w\s]"


def neighbours(known: Sequence[str], values: Floats, texts: Sequence[str]) -> Floats:
    """For each of ``texts`` (m,) the mean of the ``values`` (n,) of its 100 most similar texts in ``known`` (n,).

    Similar is the cosine of TF-IDF terms, by which the mean is weighted; a text that shares no term gets the mean of
    all values.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    terms = TfidfVectorizer(sublinear_tf=True, max_features=50_000, token_pattern=_PIECE)
    columns = terms.fit_transform([text[:_LONGEST] for text in known]).T.tocsr()
    rows = terms.transform([text[:_LONGEST] for text in texts])
    most = min(NEIGHBOURS, len(known))
    found = np.full(len(texts), float(values.mean()))
    for start in range(0, len(texts), _BLOCK):
        near = (rows[start : start + _BLOCK] @ columns).toarray()
        top = np.argpartition(-near, most - 1, axis=1)[:, :most]
        share = np.take_along_axis(near, top, axis=1)
        total = share.sum(axis=1)
        some = total > 0
        found[start : start + _BLOCK][some] = (share * values[top]).sum(axis=1)[some] / total[some]
    return found
