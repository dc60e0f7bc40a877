"""Judging a rule from the log of another, against the truth of simulated full information."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import InputError
from router.policy import Always, Mixture, Thresholds
from tests.kit import Scripted, plan
from tests.training.simulated import TIERS, records
from tests.training.simulated_bandit import full, logged, showing
from training.bandit import bandit_log, follow
from training.off_policy import evaluate_off_policy
from training.table import table_of, walk

LOGGING = (0.45, 0.45)
MORE = Thresholds(start=(0, 0, 0), accept=(0.7, 0.7, 0.0))
LESS = Thresholds(start=(0, 0, 0), accept=(0.3, 0.3, 0.0))
SKIPPING = Thresholds(start=(0, 2, 0), accept=(0.6, 0.6, 0.0))
RULES = {"more": MORE, "less": LESS, "skipping": SKIPPING, "mixture": Mixture(MORE, LESS, 0.5)}


def errors(rule, *, lie, logs=80, n=300, clip=1000.0):
    """Per estimator the errors in quality over simulated logs, and those of the cost by DR, relative to the truth."""
    found = {"dr": [], "dm": [], "ips": [], "snips": [], "cost": [], "naive": []}
    for seed in range(logs):
        table = full(n, seed=seed, lie=lie)
        truth = walk(table, rule)
        log = logged(table, bars=LOGGING, audit=0.15, seed=1000 + seed)
        got = evaluate_off_policy(log, rule, clip=clip, floor=0)
        whole = follow(log, rule).whole
        found["naive"].append(truth.quality[whole].mean() - truth.quality.mean())
        found["cost"].append(got.value.cost / truth.cost.mean() - 1)
        found["dr"].append(got.value.quality - truth.quality.mean())
        for name in ("dm", "ips", "snips"):
            found[name].append(getattr(got, name).quality - truth.quality.mean())
    return {name: np.array(values) for name, values in found.items()}


def biased(values):
    """How many standard errors the mean of some errors is away from 0."""
    return abs(values.mean()) / (values.std(ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("rule", [MORE, SKIPPING, Always(2)], ids=["more", "skipping", "strongest"])
def test_doubly_robust_estimates_are_unbiased_though_the_model_lies(rule):
    """Over three tiers, more escalation than logged and skipped tiers included, quality and cost have no bias."""
    found = errors(rule, lie=-0.3)
    assert biased(found["dr"]) < 3
    assert biased(found["cost"]) < 3
    assert biased(found["ips"]) < 3


def test_averaging_the_rows_that_match_is_biased():
    """The requests that were escalated are the hard ones: their mean is not what the strongest tier does on all."""
    found = errors(Always(2), lie=0.0, logs=30)
    assert found["naive"].mean() < -0.05
    assert biased(found["dr"]) < 3


def test_doubly_robust_estimates_beat_weighting_alone():
    """The regression takes most of the variance of inverse-probability weighting away."""
    found = errors(MORE, lie=0.0, logs=40)
    assert np.sqrt((found["dr"] ** 2).mean()) < 0.75 * np.sqrt((found["ips"] ** 2).mean())


@pytest.mark.parametrize("lie", [0.0, -0.4])
def test_less_escalation_is_known_exactly_without_exploration(lie):
    """Where the cheap answers are judged, a rule that escalates less than the logged one is evaluated to the digit."""
    table = full(800, seed=5, lie=lie)
    silent = np.full((800, 3), np.nan)
    log = logged(table, bars=LOGGING, audit=0.0, seed=1)
    got = evaluate_off_policy(replace(log, inclusion=silent), LESS)
    truth = walk(table, LESS)
    assert got.method == "direct"
    assert got.value.quality == pytest.approx(truth.quality.mean(), abs=1e-12)
    assert got.value.cost == pytest.approx(truth.cost.mean(), rel=1e-12)
    assert "plain means" in got.statement


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_full_information_gives_the_plain_means(rule):
    """With every answer seen, all four estimators are what a walk over the table says."""
    table = full(500, seed=3)
    log = showing(table, np.ones((500, 3), bool), np.ones((500, 3)))
    got, truth = evaluate_off_policy(log, rule), walk(table, rule)
    for figures in (got.value, got.dm, got.ips, got.snips):
        assert figures.quality == pytest.approx(truth.quality.mean())
        assert figures.cost == pytest.approx(truth.cost.mean())
    assert got.quality_interval.low < truth.quality.mean() < got.quality_interval.high


def test_intervals_cover_the_truth():
    """The 95 % interval holds the expected quality of the rule in about 95 % of simulated logs."""
    truth = walk(full(20_000, seed=999), MORE).quality.mean()
    held = 0
    for seed in range(100):
        log = logged(full(600, seed=seed), bars=LOGGING, audit=0.15, seed=1000 + seed)
        bounds = evaluate_off_policy(log, MORE, floor=0).quality_interval
        held += bounds.low <= truth <= bounds.high
    # The binomial standard error of 100 trials at 95 % is 2 points.
    assert held / 100 >= 0.88


def test_clipping_bounds_the_weights_and_is_reported():
    """Weights above the clip count as the clip, and their share among the observed ones is told."""
    log = logged(full(4000, seed=2), bars=LOGGING, audit=0.04, seed=3)
    got = evaluate_off_policy(log, MORE, clip=20.0)
    assert got.support.most_weight > 25 - 1e-9
    assert got.support.clipped == 1.0
    assert evaluate_off_policy(log, MORE, clip=1000.0).support.clipped == 0.0
    assert 0 < got.support.effective_by_chance < got.support.effective < 4000


@given(st.lists(st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)), min_size=1, max_size=2))
@settings(max_examples=20, deadline=None)
def test_estimates_use_nothing_that_the_log_does_not_show(bars):
    """Whatever the rule: what was not seen is NaN in the log, and no estimate is."""
    log = logged(full(200, seed=8), bars=LOGGING, audit=0.5, seed=9)
    for low, high in bars:
        got = evaluate_off_policy(log, Thresholds(start=(0, 0, 0), accept=(low, high, 0)), floor=0)
        told = json.dumps(got.as_dict(), allow_nan=False)
        assert 0 <= got.dm.quality <= 1.2
        assert "propensities" in told


def test_rows_of_one_split_key_are_one_observation():
    """A log of which every request stands twice has the same estimate, and an interval no narrower."""
    table = full(400, seed=4)
    log = showing(table, np.ones((400, 3), bool), np.ones((400, 3)))
    twice = np.tile(np.arange(400), 2)
    doubled = replace(log, table=table.take(twice), seen=log.seen[twice], inclusion=log.inclusion[twice])
    once, again = evaluate_off_policy(log, MORE), evaluate_off_policy(doubled, MORE)
    assert again.value.quality == pytest.approx(once.value.quality)
    assert again.quality_interval.low == pytest.approx(once.quality_interval.low)


def test_missing_propensities_are_refused_where_they_are_needed():
    """More escalation than logged needs propensities; the sentence says what such a log supports."""
    log = logged(full(500, seed=1), bars=LOGGING, audit=0.1, seed=2)
    with pytest.raises(InputError, match=r"no propensities for 500 of 500 requests.*medium for .*escalates less"):
        evaluate_off_policy(replace(log, inclusion=np.full((500, 3), np.nan)), MORE)


def test_a_log_without_exploration_is_refused_for_more_escalation():
    """Where the logging rule never asks what the rule asks, no figure is given."""
    log = logged(full(500, seed=1), bars=LOGGING, audit=0.0, seed=2)
    with pytest.raises(InputError, match=r"probability 0.*switch audits on"):
        evaluate_off_policy(log, MORE)


def test_too_few_effective_observations_are_refused():
    """Under the floor of effective observations by chance nothing is said."""
    log = logged(full(500, seed=1), bars=LOGGING, audit=0.02, seed=2)
    with pytest.raises(InputError, match=r"effective observations stand for them where at least 25 are needed"):
        evaluate_off_policy(log, Always(2))


def test_a_propensity_of_zero_for_what_was_seen_is_refused():
    """An answer that could not have been asked for, and was, makes every weight wrong."""
    log = logged(full(50, seed=1), bars=LOGGING, audit=0.5, seed=2)
    inclusion = log.inclusion.copy()
    row = int(np.flatnonzero(log.seen[:, 1])[0])
    inclusion[row, 1] = 0.0
    with pytest.raises(InputError, match=f"request 'k{row}' has an answer of tier 'medium'.*propensity 0"):
        replace(log, inclusion=inclusion)


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_a_propensity_that_is_no_probability_is_refused(wrong):
    """Propensities lie in (0, 1]."""
    log = logged(full(50, seed=1), bars=LOGGING, audit=0.5, seed=2)
    with pytest.raises(InputError, match="is no probability"):
        replace(log, inclusion=np.full((50, 3), wrong))


PLAN = plan(
    TIERS, Thresholds(start=(0, 0), accept=(0.8, 0)), Scripted((0.6, 0.9), {(0,): (0.7, 0.9), (0, 1): (0.7, 0.95)})
)


def test_records_become_a_bandit_log():
    """What was not asked is not seen; an answer without a label leaves its request out, and the number is told."""
    some = records(100)
    weak, strong = some.queries[0].outcomes
    changed = (
        replace(some.queries[0], outcomes=(weak, None), inclusion=(1.0, 0.25)),
        replace(some.queries[1], inclusion=(1.0, 0.25)),
        replace(some.queries[2], inclusion=None),
        replace(some.queries[3], outcomes=(weak, replace(strong, quality=math.nan))),
        replace(some.queries[4], outcomes=(None, None)),
    )
    log = bandit_log(replace(some, queries=(*changed, *some.queries[5:])), PLAN)
    assert log.dropped == 2
    assert log.seen[:3].tolist() == [[True, False], [True, True], [True, True]]
    assert log.inclusion[:2].tolist() == [[1.0, 0.25], [1.0, 0.25]]
    assert np.isnan(log.inclusion[2]).all()
    assert (log.inclusion[3:] == 1).all()
    assert np.isnan(log.table.chances[0b11][0]).all()


def test_a_log_of_records_is_evaluated_as_the_table_of_all_of_them():
    """With every tier asked on purpose, off-policy evaluation is a walk over the table."""
    some = records(100)
    got = evaluate_off_policy(bandit_log(some, PLAN), PLAN.rule)
    truth = walk(table_of(some, PLAN), PLAN.rule)
    assert got.method == "direct"
    assert got.value.quality == pytest.approx(truth.quality.mean())
    assert got.value.cost == pytest.approx(truth.cost.mean())


def test_a_log_without_labels_is_refused():
    """Where nothing is labelled there is nothing to evaluate."""
    some = records(5)
    bare = tuple(replace(query, outcomes=(None, None)) for query in some.queries)
    with pytest.raises(InputError, match="label the answers first"):
        bandit_log(replace(some, queries=bare), PLAN)


def test_a_clip_below_one_is_refused():
    """A request stands at least for itself."""
    log = logged(full(50, seed=1), bars=LOGGING, audit=0.5, seed=2)
    with pytest.raises(InputError, match="at 1 or above"):
        evaluate_off_policy(log, MORE, clip=0.5)
