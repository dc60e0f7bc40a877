"""Chat completions, as plain dictionaries: no client, no network."""

from __future__ import annotations

import pytest

from router.errors import MalformedAnswer, StreamTruncated
from router.providers.openai_chat import OpenAIChat
from router.types import Message, Request, ResponseFormat, Tool, ToolCall, Usage
from tests.providers.examples import CAPITAL_SCHEMA, ask, chat_body, chat_chunks, tier

CODEC = OpenAIChat()


def tokens(*pairs):
    return [{"token": text, "bytes": None, "logprob": value, "top_logprobs": []} for text, value in pairs]


def test_openais_own_endpoint_and_compatible_ones_name_the_limit_differently():
    """Reasoning models refuse max_tokens, and many servers do not know max_completion_tokens."""
    own, compatible = CODEC.encode(tier(base_url=None), ask()), CODEC.encode(tier(), ask())
    assert (own["max_completion_tokens"], compatible["max_tokens"]) == (16, 16)
    assert "max_tokens" not in own
    assert "max_completion_tokens" not in compatible


def test_the_request_decides_over_the_tier_and_its_options():
    """An option is a default; what the caller asks for wins; tables are merged."""
    options = {"max_tokens": 3, "stop": ["x"], "temperature": 1.5, "seed": 7, "top_logprobs": 2}
    encoded = CODEC.encode(tier(options=options, logprobs=True), ask(max_tokens=9, stop=("\n",), temperature=0.0))
    assert (encoded["max_tokens"], encoded["stop"], encoded["temperature"]) == (9, ["\n"], 0.0)
    assert (encoded["logprobs"], encoded["top_logprobs"]) == (True, 2)
    assert encoded["extra_body"] == {"seed": 7}
    assert CODEC.encode(tier(options=options), ask())["extra_body"]["temperature"] == 1.5


def test_capabilities_gate_logprobs_and_temperature():
    """A tier without them is not sent what it would refuse."""
    encoded = CODEC.encode(tier(logprobs=False, sampling=False), ask(temperature=0.5))
    assert not {"logprobs", "top_logprobs", "temperature", "extra_body"} & set(encoded)


def test_a_conversation_with_tools_goes_out_whole():
    """Roles, the model's call, and the tool's answer to it."""
    call = ToolCall(id="t1", name="add", arguments='{"a":1}')
    request = Request(
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="user", content="1+1?"),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="2", tool_call_id="t1"),
        ),
        tools=(Tool(name="add", description="Adds.", parameters={"type": "object"}),),
        response_format=ResponseFormat(schema=CAPITAL_SCHEMA, name="capital"),
    )
    encoded = CODEC.encode(tier(), request)
    function = {"name": "add", "arguments": '{"a":1}'}
    assert encoded["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1+1?"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "t1", "type": "function", "function": function}]},
        {"role": "tool", "content": "2", "tool_call_id": "t1"},
    ]
    described = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    assert encoded["tools"] == [{"type": "function", "function": described}]
    assert encoded["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "capital", "schema": CAPITAL_SCHEMA, "strict": True},
    }
    assert CODEC.encode(tier(), ask(response_format=ResponseFormat()))["response_format"] == {"type": "json_object"}


def test_openai_takes_four_stop_strings_and_we_cut_at_the_fifth():
    """The endpoint would refuse five; the stream shows no more than the whole answer does."""
    request = ask(stop=("a", "b", "c", "d", "END"))
    own = tier(base_url=None)
    assert CODEC.encode(own, request)["stop"] == ["a", "b", "c", "d"]
    answer = CODEC.decode(own, request, chat_body("42 EN END 43"))
    assert (answer.text, answer.stop) == ("42 EN ", "stop_sequence")
    assembly = CODEC.assembly(own, request)
    shown = "".join(assembly.feed(chunk) for chunk in chat_chunks("42 EN E", "N", "D 43"))
    assert shown == assembly.finish().text == "42 EN "


@pytest.mark.parametrize(
    ("finish_reason", "stop"),
    [
        ("stop", "end"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "refusal"),
        (None, "end"),
        ("eos", "end"),
    ],
)
def test_finish_reasons(finish_reason, stop):
    """Each in our words; a server that invents one, or sends none with a whole answer, means the end."""
    assert CODEC.decode(tier(), ask(), chat_body("x", finish_reason=finish_reason)).stop == stop


