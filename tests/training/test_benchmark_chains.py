"""The chains benchmark: its accounts, the authors' methods, and our rules, on simulated models."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from router.errors import InputError
from router.types import Completion, Logprobs, Request, Usage, as_messages
from training import public
from training.answers import read_answers
from training.benchmarks import zellinger_cascade
from training.benchmarks.chain_baselines import common_bar, oracle, random_mix, single_tiers, singles
from training.benchmarks.chain_rules import Judged, all_actions, prices, same_actions
from training.benchmarks.chains import (
    Followed,
    Logs,
    error_area,
    error_curve,
    in_order,
    per_million,
    read,
    refuse_overlap,
    stopped,
    subchains,
    without_twins,
)
from training.benchmarks.markov_copula import MarkovCopula
from training.benchmarks.set_scorer import columns, runs, set_chances
from training.benchmarks.threshold_grid import alone, calibrate, follow, follow_any, search, transformed
from training.heads import folds_of
from training.induction import fit_induction, prepare
from training.records import Outcome, Query
from training.table import walk, walk_singly


def logs(count, *, seed, split="train", models=3):
    """Models of rising skill whose confidence tells something of whether they are right."""
    random = np.random.default_rng(seed)
    ease = random.normal(size=count)
    skill = np.linspace(0.35, 0.85, models)
    chance = 1 / (1 + np.exp(-(ease[:, None] + np.log(skill / (1 - skill)))))
    quality = (random.random((count, models)) < chance).astype(float)
    surety = 1 / (1 + np.exp(-(2 * quality - 1 + 0.5 * ease[:, None] + random.normal(size=(count, models)))))
    logprob = np.log(surety)
    queries = []
    for row in range(count):
        right = int(random.integers(4))
        request = Request(messages=as_messages("How much is it? A, B, C or D?"))
        outcomes = tuple(
            Outcome(
                Completion(
                    text="ABCD"[right if quality[row, rank] else (right + 1 + int(random.integers(3))) % 4],
                    usage=Usage(input_tokens=10, output_tokens=2),
                    stop="end",
                    logprobs=Logprobs(tokens=("",), values=(float(logprob[row, rank]),)),
                    latency=0.0,
                ),
                quality=float(quality[row, rank]),
            )
            for rank in range(models)
        )
        key = f"{split} {row} {seed}"
        queries.append(Query(id=key, request=request, outcomes=outcomes, split=split, split_key=key))
    cost = 10_000.0 * 4.0 ** np.arange(models)
    return Logs(queries=tuple(queries), quality=quality, logprob=logprob, cost=cost)


@pytest.fixture(scope="module")
def train():
    return logs(200, seed=1)


@pytest.fixture(scope="module")
def test():
    return logs(600, seed=2, split="test")


@pytest.fixture(scope="module")
def confidence(train, test):
    return calibrate(train, test, "two_sided")


@pytest.fixture(scope="module")
def copula(confidence):
    """Ten rounds are enough for a rough fit."""
    return MarkovCopula(confidence.train, rounds=10)


@pytest.fixture(scope="module")
def chances(train, test):
    fold = folds_of([query.split_key for query in train.queries])
    return set_chances(read_answers(train.queries), read_answers(test.queries), train.quality, fold=fold)


def test_five_models_have_twenty_six_chains():
    """All of two and more that keep the order, as in the paper."""
    chains = subchains(5)

    assert 26 == len(chains) == len(set(chains))
    assert chains[0] == (0, 1)
    assert chains[-1] == (0, 1, 2, 3, 4)
    assert all(list(chain) == sorted(chain) for chain in chains)


def test_every_model_asked_is_paid(train):
    """Stopping at a place costs the mean cost of all models up to there."""
    done = in_order(train, (0, 2), [np.zeros(len(train), int), np.ones(len(train), int)])

    first, last = done.points()
    assert per_million(train)[0] == pytest.approx(first[0])
    assert per_million(train)[[0, 2]].sum() == pytest.approx(last[0])
    assert train.quality[:, 2].mean() == pytest.approx(last[1])


def test_the_first_that_accepts_stops(train):
    """And the last stops whatever was not accepted before."""
    never, every = np.zeros(len(train), bool), np.ones(len(train), bool)

    assert {2} == set(stopped(train, (0, 1, 2), [never, never]).tolist())
    assert {1} == set(stopped(train, (0, 1, 2), [never, every]).tolist())
    assert {0} == set(stopped(train, (0, 1, 2), [every, every]).tolist())


def test_the_area_is_the_mean_error_between_the_bounds():
    """Straight lines between points, the mean of points of equal cost, level beyond the ends."""
    line = np.array([[0.0, 0.5], [1.0, 1.0]])

    assert pytest.approx(error_area(line, low=0, high=1)) == 0.25
    assert pytest.approx(error_area(line, low=0.5, high=1)) == 0.125
    assert pytest.approx(error_area(line, low=0, high=2)) == 0.125
    assert pytest.approx(error_area(np.array([[0.5, 0.4], [0.5, 0.6]]), low=0, high=1)) == 0.5


def test_the_curve_that_is_drawn_has_the_area_that_is_told():
    """Level beyond the ends, the mean of points of equal cost, and costs told from 0 to 1 between the bounds."""
    points = np.array([[1.0, 0.5], [2.0, 0.7], [2.0, 0.9], [3.0, 1.0]])

    drawn = np.array(error_curve(points, low=0.0, high=4.0, count=5))

    assert drawn == pytest.approx(np.array([[0, 0.5], [0.25, 0.5], [0.5, 0.2], [0.75, 0], [1, 0]]))
    assert np.trapezoid(drawn[:, 1], drawn[:, 0]) == pytest.approx(error_area(points, low=0.0, high=4.0))


def test_a_sample_counts_questions_as_often_as_they_were_drawn():
    """Points of a resample are the means with repetitions."""
    done = Followed(cost=np.array([[1.0, 3.0]]), quality=np.array([[0.0, 1.0]]))

    assert done.resampled(np.array([[1, 3]]))[0].tolist() == [[2.5, 0.75]]
    assert done.points(np.array([1.0, 3.0])).tolist() == done.resampled(np.array([[1, 3]]))[0].tolist()


def test_an_id_on_both_sides_is_refused(train):
    """And a question under two ids is left out of training."""
    with pytest.raises(InputError, match="in train and in test"):
        refuse_overlap(train, train)

    assert len(without_twins(train, train)) == 0
    assert len(train) == len(without_twins(train, logs(20, seed=3)))


def test_the_transform_is_that_of_the_paper():
    """log 1/(1-p); two-sided it is symmetric about a half."""
    p = np.array([0.2, 0.5, 0.8])

    assert np.log(1 / (1 - p)) == pytest.approx(transformed(np.log(p), "one_sided"))
    assert [np.log(0.4), 0, -np.log(0.4)] == pytest.approx(transformed(np.log(p), "two_sided").tolist(), abs=1e-12)


def test_infinite_confidences_become_the_ends_of_the_finite_ones(train, test):
    """A probability of exactly 1 is as good as the surest other of training."""
    some = Logs(train.queries, train.quality, train.logprob.copy(), train.cost)
    some.logprob[0, 0], some.logprob[1, 0] = 0.0, -np.inf

    found = calibrate(some, test, "two_sided")

    assert found.train[2:, 0].max() == found.train[0, 0]
    assert found.train[2:, 0].min() == found.train[1, 0]
    assert np.isfinite(found.test).all()


@pytest.mark.parametrize("chain", [(0, 2), (0, 1, 2), (0, 1, 2, 3)])
def test_the_grid_search_finds_what_trying_all_finds(chain):
    """Its sums over all combinations at once are those of following each combination."""
    some = logs(40, seed=4, models=4)
    own = calibrate(some, some, "two_sided").train
    expected = Logs(some.queries, own, some.logprob, some.cost)  # correctness is expected from the confidence

    found = search(some, chain, own, step=0.25).thresholds

    levels = np.arange(0.01, 0.99, 0.25)
    grids = [np.quantile(own[:, rank], levels) for rank in chain[:-1]]
    tried = np.array(list(product(*grids)))
    points = follow(expected, chain, own, tried).points()
    best = follow(expected, chain, own, found).points()
    for cost, quality in best:
        beaten = (points[:, 0] <= cost + 1e-9) & (points[:, 1] > quality + 1e-9)
        assert not beaten.any()
    assert points[:, 1].max() == pytest.approx(best[:, 1].max())


def test_a_search_that_may_leave_models_out_expects_no_less(train, confidence):
    """Its points on the confidences themselves are beaten by none of the plain search's."""
    chain, own = (0, 1, 2), confidence.train
    sure = Logs(train.queries, own, train.logprob, train.cost)
    grids = [alone(train, rank, own) for rank in chain] + [search(train, each, own, step=0.1) for each in subchains(3)]

    plain = follow(sure, chain, own, grids[-1].thresholds).points()
    free = follow_any(sure, chain, own, grids).points()

    for cost, quality in plain:
        assert (free[free[:, 0] <= cost + 1e-9, 1] >= quality - 1e-9).any()


