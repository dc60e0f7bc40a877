"""Embeddings in training: which embedder, many prompts at once, and each but once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from router.assess import Evidence
from router.bundle import PolicyBundle
from router.config import Config
from router.embed import Embedder, Vectors, imprint_of, readable
from router.embedders.names import NAMED, PLAIN, identity, unknown
from router.embedders.naming import embedder_named
from router.errors import InputError
from router.features import PromptFeatures
from router.plan import Plan
from router.types import Request

BATCH = 256

Report = Callable[[str], None]


NO_EMBEDDER = "none"
"""The name by which a command line asks for none, though the configuration has one."""


def with_embedder(config: Config, named: str | None) -> Config:
    """``config`` with the embedder that training is to use: ``named``, or else that of `[train]`, or of `[policy]`.

    Raises:
        InputError: there is none of that name.
    """
    if named is not None and named != NO_EMBEDDER and (wrong := unknown(named)) is not None:
        raise InputError(f"--embedder: {wrong}")
    chosen = named or config.train.embedder or config.policy.embedder
    return replace(config, policy=replace(config.policy, embedder=None if chosen == NO_EMBEDDER else chosen))


def chosen_embedder(config: Config) -> Embedder | None:
    """The embedder of `[policy]`, each text embedded once; None where there is none."""
    named = config.policy.embedder
    return None if named is None else Remembered(embedder_named(named))


def under(config: Config, bundle: PolicyBundle) -> Config:
    """``config`` with the embedder that ``bundle`` was trained with, to judge it offline.

    Only where its name alone says which: a function and a file have to be named by the configuration.
    """
    if bundle.embedder is None or identity(config.policy.embedder or "") == bundle.embedder.name:
        return config
    name = bundle.embedder.name
    return replace(config, policy=replace(config.policy, embedder=name)) if is_model(name) else config


def is_model(name: str) -> bool:
    """Whether ``name`` is that of a published model, which can be loaded on a bundle's word.

    A function is not: whoever made the bundle would choose what is run. Neither is a file: its folder is not known.
    """
    kind, _, model = name.partition(":")
    return name in PLAIN or (kind in NAMED and kind != "onnx" and bool(model))


def serves(config: Config, trained: Config) -> None:
    """See that what is trained under one configuration can go into service under another.

    Raises:
        InputError: its embedder is not the one that serves.
    """
    name, named = trained.policy.embedder, config.policy.embedder
    if name is not None and (named is None or identity(named) != identity(name)):
        raise InputError(
            f"what is trained with the embedder {name!r} cannot serve while [policy] `embedder` is "
            f"{'not set' if named is None else repr(named)}; set it to that one first"
        )


class Remembered:
    """An embedder that embeds each text once, and keeps all vectors: for a job that reads the same prompts often."""

    def __init__(self, embedder: Embedder) -> None:
        self.name = embedder.name
        self._embedder = embedder
        self._found: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """As the embedder does.

        Raises:
            EmbedderError: as the embedder.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._found]
        if new or not texts:
            made = self._embedder(new)
            if not texts:
                return made
            self._found |= dict(zip(new, made, strict=True))
        return np.array([self._found[text] for text in texts])


def embedded_before(plan: Plan, requests: Sequence[Request]) -> Plan:
    """The same plan with every request embedded already, many at once: what follows cannot lack a vector.

    Raises:
        EmbedderError: one has none; offline nothing is judged without.
    """
    if plan.embedder is None:
        return plan
    embedder = plan.embedder if isinstance(plan.embedder, Remembered) else Remembered(plan.embedder)
    texts = [readable(request) for request in requests]
    for start in range(0, len(texts), BATCH):
        embedder(texts[start : start + BATCH])
    return replace(plan, embedder=embedder)


def with_embeddings(
    features: Sequence[PromptFeatures],
    requests: Sequence[Request],
    embedder: Embedder,
    *,
    report: Report = lambda _: None,
) -> tuple[PromptFeatures, ...]:
    """The ``features`` of ``requests`` with their embeddings.

    Raises:
        EmbedderError: there are none, and training does not go on without; or the model is one that no bundle could
            know again.
    """
    imprint_of(embedder)  # refused now, and not by the bundle when everything has been fitted
    texts = [readable(request) for request in requests]
    found: list[PromptFeatures] = []
    for start in range(0, len(texts), BATCH):
        vectors = embedder(texts[start : start + BATCH])
        pairs = zip(features[start : start + BATCH], vectors, strict=True)
        found += [replace(item, embedding=vector) for item, vector in pairs]
        if (start // BATCH) % 8 == 7:
            report(f"embedded {len(found):,} of {len(texts):,} prompts")
    return tuple(found)


def begin(plan: Plan, request: Request) -> Evidence:
    """What the plan's assessor makes of a prompt, its embedding included where it reads one.

    Raises:
        EmbedderError: there is none; offline nothing is judged without.
    """
    vector = None if plan.embedder is None else plan.embedder((readable(request),))[0]
    return plan.assessor.begin(request, embedding=vector)
