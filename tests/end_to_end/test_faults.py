"""The whole router against a real server that misbehaves: nothing is lost and nothing is billed twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from router.config import Config
from router.engine import Router
from router.errors import AllTiersFailed, InputError, ProviderError, RejectedRequest, StreamTruncated, TierwiseError
from router.policy import Always, CostAware, Thresholds
from router.pricing import Price, per_million
from router.tiers import Ladder, Tier
from tests.kit import Scripted, plan

PROVIDERS = {"small": ("openai-chat", "openai"), "large": ("anthropic", "anthropic")}


def ladder(llmock) -> Ladder:
    """A small tier in OpenAI's wire format and a large one in Anthropic's, both at the fault server."""
    return Ladder(
        tuple(
            Tier(
                name=name,
                api=api,
                model=f"model-{name}",
                price=Price(rates=per_million(input=place + 1, output=2 * place + 2)),
                base_url=llmock.base_url(provider),
                retries=2,
                timeout=10.0,
            )
            for place, (name, (api, provider)) in enumerate(PROVIDERS.items())
        )
    )


@pytest.fixture
def routed(llmock, tmp_path):
    """A router whose small answers are always doubted, over real clients and a real ledger; waits are not slept."""
    tiers = ladder(llmock)
    config = Config.of(tiers.tiers, ledger={"path": str(tmp_path / "ledger.db")})
    waits = []
    made = Router.from_config(config)
    parts = plan(tiers, Thresholds(start=(0.5, 0.5), accept=(0.8, 0.8)), Scripted((0.6, 0.9), {(0,): (0.3, 0.9)}))
    with Router(config, plan=parts, provider=made._provider, ledger=made.ledger, sleep=waits.append) as router:
        router.waits = waits
        yield router


def books(router, llmock):
    """The ledger's only decision, after checking that it accounts for every request that the server saw."""
    entries = list(router.ledger.decisions())
    assert sum(a.calls for entry in entries for a in entry.decision.attempts) == len(llmock.requests)
    return entries[-1].decision


def test_a_draft_in_one_wire_format_escalates_to_an_answer_in_the_other(routed, llmock):
    llmock.reply("a draft", provider="openai").reply("the answer", provider="anthropic")

    response = routed.route("What is six times seven?")

    assert response.text == "the answer"
    decision = books(routed, llmock)
    assert [(a.tier, a.verdict) for a in decision.attempts] == [("small", "escalated"), ("large", "accepted")]
    assert decision.cost == sum(routed.plan.ladder[i].cost(a.usage) for i, a in enumerate(decision.attempts)) > 0


def test_rate_limits_are_waited_out_and_billed_once(routed, llmock):
    llmock.rate_limit(times=2, retry_after=3.0, provider="openai").reply("late", provider="openai")

    routed.route("What is six times seven?", ceiling="small")

    decision = books(routed, llmock)
    assert routed.waits == [3.0, 3.0]
    assert [(a.calls, a.verdict) for a in decision.attempts] == [(3, "accepted")]
    assert decision.cost == routed.plan.ladder[0].cost(decision.attempts[0].usage)


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_a_provider_that_is_down_is_left_for_the_next_tier(routed, llmock, status):
    llmock.outage(status=status, provider="openai").reply("from the other side", provider="anthropic")

    assert routed.route("What is six times seven?").text == "from the other side"

    decision = books(routed, llmock)
    assert [(a.tier, a.verdict, a.calls, a.cost > 0) for a in decision.attempts] == [
        ("small", "failed", 3, False),
        ("large", "accepted", 1, True),
    ]


def test_when_the_stronger_provider_is_down_the_draft_is_returned(routed, llmock):
    llmock.reply("a draft", provider="openai").outage(provider="anthropic")

    assert routed.route("What is six times seven?").text == "a draft"
    assert [a.verdict for a in books(routed, llmock).attempts] == ["accepted", "failed"]


def test_a_bad_request_goes_no_further_and_costs_nothing(routed, llmock):
    llmock.fail(400, message="bad schema", times=None)

    with pytest.raises(RejectedRequest, match="bad schema"):
        routed.route("What is six times seven?")

    decision = books(routed, llmock)
    assert len(llmock.requests) == 1
    assert decision.cost == 0
    assert "bad schema" in (decision.error or "")


def test_when_every_provider_is_down_the_ledger_still_has_it(routed, llmock):
    llmock.outage()

    with pytest.raises(AllTiersFailed, match=r"small: ServerFault.*large: ServerFault"):
        routed.route("What is six times seven?")

    decision = books(routed, llmock)
    assert (decision.tier, decision.cost, len(llmock.requests)) == (None, 0, 6)


