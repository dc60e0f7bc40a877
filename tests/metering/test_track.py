"""Tracked clients against a real server: what they return is untouched, and what it cost is in the ledger."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import anthropic
import openai
import pytest
from pydantic import BaseModel

from router import track
from router.analytics import Costs
from router.attribution import UNPRICED, UNROUTED
from router.config import Config
from router.errors import ConfigError, InputError
from router.ledger import Ledger
from router.metering import flush
from router.metering.watching import watched
from router.pricing import price_of
from router.tiers import Tier
from router.types import Usage
from tests.providers.examples import (
    chat_body,
    chat_chunks,
    completion_body,
    message_body,
    message_events,
    response_body,
    response_events,
)

ASK = [{"role": "user", "content": "What is six times seven?"}]
PRICES = {"m-1": {"input": 1, "output": 10}}
COST = 12 * 1_000 + 2 * 10_000
USAGE = Usage(input_tokens=12, output_tokens=2)


def events(found: list, *, named: bool = False, done: bool = False) -> str:
    """Server-sent events; Anthropic's are named."""
    lines = [(f"event: {each['type']}\n" if named else "") + f"data: {json.dumps(each)}\n\n" for each in found]
    return "".join(lines) + ("data: [DONE]\n\n" if done else "")


CALLS = {
    "chat": (chat_body(), lambda client: client.chat.completions.create(model="m-1", messages=ASK)),
    "completions": (completion_body(), lambda client: client.completions.create(model="m-1", prompt="6*7=")),
    "responses": (response_body(), lambda client: client.responses.create(model="m-1", input="6*7?")),
    "embeddings": (
        {
            "object": "list",
            "model": "m-1",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
            "usage": {"prompt_tokens": 12, "total_tokens": 12},
        },
        lambda client: client.embeddings.create(model="m-1", input="six", encoding_format="float"),
    ),
    "messages": (
        message_body(),
        lambda client: client.messages.create(model="m-1", max_tokens=9, messages=ASK),
    ),
}
STREAMS = {
    "chat": (
        events(chat_chunks("4", "2"), done=True),
        lambda client: client.chat.completions.create(
            model="m-1", messages=ASK, stream=True, stream_options={"include_usage": True}
        ),
    ),
    "responses": (
        events(response_events("4", "2"), named=True),
        lambda client: client.responses.create(model="m-1", input="6*7?", stream=True),
    ),
    "messages": (
        events(message_events("4", "2"), named=True),
        lambda client: client.messages.create(model="m-1", max_tokens=9, messages=ASK, stream=True),
    ),
}


def asynchronous(client):
    """The asynchronous client of the same vendor at the same place."""
    kind = openai.AsyncOpenAI if isinstance(client, openai.OpenAI) else anthropic.AsyncAnthropic
    return kind(api_key="k", base_url=str(client.base_url), max_retries=0, timeout=20)


@pytest.fixture
def client_of(openai_client, anthropic_client):
    return lambda api: anthropic_client if api == "messages" else openai_client


@pytest.mark.parametrize("api", CALLS)
def test_an_answer_is_the_clients_own_and_its_cost_is_recorded(api, canned, client_of, ledger, recorded) -> None:
    body, call = CALLS[api]
    canned.reply(body)
    plain = client_of(api)
    tracked = track(plain, tags={"feature": "quiz"}, user="u1", session="s1", ledger=ledger, prices=PRICES)
    answer, expected = call(tracked), call(plain)
    assert type(answer) is type(expected)
    assert answer == expected
    assert canned.requests[0]["body"] == canned.requests[1]["body"]
    (made,) = recorded(tracked)
    (attempt,) = made.attempts
    usage = Usage(input_tokens=12) if api == "embeddings" else USAGE
    assert (attempt.usage, attempt.verdict, attempt.tier) == (usage, "accepted", UNROUTED)
    assert made.cost == (12_000 if api == "embeddings" else COST)
    assert (dict(made.tags), made.user, made.session) == ({"feature": "quiz"}, "u1", "s1")
    assert (made.strong_cost, made.prompt_hash, attempt.text) == (None, "", None)


