"""Judging a policy: its figures, its baselines, its slices, and what must not leak. On simulated logs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from router.assess import Trained, Untrained
from router.decision import Attempt, Decision
from router.errors import InputError
from router.plan import Plan
from router.policy import Always, CostAware, Rule, Thresholds
from router.types import Completion, Request, Usage, as_messages
from tests.kit import ladder
from tests.training.simulated import TIERS, records
from training.bars import bars
from training.baselines import Aim, learned, oracle, random_mix, single, zero_router
from training.evaluate import Training, evaluate
from training.fit import fit
from training.guarantee import Goal, Trial, certify
from training.policy_metrics import label_of
from training.records import Outcome, Query, Records
from training.rows import rows_of
from training.table import walk


@dataclass(frozen=True)
class Tuned:
    rule: Rule
    family: str
    quality: float
    cost: float


@pytest.fixture(scope="module")
def logs():
    return records(800)


@pytest.fixture(scope="module")
def fitted(logs):
    return fit(logs, TIERS, rungs=["answer"])


@pytest.fixture(scope="module")
def plan(fitted):
    return Plan(
        ladder=TIERS,
        assessor=Trained(TIERS, fitted.bundle.estimators),
        rule=CostAware(quality_per_dollar=1500.0),
        best_single="large",
    )


@pytest.fixture(scope="module")
def training(logs, fitted):
    rules = [("single", Always(0)), ("single", Always(1))]
    rules += [("cost_aware", CostAware(quality_per_dollar=float(price))) for price in (100, 1000, 5000, 20000)]
    walks = [(family, rule, walk(fitted.table, rule)) for family, rule in rules]
    return Training(
        records=logs,
        table=fitted.table,
        aim=Aim(share=0.95),
        alternatives={"frugal": Thresholds(start=(0.0, 0.0), accept=(0.6, 0.0))},
        candidates=[Tuned(rule, family, done.quality.mean(), done.cost.mean()) for family, rule, done in walks],
    )


@pytest.fixture(scope="module")
def result(logs, plan, training):
    return evaluate(logs.split("test"), plan, split="test", training=training)


def hand_made(qualities, *, prompts=None, splits="test"):
    """Queries whose answers cost 10,000 and 100,000 nano-dollars: ten tokens each, at tenfold prices."""
    queries = []
    for number, row in enumerate(qualities):
        prompt = prompts[number] if prompts else f"prompt {number}"
        request = Request(messages=as_messages(prompt))
        outcomes = tuple(
            Outcome(Completion(text="yes", usage=Usage(input_tokens=10, output_tokens=0), stop="end"), float(quality))
            for quality in row
        )
        queries.append(
            Query(id=f"q{number}", request=request, outcomes=outcomes, split=splits, split_key=request.prompt_hash)
        )
    return Records(TIERS.names, tuple(queries))


@pytest.fixture(scope="module")
def untrained():
    return Plan(ladder=TIERS, assessor=Untrained(TIERS), rule=Always(1), best_single="large")


# --- the whole


def test_the_result_is_json_with_every_part(result):
    """The shape that report, tracking and promotion read; no NaN in it."""
    told = json.loads(json.dumps(result, allow_nan=False))

    assert told.keys() == {
        "n", "protocol", "policy_version", "profile", "tiers", "policy", "baselines", "metrics", "metrics_notes",
        "frontier", "hull", "scorer", "classifier", "calibration", "accept_errors", "slices", "gain", "importance",
        "thresholds",
        "certificate",
    }  # fmt: skip
    assert told["baselines"].keys() == {
        "always_cheap", "always_strong", "best_single", "single:small", "single:large", "zero_router", "random_mix",
        "length", "knn", "weak_threshold", "raw_confidence", "frugal", "oracle",
    }  # fmt: skip
    assert {
        "quality", "cost_per_1k", "quality_interval", "cost_interval", "gain_over_best_single", "gain_interval",
        "share_of_strong_quality", "share_of_strong_quality_interval", "cost_of_strong", "cost_of_strong_interval",
        "escalation_rate", "visit_share", "final_share", "cost_share", "wasted_share",
    } <= told["policy"].keys()  # fmt: skip
    assert {
        "apgr_calls", "apgr_cost", "cpt50", "cpt80", "cost_cpt50", "cost_cpt80", "aiq", "cost_at", "cost_save",
        "perf_gain", "regret",
    } <= told["metrics"].keys()  # fmt: skip
    assert told["metrics"]["cost_at"].keys() == {"0.90", "0.95", "0.98", "0.99", "1.00"}
    assert all({"auroc", "ece", "brier", "aurc", "log_loss"} <= row.keys() for row in told["scorer"].values())
    assert told["tiers"] == ["small", "large"]
    assert told["n"] == 160
    assert told["profile"] == "default"


def test_the_policy_is_walked_as_the_table_says(logs, plan, result, training):
    """The replay through the cascade and the frontier's walk of the same rule agree."""
    one = replace(training, candidates=[Tuned(plan.rule, "cost_aware", 0.7, 1.0)])

    again = evaluate(logs.split("test"), plan, split="test", training=one)
    point = again["frontier"][0]

    assert point["quality"] == pytest.approx(result["policy"]["quality"])
    assert point["cost_per_1k"] == pytest.approx(result["policy"]["cost_per_1k"])
    assert point["label"] == "cost_aware quality_per_dollar=1500 keep=best"