@pytest.mark.parametrize("fault", ["truncate", "disconnect", "corrupt"])
def test_a_stream_that_breaks_after_text_was_shown_is_an_error_not_an_answer(routed, llmock, fault):
    llmock.reply("a draft", provider="openai")
    llmock.reply("one two three four five six seven", provider="anthropic")
    getattr(llmock, fault)(after_chunks=5, times=None, provider="anthropic")
    shown = []

    with pytest.raises(ProviderError) as caught:
        shown.extend(routed.stream("What is six times seven?"))

    decision = books(routed, llmock)
    assert [(a.tier, a.verdict) for a in decision.attempts] == [("small", "escalated"), ("large", "failed")]
    assert caught.value.decision == decision
    assert shown
    assert "a draft" not in "".join(shown)


def test_a_truncated_stream_is_called_so(routed, llmock):
    llmock.truncate(after_chunks=3, times=None)

    with pytest.raises(StreamTruncated):
        "".join(routed.stream("What is six times seven?", ceiling="small"))


def test_a_stream_shows_the_accepted_answer_alone(routed, llmock):
    llmock.reply("a draft", provider="openai").reply("the one true answer", provider="anthropic")

    assert "".join(routed.stream("What is six times seven?")) == "the one true answer"
    assert books(routed, llmock).cost > 0


def test_asyncio_gives_the_same_books(routed, llmock):
    llmock.reply("a draft", provider="openai").reply("the answer", provider="anthropic")

    async def go():
        async with routed as router:
            return await router.aroute("What is six times seven?")

    response = asyncio.run(go())

    assert response.text == "the answer"
    assert [a.verdict for a in books(routed, llmock).attempts] == ["escalated", "accepted"]


def test_many_at_once_under_faults_are_all_accounted_for(routed, llmock):
    """Forty requests by eight threads, a tenth of the calls failing: ledger, answers and server agree."""
    llmock.fail(503, times=6, provider="openai").rate_limit(times=4, provider="anthropic", retry_after=0.01)

    answers = list(routed.route_many([f"Question {i}?" for i in range(40)], workers=8))

    entries = list(routed.ledger.decisions())
    assert len(entries) == 40 == len({entry.decision.id for entry in entries})
    assert not [answer for answer in answers if isinstance(answer, TierwiseError)]
    assert {answer.decision.id: answer.decision.cost for answer in answers} == {
        entry.decision.id: entry.decision.cost for entry in entries
    }
    assert sum(a.calls for entry in entries for a in entry.decision.attempts) == len(llmock.requests)


def test_a_tool_call_is_passed_through(routed, llmock):
    llmock.call_tool("lookup", {"city": "Paris"})
    tool = {"name": "lookup", "description": "Look a city up", "parameters": {"type": "object", "properties": {}}}

    response = routed.route("Where?", tools=[tool], ceiling="small")

    assert [(call.name, call.arguments) for call in response.tool_calls] == [("lookup", '{"city": "Paris"}')]


def test_a_wrong_option_is_an_input_error(routed):
    with pytest.raises(InputError, match="max_token is no option of a request"):
        routed.route("Hello?", max_token=5)


def test_reload_swaps_the_plan_and_refuses_a_broken_file(llmock, tmp_path):
    path = tmp_path / "tierwise.toml"
    one = f"""
[[tiers]]
name = "only"
model = "m"
api = "openai-chat"
base_url = "{llmock.base_url("openai")}"
price = {{ input = 1, output = 2 }}
[ledger]
path = "ledger.db"
"""
    path.write_text(one)
    with Router.from_config(path) as router:
        before = router.plan
        path.write_text(one.replace("[ledger]", "[ledgre]"))
        with pytest.raises(TierwiseError, match="ledgre"):
            router.reload()
        assert router.plan is before

        path.write_text(one.replace('"only"', '"sole"'))
        router.reload()

        assert router.plan.ladder.names == ("sole",)
        assert router.route("Hello?").decision.tier == "sole"
        assert router.plan.rule == Always(why="no policy has been trained for these tiers, so the strongest is asked")


def test_every_rule_keeps_the_books(routed, llmock):
    rules = (Always(0), Always(), CostAware(quality_per_dollar=0.0), CostAware(quality_per_dollar=1e12))
    for rule in rules:
        routed.plan = replace(routed.plan, rule=rule)
        routed.route("What is six times seven?")

    books(routed, llmock)
    assert routed.ledger.count() == len(rules)


def test_a_stream_that_breaks_before_any_text_keeps_the_draft(routed, llmock):
    llmock.reply("a draft", provider="openai").truncate(after_chunks=1, times=None, provider="anthropic")

    assert "".join(routed.stream("What is six times seven?")) == "a draft"
    assert [(a.tier, a.verdict) for a in books(routed, llmock).attempts] == [("small", "accepted"), ("large", "failed")]
