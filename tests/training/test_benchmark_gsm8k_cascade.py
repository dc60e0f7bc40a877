"""The benchmark of a cascade without log-probabilities, on simulated answers."""

from __future__ import annotations

import time

import numpy as np
import pytest

from router.errors import InputError
from router.pricing import Price, per_million
from router.tiers import Ladder, Tier
from tests.training.test_benchmark_answer_scorer import RUNG, queries
from training.benchmarks import crossed_answers
from training.benchmarks.crossed_answers import Answered, crossed, side_of
from training.benchmarks.pairs import pairs_of
from training.benchmarks.routellm_gsm8k_cascade import developed, proved
from training.public import folder
from training.records import Records

TIERS = Ladder(
    tuple(
        Tier(name=name, api="fake", model=name, price=Price(rates=per_million(input=cost, output=cost)))
        for name, cost in (("weak", "1"), ("strong", "20"))
    )
)


def answered(n):
    asked = tuple({one.split_key: one for one in queries(n)}.values())
    return Answered(queries=asked, pairs=pairs_of(Records(TIERS.names, asked), TIERS))


def test_every_answer_is_scored_by_fits_on_other_folds():
    """The scores come back in the order of the questions."""
    data = answered(160)

    held = crossed(data, RUNG["answer"], folds=2, seed=0, report=lambda _: None)

    assert held.gain.shape == held.knn.shape == (len(data.pairs),)
    assert held.gain[data.pairs.weak == 0].mean() > held.gain[data.pairs.weak == 1].mean() + 0.3
    assert held.price > 0


def test_the_proof_tells_targets_baselines_and_the_unseen_half():
    """A peer that is not there is a sentence."""
    started = time.perf_counter()

    made = proved(
        answered(200),
        peer="not here",
        report=lambda _: None,
        quick=True,
        started=started,
        ours="answer",
        plain="prompt",
    )

    found = made.as_dict()

    assert found["metrics"]["apgr"] > 0.7
    assert found["metrics"]["auroc"] > 0.9
    assert all(
        name in found["metrics"] or name.removeprefix("unseen_half.") in found["metrics"]["unseen_half"]
        for name in found["targets"]
    )
    assert found["targets"]["unseen_half.auroc"] == {"reach": 0.84, "better": "higher"}
    for part in (found["intervals"], found["intervals"]["unseen_half"]):
        assert all(part[name]["low"] <= part[name]["high"] for name in ("ece", "regret"))
    assert found["intervals"]["apgr"]["low"] <= found["metrics"]["apgr"] <= found["intervals"]["apgr"]["high"]
    assert found["metrics"]["unseen_half"]["auroc"] > 0.9
    assert found["baselines"]["cascadeflow_confidence"] == {"missing": "not here"}
    assert {"linear_scorer", "classifier", "knn", "length", "oracle", "random_mix"} < set(found["baselines"])
    assert found["quick"] is True


def test_reading_the_answer_is_paid_for_also_where_the_strong_model_is_asked():
    """So it costs more than a router that would know as much."""
    data = answered(120)
    perfect = data.pairs.strong - data.pairs.weak
    side = side_of(data.pairs)

    cascade = side.judged(perfect, charged="both")
    router = side.judged(perfect)

    assert cascade["apgr"] == router["apgr"]
    assert cascade["cost_apgr"] < router["cost_apgr"]


def test_half_of_the_questions_were_developed_on_whatever_their_order():
    ids = [f"gsm8k/{number}" for number in range(101)]

    found = developed(ids)

    assert found.sum() == 50
    assert developed(ids[::-1]).tolist() == found[::-1].tolist()


def test_a_question_on_both_sides_is_refused():
    data = answered(40)

    with pytest.raises(InputError, match="rows to learn from are also judged"):
        crossed_answers._scored(data, data.take(np.arange(len(data.pairs)) < 3), RUNG["answer"])


@pytest.mark.skipif(not (folder() / "routellm.parquet").is_file(), reason="the public benchmark data is not there")
def test_the_halves_of_the_real_questions_are_those_of_development():
    from training.public import routellm

    records, _ = routellm("gsm8k")

    assert developed([query.id for query in records.queries]).sum() == 653
