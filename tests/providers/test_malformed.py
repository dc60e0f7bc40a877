"""JSON of another form than a wire format's: read where its meaning is plain, and malformed otherwise."""

from __future__ import annotations

import pytest

from router.errors import MalformedAnswer, ProviderError
from router.types import ToolCall, Usage
from tests.providers.examples import (
    asynchronously,
    at,
    chat_body,
    chat_chunks,
    completion_body,
    message_body,
    message_events,
    response_body,
    sse,
    streamed_asynchronously,
)

CALL = {"id": 7, "type": "function", "function": {"name": "add", "arguments": {"a": [1, "é"]}}}
READ = ToolCall(id="7", name="add", arguments='{"a": [1, "\\u00e9"]}')
ITEM = {"type": "function_call", "call_id": 7, "name": "add", "arguments": {"a": [1, "é"]}}


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai-chat", chat_body(None, message={"tool_calls": [CALL]}, finish_reason="tool_calls")),
        ("openai-responses", response_body(output=[ITEM])),
    ],
)
def test_arguments_that_come_as_an_object_are_read(api, body, canned, clients):
    """Some compatible servers do not put them into a string."""
    canned.reply(body)
    assert clients.complete(at(canned, api)).tool_calls == (READ,)


def test_streamed_arguments_that_come_as_an_object_are_read(canned, clients):
    """In one piece."""
    begun, *rest = chat_chunks(finish="tool_calls")
    begun["choices"][0]["delta"]["tool_calls"] = [{"index": 0, **CALL}]
    canned.stream(sse([begun, *rest]))
    assert list(clients.stream(at(canned)))[-1].tool_calls == (READ,)


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai-chat", chat_body(model=["x"])),
        ("openai-completions", {**completion_body("42"), "model": ["x"]}),
        ("openai-responses", response_body(model=["x"])),
        ("anthropic", message_body(model=["x"])),
    ],
)
def test_a_model_that_is_no_text_is_unknown(api, body, canned, clients):
    """The ledger's column is a text."""
    canned.reply(body)
    answer = clients.complete(at(canned, api))
    assert (answer.text, answer.model) == ("42", None)


@pytest.mark.parametrize("api", ["openai-chat", "openai-completions", "openai-responses", "anthropic"])
@pytest.mark.parametrize("depth", [990, 5000, 100_000])
def test_a_body_too_deep_to_parse_is_malformed(api, depth, canned, clients):
    """Whether it is the parser that gives up, or whoever walks through what it returned."""
    canned.reply("[" * depth + "]" * depth)
    with pytest.raises(MalformedAnswer):
        clients.complete(at(canned, api))


def test_a_value_of_another_kind_is_malformed_and_billed(canned, clients):
    """A list cannot be looked up among the stop reasons."""
    canned.reply(message_body(stop_reason=["end_turn"]))
    with pytest.raises(MalformedAnswer, match="not of the expected form") as caught:
        clients.complete(at(canned, "anthropic"))
    assert caught.value.usage == Usage(input_tokens=12, output_tokens=2)
    with pytest.raises(MalformedAnswer):
        asynchronously(at(canned, "anthropic"), environ={})


def test_a_value_of_another_kind_in_a_stream_is_malformed(canned, clients):
    """In an event, and in what all of them amount to."""
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    begun, _, *rest = message_events()
    place = {"type": "content_block_start", "index": 0, "content_block": call}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": {"a": 1}}}
    canned.stream(sse([begun, place, delta, *rest], named=True, done=False))
    with pytest.raises(MalformedAnswer):
        list(clients.stream(at(canned, "anthropic")))
    canned.replies.clear()
    canned.stream(sse(message_events("4", stop_reason=["end_turn"]), named=True, done=False))
    with pytest.raises(MalformedAnswer):
        streamed_asynchronously(at(canned, "anthropic"), environ={})


ODD = [None, 3, True, "?", [], ["x"], {}, {"a": 1}, [[1]], [None]]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize(
    ("api", "whole"),
    [
        ("openai-chat", chat_body(message={"tool_calls": [CALL]})),
        ("openai-completions", completion_body("42")),
        ("openai-responses", response_body()),
        ("anthropic", message_body()),
    ],
)
def test_whatever_a_field_holds_the_failure_is_one_of_our_tree(api, whole, odd, canned, clients):
    """Every field of every object of a body in turn; an answer is fine, too."""
    for body in altered(whole, odd):
        canned.replies.clear()
        canned.reply(body)
        try:
            answer = clients.complete(at(canned, api))
        except ProviderError:
            continue
        assert isinstance(answer.text, str)
        assert isinstance(answer.model, str | None)
        for call in answer.tool_calls:
            assert all(isinstance(each, str) for each in (call.id, call.name, call.arguments))


def altered(value, odd):
    """Copies of ``value`` with ``odd`` in the place of one of its parts."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield {**value, name: odd}
            yield from ({**value, name: other} for other in altered(part, odd))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield [*value[:place], odd, *value[place + 1 :]]
            yield from ([*value[:place], other, *value[place + 1 :]] for other in altered(part, odd))
