"""Judging a score for two tiers: exact curves, RouteLLM's own arithmetic, costs, intervals and baselines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InputError
from training import public
from training.benchmarks.priced_gain import even_price, regret
from training.benchmarks.ranking import (
    Pair,
    Scored,
    averaged,
    baselines,
    curve,
    figures,
    intervals,
)
from training.benchmarks.text_neighbours import neighbours

PUBLISHED_ORACLE = {"mmlu": 1.268, "gsm8k": 1.115}


def outcomes(n=400, *, seed=0):
    """Labels of two tiers, and a score that knows something of the gain."""
    random = np.random.default_rng(seed)
    hard = random.random(n)
    weak, strong = (random.random(n) > hard).astype(float), (random.random(n) > hard * 0.5).astype(float)
    return hard + 0.2 * random.random(n), weak, strong


def pair(n=60, *, seed=0, start=0):
    """Prompts with costs."""
    _, weak, strong = outcomes(n, seed=seed)
    random = np.random.default_rng(seed + 1)
    ids = [f"q{start + place}" for place in range(n)]
    texts = [f"question {name} " + "why " * int(random.integers(1, 9)) for name in ids]
    return Pair(ids=ids, texts=texts, weak=weak, strong=strong, weak_cost=np.full(n, 1e6), strong_cost=np.full(n, 9e6))


def routellm_s_own(score, weak, strong):
    """APGR, CPT50 and CPT80 as RouteLLM's evaluation computes them, written with pandas as theirs is."""
    _, edges = pd.qcut(pd.Series(score), 10, retbins=True)
    shares, accuracies = [], []
    for place, edge in enumerate(edges):
        up = score >= edge if place < len(edges) - 1 else score > edge
        shares.append(up.mean() * 100)
        accuracies.append(np.where(up, strong, weak).mean() * 100)
    frame = pd.DataFrame({"x": shares, "y": accuracies}).sort_values("x")
    low, high = weak.mean() * 100, strong.mean() * 100
    apgr = np.trapezoid(frame.y - low, frame.x / 100) / (high - low)
    return [apgr, *(np.interp(low + part * (high - low), frame.y, frame.x) for part in (0.5, 0.8))]


@pytest.mark.parametrize("seed", range(5))
def test_deciles_are_routellms_own_arithmetic(seed):
    """The three figures of their evaluation, to the last digit."""
    score, weak, strong = outcomes(500 + seed, seed=seed)
    found = figures(score, weak=weak, strong=strong)

    assert [found["apgr_deciles"], found["cpt50_deciles"], found["cpt80_deciles"]] == pytest.approx(
        routellm_s_own(score, weak, strong), rel=1e-12
    )


def test_the_exact_curve_by_hand():
    """Four prompts of which one is won and one is lost by asking the strong tier."""
    weak, strong = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0, 1.0])
    found = figures(np.array([4.0, 3.0, 2.0, 1.0]), weak=weak, strong=strong)

    # Recovered: 0, 1, 2, 1, 1 at 0, 1/4, 1/2, 3/4, 1 of the calls.
    assert found["apgr"] == (0.5 + 1.5 + 1.5 + 1) / 4
    assert found["cpt50"] == 12.5
    assert found["cpt80"] == pytest.approx(20.0)
    assert found["auroc"] == 1.0
    assert found["auroc_gain"] == 1.0
    assert found["cost_apgr"] is None


def test_equal_scores_move_together():
    """A constant score is a random mix; and the order in which equal ones were given does not matter."""
    score, weak, strong = outcomes()
    found = figures(np.zeros(len(score)), weak=weak, strong=strong)
    assert (found["apgr"], found["cpt50"], found["cpt80"]) == pytest.approx((0.5, 50.0, 80.0))
    assert found["auroc"] == 0.5

    coarse, other = np.round(score * 4), np.random.default_rng(1).permutation(len(score))
    given_, again = (figures(coarse[to], weak=weak[to], strong=strong[to]) for to in (np.arange(len(score)), other))
    assert [again[name] for name in ("apgr", "cpt50", "auroc")] == pytest.approx(
        [given_[name] for name in ("apgr", "cpt50", "auroc")]
    )


