"""The simulated month: what it takes for granted holds, and its page says what was measured and what is simulated."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.month import texts
from benchmarks.month.asks import Ask
from benchmarks.month.clock import Clock
from benchmarks.month.levers import ALL, BASELINE, BUDGETS, CACHE, LEVERS, SHORTEN, Lever, config_of
from benchmarks.month.models import CONCISE, KEPT, Models
from benchmarks.month.page import page
from benchmarks.month.plot import plot
from benchmarks.month.run import Month, Served, lived, row
from benchmarks.month.sample import _cut
from benchmarks.month.traffic import month
from router.cache.semantic.fit_file import Fit, dump
from router.cache.semantic.fitting import Sides, Threshold
from router.cache.semantic.pairs import read_pairs
from router.embed import imprint_of
from router.embedders.naming import embedder_named
from router.shorten.estimate import tokens_in
from router.types import Completion, Logprobs, Message, Request, Usage

DOCS = Path(__file__).parents[1] / "docs"
DAY = 86_400.0


@pytest.fixture(scope="module")
def asks() -> list[Ask]:
    return month(400, seed=3)


def said(text: str, *, id: str = "a", at: float = 0.0, system: str = "", **changes) -> Ask:
    """One ask of ``text``; ``changes`` are fields of the ask."""
    head = (Message(role="system", content=system),) if system else ()
    request = Request(messages=(*head, Message(role="user", content=text)), session=id, user=f"user of {id}")
    told = {"feature": "faq", "truth": text, "difficulty": -9.0, "length": 20, **changes}
    return Ask(id=id, at=at, request=request, **told)


def served(lever: Lever, asks: list[Ask], tmp_path: Path) -> Month:
    return lived(lever, asks, None, tmp_path, report=lambda _: None)


def models(*asks: Ask) -> tuple[Models, Clock]:
    clock = Clock()
    return Models({ask.id: ask for ask in asks}, clock=clock, batched=lambda ask: not ask.urgent), clock


# The page


def test_the_committed_page_and_plot_are_what_the_committed_figures_make():
    """Byte for byte: a figure cannot be changed on the page alone."""
    found = json.loads((DOCS / "spend" / "month.json").read_text(encoding="utf-8"))
    assert page(found) == (DOCS / "spend.md").read_text(encoding="utf-8")
    assert plot(found) == (DOCS / "spend" / "month.svg").read_text(encoding="utf-8")


def test_the_committed_figures_are_of_a_full_run_that_was_certified():
    """A quick run, or one whose rule is always-strong, must not be taken for the result."""
    found = json.loads((DOCS / "spend" / "month.json").read_text(encoding="utf-8"))
    assert found["quick"] is False
    assert found["simulated"]["training"]["certified"] is True
    assert [lever.name for lever in LEVERS] == [each["name"] for each in found["simulated"]["rows"]]


def test_whatever_shows_simulated_figures_says_that_they_are_simulated():
    """The heading over the table, the plot itself, and its description for who does not see it."""
    text = (DOCS / "spend.md").read_text(encoding="utf-8")
    drawn = (DOCS / "spend" / "month.svg").read_text(encoding="utf-8")
    heading = text.index("## A month of SIMULATED traffic")
    assert heading < text.index("| lever |")
    shown = [each.text or "" for each in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert any(each.startswith("SIMULATED") for each in shown)
    description = ET.fromstring(drawn).find("{http://www.w3.org/2000/svg}desc")
    assert description is not None
    assert (description.text or "").startswith("SIMULATED")


def test_the_command_makes_page_and_plot_again_without_measuring(tmp_path):
    """From a copy of the figures; the committed page is left alone."""
    figures = DOCS / "spend" / "month.json"
    (tmp_path / "month.json").write_bytes(figures.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.month", "--page", tmp_path],
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (DOCS / "spend.md").read_text(encoding="utf-8") + "\n"
    assert (tmp_path / "month.svg").read_bytes() == (DOCS / "spend" / "month.svg").read_bytes()


# The traffic


def test_a_seed_makes_the_same_month_again_and_another_seed_another(asks):
    assert month(400, seed=3) == asks
    assert [ask.request for ask in month(400, seed=4)] != [ask.request for ask in asks]


def test_a_month_is_in_the_order_of_arrival_with_an_id_each(asks):
    assert sorted(ask.at for ask in asks) == [ask.at for ask in asks]
    assert len({ask.id for ask in asks}) == len(asks)
    assert {ask.request.session for ask in asks} == {ask.id for ask in asks}


def test_every_ask_holds_what_its_answer_rests_on(asks):
    """Else an answer would be wrong under every lever, and no lever could be seen to take anything away."""
    for ask in asks:
        whole = " ".join(message.content for message in ask.request.messages)
        assert [needed for needed in ask.needs if needed not in whole] == []


def test_near_misses_are_questions_of_their_own():
    """A pair that was labelled as asking different things counts as a wrong hit; one that asks the same does not."""
    question = {text: each.key for each in texts.faq() for text in each.wordings}
    for pair in read_pairs(texts.PAIRS):
        if pair.split == "test":
            assert (question[pair.one] == question[pair.other]) is pair.same


# The models


def test_the_provider_keeps_what_the_wire_format_marks_for_five_minutes(tmp_path):
    """Written once, read while it is warm, written again when it is cold; every token is counted once."""
    tier = config_of(Lever(name="kept", title="", kept=True), tmp_path).tiers[0]
    ask = said("Where is it?", system="A rule of the house. " * 400)
    simulated, clock = models(ask)
    first = simulated.answer(tier, ask.request).usage
    clock.now = KEPT - 1
    second = simulated.answer(tier, ask.request).usage
    clock.now = 3 * KEPT
    third = simulated.answer(tier, ask.request).usage

    assert first is not None
    assert second is not None
    assert first.cache_write_tokens > 1000
    assert (first.cached_input_tokens, second.cache_write_tokens) == (0, 0)
    assert second.cached_input_tokens == first.cache_write_tokens
    assert third == first
    assert first.prompt_tokens == second.prompt_tokens == tokens_in(ask.request.messages)


def test_neither_a_tier_without_prompt_cache_nor_a_batch_keeps_anything(tmp_path):
    long = "A rule of the house. " * 400
    urgent, patient = said("Where is it?", system=long), said("Where is it?", id="b", system=long, urgent=False)
    simulated, _ = models(urgent, patient)
    plain = config_of(BASELINE, tmp_path).tiers[0]
    kept = config_of(Lever(name="kept", title="", kept=True), tmp_path).tiers[0]
    for tier, ask in ((plain, urgent), (kept, patient)):
        usage = simulated.answer(tier, ask.request).usage
        assert usage is not None
        assert (usage.cached_input_tokens, usage.cache_write_tokens) == (0, 0)


def test_an_answer_without_what_it_rests_on_is_wrong_however_easy(tmp_path):
    tier = config_of(BASELINE, tmp_path).tiers[-1]
    ask = said("It is 7 pm. When is it?", needs=("7 pm",))
    simulated, _ = models(ask)
    simulated.answer(tier, ask.request)
    assert simulated.right["a", "opus"] is True
    simulated.answer(tier, replace(ask.request, messages=(Message(role="user", content="When is it?"),)))
    assert simulated.right["a", "opus"] is False


def test_an_answer_is_shorter_where_it_was_told_to_be_and_cut_where_it_is_bounded(tmp_path):
    tier = config_of(BASELINE, tmp_path).tiers[-1]
    ask, told = said("Why?", length=100), said("Why?", id="b", length=100, system=CONCISE)
    simulated, _ = models(ask, told)
    whole, short = simulated.answer(tier, ask.request), simulated.answer(tier, told.request)
    cut = simulated.answer(tier, replace(ask.request, max_tokens=10))

    assert whole.usage is not None
    assert short.usage is not None
    assert cut.usage is not None
    assert (whole.usage.output_tokens, short.usage.output_tokens, cut.usage.output_tokens) == (100, 65, 10)
    assert (whole.stop, cut.stop) == ("end", "length")
    assert simulated.right["a", "opus"] is False


# The levers


def test_an_answer_is_cached_for_a_day_of_the_simulated_clock(tmp_path):
    """Two days later it is made anew, though the test takes no time."""
    times = {"a": 0.0, "b": 3600.0, "c": 2 * DAY}
    done = served(
        Lever(name="exact", title="", tables=CACHE), [said("Why?", id=id, at=at) for id, at in times.items()], tmp_path
    )
    assert {id: each.hit for id, each in done.served.items()} == {"a": None, "b": "exact", "c": None}
    assert done.served["b"].cost == 0


def test_a_hit_whose_answer_has_changed_since_is_wrong_and_stale(tmp_path):
    asks = [said("Why?", id="a", truth="why v0"), said("Why?", id="b", at=60.0, truth="why v1")]
    done = served(Lever(name="exact", title="", tables=CACHE), asks, tmp_path)
    assert (done.served["b"].wrong_hit, done.served["b"].stale, done.served["b"].right) == (True, True, False)
    counted = row(done, served(BASELINE, asks, tmp_path), asks)
    assert (counted.hits, counted.wrong_hits, counted.stale_hits, counted.right_lost) == (1, 1, 1, 0.5)


def test_only_what_nobody_waits_for_is_paid_at_batch_prices(tmp_path):
    asks = [said("Why?"), said("Why?", id="b", urgent=False)]
    plain = served(BASELINE, asks, tmp_path)
    done = served(Lever(name="batch", title="", batched=True), asks, tmp_path)
    assert done.served["a"].cost == plain.served["a"].cost
    assert done.served["b"].cost * 2 == plain.served["b"].cost


def test_what_a_budget_refuses_is_no_saving(tmp_path):
    """The script is cut off, the user is served, and the saving is 0 though less was paid."""
    script = [said("Why? " * 1000, id=f"s{place:04}", at=3.0 * place, runaway=True, length=1000) for place in range(60)]
    asks = [*(replace(ask, request=replace(ask.request, user="script")) for ask in script), said("Why?", at=200.0)]
    base = served(BASELINE, asks, tmp_path)
    counted = row(served(Lever(name="budgets", title="", tables=BUDGETS), asks, tmp_path), base, asks)

    assert counted.refused["budget"] > 10
    assert counted.refused_runaway == sum(counted.refused.values()) == len(asks) - counted.served
    assert (counted.saved, counted.right_lost) == (0.0, 0.0)
    assert counted.cost + counted.refused_worth == pytest.approx(row(base, base, asks).cost)
    assert counted.cost <= 0.5 + 0.01


def test_limits_refuse_a_burst_and_not_the_rest_of_the_month(tmp_path):
    asks = [said("Why?", id=f"{place:03}", at=0.01 * place) for place in range(80)]
    asks = [replace(ask, request=replace(ask.request, user="one")) for ask in asks]
    late = said("Why?", id="z", at=DAY)
    done = served(Lever(name="budgets", title="", tables=BUDGETS), [*asks, late], tmp_path)
    assert set(done.refused.values()) == {"limit"}
    assert len(done.refused) >= 40
    assert "z" in done.served


def test_shortening_is_seen_in_tokens_and_in_money(tmp_path, asks):
    long = [ask for ask in asks if ask.feature == "documents"][:5]
    done = row(
        served(Lever(name="shorten", title="", tables=SHORTEN), long, tmp_path), served(BASELINE, long, tmp_path), long
    )
    assert done.tokens_cut > 0
    assert 0 < done.saved < 1


def test_all_levers_serve_or_refuse_every_ask_and_together_save(tmp_path, asks):
    """A paraphrase is answered by meaning, at a threshold that any cosine passes, so that gates alone decide."""
    embedder = embedder_named("hashing")
    sides = Sides(pairs=1, same=1, hits=1, wrong=0, bound=0.9, lookup_bound=0.9)
    fit = Fit(
        threshold=Threshold(value=0.01, max_wrong=0.02, confidence=0.95, sides=sides),
        imprint=imprint_of(embedder),
        pairs="0" * 64,
    )
    (tmp_path / "cache-fit.json").write_text(dump(fit), encoding="utf-8")
    question = next(each for each in texts.faq() if len(each.wordings) > 1)
    pair = [said(text, id=text, truth=question.key) for text in question.wordings[:2]]
    every = [*asks[:60], *(replace(ask, at=asks[59].at) for ask in pair)]

    done, base = served(LEVERS[-1], every, tmp_path), served(BASELINE, every, tmp_path)

    assert done.served.keys() | done.refused.keys() == {ask.id for ask in every}
    assert [done.served[ask.id].hit for ask in pair] == [None, "semantic"]
    assert row(done, base, every).saved > 0


def test_savings_of_all_requests_are_shares_of_the_baseline():
    """Two served of three, one cheaper: saved is what these two cost less, of what all three cost."""
    asks = [said("Why?", id=id) for id in "abc"]
    base = Month(lever=BASELINE, served={id: Served(cost=100, right=True, tier="opus") for id in "abc"})
    other = Month(
        lever=Lever(name=ALL, title=""),
        served={"a": Served(cost=40, right=False, tier="haiku"), "b": Served(cost=100, right=True, tier="opus")},
        refused={"c": "budget"},
    )
    counted = row(other, base, asks)
    assert counted.saved == pytest.approx(0.2)
    assert counted.right_lost == pytest.approx(0.5)
    assert counted.by_tier == {"haiku": 1, "sonnet": 0, "opus": 1}


# The sample


def test_a_logged_answer_under_a_bound_is_its_beginning():
    """At temperature 0 the bound changes nothing but where it ends."""
    answer = Completion(
        text="one two three",
        usage=Usage(input_tokens=5, output_tokens=4),
        stop="end",
        logprobs=Logprobs(tokens=("one", " two", " three"), values=(-0.1, -0.1, -0.1)),
    )
    cut = _cut(answer, 2)
    assert (cut.text, cut.stop, cut.usage) == ("one two", "length", Usage(input_tokens=5, output_tokens=2))
    assert _cut(answer, 4) == answer
    assert _cut(answer, None) == answer
