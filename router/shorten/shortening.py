"""Shortening's place in the pipeline: one request in, a shorter one out.

Stages are pure functions from a request to a request. None touches a system prompt, the last user message's own words,
or what is protected (:mod:`router.shorten.spans`); none makes a request longer; none changes again what it has done.
They are imported when the first prompt is shortened: their patterns take longer to compile than the router to import.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.assess import UNEMBEDDED, Assessor
from router.decision import Shortened
from router.errors import EmbedderError
from router.ops import Embed
from router.shorten.estimate import chars_in, tokens_in
from router.shorten.ops import Condense
from router.shorten.settings import ShortenSettings, Stage
from router.types import Message, Request

if TYPE_CHECKING:
    from router.embed import Vectors


@dataclass(frozen=True, slots=True)
class Shorter:
    """The ``request`` as it is to be sent, and what was done to it; None where nothing was."""

    request: Request
    told: Shortened | None = None
    notes: tuple[str, ...] = ()


async def shortened(request: Request, settings: ShortenSettings | None, assessor: Assessor) -> Shorter:
    """Shorten ``request`` as configured; ``assessor`` says how hard its question is.

    Tokens before and after are estimated at four characters each. An embedder or a model that fails or is late leaves
    the request as it was, and a note.
    """
    if settings is None:
        return Shorter(request)
    now = request
    notes: list[str] = []
    done: list[str] = []
    for stage in settings.stages:
        if stage == "context":
            after = await _in_context(now, settings, assessor, notes)
        elif stage == "llmlingua":
            after = await _condensed(now, settings, notes)
        else:
            after = pure(now, stage, settings)
        if chars_in(after.messages) < chars_in(now.messages):
            done.append(stage)
            now = after
    if not done:
        return Shorter(request, None, tuple(notes))
    before, left = tokens_in(request.messages), tokens_in(now.messages)
    return Shorter(now, Shortened(before=before, after=left, stages=tuple(done)), tuple(notes))


def pure(request: Request, stage: Stage, settings: ShortenSettings) -> Request:
    """``request`` after a stage that needs nothing else."""
    from router.shorten.clean import clean
    from router.shorten.concise import concise
    from router.shorten.dedupe import dedupe
    from router.shorten.history import history

    if stage == "history":
        wanted = settings.history
        return history(request, turns=wanted.turns, tokens=wanted.tokens, summary=wanted.summary)
    if stage == "clean":
        return clean(request)
    if stage == "dedupe":
        return dedupe(request, overlap=settings.overlap)
    if stage == "concise":
        return concise(request, bullets=settings.bullets)
    raise AssertionError(stage)


async def _in_context(request: Request, settings: ShortenSettings, assessor: Assessor, notes: list[str]) -> Request:
    from router.shorten.context import budget_of, context, material_of

    wanted = settings.context
    if tokens_in(request.messages) <= wanted.budget * wanted.easy:
        return request
    material = material_of(request)
    if material is None:
        return request
    budget = budget_of(wanted.budget, easy=wanted.easy, complexity=_complexity(material.question, assessor))
    if sum(material.tokens) <= budget:
        return request
    vectors: Vectors | None = None
    if wanted.embedder is not None:
        timeout = wanted.timeout if request.deadline is None else min(wanted.timeout, request.deadline / 4)
        try:
            vectors = await Embed(wanted.embedder, (material.question, *material.texts), timeout)
        except EmbedderError as error:
            notes.append(f"Passages were chosen by their words alone: {error}.")
    return context(request, material, budget=budget, vectors=vectors)


def _complexity(question: str, assessor: Assessor) -> float:
    """1 less the chance that the cheapest tier suffices for ``question`` alone; NaN where nobody knows."""
    if not question.strip():
        return math.nan
    asked = Request(messages=(Message(role="user", content=question),))
    return 1 - assessor.begin(asked, embedding=UNEMBEDDED).quality[0]


async def _condensed(request: Request, settings: ShortenSettings, notes: list[str]) -> Request:
    from router.shorten.lingua import put_back, taken

    found = taken(request)
    if not found.texts:
        return request
    wanted = settings.llmlingua
    timeout = wanted.timeout if request.deadline is None else min(wanted.timeout, request.deadline / 2)
    condensed = await Condense(found.texts, found.question, wanted, timeout)
    notes += () if condensed.note is None else (condensed.note,)
    return request if condensed.note is not None else put_back(request, found, condensed.texts)