def test_shares_add_up(result):
    """Money and answers go somewhere, exactly once."""
    policy = result["policy"]

    assert sum(policy["cost_share"].values()) == pytest.approx(1)
    assert sum(policy["final_share"].values()) == pytest.approx(1)
    assert all(policy["final_share"][tier] <= policy["visit_share"][tier] for tier in ("small", "large"))
    assert policy["escalation_rate"]["large"] == 0
    assert 0 <= policy["wasted_share"] < 1
    assert policy["latency"]["p50"] == pytest.approx(0.1)


def test_intervals_hold_their_figures(result):
    """Each between its bounds, and the ratio is that of the means."""
    policy = result["policy"]
    strong = result["baselines"]["always_strong"]

    for name in ("quality", "share_of_strong_quality", "cost_of_strong"):
        low, high = policy[f"{name}_interval"]
        assert low <= policy[name] <= high
    assert policy["share_of_strong_quality"] == pytest.approx(policy["quality"] / strong["quality"])
    assert policy["cost_of_strong"] == pytest.approx(policy["cost_per_1k"] / strong["cost_per_1k"])
    assert result["baselines"]["always_strong"]["policy_gain_interval"][0] > 0


def test_the_protocol_says_whether_the_rows_were_held_out(logs, plan):
    """The test split is, the certify split nearly, the train split is not."""
    few = {split: logs.split(split) for split in ("train", "certify", "test")}
    few = {split: replace(rows, queries=rows.queries[:60]) for split, rows in few.items()}

    said = {split: evaluate(rows, plan, split=split)["protocol"] for split, rows in few.items()}

    assert "shares no split key" in said["test"]
    assert "the certificate used" in said["certify"]
    assert "NOT held out" in said["train"]


def test_without_training_rows_only_what_needs_none_is_told(logs, plan):
    """Single tiers, mixes and the oracle; no frontier, and a certificate only when there is one."""
    found = evaluate(logs.split("test"), plan, split="test")

    assert found["baselines"].keys() == {
        "always_cheap", "always_strong", "best_single", "single:small", "single:large", "zero_router", "random_mix",
        "oracle",
    }  # fmt: skip
    assert (found["frontier"], found["certificate"]) == ([], None)


def test_an_untrained_plan_can_be_judged(logs, untrained):
    """No estimator, no figures of one; everything else stands."""
    found = json.loads(json.dumps(evaluate(logs.split("test"), untrained, split="test"), allow_nan=False))

    assert found["policy"]["cost_of_strong"] == 1
    assert found["scorer"]["small"] == dict.fromkeys(found["scorer"]["small"])
    assert (found["calibration"], found["importance"], found["gain"], found["thresholds"]) == ({}, [], None, [])
    assert found["metrics"]["prompt_apgr_calls"] is None


def test_importance_names_what_moves_the_confidence(result):
    """In the simulated logs the log-probabilities tell of quality: one of them is among the first inputs."""
    found = result["importance"]
    shares = [row["importance"] for row in found]

    assert any("logprob" in row["name"] or "logit" in row["name"] for row in found[:5])
    assert shares == sorted(shares, reverse=True)
    assert min(shares) > 0


