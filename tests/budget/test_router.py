"""Budgets from end to end: through the router, with fake tiers that cost what they say."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.analytics import Costs
from router.budget.accounts import accounts_of
from router.config import Config
from router.decision import Attempt
from router.engine import Router
from router.errors import (
    AllTiersFailed,
    BudgetExceeded,
    ConfigError,
    ProviderError,
    RateLimited,
    ServerFault,
    Unauthorized,
)
from router.ledger import Ledger
from router.planning import levers_of, plan_of
from router.policy import Thresholds
from router.providers.fake import FakeProvider
from router.types import Usage
from tests.core.test_bundle import made as bundle
from tests.kit import Book, Clock, ask, ladder, said, two_tiers
from tests.servers import redis_server

SMALL, LARGE = 16_000, 160_000
"""What an answer of :func:`tests.kit.said` costs at each tier, in nano-dollars."""


def made(budgets, replies, *, ledger=None, clock=None):
    """A router whose small answers are not good enough, but for the profile "thrifty"."""
    parts = two_tiers(confidence=0.3)
    config = Config.of(ladder("small", "large").tiers, budgets=budgets)
    thrifty = Thresholds(start=(0.5, 0.5), accept=(0.1, 0.1))
    parts = replace(parts, profiles={"default": parts.rule, "thrifty": thrifty}, **levers_of(config))
    clock = clock or Clock()
    book = Book() if ledger is None else ledger
    provider = FakeProvider(replies)
    return Router(config, plan=parts, provider=provider, ledger=book, clock=clock, sleep=clock.sleep), provider, book


def budgets(limit, *, store="memory", **changes):
    """One budget of so many nano-dollars a day."""
    return {"store": store, "scope": [{"name": "team", "limit": limit / 1e9, "window": "day", **changes}]}


def asked(router, **options):
    return router.route("2 + 2?", max_tokens=3, **options).decision


def standing(router):
    """How the budgets of a plain request stand."""
    performer = router._outside._levers._made["budgets"]
    return performer._store.survey(accounts_of(ask(), router.config.budgets.scopes)).standings


def test_as_a_budget_nears_its_limit_rules_tighten_then_the_tier_is_capped_then_nothing_is_sent():
    both = SMALL + LARGE
    steps = [
        {"at": 0.125, "profile": "thrifty"},
        {"at": 0.13, "ceiling": "small"},
        {"at": 0.145, "cache_only": True},
    ]
    made_router, provider, book = made(budgets(8 * both, steps=steps), {"small": said("5"), "large": said("4")})

    free, tight, capped = asked(made_router), asked(made_router), asked(made_router)
    with pytest.raises(BudgetExceeded, match="lets only the cache answer") as refused:
        asked(made_router)

    assert [call.tier.name for call in provider.calls] == ["small", "large", "small", "small"]
    assert free.notes == ()
    assert (
        "budget 'team' has spent $0.000176 of its $0.001408 a day (12.5 %), so the rule is 'thrifty'" in tight.notes[0]
    )
    assert "so the rule is 'thrifty' and no tier above 'small' is asked; it begins anew at" in capped.notes[0]
    assert "so only the cache may answer" in refused.value.decision.notes[0]
    assert refused.value.budget == "team"
    assert book.last.error == str(refused.value)


def test_a_budget_that_is_spent_refuses():
    made_router, provider, _ = made(budgets(SMALL), {"small": said("5", logprobs=None)})
    with pytest.raises(BudgetExceeded, match=r"has spent \$0.00 of its \$0.000016 a day \(0 %\), and a call to large"):
        asked(made_router)
    assert provider.calls == []


def test_without_room_for_the_stronger_tier_the_cheaper_answer_is_returned():
    made_router, provider, _ = made(budgets(200_000), {"small": said("5")})
    decision = asked(made_router)
    assert [call.tier.name for call in provider.calls] == ["small"]
    assert [(each.tier, each.verdict) for each in decision.attempts] == [("small", "accepted"), ("large", "skipped")]
    assert "budget 'team' has spent $0.000016 of its $0.0002 a day (8 %), and a call to large may cost" in (
        decision.attempts[1].reason
    )
    assert standing(made_router)[0].spent == SMALL


def test_a_call_that_failed_gives_back_what_was_set_aside():
    fault = ServerFault("overloaded", tier="large")
    made_router, _, _ = made(budgets(10**9), {"small": said("5"), "large": [fault] * 3})
    asked(made_router)
    assert [(each.spent, each.held) for each in standing(made_router)] == [(SMALL, 0)]


def test_a_spent_budget_still_lets_the_cache_answer_and_says_so():
    config = Config.of(ladder("small", "large").tiers, budgets=budgets(1_400_000), cache={"store": "memory"})
    parts = replace(two_tiers(confidence=0.3), **levers_of(config))
    provider = FakeProvider({"small": said("5"), "large": said("4", usage=Usage(output_tokens=70))})
    router = Router(config, plan=parts, provider=provider, ledger=Book())
    asked(router)
    again = asked(router)
    assert (len(provider.calls), again.cost) == (2, 0)
    assert again.notes[0].startswith("budget 'team' has spent $0.001416 of its $0.0014 a day (101.1 %); it begins anew")
    assert again.notes[0].endswith("so only the cache could answer.")


@pytest.mark.parametrize("store", ["memory", "sqlite", "redis"])
def test_what_decisions_cost_is_what_the_ledger_has_and_what_the_budget_was_charged(store, tmp_path, request):
    url = {"memory": "memory", "sqlite": str(tmp_path / "budgets.db")}.get(store)
    url = url or request.getfixturevalue("own_redis").url
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.open()
    limit = 20 * (SMALL + LARGE)
    made_router, _, _ = made(budgets(limit, store=url), {"small": said("5"), "large": said("4")}, ledger=ledger)

    def one(_):
        try:
            return asked(made_router).cost
        except BudgetExceeded as error:
            return error.decision.cost

    with ThreadPoolExecutor(8) as threads:
        costs = list(threads.map(one, range(40)))

    (after,) = standing(made_router)
    assert (sum(costs), 0) == (after.spent, after.held)
    assert Costs(ledger).total().cost == after.spent
    assert limit // 2 < after.spent <= limit
    made_router.close()


def billed_fault():
    """A call that failed, and is billed for what it had written."""
    fault = ServerFault("overloaded", tier="small")
    fault.usage = Usage(input_tokens=10, output_tokens=1)
    return fault


OUTCOMES = (
    lambda: said("5"),
    lambda: said("5"),
    lambda: ServerFault("overloaded", tier="small"),
    lambda: RateLimited("too many", tier="small", retry_after=0.1),
    billed_fault,
    lambda: Unauthorized("wrong key", tier="small"),
    lambda: said("5", usage=None),
)


@given(st.lists(st.sampled_from(OUTCOMES), min_size=30, max_size=30), st.integers(1, 30))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_happens_to_calls_the_budget_is_charged_what_decisions_cost_and_holds_nothing(outcomes, requests):
    """Where a provider says what it used; where it does not, the budget keeps the most that the call may have cost."""
    left = [make() for make in outcomes]
    limit = 1_000_000

    def reply(_):
        return left.pop() if left else said("5")

    made_router, _, book = made(budgets(limit), {"small": reply, "large": reply})
    for _ in range(requests):
        with suppress(BudgetExceeded, ProviderError, AllTiersFailed):
            asked(made_router)
    (after,) = standing(made_router)
    decisions = [decision for decision, _ in book.entries]
    silent = sum("reported no token counts" in note for decision in decisions for note in decision.notes)
    cost = sum(decision.cost for decision in decisions)
    assert after.held == 0
    assert cost <= after.spent <= limit
    assert silent or cost == after.spent


def test_budgets_hold_on_an_event_loop_too(tmp_path):
    limit = 10 * (SMALL + LARGE)
    store = str(tmp_path / "budgets.db")
    made_router, _, _ = made(budgets(limit, store=store), {"small": said("5"), "large": said("4")})

    async def together():
        calls = (made_router.aroute("2 + 2?", max_tokens=3) for _ in range(30))
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(together())
    decisions = [each.decision for each in found]
    (after,) = standing(made_router)
    assert sum(decision.cost for decision in decisions) == after.spent <= limit
    assert after.held == 0
    made_router.close()


def test_with_the_store_away_requests_are_refused_in_the_stores_name(tmp_path):
    server = redis_server(tmp_path)
    made_router, provider, book = made(budgets(10**9, store=server.url), {})
    with pytest.raises(BudgetExceeded, match=f"the budgets' store {server.url} cannot be used"):
        asked(made_router)
    assert provider.calls == []
    assert server.url in book.last.error


def test_with_the_store_away_requests_are_served_with_a_note_where_budgets_fail_open(tmp_path):
    server = redis_server(tmp_path)
    settings = budgets(10**9, store=server.url) | {"on_failure": "open"}
    made_router, _, _ = made(settings, {"small": said("5"), "large": said("4")})
    decision = asked(made_router)
    assert isinstance(decision.attempts[0], Attempt)
    assert decision.tier == "large"
    assert "no budget was asked" in decision.notes[0]
    assert f"the budgets' store {server.url} cannot be used" in decision.notes[0]


def test_a_step_to_a_profile_that_the_bundle_lacks_is_refused_at_load(tmp_path):
    bundle().save(tmp_path / "policy.tierwise")
    steps = [{"at": 0.5, "profile": "gold"}]
    config = Config.of(
        ladder("small", "large").tiers,
        policy={"bundle": str(tmp_path / "policy.tierwise")},
        budgets=budgets(10**9, steps=steps),
    )
    with pytest.raises(
        ConfigError, match=r"\[budgets\] `profile`: names the profile 'gold', and the bundle has default"
    ):
        plan_of(config)


def test_budgets_of_users_are_apart():
    made_router, _, _ = made(budgets(SMALL + 1_300_000, per="user"), {"small": said("5"), "large": said("4")})
    for user in ("ann", "bob"):
        assert asked(made_router, user=user).tier == "large"
    assert asked(made_router, user="ann").tier == "small"  # what is left of hers is too little for the stronger tier


def test_when_only_the_cache_may_answer_it_does_and_it_costs_nothing():
    replies = {"small": said("5"), "large": said("4")}
    parts = two_tiers(confidence=0.3)
    config = Config.of(
        ladder("small", "large").tiers,
        budgets=budgets(SMALL + LARGE + 1_300_000, steps=[{"at": 0.1, "cache_only": True}]),
        cache={"store": "memory"},
    )
    provider, book = FakeProvider(replies), Book()
    router = Router(config, plan=replace(parts, **levers_of(config)), provider=provider, ledger=book)

    first, second = asked(router), asked(router)
    with pytest.raises(BudgetExceeded, match="lets only the cache answer"):
        router.route("3 + 3?", max_tokens=3)

    assert [call.tier.name for call in provider.calls] == ["small", "large"]
    assert (first.cache, second.cache.kind, second.cost) == (None, "exact", 0)
    assert "so only the cache may answer" in second.notes[0]
    assert standing(router)[0].spent == SMALL + LARGE
