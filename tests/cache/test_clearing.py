"""A router forgets what it has cached, in its own memory too."""

from __future__ import annotations

import pytest

from router.cache.settings import CacheSettings
from router.config import Config
from router.engine import Router
from router.errors import CacheError, InputError
from router.providers.fake import FakeProvider
from tests.cache.kit import made
from tests.cache_semantic.kit import Table, settings
from tests.kit import ladder, said
from tests.servers import free_port

ASK, AGAIN = "How do I peel a mango?", "What's the best way to peel mangoes?"


def test_all_answers_are_forgotten_and_counted() -> None:
    cache = made(CacheSettings())
    for prompt in ("one", "two", "one"):
        cache.router.route(prompt)
    assert cache.router.clear_cache() == 2
    assert cache.router.route("one").decision.cache is None
    assert len(cache.asked) == 3
    cache.router.close()


def test_answers_to_requests_with_a_tag_are_forgotten_and_no_others() -> None:
    cache = made(CacheSettings())
    for feature in ("search", "chat"):
        cache.router.route("one", tags={"feature": feature}, user=feature)
    assert cache.router.clear_cache(tag="feature", value="search") == 1
    assert cache.router.route("one", user="search").decision.cache is None
    assert cache.router.route("one", user="chat").decision.cache is not None
    cache.router.close()


def test_nor_are_they_found_by_their_meaning() -> None:
    table = Table({ASK: (1.0, 0.0), AGAIN: (0.98, 0.2)})
    cache = made(CacheSettings(semantic=settings(embedder=table)))
    cache.router.route(ASK)
    assert cache.router.route(AGAIN).decision.cache is not None
    cache.router.clear_cache()
    assert cache.router.route(AGAIN).decision.cache is None
    cache.router.close()


def test_a_tag_without_its_value_is_refused() -> None:
    cache = made(CacheSettings())
    cache.router.route("one")
    for half in ({"tag": "feature"}, {"value": "search"}):
        with pytest.raises(InputError, match="tag and value go together"):
            cache.router.clear_cache(**half)
    assert cache.router.route("one").decision.cache is not None
    cache.router.close()


def test_without_a_cache_there_is_nothing_to_forget() -> None:
    router = Router.from_config(Config.of(ladder("small").tiers), provider=FakeProvider({"small": said("4")}))
    with router, pytest.raises(InputError, match=r"there is no cache: the configuration has no table \[cache\]"):
        router.clear_cache()


def test_a_store_that_is_down_is_an_error_and_no_note() -> None:
    """Whoever clears has to know that it was not done."""
    cache = made(CacheSettings(store="redis", url=f"redis://127.0.0.1:{free_port()}/0"))
    with pytest.raises(CacheError, match=r"cannot be reached \(Connection refused\)"):
        cache.router.clear_cache()
    cache.router.close()