@given(st.integers(0, 10_000), st.integers(2, 60))
def test_reversing_the_score_mirrors_the_area(seed, n):
    """What a score recovers and what its opposite does add up to the whole; so 0.5 is what chance gives."""
    score, weak, strong = outcomes(n, seed=seed)
    if strong.mean() <= weak.mean():
        assert figures(score, weak=weak, strong=strong)["apgr"] is None
        return
    up, down = (figures(sign * score, weak=weak, strong=strong)["apgr"] for sign in (1, -1))
    assert up + down == pytest.approx(1.0)


def test_costs_are_each_prompts_own():
    """With equal extra costs the area over cost is that over calls; with dear losers it is larger."""
    score, weak, strong = outcomes()
    flat = figures(score, weak=weak, strong=strong, weak_cost=np.ones(400), strong_cost=np.full(400, 8.0))
    assert flat["cost_apgr"] == pytest.approx(flat["apgr"])
    assert flat["cost_cpt50"] == pytest.approx(flat["cpt50"])
    assert weak.mean() < flat["aiq"] <= max(strong.mean(), 1.0)

    dear = np.where(score < np.median(score), 20.0, 2.0)
    assert figures(score, weak=weak, strong=strong, weak_cost=np.ones(400), strong_cost=dear)["cost_apgr"] > 0.5


def test_a_cascade_pays_the_weak_answer_too():
    """Its curve recovers less for the same money, and ends at the price of asking the strong tier alone."""
    score, weak, strong = outcomes()
    costs = {"weak_cost": np.full(400, 2.0), "strong_cost": np.full(400, 8.0)}
    router = figures(score, weak=weak, strong=strong, **costs)
    cascade = figures(score, weak=weak, strong=strong, **costs, charged="both")

    assert cascade["cost_apgr"] < router["cost_apgr"]
    assert cascade["apgr"] == router["apgr"]
    path = curve(score, weak=weak, strong=strong, **costs, charged="both")
    assert path[-1][0] == 1.0
    assert len(path) == 101


def test_a_curve_goes_from_nothing_to_the_whole_gap():
    """At most 101 points, from (0, 0) to (1, 1)."""
    score, weak, strong = outcomes()
    path = curve(score, weak=weak, strong=strong)
    assert (path[0], path[-1], len(path)) == ([0.0, 0.0], [1.0, pytest.approx(1.0)], 101)


def test_without_a_gap_there_is_nothing_to_recover():
    """The figures are None and a curve is refused, in words."""
    score, weak, _ = outcomes()
    assert figures(score, weak=weak, strong=weak)["apgr"] is None
    with pytest.raises(InputError, match="no better than the weak one"):
        curve(score, weak=weak, strong=weak)


@pytest.mark.parametrize(
    ("score", "more", "words"),
    [
        (np.zeros(3), {}, r"weak has the shape \(2,\)"),
        (np.array([0.0, np.nan]), {}, "score has NaN in row 1"),
        (np.zeros(2), {"weak_cost": np.ones(2)}, "both tiers or of neither"),
        (np.zeros(0), {}, "no prompts"),
    ],
)
def test_what_does_not_fit_together_is_refused(score, more, words):
    """One sentence that names what and where."""
    with pytest.raises(InputError, match=words):
        figures(score, weak=np.zeros(2), strong=np.ones(2), **more)


def test_means_and_intervals_over_runs():
    """The mean lies in its interval; more questions make it narrower; the same seed gives the same."""
    made = []
    for seed in range(4):
        score, weak, strong = outcomes(600)
        score = score + 0.3 * np.random.default_rng(seed).random(600)
        made.append(Scored(score=score, weak=weak, strong=strong, keys=[f"q{place}" for place in range(600)]))
    mean = averaged([figures(run.score, weak=run.weak, strong=run.strong) for run in made])
    wide = intervals(made, draws=100)

    assert wide == intervals(made, draws=100)
    assert "aiq" not in wide
    for name in ("apgr", "apgr_deciles", "cpt50", "auroc"):
        assert wide[name][0] < mean[name] < wide[name][1]
    few = [
        Scored(score=run.score[:100], weak=run.weak[:100], strong=run.strong[:100], keys=run.keys[:100]) for run in made
    ]
    assert np.ptp(intervals(few, draws=100)["auroc"]) > np.ptp(wide["auroc"])