def test_vllm_says_which_stop_string_it_was():
    """Its stop_reason is the string, or a token's number."""
    body = chat_body("x", choice={"stop_reason": "\n"})
    assert CODEC.decode(tier(), ask(), body).stop == "stop_sequence"


def test_a_refusal_is_an_answer_of_its_own_kind():
    """Not an error: the router decides what to do with it."""
    refused = CODEC.decode(tier(), ask(), chat_body(None, message={"refusal": "I can't help with that."}))
    assert (refused.text, refused.stop) == ("I can't help with that.", "refusal")
    filtered = CODEC.decode(tier(), ask(), chat_body(None, finish_reason="content_filter"))
    assert (filtered.text, filtered.stop) == ("", "refusal")
    assembly = CODEC.assembly(tier(), ask())
    for chunk in [{"choices": [{"delta": {"refusal": "I "}}]}, {"choices": [{"delta": {"refusal": "can't"}}]}]:
        assert assembly.feed(chunk) == ""
    assembly.feed({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    assert (assembly.finish().text, assembly.finish().stop) == ("I can't", "refusal")


def test_an_answer_that_was_all_thought_has_no_text_but_a_cost():
    """A reasoning model that used up its limit before the first word."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 16,
        "total_tokens": 26,
        "completion_tokens_details": {"reasoning_tokens": 16},
    }
    answer = CODEC.decode(tier(), ask(), chat_body(None, finish_reason="length", usage=usage))
    assert (answer.text, answer.stop) == ("", "length")
    assert answer.usage == Usage(input_tokens=10, reasoning_tokens=16)


@pytest.mark.parametrize("body", [chat_body(None), chat_body(choices=[]), {}, "text", None, {"choices": [None]}])
def test_no_content_is_malformed(body):
    """Nothing in it can be returned to the caller."""
    with pytest.raises(MalformedAnswer, match=r"tier 'small' \(m-1\) sent no usable answer"):
        CODEC.decode(tier(), ask(), body)


def test_content_in_parts_is_joined():
    """Some compatible servers send a list, thinking beside text."""
    body = chat_body(None, message={"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]})
    assert CODEC.decode(tier(), ask(), body).text == "42"


def test_tool_calls_are_put_together_from_pieces():
    """Two calls, interleaved; ids once, arguments in parts."""
    assembly = CODEC.assembly(tier(), ask())

    def piece(index, **call):
        return {"choices": [{"delta": {"tool_calls": [{"index": index, **call}]}, "finish_reason": None}]}

    for chunk in (
        piece(0, id="a", function={"name": "add", "arguments": ""}),
        piece(1, id="b", function={"name": "sub", "arguments": '{"x"'}),
        piece(0, function={"arguments": '{"y":'}),
        piece(1, function={"arguments": ":1}"}),
        piece(0, function={"arguments": "2}"}),
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
    ):
        assert assembly.feed(chunk) == ""
    answer = assembly.finish()
    assert (answer.text, answer.stop) == ("", "tool_calls")
    assert answer.tool_calls == (
        ToolCall(id="a", name="add", arguments='{"y":2}'),
        ToolCall(id="b", name="sub", arguments='{"x":1}'),
    )


def test_a_whole_answer_and_its_stream_are_equal():
    """Text, log-probabilities, usage, model."""
    logprobs = tokens(("4", -0.1), ("2", -0.2))
    chunks = chat_chunks("4", "2")
    for chunk, token in zip(chunks[1:3], logprobs, strict=True):
        chunk["choices"][0]["logprobs"] = {"content": [token]}
    assembly = CODEC.assembly(tier(), ask())
    assert [text for text in map(assembly.feed, chunks) if text] == ["4", "2"]
    whole = CODEC.decode(tier(), ask(), chat_body("42", logprobs={"content": logprobs}))
    assert assembly.finish() == whole
    assert whole.logprobs.values == (-0.1, -0.2)


def test_a_stream_without_a_finish_reason_is_truncated():
    """Even when the server sent its usage."""
    assembly = CODEC.assembly(tier(), ask())
    for chunk in chat_chunks("4", "2", finish=None):
        assembly.feed(chunk)
    with pytest.raises(StreamTruncated, match="without a finish reason"):
        assembly.finish()
