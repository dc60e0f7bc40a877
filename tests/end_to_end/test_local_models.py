"""The demo's own path: two real language models in this process, the default bundle, a real ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from router.config import Config, load
from router.engine import Router
from router.errors import InputError, PromptTooLong
from router.pricing import Price, per_million
from router.tiers import Tier

CAPITALS = "Country: Spain\nCapital: Madrid\n\nCountry: Italy\nCapital: Rome\n\nCountry: France\nCapital:"


@pytest.fixture(scope="module")
def router(model, tmp_path_factory):
    """A router over the two demo models."""
    settings = load("preset:local")
    for tier in settings.tiers.tiers:
        model(tier.model)
    path = tmp_path_factory.mktemp("local") / "ledger.db"
    with Router.from_config(Config.of(settings.tiers.tiers, ledger={"path": str(path)})) as made:
        yield made


def test_a_real_prompt_is_routed_by_the_trained_policy(router):
    response = router.route(CAPITALS, max_tokens=8, stop=["\n"], temperature=0)

    decision = response.decision
    assert response.text.strip() == "Paris"
    assert decision.policy_version not in ("", "untrained")
    assert set(decision.suffices) == {"small", "large"}
    accepted = decision.accepted
    assert accepted is not None
    assert accepted.confidence is not None
    assert 0 < accepted.confidence < 1
    assert accepted.signals["has_logprobs"] == 1
    assert decision.cost == sum(attempt.cost for attempt in decision.attempts) > 0
    assert router.ledger.find(decision.id) == decision


def test_stream_asyncio_and_plain_calls_agree(router):
    options = {"max_tokens": 8, "stop": ["\n"], "temperature": 0.0}
    plain = router.route(CAPITALS, **options)

    streamed = "".join(router.stream(CAPITALS, **options))
    awaited = asyncio.run(router.aroute(CAPITALS, **options))

    assert plain.text == streamed == awaited.text
    assert plain.decision.tier == awaited.decision.tier


def test_many_prompts_share_the_models_in_order(router):
    prompts = [CAPITALS.replace("France", country) for country in ("France", "Germany", "Japan")]

    answers = list(router.route_many(prompts, workers=3, max_tokens=8, stop=["\n"], temperature=0))

    assert answers[0].text.strip() == "Paris"
    assert all(answer.decision.accepted is not None for answer in answers)


def test_floor_and_ceiling_reach_each_model(router):
    for name in ("small", "large"):
        assert router.route(CAPITALS, max_tokens=4, floor=name, ceiling=name).decision.tier == name


def test_a_prompt_that_fits_no_window_is_refused(router):
    with pytest.raises(PromptTooLong):
        router.route("word " * 10_000)
    with pytest.raises(InputError, match="the prompt must be text or a list of messages, not int"):
        router.route(42)


@pytest.mark.parametrize("api", ["openai-chat", "openai-completions", "anthropic"])
def test_the_same_model_behind_a_real_server_in_each_wire_format(llama, tmp_path, api):
    price = Price(rates=per_million(input=1, output=2))
    tier = Tier(name="only", api=api, model="any", price=price, base_url=llama, context=2048)
    config = Config.of([tier, replace(tier, name="same")], ledger={"path": str(tmp_path / "ledger.db")})

    with Router.from_config(config) as router:
        response = router.route(CAPITALS, max_tokens=12, temperature=0.0)
        text = "".join(router.stream(CAPITALS, max_tokens=12, temperature=0.0))

        assert response.text == text != ""
        entries = list(router.ledger.decisions())
        assert [entry.decision.tier for entry in entries] == ["same", "same"]
        assert all(entry.decision.cost == tier.cost(entry.decision.accepted.usage) > 0 for entry in entries)