def test_calibration_is_told_before_and_after(result):
    """The bins hold every row, and the figures after are those of the scorer."""
    for tier, found in result["calibration"].items():
        assert sum(row["n"] for row in found["before"]["bins"]) == result["n"]
        assert found["after"]["ece"] == result["scorer"][tier]["ece"]


def test_the_gain_histogram_holds_every_row(result):
    """Edges one more than counts."""
    assert sum(result["gain"]["counts"]) == result["n"]
    assert len(result["gain"]["edges"]) == len(result["gain"]["counts"]) + 1


def test_a_certificate_is_carried_along(logs, plan):
    """As its JSON."""
    strong = np.ones(60)
    certificate = certify(
        [Trial(label="rule", quality=strong, cost=strong)],
        strong=strong,
        keys=[str(i) for i in range(60)],
        goal=Goal(share=0.9),
    )

    found = evaluate(logs.split("test"), plan, split="test", certificate=certificate)

    assert found["certificate"] == certificate.as_dict()
    assert evaluate(logs.split("test"), plan, split="test", certificate={"certified": False})["certificate"] == {
        "certified": False
    }


# --- guards


def test_a_prompt_that_was_trained_on_is_refused(logs, plan, training):
    """A score on it would be flattered."""
    leaked = replace(logs.split("train").queries[0], split="test")
    rows = replace(logs, queries=(*logs.split("test").queries, leaked))

    with pytest.raises(InputError, match="1 prompts stand in two splits"):
        evaluate(rows, plan, split="test", training=training)


def test_a_table_of_other_rows_is_refused(logs, plan, training):
    """The table must be that of the training rows."""
    short = replace(training, table=training.table.take([0, 1, 2]))

    with pytest.raises(InputError, match="training table has 3 rows"):
        evaluate(logs.split("test"), plan, split="test", training=short)


def test_rows_that_cannot_be_judged_are_refused(untrained):
    """No label, no token counts, no propensities: a sentence each."""
    rows = hand_made([(1, 1), (0, 1)])
    first = rows.queries[0]
    unlabelled = replace(rows, queries=(replace(first, outcomes=(first.outcomes[0], None)),))
    untold = replace(
        first, outcomes=(first.outcomes[0], Outcome(replace(first.outcomes[1].completion, usage=None), 1.0))
    )

    with pytest.raises(InputError, match="no row is labelled at every tier"):
        evaluate(unlabelled, untrained, split="test")
    with pytest.raises(InputError, match="query 'q0' has an answer without token counts"):
        evaluate(replace(rows, queries=(untold,)), untrained, split="test")
    with pytest.raises(InputError, match="query 'q0' does not say with which probability"):
        evaluate(replace(rows, queries=(replace(first, inclusion=None),)), untrained, split="test")


def test_rows_of_a_bandit_log_are_weighted(untrained):
    """A query seen with probability 1/3 counts three times."""
    rows = hand_made([(0, 0), (1, 1)])
    weighted = replace(rows, queries=(replace(rows.queries[0], inclusion=(1.0, 1 / 3)), rows.queries[1]))

    found = evaluate(weighted, untrained, split="test")

    assert found["policy"]["quality"] == pytest.approx(0.25)
    assert "rows weighted" in found["protocol"]


# --- baselines


def test_single_tiers_mixes_and_the_oracle_by_hand(untrained):
    """Costs 10,000 and 100,000 nano-dollars; qualities 0.5 and 0.75; at 55,000 both mixes are half and half."""
    rows = rows_of(hand_made([(1, 1), (1, 0), (0, 1), (0, 1)]), untrained)

    tiers, mix, zero, best = (
        single(rows, TIERS.names),
        random_mix(rows, 55_000),
        zero_router(rows, 55_000),
        oracle(rows),
    )

    assert tiers["best_single"].facts == {"tier": "large"}
    assert (tiers["always_cheap"].quality.mean(), tiers["always_strong"].quality.mean()) == (0.5, 0.75)
    assert mix.facts["strong_share"] == pytest.approx(0.5)
    for found in (mix, zero):
        assert found.quality.mean() == pytest.approx(0.625)
        assert found.cost.mean() == pytest.approx(55_000)
    assert best.quality.mean() == 1.0
    assert best.cost.mean() == pytest.approx((10_000 * 2 + 100_000 * 2) / 4)