def test_the_copula_expects_about_what_happens(train, confidence, copula):
    """Expected cost and correctness of a cascade are near those of the calibrated confidences themselves."""
    chain = (0, 1, 2)
    bars = np.median(confidence.train[:, :2], axis=0)

    correct, cost = copula.expected(chain, bars, per_million(train))

    sure = Logs(train.queries, confidence.train, train.logprob, train.cost)
    done = follow(sure, chain, confidence.train, bars[None]).points()[0]
    assert done[0] == pytest.approx(cost, rel=0.1)
    assert done[1] == pytest.approx(correct, abs=0.06)


def test_the_copulas_thresholds_go_from_thorough_to_cheap(train, confidence, copula):
    """At no price of cost nearly everything goes on; at a high one hardly anything does."""

    bars = copula.thresholds((0, 2), per_million(train))

    done = follow(train, (0, 2), confidence.train, bars).points()
    assert done[0, 0] == done[:, 0].max()
    assert done[-1, 0] < 0.4 * done[0, 0]
    assert (np.diff(np.sort(done[:, 0])) <= 0.2 * done[0, 0]).all()


def test_chances_are_there_for_every_set_of_answers(train, chances):
    """Eight sets of three models, each with every model's chance; right ones are told from wrong ones."""
    assert set(range(8)) == set(chances.train) == set(chances.test)
    assert runs(3) == [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    for found in chances.test.values():
        assert ((found > 0) & (found < 1)).all()
    own = chances.train[0b001][:, 0]
    assert own[train.quality[:, 0] == 1].mean() > own[train.quality[:, 0] == 0].mean() + 0.1


def test_a_model_that_is_always_right_has_a_chance_below_one(train, test):
    """Where there is one class there is the base rate with a pseudo-count of each."""
    quality = train.quality.copy()
    quality[:, 2] = 1.0
    fold = folds_of([query.split_key for query in train.queries], folds=2)

    found = set_chances(read_answers(train.queries), read_answers(test.queries[:5]), quality, fold=fold)

    assert {201 / 202} == set(found.test[0][:, 2].tolist())


def test_columns_have_a_penalty_each(train):
    """One for every column, whatever has answered."""
    answers = read_answers(train.queries)

    for run in runs(3):
        rows, penalty = columns(answers, run)
        assert rows.shape == (len(train), len(penalty))
        assert not np.isnan(rows).any()


def test_states_are_told_apart_as_deep_as_the_chain_is():
    """With four models a rule has advantages after three answers, and walks as the runtime's own rule does."""
    some = logs(120, seed=5, models=4)
    fold = folds_of([query.split_key for query in some.queries])
    answers = read_answers(some.queries)
    found = set_chances(answers, answers, some.quality, fold=fold)
    table = Judged(some, found.train).table((0, 1, 2, 3))

    rule = fit_induction(prepare(table, fold=fold), prices(some.cost)[20])

    assert 0b0111 in rule.states
    together, singly = walk(table, rule), walk_singly(table, rule)
    assert together.rank.tolist() == singly.rank.tolist()
    assert together.cost.tolist() == pytest.approx(singly.cost.tolist())


def test_a_chains_table_has_its_own_models_only(train, chances):
    """Ranks are counted within the chain; a state is one of its sets."""
    table = Judged(train, chances.train).table((0, 2))

    assert {0b00, 0b01, 0b10, 0b11} == set(table.chances)
    assert chances.train[0b101][:, [0, 2]].tolist() == table.chances[0b11].tolist()
    assert train.cost[[0, 2]].tolist() == table.cost[0].tolist()


def test_our_rules_beat_chance(train, test, chances):
    """Both variants have less area than asking on at random; the oracle has the least."""
    learned, asked = Judged(train, chances.train), Judged(test, chances.test)
    chain = (0, 1, 2)
    cost = per_million(test)
    low, high = cost[0], cost.sum()
    curves = {
        "all": all_actions(learned, asked, chain, fold=chances.fold, count=15),
        "same": same_actions(asked, chain, count=15),
        "random": random_mix(test, chain),
        "hull": single_tiers(train, test, chain),
        "oracle": oracle(test, chain),
    }

    area = {name: error_area(done.points(), low=low, high=high) for name, done in curves.items()}

    assert area["same"] < area["random"] - 0.02
    assert area["all"] < area["hull"] - 0.02
    assert area["oracle"] == min(area.values())


def test_the_same_actions_are_never_and_always_among_others(test, chances):
    """Its curve goes from the first model alone to the whole chain."""
    done = same_actions(Judged(test, chances.test), (0, 1, 2), count=5).points()

    cost = per_million(test)
    assert done[:, 0].min() == pytest.approx(cost[0])
    assert done[:, 0].max() == pytest.approx(cost.sum())


def test_a_common_bar_of_one_accepts_nothing(test, confidence):
    """And one of nought everything."""
    done = common_bar(test, (0, 1, 2), confidence.test).points()

    assert done[0, 0] == pytest.approx(per_million(test)[0])
    assert done[-1, 0] == pytest.approx(per_million(test).sum())


def test_single_models_are_points(train, test):
    """The best is chosen on training rows, and all are read off the test's."""
    reverse = replace(train, quality=train.quality[:, ::-1])

    found = singles(reverse, test)

    assert found["always_cheap"] == found["best_single"]
    assert found["always_cheap"]["error"] == pytest.approx(1 - test.quality[:, 0].mean())
    assert found["always_strong"]["usd_per_million"] == pytest.approx(per_million(test)[-1])


def test_a_task_is_measured_with_every_method(train, test, copula):
    """An area for each chain and method, as many again in each draw, and curves of the longest chain."""
    chains = [(0, 1), (0, 1, 2)]
    task = zellinger_cascade.prepared(train, test, "two_sided", chains=chains, copula=lambda _: copula)

    found = zellinger_cascade.measured(task, chains, report=lambda _: None, prices=5, draws=4)

    methods = {"all_actions", "same_actions", "grid_search", "grid_search_any_models", "markov_copula"}
    assert methods < set(found.area)
    assert methods == set(found.curves)
    assert all(each.shape == (2,) for each in found.area.values())
    assert all(each.shape == (2, 4) for each in found.drawn.values())
    tasks = {"one": found, "two": found}
    gap = zellinger_cascade.difference(tasks, "all_actions", "grid_search")
    low, high = zellinger_cascade.interval(tasks, "all_actions", "all_actions")["mean"]
    assert gap["one"] == pytest.approx(gap["mean"])
    assert (low, high) == (0.0, 0.0)


def test_a_quick_run_says_so_and_has_no_targets(train, test, monkeypatch):
    """It follows chains of two only, so its figures are not to be held against the published ones."""
    monkeypatch.setattr(zellinger_cascade, "MODELS", ("small", "medium", "large"))
    monkeypatch.setattr(zellinger_cascade, "TASKS", {"mmlu": "two_sided"})
    monkeypatch.setattr(zellinger_cascade, "read", lambda *_: (train, test))
    heard = []

    found = zellinger_cascade.run(report=heard.append, quick=True).as_dict()

    assert found["quick"]
    assert "Quick" in found["protocol"]
    assert found["targets"] == {}
    assert found["n_train"] == {"mmlu": 200}
    assert found["n_test"] == 600
    assert found["metrics"]["error_cost_auc"]["mmlu"] < found["baselines"]["random_mix"]["error_cost_auc"]["mmlu"]
    assert "markov_copula" not in found["baselines"]
    assert found["baselines"]["always_strong"]["mmlu"]["error"] == pytest.approx(1 - test.quality[:, -1].mean())
    assert heard[-1] == "mmlu: chain 3 of 3"


def test_the_targets_are_below_every_published_task_and_3_percent_below_their_mean():
    """As the issue has them."""
    found = zellinger_cascade.targets()

    assert found["error_cost_auc.mmlu"]["reach"] == 0.2880
    assert found["error_cost_auc.mean"]["reach"] == 0.3122
    assert len(found) == 10
    assert {"lower"} == {target["better"] for target in found.values()}


@pytest.mark.skipif(
    not (public.folder() / "zellinger_cascades.parquet").is_file(), reason="the public benchmark data is not there"
)
def test_the_authors_grid_search_is_reproduced():
    """On a chain of two: 37 thresholds, and the area between its own ends, to the last digit that was published."""
    train, test = read("mmlu", zellinger_cascade.MODELS)
    own = calibrate(train, test, "one_sided")

    done = follow(test, (0, 1), own.test, search(train, (0, 1), own.train).thresholds).points()

    assert (len(train), len(test)) == (285, 1531)
    assert len(without_twins(train, test)) == 284
    assert len(done) == 37
    assert pytest.approx(error_area(done, low=done[:, 0].min(), high=done[:, 0].max()), abs=1e-4) == 0.5003
