"""Chains of models: logged answers to a task's questions, and the error that a chain makes at a cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.errors import InputError
from router.features import Floats
from router.pricing import NANO
from router.types import Completion, Logprobs, Request, Usage, as_messages
from training import public
from training.benchmarks.overlap import normalised
from training.records import Outcome, Query

Chain = tuple[int, ...]
"""Ranks of models in the order in which they are asked."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Logs:
    """One split of a task, n questions, every one answered by every one of K models.

    ``quality`` (n, K); ``logprob`` (n, K), each model's confidence as a logarithm, as it was logged; ``cost`` (K,),
    what a call of each model costs on average, in nano-dollars.
    """

    queries: tuple[Query, ...]
    quality: Floats
    logprob: Floats
    cost: Floats

    def __len__(self) -> int:
        return len(self.quality)

    def take(self, rows: Ints) -> Logs:
        """Some of the questions, at the same cost of a call."""
        return Logs(
            queries=tuple(self.queries[row] for row in rows),
            quality=self.quality[rows],
            logprob=self.logprob[rows],
            cost=self.cost,
        )


def read(task: str, models: Sequence[str]) -> tuple[Logs, Logs]:
    """The authors' train and test split of one of the tasks of "Rational Tuning of LLM Cascades".

    Raises:
        InputError: the file is not there, a question lacks a model's answer, or an id is in both splits.
    """
    grouped: dict[str, dict[str, dict[str, Mapping[str, Any]]]] = {"train": {}, "test": {}}
    for row in public.rows("zellinger_cascades"):
        if row["task"] == task and row["model"] in models:
            grouped[row["split"]].setdefault(row["query_id"], {})[row["model"]] = row
    train, test = (_logs(task, split, grouped[split], models) for split in ("train", "test"))
    refuse_overlap(train, test)
    return train, test


def refuse_overlap(train: Logs, test: Logs) -> None:
    """See that no question is on both sides.

    Raises:
        InputError: one is, by its id.
    """
    both = {query.id for query in train.queries} & {query.id for query in test.queries}
    if both:
        raise InputError(f"{len(both)} ids are in train and in test ({min(both)!r}); take them out of one of the two")


def without_twins(train: Logs, test: Logs) -> Logs:
    """The training rows whose question is not in ``test`` under another id, by its words; the costs stay those of all.

    One of the authors' MMLU questions is on both sides of their split.
    """
    asked = {query.split_key for query in test.queries}
    return train.take(np.flatnonzero([query.split_key not in asked for query in train.queries]))


def subchains(models: int) -> list[Chain]:
    """Every chain of two models or more that keeps their order, shorter ones first."""
    return [chain for size in range(2, models + 1) for chain in combinations(range(models), size)]


def per_million(logs: Logs) -> Floats:
    """Mean cost of a call of each model, (K,), in USD per million questions."""
    return logs.cost / NANO * 1e6


def stopped(logs: Logs, chain: Chain, accepts: Sequence[NDArray[np.bool_]]) -> Ints:
    """The place in ``chain`` at which each question stops, (n,): the first that accepts its answer, else the last.

    ``accepts`` has, for all places but the last, which questions' answers are accepted there (n,).
    """
    last = np.ones(len(logs), bool)
    found: Ints = np.argmax(np.column_stack([*accepts, last]), axis=1)
    assert len(accepts) == len(chain) - 1
    return found


@dataclass(frozen=True)
class Followed:
    """What m policies did to n questions: ``cost`` and ``quality`` (m, n)."""

    cost: Floats
    quality: Floats

    def points(self, counts: Floats | None = None) -> Floats:
        """Mean cost and mean quality of each policy, (m, 2); each question counted ``counts`` (n,) times."""
        weight = np.ones(self.cost.shape[1]) if counts is None else counts
        found: Floats = np.column_stack([self.cost @ weight, self.quality @ weight]) / weight.sum()
        return found

    def resampled(self, counts: Ints) -> Floats:
        """The points with each question counted ``counts`` (draws, n) times: (draws, m, 2)."""
        weight = counts.T / counts.sum(axis=1)
        return np.stack([self.cost @ weight, self.quality @ weight], axis=-1).transpose(1, 0, 2)


def in_order(logs: Logs, chain: Chain, places: Sequence[Ints]) -> Followed:
    """The protocol's accounts of policies that ask ``chain`` in order and return the last answer.

    Stopping at a place costs the mean cost of all models up to there, in USD per million questions.
    """
    paid = np.cumsum(per_million(logs)[list(chain)])
    rows, ranks = np.arange(len(logs)), np.array(chain)
    return Followed(
        cost=np.array([paid[place] for place in places]),
        quality=np.array([logs.quality[rows, ranks[place]] for place in places]),
    )


def error_area(points: Floats, *, low: float, high: float) -> float:
    """The mean error (one less quality) between two costs, of the polygon through ``points`` (m, 2) by cost.

    Points of equal cost count by their mean; beyond the first and last point the curve is level.
    """
    costs, quality = _polygon(points)
    at = np.unique(np.clip([low, *costs, high], low, high))
    return float(1 - np.trapezoid(np.interp(at, costs, quality), at) / (high - low))


def error_curve(points: Floats, *, low: float, high: float, count: int) -> list[list[float]]:
    """The error of the same polygon at ``count`` costs evenly between the two: pairs of a cost, from 0 to 1, and it."""
    costs, quality = _polygon(points)
    at = np.linspace(0, 1, count)
    return np.column_stack([at, 1 - np.interp(low + at * (high - low), costs, quality)]).tolist()  # type: ignore[no-any-return]


def _polygon(points: Floats) -> tuple[Floats, Floats]:
    """Rising costs and the mean quality at each."""
    costs, place = np.unique(points[:, 0], return_inverse=True)
    return costs, np.bincount(place, points[:, 1]) / np.bincount(place)


def _logs(task: str, split: str, grouped: Mapping[str, Mapping[str, Mapping[str, Any]]], models: Sequence[str]) -> Logs:
    if not grouped:
        raise InputError(f"the public data has no rows of task {task!r}, split {split!r}; take the file as published")
    for id, by_model in grouped.items():
        if missing := [model for model in models if model not in by_model]:
            raise InputError(f"question {id!r} has no answer of {missing[0]!r}; leave the question out for every model")
    rows = [[by_model[model] for model in models] for by_model in grouped.values()]

    def column(name: str) -> Floats:
        return np.array([[row[name] for row in each] for each in rows], float)

    return Logs(
        queries=tuple(_query(each) for each in rows),
        quality=column("quality"),
        logprob=column("conf_logprob"),
        cost=column("cost_usd").mean(axis=0) * NANO,
    )


def _query(rows: Sequence[Mapping[str, Any]]) -> Query:
    first = rows[0]
    request = Request(messages=as_messages(first["prompt"], system=first["system_prompt"]))
    return Query(
        id=first["query_id"],
        request=request,
        outcomes=tuple(map(_outcome, rows)),
        split=first["split"],
        split_key=normalised(first["prompt"]),
        task=first["task"],
    )


def _outcome(row: Mapping[str, Any]) -> Outcome:
    surety = min(max(row["conf_logprob"], public.LEAST_LOGPROB), 0.0)
    return Outcome(
        Completion(
            text=row["response"] or "",
            usage=Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"]),
            stop="end",
            logprobs=Logprobs(tokens=("",), values=(surety,)),
            latency=(row["latency_ms"] or 0.0) / 1000,
        ),
        quality=float(row["quality"]),
        source="test",
    )
