"""Anthropic's messages, as plain dictionaries."""

from __future__ import annotations

import pytest

from router.errors import ContextOverflow, MalformedAnswer, StreamTruncated
from router.providers.anthropic import JSON_ONLY, AnthropicMessages
from router.types import Message, Request, ResponseFormat, Tool, ToolCall, Usage
from tests.providers.examples import CAPITAL_SCHEMA, ask, message_body, message_events, tier

CODEC = AnthropicMessages()
TIER = tier("anthropic", base_url=None)


def test_the_plain_call():
    """No sampling arguments, which the client and the API refuse."""
    assert CODEC.encode(TIER, ask("6*7?", system="Be brief.")) == {
        "model": "m-1",
        "max_tokens": 16,
        "messages": [{"role": "user", "content": "6*7?"}],
        "system": [{"type": "text", "text": "Be brief."}],
    }


def test_no_prompt_is_kept_by_the_api_unless_the_tier_asks_for_it():
    """Keeping one costs more than reading it once."""
    assert CODEC.encode(TIER, ask(system="x" * 9000))["system"] == [{"type": "text", "text": "x" * 9000}]


def test_a_temperature_goes_around_the_client_to_the_older_version():
    """Beside the tier's own options."""
    encoded = CODEC.encode(tier("anthropic", options={"top_k": 5}), ask(temperature=0.2))
    assert encoded["extra_body"] == {"top_k": 5, "temperature": 0.2}
    assert encoded["extra_headers"] == {"anthropic-version": "2023-06-01"}


def test_white_space_is_no_stop_string_for_the_api_so_we_cut():
    """A few-shot prompt's line end, whole and streamed."""
    request = ask(stop=("\n", "END"))
    assert CODEC.encode(TIER, request)["stop_sequences"] == ["END"]
    assert "stop_sequences" not in CODEC.encode(TIER, ask(stop=("\n",)))
    answer = CODEC.decode(TIER, request, message_body({"type": "text", "text": "42\n43"}))
    assert (answer.text, answer.stop) == ("42", "stop_sequence")
    assembly = CODEC.assembly(TIER, request)
    assert "".join(map(assembly.feed, message_events("4", "2\n4", "3"))) == assembly.finish().text == "42"


def test_a_format_and_an_effort_share_a_table():
    """The one is the request's, the other an option of the tier."""
    to = tier("anthropic", options={"output_config": {"effort": "low"}})
    encoded = CODEC.encode(to, ask(response_format=ResponseFormat(schema=CAPITAL_SCHEMA)))
    assert encoded["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": CAPITAL_SCHEMA}}


def test_an_object_of_no_schema_is_asked_for_in_words():
    """The API has no such format."""
    encoded = CODEC.encode(TIER, ask(system="Be brief.", response_format=ResponseFormat()))
    assert encoded["system"] == [{"type": "text", "text": f"Be brief.\n\n{JSON_ONLY}"}]
    assert CODEC.encode(TIER, ask(response_format=ResponseFormat()))["system"] == [{"type": "text", "text": JSON_ONLY}]


def test_a_conversation_with_tools_goes_out_whole():
    """Calls are blocks of the assistant, results blocks of one user turn."""
    calls = (ToolCall(id="t1", name="add", arguments='{"a": 1}'), ToolCall(id="t2", name="add", arguments="oops"))
    request = Request(
        messages=(
            Message(role="user", content="1+1?"),
            Message(role="assistant", content="Let me see.", tool_calls=calls),
            Message(role="tool", content="2", tool_call_id="t1"),
            Message(role="tool", content="3", tool_call_id="t2"),
        ),
        tools=(Tool(name="add", description="Adds.", parameters={"properties": {}}),),
    )
    encoded = CODEC.encode(TIER, request)
    assert encoded["messages"] == [
        {"role": "user", "content": "1+1?"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "add", "input": {"arguments": "oops"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "2"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "3"},
            ],
        },
    ]
    schema = {"type": "object", "properties": {}}
    assert encoded["tools"] == [{"name": "add", "description": "Adds.", "input_schema": schema}]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "end"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
        ("pause_turn", "length"),
    ],
)
def test_stop_reasons_whole_and_streamed(reason, stop):
    """Each in our words, and the same either way."""
    whole = CODEC.decode(TIER, ask(), message_body(stop_reason=reason))
    assembly = CODEC.assembly(TIER, ask())
    for event in message_events("42", stop_reason=reason):
        assembly.feed(event)
    assert whole.stop == stop
    assert assembly.finish() == whole


def test_a_full_window_is_a_context_overflow():
    """A tier with a larger one may answer."""
    with pytest.raises(ContextOverflow) as caught:
        CODEC.decode(TIER, ask(), message_body(stop_reason="model_context_window_exceeded"))
    assert caught.value.code == "model_context_window_exceeded"


def test_a_call_of_a_tool_whole_and_in_pieces():
    """Arguments are JSON text on our side."""
    block = {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}
    whole = CODEC.decode(TIER, ask(), message_body({"type": "text", "text": "Hm."}, block, stop_reason="tool_use"))
    assert (whole.text, whole.tool_calls) == ("Hm.", (ToolCall(id="t1", name="add", arguments='{"a": 1}'),))
    assembly = CODEC.assembly(TIER, ask())
    begun = {"type": "tool_use", "id": "t1", "name": "add", "input": {}}
    events = message_events("Hm.", stop_reason="tool_use")
    events[4:4] = [
        {"type": "content_block_start", "index": 1, "content_block": begun},
        *(
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": piece}}
            for piece in ("", '{"a"', ": 1}")
        ),
    ]
    for event in events:
        assembly.feed(event)
    assert assembly.finish() == whole


def test_a_call_without_arguments_has_an_empty_object():
    """Not an empty text, which is no JSON."""
    block = {"type": "tool_use", "id": "t1", "name": "now", "input": {}}
    assert CODEC.decode(TIER, ask(), message_body(block)).tool_calls[0].arguments == "{}"


def test_usage_is_disjoint_and_thinking_is_no_part_of_the_answer():
    """Cached tokens stand beside input_tokens there; thinking blocks are not shown."""
    usage = {
        "input_tokens": 12,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 100,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 48},
    }
    blocks = ({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "42"})
    answer = CODEC.decode(TIER, ask(), message_body(*blocks, usage=usage))
    assert answer.text == "42"
    assert answer.usage == Usage(
        input_tokens=12, cached_input_tokens=1000, cache_write_tokens=100, output_tokens=2, reasoning_tokens=48
    )


def test_a_stream_reports_the_prompt_first_and_the_answer_last():
    """The counts of both ends, and no count twice."""
    assembly = CODEC.assembly(TIER, ask())
    for event in message_events("4", "2"):
        assembly.feed(event)
    assert assembly.finish().usage == Usage(input_tokens=12, output_tokens=2)


def test_a_stream_without_a_stop_reason_is_truncated():
    """Whatever text has come."""
    assembly = CODEC.assembly(TIER, ask())
    for event in message_events("4", "2", stop_reason=None):
        assembly.feed(event)
    with pytest.raises(StreamTruncated):
        assembly.finish()


@pytest.mark.parametrize("body", [message_body(content=None), message_body(stop_reason=None), "text", {}, None])
def test_no_content_is_malformed(body):
    """Nor an answer without a stop reason."""
    with pytest.raises(MalformedAnswer):
        CODEC.decode(TIER, ask(), body)


def test_an_empty_answer_is_an_answer():
    """Claude may end its turn without a word."""
    assert CODEC.decode(TIER, ask(), message_body(content=[])).text == ""