@pytest.mark.parametrize("api", ["chat", "messages"])
def test_an_asynchronous_client_is_tracked_the_same(api, canned, client_of, ledger, recorded) -> None:
    body, call = CALLS[api]
    canned.reply(body)

    async def ask():
        async with track(asynchronous(client_of(api)), ledger=ledger, prices=PRICES) as client:
            return client, await call(client)

    tracked, answer = asyncio.run(ask())
    assert answer == call(client_of(api))
    assert [each.cost for each in recorded(tracked)] == [COST]


@pytest.mark.parametrize("api", STREAMS)
def test_a_stream_passes_unchanged_and_is_recorded_at_its_end(api, canned, client_of, ledger, recorded) -> None:
    body, call = STREAMS[api]
    canned.stream(body)
    plain = client_of(api)
    tracked = track(plain, ledger=ledger, prices=PRICES)
    stream, expected = call(tracked), call(plain)
    assert type(stream) is type(expected)
    assert list(stream) == list(expected)
    (made,) = recorded(tracked)
    assert (made.cost, made.attempts[0].usage, made.notes) == (COST, USAGE, ())


@pytest.mark.parametrize("api", STREAMS)
def test_an_asynchronous_stream_is_recorded_too(api, canned, client_of, ledger, recorded) -> None:
    body, call = STREAMS[api]
    canned.stream(body)

    async def ask():
        async with track(asynchronous(client_of(api)), ledger=ledger, prices=PRICES) as client:
            return client, [each async for each in await call(client)]

    tracked, pieces = asyncio.run(ask())
    assert pieces == list(call(client_of(api)))
    (made,) = recorded(tracked)
    assert (made.cost, made.notes) == (COST, ())


def test_the_vendors_stream_helpers_are_recorded(canned, openai_client, anthropic_client, ledger, recorded) -> None:
    canned.stream(STREAMS["messages"][0])
    claude = track(anthropic_client, ledger=ledger, prices=PRICES)
    with claude.messages.stream(model="m-1", max_tokens=9, messages=ASK) as stream:
        assert "".join(stream.text_stream) == "42"
    canned.replies.clear()
    canned.stream(STREAMS["chat"][0])
    gpt = track(openai_client, ledger=ledger, prices=PRICES)
    options = {"include_usage": True}
    with gpt.chat.completions.stream(model="m-1", messages=ASK, stream_options=options) as chunks:
        assert chunks.get_final_completion().choices[0].message.content == "42"
    assert flush(claude, 20)
    assert [each.cost for each in recorded(gpt)] == [COST, COST]


@pytest.mark.parametrize("way", ["with_raw_response", "with_streaming_response"])
@pytest.mark.parametrize("api", ["chat", "messages"])
def test_raw_answers_are_recorded(way, api, canned, client_of, ledger, recorded) -> None:
    canned.reply(CALLS[api][0], x_request_id="req-7")
    tracked = track(client_of(api), ledger=ledger, prices=PRICES)
    resource = tracked.messages if api == "messages" else tracked.chat.completions
    more = {"max_tokens": 9} if api == "messages" else {}
    if way == "with_raw_response":
        parsed = resource.with_raw_response.create(model="m-1", messages=ASK, **more).parse()
    else:
        with resource.with_streaming_response.create(model="m-1", messages=ASK, **more) as raw:
            parsed = raw.parse()
    assert parsed.model == "m-1-2026"
    (made,) = recorded(tracked)
    assert (made.cost, made.attempts[0].model, made.attempts[0].request_id) == (COST, "m-1-2026", "req-7")


def test_a_raw_stream_is_recorded_by_the_lines_that_are_read(canned, openai_client, ledger, recorded) -> None:
    canned.stream(STREAMS["chat"][0])
    tracked = track(openai_client, ledger=ledger, prices=PRICES)
    with tracked.chat.completions.with_streaming_response.create(model="m-1", messages=ASK, stream=True) as raw:
        assert "data: [DONE]" in list(raw.iter_lines())
    assert [each.cost for each in recorded(tracked)] == [COST]


def test_a_stream_that_reports_no_tokens_counts_as_unreported(canned, openai_client, ledger, recorded) -> None:
    canned.stream(events(chat_chunks("42")[:-1], done=True))
    tracked = track(openai_client, ledger=ledger, prices=PRICES)
    assert len(list(tracked.chat.completions.create(model="m-1", messages=ASK, stream=True))) == 3
    (made,) = recorded(tracked)
    assert (made.attempts[0].usage, made.cost) == (None, 0)
    assert Costs(ledger).total().unreported == 1


