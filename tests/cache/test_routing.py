"""Answers handed out again by a router, whatever the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from router.cache.settings import AgeRule, CacheSettings
from router.decision import FromCache, Response
from router.errors import InputError, RejectedRequest
from router.types import ToolCall
from tests.cache.conftest import Make
from tests.cache.kit import made
from tests.kit import said, two_tiers

PROMPT = "What is 2 + 2?"
TOOL = {"name": "add", "parameters": {"type": "object", "properties": {}}}


def test_the_same_request_is_answered_from_the_cache_and_the_decision_says_so(make: Make) -> None:
    cache = made(make())
    first, second = cache.router.route(PROMPT), cache.router.route(PROMPT)
    assert cache.asked == ["small"]
    assert (first.text, second.text) == ("4", "4")
    assert first.decision.cache is None
    told = second.decision.cache
    assert told is not None
    assert (told.kind, told.decision, told.similarity) == ("exact", first.decision.id, 1.0)
    assert 0 <= told.age < 60
    assert second.decision.cost == 0
    assert second.decision.strong_cost == first.decision.strong_cost
    assert [attempt.verdict for attempt in second.decision.attempts] == ["cached"]
    assert second.decision.tier == "small"
    assert second.decision.id != first.decision.id
    assert cache.book.last == second.decision
    assert second.decision.notes == ()
    cache.router.close()


def test_an_answer_comes_back_as_it_was_given(make: Make) -> None:
    """Half a surrogate pair, a tool call and all."""
    calls = (ToolCall(id="1", name="add", arguments='{"a": "\u00e9"}'),)
    odd = said("\ud800 na\u00efve\x00\r\n", tool_calls=calls, stop="tool_calls")
    cache = made(make(tool_calls=True), {"small": odd})
    first, second = (cache.router.route(PROMPT, tools=[TOOL]) for _ in range(2))
    assert len(cache.asked) == 1
    assert replace(second, decision=first.decision) == first
    cache.router.close()


def test_two_routers_share_a_store_and_not_a_memory(make: Make) -> None:
    one, other = made(make()), made(make())
    one.router.route(PROMPT)
    other.router.route(PROMPT)
    assert other.asked == (["small"] if make().store == "memory" else [])
    one.router.close()
    other.router.close()


def test_an_event_loop_uses_the_same_cache(make: Make) -> None:
    cache = made(make())

    async def twice() -> list[Response]:
        return [await cache.router.aroute(PROMPT) for _ in range(2)]

    asyncio.run(twice())
    cache.router.route(PROMPT)
    assert cache.asked == ["small"]
    cache.router.close()


def test_many_at_a_time_ask_once_for_each_prompt(make: Make) -> None:
    cache = made(make())
    answers = list(cache.router.route_many([PROMPT, "other", PROMPT, PROMPT, "other"], workers=4))
    assert all(isinstance(answer, Response) for answer in answers)
    assert len(cache.asked) == 2
    cache.router.close()


def test_a_stream_fills_the_cache_and_is_filled_by_it(make: Make) -> None:
    cache = made(make(), {"small": said("two and two are four")})
    first, second = cache.router.stream(PROMPT), cache.router.stream(PROMPT)
    assert "".join(first) == "two and two are four"
    assert list(second) == ["two and two are four"]
    assert second.response is not None
    assert second.response.decision.cache is not None
    assert len(cache.asked) == 1

    async def streamed() -> list[object]:
        return [piece async for piece in cache.router.astream(PROMPT)]

    pieces = asyncio.run(streamed())
    assert pieces[0] == "two and two are four"
    assert len(cache.asked) == 1
    cache.router.close()


def test_no_tenant_is_handed_the_answer_of_another(make: Make) -> None:
    """Even where the configuration forgets the tenant."""
    cache = made(make(per=()))
    for tags in ({"tenant": "a"}, {"tenant": "b"}, {}, {"tenant": "a"}, {"tenant": "b"}, {}):
        cache.router.route(PROMPT, tags=tags)
    assert len(cache.asked) == 3
    cache.router.close()


def test_users_share_answers_only_where_the_configuration_lets_them() -> None:
    apart, together = made(CacheSettings()), made(CacheSettings(per=("tenant",)))
    for user in ("u1", "u2", None, "u1"):
        apart.router.route(PROMPT, user=user)
        together.router.route(PROMPT, user=user)
    assert len(apart.asked) == 3
    assert len(together.asked) == 1


def test_an_answer_may_be_kept_apart_by_any_tag_and_by_session() -> None:
    cache = made(CacheSettings(per=("feature", "session")))
    for feature, session in (("a", "1"), ("b", "1"), ("a", "2"), ("a", "1")):
        cache.router.route(PROMPT, tags={"feature": feature}, session=session)
    assert len(cache.asked) == 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (said("No.", stop="refusal"), "a refusal"),
        (said("I'm sorry, I am unable to answer that."), "a refusal in words"),
        (said("Two and two are", stop="length"), "truncated"),
        (said("  \n"), "empty"),
        (said("", stop="tool_calls", tool_calls=(ToolCall(id="1", name="add", arguments="{}"),)), "a tool call"),
    ],
)
def test_what_is_no_whole_answer_is_never_cached(answer: object, why: str) -> None:
    cache = made(CacheSettings(), {"small": answer, "large": answer})
    for _ in range(2):
        cache.router.route(PROMPT, tools=[TOOL])
    assert len(cache.asked) == 2, why


def test_an_answer_without_the_form_that_was_asked_for_is_never_cached() -> None:
    cache = made(CacheSettings(), {"small": [said("four"), said('{"sum": 4}')]})
    for _ in range(3):
        answer = cache.router.route(PROMPT, response_format={"type": "object", "required": ["sum"]})
    assert answer.text == '{"sum": 4}'
    assert len(cache.asked) == 2


def test_an_answer_that_was_escalated_from_is_not_cached_and_the_one_that_was_returned_is() -> None:
    cache = made(CacheSettings(), plan=two_tiers(confidence=0.3))
    first, second = cache.router.route(PROMPT), cache.router.route(PROMPT)
    assert cache.asked == ["small", "large"]
    assert (first.text, second.text) == ("four", "four")
    assert second.decision.tier == "large"
    assert first.decision.cost > 0 == second.decision.cost


def test_an_answer_returned_for_want_of_a_better_one_is_not_cached() -> None:
    """The stronger tier failed: the answer in hand never reached its threshold."""
    refused = RejectedRequest("no", tier="large")
    cache = made(CacheSettings(), {"small": said("4"), "large": refused}, plan=two_tiers(confidence=0.3))
    for _ in range(2):
        assert cache.router.route(PROMPT).text == "4"
    assert cache.asked == ["small", "large"] * 2


def test_a_failed_request_leaves_nothing_behind() -> None:
    cache = made(CacheSettings(), {"small": [RejectedRequest("no", tier="small"), said("4")]})
    with pytest.raises(RejectedRequest):
        cache.router.route(PROMPT)
    assert cache.router.route(PROMPT).text == "4"


def test_sampled_answers_are_cached_only_where_that_is_switched_on() -> None:
    off, on = made(CacheSettings()), made(CacheSettings(sampled=True))
    for temperature in (0.7, 0.7, 0, 0.0, None, None):
        off.router.route(PROMPT, temperature=temperature)
        on.router.route(PROMPT, temperature=temperature)
    assert len(off.asked) == 4
    assert len(on.asked) == 3


def test_a_live_answer_is_made_now_and_the_cache_is_left_alone() -> None:
    cache = made(CacheSettings())
    for freshness in ("live", "live", None, "live"):
        assert cache.router.route(PROMPT, freshness=freshness).decision.cache is None
    assert len(cache.asked) == 4
    assert cache.router.route(PROMPT).decision.cache is not None


def test_a_class_of_freshness_that_does_not_exist_is_refused_before_anything_is_sent() -> None:
    cache = made(CacheSettings(freshness={"news": 600.0}))
    with pytest.raises(InputError, match=r"freshness='nwes' is no class of \[cache.freshness\]; there is news, live"):
        cache.router.route(PROMPT, freshness="nwes")
    assert cache.asked == []


def test_how_old_an_answer_may_be_goes_by_freshness_then_by_tag_then_by_default() -> None:
    rules = (AgeRule(tag="feature", value="prices", ttl=0.0), AgeRule(tag="feature", value="docs", ttl=7.0))
    settings = CacheSettings(rules=rules, freshness={"news": 600.0})
    cache = made(settings)
    for _ in range(2):
        cache.router.route(PROMPT, tags={"feature": "prices"})
    assert len(cache.asked) == 2
    assert settings.age_of({"feature": "docs"}) == 7.0
    assert settings.age_of({}) == 86_400.0


def test_an_upgrade_is_not_answered_by_the_answer_that_it_is_to_replace() -> None:
    cache = made(CacheSettings())
    first = cache.router.route(PROMPT)
    better = cache.router.upgrade(first, PROMPT)
    again = cache.router.upgrade(cache.router.route(PROMPT), PROMPT)
    assert cache.asked == ["small", "large"]
    assert (better.text, again.text) == ("four", "four")
    assert again.decision.upgraded_from is not None


def test_a_text_that_the_ledger_may_not_keep_stays_out_of_every_store_but_memory(make: Make) -> None:
    class Hashed:
        def kept(self, *tags: object) -> str:
            return "hash" if {"feature": "health"} in tags else "text"

    cache = made(make(keep=Hashed()))
    for _ in range(2):
        cache.router.route(PROMPT, tags={"feature": "health"})
        cache.router.route(PROMPT)
    assert len(cache.asked) == (1 if make().store == "memory" else 3)
    cache.router.close()


def test_an_answer_with_what_looks_like_a_key_is_not_cached_and_a_note_says_so() -> None:
    cache = made(CacheSettings(), {"small": said("use sk-abcdefghijklmnopqrstuvwx")})
    first, second = cache.router.route(PROMPT), cache.router.route(PROMPT)
    assert len(cache.asked) == 2
    note = "Its answer was not cached, because it or a tag holds what looks like an API key."
    assert first.decision.notes == second.decision.notes == (note,)


def test_a_decision_from_the_cache_survives_the_ledger_and_explains_itself() -> None:
    cache = made(CacheSettings())
    cache.router.route(PROMPT)
    told = cache.router.route(PROMPT).decision
    assert isinstance(told.cache, FromCache)
    assert "small was not called: the cache had its answer to the same request" in told.explain()


def test_without_the_table_nothing_is_cached() -> None:
    cache = made(CacheSettings())
    cache.router.plan = replace(cache.router.plan, cache=None)
    for _ in range(2):
        cache.router.route(PROMPT)
    assert len(cache.asked) == 2
