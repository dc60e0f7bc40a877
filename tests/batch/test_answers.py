"""What the journal keeps comes back as it was."""

from __future__ import annotations

import json

import pytest

from router import errors
from router.batch.answers import answer_of, asked, content_of, kept, kept_error, key_of
from router.batch.records import Line
from router.errors import ProviderError
from router.ops import Send
from router.types import Completion, Logprobs, Message, Request, ResponseFormat, Tool, ToolCall, Usage
from tests.kit import ask, tier

SEND = Send(tier("small"), ask(), 1.0, live=False)
REQUEST = Request(
    messages=(
        Message(role="system", content="Be brief.\u2028"),
        Message(role="user", content="half a pair: \ud83d"),
        Message(role="assistant", content="", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),)),
        Message(role="tool", content="4", tool_call_id="1"),
    ),
    max_tokens=5,
    temperature=0.5,
    stop=("\n",),
    response_format=ResponseFormat(schema={"type": "object", "properties": {"b": {}, "a": {}}}, name="n"),
    tools=(Tool(name="f", description="d", parameters={"type": "object"}),),
    tags={"team": "ä"},
    user="u",
    session="s",
    floor="small",
    profile="default",
    priority="low",
    freshness="live",
)


@pytest.mark.parametrize("request_", [ask(), REQUEST])
def test_a_request_is_read_back_as_it_was_written(request_):
    """All of it, also what is no valid text."""
    line = Line(id="a", position=1, content=content_of(request_, name=None), birth="b", created=0.0)

    assert asked(line) == request_


def test_a_direct_answer_is_read_back_as_it_was_written():
    """Log-probabilities, tool calls and signals too."""
    answer = Completion(
        text="4",
        usage=Usage(input_tokens=3, output_tokens=1),
        stop="tool_calls",
        logprobs=Logprobs(tokens=("4",), values=(-0.1,), top=((-0.1, -2.0),)),
        latency=0.5,
        tool_calls=(ToolCall(id="1", name="f", arguments="{}"),),
        model="m",
        verified=0.25,
        signals={"a": 1.0},
    )

    assert answer_of(SEND, json.loads(json.dumps(kept(answer)))) == answer


@pytest.mark.parametrize(
    "kind",
    sorted(
        (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ProviderError)),
        key=lambda each: each.__name__,
    ),
)
def test_a_direct_error_is_read_back_as_it_was_written(kind):
    """Its kind decides what the cascade does."""
    error = kind("it failed", tier="small", status=418, code="c", request_id="r", retry_after=2.0)
    error.usage = Usage(input_tokens=3)
    with pytest.raises(kind) as caught:
        answer_of(SEND, json.loads(json.dumps(kept_error(error))))

    again = caught.value
    assert (str(again), again.usage, again.status, again.retry_after) == ("it failed", error.usage, 418, 2.0)


def test_a_call_is_known_again_by_what_is_sent_and_to_whom_alone():
    """Not by whom it is for, nor by how long it may take."""
    same = Send(SEND.tier, ask(tags={"a": "b"}, user="u"), 99.0, live=True)
    assert key_of(same) == key_of(SEND)
    assert key_of(Send(tier("large"), ask(), 1.0, live=False)) != key_of(SEND)
    assert key_of(Send(SEND.tier, ask("Another?"), 1.0, live=False)) != key_of(SEND)
    assert key_of(Send(SEND.tier, ask(max_tokens=7), 1.0, live=False)) != key_of(SEND)
