"""The official clients, through our codecs, against a real llama.cpp server."""

from __future__ import annotations

import json

import pytest

from router.errors import ContextOverflow
from router.providers.clients import Clients
from router.types import Completion, ResponseFormat
from tests.providers.examples import (
    CAPITAL_SCHEMA,
    CAPITALS,
    ask,
    asynchronously,
    send,
    streamed_asynchronously,
    tier,
    unclocked,
)

APIS = ("openai-chat", "openai-completions", "openai-responses", "anthropic")
WITH_LOGPROBS = ("openai-chat", "openai-completions")

pytestmark = pytest.mark.local_models


def real(api, llama, **changes):
    return tier(api, base_url=llama, logprobs=api in WITH_LOGPROBS, context=2048, **changes)


def agree(one: Completion, other: Completion) -> bool:
    """Whether all that must repeat does; how much of the prompt the server still had in its cache need not."""
    for answer in (one, other):
        assert (answer.logprobs is None) == (one.logprobs is None)
    if one.logprobs is not None:
        assert one.logprobs.tokens == other.logprobs.tokens
        assert one.logprobs.values == pytest.approx(other.logprobs.values, abs=1e-2)
    counts = [(each.usage.prompt_tokens, each.usage.output_tokens) for each in (one, other)]
    return (one.text, one.stop, one.model) == (other.text, other.stop, other.model) and counts[0] == counts[1]


@pytest.mark.parametrize("api", APIS)
def test_a_whole_answer_a_stream_and_both_through_asyncio_are_the_same(api, llama, clients):
    """One model, one prompt, four ways of asking, one answer."""
    op = send(real(api, llama), ask(CAPITALS, temperature=0.0))
    whole = clients.complete(op)
    parts = list(clients.stream(op))
    assert agree(parts[-1], whole)
    assert "".join(parts[:-1]) == whole.text
    assert len(parts) > 5
    assert agree(asynchronously(op, environ={}), whole)
    aparts = streamed_asynchronously(op, environ={})
    assert agree(aparts[-1], whole)
    assert aparts[:-1] == parts[:-1]


@pytest.mark.parametrize("api", APIS)
def test_an_answer_cut_off_at_its_limit_says_so(api, llama, clients):
    """A limit of five tokens gives five tokens and stop="length", even where the server says completed."""
    answer = clients.complete(send(real(api, llama), ask(CAPITALS, temperature=0.0, max_tokens=5)))
    assert (answer.stop, answer.usage.output_tokens) == ("length", 5)
    assert answer.usage.prompt_tokens > 20
    assert answer.model
    assert answer.latency > 0


@pytest.mark.parametrize("api", APIS)
def test_a_prompt_that_does_not_fit_is_a_context_overflow(api, llama, clients):
    """The server's 400 is read for what it is, whole and streamed."""
    op = send(real(api, llama), ask("word " * 5000))
    for attempt in (lambda: clients.complete(op), lambda: list(clients.stream(op))):
        with pytest.raises(
            ContextOverflow, match=r"tier 'small' \(m-1\).*exceeds the available context size"
        ) as caught:
            attempt()
        assert caught.value.status == 400
        assert not caught.value.shown


@pytest.mark.parametrize("api", WITH_LOGPROBS)
def test_log_probabilities_are_those_of_the_visible_tokens(api, llama, clients):
    """Tokens spell the answer, each with its value and five alternatives, the best first."""
    answer = clients.complete(send(real(api, llama), ask(CAPITALS, temperature=0.0)))
    assert "".join(answer.logprobs.tokens) == answer.text
    assert all(value <= 0 for value in answer.logprobs.values)
    assert [len(top) for top in answer.logprobs.top] == [5] * len(answer.logprobs.tokens)
    assert all(list(top) == sorted(top, reverse=True) for top in answer.logprobs.top)
    # At temperature 0 the token given is the likeliest one.
    assert [top[0] for top in answer.logprobs.top] == pytest.approx(list(answer.logprobs.values))


def test_a_base_model_stops_where_it_is_told(llama, clients):
    """The few-shot prompt goes out as it is, and the answer ends at the line's end."""
    answer = clients.complete(send(real("openai-completions", llama), ask(CAPITALS, temperature=0.0, stop=("\n",))))
    assert answer.text == " Paris"
    assert answer.logprobs.tokens == (" Paris",)


def test_responses_have_no_stop_strings_so_the_answer_is_cut(llama, clients):
    """The same stop string gives the same text in both formats, and the stream never shows more."""
    request = ask(CAPITALS, temperature=0.0, max_tokens=12)
    whole = clients.complete(send(real("openai-responses", llama), request)).text
    word = whole.split()[3]
    cut = send(real("openai-responses", llama), ask(CAPITALS, temperature=0.0, max_tokens=12, stop=(word,)))
    answer = clients.complete(cut)
    assert (answer.text, answer.stop) == (whole[: whole.index(word)], "stop_sequence")
    parts = list(clients.stream(cut))
    assert "".join(parts[:-1]) == parts[-1].text == answer.text


@pytest.mark.parametrize("api", WITH_LOGPROBS)
def test_a_schema_shapes_the_answer(api, llama, clients):
    """The real server writes JSON that the schema describes."""
    wanted = ResponseFormat(schema=CAPITAL_SCHEMA)
    answer = clients.complete(
        send(real(api, llama, max_tokens=120), ask(CAPITALS, temperature=0.0, response_format=wanted))
    )
    assert list(json.loads(answer.text)) == ["capital"]


def test_one_client_serves_all_tiers_of_an_account(llama):
    """Constructing a client takes longer than a call, so it happens once."""
    clients = Clients(environ={})
    for model in ("a", "b"):
        assert unclocked(clients.complete(send(real("openai-chat", llama, model=model), ask(max_tokens=1)))).text
    assert len(clients._sync) == 1
    clients.close()
    assert not clients._sync
