"""What goes over the wire, and what comes of wrong answers, through the official clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from router.errors import (
    ConfigError,
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
from router.providers import sdks
from router.types import Usage
from tests.providers.examples import (
    ask,
    asynchronously,
    at,
    chat_body,
    chat_chunks,
    completion_body,
    message_body,
    message_events,
    response_body,
    response_events,
    send,
    sse,
    streamed_asynchronously,
    tier,
    unclocked,
)

BODIES = {
    "openai-chat": chat_body(),
    "openai-completions": completion_body("42"),
    "openai-responses": response_body(),
    "anthropic": message_body(),
}
STREAMS = {
    "openai-chat": sse(chat_chunks("4", "2")),
    "openai-completions": sse(
        [completion_body("4", finish_reason=None), completion_body("2", finish_reason=None), completion_body("")]
    ),
    "openai-responses": sse(response_events("4", "2"), named=True, done=False),
    "anthropic": sse(message_events("4", "2"), named=True, done=False),
}
APIS = tuple(BODIES)
KEY = "sk-test-0123456789abcdefghij"


@pytest.mark.parametrize("api", APIS)
def test_synchronous_and_asynchronous_calls_give_equal_answers(api, canned, clients):
    """Every field but the latency, usage and the request's id included."""
    canned.reply(BODIES[api], x_request_id="req-7", request_id="req-7")
    answer = clients.complete(at(canned, api))
    assert (answer.text, answer.stop, answer.request_id) == ("42", "end", "req-7")
    assert answer.usage == Usage(input_tokens=12, output_tokens=2)
    assert unclocked(asynchronously(at(canned, api), environ={})) == unclocked(answer)


@pytest.mark.parametrize("api", APIS)
def test_streams_give_the_text_as_it_comes_and_then_the_whole_answer(api, canned, clients):
    """The same pieces through asyncio, and the same whole answer as without a stream."""
    canned.reply(STREAMS[api], content_type="text/event-stream", x_request_id="req-7", request_id="req-7")
    *pieces, answer = clients.stream(at(canned, api))
    assert pieces == ["4", "2"]
    assert (answer.text, answer.stop, answer.request_id) == ("42", "end", "req-7")
    assert answer.usage == Usage(input_tokens=12, output_tokens=2)
    *apieces, aanswer = streamed_asynchronously(at(canned, api), environ={})
    assert apieces == pieces
    assert unclocked(aanswer) == unclocked(answer)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("this is { no JSON", "no usable answer"),
        ("", "no usable answer"),
        ("<html>gateway</html>", "no usable answer"),
        ("null", "no usable answer"),
        ("[]", "no usable answer"),
        ('{"error": {"message": "the model fell over", "code": 7}}', "error under status 200: the model fell over"),
        ('{"error": "the model fell over"}', "error under status 200: the model fell over"),
        ('{"choices": [], "output": null, "content": null}', "no usable answer"),
        ("{}", "no usable answer"),
        ('{"choices": [{}], "output": "?", "content": "?"}', "no usable answer"),
    ],
)
def test_a_200_that_is_no_answer_is_malformed(api, body, words, canned, clients):
    """Malformed JSON, an empty choice list, an error under status 200, missing content."""
    canned.reply(body)
    with pytest.raises(MalformedAnswer, match=words) as caught:
        clients.complete(at(canned, api))
    assert caught.value.escalates
    assert not caught.value.retryable
    with pytest.raises(MalformedAnswer) as acaught:
        asynchronously(at(canned, api), environ={})
    assert str(acaught.value) == str(caught.value)


@pytest.mark.parametrize("api", APIS)
def test_html_under_a_200_is_malformed_too(api, canned, clients):
    """Clients hand over a body of another type as bare text."""
    canned.reply("<html>log in first</html>", content_type="text/html")
    with pytest.raises(MalformedAnswer):
        clients.complete(at(canned, api))


@pytest.mark.parametrize("api", APIS)
def test_an_empty_stream_is_truncated(api, canned, clients):
    """A 200 and nothing more."""
    canned.stream("")
    with pytest.raises(StreamTruncated) as caught:
        list(clients.stream(at(canned, api)))
    assert not caught.value.shown


