"""The exact key: equal requests share it, and whatever may change an answer changes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cache.key import Scope, key_of, step_key
from router.cache.settings import CacheSettings
from router.config import Config
from router.tiers import Ladder
from router.types import Message, Request, ResponseFormat, Tool, ToolCall
from tests.cache.kit import SCOPE
from tests.kit import tier

SETTINGS = CacheSettings(per=("user", "session", "feature"))

CALL = ToolCall(id="1", name="add", arguments="{}")
BASE = Request(
    messages=(
        Message(role="system", content="Be brief."),
        Message(role="user", content="Add."),
        Message(role="assistant", content="", tool_calls=(CALL,)),
        Message(role="tool", content="4", tool_call_id="1"),
    ),
    max_tokens=10,
    temperature=0.0,
    stop=("\n",),
    response_format=ResponseFormat(schema={"type": "object", "properties": {"a": {}, "b": {}}}),
    tools=(Tool(name="add", description="adds", parameters={"type": "object"}),),
    tags={"tenant": "t", "feature": "f"},
    user="u",
    session="s",
    floor="small",
    ceiling="large",
    profile="default",
)


def turn(place: int, **changes: Any) -> Request:
    messages = list(BASE.messages)
    messages[place] = replace(messages[place], **changes)
    return replace(BASE, messages=tuple(messages))


OTHERS = {
    "a space": turn(1, content="Add. "),
    "a system prompt": turn(0, content="Be long."),
    "a role": turn(0, role="user"),
    "a call": turn(2, tool_calls=(replace(CALL, arguments="{} "),)),
    "no call": turn(2, tool_calls=()),
    "a call's id": turn(3, tool_call_id="2"),
    "the order of turns": replace(BASE, messages=(BASE.messages[1], BASE.messages[0], *BASE.messages[2:])),
    "one turn less": replace(BASE, messages=BASE.messages[:-1]),
    "max_tokens": replace(BASE, max_tokens=11),
    "no max_tokens": replace(BASE, max_tokens=None),
    "temperature": replace(BASE, temperature=0.5),
    "no temperature": replace(BASE, temperature=None),
    "stop": replace(BASE, stop=("\n", "END")),
    "a schema": replace(BASE, response_format=ResponseFormat(schema={"type": "object"})),
    "the order of a schema's properties": replace(
        BASE, response_format=ResponseFormat(schema={"type": "object", "properties": {"b": {}, "a": {}}})
    ),
    "a schema's name": replace(BASE, response_format=replace(BASE.response_format, name="other")),  # type: ignore[type-var]
    "no form": replace(BASE, response_format=None),
    "any JSON": replace(BASE, response_format=ResponseFormat()),
    "a tool": replace(BASE, tools=(replace(BASE.tools[0], description="sums"),)),
    "no tool": replace(BASE, tools=()),
    "floor": replace(BASE, floor=None),
    "ceiling": replace(BASE, ceiling=None),
    "tenant": replace(BASE, tags={"tenant": "t2", "feature": "f"}),
    "no tenant": replace(BASE, tags={"feature": "f"}),
    "feature": replace(BASE, tags={"tenant": "t", "feature": "g"}),
    "user": replace(BASE, user="v"),
    "no user": replace(BASE, user=None),
    "session": replace(BASE, session="r"),
}

ALIKE = {
    "deadline": replace(BASE, deadline=3.0),
    "priority": replace(BASE, priority="high"),
    "freshness": replace(BASE, freshness="news"),
    "another tag": replace(BASE, tags={**BASE.tags, "region": "eu"}),
    "zero is zero": replace(BASE, temperature=0),
}


def key(request: Request, scope: Scope = SCOPE, settings: CacheSettings = SETTINGS) -> str:
    found = key_of(request, scope, settings)
    assert found is not None
    return found


@pytest.mark.parametrize("what", OTHERS)
def test_whatever_may_change_the_answer_changes_the_key(what: str) -> None:
    assert key(OTHERS[what]) != key(BASE)


def test_no_two_of_them_share_a_key() -> None:
    assert len({key(each) for each in (BASE, *OTHERS.values())}) == len(OTHERS) + 1


@pytest.mark.parametrize("what", ALIKE)
def test_what_does_not_change_the_answer_does_not_change_the_key(what: str) -> None:
    assert key(ALIKE[what]) == key(BASE)


def test_the_key_is_the_same_in_another_process_and_another_year() -> None:
    """It is written down here, so that a change of it does not go unnoticed: raise FORMAT then."""
    assert key(BASE) == "e73289a1ddc257c3d8ca3b100be7b450d58839eb6195a7d2dab0fc6e471c023b"


@pytest.mark.parametrize("change", [{"policy": "p2"}, {"config": "c2"}, {"profile": "thrifty"}])
def test_by_policy_another_policy_configuration_or_profile_has_other_answers(change: dict[str, str]) -> None:
    assert key(BASE, replace(SCOPE, **change)) != key(BASE)  # type: ignore[arg-type]


def test_by_tier_an_answer_outlives_the_policy_as_long_as_the_same_models_may_give_it() -> None:
    settings = replace(SETTINGS, scope="tier")
    base = key(BASE, settings=settings)
    assert key(BASE, replace(SCOPE, policy="p2", config="c2"), settings) == base
    assert key(BASE, replace(SCOPE, profile="thrifty"), settings) != base
    small, large = SCOPE.ladder.tiers
    assert key(BASE, replace(SCOPE, ladder=Ladder((small, replace(large, model="newer")))), settings) != base
    assert key(BASE, replace(SCOPE, ladder=Ladder((small, replace(large, options={"seed": 1})))), settings) != base
    assert key(BASE, replace(SCOPE, sending=("concise",)), settings) != base


def test_by_tier_a_configuration_that_is_read_again_finds_the_answers_of_the_first_reading() -> None:
    """The embedder that ranks passages is known by its name, not by where it lies in this process's memory."""

    def found(embedder: str) -> str:
        table = {"stages": ["context"], "context": {"embedder": embedder}}
        config = Config.of([tier("only")], shorten=table)
        return key(BASE, replace(SCOPE, sending=(config.shorten, None)), replace(SETTINGS, scope="tier"))

    assert found("hashing") == found("hashing")
    assert found("hashing") != found("wordllama")


