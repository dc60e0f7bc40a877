from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.metering.gleaning import Gleaner, reader_of
from router.providers.usage import anthropic_usage, openai_usage, responses_usage
from router.types import Usage
from tests.providers.examples import chat_chunks, message_events


@pytest.mark.parametrize(
    ("url", "reader"),
    [
        ("/chat/completions", openai_usage),
        ("/openai/deployments/d/chat/completions?api-version=1", openai_usage),
        ("/embeddings", openai_usage),
        ("/responses", responses_usage),
        ("/v1/messages?beta=true", anthropic_usage),
        ("/v1/messages/batches", None),
        ("/v1/messages/count_tokens", None),
        ("/threads/t/messages", None),
        ("/files", None),
    ],
)
def test_only_calls_that_are_billed_by_tokens_are_read(url, reader) -> None:
    assert reader_of(url) is reader


@given(cuts=st.lists(st.integers(1, 400), max_size=20), ending=st.sampled_from(["\n", "\r\n"]))
def test_a_stream_tells_the_same_however_its_bytes_are_cut(cuts, ending) -> None:
    for events, read in ((chat_chunks("4", "2"), openai_usage), (message_events("4", "é2"), anthropic_usage)):
        body = "".join(f"data: {json.dumps(each)}{ending}{ending}" for each in events).encode()
        gleaner, at = Gleaner(is_stream=True), 0
        for cut in [*cuts, len(body)]:
            gleaner.feed(body[at : at + cut])
            at += cut
        found = gleaner.told(read)
        assert (found.model, found.usage) == ("m-1-2026", Usage(input_tokens=12, output_tokens=2))
        assert not gleaner.broken


def test_a_server_that_reports_with_each_token_is_read_at_its_last_word() -> None:
    gleaner = Gleaner(is_stream=True)
    for place in range(1000):
        usage = {"prompt_tokens": 12, "completion_tokens": place, "total_tokens": 12 + place}
        gleaner.feed(f"data: {json.dumps({'model': 'm', 'usage': usage})}\n\n".encode())
    assert gleaner.told(openai_usage).usage == Usage(input_tokens=12, output_tokens=999)
    assert len(gleaner._kept) == 4


def test_words_of_an_answer_are_not_taken_for_the_streams_end() -> None:
    gleaner = Gleaner(is_stream=True)
    text = {"type": "response.output_text.delta", "delta": '[DONE] "message_stop" {"type":"error"}'}
    gleaner.feed(f"data: {json.dumps(text)}\n\n".encode())
    assert (gleaner.ended, gleaner.broken) == (False, False)
    gleaner.feed(b"data: [DONE]\n\n")
    assert gleaner.ended


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"usage": null}', b'{"usage": {"prompt_tokens": "x"}}'])
def test_a_body_that_tells_nothing_tells_nothing(body) -> None:
    gleaner = Gleaner(is_stream=False)
    gleaner.feed(body)
    assert gleaner.told(openai_usage).usage is None
