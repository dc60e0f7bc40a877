"""The label planner: how many labels, and which next, so that means stay unbiased."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InputError
from router.types import Request, as_messages
from training.label.choose import choose, kinds
from training.label.plan import labels_needed


def test_the_number_is_the_published_one():
    """n = 2 ln(1/delta) Var(Z) / mean(Z)^2 (policy.md 3.6), rounded up."""
    margin = np.array([0.05] * 80 + [1.0] * 5 + [-0.5] * 15)
    wanted = math.ceil(2 * math.log(10) * margin.var() / margin.mean() ** 2)
    found = labels_needed(margin, delta=0.1)
    assert found.needed == wanted
    low, high = found.interval
    assert low is not None
    assert low < wanted
    assert high is None or high > wanted


def test_a_policy_below_its_target_needs_labels_without_end():
    """None, and a sentence that says why."""
    found = labels_needed(np.array([-0.1, 0.05] * 40))
    assert found.needed is None
    assert found.interval[1] is None
    assert "no number of labels will certify it" in found.sentence()


def test_even_a_sure_thing_needs_what_the_largest_bet_needs():
    """A margin of 0.05 on every pilot query looks certain, but one query earns a bet of 0.9 no more than 4.5 %."""
    assert labels_needed(np.full(40, 0.05), delta=0.1).needed == 53
    assert labels_needed(np.full(40, 1.0), delta=0.1).needed == 4


def test_the_interval_covers_what_the_whole_population_says():
    """Simulated: 100 pilots of 200; the 90 % interval covers the population's number in at least 80 %."""
    random = np.random.default_rng(1)
    values, chances = np.array([0.05, 1.0, -0.95]), [0.8, 0.15, 0.05]
    mean = values @ chances
    true = 2 * math.log(10) * (values**2 @ chances - mean**2) / mean**2
    covered = 0
    for seed in range(100):
        low, high = labels_needed(random.choice(values, 200, p=chances), seed=seed).interval
        covered += (low or 0) <= math.ceil(true) <= (high or math.inf)
    assert covered >= 80


