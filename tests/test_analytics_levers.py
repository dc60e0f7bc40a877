"""What each lever saved, by hand and against plain Python; simulated decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.analytics import Costs, Prices
from router.analytics.levers import CacheUse, LeverSavings
from router.decision import FromCache, Shortened
from router.ledger import Ledger
from router.pricing import Price, price_of
from router.stores.hits import hits
from router.tiers import Ladder, Tier
from router.types import Usage
from tests.ledger.samples import attempt, decision

PRICE = price_of(
    {
        "input": 2,
        "output": 10,
        "cached_input": 0.5,
        "cache_write": 3,
        "batch_input": 1,
        "batch_output": 5,
        "steps": [{"above": 1000, "input": 4, "output": 20, "batch_input": 2, "batch_output": 10}],
    }
)
TIERS = Ladder((Tier(name="small", api="fake", model="model-small", price=PRICE),))
USAGE = Usage(input_tokens=100, output_tokens=10)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        opened.open()
        yield opened


def costs(ledger: Ledger) -> Costs:
    return Costs(ledger, prices=Prices.of(TIERS))


def saved(ledger: Ledger) -> dict[str, LeverSavings]:
    return {each.lever: each for each in costs(ledger).levers()}


def asked(id: str, *, usage: Usage = USAGE, batch: bool = False, **changes: object):
    paid = PRICE.cost(usage, batch=batch)
    values = {"attempts": (attempt(usage=usage, cost=paid),), "strong_cost": None, "batch": batch} | changes
    return decision(id, **values)


def cached(id: str, source: str, kind: str = "exact", **changes: object):
    values = {
        "attempts": (attempt(verdict="cached", usage=None, cost=0, calls=0),),
        "cache": FromCache(kind=kind, decision=source, age=5.0),  # type: ignore[arg-type]
    }
    return decision(id, **(values | changes))


def test_routing_saves_what_the_strongest_tier_would_have_cost_more(ledger: Ledger) -> None:
    ledger.append(asked("a", strong_cost=1_000_000))
    ledger.append(asked("b"))
    paid = PRICE.cost(USAGE)
    assert costs(ledger).levers() == [LeverSavings(lever="routing", requests=1, saved=1_000_000 - paid, unknown=1)]


def test_the_cache_saves_what_its_answers_had_cost(ledger: Ledger) -> None:
    ledger.append(asked("source"))
    ledger.append(cached("h1", "source", strong_cost=7_000))
    ledger.append(cached("h2", "source", strong_cost=None))
    ledger.append(cached("h3", "source", "semantic", strong_cost=9_000))
    ledger.append(cached("h4", "gone", strong_cost=None))
    paid = PRICE.cost(USAGE)
    found = saved(ledger)
    assert found["cache exact"] == LeverSavings(lever="cache exact", requests=3, saved=2 * paid, unknown=1)
    assert found["cache semantic"] == LeverSavings(lever="cache semantic", requests=1, saved=paid)
    assert found["routing"] == LeverSavings(lever="routing", requests=0, saved=0, unknown=1)
    use = costs(ledger).cache()
    assert use == CacheUse(requests=5, exact=3, semantic=1, saved=3 * paid, unknown=1, compared=2, strong=16_000)
    assert (use.hits, use.hit_rate) == (4, 0.8)


def test_cost_and_cache_stats_agree(ledger: Ledger) -> None:
    ledger.append(asked("source"))
    for place, kind in enumerate(("exact", "semantic", "exact")):
        ledger.append(cached(str(place), "source" if place else "gone", kind, strong_cost=place * 100 or None))
    use, told = costs(ledger).cache(), hits(ledger)
    assert (use.requests, use.exact, use.semantic, use.saved) == (
        told.requests,
        told.exact,
        told.semantic,
        told.spared,
    )
    assert (use.hits - use.unknown, use.compared, use.strong) == (told.known, told.strong_known, told.strong)


def test_shortening_saves_the_tokens_it_took_at_the_price_of_each_model_that_was_asked(ledger: Ledger) -> None:
    """An escalated request has sent the shortened prompt twice."""
    short = Shortened(before=400, after=150, stages=("clean",))
    tried = (attempt(verdict="escalated", usage=USAGE, cost=1), attempt(usage=USAGE, cost=1))
    ledger.append(decision("a", attempts=tried, shortened=short, strong_cost=None))
    assert saved(ledger)["shortening"] == LeverSavings(lever="shortening", requests=1, saved=2 * 250 * 2_000)


def test_a_price_step_is_that_of_each_calls_own_prompt(ledger: Ledger) -> None:
    short = Shortened(before=30, after=20)
    for id, read in (("below", 1000), ("above", 1001)):
        ledger.append(asked(id, usage=Usage(input_tokens=read), shortened=short))
    assert saved(ledger)["shortening"].saved == 10 * 2_000 + 10 * 4_000


def test_a_batch_saves_the_difference_to_the_normal_price_and_routing_not_the_same_again(ledger: Ledger) -> None:
    normal, paid = PRICE.cost(USAGE), PRICE.cost(USAGE, batch=True)
    ledger.append(asked("a", batch=True, strong_cost=900_000))
    found = saved(ledger)
    assert found["batch"] == LeverSavings(lever="batch", requests=1, saved=normal - paid)
    assert found["routing"].saved == 900_000 - normal
    assert found["batch"].saved + found["routing"].saved == 900_000 - paid


def test_prompt_caching_saves_on_what_was_cached_and_costs_what_was_stored(ledger: Ledger) -> None:
    ledger.append(asked("stored", usage=Usage(cache_write_tokens=100)))
    assert saved(ledger)["prompt caching"] == LeverSavings(lever="prompt caching", requests=0, saved=100 * -1_000)
    ledger.append(asked("read", usage=Usage(input_tokens=1, cached_input_tokens=100)))
    assert saved(ledger)["prompt caching"] == LeverSavings(
        lever="prompt caching", requests=1, saved=100 * -1_000 + 100 * 1_500
    )


def test_what_has_no_price_is_counted_as_unknown_and_never_guessed(ledger: Ledger) -> None:
    short = Shortened(before=400, after=150)
    ledger.append(decision("a", attempts=(attempt("odd", usage=USAGE, cost=5),), shortened=short, batch=True))
    found = saved(ledger)
    assert (found["shortening"].saved, found["shortening"].unknown) == (0, 1)
    assert (found["batch"].saved, found["batch"].unknown) == (0, 1)


def test_prices_are_the_tiers_if_it_has_that_model_then_the_catalogues_then_the_tiers() -> None:
    day = date(2026, 11, 23)
    other = price_of({"input": 9, "output": 9})
    tiers = {
        "small": Tier(name="small", api="fake", model="gpt-5-mini", price=PRICE),
        "own": Tier(name="own", api="fake", model="mine", price=other),
    }
    prices = Prices(tiers=tiers, day=day)

    def listed(model: str) -> Price | None:
        return Prices(day=day).find("", model)

    assert prices.find("small", "gpt-5-mini") == PRICE
    assert prices.find("small", "gpt-5") == listed("gpt-5") != PRICE
    assert prices.find("own", "/models/mine.gguf") == other
    assert prices.find("", "/models/mine.gguf") is None


def test_audits_and_other_times_are_left_out(ledger: Ledger) -> None:
    ledger.append(asked("a", strong_cost=1_000_000, created=100.0))
    ledger.append(asked("b", strong_cost=1_000_000, created=200.0))
    ledger.append(asked("c", strong_cost=0, audit_of="a", created=150.0))
    found = costs(ledger).levers(since=100.0, until=200.0)
    assert [(each.lever, each.requests) for each in found] == [("routing", 1)]


counts = st.builds(
    Usage,
    input_tokens=st.integers(0, 3000),
    cached_input_tokens=st.integers(0, 3000),
    cache_write_tokens=st.integers(0, 500),
    output_tokens=st.integers(0, 3000),
)


@settings(max_examples=20, deadline=None)
@given(made=st.lists(st.tuples(counts, st.booleans(), st.integers(0, 500), st.integers(0, 10**7)), max_size=6))
def test_all_levers_together_are_what_was_not_paid(tmp_path_factory, made) -> None:
    """Routing and batch add up to the strongest tier's cost less what was paid; the rest is reckoned call by call."""
    rows = [
        asked(
            str(place),
            usage=usage,
            batch=batch,
            strong_cost=strong,
            shortened=Shortened(before=spared + 7, after=7) if spared else None,
        )
        for place, (usage, batch, spared, strong) in enumerate(made)
    ]
    with Ledger(tmp_path_factory.mktemp("l") / "l.db") as ledger:
        ledger.open()
        for row in rows:
            ledger.append(row)
        found = saved(ledger)
    nothing = LeverSavings(lever="batch")
    whole = found["routing"].saved + found.get("batch", nothing).saved
    assert whole == sum(row.strong_cost - row.cost for row in rows)
    exact = kept = 0.0
    for usage, batch, spared, _ in made:
        rates = PRICE.rates_for(usage.prompt_tokens, batch=batch)
        exact += spared * rates.input / 1000
        kept += usage.cached_input_tokens * (rates.input - rates.cached_input) / 1000
        kept += usage.cache_write_tokens * (rates.input - rates.cache_write) / 1000
    assert found.get("shortening", nothing).saved == pytest.approx(exact, abs=3)
    assert found.get("prompt caching", nothing).saved == pytest.approx(kept, abs=6)
    assert replace(nothing, saved=1).as_dict()["saved"] == 1e-9
