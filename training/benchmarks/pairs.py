"""Prompts with what a weak and a strong tier were worth on each: what routing before any answer learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.embed import Embedder
from router.errors import InputError
from router.features import Floats, PromptFeatures, prompt_features
from router.tiers import Ladder
from router.types import Request
from training.benchmarks.overlap import Known, key_of
from training.benchmarks.result import Report
from training.embedding import with_embeddings
from training.records import Records

WEAK, STRONG = 0, 1

Places = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """n prompts: ``quality`` (n, 2) in [0, 1] of the weak and the strong tier, ``cost`` (n, 2) in nano-dollars or None.

    Rows with one of ``keys`` are the same question; ``groups`` says what each is about, or where it is from.
    ``features`` (n,) are what :func:`read` made of the prompts, () before that.
    """

    ids: tuple[str, ...]
    requests: tuple[Request, ...]
    quality: Floats
    keys: tuple[str, ...]
    groups: tuple[str, ...]
    cost: Floats | None = None
    features: tuple[PromptFeatures, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def weak(self) -> Floats:
        """The weak tier's quality, (n,)."""
        found: Floats = self.quality[:, WEAK]
        return found

    @property
    def strong(self) -> Floats:
        """The strong tier's quality, (n,)."""
        found: Floats = self.quality[:, STRONG]
        return found

    @property
    def texts(self) -> list[str]:
        """What each prompt says."""
        return [request.text for request in self.requests]

    def take(self, places: Any) -> Pairs:
        """The rows at ``places``, or where a mask is true."""
        chosen = np.arange(len(self))[places]
        return Pairs(
            ids=tuple(self.ids[place] for place in chosen),
            requests=tuple(self.requests[place] for place in chosen),
            quality=self.quality[chosen],
            keys=tuple(self.keys[place] for place in chosen),
            groups=tuple(self.groups[place] for place in chosen),
            cost=None if self.cost is None else self.cost[chosen],
            features=tuple(self.features[place] for place in chosen) if self.features else (),
        )


def pairs_of(records: Records, ladder: Ladder, *, group: Callable[[str], str] = lambda _: "") -> Pairs:
    """The pairs of ``records`` with two tiers; ``group`` names a row's group by its query's id.

    Raises:
        InputError: there are not two tiers.
    """
    if len(ladder) != 2:
        raise InputError(f"there are {len(ladder)} tiers; a weak and a strong one are needed")
    cost = [
        [
            np.nan if outcome is None or outcome.completion.usage is None else tier.cost(outcome.completion.usage)
            for tier, outcome in zip(ladder.tiers, query.outcomes, strict=True)
        ]
        for query in records.queries
    ]
    return Pairs(
        ids=tuple(query.id for query in records.queries),
        requests=tuple(query.request for query in records.queries),
        quality=np.array([query.qualities for query in records.queries]),
        keys=tuple(key_of(query.request.text) for query in records.queries),
        groups=tuple(group(query.id) for query in records.queries),
        cost=np.array(cost, float),
    )


def joined(parts: Sequence[Pairs]) -> Pairs:
    """All of them, one after another; costs only where every part has them."""
    costs = [part.cost for part in parts if part.cost is not None]
    return Pairs(
        ids=tuple(id for part in parts for id in part.ids),
        requests=tuple(request for part in parts for request in part.requests),
        quality=np.concatenate([part.quality for part in parts]),
        keys=tuple(key for part in parts for key in part.keys),
        groups=tuple(group for part in parts for group in part.groups),
        cost=np.concatenate(costs) if len(costs) == len(parts) else None,
        features=tuple(item for part in parts for item in part.features)
        if all(part.features for part in parts)
        else (),
    )


def read(pairs: Pairs, *, embedder: Embedder | None = None, report: Report = lambda _: None) -> Pairs:
    """The rows with their prompts' features, and with an ``embedder`` their embeddings: what many fits can share.

    Raises:
        EmbedderError: the embedder failed.
    """
    features = tuple(map(prompt_features, pairs.requests))
    if embedder is not None:
        features = with_embeddings(features, pairs.requests, embedder, report=report)
    return replace(pairs, features=features)


def drawn(pairs: Pairs, size: int, *, seed: int) -> NDArray[np.bool_]:
    """Which rows a random draw of whole questions takes, (n,): as many questions as it takes for ``size`` rows.

    Raises:
        InputError: there are not so many rows beside at least one that is left.
    """
    _, code = np.unique(np.array(pairs.keys), return_inverse=True)
    if not 0 < size < len(pairs):
        raise InputError(f"{size} of {len(pairs)} rows cannot be drawn so that some are left; draw fewer")
    place = np.random.default_rng(seed).permutation(int(code.max()) + 1)[code]
    found: NDArray[np.bool_] = place <= np.sort(place)[size - 1]
    return found


def without(train: Pairs, test: Pairs) -> Pairs:
    """The rows of ``train`` whose question is none of ``test``: see :class:`training.benchmarks.overlap.Known`."""
    known = Known(test.texts)
    return train.take(np.array([not known.has(text) for text in train.texts], bool))