def test_mixes_stay_within_the_tiers(untrained):
    """A policy that spends more than the strongest tier is held against the strongest tier."""
    rows = rows_of(hand_made([(1, 1), (0, 1)]), untrained)

    assert zero_router(rows, 1e9).quality.mean() == random_mix(rows, 1e9).quality.mean() == 1.0
    assert zero_router(rows, 0.0).cost.mean() == random_mix(rows, 0.0).cost.mean() == 10_000


@pytest.mark.parametrize(
    ("aim", "chosen"),
    [
        (Aim(share=0.9), 1),
        (Aim(quality=0.85), 2),
        (Aim(share=2.0), 2),
        (Aim(budget=6.0), 1),
        (Aim(budget=0.5), 0),
        (Aim(share=0.9, budget=4.0), 0),
        (Aim(share=0.5, budget=4.0), 0),
    ],
)
def test_an_operating_point_is_the_cheapest_that_meets_the_aim(aim, chosen):
    """Points (0.5 at 1), (0.8 at 5), (0.9 at 10), the strongest tier at 0.8."""
    assert aim.choose(np.array([0.5, 0.8, 0.9]), np.array([1.0, 5.0, 10.0]), 0.8) == chosen


def test_learned_baselines_find_what_there_is_to_find(untrained):
    """Long prompts need the strongest tier, and so do those about law: length and neighbours both learn it."""
    prompts = [
        f"{topic} {'very ' * (40 if topic == 'law' else 1)}question number {number}"
        for number, topic in product(range(100), ("law", "sums"))
    ]
    qualities = [(0, 1) if prompt.startswith("law") else (1, 1) for prompt in prompts]
    train = rows_of(hand_made(qualities[:120], prompts=prompts[:120], splits="train"), untrained)
    test = rows_of(hand_made(qualities[120:], prompts=prompts[120:]), untrained)
    chances = tuple(
        1 - np.array([[float(prompt.startswith("law")), 0.0] for prompt in part])
        for part in (prompts[:120], prompts[120:])
    )

    found = learned(test, train, Aim(share=1.0), seen=chances)

    assert found.keys() == {"length", "knn", "weak_threshold"}
    for name, baseline in found.items():
        assert (name, baseline.quality.mean(), baseline.cost.mean()) == (name, 1.0, 55_000)


def test_the_raw_confidence_cascade_pays_for_every_call(logs, untrained):
    """At a share that needs the strongest tier often, the cheap calls before it are charged too."""
    test, train = (rows_of(logs.split(split), untrained) for split in ("test", "train"))

    always = learned(test, train, Aim(quality=0.99), seen=None)["raw_confidence"]
    never = learned(test, train, Aim(budget=0.0), seen=None)["raw_confidence"]

    assert always.cost.max() <= test.cost.sum(axis=1).max()
    assert always.quality.mean() > test.quality[:, 0].mean()
    assert never.cost.tolist() == test.cost[:, 0].tolist()


def test_baselines_learn_nothing_from_the_rows_they_are_judged_on(logs, untrained):
    """Other test labels change what is measured, and not what is chosen."""
    train, test = rows_of(logs.split("train"), untrained), rows_of(logs.split("test"), untrained)
    flipped = replace(test, quality=1 - test.quality)

    for name, before in learned(test, train, Aim(share=0.95), seen=None).items():
        after = learned(flipped, train, Aim(share=0.95), seen=None)[name]
        assert (name, after.cost.tolist()) == (name, before.cost.tolist())


def test_neighbours_do_not_see_their_own_label(untrained):
    """Where labels are coin throws, the training rows' own would look perfect: the operating point must not."""
    rng = np.random.default_rng(0)
    qualities = [(float(rng.random() < 0.5), float(rng.random() < 0.5)) for _ in range(200)]
    train = rows_of(hand_made(qualities[:150], splits="train"), untrained)
    test = rows_of(hand_made(qualities[150:]), untrained)

    knn = learned(test, train, Aim(share=1.0), seen=None)["knn"]

    assert knn.facts == {"neighbours": 100}
    assert abs(knn.quality.mean() - 0.5) < 0.25


# --- slices and bars


