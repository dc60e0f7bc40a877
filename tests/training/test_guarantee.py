"""The certificate, and the betting that it rests on."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import InputError
from training.accept_error import accept_errors, clopper_pearson
from training.betting import EProcess, log_wealth, wsr_pvalue, wsr_pvalues
from training.guarantee import Goal, Trial, certify, labels_needed, t_pvalue

LOW, HIGH, DELTA = -0.95, 1.0, 0.1
LEVELS = np.array([-0.95, 0.0, 0.05, 1.0])


def p_of(values, **changes):
    return wsr_pvalue(np.array(values, float), **{"low": LOW, "high": HIGH, "delta": DELTA, **changes})


def numbered(n):
    return [str(number) for number in range(n)]


def trial(label, quality, cost=1e6, *, strongest=False):
    quality = np.array(quality, float)
    return Trial(label=label, quality=quality, cost=np.full(len(quality), float(cost)), strongest=strongest)


def simulated(n, *, loss, gain, seed=0):
    """Simulated labels: the strongest tier's, and a rule that loses some of them and gains others."""
    rng = np.random.default_rng(seed)
    strong = (rng.random(n) < 0.8).astype(float)
    return strong, np.where(strong == 1, rng.random(n) >= loss, rng.random(n) < gain).astype(float)


# --- betting


@pytest.mark.parametrize("bets", ["recalculated", "plain"])
@pytest.mark.parametrize(
    "shares",
    [
        (0.05, 0.0, 0.95, 0.0),  # rare large losses against a steady small gain: where a t-test errs
        (0.1, 0.805, 0.0, 0.095),
        (0.02, 0.58, 0.38, 0.02),
    ],
)
def test_under_the_null_the_p_value_is_below_delta_no_more_often_than_delta(bets, shares):
    """Validity, on simulated values whose mean is exactly zero: at most delta plus three standard errors."""
    shares = np.array(shares)
    shares[1] = 0
    loss = -(shares[2:] @ LEVELS[2:]) / LEVELS[0]
    shares[0] = loss
    shares[1] = max(0.0, 1 - shares.sum())
    shares /= shares.sum()
    rng = np.random.default_rng(5)
    trials = 2000

    found = wsr_pvalues(rng.choice(LEVELS, (trials, 200), p=shares), low=LOW, high=HIGH, delta=DELTA, bets=bets)

    assert LEVELS @ shares == pytest.approx(0, abs=1e-12)
    assert (found <= DELTA).mean() <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / trials)


def test_recalculated_bets_certify_more_often_than_plain_ones():
    """Power, on simulated values with a mean above zero."""
    values = np.random.default_rng(1).choice(LEVELS, (800, 250), p=(0.03, 0.22, 0.73, 0.02))

    plain, recalculated = (
        (wsr_pvalues(values, low=LOW, high=HIGH, delta=DELTA, bets=bets) <= DELTA).mean()
        for bets in ("plain", "recalculated")
    )

    assert recalculated > plain + 0.02
    assert recalculated > 0.4


def test_each_bet_depends_on_the_past_alone():
    """The wealth after t values is the same whatever comes later, as long as the sample has the same length."""
    values = np.random.default_rng(2).choice(LEVELS, 60)
    other = values.copy()
    other[30:] = LEVELS[0]

    one, two = (log_wealth(row, low=LOW, high=HIGH, delta=DELTA) for row in (values, other))

    assert one[:30].tolist() == two[:30].tolist()
    assert one[40] != two[40]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LEVELS.tolist()), min_size=1, max_size=60))
def test_the_wealth_never_falls_to_zero_and_the_p_value_is_a_probability(values):
    """No sequence of losses ruins the gambler, so the logarithm always exists."""
    path = log_wealth(np.array(values), low=LOW, high=HIGH, delta=DELTA)

    assert np.isfinite(path).all()
    assert 0 < p_of(values) <= 1


@given(st.integers(2, 80), st.floats(0.0, 0.5), st.floats(0.01, 0.5))
def test_constant_values_are_the_surer_the_higher_they_are(n, value, more):
    """Monotone in the mean, on values that do not vary."""
    assert p_of([value + more] * n) <= p_of([value] * n) + 1e-12


def test_the_p_value_falls_as_the_mean_rises():
    """Monotone in the mean on average, on simulated values."""
    rng = np.random.default_rng(3)
    means = []
    for loss in (0.08, 0.05, 0.03, 0.01, 0.0):
        values = rng.choice(LEVELS, (300, 300), p=(loss, 0.15, 0.85 - loss, 0.0))
        means.append(np.log(wsr_pvalues(values, low=LOW, high=HIGH, delta=DELTA)).mean())

    assert means == sorted(means, reverse=True)