@pytest.mark.parametrize("api", ["chat", "messages"])
def test_a_stream_that_is_left_is_recorded_with_what_it_had_told(api, canned, client_of, ledger, recorded) -> None:
    """The last event comes in the same packet here, so that the reader leaves after it has passed or before."""
    filler = "x" * 200_000
    body = (
        events(chat_chunks("4", filler, "2"), done=True)
        if api == "chat"
        else events(message_events("4", filler, "2"), named=True)
    )
    canned.stream(body)
    tracked = track(client_of(api), ledger=ledger, prices=PRICES)
    with STREAMS[api][1](tracked) as stream:
        next(iter(stream))
    (made,) = recorded(tracked)
    reported = None if api == "chat" else Usage(input_tokens=12, output_tokens=1)
    assert made.attempts[0].usage == reported
    assert made.notes == ("the stream was not read to its end, so these tokens are what was reported until then",)


def test_an_error_within_a_stream_is_a_failure(canned, anthropic_client, ledger, recorded) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    canned.stream(events([message_events()[0], error], named=True))
    tracked = track(anthropic_client, ledger=ledger, prices=PRICES)
    with pytest.raises(anthropic.APIStatusError):
        list(tracked.messages.create(model="m-1", max_tokens=9, messages=ASK, stream=True))
    (made,) = recorded(tracked)
    assert (made.tier, made.error, made.attempts[0].verdict) == (None, "an error within the stream", "failed")


def test_an_exception_is_the_clients_own_and_recorded_without_its_message(
    canned, openai_client, ledger, recorded
) -> None:
    canned.reply({"error": {"message": "no secret-prompt", "type": "x", "code": "c", "param": None}}, status=400)
    tracked = track(openai_client, ledger=ledger, prices=PRICES)
    with pytest.raises(openai.BadRequestError, match="no secret-prompt"):
        tracked.chat.completions.create(model="m-1", messages=ASK)
    (made,) = recorded(tracked)
    assert (made.tier, made.cost, made.error) == (None, 0, "BadRequestError")
    assert "secret" not in json.dumps(made.as_dict())
    assert Costs(ledger).total().failed == 1


def test_clients_derived_from_a_tracked_one_are_tracked_once(canned, openai_client, ledger, recorded) -> None:
    canned.reply(chat_body())
    tracked = track(openai_client, ledger=ledger, prices=PRICES)
    derived = tracked.with_options(timeout=5).copy(max_retries=1)
    assert (derived.timeout, derived.max_retries) == (5, 1)
    derived.chat.completions.create(model="m-1", messages=ASK)
    twice = track(tracked, tags={"feature": "other"}, ledger=ledger, prices=PRICES)
    twice.chat.completions.create(model="m-1", messages=ASK)
    assert flush(tracked, 20)
    assert [dict(each.tags) for each in recorded(twice)] == [{}, {"feature": "other"}]


def test_the_client_itself_stays_as_it_is(canned, openai_client, ledger, recorded) -> None:
    canned.reply(chat_body())
    before = dict(vars(openai_client))
    tracked = track(openai_client, ledger=ledger, prices=PRICES)
    openai_client.chat.completions.create(model="m-1", messages=ASK)
    ledger.open()
    assert isinstance(tracked, openai.OpenAI)
    assert {name: value for name, value in vars(openai_client).items() if name in before} == before
    assert recorded(tracked) == []


def test_calls_that_are_not_billed_by_tokens_are_left_alone(canned, openai_client, ledger, recorded) -> None:
    ledger.open()
    canned.reply({"id": "f", "object": "moderation", "model": "m", "results": []})
    tracked = track(openai_client, ledger=ledger, prices=PRICES)
    tracked.moderations.create(input="x")
    assert recorded(tracked) == []


def test_a_model_without_a_price_is_recorded_without_a_cost_and_said_once(
    canned, openai_client, ledger, recorded, caplog
) -> None:
    canned.reply(chat_body())
    tracked = track(openai_client, ledger=ledger)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            tracked.chat.completions.create(model="m-1", messages=ASK)
        made = recorded(tracked)
    assert [(each.cost, each.attempts[0].usage, each.attempts[0].reason) for each in made] == [(0, USAGE, UNPRICED)] * 3
    assert [record.message for record in caplog.records if "no price is known for model m-1-2026" in record.message]
    assert len(caplog.records) == 1
    total = Costs(ledger).total()
    assert (total.unpriced, total.requests, total.strong.requests) == (3, 3, 0)


