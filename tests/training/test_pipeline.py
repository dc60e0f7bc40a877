"""Fitting, tuning, certifying and judging from end to end, on simulated logs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from router.assess import Trained
from router.errors import InputError
from router.plan import Plan
from router.policy import Always, CostAware, Thresholds
from router.pricing import usd
from tests.kit import ladder
from tests.training.simulated import TIERS, records
from training.errors import NotEnoughLabels
from training.evaluate import evaluate
from training.fit import fit
from training.metrics import auroc, brier, ece, interval
from training.records import Outcome, disjoint
from training.replay import remembering, replay_all, with_rule
from training.table import table_of
from training.tune import Objective, ship, tune


@pytest.fixture(scope="module")
def logs():
    return records(1000)


@pytest.fixture(scope="module")
def fitted(logs):
    return fit(logs, TIERS)


@pytest.fixture(scope="module")
def plan(fitted):
    bundle = fitted.bundle
    return Plan(ladder=TIERS, assessor=Trained(TIERS, bundle.estimators), rule=bundle.rule, best_single="large")


@pytest.fixture(scope="module")
def tried(fitted):
    return tune(fitted.table, Objective(target_quality=0.9)).candidates


def test_the_certified_policy_beats_the_best_single_tier_at_lower_cost(logs, fitted, plan, tried):
    """A target above the strongest tier's quality is within reach when tiers complement each other."""
    tuned = tune(fitted.table, Objective(target_quality=1.02), tried=tried)
    shipped = ship(tuned, table_of(logs.split("certify").labelled(), plan), train=fitted.table)

    result = evaluate(logs.split("test"), with_rule(plan, shipped.rule), split="test")

    assert shipped.certificate.certified
    assert result["policy"]["quality"] > result["baselines"]["best_single"]["quality"]
    assert result["policy"]["cost_per_1k"] < result["baselines"]["always_strong"]["cost_per_1k"]
    assert result["baselines"]["oracle"]["quality"] >= result["policy"]["quality"]
    assert result["scorer"]["small"]["auroc"] > 0.8
    assert json.loads(json.dumps(result, allow_nan=False)) is not None


def test_what_is_tuned_on_are_the_labelled_training_rows_only(logs, fitted):
    """Certification and test rows are in no table that rules are chosen on."""
    train = logs.split("train")

    assert {query.split_key for query in train.queries} == set(fitted.table.keys)
    assert len(train) == len(fitted.table)
    assert fitted.bundle.facts["rows"] == {"train": 600, "certify": 200, "test": 200}


def test_a_budget_takes_the_best_rule_within_it(fitted, tried):
    """On the training rows the end of the path spends the budget, and no candidate within it is better."""
    cheap = min(candidate.cost for candidate in tried)
    budget = usd(round(cheap * 3000))

    tuned = tune(fitted.table, Objective(budget=budget), tried=tried)

    assert tuned.met
    assert usd(round(tuned.naive.cost * 1000)) == pytest.approx(budget)
    within = [candidate for candidate in tried if candidate.cost <= tuned.naive.cost]
    assert all(candidate.quality <= tuned.naive.quality + 1e-9 for candidate in within)


def test_remembering_changes_no_decision(logs, plan):
    """Judging each prompt once, however many rules are replayed, is only quicker."""
    rows = replace(logs, queries=logs.queries[:60])
    for rule in (CostAware(quality_per_dollar=500.0), Thresholds(start=(0.4, 0.4), accept=(0.7, 0.7))):
        plain, quick = with_rule(plan, rule), remembering(with_rule(plan, rule))
        replay_all(rows, quick)

        first, second = replay_all(rows, plain), replay_all(rows, quick)

        assert first.decisions == second.decisions
        assert (first.cost == second.cost).all()


def test_cost_counts_every_call(logs, plan):
    """A rejected answer was paid for too."""
    rows = logs.split("test")
    done = replay_all(rows, with_rule(plan, CostAware(quality_per_dollar=0.0)))

    for decision, cost in zip(done.decisions, done.cost, strict=True):
        assert cost == sum(attempt.cost for attempt in decision.attempts)
    assert done.cost.mean() > 0


def test_expected_costs_add_up_to_real_ones(logs, plan):
    """On held-out rows the expected costs of a tier sum to what its calls cost."""
    rows = logs.split("test").queries
    for rank in range(2):
        expected = sum(plan.assessor.begin(query.request).cost[rank] for query in rows)
        real = sum(TIERS[rank].cost(query.outcomes[rank].completion.usage) for query in rows)
        assert expected == pytest.approx(real, rel=0.1)


def test_splits_that_share_a_prompt_are_refused(logs):
    """A prompt on both sides of a split would flatter every score; fitting and judging refuse it."""
    first = logs.split("train")
    certify = logs.split("certify")
    leaked = replace(certify, queries=(*certify.queries, first.queries[0]))

    with pytest.raises(InputError, match="1 prompts stand in two splits"):
        disjoint(first, leaked)
    everything = replace(logs, queries=(*logs.queries, replace(first.queries[0], split="certify")))
    with pytest.raises(InputError, match="stands in split 'certify' and, under the same split key, in 'train'"):
        fit(everything, TIERS)


def relabelled(logs, change):
    """The same logs with ``change(rank, quality)`` for labels."""
    return replace(
        logs,
        queries=tuple(
            replace(q, outcomes=tuple(replace(o, quality=change(rank, o.quality)) for rank, o in enumerate(q.outcomes)))
            for q in logs.queries
        ),
    )