def test_rows_are_tested_alike_alone_and_together():
    """The vectorised form is the plain one, row by row."""
    values = np.random.default_rng(4).choice(LEVELS, (5, 50))

    together = wsr_pvalues(values, low=LOW, high=HIGH, delta=DELTA)

    assert together.tolist() == [p_of(row) for row in values]


def test_few_or_equal_values_are_handled():
    """None, one, and values that never vary."""
    assert p_of([]) == 1
    assert 0 < p_of([1.0]) <= 1
    assert p_of([0.0] * 100) == 1
    assert p_of([-0.95] * 10) == 1
    assert p_of([0.05] * 1000) < 1e-6


def test_a_range_without_loss_needs_no_bet():
    """Where no value can be negative, one positive value settles it."""
    assert p_of([0.0, 0.2], low=0.0) == 0
    assert p_of([0.0, 0.0], low=0.0) == 1
    assert p_of([0.3], low=0.1) == 0


@pytest.mark.parametrize(
    ("values", "changes", "told"),
    [
        ([0.0, math.nan], {}, "a value is NaN"),
        ([1.5], {}, "outside the stated range"),
        ([0.0], {"delta": 0.0}, "delta is the chance"),
        ([0.0], {"low": 1.0}, "low < high"),
        ([0.0], {"high": math.inf}, "low < high"),
    ],
)
def test_what_cannot_be_bet_on_is_refused(values, changes, told):
    """One clear sentence each."""
    with pytest.raises(InputError, match=told):
        p_of(values, **changes)


# --- the e-process


def test_the_e_process_gives_no_more_false_alarms_than_stated():
    """Simulated audits exactly on target, looked at after every value: alarms in at most delta of 1,000 streams."""
    rng = np.random.default_rng(6)
    trials = 1000
    alarms = 0
    for _ in range(trials):
        process = EProcess(low=0.8 - 1)
        process.update(0.8 - (rng.random(1000) < 0.8))
        alarms += process.crossed(DELTA)

    assert alarms / trials <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / trials)


