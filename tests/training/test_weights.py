"""What each row stands for, from the log to the certificate, on simulated logs of which only a part was labelled."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest

from router.assess import Trained
from router.errors import InputError
from router.plan import Plan
from router.policy import Always, CostAware
from router.pricing import NANO
from tests.training.simulated import TIERS, records
from training.evaluate import evaluate
from training.fit import fit
from training.long_format import read_records, write_records
from training.metrics import auroc, brier, debiased_ece, ece, graded, log_loss, reliability
from training.promote import Judged, Margins, gate
from training.records import Query, Records, label_weight, row_weight
from training.table import table_of
from training.tune import Objective, ship, tune

RUNGS = ["confidence"]
WAYS = ("bought", "observed")


def chance(query: Query) -> float:
    """How likely a request is to be labelled at every tier: the less sure the small tier was, the likelier."""
    values = query.outcomes[0].completion.logprobs.values
    return float(np.clip(0.2 + 0.9 * (-0.25 - sum(values) / len(values)), 0.2, 1.0))


def partial(full: Records, how: str, *, seed: int = 3) -> Records:
    """Of ``full`` the labels of a sample of which uncertain requests are more: its labels bought, or its strong answers
    observed, with that probability written down.
    """
    rng = random.Random(seed)
    queries = []
    for query in full.queries:
        p = chance(query)
        drawn = rng.random() < p
        if how == "bought":
            change = {"weight": 1 / p} if drawn else {"quality": math.nan}
            queries.append(replace(query, outcomes=tuple(replace(one, **change) for one in query.outcomes)))
        else:
            outcomes = query.outcomes if drawn else (query.outcomes[0], None)
            queries.append(replace(query, outcomes=outcomes, inclusion=(1.0, p)))
    return replace(full, queries=tuple(queries))


def forgetful(part: Records) -> Records:
    """The same rows with nothing said of how they were chosen."""
    return replace(
        part,
        queries=tuple(
            replace(query, outcomes=tuple(one and replace(one, weight=1.0) for one in query.outcomes), inclusion=())
            for query in part.queries
        ),
    )


@pytest.fixture(scope="module")
def full():
    """Simulated full information."""
    return records(3000, seed=21)


@pytest.fixture(scope="module")
def fits(full):
    """What is fitted on all of it, on each part of it, and on each part by who forgets how it was chosen."""
    logs = {"full": full}
    for how in WAYS:
        logs[how] = partial(full, how)
        logs[f"{how}, unweighted"] = forgetful(logs[how])
    return {name: (log, fit(log, TIERS, rungs=RUNGS)) for name, log in logs.items()}


def plan(fitted, rule) -> Plan:
    return Plan(ladder=TIERS, assessor=Trained(TIERS, fitted.bundle.estimators), rule=rule, best_single="large")


def tuned_quality(fitted, strong: float) -> float:
    """The quality that tuning promises for three tenths of ``strong``, what always-strong costs in nano-dollars."""
    budget = Objective(budget=0.3 * strong / NANO * 1000)
    return tune(fitted.table, budget, families=("single", "cost_aware")).naive.quality


@pytest.mark.parametrize("how", WAYS)
def test_a_sample_of_uncertain_requests_tunes_as_all_requests_do_when_weighted(fits, how):
    """The promised quality is that of full information within noise; unweighted it is far below."""
    strong = fits["full"][1].table.cost[:, -1].mean()
    truth = tuned_quality(fits["full"][1], strong)
    weight = fits[how][1].table.weight
    noise = 0.46 / math.sqrt(weight.sum() ** 2 / (weight**2).sum())
    assert abs(tuned_quality(fits[how][1], strong) - truth) < 2 * noise
    assert tuned_quality(fits[f"{how}, unweighted"][1], strong) - truth < -6 * noise


def test_heads_and_calibration_learn_the_traffic_and_not_the_sample(fits):
    """The mean chance of the small tier over all prompts is the share that it gets right; unweighted it is too low."""
    log = fits["full"][0].split("test")
    right = np.mean([query.qualities[0] for query in log.queries])
    said = {
        name: np.nanmean(table_of(log, plan(fitted, Always())).chances[0][:, 0]) for name, (_, fitted) in fits.items()
    }
    assert abs(said["full"] - right) < 0.04
    assert abs(said["bought"] - right) < 0.05
    assert abs(said["observed"] - right) < 0.05
    assert said["bought, unweighted"] < right - 0.15


@pytest.mark.parametrize("how", WAYS)
def test_an_evaluation_of_the_sample_is_one_of_all_requests(fits, how):
    """Means, intervals, baselines and calibration weigh the rows; the interval holds the truth and is wider for it."""
    rule = CostAware(quality_per_dollar=2000.0)
    judged = {
        name: evaluate(fits[name][0].split("test"), plan(fits["full"][1], rule), split="test")
        for name in ("full", how, f"{how}, unweighted")
    }
    truth = judged["full"]["policy"]["quality"]
    low, high = judged[how]["policy"]["quality_interval"]
    assert low < truth < high
    assert judged[f"{how}, unweighted"]["policy"]["quality_interval"][1] < truth
    assert (
        abs(
            judged[how]["baselines"]["always_cheap"]["quality"] - judged["full"]["baselines"]["always_cheap"]["quality"]
        )
        < 0.05
    )
    assert judged[how]["scorer"]["small"]["ece"] != judged[f"{how}, unweighted"]["scorer"]["small"]["ece"]
    assert "weighted" in judged[how]["protocol"]
    assert "weighted" not in judged["full"]["protocol"]
    assert json.loads(json.dumps(judged[how], allow_nan=False)) is not None


@pytest.mark.parametrize("how", WAYS)
def test_the_certificate_bounds_weights_by_training_rows_alone(fits, how):
    """A certification row that stands for more than any training row does counts as the largest of those, and the
    statement says so; it ends no run.
    """
    log, fitted = fits[how]
    tuned = tune(fitted.table, Objective(target_quality=0.6), families=("single", "cost_aware"))
    table = table_of(log.split("certify").labelled(), plan(fitted, Always()))
    heavy = replace(table, weight=np.where(np.arange(len(table)) == 0, 50.0, table.weight))

    plain, capped = ship(tuned, table, train=fitted.table), ship(tuned, heavy, train=fitted.table)

    assert fitted.table.weight.max() <= 5.0 + 1e-9
    assert plain.certificate.certified
    assert capped.certificate.certified
    assert "1 would have" not in plain.certificate.statement
    assert "No prompt counts as more than" in capped.certificate.statement


def test_a_row_stands_for_what_observed_it_times_what_its_labels_stand_for(full):
    """One over the least inclusion probability, times the largest label weight; an unlabelled answer has none."""
    query = full.queries[0]
    small, large = query.outcomes
    both = (replace(small, weight=2.0), replace(large, weight=4.0))
    assert row_weight(query) == 1.0
    assert row_weight(replace(query, inclusion=(1.0, 0.5))) == 2.0
    assert row_weight(replace(query, outcomes=both, inclusion=(1.0, 0.5))) == 8.0
    assert label_weight(replace(query, outcomes=(both[0], replace(large, quality=math.nan, weight=9.0)))) == 2.0
    assert label_weight(replace(query, outcomes=(None, None))) == 1.0
    assert math.isnan(row_weight(replace(query, inclusion=None)))


def test_weights_survive_the_file(full, tmp_path):
    """What is written and read again has the same weights, both kinds."""
    part = replace(full, queries=partial(full, "bought").queries[:20] + partial(full, "observed").queries[20:40])
    write_records(part, tmp_path / "log.parquet")
    back = read_records(tmp_path / "log.parquet", TIERS)
    assert [row_weight(query) for query in back.queries] == [row_weight(query) for query in part.queries]


def test_weights_of_whole_numbers_are_repetitions():
    """Every figure of a confidence is the same for a row of weight 3 as for the row three times."""
    rng = np.random.default_rng(0)
    chances, times = np.round(rng.random(300), 2), rng.integers(1, 4, 300)
    good = (rng.random(300) < chances**1.5).astype(float)
    many = np.repeat(np.arange(300), times)
    weight = times.astype(float)
    for figure in (auroc, brier, log_loss):
        assert figure(chances, good, weight=weight) == pytest.approx(figure(chances[many], good[many]))
    # Bins of equal mass may cut through repetitions but not through a row.
    assert ece(chances, good, weight=weight) == pytest.approx(ece(chances[many], good[many]), abs=0.02)
    assert graded(chances, good, weight=weight)["aurc"] == pytest.approx(
        graded(chances[many], good[many])["aurc"], abs=0.01
    )


def test_equal_weights_change_no_figure():
    """Weights of one and the same, whatever it is, are no weights."""
    rng = np.random.default_rng(1)
    chances = rng.random(200)
    good = (rng.random(200) < chances).astype(float)
    same = np.full(200, 2.5)
    assert graded(chances, good, weight=same) == pytest.approx(graded(chances, good))
    assert reliability(chances, good, weight=same)[0] == pytest.approx(reliability(chances, good)[0])
    assert debiased_ece(chances, good, weight=same) == pytest.approx(debiased_ece(chances, good))


def test_the_gate_weighs_its_rows():
    """A challenger that is worse only on rows which stand for many is refused, though most rows are as good."""
    n = 200
    heavy = np.arange(n) < 20
    weight = np.where(heavy, 20.0, 1.0)
    cost = np.ones(n)
    champion = Judged("a", np.ones(n), 2 * cost, np.full(n, np.nan), weight)
    challenger = Judged("b", np.where(heavy & (np.arange(n) % 2 == 0), 0.0, 1.0), cost, np.full(n, np.nan), weight)
    keys, margins = tuple(map(str, range(n))), Margins(quality=0.12)

    plain = gate(replace(challenger, weight=None), replace(champion, weight=None), keys=keys, margins=margins)
    weighed = gate(challenger, champion, keys=keys, margins=margins)

    assert plain.promote
    assert not weighed.promote
    assert weighed.figures["quality_difference"] == pytest.approx(-200 / 580)


def test_rows_of_unknown_probability_cannot_be_judged(fits):
    """Where the log does not say how a row came to be seen, its evaluation says so in a sentence."""
    log, fitted = fits["full"]
    silent = replace(log, queries=tuple(replace(query, inclusion=None) for query in log.split("test").queries))
    with pytest.raises(InputError, match="does not say with which probability"):
        evaluate(silent, plan(fitted, Always()), split="test")


@pytest.mark.parametrize("unknown", [math.nan, 0.0])
def test_an_answer_of_unknown_probability_teaches_nothing(full, unknown):
    """Its row is not tuned on, and the others are learned from as if it had no label."""
    sure = [replace(query, inclusion=(1.0, 1.0)) for query in full.queries]
    train = next(place for place, query in enumerate(sure) if query.split == "train")
    strong = sure[train].outcomes[1]
    doubtful, unlabelled = list(sure), list(sure)
    doubtful[train] = replace(sure[train], inclusion=(1.0, unknown))
    unlabelled[train] = replace(sure[train], outcomes=(sure[train].outcomes[0], replace(strong, quality=math.nan)))

    found, without = (
        fit(replace(full, queries=tuple(queries)), TIERS, rungs=RUNGS) for queries in (doubtful, unlabelled)
    )

    assert found.table.keys == without.table.keys
    assert found.table.weight.tolist() == [1.0] * len(found.table)
    assert np.allclose(found.table.chances[0], without.table.chances[0])


def test_a_tier_that_is_never_asked_after_some_answers_is_learned_from_the_others(full):
    """A probability of 0 where there is no answer divides nothing."""
    queries = [
        replace(query, inclusion=(1.0, 0.5))
        if place % 2
        else replace(query, inclusion=(1.0, 0.0), outcomes=(query.outcomes[0], None))
        for place, query in enumerate(full.queries)
    ]

    found = fit(replace(full, queries=tuple(queries)), TIERS, rungs=RUNGS)

    assert set(found.table.weight.tolist()) == {2.0}