def test_slices_are_per_task_tag_and_length_with_at_least_fifty(logs, untrained):
    """Four simulated tasks, one tag value of 240 rows and four of 48, and thirds that hold every row."""
    train = logs.split("train")
    tagged = tuple(
        replace(query, request=replace(query.request, tags={"feature": "search" if place % 2 else "rare"[: place % 5]}))
        for place, query in enumerate(train.queries)
    )

    found = evaluate(replace(train, queries=tagged), untrained, split="train")["slices"]
    names = [row["slice"] for row in found]

    assert [name for name in names if name.startswith("feature")] == ["feature=search"]
    assert sorted(name for name in names if name.startswith("task")) == [
        "task=copy",
        "task=count",
        "task=guess",
        "task=name",
    ]
    assert sum(row["n"] for row in found if row["slice"].startswith("prompt")) == len(train)
    assert min(row["n"] for row in found) >= 50
    for row in found:
        assert row["quality_interval"][0] <= row["quality"] <= row["quality_interval"][1]
        assert row["quality"] == row["strong_quality"]
        assert row["cost_of_strong"] == pytest.approx(1)


def decision(confidence, threshold, verdict):
    attempts = [
        Attempt(tier="small", model="m", verdict=verdict, reason="", confidence=confidence, threshold=threshold)
    ]
    if verdict == "escalated":
        attempts.append(Attempt(tier="large", model="m", verdict="accepted", reason="", confidence=0.9, threshold=0.0))
    return Decision(id="d", created=0.0, start="small", reason="", attempts=tuple(attempts))


def test_a_plain_threshold_is_told_as_it_is():
    """And how many answers reached it."""
    done = [decision(0.9, 0.6, "accepted"), decision(0.3, 0.6, "escalated"), decision(0.7, 0.6, "accepted")]

    found = bars(done, Thresholds(start=(0.0, 0.0), accept=(0.6, 0.0)), ("small", "large"))

    assert found == [
        {
            "after": "small",
            "n": 3,
            "share_accepted": pytest.approx(2 / 3),
            "accept_at_or_above": 0.6,
            "note": "the same for every request",
        }
    ]


def test_bars_of_each_request_are_told_as_the_one_that_decides_most_alike():
    """Accepted at 0.9 and 0.5, escalated at 0.3 and 0.6: a bar of 0.5 or 0.9 is wrong once in four."""
    done = [
        decision(0.9, 0.6, "accepted"),
        decision(0.5, 0.4, "accepted"),
        decision(0.3, 0.6, "escalated"),
        decision(0.6, 0.7, "escalated"),
    ]

    (found,) = bars(done, CostAware(quality_per_dollar=1.0), ("small", "large"))

    assert found["accept_at_or_above"] in {0.5, 0.9}
    assert "75% of the answers alike" in found["note"]
    assert found["share_accepted"] == 0.5


def test_a_rule_has_a_short_label():
    """Its kind and its plain parameters, not its arrays nor its prose."""
    assert label_of(Always(1)) == "always rank=1"
    assert label_of(Thresholds(start=(0.1, 0.2), accept=(0.3, 0.4))) == "thresholds keep=last"


def test_metrics_of_a_ladder_without_a_gap_are_none(untrained):
    """A strongest tier that is no better than the cheapest defines no PGR; costs are still matched."""
    rows = hand_made([(1, 1)] * 30 + [(0, 0)] * 30)

    found = evaluate(rows, untrained, split="test")["metrics"]

    assert found["pgr"] is found["apgr_calls"] is found["cpt50"] is found["delta_ibc"] is None
    assert found["cost_at"]["1.00"] == pytest.approx(0.1)
    assert found["cost_save"] == pytest.approx(0.9)
    assert found["perf_gain"] == pytest.approx(0)


def test_one_tier_alone_can_be_judged():
    """There is nothing to route, and the figures say so without breaking."""
    tiers = ladder("only")
    plan = Plan(ladder=tiers, assessor=Untrained(tiers), rule=Always(0), best_single="only")
    rows = Records(
        tiers.names,
        tuple(replace(query, outcomes=query.outcomes[:1]) for query in hand_made([(1, 1), (0, 0)] * 30).queries),
    )

    found = json.loads(json.dumps(evaluate(rows, plan, split="test"), allow_nan=False))

    assert found["baselines"].keys() == {"always_cheap", "always_strong", "best_single", "single:only", "oracle"}
    assert found["policy"]["quality"] == 0.5
    assert found["metrics"]["aiq"] is None
    assert math.isclose(found["metrics"]["regret"], 0.0)