def test_rows_of_one_prompt_count_once():
    """Duplicates are no new evidence."""
    random = np.random.default_rng(0)
    margin = random.normal(0.1, 0.4, 60)
    once, twice = labels_needed(margin), labels_needed(np.repeat(margin, 2), keys=[
        str(place // 2) for place in range(120)
    ])  # fmt: skip
    assert (twice.needed, twice.pilot) == (once.needed, 60)


def test_weights_put_a_chosen_pilot_right():
    """A kind of prompt labelled twice as often, at half the weight."""
    margin = np.array([0.3, 0.0] * 30)
    doubled = np.concatenate([margin, margin[::2]])
    weight = np.where(doubled > 0, 0.5, 1.0)
    assert labels_needed(doubled, weight=weight).mean == pytest.approx(labels_needed(margin).mean)


@pytest.mark.parametrize(
    ("margin", "delta", "told"),
    [
        ([0.1], 0.1, "at least 2 labelled queries"),
        ([0.1, math.nan], 0.1, "has no quality"),
        ([0.1, 0.2], 0.0, "delta must be between 0 and 1"),
        ([0.1, 0.2], 1.0, "delta must be between 0 and 1"),
    ],
)
def test_a_pilot_that_says_nothing_is_refused(margin, delta, told):
    """One sentence."""
    with pytest.raises(InputError, match=told):
        labels_needed(np.array(margin), delta=delta)


def population(n=600):
    """Simulated candidates: kinds of very different sizes and qualities, margins that go with quality."""
    random = np.random.default_rng(3)
    cluster = random.choice(6, n, p=[0.4, 0.3, 0.15, 0.08, 0.05, 0.02])
    margin = random.normal(0, 0.2, n) + 0.05 * cluster
    quality = (random.random(n) < 1 / (1 + np.exp(-6 * margin - cluster + 1))).astype(float)
    return cluster, margin, quality


def test_the_weighted_mean_is_unbiased_and_the_plain_one_is_not():
    """Simulated: 4,000 draws of 60 from 600; the weighted mean's bias is within 4 standard errors of 0."""
    cluster, margin, quality = population()
    weighted, plain = [], []
    for seed in range(4000):
        chosen = choose(60, cluster=cluster, margin=margin, seed=seed)
        weighted.append((quality[chosen.rows] * chosen.weight).sum() / len(quality))
        plain.append(quality[chosen.rows].mean())
    error = np.std(weighted) / math.sqrt(len(weighted))
    assert abs(np.mean(weighted) - quality.mean()) < 4 * error
    assert abs(np.mean(plain) - quality.mean()) > 4 * np.std(plain) / math.sqrt(len(plain))


def test_each_request_is_chosen_as_often_as_its_inclusion_probability_says():
    """Simulated: 4,000 draws; every frequency within 5 binomial standard errors."""
    cluster, margin, _ = population(200)
    counts = np.zeros(200)
    for seed in range(4000):
        chosen = choose(40, cluster=cluster, margin=margin, seed=seed)
        counts[chosen.rows] += 1
    wanted = chosen.inclusion
    error = np.sqrt(wanted * (1 - wanted) / 4000)
    assert np.all(np.abs(counts / 4000 - wanted) <= 5 * error + 1e-12)


def test_near_ties_are_likelier_and_nobody_is_left_out():
    """The even half is a floor; the rest goes by exp(-|A| / h)."""
    margin = np.array([0.0, -0.1, 0.1, 0.5, -5.0, math.nan] * 50)
    inclusion = choose(30, cluster=np.zeros(300, int), margin=margin, width=0.2).inclusion
    assert inclusion[0] == inclusion[5] > inclusion[1] == inclusion[2] > inclusion[3] > inclusion[4]
    assert inclusion.min() >= 0.5 * 30 / 300
    extra = inclusion[:5] - 0.5 * 30 / 300
    assert extra[1] / extra[0] == pytest.approx(math.exp(-0.5))


@given(
    margin=st.lists(st.floats(-3, 3) | st.just(math.nan), min_size=1, max_size=60),
    share=st.floats(0, 1),
    seed=st.integers(0, 9999),
)
def test_exactly_as_many_as_asked_for_are_chosen_each_once(margin, share, seed):
    """Probabilities sum to the number, none above 1; every kind gets its share to within one."""
    n = len(margin)
    count = max(1, round(share * n))
    cluster = np.arange(n) % 3
    chosen = choose(count, cluster=cluster, margin=np.array(margin), seed=seed)
    assert len(set(chosen.rows.tolist())) == count
    assert chosen.inclusion.sum() == pytest.approx(count)
    assert 0 < chosen.inclusion.min() <= chosen.inclusion.max() <= 1
    for kind in range(3):
        share_of = chosen.inclusion[cluster == kind].sum()
        assert abs((cluster[chosen.rows] == kind).sum() - share_of) < 1 + 1e-6


@pytest.mark.parametrize(("count", "width"), [(0, None), (4, None), (1, 0.0), (1, math.inf)])
def test_a_choice_that_cannot_be_made_is_refused(count, width):
    """More than there are, none, or a width of nothing."""
    with pytest.raises(InputError):
        choose(count, cluster=np.zeros(3, int), margin=np.zeros(3), width=width)


def test_kinds_keep_like_prompts_together():
    """Sums and essays are of different kinds; equal prompts of one."""
    sums = [f"What is {a} + {a + 1}?" for a in range(20)]
    essays = [
        f"Write an essay about the history of region {a}, with sources, in five parts.\n\n" * 6 for a in range(20)
    ]
    asked = [Request(messages=as_messages(prompt)) for prompt in sums + essays]
    found = kinds(asked, count=2)
    assert len(set(found[:20].tolist())) == 1
    assert len(set(found[20:].tolist())) == 1
    assert found[0] != found[-1]
    assert kinds(asked[:1] * 5, count=3).tolist() == [0] * 5
