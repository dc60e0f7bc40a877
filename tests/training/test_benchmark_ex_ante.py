"""Routing before any answer, on simulated pairs: what is fitted, ranked and told."""

from __future__ import annotations

import numpy as np
import pytest

from router.errors import InputError
from tests.training.simulated_pairs import simulated_pairs
from training.benchmarks import routellm_gsm8k, routellm_mmlu
from training.benchmarks.ex_ante import Job, Predicted, Run, folded, pooled, routed
from training.benchmarks.ex_ante_figures import Parts, summary
from training.benchmarks.other_tasks import GSM8K, other_tasks
from training.benchmarks.overlap import apart
from training.benchmarks.pair_sources import routellm
from training.public import folder


def said(gain, pairs):
    """A run of which the gain is known."""
    chances = np.column_stack([np.full(len(pairs), 0.5), 0.5 + np.array(gain) / 2])
    return Run(test=pairs, predicted=Predicted(chances=chances, knn=np.zeros(len(pairs))), price=1e-7, n_train=5)


def test_a_classifier_that_read_the_question_asks_the_strong_tier_for_hard_ones():
    """Beside it stand what every benchmark is compared with, and a sentence where a peer is not there."""
    pairs = simulated_pairs(240)
    job = Job(train=pairs.take(slice(0, 160)), test=pairs.take(slice(160, 240)))
    told = []

    (run,) = routed([job], report=told.append, what="labels")
    found = summary(
        [run],
        among=pairs,
        peers={"other": "not here", "same": pairs.weak},
        check=lambda run: {"n": run.n_train},
        draws=20,
    )

    assert told == ["labels: fit 1 of 1"]
    assert run.predicted.chances.shape == (80, 2)
    assert run.n_train == 160
    assert found.metrics["apgr"] > 0.65
    assert found.metrics["apgr"] > found.baselines["random_mix"]["apgr"] == pytest.approx(0.5)
    assert found.metrics["ece"] < 0.2
    assert found.intervals["apgr"][0] <= found.metrics["apgr"] <= found.intervals["apgr"][1]
    assert {
        "always_cheap", "always_strong", "best_single", "random_mix", "length", "knn", "weak_threshold", "oracle",
    } < set(found.baselines)  # fmt: skip
    assert found.baselines["other"] == {"missing": "not here"}
    assert found.baselines["same"]["auroc"] == 0.0
    assert found.baselines["first_run_by_routellms_code"] == {"n": 160}
    assert len(found.curve) == 101


def test_several_fits_at_the_same_time_are_those_of_one_after_another():
    """In order, whoever is done first."""
    jobs = folded(simulated_pairs(40), folds=2, seed=1)

    together = routed(jobs, report=lambda _: None, what="folds")
    alone = [routed([job], report=lambda _: None, what="fold")[0] for job in jobs]

    for one, other in zip(together, alone, strict=True):
        assert one.test.ids == other.test.ids
        np.testing.assert_allclose(one.predicted.chances, other.predicted.chances, atol=1e-9)


def test_a_row_on_both_sides_is_refused_before_anything_is_fitted():
    """The sentence names it."""
    pairs = simulated_pairs(40)

    with pytest.raises(InputError, match="also judged, 'row/7' among them"):
        routed([Job(train=pairs.take(slice(0, 8)), test=pairs.take(slice(7, 20)))], report=lambda _: None, what="")


def test_folds_are_ranked_together():
    """Every question is judged once, and its twin in the same fold."""
    pairs = simulated_pairs(60, twins=30)
    jobs = folded(pairs, folds=5, seed=3)
    for job in jobs:
        apart(job.train, job.test)

    run = pooled([said(np.arange(len(job.test)), job.test) for job in jobs])

    assert sorted(run.test.ids) == sorted(pairs.ids)
    assert len(run.gain) == len(pairs)
    assert run.price == pytest.approx(1e-7)


