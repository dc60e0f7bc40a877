"""Models in this process, through llama.cpp."""

from __future__ import annotations

import asyncio
import json
import sys
import threading

import pytest

from router.errors import (
    ConfigError,
    ContextOverflow,
    MalformedAnswer,
    ProviderTimeout,
    StreamTruncated,
    UnsupportedRequest,
)
from router.providers.clients import Clients
from router.providers.local import Local
from router.types import Completion, ResponseFormat, Tool
from tests.conftest import LARGE, SMALL
from tests.providers.examples import (
    CAPITAL_SCHEMA,
    CAPITALS,
    ask,
    completion_body,
    gather,
    send,
    tier,
    unclocked,
)

pytestmark = pytest.mark.local_models


def local(name=SMALL, **changes):
    return tier("local", model=name, base_url=None, context=2048, logprobs=True, **changes)


@pytest.fixture(scope="module")
def loaded(model):
    model(SMALL)
    clients = Clients(environ={})
    yield clients
    clients.close()


def same(one: Completion, other: Completion) -> bool:
    return (one.text, one.stop, one.logprobs.tokens) == (other.text, other.stop, other.logprobs.tokens)


def test_every_way_of_asking_gives_the_same_answer(loaded):
    """Whole, streamed, and both through asyncio; the model is loaded once."""
    op = send(local(), ask(CAPITALS, temperature=0.0))
    whole = loaded.complete(op)
    parts = list(loaded.stream(op))

    async def both():
        return await loaded.acomplete(op), await gather(loaded.astream(op))

    awhole, aparts = asyncio.run(both())
    assert "".join(parts[:-1]) == whole.text == "".join(aparts[:-1])
    assert {whole.model, parts[-1].model, awhole.model, aparts[-1].model} == {SMALL}
    assert len(parts) > 5
    assert all(same(whole, other) for other in (parts[-1], awhole, aparts[-1]))
    assert len(loaded._models) == 1


def test_a_completion_has_logprobs_usage_and_the_prompt_as_it_is(loaded):
    """Few-shot text goes in unchanged, and the answer ends at the stop string."""
    answer = loaded.complete(send(local(), ask(CAPITALS, temperature=0.0, stop=("\n",))))
    assert answer.text == " Paris"
    assert answer.logprobs.tokens == (" Paris",)
    assert len(answer.logprobs.top[0]) == 5
    assert answer.usage.prompt_tokens == 24
    assert answer.latency > 0


def test_a_chat_tier_uses_the_models_template(loaded):
    """The same question makes a longer prompt, and another answer than plain completion gives."""
    request = ask("What is the capital of France?", temperature=0.0)
    chat = loaded.complete(send(local(options={"chat": True}), request))
    plain = loaded.complete(send(local(), request))
    assert chat.usage.prompt_tokens > plain.usage.prompt_tokens + 10
    assert chat.text != plain.text


@pytest.mark.parametrize("chat", [False, True])
def test_a_schema_shapes_the_answer(loaded, chat):
    """Local models write JSON that the schema describes."""
    wanted = ask(CAPITALS, temperature=0.0, response_format=ResponseFormat(schema=CAPITAL_SCHEMA), max_tokens=120)
    assert list(json.loads(loaded.complete(send(local(options={"chat": chat}), wanted)).text)) == ["capital"]


@pytest.mark.parametrize("ways", ["complete", "stream"])
def test_a_prompt_that_does_not_fit_is_a_context_overflow(loaded, ways):
    """llama.cpp's refusal is read for what it is."""
    with pytest.raises(ContextOverflow, match="exceeds the available context size"):
        list(getattr(loaded, ways)(send(local(), ask("word " * 5000))))


def test_an_answer_that_takes_too_long_is_a_timeout_and_the_model_stays_usable(loaded):
    """Generation stops at the next token, so the next request is not delayed by the rest."""
    with pytest.raises(ProviderTimeout):
        loaded.complete(send(local(max_tokens=2000, options={"ignore_eos": True}), timeout=0.1))
    assert loaded.complete(send(local(), ask(CAPITALS, temperature=0.0, stop=("\n",)))).text == " Paris"


