"""A call that failed and is billed all the same says what for."""

from __future__ import annotations

import pytest

from router.errors import ConnectionFailed, ContextOverflow, MalformedAnswer, ServerFault, StreamTruncated
from router.providers.local import Local
from router.types import Usage
from tests.providers.examples import (
    asynchronously,
    at,
    chat_body,
    chat_chunks,
    completion_body,
    message_body,
    message_events,
    response_body,
    response_events,
    sse,
    streamed_asynchronously,
)

BILL = Usage(input_tokens=12, output_tokens=2)


@pytest.mark.parametrize(
    ("api", "body", "kind"),
    [
        ("openai-chat", chat_body(None), MalformedAnswer),
        ("openai-chat", chat_body(choices=[]), MalformedAnswer),
        ("openai-chat", chat_body(error={"message": "upstream fell over"}), MalformedAnswer),
        ("openai-completions", completion_body(None), MalformedAnswer),
        ("openai-responses", response_body(output=[]), MalformedAnswer),
        (
            "openai-responses",
            response_body(status="failed", error={"code": "server_error", "message": "?"}),
            ServerFault,
        ),
        ("anthropic", message_body(stop_reason="model_context_window_exceeded"), ContextOverflow),
        ("anthropic", message_body(stop_reason=None), MalformedAnswer),
        ("anthropic", message_body(content=None), MalformedAnswer),
    ],
)
def test_an_answer_of_no_use_is_billed(api, body, kind, canned, clients):
    """The provider generated it, and counts it."""
    canned.reply(body)
    with pytest.raises(kind) as caught:
        clients.complete(at(canned, api))
    assert caught.value.usage == BILL
    with pytest.raises(kind) as caught:
        asynchronously(at(canned, api), environ={})
    assert caught.value.usage == BILL


@pytest.mark.parametrize(
    ("api", "events", "kind", "bill"),
    [
        ("anthropic", message_events("4", stop_reason=None), StreamTruncated, Usage(input_tokens=12, output_tokens=1)),
        ("anthropic", message_events("4", stop_reason="model_context_window_exceeded"), ContextOverflow, BILL),
        (
            "anthropic",
            [
                *message_events("4", stop_reason=None),
                {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
            ],
            ServerFault,
            Usage(input_tokens=12, output_tokens=1),
        ),
        ("openai-chat", chat_chunks("4", finish=None), StreamTruncated, BILL),
        ("openai-completions", [completion_body("4", finish_reason=None)], StreamTruncated, BILL),
        ("openai-responses", response_events(output=[]), MalformedAnswer, BILL),
        ("openai-responses", response_events("4")[:1], StreamTruncated, None),
    ],
)
def test_a_stream_that_failed_is_billed_for_what_it_had_reported(api, events, kind, bill, canned, clients):
    """Anthropic reports the prompt at the start; the others report once, and some of them in every chunk."""
    canned.stream(sse(events, named=api in ("anthropic", "openai-responses"), done=False))
    with pytest.raises(kind) as caught:
        list(clients.stream(at(canned, api)))
    assert caught.value.usage == bill
    with pytest.raises(kind) as caught:
        streamed_asynchronously(at(canned, api), environ={})
    assert caught.value.usage == bill


def test_a_stream_that_was_cut_off_is_billed_too(canned, clients):
    """The connection broke, after the prompt had been read."""
    begun = sse(message_events("4", stop_reason=None), named=True, done=False)
    canned.reply(begun, content_type="text/event-stream", content_length=str(len(begun) + 9), connection="close")
    with pytest.raises(ConnectionFailed) as caught:
        list(clients.stream(at(canned, "anthropic")))
    assert caught.value.usage == Usage(input_tokens=12, output_tokens=1)
    assert caught.value.shown


def test_a_call_without_a_report_is_billed_for_nothing_known(canned, clients):
    """None, and not zero."""
    canned.reply({"error": {"message": "the model fell over"}})
    with pytest.raises(MalformedAnswer) as caught:
        clients.complete(at(canned))
    assert caught.value.usage is None


def test_local_chunks_say_what_was_generated():
    """In the last of them that has a count."""
    assert Local().billed(chat_chunks("4", finish=None)) == BILL
    assert Local().billed([]) is None