@pytest.mark.parametrize(
    ("api", "events", "kind"),
    [
        ("openai-chat", [{"error": {"message": "overloaded", "code": 503}}], ServerFault),
        ("openai-chat", [{"error": {"message": "slow down", "type": "rate_limit_error"}}], RateLimited),
        ("openai-chat", [{"error": {"message": "boom"}}], ServerFault),
        (
            "openai-completions",
            [{"error": {"message": "exceeds the available context size", "code": 400}}],
            ContextOverflow,
        ),
        ("openai-responses", [{"type": "error", "code": "rate_limit_exceeded", "message": "slow down"}], RateLimited),
        (
            "openai-responses",
            response_events(status="failed", error={"code": "server_error", "message": "boom"}),
            ServerFault,
        ),
        ("anthropic", [{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}], ServerFault),
        ("anthropic", [{"type": "error", "error": {"type": "rate_limit_error", "message": "busy"}}], RateLimited),
    ],
)
def test_an_error_inside_a_stream_keeps_its_meaning(api, events, kind, canned, clients):
    """The status was 200 long before the failure."""
    canned.stream(sse(events, named=api != "openai-chat" and api != "openai-completions", done=False))
    with pytest.raises(kind) as caught:
        list(clients.stream(at(canned, api)))
    assert type(caught.value) is kind
    assert not caught.value.shown


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "too long", "code": "context_length_exceeded"}, ContextOverflow),
        (400, {"message": "This model's maximum context length is 4096 tokens."}, ContextOverflow),
        (400, {"message": "prompt is too long: 300000 tokens > 200000 maximum"}, ContextOverflow),
        (400, {"message": "The input token count (9) exceeds the maximum number of tokens."}, ContextOverflow),
        (413, {"message": "request too large"}, ContextOverflow),
        (422, {"message": "no such field"}, RejectedRequest),
        (402, {"message": "pay first"}, Unauthorized),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, Unauthorized),
        (400, {"message": "Your credit balance is too low"}, Unauthorized),
        (429, {"message": "too many"}, RateLimited),
        (408, {"message": "slow"}, ProviderTimeout),
        (409, {"message": "conflict"}, ProviderError),
        (502, "<html>bad gateway</html>", ServerFault),
    ],
)
@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_a_status_and_its_body_decide_the_error(api, status, error, kind, canned, clients):
    """Codes and messages of several providers, in one tree."""
    canned.reply(
        error if isinstance(error, str) else {"type": "error", "error": error},
        status=status,
        x_request_id="req-9",
        request_id="req-9",
    )
    with pytest.raises(kind) as caught:
        clients.complete(at(canned, api))
    failed = caught.value
    assert (failed.status, failed.request_id, failed.tier) == (status, "req-9", "small")
    assert str(failed).startswith("tier 'small' (m-1) ")
    assert len(canned.requests) == 1
    if not isinstance(error, str):
        assert error["message"] in str(failed)
        assert failed.code == error.get("code")


@pytest.mark.parametrize("api", ["openai-chat", "openai-responses", "anthropic"])
def test_the_environment_cannot_move_a_vendors_endpoint(api, monkeypatch):
    """OPENAI_BASE_URL and its like are passed over: the address is the tier's, or the vendor's own."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/elsewhere")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9/elsewhere")
    client = sdks.connect(sdks.account(tier(api, base_url=None, api_key_env="K"), {"K": KEY}))
    assert client.base_url.host in ("api.openai.com", "api.anthropic.com")
    assert client.max_retries == 0
    client.close()


@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_the_path_is_right_with_and_without_v1(api, canned, clients):
    """Anthropic's client adds /v1 itself, so the same address serves both."""
    canned.reply(BODIES[api])
    clients.complete(at(canned, api))
    assert canned.requests[0]["path"] == {"openai-chat": "/v1/chat/completions", "anthropic": "/v1/messages"}[api]


def test_claude_gets_a_temperature_only_at_the_version_that_takes_one(canned, clients):
    """The client has no such argument, and the API's present version answers 400 to it."""
    canned.reply(message_body())
    clients.complete(at(canned, "anthropic", ask(temperature=0.5)))
    clients.complete(at(canned, "anthropic", ask(temperature=0.5), sampling=False))
    clients.complete(at(canned, "anthropic"))
    hot, cold, plain = canned.requests
    assert (hot["body"]["temperature"], hot["headers"]["anthropic-version"]) == (0.5, "2023-06-01")
    assert "temperature" not in cold["body"]
    assert "temperature" not in plain["body"]
    assert cold["headers"]["anthropic-version"] == plain["headers"]["anthropic-version"] != "2023-06-01"


def test_options_reach_the_body_whether_the_client_knows_them_or_not(canned, clients):
    """A seed and an effort, which it knows, and a server's own field."""
    canned.reply(chat_body())
    clients.complete(at(canned, options={"seed": 7, "reasoning_effort": "none", "top_k": 40}))
    body = canned.requests[0]["body"]
    assert (body["seed"], body["reasoning_effort"], body["top_k"]) == (7, "none", 40)
    assert body["max_tokens"] == 16


def test_half_a_character_in_the_prompt_is_a_rejected_request(canned, clients):
    """A lone surrogate cannot be sent as UTF-8."""
    canned.reply(chat_body())
    with pytest.raises(RejectedRequest, match="half a character"):
        clients.complete(at(canned, request=ask("caf\udce9")))
    assert not canned.requests


def test_a_fake_tier_needs_a_fake_provider(clients):
    """Asking a real client for it is a mistake in the configuration."""
    with pytest.raises(ConfigError, match="FakeProvider"):
        clients.complete(send(tier("fake")))


def test_many_threads_share_one_client(canned, clients):
    """The first calls of eight threads make one client between them."""
    canned.reply(chat_body())
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(clients.complete(at(canned)).text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["42"] * 8
    assert len(clients._sync) == 1


def test_a_mistake_of_ours_is_not_dressed_up_as_the_providers(canned, clients, monkeypatch):
    """An exception that no codec knows goes up as it is."""
    canned.reply(chat_body())
    monkeypatch.setattr("router.providers.openai_chat.openai_usage", lambda usage: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        clients.complete(at(canned))


def test_importing_the_providers_loads_no_client():
    """They take seconds to import, and most users need one of them."""
    check = (
        "import sys, router.providers.clients, router.providers.fake, router.providers.local, router.local_models;"
        "import json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, env=os.environ)
    loaded = set(json.loads(found.stdout))
    assert "router" in loaded
    assert not loaded & {"openai", "anthropic", "httpx2", "httpx", "xllamacpp", "pydantic"}
