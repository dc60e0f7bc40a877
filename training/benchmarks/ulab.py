"""ulab's 14 tasks: what nine models made of the same prompts, and what asking each would have cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.errors import InputError
from router.features import Floats
from router.types import Request, as_messages
from training import public
from training.benchmarks.overlap import Known, apart, normalised

ANSWER_TOKENS = 256
"""Tokens that every answer is reckoned at: the source has neither answers nor token counts."""


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """n prompts: ``quality`` (n, K) in [0, 1] of each model, ``cost`` (n, K) in nano-dollars, and what task each is of.

    Rows with one of ``keys`` are the same prompt.
    """

    ids: tuple[str, ...]
    requests: tuple[Request, ...]
    tasks: tuple[str, ...]
    keys: tuple[str, ...]
    quality: Floats
    cost: Floats

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def texts(self) -> list[str]:
        """What each prompt says."""
        return [request.text for request in self.requests]

    def take(self, places: Any) -> Prompts:
        """The rows at ``places``, or where a mask is true."""
        chosen = np.arange(len(self))[places]
        return Prompts(
            ids=tuple(self.ids[place] for place in chosen),
            requests=tuple(self.requests[place] for place in chosen),
            tasks=tuple(self.tasks[place] for place in chosen),
            keys=tuple(self.keys[place] for place in chosen),
            quality=self.quality[chosen],
            cost=self.cost[chosen],
        )

    def among(self, models: Sequence[int]) -> Prompts:
        """The same prompts at some of the models, in that order."""
        return Prompts(
            ids=self.ids,
            requests=self.requests,
            tasks=self.tasks,
            keys=self.keys,
            quality=self.quality[:, list(models)],
            cost=self.cost[:, list(models)],
        )


@dataclass(frozen=True, kw_only=True)
class Split:
    """Their split: ``models`` from the cheapest to the dearest, at equal prices in the alphabet's order.

    ``dropped`` are the training prompts that also stand among the test prompts, and were left out of ``train``.
    """

    models: tuple[str, ...]
    prices: tuple[float, ...]
    train: Prompts
    test: Prompts
    dropped: int


def load() -> Split:
    """Read the file and leave the test prompts out of the training prompts.

    Their split repeats 119 of the 500 test prompts in the training split under other ids. A training prompt is left
    out where it says the same or half of its runs of 13 words are a test prompt's.

    Raises:
        InputError: the file is not there, or has a prompt without a label of every model.
    """
    rows = public.rows("ulab_llmrouter")
    prices: dict[str, float] = {}
    for row in rows:
        if row["price_in_per_M"] != row["price_out_per_M"]:
            raise InputError(f"{row['model']} has two prices in ulab_llmrouter; one for both directions was expected")
        prices[row["model"]] = row["price_in_per_M"]
    models = sorted(prices, key=lambda model: (prices[model], model))
    found = {split: _prompts(rows, split, models, prices) for split in ("train", "test")}
    known = Known(found["test"].texts)
    kept = np.array([not known.has(text) for text in found["train"].texts])
    train = found["train"].take(kept)
    apart(train, found["test"])
    return Split(
        models=tuple(models),
        prices=tuple(prices[model] for model in models),
        train=train,
        test=found["test"],
        dropped=int((~kept).sum()),
    )


def tokens(text: str) -> int:
    """The tokens that a call with this prompt is reckoned at, answer included."""
    return max(1, math.ceil(len(text) / public.CHARACTERS_PER_TOKEN)) + ANSWER_TOKENS


def _prompts(
    rows: Sequence[Mapping[str, Any]], split: str, models: Sequence[str], prices: Mapping[str, float]
) -> Prompts:
    grouped: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        if row["split"] == split:
            grouped.setdefault(row["query_id"], {})[row["model"]] = row
    for id, found in grouped.items():
        if len(found) != len(models) or any(row["quality"] is None for row in found.values()):
            raise InputError(f"{id} has no label of every model in ulab_llmrouter; the file is not the expected one")
    firsts = [found[models[0]] for found in grouped.values()]
    per_token = np.array([prices[model] * 1000 for model in models])  # USD per million tokens are 1,000 nano-dollars
    return Prompts(
        ids=tuple(grouped),
        requests=tuple(Request(messages=as_messages(row["prompt"])) for row in firsts),
        tasks=tuple(row["task"] for row in firsts),
        keys=tuple(normalised(row["prompt"]) for row in firsts),
        quality=np.array([[found[model]["quality"] for model in models] for found in grouped.values()], float),
        cost=np.array([tokens(row["prompt"]) for row in firsts])[:, None] * per_token,
    )