@pytest.mark.parametrize(("label", "kind"), [(1.0, "acceptable"), (0.0, "unacceptable")])
def test_one_class_is_refused(logs, label, kind):
    """Labels that are all alike teach nothing, and the sentence says so."""
    with pytest.raises(InputError, match=f"every label is {kind}: there is nothing to learn from one class"):
        fit(relabelled(logs, lambda _rank, _quality: label), TIERS)


def test_one_tier_of_one_class_is_learned_as_a_base_rate(logs):
    """A tier that was always right in the log is held for nearly always right, whatever the prompt."""
    found = fit(relabelled(logs, lambda rank, quality: 1.0 if rank else quality), TIERS, rungs=["prompt"])

    chances = found.table.chances[0][:, 1]

    assert (chances > 0.98).all()
    assert np.ptp(chances) < 0.01


def test_a_tier_without_any_label_is_refused_by_name(logs):
    """Unlabelled is not wrong: without a label of the tier there is nothing to say of it."""
    with pytest.raises(NotEnoughLabels, match="no answer of tier 'large' among the training rows has a label") as found:
        fit(relabelled(logs, lambda rank, quality: math.nan if rank else quality), TIERS)
    assert found.value.needed == 15


def test_fewer_labels_than_the_lowest_rung_needs_are_refused(logs):
    """The sentence says how many there are and how many are needed."""
    few = replace(logs.split("train"), queries=logs.split("train").queries[:14])

    with pytest.raises(InputError, match="14 prompts are labelled at every tier; fitting needs at least 15"):
        fit(few, TIERS)
    with pytest.raises(InputError, match="600 prompts are labelled at every tier; fitting needs at least 2500"):
        fit(logs, TIERS, rungs=["trees"])


def test_the_lowest_rung_fits_on_fifteen_labels(logs):
    """From 15 labels up there is a bundle; its rule is always-strong until something is certified."""
    few = replace(logs.split("train"), queries=logs.split("train").queries[:15])

    found = fit(few, TIERS)

    assert found.rung.name == "confidence"
    assert found.bundle.facts["labelled"] == 15
    assert isinstance(found.bundle.rule, Always)
    assert found.prompts is None


def test_an_unknown_rung_is_refused(logs):
    """The sentence names the rungs that there are."""
    with pytest.raises(InputError, match="no rung 'deep'; there are confidence, prompt, answer, forest, trees"):
        fit(logs, TIERS, rungs=["deep"])


def test_a_log_without_propensities_cannot_be_fitted_on(logs):
    """A bandit log that does not say how its answers came about supports nothing unbiased."""
    mute = replace(logs, queries=tuple(replace(query, inclusion=None) for query in logs.queries))

    with pytest.raises(InputError, match="does not say with which probability each answer was observed"):
        fit(mute, TIERS)


def test_metrics_agree_with_scikit_learn():
    """AUROC with ties and the Brier score are the textbook's."""
    from sklearn.metrics import brier_score_loss, roc_auc_score

    rng = np.random.default_rng(0)
    good = rng.random(500) < 0.4
    confidence = np.round(np.clip(rng.normal(0.4 + 0.2 * good, 0.2), 0, 1), 2)

    assert auroc(confidence, good) == pytest.approx(roc_auc_score(good, confidence))
    assert brier(confidence, good) == pytest.approx(brier_score_loss(good, confidence))
    assert math.isnan(auroc(confidence, np.ones(500)))


def test_ece_is_zero_when_every_bin_is_right_and_one_when_all_are_wrong():
    """The two ends of the calibration error."""
    assert ece(np.full(100, 0.25), np.tile([1.0, 0, 0, 0], 25), bins=1) == pytest.approx(0)
    assert ece(np.ones(50), np.zeros(50)) == 1


def test_the_interval_draws_whole_clusters():
    """Rows that share a split key count as one observation."""
    values = np.repeat([0.0, 1.0] * 10, 50)
    alone = interval(values, [str(i) for i in range(1000)])
    together = interval(values, [str(i // 50) for i in range(1000)])

    assert together[1] - together[0] > 3 * (alone[1] - alone[0])
    assert together[0] < 0.5 < together[1]


def test_three_tiers_can_be_trained_and_routed():
    """States of one, two and three answers are fitted, and the tuned policy routes over all of them."""
    tiers = ladder("small", "middle", "large")
    base = records(500)
    rng = np.random.default_rng(2)

    def widened(query):
        small, large = query.outcomes
        middle = Outcome(small.completion, float(max(small.quality, rng.random() < 0.3)))
        return replace(query, outcomes=(small, middle, large))

    logs = replace(base, tiers=tiers.names, queries=tuple(map(widened, base.queries)))
    found = fit(logs, tiers, rungs=["answer"])
    bundle = found.bundle
    plan = Plan(ladder=tiers, assessor=Trained(tiers, bundle.estimators), rule=bundle.rule, best_single="large")

    tuned = tune(found.table, Objective(target_quality=1.0), families=("single", "cost_aware", "induction"))
    result = evaluate(logs.split("test"), with_rule(plan, tuned.naive.rule), split="test")

    assert sorted(bundle.estimators.scorer) == [1, 2, 3, 4, 5, 6, 7]
    assert {"small", "middle", "large"} == set(result["policy"]["escalation_rate"])
    assert result["policy"]["quality"] > result["baselines"]["always_cheap"]["quality"]
    assert result["policy"]["cost_per_1k"] < result["baselines"]["always_strong"]["cost_per_1k"]
