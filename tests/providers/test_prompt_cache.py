"""What providers are asked to keep of a prompt: its beginning, which other prompts share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from router.config.table import Table
from router.config.tier import tier_of
from router.errors import ConfigError
from router.providers.anthropic import AnthropicMessages
from router.providers.openai_chat import OpenAIChat
from router.providers.openai_responses import OpenAIResponses
from router.tiers import PROMPT_CACHES
from router.types import Message, Request, Tool, ToolCall
from tests.providers.examples import ask, tier

LONG = "x" * 4096
MARK = {"type": "ephemeral"}


def encoded(request: Request, kept: Any = "5m") -> dict[str, Any]:
    """The arguments of Anthropic's client."""
    return AnthropicMessages().encode(tier("anthropic", prompt_cache=kept), request)


def conversation(*texts: str, system: str | None = None) -> Request:
    """Turns of user and assistant."""
    head = () if system is None else (Message(role="system", content=system),)
    roles = ("user", "assistant") * len(texts)
    said = tuple(Message(role=role, content=text) for role, text in zip(roles, texts, strict=False))  # type: ignore[arg-type]
    return Request(messages=(*head, *said))


def test_a_long_system_prompt_is_kept():
    """From about 1,024 tokens on, which is what the API keeps."""
    for size, kept in ((3000, False), (4096, True)):
        [block] = encoded(ask(system="x" * size))["system"]
        assert (block.get("cache_control") == MARK) is kept


def test_it_is_kept_for_as_long_as_the_tier_says():
    assert encoded(ask(system=LONG), "1h")["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_tools_come_before_the_system_prompt_and_are_kept_with_it():
    request = replace(ask(system="Be brief."), tools=(Tool(name="f", description=LONG),))
    made = encoded(request)
    assert made["system"][0]["cache_control"] == MARK
    assert "cache_control" not in made["tools"][0]


def test_tools_alone_are_kept():
    assert encoded(replace(ask(), tools=(Tool(name="f", description=LONG),)))["tools"][0]["cache_control"] == MARK


def test_of_a_conversation_all_but_the_last_turn_is_kept():
    first, answer, last = encoded(conversation(LONG, "Yes.", "And now?"))["messages"]
    assert first == {"role": "user", "content": LONG}
    assert answer == {"role": "assistant", "content": [{"type": "text", "text": "Yes.", "cache_control": MARK}]}
    assert last == {"role": "user", "content": "And now?"}


def test_a_short_conversation_is_not_kept_and_neither_is_a_single_prompt():
    """Keeping what nobody asks for again costs a quarter more than reading it."""
    assert "cache_control" not in repr(encoded(conversation("One?", "Yes.", "And now?")))
    assert "cache_control" not in repr(encoded(ask(LONG)))


def test_a_call_of_a_tool_is_marked_too():
    call = ToolCall(id="c", name="f", arguments="{}")
    request = Request(
        messages=(
            Message(role="user", content=LONG),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="4", tool_call_id="c"),
        )
    )
    assert encoded(request)["messages"][1]["content"][-1]["cache_control"] == MARK


@pytest.mark.parametrize("codec", [OpenAIChat(), OpenAIResponses()], ids=["chat", "responses"])
def test_openai_is_told_which_prompts_begin_alike(codec: Any):
    """By a hash that tells nothing else; requests of any user with the same system prompt share it."""
    own = tier("openai-chat", base_url=None, prompt_cache="5m")
    one, other = (codec.encode(own, ask(prompt, system="Be brief."))["prompt_cache_key"] for prompt in ("a", "b"))
    assert one == other != codec.encode(own, ask("a", system="Be long."))["prompt_cache_key"]
    assert "brief" not in one
    for plain in (replace(own, prompt_cache=None), replace(own, base_url="http://127.0.0.1:9/v1")):
        assert "prompt_cache_key" not in codec.encode(plain, ask("a", system="Be brief."))
    assert "prompt_cache_key" not in codec.encode(own, ask("a"))


PRICE = {"input": 1.0, "output": 2.0}


def configured(**keys: Any) -> Any:
    """What `[[tiers]]` with these keys asks to be kept."""
    raw = {"name": "small", "model": "m-1", "api": "anthropic", "price": PRICE, **keys}
    return tier_of(Table(raw=raw, name="tiers.small"), date(2026, 11, 1)).prompt_cache


def test_it_is_off_unless_it_is_switched_on():
    written = {"price": {**PRICE, "cache_write": 2.0}}
    assert [configured(), configured(prompt_cache=False)] == [None, None]
    assert [configured(prompt_cache=True), configured(prompt_cache="5m")] == ["5m", "5m"]
    assert configured(prompt_cache="1h", **written) == "1h"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"prompt_cache": "2h"}, "`prompt_cache`: is '2h'; "),
        ({"prompt_cache": 5}, "`prompt_cache`: must be text, not a whole number 5"),
        ({"prompt_cache": "1h"}, "`prompt_cache`: is 1h, whose writes cost more"),
        ({"prompt_cache": True, "api": "fake"}, "`prompt_cache`: is of no use at api 'fake'"),
    ],
)
def test_what_does_not_fit_is_a_sentence(keys: dict[str, Any], told: str):
    with pytest.raises(ConfigError) as raised:
        configured(**keys)
    assert told in str(raised.value)


def test_a_tier_takes_no_other_time():
    with pytest.raises(ValueError, match="prompt_cache is 5m or 1h, not '2h'"):
        tier("anthropic", prompt_cache="2h")
    assert PROMPT_CACHES == ("5m", "1h")