def test_by_tier_a_tier_that_may_not_answer_does_not_matter() -> None:
    settings, request = replace(SETTINGS, scope="tier"), replace(BASE, ceiling="small")
    three = Ladder((*SCOPE.ladder.tiers, tier("huge")))
    assert key(request, replace(SCOPE, ladder=three), settings) == key(request, settings=settings)


def test_a_schema_that_is_not_json_has_no_key() -> None:
    assert key_of(replace(BASE, response_format=ResponseFormat(schema={"a": object()})), SCOPE, SETTINGS) is None
    assert key_of(replace(BASE, response_format=ResponseFormat(schema={"a": {1, 2}})), SCOPE, SETTINGS) is None


words = st.text(max_size=6)
turns = st.lists(st.tuples(st.sampled_from(("user", "assistant")), words), min_size=1, max_size=3)


@given(one=turns, other=turns)
def test_two_conversations_share_a_key_only_when_they_are_the_same(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    """Whatever quotes, brackets or halves of pairs are in them."""
    requests = [
        Request(
            messages=(*(Message(role=role, content=text) for role, text in each), Message(role="user", content="?"))
        )  # type: ignore[arg-type]
        for each in (one, other)
    ]
    assert (key(requests[0]) == key(requests[1])) == (one == other)


def test_a_step_is_known_by_its_name_its_inputs_and_its_tenant() -> None:
    base = step_key("split", {"a": 1, "b": [2]}, {}, SETTINGS)
    assert step_key("split", {"b": [2], "a": 1}, {}, SETTINGS) == base
    others = [
        step_key("join", {"a": 1, "b": [2]}, {}, SETTINGS),
        step_key("split", {"a": 1, "b": ["2"]}, {}, SETTINGS),
        step_key("split", {"a": 1, "b": [2]}, {"tenant": "t"}, SETTINGS),
        step_key("split", {"a": 1, "b": [2]}, {"feature": "f"}, SETTINGS),
        step_key("split", {"a": True, "b": [2]}, {}, SETTINGS),
    ]
    assert len({base, *others}) == 6