def test_one_question_in_all_runs_is_one_question():
    """Four runs of the same rows are no more certain than one of them."""
    score, weak, strong = outcomes(300)
    run = Scored(score=score, weak=weak, strong=strong, keys=[f"q{place}" for place in range(300)])
    one, four = (intervals([run] * count, draws=300)["apgr"] for count in (1, 4))
    assert np.ptp(four) == pytest.approx(np.ptp(one), rel=0.25)


def test_regret_is_what_the_oracle_has_more():
    """None for knowing the gain at the price; at the even price always-weak and always-strong lose the same."""
    _, weak, strong = outcomes()
    given_ = {"weak": weak, "strong": strong, "weak_cost": np.ones(400), "strong_cost": np.full(400, 5.0)}
    price = even_price(**given_)
    assert regret(strong - weak, **given_, price=price) == 0
    always = [regret(np.full(400, gain), **given_, price=price) for gain in (-9.0, 9.0)]
    assert always[0] == pytest.approx(always[1])
    assert always[0] > 0


def test_baselines_stand_on_the_same_rows():
    """Every one has the same figures; single tiers have their quality and cost per 1,000 in USD."""
    train, test = pair(80, seed=3), pair(60, seed=4, start=80)
    p_weak = np.linspace(0, 1, 60)
    found = baselines(train, test, p_weak=p_weak, raw_confidence=p_weak)

    assert set(found) == {
        "always_cheap", "always_strong", "best_single", "random_mix", "length", "knn", "weak_threshold",
        "raw_confidence", "oracle",
    }  # fmt: skip
    assert found["always_strong"]["cost_per_1k"] == pytest.approx(9.0)
    assert found["best_single"]["quality"] == max(test.weak.mean(), test.strong.mean())
    assert found["weak_threshold"] == found["raw_confidence"]
    assert found["weak_threshold"] == test.judged(1 - p_weak)
    assert found["oracle"]["auroc_gain"] == 1.0
    assert set(baselines(None, test)) == {
        "always_cheap", "always_strong", "best_single", "random_mix", "length", "oracle",
    }  # fmt: skip


@pytest.mark.parametrize(("start", "what"), [(0, "id"), (80, "text")])
def test_a_prompt_that_is_tested_may_not_be_trained_on(start, what):
    """By its id or by its text, whatever the case and the blanks."""
    train, test = pair(80, seed=3), pair(60, seed=4, start=start)
    if what == "text":
        test = Pair(ids=test.ids, texts=[train.texts[0].upper() + "  ", *test.texts[1:]], weak=test.weak,
                    strong=test.strong)  # fmt: skip
    with pytest.raises(InputError, match=f"trained on too, by their {what}"):
        baselines(train, test)


def test_neighbours_know_their_kind():
    """A text gets the value of the texts that share its words, or the mean of all where none does."""
    known = ["red apple fruit", "red cherry fruit", "blue sea water"]
    found = neighbours(known, np.array([1.0, 1.0, 0.0]), ["fruit", "water", "xylophone"])
    assert found == pytest.approx([1.0, 0.0, 2 / 3])


@pytest.mark.skipif(not public.folder().is_dir(), reason="the public benchmark data is not there")
@pytest.mark.parametrize("task", ["mmlu", "gsm8k"])
def test_the_published_protocol_is_met(task):
    """Random scores recover half the gap, and the oracle what was published for it."""
    records, _ = public.routellm(task)
    quality = np.array([query.qualities for query in records.queries])
    weak, strong = quality.T
    random = [
        figures(np.random.default_rng(seed).random(len(weak)), weak=weak, strong=strong)["apgr_deciles"]
        for seed in range(20)
    ]
    assert 0.495 <= np.mean(random) <= 0.502

    order = np.random.default_rng(0).random(len(weak)) * 1e-9
    oracle = figures(strong - weak + order, weak=weak, strong=strong)["apgr_deciles"]
    assert round(oracle, 3) == PUBLISHED_ORACLE[task]