def test_the_e_process_raises_the_alarm_when_quality_falls():
    """Simulated audits ten points under the target are found within 500, in nearly every stream."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(100):
        process = EProcess(low=0.8 - 1)
        process.update(0.8 - (rng.random(500) < 0.7))
        alarms += process.crossed(0.05)

    assert alarms >= 95


@given(st.lists(st.sampled_from([-0.2, 0.8]), max_size=40), st.integers(0, 40))
def test_the_e_process_goes_on_where_it_stopped(values, cut):
    """In one update or in two: the same wealth and the same peak."""
    whole, parts = EProcess(low=-0.2), EProcess(low=-0.2)
    whole.update(values)
    parts.update(values[:cut])
    parts.update(values[cut:])

    assert parts.log_wealth == pytest.approx(whole.log_wealth)
    assert parts.peak == pytest.approx(whole.peak)
    assert (parts.count, parts.p_value <= 1) == (len(values), True)


def test_the_e_process_refuses_what_it_cannot_bet_on():
    """A missing value, one below the least, a least of zero: and nothing was bet."""
    process = EProcess(low=-0.5)
    for values, told in (([math.nan], "NaN"), ([0.1, -0.6], "below the stated least"), ([math.inf], "not finite")):
        with pytest.raises(InputError, match=told):
            process.update(values)
    assert (process.count, process.log_wealth, process.peak) == (0, 0.0, 0.0)
    with pytest.raises(InputError, match="below 0"):
        EProcess(low=0.0)


# --- the certificate


def test_the_cheapest_rule_before_the_first_failure_is_certified():
    """A good rule passes, a bad one ends the walk, and what stands behind it is never tested."""
    strong, good = simulated(600, loss=0.01, gain=0.2)
    _, bad = simulated(600, loss=0.3, gain=0.2)
    trials = [trial("strong", strong, strongest=True), trial("good", good), trial("bad", bad), trial("late", strong)]

    certificate = certify(trials, strong=strong, keys=numbered(600), goal=Goal(share=0.95))

    assert certificate.certified
    assert (certificate.chosen, certificate.label) == (1, "good")
    assert [(step.label, step.passed) for step in certificate.tested] == [
        ("strong", True),
        ("good", True),
        ("bad", False),
    ]
    assert certificate.p_value <= 0.1
    assert "90 % confidence" in certificate.statement
    assert "at least 0.95 times" in certificate.statement
    assert "on average over requests and not for each one" in certificate.statement
    assert json.loads(json.dumps(certificate.as_dict(), allow_nan=False))["rule"] == "good"


def test_the_strongest_tier_alone_is_no_certificate():
    """It passes by definition; when the first rule after it does not, the refusal says how many labels would do."""
    strong, rule = simulated(60, loss=0.02, gain=0.1, seed=1)
    trials = [trial("strong", strong, strongest=True), trial("rule", rule)]

    certificate = certify(trials, strong=strong, keys=numbered(60), goal=Goal(share=0.98))
    last = certificate.tested[-1]

    assert not certificate.certified
    assert certificate.chosen == 0
    assert certificate.p_value == last.p_value > 0.1
    assert certificate.labels_needed == math.ceil(2 * math.log(10) * last.variance / last.mean**2)
    assert f"about {certificate.labels_needed:,} certification prompts would" in certificate.statement


def test_a_rule_that_misses_the_goal_is_promised_no_number_of_labels():
    """More labels do not make a bad rule good."""
    strong, rule = simulated(300, loss=0.3, gain=0.0)

    certificate = certify(
        [trial("strong", strong, strongest=True), trial("rule", rule)],
        strong=strong,
        keys=numbered(300),
        goal=Goal(share=0.95),
    )

    assert certificate.labels_needed is None
    assert "misses the goal" in certificate.statement


def test_the_strongest_tier_has_to_prove_a_share_above_one():
    """Better than the strongest is nothing that it has by definition."""
    strong, _ = simulated(300, loss=0, gain=0)

    certificate = certify(
        [trial("strong", strong, strongest=True)], strong=strong, keys=numbered(300), goal=Goal(share=1.02)
    )

    assert (certificate.chosen, certificate.certified) == (None, False)


@pytest.mark.parametrize("n", [0, 1])
def test_without_rows_or_with_one_nothing_is_certified(n):
    """And nothing breaks; what has no figure is null in JSON."""
    strong = np.ones(n)

    certificate = certify(
        [trial("strong", strong, strongest=True), trial("rule", strong)],
        strong=strong,
        keys=numbered(n),
        goal=Goal(share=0.95),
    )

    assert not certificate.certified
    assert certificate.n == n
    assert json.dumps(certificate.as_dict(), allow_nan=False)


def test_rows_of_one_split_key_are_one_observation():
    """Ten copies of each prompt certify nothing that the prompts themselves do not."""
    strong, rule = simulated(80, loss=0.0, gain=0.1)
    goal = Goal(share=0.95)

    once = certify([trial("rule", rule)], strong=strong, keys=numbered(80), goal=goal)
    copied = certify(
        [trial("rule", np.repeat(rule, 10))], strong=np.repeat(strong, 10), keys=np.repeat(numbered(80), 10), goal=goal
    )

    assert copied.n == once.n == 80
    assert copied.p_value == pytest.approx(once.p_value)


def test_where_rows_share_split_keys_the_statement_is_of_keys_and_not_of_requests():
    """A rule that is bad where prompts repeat can be good by keys: what is proven is what is said."""
    strong, rule = simulated(600, loss=0.0, gain=0.3)

    certificate = certify(
        [trial("rule", np.append(rule, rule))],
        strong=np.append(strong, strong),
        keys=[*numbered(600), *numbered(600)],
        goal=Goal(share=0.9),
    )

    assert certificate.certified
    assert "1,200 rows are averaged by split key" in certificate.statement
    assert "on average over split keys, of which each counts once" in certificate.statement
    assert "on average over requests" not in certificate.statement


def test_the_order_is_fixed_by_the_seed_and_not_by_the_rows():
    """Shuffled rows give the same p-value; another seed bets in another order."""
    strong, rule = simulated(200, loss=0.03, gain=0.1)
    keys = numbered(200)
    turn = np.random.default_rng(9).permutation(200)
    goal = Goal(share=0.95)

    def p_value(order, seed):
        chosen = [trial("rule", rule[order])]
        return certify(chosen, strong=strong[order], keys=[keys[row] for row in order], goal=goal, seed=seed).p_value

    assert p_value(turn, 0) == p_value(np.arange(200), 0)
    assert p_value(turn, 1) != p_value(turn, 0)


def test_a_wrong_certificate_is_issued_no_more_often_than_delta():
    """A simulated rule just at the target, and a worse one behind it: 1,000 data sets, delta plus three errors."""
    rng = np.random.default_rng(10)
    trials, wrong = 1000, 0
    for number in range(trials):
        strong = (rng.random(100) < 0.8).astype(float)
        kept = np.where(rng.random(100) < 0.95, strong, 0.0)
        worse = np.where(rng.random(100) < 0.9, strong, 0.0)
        certificate = certify(
            [trial("strong", strong, strongest=True), trial("at the target", kept), trial("worse", worse)],
            strong=strong,
            keys=numbered(100),
            goal=Goal(share=0.95),
            seed=number,
        )
        wrong += certificate.certified

    assert wrong / trials <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / trials)


def test_weighted_rows_stay_valid_and_widen_the_range():
    """Simulated bandit log: hard prompts are seen half as often and count twice; ignoring that certifies wrongly."""
    rng = np.random.default_rng(11)
    trials, wrong, naive = 250, 0, 0
    for _ in range(trials):
        hard = rng.random(400) < 0.5
        strong = np.ones(400)
        rule = np.where(hard, rng.random(400) < 0.9, 1.0).astype(float)  # 0.95 of the strongest: just at the target
        seen = rng.random(400) < np.where(hard, 0.25, 1.0)
        keys = numbered(int(seen.sum()))
        goal = Goal(share=0.95)
        weight = np.where(hard, 4.0, 1.0)[seen]
        put = [trial("rule", rule[seen])]
        wrong += certify(put, strong=strong[seen], keys=keys, goal=goal, weight=weight, w_max=4.0).certified
        naive += certify(put, strong=strong[seen], keys=keys, goal=goal).certified

    assert wrong / trials <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / trials)
    assert naive / trials > 0.5


def test_weights_above_the_stated_bound_are_refused():
    """The bound is what the range, and so the proof, rests on."""
    with pytest.raises(InputError, match=r"weight is outside \[0, 2\]"):
        certify(
            [trial("rule", [1.0])], strong=np.ones(1), keys=["a"], goal=Goal(share=0.9), weight=np.array([3.0]), w_max=2
        )


def test_a_budget_is_certified_on_costs_up_to_the_limit():
    """Half the budget passes, twice the budget does not, and the statement names the limit."""
    quality = np.ones(400)
    goal = Goal(budget=1.0, cost_limit=0.01)
    rng = np.random.default_rng(12)
    cheap = Trial(label="cheap", quality=quality, cost=rng.exponential(0.4e6, 400))
    dear = Trial(label="dear", quality=quality, cost=rng.exponential(2e6, 400))

    certificate = certify([cheap, dear], strong=quality, keys=numbered(400), goal=goal)

    assert (certificate.certified, certificate.label) == (True, "cheap")
    assert "at most 1 USD per 1,000 requests (a request counted at no more than 0.01 USD)" in certificate.statement
    assert certificate.tested[0].cost_per_1k == pytest.approx(cheap.cost.mean() / 1e9 * 1000)


def test_a_quality_and_a_budget_are_certified_together():
    """The larger p-value counts: a rule good enough but too dear fails."""
    strong, rule = simulated(500, loss=0.0, gain=0.2)
    keys = numbered(500)

    within = certify(
        [trial("rule", rule, 1e5)], strong=strong, keys=keys, goal=Goal(quality=0.6, budget=1.0, cost_limit=0.005)
    )
    beyond = certify(
        [trial("rule", rule, 2e6)], strong=strong, keys=keys, goal=Goal(quality=0.6, budget=1.0, cost_limit=0.005)
    )

    assert within.certified
    assert not beyond.certified
    assert "at least 0.6" in within.statement


def test_the_asymptotic_method_says_that_it_is_one():
    """A t-test, named as such."""
    strong, rule = simulated(400, loss=0.01, gain=0.1)

    certificate = certify(
        [trial("rule", rule)], strong=strong, keys=numbered(400), goal=Goal(share=0.95, method="asymptotic")
    )

    assert certificate.certified
    assert "approximately (a t-test, right only as the sample grows)" in certificate.statement
    assert t_pvalue(np.array([0.1])) == t_pvalue(np.full(9, 0.1)) == 1


def test_the_t_test_agrees_with_scipy():
    """One-sided, against a mean of zero."""
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(13).normal(0.1, 1, 50)

    assert t_pvalue(values) == pytest.approx(ttest_1samp(values, 0, alternative="greater").pvalue)


def test_labels_needed_is_about_where_every_other_sample_passes():
    """The figure of the refusal, held against simulated samples of that size."""
    shares = np.array([0.02, 0.2, 0.76, 0.02])
    mean = float(LEVELS @ shares)
    variance = float((LEVELS - mean) ** 2 @ shares)
    n = labels_needed(mean, variance, DELTA)
    values = np.random.default_rng(14).choice(LEVELS, (400, n), p=shares)

    passed = (wsr_pvalues(values, low=LOW, high=HIGH, delta=DELTA) <= DELTA).mean()

    assert 0.35 < passed < 0.75
    assert labels_needed(0.0, 1.0, DELTA) is None
    assert labels_needed(1.0, 0.0, DELTA, more_than=10) == 11


def test_values_that_hardly_vary_need_as_many_labels_as_the_largest_bet():
    """A few rows on which a rule is ahead by a little each look certain, and prove nothing."""
    n = labels_needed(0.03, 0.0, DELTA, more_than=15)

    fewer, about = (wsr_pvalue(np.full(rows, 0.03), low=-0.97, high=1.0, delta=DELTA) for rows in (n // 2, 2 * n))
    assert n == 87
    assert about < DELTA < fewer


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "nothing to certify"),
        ({"share": 0.9, "quality": 0.9}, "not both"),
        ({"share": 95}, "share of the strongest"),
        ({"quality": 1.5}, "between 0 and 1"),
        ({"budget": -1.0, "cost_limit": 1.0}, "above 0"),
        ({"budget": 1.0}, "cost_limit"),
        ({"share": 0.9, "delta": 1.0}, "delta"),
    ],
)
def test_a_goal_that_makes_no_sense_is_refused(changes, told):
    """One clear sentence each."""
    with pytest.raises(InputError, match=told):
        Goal(**changes)


@pytest.mark.parametrize(
    ("quality", "strong", "told"),
    [
        ([1.0, math.nan], [1.0, 1.0], "the quality of 'rule' is NaN in 1 rows"),
        ([1.0, 1.0], [1.0, math.nan], "the strongest tier's quality is NaN"),
        ([1.0], [1.0, 1.0], "has 1 values for 2 split keys"),
        ([1.0, 1.2], [1.0, 1.0], "is outside"),
    ],
)
def test_labels_that_cannot_certify_are_refused(quality, strong, told):
    """Unlabelled is never zero; a column of another length is a mistake."""
    with pytest.raises(InputError, match=told):
        certify([trial("rule", quality)], strong=np.array(strong), keys=["a", "b"], goal=Goal(share=0.9))


def test_a_certificate_needs_a_rule():
    """An empty list is a mistake of the caller."""
    with pytest.raises(InputError, match="no rule to certify"):
        certify([], strong=np.ones(1), keys=["a"], goal=Goal(share=0.9))


# --- accept error


def test_accept_errors_are_bounded_per_tier():
    """Counted on acceptable answers, one row a split key; a tier without answers is bounded by 1."""
    quality = np.array([1.0] * 45 + [0.0] * 5 + [1.0] * 50)
    rank = [0] * 50 + [1] * 50
    found = accept_errors(quality, rank, tiers=("small", "large", "other"), keys=numbered(100))
    same = accept_errors(np.ones(50), [0] * 50, tiers=("small",), keys=["one"] * 50)

    assert [(row.accepted, row.errors) for row in found] == [(50, 5), (50, 0), (0, 0)]
    assert found[0].upper == pytest.approx(0.178, abs=0.002)
    assert found[1].upper == pytest.approx(1 - 0.1 ** (1 / 50))
    assert found[2].upper == 1
    assert same[0].accepted == 1


def test_clopper_pearson_covers_as_stated():
    """Over all counts of a binomial the bound is at or above the truth with at least the stated confidence."""
    from scipy.stats import binom

    for truth in (0.02, 0.1, 0.37):
        covered = sum(
            binom.pmf(errors, 60, truth) for errors in range(61) if clopper_pearson(errors, 60, delta=0.1) >= truth
        )
        assert covered >= 0.9
    with pytest.raises(InputError, match="is no count"):
        clopper_pearson(3, 2, delta=0.1)
    with pytest.raises(InputError, match="is NaN"):
        accept_errors(np.array([math.nan]), [0], tiers=("a",), keys=["x"])
    with pytest.raises(InputError, match="one of each a row"):
        accept_errors(np.ones(2), [0], tiers=("a",), keys=["x"])
