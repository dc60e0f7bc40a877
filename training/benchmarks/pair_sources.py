"""Where pairs come from: public files read as prompts with a weak and a strong tier's quality."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from router.types import Request, as_messages
from training import public
from training.benchmarks.overlap import key_of
from training.benchmarks.pairs import Pairs, pairs_of

Models = Sequence[str]

_COLUMNS = ("query_id", "prompt", "model", "quality")

_CHOICE = re.compile(r"(?m)^\(?([A-J])[):] ")
_CHOICES = re.compile(r"\n+Choices:\n")


def routellm(task: public.Task) -> Pairs:
    """RouteLLM's ``task``: see :func:`training.public.routellm`. A group is a subject, or a category of MT-Bench.

    Raises:
        InputError: the file is not there.
    """
    subjects = {
        _question(row): row["subtask"]
        for row in public.rows("routellm", task=task, columns=("query_id", "subtask", "turn"))
    }
    return pairs_of(*public.routellm(task), group=subjects.__getitem__)


def zellinger(task: str, *, weak: Models, strong: Models) -> Pairs:
    """One task of "Rational Tuning of LLM Cascades", without the instruction that all its prompts carry.

    Each side's quality is the mean of its models', a graded label that has less of one model's luck in it. Choices are
    written "A. ..." as in the files that a router is judged on.

    Raises:
        InputError: the file is not there.
    """
    return _read("zellinger_cascades", task, weak=weak, strong=strong)


def ulab(task: str, *, weak: Models, strong: Models) -> Pairs:
    """One task of LLMRouter's data, each side's quality the mean of its models'.

    Raises:
        InputError: the file is not there.
    """
    return _read("ulab_llmrouter", task, weak=weak, strong=strong)


def routerbench(task: str, *, weak: Models, strong: Models) -> Pairs:
    """One task of RouterBench's part, without the worked examples that all its prompts carry, and the 14 questions of
    ARC-Challenge that have no label.

    Raises:
        InputError: the file is not there.
    """
    return _read("routerbench_part", task, weak=weak, strong=strong)


def plain(pairs: Pairs) -> Pairs:
    """The same rows with prompts as the other sources have them: the bare question, choices as "A. ..."."""
    texts = [_plain(text) for text in bare(pairs.texts)]
    return replace(
        pairs,
        requests=tuple(Request(messages=as_messages(text)) for text in texts),
        keys=tuple(map(key_of, texts)),
    )


def _question(row: Mapping[str, Any]) -> str:
    id: str = row["query_id"]
    return id.rpartition("/")[0] if row["turn"] else id


def _read(name: str, task: str, *, weak: Models, strong: Models) -> Pairs:
    grouped: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in public.rows(name, task=task, columns=_COLUMNS):
        grouped.setdefault(row["query_id"], {})[row["model"]] = row
    asked = (*weak, *strong)
    grouped = {
        id: models for id, models in grouped.items() if all(models[model]["quality"] is not None for model in asked)
    }
    prompts = [next(iter(models.values()))["prompt"] for models in grouped.values()]
    texts = [_plain(text) for text in bare(prompts)]

    def side(models: Models) -> list[float]:
        return [float(np.mean([rows[model]["quality"] for model in models])) for rows in grouped.values()]

    return Pairs(
        ids=tuple(f"{name}:{id}" for id in grouped),
        requests=tuple(Request(messages=as_messages(text)) for text in texts),
        quality=np.column_stack([side(weak), side(strong)]).reshape(-1, 2),
        keys=tuple(map(key_of, texts)),
        groups=(f"{name}:{task}",) * len(grouped),
    )


def bare(prompts: Sequence[str]) -> list[str]:
    """The prompts without the beginning and the end that all of them share, as far as a whole word goes."""
    if len(set(prompts)) < 2:
        return list(prompts)
    head = _shared(prompts)
    tail = _shared([text[head:][::-1] for text in prompts])
    return [text[head : len(text) - tail].strip() for text in prompts]


def _shared(texts: Sequence[str]) -> int:
    """How many characters all texts begin with, cut after a blank."""
    first, last = min(texts), max(texts)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return len(re.sub(r"\S*$", "", first[:same]))


def _plain(text: str) -> str:
    """Choices one a line as "A. ...", straight after the question."""
    return _CHOICE.sub(r"\1. ", _CHOICES.sub("\n", text))
