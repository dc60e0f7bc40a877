"""Responses, as plain dictionaries."""

from __future__ import annotations

import pytest

from router.errors import MalformedAnswer, RateLimited, ServerFault
from router.providers.openai_responses import OpenAIResponses
from router.types import Message, Request, ResponseFormat, Tool, ToolCall, Usage
from tests.providers.examples import CAPITAL_SCHEMA, ask, response_body, response_events, tier

CODEC = OpenAIResponses()
TIER = tier("openai-responses", base_url=None)


def test_nothing_is_stored_and_stop_strings_are_not_sent():
    """The client would raise a TypeError at stop."""
    encoded = CODEC.encode(TIER, ask("6*7?", system="Be brief.", stop=("\n",), temperature=0.0))
    assert encoded == {
        "model": "m-1",
        "input": [{"role": "user", "content": "6*7?"}],
        "instructions": "Be brief.",
        "max_output_tokens": 16,
        "temperature": 0.0,
        "store": False,
    }


def test_logprobs_are_asked_for_where_the_tier_has_them():
    """And may be asked for differently by an option."""
    encoded = CODEC.encode(tier("openai-responses", logprobs=True, options={"top_logprobs": 2, "store": True}), ask())
    assert (encoded["include"], encoded["top_logprobs"]) == (["message.output_text.logprobs"], 2)
    assert encoded["store"] is True


def test_a_format_and_a_verbosity_share_a_table():
    """The one is the request's, the other an option of the tier."""
    to = tier("openai-responses", options={"text": {"verbosity": "low"}, "reasoning": {"effort": "minimal"}})
    encoded = CODEC.encode(to, ask(response_format=ResponseFormat(schema=CAPITAL_SCHEMA)))
    wanted = {"type": "json_schema", "name": "answer", "schema": CAPITAL_SCHEMA, "strict": True}
    assert encoded["text"] == {"verbosity": "low", "format": wanted}
    assert encoded["extra_body"] == {"reasoning": {"effort": "minimal"}}
    assert CODEC.encode(to, ask(response_format=ResponseFormat()))["text"]["format"] == {"type": "json_object"}


def test_tools_and_their_answers_are_items_of_their_own():
    """A call and its result, named by the same id."""
    call = ToolCall(id="t1", name="add", arguments="{}")
    request = Request(
        messages=(
            Message(role="user", content="1+1?"),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="2", tool_call_id="t1"),
        ),
        tools=(Tool(name="add", parameters={"type": "object"}),),
    )
    encoded = CODEC.encode(TIER, request)
    assert encoded["input"] == [
        {"role": "user", "content": "1+1?"},
        {"type": "function_call", "call_id": "t1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "t1", "output": "2"},
    ]
    assert encoded["tools"] == [
        {"type": "function", "strict": False, "name": "add", "description": "", "parameters": {"type": "object"}}
    ]


def test_the_answer_is_cut_at_the_first_stop_string_with_its_logprobs():
    """Usage stays what was billed."""
    logprobs = [{"token": text, "logprob": -0.1, "top_logprobs": []} for text in ("4", "2", "\n", "4", "2")]
    answer = CODEC.decode(TIER, ask(stop=("\n",)), response_body("42\n42", logprobs=logprobs))
    assert (answer.text, answer.stop, answer.logprobs.tokens) == ("42", "stop_sequence", ("4", "2"))
    assert answer.usage == Usage(input_tokens=12, output_tokens=2)


def test_the_stream_never_shows_a_stop_string_nor_what_follows():
    """Even where it arrives in pieces."""
    assembly = CODEC.assembly(TIER, ask(stop=("STOP",)))
    shown = [assembly.feed(event) for event in response_events("42 S", "T", "ART ST", "OP 43")]
    assert "".join(shown) == assembly.finish().text == "42 START "


@pytest.mark.parametrize(
    ("changes", "stop"),
    [
        ({}, "end"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "refusal"),
    ],
)
def test_statuses(changes, stop):
    """Whole and streamed."""
    assert CODEC.decode(TIER, ask(), response_body(**changes)).stop == stop
    assembly = CODEC.assembly(TIER, ask())
    for event in response_events("42", **changes):
        assembly.feed(event)
    assert assembly.finish() == CODEC.decode(TIER, ask(), response_body(**changes))


def test_a_refusal_and_a_function_call():
    """Parts of another kind than text."""
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    answer = CODEC.decode(TIER, ask(), response_body(output=[refusal]))
    assert (answer.text, answer.stop) == ("No.", "refusal")
    call = {"type": "function_call", "id": "fc", "call_id": "t1", "name": "add", "arguments": "{}"}
    answer = CODEC.decode(TIER, ask(), response_body(output=[{"type": "reasoning"}, call]))
    assert (answer.text, answer.stop) == ("", "tool_calls")
    assert answer.tool_calls == (ToolCall(id="t1", name="add", arguments="{}"),)


def test_usage_is_disjoint():
    """Cached tokens are part of the input there, reasoning of the output."""
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 15},
    }
    assert CODEC.decode(TIER, ask(), response_body(usage=usage)).usage == Usage(
        input_tokens=30, cached_input_tokens=60, cache_write_tokens=10, output_tokens=5, reasoning_tokens=15
    )


@pytest.mark.parametrize(("code", "kind"), [("server_error", ServerFault), ("rate_limit_exceeded", RateLimited)])
def test_a_failed_response_is_an_error(code, kind):
    """The HTTP status was 200."""
    with pytest.raises(kind, match="it broke"):
        CODEC.decode(TIER, ask(), response_body(status="failed", error={"code": code, "message": "it broke"}))


@pytest.mark.parametrize("body", [response_body(output=[]), response_body(output=None), "text", {}])
def test_no_content_is_malformed(body):
    """An answer needs a message or a call."""
    with pytest.raises(MalformedAnswer):
        CODEC.decode(TIER, ask(), body)
