"""Questions in other words, answered from the cache by a router."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from router.cache.settings import CacheSettings
from router.config import Config
from router.embed import Encode, Lazy, Vectors
from router.engine import Router
from router.errors import BundleError, EmbedderError
from router.providers.fake import FakeProvider
from router.stores.vectors import Remembered
from router.types import Message
from tests.cache.kit import Made, made
from tests.cache_semantic.kit import Table, settings
from tests.kit import ladder, said

ASK, AGAIN, OTHER = "How do I peel a mango?", "What's the best way to peel mangoes?", "How do I peel 2 mangoes?"
VECTORS = {ASK: (1.0, 0.0), AGAIN: (0.98, 0.2), OTHER: (1.0, 0.01)}


def cached(embedder: object = None, **changes: object) -> Made:
    semantic = settings(embedder=embedder or Table(VECTORS))
    return made(CacheSettings(semantic=semantic, **changes), {"small": said("With a knife."), "large": said("!")})  # type: ignore[arg-type]


def test_a_question_in_other_words_is_answered_from_the_cache_and_the_decision_says_so() -> None:
    cache = cached()
    first, second = cache.router.route(ASK), cache.router.route(AGAIN)
    assert cache.asked == ["small"]
    assert second.text == first.text
    told = second.decision.cache
    assert told is not None
    assert (told.kind, told.decision) == ("semantic", first.decision.id)
    assert 0.9 <= told.similarity < 1.0
    assert second.decision.cost == 0
    cache.router.close()


def test_an_event_loop_finds_it_too() -> None:
    cache = cached()

    async def both() -> list[str]:
        return [(await cache.router.aroute(prompt)).text for prompt in (ASK, AGAIN)]

    assert asyncio.run(both()) == ["With a knife."] * 2
    assert cache.asked == ["small"]
    cache.router.close()


def test_a_question_that_a_gate_keeps_apart_is_asked() -> None:
    cache = cached()
    cache.router.route(ASK)
    assert cache.router.route(OTHER).decision.cache is None
    assert cache.asked == ["small", "small"]
    cache.router.close()


@pytest.mark.parametrize(
    "change",
    [
        {"system": "Answer in rhyme."},
        {"tags": {"tenant": "b"}},
        {"user": "bob"},
        {"tools": [{"name": "peel", "parameters": {"type": "object", "properties": {}}}]},
        {"max_tokens": 5},
        {"stop": ["knife"]},
        {"ceiling": "small"},
    ],
)
def test_all_but_the_question_must_be_equal(change: dict[str, object]) -> None:
    cache = cached(per=("tenant", "user"))
    cache.router.route(ASK, tags={"tenant": "a"}, user="ann")
    asked = {"tags": {"tenant": "a"}, "user": "ann"} | change
    assert cache.router.route(AGAIN, **asked).decision.cache is None  # type: ignore[arg-type]
    assert len(cache.asked) == 2
    cache.router.close()


def test_the_turns_before_the_question_must_be_equal() -> None:
    cache = cached()

    def talk(before: str, last: str) -> Sequence[Message]:
        turns = (("user", before), ("assistant", "Yes?"), ("user", last))
        return [Message(role=role, content=content) for role, content in turns]  # type: ignore[arg-type]

    cache.router.route(talk("I have a question about fruit.", ASK))
    assert cache.router.route(talk("I am allergic to knives.", AGAIN)).decision.cache is None
    hit = cache.router.route(talk("I have a question about fruit.", AGAIN)).decision.cache
    assert hit is not None
    assert hit.kind == "semantic"
    cache.router.close()


def test_a_very_long_question_is_only_looked_up_exactly() -> None:
    table = Table({})
    cache = cached(table)
    cache.router.route("Sum up: " + "x " * 2_000)
    assert table.asked == []
    cache.router.close()


@pytest.mark.parametrize("error", [EmbedderError("no vectors today"), BundleError("another model")])
def test_an_embedder_that_fails_costs_a_note_and_nothing_else(error: Exception) -> None:
    class Broken:
        name = "broken"

        def __call__(self, texts: Sequence[str]) -> Vectors:
            raise error

    cache = cached(Broken())
    response = cache.router.route(ASK)
    assert response.text == "With a knife."
    assert any(str(error) in note for note in response.decision.notes)
    exact = cache.router.route(ASK).decision.cache
    assert exact is not None
    assert exact.kind == "exact"
    cache.router.close()


def configured(load: Callable[[], Encode]) -> Router:
    """A router from a configuration whose cache has an embedder that ``load`` loads."""
    semantic = settings(embedder=Remembered(Lazy("slow", load), identity="slow 1"))
    config = Config.of(ladder("small", "large").tiers, cache=CacheSettings(semantic=semantic))
    return Router.from_config(config, provider=FakeProvider({"large": said("With a knife.")}))


def test_the_model_is_loaded_when_the_router_is_made_and_not_again_when_it_is_read_again() -> None:
    """It takes longer than the first request would wait for its vector."""
    loads: list[str] = []

    def load() -> Encode:
        loads.append("loaded")
        return lambda texts: [[1.0, 0.0]] * len(texts)

    with configured(load) as router:
        assert loads == ["loaded"]
        router.route(ASK)
        router.reload()
        assert loads == ["loaded"]


def test_a_model_that_cannot_be_loaded_is_told_by_each_request_and_stops_no_router() -> None:
    def load() -> Encode:
        raise EmbedderError("the embedder 'slow' is not installed")

    with configured(load) as router:
        for prompt in (ASK, OTHER):
            response = router.route(prompt)
            assert response.text == "With a knife."
            assert any("'slow' is not installed" in note for note in response.decision.notes)


def test_what_was_forgotten_is_not_found_by_its_meaning() -> None:
    """The answer lies under its exact key alone: where that has run out, a near question is asked anew."""
    cache = cached(ttl=1e-9)
    cache.router.route(ASK)
    assert cache.router.route(AGAIN).decision.cache is None
    cache.router.close()


def test_nothing_is_found_by_meaning_where_it_is_switched_off() -> None:
    cache = cached()
    plain = made(replace(CacheSettings(), semantic=None))
    plain.router.route(ASK)
    assert plain.router.route(AGAIN).decision.cache is None
    cache.router.close()
    plain.router.close()