def test_figures_are_means_over_runs():
    """A perfect ranking and its reverse are as good as chance together."""
    pairs = simulated_pairs(50)
    gain = (pairs.strong - pairs.weak) / 2

    best, worst, both = (
        summary(runs, among=pairs, peers={}, draws=5).metrics["apgr"]
        for runs in ([said(gain, pairs)], [said(-gain, pairs)], [said(gain, pairs), said(-gain, pairs)])
    )

    assert best > 0.5 > worst
    assert both == pytest.approx((best + worst) / 2)


def test_parts_stand_under_their_names():
    """Also those of each baseline; a peer that is missing is told of once."""
    pairs = simulated_pairs(50)
    part = summary([said(pairs.strong - pairs.weak, pairs)], among=pairs, peers={"other": "not here"}, draws=5)
    parts = Parts()
    parts.put("", part)
    parts.put("unseen", part)

    assert parts.metrics == {**part.metrics, "unseen": part.metrics}
    assert parts.intervals["unseen"] == part.intervals
    assert parts.baselines["knn"] == {**part.baselines["knn"], "unseen": part.baselines["knn"]}
    assert parts.baselines["other"] == {"missing": "not here"}
    assert set(parts.curves({"": "all", "at_400": "few"})) == {"all"}


def test_the_quick_mmlu_benchmark_says_that_it_is_quick():
    """Its parts are told by name, and targets are only of those that ran."""
    pairs = simulated_pairs(300, groups=12)
    jobs = {
        "": routellm_mmlu.random(pairs, 150, seeds=range(2)),
        "unseen": routellm_mmlu.unseen(pairs, 100, groups=3)[:1],
    }

    found = routellm_mmlu.proved(pairs, jobs, peers={}, check=None, report=lambda _: None, quick=True, started=0.0)

    assert found.quick
    assert "Quick:" in found.protocol
    assert found.n_train == {"at_1404": 150, "unseen": 100}
    assert found.n_test == 150
    assert found.seeds == (0, 1)
    assert found.metrics["apgr"] > 0.6
    assert set(found.targets) == {
        *("apgr", "apgr_deciles", "cpt50", "cpt50_deciles", "cpt80", "cpt80_deciles"),
        *("unseen.apgr", "unseen.apgr_deciles"),
    }
    assert found.as_dict()["baselines"]["knn"]["unseen"]["apgr"] is not None
    assert set(found.curves) == {"1,404 labels", "unseen subjects"}


def test_the_quick_gsm8k_benchmark_ranks_all_its_questions():
    """Once from folds, once from other rows alone, which may be none of its own."""
    pairs, others = simulated_pairs(60), simulated_pairs(160).take(slice(60, 160))

    found = routellm_gsm8k.proved(pairs, others, peers={}, check=None, report=lambda _: None, quick=True, started=0.0)

    assert found.n_train == {"cross_validated": 40, "without_gsm8k": 100}
    assert found.n_test == 60
    assert found.metrics["without_gsm8k"]["apgr"] > 0.6
    with pytest.raises(InputError, match="also judged"):
        routellm_gsm8k.proved(pairs, pairs, peers={}, check=None, report=lambda _: None, quick=True, started=0.0)


def test_other_tasks_have_nothing_of_the_one_that_is_judged():
    """No GSM8K under any name, and none of its questions."""
    needed = ("routellm", "ulab_llmrouter", "zellinger_cascades", "routerbench_part")
    if not all((folder() / f"{name}.parquet").is_file() for name in needed):
        pytest.skip(f"{folder()} has not all of the public benchmark data; name the folder in TIERWISE_BENCHMARKS")
    test = routellm("gsm8k")

    train = other_tasks(test, leave=GSM8K)

    apart(train, test)
    assert not [name for name in set(train.groups) if "gsm" in name]
    assert len(set(train.ids)) == len(train)
    assert not np.isnan(train.quality).any()