def test_a_stream_that_nobody_reads_on_stops_generating(loaded):
    """Closing the stream frees the model long before its 2,000 tokens are written."""
    stream = loaded.stream(send(local(max_tokens=2000, options={"ignore_eos": True}), ask("Once upon a time")))
    assert next(stream)
    stream.close()
    answer = loaded.complete(send(local(), ask(CAPITALS, temperature=0.0, stop=("\n",)), timeout=5.0))
    assert answer.text == " Paris"


def test_concurrent_requests_take_turns(loaded):
    """Four threads on one model get the answer that one gets."""
    op = send(local(), ask(CAPITALS, temperature=0.0, stop=("\n",)))
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(loaded.complete(op).text)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [" Paris"] * 4


def test_any_gguf_path_will_do(loaded, model):
    """A path instead of a demo model's name."""
    answer = loaded.complete(send(local(str(model(LARGE)), max_tokens=4), ask(CAPITALS, temperature=0.0)))
    assert answer.model == str(model(LARGE))
    assert unclocked(answer).text.startswith(" Paris")


def test_tools_of_a_base_model_are_unsupported_but_another_tier_may_answer(loaded):
    """The error lets the router move on."""
    with pytest.raises(UnsupportedRequest, match="cannot call tools") as caught:
        loaded.complete(send(local(), ask(tools=(Tool(name="add"),))))
    assert (caught.value.escalates, caught.value.retryable) == (True, False)


def test_a_missing_model_says_how_to_get_it(clients, tmp_path):
    """The sentence has the path and the command."""
    with pytest.raises(ConfigError, match=r"nothing\.gguf is not there; .*tierwise local pull"):
        clients.complete(send(local(str(tmp_path / "nothing.gguf"))))


def test_a_file_that_is_no_model_is_named(clients, tmp_path):
    """llama.cpp says nothing of use, so we say what file it was."""
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"junk" * 100)
    with pytest.raises(ConfigError, match=r"cannot load .*junk\.gguf"):
        clients.complete(send(local(str(junk))))


def test_waiting_for_a_busy_model_counts_against_the_timeout(loaded):
    """Another answer is being written, and takes longer than we can wait."""
    busy = loaded.stream(send(local(max_tokens=2000, options={"ignore_eos": True}), ask("Once upon a time")))
    assert next(busy)
    with pytest.raises(ProviderTimeout):
        loaded.complete(send(local(), timeout=0.05))
    busy.close()


def test_a_cancelled_call_stops_generating(loaded):
    """The model is free again long before its 2,000 tokens are written."""

    async def cancel():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await loaded.acomplete(send(local(max_tokens=2000, options={"ignore_eos": True})))

    asyncio.run(cancel())
    answer = loaded.complete(send(local(), ask(CAPITALS, temperature=0.0, stop=("\n",)), timeout=3.0))
    assert answer.text == " Paris"


def test_a_missing_engine_names_the_extra(clients, tmp_path, monkeypatch):
    """xllamacpp comes with tierwise[local]."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    (tmp_path / "m.gguf").touch()
    with pytest.raises(ConfigError, match=r"install tierwise\[local\]"):
        clients.complete(send(local(str(tmp_path / "m.gguf"))))


def test_no_chunks_are_no_answer():
    """And chunks without a finish reason are a truncated one."""
    with pytest.raises(MalformedAnswer):
        Local().decode(local(), ask(), [])
    with pytest.raises(StreamTruncated):
        Local().decode(local(), ask(), [completion_body("42", finish_reason=None)])


def test_llama_cpp_writes_nothing_to_the_terminal(loaded, capfd):
    """Its log would drown a demo."""
    loaded.complete(send(local(), ask(CAPITALS, max_tokens=2)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("chat", [False, True])
def test_an_answer_names_its_model_as_the_tier_does(chat):
    """The engine reports a path of this machine, which would split the ledger's groups."""
    chunk = completion_body("42") | {"model": "/home/me/models/a.gguf"}
    chunk["choices"][0]["delta"] = {"content": "42"}
    to = local(options={"chat": chat})
    assembly = Local().assembly(to, ask())
    assert assembly.feed(chunk) == "42"
    assert assembly.finish().model == Local().decode(to, ask(), [chunk]).model == SMALL
    assert assembly.usage == assembly.finish().usage is not None
