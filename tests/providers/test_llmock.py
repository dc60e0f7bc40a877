"""Faults of a real HTTP server, as the official clients meet them."""

from __future__ import annotations

import pytest

from router.errors import (
    ConnectionFailed,
    ContextOverflow,
    MalformedAnswer,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    RejectedRequest,
    ServerFault,
    StreamTruncated,
    Unauthorized,
)
from router.providers.clients import Clients
from tests.providers.examples import ask, asynchronously, send, streamed_asynchronously, tier

PROVIDERS = {"openai-chat": "openai", "openai-responses": "openai", "anthropic": "anthropic"}
APIS = tuple(PROVIDERS)
WAYS = ("complete", "stream", "acomplete", "astream")


def at(llmock, api, *, timeout=20.0, **changes):
    return send(
        tier(api, base_url=llmock.base_url(PROVIDERS[api]), **changes), ask("What is six times seven?"), timeout=timeout
    )


def perform(way, op, clients):
    """Ask ``op`` in one of the four ways; return every item that came."""
    if way == "acomplete":
        return [asynchronously(op, environ={})]
    if way == "astream":
        return streamed_asynchronously(op, environ={})
    return [clients.complete(op)] if way == "complete" else list(clients.stream(op))


def failure(way, op, clients, kind: type[ProviderError]) -> ProviderError:
    with pytest.raises(kind) as caught:
        perform(way, op, clients)
    assert str(caught.value).startswith("tier 'small' (m-1) ")
    assert caught.value.tier == "small"
    return caught.value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("api", APIS)
def test_all_four_ways_give_the_scripted_answer(api, way, llmock, clients):
    """The happy path of the fault server, with its usage."""
    llmock.reply("It is forty-two.")
    answer = perform(way, at(llmock, api), clients)[-1]
    assert (answer.text, answer.stop) == ("It is forty-two.", "end")
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("api", APIS)
def test_a_rate_limit_keeps_the_wait_that_the_server_asked_for(api, way, llmock, clients):
    """One request, no retry in the client, and Retry-After in the error."""
    llmock.rate_limit(retry_after=7, times=None)
    failed = failure(way, at(llmock, api), clients, RateLimited)
    assert (failed.status, failed.retry_after) == (429, 7.0)
    assert failed.retryable
    assert failed.escalates
    assert len(llmock.requests) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedRequest),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, RejectedRequest),
        (500, ServerFault),
        (503, ServerFault),
    ],
)
def test_a_status_becomes_its_error(api, way, status, kind, llmock, clients):
    """Each status in its place of the tree, with the provider's words and no second request."""
    llmock.fail(status, times=None)
    failed = failure(way, at(llmock, api), clients, kind)
    assert failed.status == status
    assert failed.code
    assert len(llmock.requests) == 1


def test_anthropics_overload_is_a_server_fault(llmock, clients):
    """529 is Anthropic's own."""
    llmock.fail(529, times=None)
    assert failure("complete", at(llmock, "anthropic"), clients, ServerFault).status == 529


@pytest.mark.parametrize("api", APIS)
def test_the_providers_own_context_overflow(api, llmock, clients):
    """A 400 that lets a tier with a larger window try."""
    llmock.context_overflow()
    assert failure("complete", at(llmock, api), clients, ContextOverflow).escalates


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("api", APIS)
def test_a_connection_dropped_in_the_middle_says_that_text_was_shown(api, way, llmock, clients):
    """Anthropic's client raises the HTTP library's own error there, OpenAI's its own."""
    llmock.disconnect(after_chunks=6)
    failed = failure(way, at(llmock, api), clients, ConnectionFailed)
    assert failed.shown
    assert failed.retryable


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("api", APIS)
def test_a_stream_without_a_finish_reason_is_no_answer(api, way, llmock, clients):
    """Both clients end such a stream without a word."""
    llmock.truncate(after_chunks=6)
    failed = failure(way, at(llmock, api), clients, StreamTruncated)
    assert failed.shown
    assert not failed.retryable
    llmock.reset()


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("api", APIS)
def test_a_corrupt_chunk_is_a_malformed_answer(api, way, llmock, clients):
    """A chunk that is no JSON."""
    llmock.corrupt(after_chunks=6)
    assert failure(way, at(llmock, api), clients, MalformedAnswer).shown


@pytest.mark.parametrize("api", APIS)
def test_a_stalled_stream_is_a_timeout(api, llmock, clients):
    """The server stops sending, and the call's own timeout ends it."""
    llmock.stall(after_chunks=2, seconds=2)
    failure("stream", at(llmock, api, timeout=0.3), clients, ProviderTimeout)


def test_a_stream_that_never_pauses_but_never_ends_is_a_timeout(llmock, clients):
    """The timeout is for the call and not for each piece."""
    llmock.reply(" ".join(["word"] * 200)).pace(20)
    failed = failure("stream", at(llmock, "openai-chat", timeout=0.3), clients, ProviderTimeout)
    assert failed.shown


def test_a_refused_connection_is_retryable(llmock):
    """Nobody listens there."""
    clients = Clients(environ={})
    op = send(tier("openai-chat", base_url="http://127.0.0.1:9/v1"))
    assert "refused" in str(failure("complete", op, clients, ConnectionFailed)).lower()
    op = send(tier("anthropic", base_url="http://127.0.0.1:9"))
    assert "refused" in str(failure("complete", op, clients, ConnectionFailed)).lower()
    clients.close()


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("way", ["complete", "stream"])
def test_tool_calls_pass_through(api, way, llmock, clients):
    """The call's name and arguments, whole or put together from pieces."""
    from router.types import Tool

    llmock.call_tool("get_weather", {"city": "Paris"})
    weather = Tool(
        name="get_weather",
        description="Weather of a city.",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}},
    )
    to = tier(api, base_url=llmock.base_url(PROVIDERS[api]), max_tokens=100)
    answer = perform(way, send(to, ask("Weather in Paris?", tools=(weather,))), clients)[-1]
    assert answer.stop == "tool_calls"
    [call] = answer.tool_calls
    assert (call.name, call.arguments.replace(" ", "")) == ("get_weather", '{"city":"Paris"}')
    assert call.id
