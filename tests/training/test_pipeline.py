"""Fitting, tuning and judging, on simulated logs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from router.assess import Trained
from router.cascade import Plan
from router.errors import InputError
from router.policy import Always, CostAware, Thresholds
from tests.kit import ladder
from tests.training.simulated import TIERS, records
from training.evaluate import evaluate
from training.fit import fit
from training.metrics import auroc, brier, ece, interval
from training.records import Outcome, disjoint
from training.replay import remembering, replay_all, with_rule
from training.tune import Objective, tune


@pytest.fixture(scope="module")
def logs():
    return records(1000)


@pytest.fixture(scope="module")
def plan(logs):
    bundle = fit(logs, TIERS).bundle
    return Plan(ladder=TIERS, assessor=Trained(TIERS, bundle.estimators), rule=bundle.rule, best_single="large")


def test_the_tuned_policy_beats_the_best_single_tier_at_lower_cost(logs, plan):
    tuned = tune(logs.split("tune"), plan, Objective())

    result = evaluate(logs.split("test"), with_rule(plan, tuned.chosen.rule), split="test")

    assert tuned.met
    assert result["policy"]["quality"] > result["baselines"]["best_single"]["quality"]
    assert result["policy"]["cost_per_1k"] < result["baselines"]["always_strong"]["cost_per_1k"]
    assert result["baselines"]["oracle"]["quality"] >= result["policy"]["quality"]
    assert result["scorer"]["small"]["auroc"] > 0.8
    assert json.loads(json.dumps(result, allow_nan=False)) is not None


def test_a_quality_target_takes_the_cheapest_rule_that_meets_it(logs, plan):
    tuned = tune(logs.split("tune"), plan, Objective(target_quality=0.9))

    strong = tuned.candidates[1]
    cheaper = [c for c in tuned.candidates if c.quality >= 0.9 * strong.quality and c.cost < tuned.chosen.cost]
    assert tuned.chosen.quality >= 0.9 * strong.quality
    assert cheaper == []


def test_a_budget_takes_the_best_rule_within_it(logs, plan):
    single = tune(logs.split("tune"), plan, Objective()).candidates[0]
    budget = single.cost * 3 / 1e9 * 1000

    tuned = tune(logs.split("tune"), plan, Objective(budget=budget))

    assert tuned.chosen.cost / 1e9 * 1000 <= budget
    assert all(c.quality <= tuned.chosen.quality for c in tuned.candidates if c.cost / 1e9 * 1000 <= budget)


def test_an_objective_that_nothing_meets_falls_back_to_the_strongest_tier(logs, plan):
    tuned = tune(logs.split("tune"), plan, Objective(target_quality=1.9))

    assert not tuned.met
    assert tuned.chosen.rule == Always(1)


def test_remembering_changes_no_decision(logs, plan):
    rows = replace(logs, queries=logs.queries[:60])
    for rule in (CostAware(quality_per_dollar=500.0), Thresholds(start=(0.4, 0.4), accept=(0.7, 0.7))):
        plain, quick = with_rule(plan, rule), remembering(with_rule(plan, rule))
        replay_all(rows, quick)

        first, second = replay_all(rows, plain), replay_all(rows, quick)

        assert first.decisions == second.decisions
        assert (first.cost == second.cost).all()


def test_cost_counts_every_call(logs, plan):
    rows = logs.split("test")
    done = replay_all(rows, with_rule(plan, CostAware(quality_per_dollar=0.0)))

    for decision, cost in zip(done.decisions, done.cost, strict=True):
        assert cost == sum(attempt.cost for attempt in decision.attempts)
    assert done.cost.mean() > 0


def test_expected_costs_add_up_to_real_ones(logs, plan):
    rows = logs.split("test").queries
    for rank in range(2):
        expected = sum(plan.assessor.begin(query.request).cost[rank] for query in rows)
        real = sum(TIERS[rank].cost(query.outcomes[rank].completion.usage) for query in rows)
        assert expected == pytest.approx(real, rel=0.1)


def test_splits_that_share_a_prompt_are_refused(logs):
    first = logs.split("fit")
    leaked = replace(logs.split("calibrate"), queries=(*logs.split("calibrate").queries, first.queries[0]))

    with pytest.raises(InputError, match="1 prompts stand in two splits"):
        disjoint(first, leaked)
    everything = replace(logs, queries=(*logs.queries, replace(first.queries[0], split="calibrate")))
    with pytest.raises(InputError, match="stand in two splits"):
        fit(everything, TIERS)


def test_one_class_and_too_few_labels_are_refused(logs):
    def labelled(quality):
        queries = tuple(
            replace(q, outcomes=tuple(Outcome(o.completion, quality) for o in q.outcomes)) for q in logs.queries
        )
        return replace(logs, queries=queries)

    with pytest.raises(InputError, match="every label is acceptable"):
        fit(labelled(1.0), TIERS)
    with pytest.raises(InputError, match="0 prompts are labelled at every tier; fitting needs at least 30"):
        fit(labelled(math.nan), TIERS)


def test_metrics_agree_with_scikit_learn():
    from sklearn.metrics import brier_score_loss, roc_auc_score

    rng = np.random.default_rng(0)
    good = rng.random(500) < 0.4
    confidence = np.round(np.clip(rng.normal(0.4 + 0.2 * good, 0.2), 0, 1), 2)

    assert auroc(confidence, good) == pytest.approx(roc_auc_score(good, confidence))
    assert brier(confidence, good) == pytest.approx(brier_score_loss(good, confidence))
    assert math.isnan(auroc(confidence, np.ones(500)))


def test_ece_is_zero_when_every_bin_is_right_and_one_when_all_are_wrong():
    assert ece(np.full(100, 0.25), np.tile([1.0, 0, 0, 0], 25), bins=1) == pytest.approx(0)
    assert ece(np.ones(50), np.zeros(50)) == 1


def test_the_interval_draws_whole_clusters():
    values = np.repeat([0.0, 1.0] * 10, 50)
    alone = interval(values, [str(i) for i in range(1000)])
    together = interval(values, [str(i // 50) for i in range(1000)])

    assert together[1] - together[0] > 3 * (alone[1] - alone[0])
    assert together[0] < 0.5 < together[1]


def test_three_tiers_can_be_trained_and_routed():
    tiers = ladder("small", "middle", "large")
    base = records(500)
    rng = np.random.default_rng(2)

    def widened(query):
        small, large = query.outcomes
        middle = Outcome(small.completion, float(max(small.quality, rng.random() < 0.3)))
        return replace(query, outcomes=(small, middle, large))

    logs = replace(base, tiers=tiers.names, queries=tuple(map(widened, base.queries)))
    bundle = fit(logs, tiers).bundle
    plan = Plan(ladder=tiers, assessor=Trained(tiers, bundle.estimators), rule=bundle.rule, best_single="large")

    tuned = tune(logs.split("tune"), plan, Objective())
    result = evaluate(logs.split("test"), with_rule(plan, tuned.chosen.rule), split="test")

    assert sorted(bundle.estimators.scorer) == [1, 2, 3, 4, 5, 6, 7]
    assert set(result["policy"]["escalation_rate"]) == {"small", "middle", "large"}
    assert result["policy"]["quality"] >= result["baselines"]["best_single"]["quality"] - 0.03
