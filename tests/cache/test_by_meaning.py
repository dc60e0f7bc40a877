"""The search by meaning in its place in the pipeline; what it finds is tests/cache_semantic's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from router.cache.semantic.settings import SemanticSettings
from router.cache.settings import CacheSettings
from router.embed import Vectors
from router.errors import EmbedderError
from router.types import Message
from tests.cache.conftest import Make
from tests.cache.kit import made

ASKED = "How do I reset my password?"
ALIKE = "How can I reset my password?"
OTHER = "Where is the nearest library?"


@dataclass(frozen=True)
class ByWord:
    """An embedder for which two questions are alike when they share their last word."""

    name: str = "by-word"
    broken: bool = False

    def __call__(self, texts: Sequence[str]) -> Vectors:
        if self.broken:
            raise EmbedderError("the embedder 'by-word' has no words")
        found = np.zeros((len(texts), 64))
        for row, text in enumerate(texts):
            found[row, sum(text.split()[-1].encode()) % 64] = 1.0
        return found


def semantic(settings: CacheSettings, **changes: Any) -> CacheSettings:
    found = SemanticSettings(embedder=changes.pop("embedder", ByWord()), threshold=0.9, identity="by-word 1")
    return replace(settings, semantic=found, **changes)


def test_a_question_that_asks_the_same_is_answered_from_the_cache_and_the_decision_says_how(make: Make) -> None:
    cache = made(semantic(make()))
    first, second = cache.router.route(ASKED), cache.router.route(ALIKE)
    assert cache.asked == ["small"]
    told = second.decision.cache
    assert told is not None
    assert (told.kind, told.decision, told.similarity) == ("semantic", first.decision.id, 1.0)
    assert "a request that asks the same (similarity 1.000)" in second.decision.attempts[0].reason
    assert cache.router.route(OTHER).decision.cache is None
    cache.router.close()


def test_the_lease_of_a_question_that_was_found_by_meaning_is_given_back(make: Make) -> None:
    """Or the same question would wait for it."""
    cache = made(semantic(make()))
    cache.router.route(ASKED)
    for _ in range(3):
        decision = cache.router.route(ALIKE).decision
        assert decision.cache is not None
        assert decision.notes == ()
    cache.router.close()


def test_it_works_on_the_event_loop_and_in_streams() -> None:
    cache = made(semantic(CacheSettings()))

    async def act() -> None:
        await cache.router.aroute(ASKED)
        assert (await cache.router.aroute(ALIKE)).decision.cache is not None
        pieces = [piece async for piece in cache.router.astream(ALIKE)]
        assert pieces[0] == "4"

    asyncio.run(act())
    assert list(cache.router.stream(ALIKE)) == ["4"]
    assert cache.asked == ["small"]


def test_all_but_the_question_has_to_be_equal() -> None:
    cache = made(semantic(CacheSettings()))
    cache.router.route(ASKED)
    history = [Message(role="user", content="Hello"), Message(role="assistant", content="Hi")]
    for prompt, options in (
        (ALIKE, {"tags": {"tenant": "t"}}),
        (ALIKE, {"user": "u"}),
        (ALIKE, {"system": "Be brief."}),
        (ALIKE, {"response_format": "json"}),
        (ALIKE, {"max_tokens": 5}),
        (ALIKE, {"floor": "large"}),
        (ALIKE, {"tools": [{"name": "add", "parameters": {}}]}),
        ([*history, Message(role="user", content=ALIKE)], {}),
    ):
        assert cache.router.route(prompt, **options).decision.cache is None  # type: ignore[arg-type]


def test_an_embedder_that_fails_costs_the_search_and_not_the_request() -> None:
    cache = made(semantic(CacheSettings(), embedder=ByWord(broken=True)))
    answer = cache.router.route(ASKED)
    assert answer.text == "4"
    assert answer.decision.notes == ("The cache was not searched by meaning: the embedder 'by-word' has no words.",)
    assert cache.router.route(ASKED).decision.cache is not None


def test_a_question_whose_answer_is_gone_is_a_miss() -> None:
    cache = made(semantic(CacheSettings(), max_entries=1))
    cache.router.route(ASKED)
    cache.router.route(OTHER)
    assert cache.router.route(ALIKE).decision.cache is None


def test_a_live_question_is_not_answered_by_meaning() -> None:
    cache = made(semantic(CacheSettings()))
    cache.router.route(ASKED)
    assert cache.router.route(ALIKE, freshness="live").decision.cache is None
