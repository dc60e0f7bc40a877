from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from router.batch.settings import BatchSettings
from router.cache.semantic.settings import SemanticSettings
from router.cache.settings import AgeRule, CacheSettings
from router.config import Config
from router.decision import Shortened
from router.embed import Vectors
from router.errors import EmbedderError, InputError
from router.ledger import Ledger
from router.planner.audit import Audit, audit
from router.planner.history import Visit, visit
from router.planner.lever import Lever
from router.planner.long_answers import LongAnswers
from router.planner.period import MONTH, Period
from router.planner.prefixes import KEPT_FOR, LEAST, Prefixes
from router.planner.repeats import Repeats
from router.planner.waiting import Waiting
from router.pricing import Price, per_million
from router.tiers import Ladder
from router.types import Message, Request, Usage
from tests.kit import tier
from tests.ledger.samples import attempt
from tests.planner.kit import DAY, HOUR, LADDER, MONDAY, add, asked, book

ONE_DAY = Period(start=MONDAY, end=MONDAY + DAY)
PAID = 12_000_000
"""Nano-dollars of one request of the kit."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with book(tmp_path) as opened:
        yield opened


def seen(ledger: Ledger, watch: Visit) -> None:
    visit(ledger, ONE_DAY, watch)


def audited(ledger: Ledger, **changes: object) -> Audit:
    config = Config.of(LADDER.tiers, ledger={"enabled": False})
    return audit(ledger, replace(config, **changes), embed=bag)  # type: ignore[arg-type]


def of(found: Audit, name: str) -> Lever:
    (lever,) = [lever for lever in found.levers if lever.name == name]
    return lever


def monthly(nano_dollars: int) -> int:
    return round(nano_dollars * MONTH / DAY)


def bag(texts: tuple[str, ...]) -> Vectors:
    """Words counted, for questions to be near that share them."""
    words = sorted({word for text in texts for word in text.lower().split()})
    rows = [[text.lower().split().count(word) for word in words] or [1.0] for text in texts]
    return np.array(rows, float).reshape(len(texts), max(len(words), 1))


def repeats(ledger: Ledger, settings: CacheSettings | None = None) -> Lever:
    watch = Repeats(ONE_DAY, settings)
    seen(ledger, watch)
    return watch.lever()


def test_a_request_that_was_asked_before_is_a_repeat(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, request=asked("one"))
    add(ledger, "b", MONDAY + HOUR, request=asked("one"))
    add(ledger, "c", MONDAY + HOUR, request=asked("two"))
    found = repeats(ledger)
    assert found.saves is not None
    assert found.saves.monthly == monthly(PAID)
    assert found.figures["repeats"] == 1


def test_an_answer_older_than_its_ttl_is_made_anew_and_kept(ledger: Ledger) -> None:
    for hours in (0, 2, 2.5):
        add(ledger, f"a{hours}", MONDAY + hours * HOUR, request=asked("one"))
    found = repeats(ledger, CacheSettings(ttl=HOUR))
    assert found.figures["repeats"] == 1
    assert found.figures["monthly_by_ttl"]["1d"] == 2 * found.figures["monthly_by_ttl"]["1h"]
    assert found.on


def test_users_share_nothing_unless_told_and_tenants_never(ledger: Ledger) -> None:
    for place, (user, tenant) in enumerate([("u1", "t1"), ("u2", "t1"), ("u1", "t2")]):
        request = asked("one", user=user, tags={"tenant": tenant})
        add(ledger, f"d{place}", MONDAY + place, request=request)
    found = repeats(ledger)
    assert found.saves is not None
    assert (found.saves.monthly, found.at_most) == (0, monthly(PAID))


@pytest.mark.parametrize("stop", ["refusal", "length"])
def test_answers_that_are_never_cached_are_no_source(ledger: Ledger, stop: str) -> None:
    add(ledger, "a", MONDAY, request=asked("one"), stop=stop)
    add(ledger, "b", MONDAY + 1, request=asked("one"))
    assert repeats(ledger).figures["repeats"] == 0


def test_sampled_requests_are_no_repeats(ledger: Ledger) -> None:
    for place in range(2):
        add(ledger, f"warm{place}", MONDAY + place, request=asked("one", temperature=0.7))
        add(ledger, f"cold{place}", MONDAY + place, request=asked('say "temperature": 1', temperature=0.0))
    assert repeats(ledger).figures["repeats"] == 1


def test_an_upgrade_is_no_repeat(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, by="small", request=asked("one"))
    add(ledger, "b", MONDAY + 1, request=asked("one"), upgraded_from="a")
    assert repeats(ledger).figures["repeats"] == 0


def test_a_ledger_of_hashes_compares_hashes_and_says_so(tmp_path: Path) -> None:
    with book(tmp_path / "hashed", keep="hash") as hashed:
        add(hashed, "a", MONDAY, request=asked("one"))
        add(hashed, "b", MONDAY + 1, request=asked("one"))
        found = repeats(hashed)
    assert found.figures["repeats"] == 1
    assert "by the hash of their messages" in found.why


def test_what_cannot_be_known_without_text_is_not_guessed(tmp_path: Path) -> None:
    with book(tmp_path / "hashed", keep="hash") as hashed:
        add(hashed, "a", MONDAY)
        found = audited(hashed)
    for name in ("semantic cache", "shorter prompts"):
        lever = of(found, name)
        assert (lever.saves, lever.at_most) == (None, None)
        assert "keeps no text" in lever.why
        assert 'keep = "text"' in lever.switch
    assert found.hashed == 1


def test_gates_keep_the_sure_saving_below_what_a_cosine_promises(ledger: Ledger) -> None:
    questions = ["How do I reset my password?", "How do I reset my password", "How do I reset my router password?"]
    for place, question in enumerate(questions):
        add(ledger, f"d{place}", MONDAY + place, request=asked(question))
    add(ledger, "end", MONDAY + DAY, request=asked("Completely other words here"))
    found = of(audited(ledger), "semantic cache")
    assert found.figures["hits_through_the_gates"] == 1
    assert found.figures["hits_by_cosine_alone"] == 2
    assert found.saves is not None
    assert found.saves.monthly == monthly(PAID)
    assert found.at_most == monthly(2 * PAID)


def passages(count: int) -> str:
    topics = ["harbours", "glaciers", "violins", "tax law", "beekeeping", "volcanoes", "railways", "bread"]
    blocks = [
        f"Passage about {topics[place % 8]} number {place}. " + f"More of {topics[place % 8]} here. " * 40
        for place in range(count)
    ]
    return "\n\n".join(f"[{place + 1}] {block}" for place, block in enumerate(blocks))


def test_stages_are_run_on_the_prompts_themselves(ledger: Ledger) -> None:
    long = Request(
        messages=(
            Message(role="user", content=f"Use these passages.\n\n{passages(8)}\n\nQuestion: When do volcanoes erupt?"),
        )
    )
    add(ledger, "a", MONDAY, request=long, read=4000)
    add(ledger, "b", MONDAY + 1, request=asked("short"), read=10)
    found = of(audited(ledger), "shorter prompts")
    assert found.figures["sampled"] == 2
    assert found.saves is not None
    assert found.at_most is not None
    assert 0 < found.saves.monthly <= found.at_most < monthly(40_100_000)
    assert found.figures["share_by_stage"]["context"] > 0.3


def test_what_was_shortened_already_is_not_saved_a_second_time(ledger: Ledger) -> None:
    text = f"Use these passages.\n\n{passages(8)}\n\nQuestion: When do volcanoes erupt?"
    done = Shortened(before=4000, after=1000, stages=("context",))
    add(ledger, "a", MONDAY, request=asked(text), read=1000, shortened=done)
    found = of(audited(ledger), "shorter prompts")
    assert (found.saves, found.at_most) == (None, None)
    assert "1 others were shortened already" in found.why
    add(ledger, "b", MONDAY + 1, request=asked(text), read=4000)
    found = of(audited(ledger), "shorter prompts")
    assert (found.figures["sampled"], found.figures["shortened_already"]) == (1, 1)
    assert found.figures["prompt_cost_monthly"] == pytest.approx(monthly(40_000_000) / 1e9)


def test_what_was_paid_at_batch_prices_is_not_reckoned_at_others(ledger: Ledger) -> None:
    """Twenty answers of 100 tokens and one of 1,000, at half of 20 USD a million; nothing is kept for minutes."""
    ladder = batched()
    for place in range(21):
        long = asked(str(place) * 100, system="s" * 900)
        written = 100 if place else 1000
        add(ledger, f"d{place}", MONDAY + place, request=long, read=2000, written=written, batch=True)
    long = LongAnswers(ONE_DAY, ladder, None)
    kept = Prefixes(ONE_DAY, ladder)
    visit(ledger, ONE_DAY, long, kept)
    assert long.lever().at_most == monthly(900 * 10_000)
    assert kept.lever().figures["calls"] == 0


def test_prompts_of_tiers_that_are_gone_are_not_priced(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, attempts=(attempt("gone", usage=Usage(input_tokens=10)),))
    assert "by a tier of this configuration" in of(audited(ledger), "shorter prompts").why


def test_the_tail_of_answers_is_a_bound_and_no_promise(ledger: Ledger) -> None:
    for place in range(100):
        add(ledger, f"d{place}", MONDAY + place, written=1000 if place < 5 else 100)
    found = of(audited(ledger), "shorter answers")
    assert found.saves is None
    assert found.at_most == monthly(5 * 900 * 20_000)
    assert found.figures["features"][0] | {"beyond_p90_monthly": 0} == {
        "feature": None,
        "answers": 100,
        "median": 100,
        "p90": 100,
        "p99": 1000,
        "beyond_p90_monthly": 0,
    }


def anthropic(**changes: object) -> Ladder:
    price = Price(rates=per_million(input=10, output=20, cached_input=1, cache_write="12.5"))
    return Ladder((replace(tier("large"), api="anthropic", price=price, **changes),))


def prefixes(ledger: Ledger, ladder: Ladder) -> Lever:
    watch = Prefixes(ONE_DAY, ladder)
    seen(ledger, watch)
    return watch.lever()


def test_a_beginning_is_read_for_less_within_five_minutes(ledger: Ledger) -> None:
    # The system prompt is nine tenths of 2,000 tokens: 1,800 are written once, and read twice.
    for place, seconds in enumerate((0, 60, KEPT_FOR + 60, 2 * KEPT_FOR + 61)):
        request = asked(str(place) * 100, system="s" * 900)
        add(ledger, f"d{place}", MONDAY + seconds, request=request, read=2000)
    found = prefixes(ledger, anthropic())
    assert found.figures["calls_with_a_known_beginning"] == 2
    assert found.figures["saved_in_period"] == pytest.approx((2 * 1800 * 9 - 2 * 1800 * 2.5) / 1e6)


def test_a_beginning_below_the_least_is_not_kept(ledger: Ledger) -> None:
    for place in range(2):
        request = asked("x" * 500, system="s" * 500)
        add(ledger, f"d{place}", MONDAY + place, request=request, read=2 * LEAST - 2)
    found = prefixes(ledger, anthropic())
    assert (found.figures["calls"], found.figures["calls_with_a_known_beginning"]) == (2, 0)


def test_calls_with_cached_tokens_are_saved_already(ledger: Ledger) -> None:
    for place in range(2):
        add(ledger, f"d{place}", MONDAY + place, request=asked("x", system="s" * 99), read=2000, cached=2000)
    found = prefixes(ledger, anthropic())
    assert (found.figures["calls_with_cached_tokens"], found.figures["saved_in_period"]) == (2, 0)


def test_earlier_turns_are_a_beginning_too(ledger: Ledger) -> None:
    turns = [Message(role="user", content="u" * 500), Message(role="assistant", content="a" * 500)]
    for place in range(2):
        more = (Message(role="user", content=str(place) * 100),)
        add(ledger, f"d{place}", MONDAY + place, request=Request(messages=(*turns, *more)), read=11_000)
    assert prefixes(ledger, anthropic()).figures["calls_with_a_known_beginning"] == 1


def test_where_no_provider_keeps_beginnings_there_is_nothing_to_mark(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    assert "No tier is at a provider" in of(audited(ledger), "provider's prompt cache").why


def batched(*, api: str = "anthropic") -> Ladder:
    half = per_million(input=5, output=10)
    return Ladder((LADDER[0], replace(LADDER[1], api=api, price=replace(LADDER[1].price, batch=half))))


def test_tagged_requests_pay_batch_prices_and_those_of_the_night_might(ledger: Ledger) -> None:
    from datetime import UTC

    add(ledger, "tagged", MONDAY + 12 * HOUR, request=asked(tags={"urgency": "low"}))
    add(ledger, "night", MONDAY + 3 * HOUR)
    add(ledger, "day", MONDAY + 13 * HOUR)
    watch = Waiting(ONE_DAY, batched(), UTC)
    seen(ledger, watch)
    found = watch.lever()
    assert found.saves is not None
    assert (found.saves.monthly, found.at_most) == (monthly(PAID // 2), 2 * monthly(PAID // 2))


def test_a_tier_whose_vendor_has_no_batch_api_saves_nothing_and_is_named(ledger: Ledger) -> None:
    from datetime import UTC

    add(ledger, "tagged", MONDAY + 12 * HOUR, request=asked(tags={"urgency": "low"}))
    watch = Waiting(ONE_DAY, batched(api="fake"), UTC)
    seen(ledger, watch)
    found = watch.lever()

    assert "No batch API is asked for large" in found.why
    assert found.saves is not None
    assert (found.saves.monthly, found.at_most) == (0, 0)


def test_a_tier_without_a_batch_price_is_named(ledger: Ledger) -> None:
    add(ledger, "tagged", MONDAY, request=asked(tags={"urgency": "low"}))
    lever = of(audited(ledger), "batch prices")
    assert "No batch price is known for large" in lever.why
    assert lever.at_most == 0


def test_a_tier_whose_address_has_no_batch_api_is_named_and_promises_nothing(ledger: Ledger) -> None:
    """A price is not enough: `tierwise batch run` would ask it at once, and pay the standard one."""
    from datetime import UTC

    add(ledger, "tagged", MONDAY, request=asked(tags={"urgency": "low"}))
    small, large = batched().tiers
    elsewhere = Ladder((small, replace(large, base_url="http://localhost:1/v1")))
    watches = [Waiting(ONE_DAY, elsewhere, UTC), Waiting(ONE_DAY, elsewhere, UTC, settings=named("large"))]
    visit(ledger, ONE_DAY, *watches)
    guessed, told = (watch.lever() for watch in watches)
    assert (guessed.at_most, guessed.figures["no_batch_api"]) == (0, ["large"])
    assert "No batch API is asked for large" in guessed.why
    assert (told.at_most, told.figures["no_batch_api"], told.on) == (monthly(PAID // 2), [], True)


def named(*tiers: str) -> BatchSettings:
    return BatchSettings(tiers=tiers)


def test_a_feature_that_escalates_at_a_loss_would_rather_start_strong(ledger: Ledger) -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    for place in range(20):
        tries = (
            attempt("small", "escalated", usage=usage, cost=1_200_000),
            attempt("large", usage=usage, cost=PAID),
        )
        add(ledger, f"d{place}", MONDAY + place, attempts=tries, request=asked(tags={"feature": "chat"}))
    found = of(audited(ledger), "answers in vain")
    assert found.saves is not None
    assert found.saves.monthly == monthly(20 * 1_200_000)
    assert found.figures["features"][0]["feature"] == "chat"
    assert 'floor="large"' in found.switch


def test_a_user_far_out_of_line_is_a_bound_and_no_promise(ledger: Ledger) -> None:
    for place in range(12):
        add(ledger, f"d{place}", MONDAY + place, request=asked(user=f"u{place}"))
    for place in range(30):
        add(ledger, f"x{place}", MONDAY + 60 + place, request=asked(user="runaway"))
    found = of(audited(ledger), "budgets")
    assert found.saves is None
    assert found.at_most == monthly(20 * PAID)
    assert found.figures["first"] == [{"user": "runaway", "beyond": 20 * PAID / 1e9}]


def test_days_that_cost_nothing_make_no_runaways_of_the_others(ledger: Ledger) -> None:
    for place in range(24):
        cost = PAID if place % 3 == 0 else 0
        add(ledger, f"d{place}", MONDAY + place, cost=cost, request=asked(user=f"u{place}"))
    found = of(audited(ledger), "budgets")
    assert (found.at_most, found.figures["limit"]) == (0, 10 * PAID / 1e9)


def test_without_a_policy_the_cheapest_tier_is_the_bound(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, policy_version="untrained")
    found = of(audited(ledger), "routing")
    assert found.saves is None
    assert found.at_most == monthly(PAID - PAID // 10)


def test_a_policy_in_force_is_said_to_be_on(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY, by="small", policy_version="p1")
    found = of(audited(ledger), "routing")
    assert found.on
    assert found.figures["realised_monthly"] == pytest.approx(monthly(PAID - PAID // 10) / 1e9)


def test_levers_come_by_what_is_sure_then_by_what_is_possible_and_those_that_are_on_last(ledger: Ledger) -> None:
    for place in range(40):
        add(ledger, f"d{place}", MONDAY + place * 60, request=asked("one"), written=1000 if place == 0 else 100)
    found = audited(ledger, cache=CacheSettings())
    others = [lever for lever in found.levers if not lever.on]
    sure = [0 if lever.saves is None else lever.saves.monthly for lever in others]
    assert sure == sorted(sure, reverse=True)
    possible = [lever.at_most or 0 for lever, known in zip(others, sure, strict=True) if not known]
    assert possible == sorted(possible, reverse=True)
    assert possible[0] > 0
    assert found.levers[-1].name == "cache"


def test_every_lever_names_its_switch_its_risk_and_its_figures(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    found = audited(ledger)
    assert len(found.levers) == 9
    assert all(lever.why and lever.risk and lever.switch for lever in found.levers)
    assert found.cost.monthly == monthly(PAID)


def test_an_empty_ledger_is_told(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="no requests in this time"):
        audited(ledger)


def test_equal_questions_are_left_to_the_exact_cache(ledger: Ledger) -> None:
    for place in range(3):
        add(ledger, f"d{place}", MONDAY + place, request=asked("How do I reset my password?"))
    found = of(audited(ledger), "semantic cache").figures
    assert (found["hits_through_the_gates"], found["hits_by_cosine_alone"]) == (0, 0)


def test_questions_of_other_users_and_other_conversations_are_not_compared(ledger: Ledger) -> None:
    same, other = "How do I reset my password?", "How do I reset my password"
    add(ledger, "a", MONDAY, request=asked(same, user="u1"))
    add(ledger, "b", MONDAY + 1, request=asked(other, user="u2"))
    add(ledger, "c", MONDAY + 2, request=asked(other, user="u1", system="You are terse."))
    assert of(audited(ledger), "semantic cache").figures["hits_by_cosine_alone"] == 0


def test_what_is_never_looked_up_by_meaning_is_not_promised(ledger: Ledger) -> None:
    """Answers drawn at random, and questions about now."""
    for place, question in enumerate(["How do I reset my password?", "How do I reset my password"]):
        add(ledger, f"drawn{place}", MONDAY + place, request=asked(question, temperature=0.7))
        add(ledger, f"live{place}", MONDAY + place, request=asked(question, tags={"freshness": "live"}))
    settings = CacheSettings(rules=(AgeRule(tag="freshness", value="live", ttl=0.0),))
    found = of(audited(ledger, cache=settings), "semantic cache").figures
    assert (found["eligible"], found["hits_by_cosine_alone"]) == (0, 0)


def test_what_a_fitted_threshold_lets_through_is_part_of_the_most_there_can_be(ledger: Ledger) -> None:
    """A threshold below the cosine that a plain cache would take."""
    for place, question in enumerate(["How do I reset my password?", "Tell me how do I reset my password"]):
        add(ledger, f"d{place}", MONDAY + place, request=asked(question))
    semantic = SemanticSettings(embedder=Words(), threshold=0.3, identity="i")  # type: ignore[arg-type]
    config = Config.of(LADDER.tiers, ledger={"enabled": False}, cache=CacheSettings(semantic=semantic))
    found = of(audit(ledger, config), "semantic cache")
    assert (found.figures["hits_through_the_gates"], found.figures["hits_by_cosine_alone"]) == (1, 0)
    assert found.saves is not None
    assert found.saves.monthly == found.at_most == monthly(PAID)


class Words:
    """An embedder of a configuration."""

    name = "words"

    def __call__(self, texts: tuple[str, ...]) -> Vectors:
        return bag(texts)


def test_the_configured_embedder_and_its_threshold_are_used(ledger: Ledger) -> None:
    for place, question in enumerate(["How do I reset my password?", "How do I reset my password"]):
        add(ledger, f"d{place}", MONDAY + place, request=asked(question))
    semantic = SemanticSettings(embedder=Words(), threshold=0.999, identity="i")  # type: ignore[arg-type]
    config = Config.of(LADDER.tiers, ledger={"enabled": False}, cache=CacheSettings(semantic=semantic))
    found = of(audit(ledger, config), "semantic cache")
    assert found.on
    assert (found.figures["embedder"], found.figures["threshold"]) == ("words", 0.999)
    assert found.figures["hits_through_the_gates"] == 0


def test_without_one_configured_one_that_is_there_is_used(ledger: Ledger) -> None:
    for place, question in enumerate(["How do I reset my password?", "How do I reset my password"]):
        add(ledger, f"d{place}", MONDAY + place, request=asked(question))
    found = of(audit(ledger, Config.of(LADDER.tiers, ledger={"enabled": False})), "semantic cache")
    assert found.figures["embedder"] in ("wordllama", "hashing")
    assert found.figures["hits_through_the_gates"] == 1


class Broken:
    """An embedder that cannot be loaded."""

    name = "broken"

    def __call__(self, texts: tuple[str, ...]) -> Vectors:
        raise EmbedderError("its model is not there")


def test_an_embedder_that_fails_leaves_the_other_levers(ledger: Ledger) -> None:
    add(ledger, "a", MONDAY)
    semantic = SemanticSettings(embedder=Broken(), threshold=0.9, identity="i")  # type: ignore[arg-type]
    config = Config.of(LADDER.tiers, ledger={"enabled": False}, cache=CacheSettings(semantic=semantic))
    found = audit(ledger, config)
    assert "its model is not there" in of(found, "semantic cache").why
    assert len(found.levers) == 9


def test_openai_keeps_beginnings_by_itself_so_marking_is_no_promise(ledger: Ledger) -> None:
    for place in range(2):
        add(ledger, f"d{place}", MONDAY + place, request=asked(str(place) * 100, system="s" * 900), read=2000)
    price = Price(rates=per_million(input=10, output=20, cached_input=1))
    found = prefixes(ledger, Ladder((replace(tier("large"), api="openai-chat", price=price),)))
    assert found.saves is not None
    assert (found.saves.monthly, found.at_most) == (0, monthly(1800 * 9000))
    assert "OpenAI keeps beginnings by itself" in found.why