def test_a_price_is_the_arguments_then_the_configurations_then_the_catalogues(
    canned, openai_client, ledger, recorded
) -> None:
    canned.reply(chat_body(model="gpt-5-mini"))
    config = Config.of(
        [Tier(name="t", api="fake", model="gpt-5-mini", price=price_of({"input": 3, "output": 3}))],
        ledger={"enabled": False},
    )
    ways = (
        {"prices": {"gpt-5-mini": price_of({"input": 1, "output": 1})}, "config": config},
        {"config": config},
        {},
    )
    for way in ways:
        tracked = track(openai_client, ledger=ledger, **way)
        tracked.chat.completions.create(model="whatever", messages=ASK)
        assert flush(tracked, 20)
    assert [each.cost for each in recorded(tracked)] == [14 * 1_000, 14 * 3_000, 12 * 250 + 2 * 2_000]


def test_tags_and_user_may_be_asked_at_each_call_and_may_fail(canned, openai_client, ledger, recorded, caplog) -> None:
    canned.reply(chat_body())
    users = iter(["ada", "bob"])

    def tags():
        return {"team": "a"} if len(canned.requests) else {}["nothing"]

    tracked = track(openai_client, tags=tags, user=lambda: next(users), ledger=ledger, prices=PRICES)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            tracked.chat.completions.create(model="m-1", messages=ASK)
    made = recorded(tracked)
    assert [each.user for each in made] == ["ada", "bob", None]
    assert [dict(each.tags) for each in made] == [{}, {"team": "a"}, {"team": "a"}]
    assert "whose a tracked call is cannot be told" in caplog.text


def test_a_failing_ledger_fails_no_call(canned, openai_client, tmp_path, caplog) -> None:
    canned.reply(chat_body())
    tracked = track(openai_client, ledger=tmp_path / "missing" / "ledger.db", prices=PRICES)
    with caplog.at_level(logging.WARNING):
        assert tracked.chat.completions.create(model="m-1", messages=ASK).choices[0].message.content == "42"
        assert flush(tracked, 20)
    assert "1 tracked calls are not in the ledger" in caplog.text
    assert "create it" in caplog.text


def test_many_threads_share_a_tracked_client(canned, openai_client, ledger, recorded) -> None:
    canned.reply(chat_body())
    tracked = track(openai_client, ledger=ledger, prices=PRICES)

    def ask() -> None:
        for _ in range(5):
            tracked.chat.completions.create(model="m-1", messages=ASK)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorded(tracked)) == 20


def test_a_program_that_ends_writes_what_is_left(canned, tmp_path: Path) -> None:
    canned.reply(chat_body())
    code = (
        "import openai, sys\nfrom router import track\n"
        "client = track(openai.OpenAI(api_key='k', base_url=sys.argv[1]), ledger=sys.argv[2], "
        "prices={'m-1': {'input': 1, 'output': 10}})\n"
        "for _ in range(5):\n"
        "    client.chat.completions.create(model='m-1', messages=[{'role': 'user', 'content': 'x'}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, canned.url, str(tmp_path / "l.db")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Ledger(tmp_path / "l.db") as ledger:
        assert Costs(ledger).total().cost == 5 * COST


def test_bad_input(openai_client, ledger, tmp_path, monkeypatch) -> None:
    with pytest.raises(InputError, match="track takes a client of openai or anthropic, not dict"):
        track({}, ledger=ledger)
    with pytest.raises(InputError, match="prices: 'm': a price needs input and output"):
        track(openai_client, ledger=ledger, prices={"m": {}})
    with pytest.raises(InputError, match="'m': input must be a price of at least 0"):
        track(openai_client, ledger=ledger, prices={"m": {"input": -1, "output": 1}})
    with pytest.raises(InputError, match="flush takes a client that track returned"):
        flush(openai_client)
    off = Config.of(
        [Tier(name="t", api="fake", model="m", price=price_of({"input": 1, "output": 1}))], ledger={"enabled": False}
    )
    with pytest.raises(InputError, match="the ledger is switched off"):
        track(openai_client, config=off)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERWISE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="there is no file"):
        track(openai_client)


def test_an_answer_that_cannot_be_read_is_handed_on_all_the_same(openai_client, ledger, caplog) -> None:
    """As another version of a client's may be."""

    class Odd:
        @property
        def http_response(self):
            raise RuntimeError("no")

    odd, tracked = Odd(), track(openai_client, ledger=ledger, prices=PRICES)
    meter = tracked._tierwise_meter
    request = watched(lambda cast_to, options, **more: odd, meter)
    with caplog.at_level(logging.WARNING):
        assert request(None, SimpleNamespace(url="/responses", method="post", json_data=None)) is odd
    assert "a tracked call cannot be read (RuntimeError: no)" in caplog.text


class Answer(BaseModel):
    answer: int


def test_parsed_answers_are_recorded(canned, openai_client, ledger, recorded) -> None:
    canned.reply(chat_body('{"answer": 42}'))
    tracked = track(openai_client, ledger=ledger, prices=PRICES)
    found = tracked.chat.completions.parse(model="m-1", messages=ASK, response_format=Answer)
    assert found.choices[0].message.parsed == Answer(answer=42)
    assert [each.cost for each in recorded(tracked)] == [COST]


def test_beta_calls_are_recorded(canned, anthropic_client, ledger, recorded) -> None:
    canned.reply(message_body())
    tracked = track(anthropic_client, ledger=ledger, prices=PRICES)
    tracked.beta.messages.create(model="m-1", max_tokens=9, messages=ASK)
    assert [each.cost for each in recorded(tracked)] == [COST]


def test_an_azure_client_is_tracked(canned, ledger, recorded) -> None:
    """It writes the model into the address, which is made after the call was noted."""
    canned.reply(chat_body())
    with openai.AzureOpenAI(
        api_key="k", azure_endpoint=canned.url.removesuffix("/v1"), api_version="2025-01-01", max_retries=0
    ) as client:
        tracked = track(client, ledger=ledger, prices=PRICES)
        tracked.chat.completions.create(model="m-1", messages=ASK)
        assert [each.cost for each in recorded(tracked)] == [COST]
    assert canned.requests[0]["path"].startswith("/openai/deployments/m-1/chat/completions")


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
def test_a_fault_servers_answers_and_streams_are_recorded(api, llmock, ledger, recorded) -> None:
    """Another server than ours: its usage is not the same for an answer and a stream, and both are its own."""
    llmock.reply("It is forty-two.")
    kind, vendor = (anthropic.Anthropic, "anthropic") if api == "messages" else (openai.OpenAI, "openai")
    with kind(api_key="k", base_url=llmock.base_url(vendor), max_retries=0) as client:
        tracked = track(client, ledger=ledger, prices=PRICES)
        answer, stream = CALLS[api][1](tracked), list(STREAMS[api][1](tracked))
        first, second = recorded(tracked)
    reported = answer.usage.completion_tokens if api == "chat" else answer.usage.output_tokens
    assert first.attempts[0].usage.generated_tokens == reported > 0
    assert second.attempts[0].usage.generated_tokens > 0
    assert second.notes == ()
    assert len(stream) > 1


def test_a_call_that_is_retried_is_one_decision(canned, openai_client, ledger, recorded) -> None:
    error = {"error": {"message": "busy", "type": "x", "code": "c", "param": None}}
    canned.reply(error, status=503, retry_after_ms="1")
    canned.reply(chat_body())
    tracked = track(openai_client, ledger=ledger, prices=PRICES).with_options(max_retries=1)
    tracked.chat.completions.create(model="m-1", messages=ASK)
    assert len(canned.requests) == 2
    assert [(each.cost, each.error) for each in recorded(tracked)] == [(COST, None)]


def test_a_cancelled_call_is_recorded_as_failed(canned, openai_client, ledger, recorded) -> None:
    canned.reply(chat_body())

    async def ask():
        async with track(asynchronous(openai_client), ledger=ledger, prices=PRICES) as client:
            call = asyncio.ensure_future(client.chat.completions.create(model="m-1", messages=ASK))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return client

    (made,) = recorded(asyncio.run(ask()))
    assert (made.error, made.tier) == ("CancelledError", None)
