"""Nine models and noised prompts: the adapters, what they refuse, curves over cost, and both benchmarks run quickly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InputError
from router.policy import CostAware
from router.types import Request, as_messages
from training import public
from training.benchmarks import llmrouter_peers, overlap, registry, routerarena_robustness, ulab
from training.benchmarks.cost_curves import Curve, curve_of, drawn, joined, standing
from training.benchmarks.llmrouter_14 import intervals, middle_of, spanned, told_apart
from training.benchmarks.llmrouter_peers import Dense
from training.benchmarks.twins import Twins, compared, words_kept


@pytest.fixture(scope="module")
def there():
    """The public files, where they are there."""
    folder = public.folder()
    for name in ("ulab_llmrouter", "routerarena_robustness"):
        if not (folder / f"{name}.parquet").is_file():
            pytest.skip(f"{folder} has no {name}.parquet; name the folder in TIERWISE_BENCHMARKS")
    return folder


@pytest.fixture(scope="module")
def split(there):
    return ulab.load()


def prompts(*texts, prefix="a"):
    return ulab.Prompts(
        ids=tuple(f"{prefix}{row}" for row in range(len(texts))),
        requests=tuple(Request(messages=as_messages(text)) for text in texts),
        tasks=("task",) * len(texts),
        keys=tuple(text.lower() for text in texts),
        quality=np.ones((len(texts), 2)),
        cost=np.ones((len(texts), 2)),
    )


def twins(*texts):
    requests = tuple(Request(messages=as_messages(text)) for text in texts)
    return Twins(plain=requests, noised=requests)


def test_their_split_is_read_whole_but_for_what_stands_in_both_of_its_halves(split):
    """Nine models from cheap to dear, 14 tasks to learn from, 500 prompts of 10 tasks to be judged on."""
    assert len(split.models) == 9
    assert list(split.prices) == sorted(split.prices)
    assert split.models[0] == "gemma-2-9b-it"
    assert len(split.test) == 500
    assert len(split.train) + split.dropped == 5608
    assert split.dropped >= 119
    assert len(set(split.train.tasks)) == 14
    assert len(set(split.test.tasks)) == 10
    assert set(split.train.keys).isdisjoint(split.test.keys)


def test_a_call_is_reckoned_at_its_price(split):
    """A token per four characters of prompt, the answer's tokens, USD per million tokens in nano-dollars."""
    tokens = -(-len(split.test.texts[0]) // 4) + ulab.ANSWER_TOKENS

    assert [tokens * 1000 * price for price in split.prices] == pytest.approx(split.test.cost[0].tolist())


def test_a_prompt_on_both_sides_is_refused():
    """By its id or by its words."""
    overlap.apart(prompts("One", "Two"), prompts("Three", prefix="b"))

    with pytest.raises(InputError, match=r"1 rows to learn from are also judged, 'a1' among them"):
        overlap.apart(prompts("One", "Two"), prompts("two", prefix="b"))
    with pytest.raises(InputError, match=r"'a0' among them"):
        overlap.apart(prompts("One"), prompts("Three"))
    with pytest.raises(InputError, match=r"1 prompts to learn from are also judged"):
        routerarena_robustness.apart(prompts("one"), twins("One"))


def test_the_judged_router_learns_from_no_prompt_of_routerarena(there):
    """One model of each price, nothing of what it is judged on."""
    judged = routerarena_robustness.load()

    train, names = routerarena_robustness.policy_prompts(judged)

    assert len(judged) == 420
    assert len(names) == 3 == train.quality.shape[1]
    assert (np.diff(train.cost[0]) > 0).all()
    routerarena_robustness.apart(train, judged)


def test_a_curve_mixes_its_points_and_has_nothing_below_the_cheapest():
    """Between two points lies their mixture; above the dearest, the dearest."""
    curve = Curve(quality=np.array([[0.0, 1.0], [0.0, 0.0]]), cost=np.array([[1.0, 3.0], [1.0, 3.0]]))

    assert curve.at(np.array([1.0, 2.0, 5.0])).tolist() == [0.0, 0.25, 0.5]
    assert np.isnan(curve.at(np.array([0.5]))).all()
    assert curve.at(np.array([3.0]), counts=np.array([3.0, 1.0])).tolist() == [0.75]
    assert drawn(curve, unit=2.0) == [[0.5, 0.0], [1.5, 0.5]]


def test_a_hull_leaves_out_what_a_mixture_of_others_beats():
    """Which a curve of neighbours does not."""
    quality, cost = np.array([[0.5, 0.4, 0.9]]), np.array([[1.0, 2.0, 3.0]])

    assert Curve(quality=quality, cost=cost).at(np.array([2.0])).tolist() == [0.4]
    assert Curve(quality=quality, cost=cost, between="hull").at(np.array([2.0])).tolist() == [0.7]


def test_choices_become_points_and_points_can_be_joined():
    """A point per choice of all rows."""
    quality, cost = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[1.0, 2.0], [1.0, 4.0]])

    curve = curve_of([np.array([0, 0]), np.array([1, 0])], quality=quality, cost=cost)
    both = joined(curve, curve_of([np.array([1, 1])], quality=quality, cost=cost))

    assert curve.quality.mean(axis=0).tolist() == [0.25, 0.75]
    assert curve.cost.mean(axis=0).tolist() == [1.0, 1.5]
    assert both.cost.mean(axis=0).tolist() == [1.0, 1.5, 3.0]


def test_standing_is_against_the_best_of_the_others_at_each_cost():
    """Ahead of one and behind another is behind."""
    rows, costs = 200, np.array([1.0, 2.0])
    noise = np.random.default_rng(0).normal(0, 0.01, (rows, 1))

    def flat(height):
        return Curve(quality=np.full((rows, 2), height) + noise, cost=np.tile([1.0, 2.0], (rows, 1)))

    ahead = standing(flat(0.6), {"low": flat(0.5)}, costs, draws=50)
    behind = standing(flat(0.6), {"low": flat(0.5), "high": flat(0.7)}, costs, draws=50)

    assert ahead.best_share == 1.0
    assert ahead.lead == pytest.approx(0.1)
    assert behind.best_share == 0.0
    assert behind.lead == pytest.approx(-0.1)
    assert behind.margins == pytest.approx({"low": 0.1, "high": -0.1})
    assert behind.win_chance == {"low": 1.0, "high": 0.0}
    assert behind.mean_interval[0] <= behind.mean <= behind.mean_interval[1]


def test_the_middle_of_the_range_is_even_in_the_logarithm():
    """From a quarter to three quarters between the cheapest and the dearest mean cost."""
    middle = middle_of(np.tile([1.0, 16.0, 4.0], (5, 1)))

    assert len(middle) == 21
    assert (middle[0], middle[10], middle[-1]) == pytest.approx((2.0, 4.0, 8.0))


def three_models(rows):
    """Simulated: three models, the dearer the better, and a curve through all three."""
    rng = np.random.default_rng(5)
    few = prompts(*(f"question {row}" for row in range(rows)))
    quality = (rng.random((rows, 3)) < [0.2, 0.5, 0.8]).astype(float)
    cost = rng.uniform(0.5, 1.5, (rows, 1)) * [1.0, 2.0, 3.0]
    judged = dataclasses.replace(few, quality=quality, cost=cost)
    return judged, curve_of([np.full(rows, rank) for rank in range(3)], quality=quality, cost=cost)


def test_a_mix_of_the_ends_recovers_half_of_the_gap():
    """Over all costs from the cheapest to the dearest model; nothing where the models are equally good."""
    judged = dataclasses.replace(
        prompts("One", "Two"), quality=np.array([[0.0, 1.0], [0.5, 0.5]]), cost=np.array([[1.0, 3.0], [1.0, 3.0]])
    )
    ends = curve_of([np.array([0, 0]), np.array([1, 1])], quality=judged.quality, cost=judged.cost)

    assert spanned(ends, judged) == pytest.approx((0.5, 0.5))
    assert spanned(ends, judged, counts=np.array([3.0, 1.0])) == pytest.approx((0.5, 0.5))
    over, recovered = spanned(ends, judged, counts=np.array([0.0, 1.0]))
    assert over == pytest.approx(0.5)
    assert np.isnan(recovered)


def test_a_model_that_is_always_right_has_no_say_in_the_auroc():
    """There is nothing to tell apart; in the calibration error it counts."""
    quality = np.array([[1.0, 1.0], [0.0, 1.0]])

    found = told_apart(np.array([[1.0, 0.5], [0.0, 0.5]]), quality)

    assert found == {"auroc": 1.0, "ece": pytest.approx(0.25)}


def test_the_intervals_hold_what_they_are_of_and_shrink_with_more_prompts():
    """Over draws of the prompts, of the figures of the estimates and of the curve."""
    widths = []
    for rows in (60, 960):
        judged, curve = three_models(rows)
        expected = np.clip(0.6 * judged.quality + np.random.default_rng(6).uniform(0, 0.4, (rows, 3)), 0, 1)
        expected[:, 0] = 1 - expected[:, 0]
        found = intervals(curve, expected, judged, draws=100)
        over, recovered = spanned(curve, judged)
        figures = {"auroc": told_apart(expected, judged.quality)["auroc"], "aiq": over, "cost_apgr": recovered}
        assert set(found) == {*figures, "ece"}
        for name, value in figures.items():
            assert found[name][0] <= value <= found[name][1]
        widths.append({name: found[name][1] - found[name][0] for name in ("aiq", "cost_apgr")})
    assert all(widths[1][name] < widths[0][name] / 2 for name in widths[0])


@given(st.integers(0, 10_000))
def test_a_curve_that_asks_the_cheapest_model_has_a_quality_at_every_cost(seed):
    """Sums in another order differ in the last digit, and that makes no figure vanish."""
    judged, curve = three_models(40)
    counts = np.bincount(np.random.default_rng(seed).integers(0, 40, 40), minlength=40).astype(float)

    assert np.isfinite(spanned(curve, judged, counts=counts)[0])


def test_a_tuned_rule_tells_what_it_comes_to_on_the_prompts_it_was_tuned_on():
    """The cheapest that keeps enough of the strongest tier's quality, or the best tier whatever it costs."""
    train = dataclasses.replace(
        prompts("One", "Two"), quality=np.array([[1.0, 1.0], [0.0, 1.0]]), cost=np.array([[1.0, 9.0], [1.0, 9.0]])
    )

    kept = routerarena_robustness.tuned(train.quality, train)
    never = routerarena_robustness.tuned(1 - train.quality, train)

    assert (kept.chosen.tolist(), kept.quality, kept.cost) == ([0, 1], 1.0, 5.0)
    assert never.rule == CostAware(quality_per_dollar=0.0)


@pytest.mark.parametrize("router", llmrouter_peers.ROUTERS)
def test_a_stand_in_chooses_the_best_model_of_similar_prompts(router):
    """Its label is a row's best model, the first of equals."""
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 2, 120)
    rows = np.column_stack([kind, 1 - kind]) + rng.normal(0, 0.1, (120, 2))
    worth = np.where(kind[:, None] == np.arange(3) % 2, 1.0, 0.0)

    chosen = llmrouter_peers._stand_in(router, Dense(train=rows[:100], test=rows[100:]), worth[:100], 0)

    assert kind[100:].tolist() == chosen.tolist()


def test_their_features_are_ours_made_dense_and_of_length_one():
    """Two blocks, each of length 1, so that neither drowns the other."""
    train = prompts(*(f"what is {row} plus {row}" for row in range(10)), *(f"sing of tree {row}" for row in range(10)))

    features = llmrouter_peers.dense(train.requests, train.requests[:3])

    assert len(features.train) == 20
    assert features.test == pytest.approx(features.train[:3])
    assert np.linalg.norm(features.train, axis=1) == pytest.approx(np.full(20, 2**0.5))


def test_agreement_is_told_beyond_chance():
    """A router that always asks one tier agrees with itself, and that says nothing."""
    uneven = compared(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), tiers=2)
    constant = compared(np.zeros(4, int), np.zeros(4, int), tiers=2)

    assert uneven.as_dict(["a", "b"]) == {
        "robustness": 75.0,
        "kappa": 0.5,
        "largest_share": 0.75,
        "mix": {"a": 0.75, "b": 0.25},
        "noised_mix": {"a": 0.5, "b": 0.5},
    }
    assert np.isnan(constant.kappa)


def test_words_kept_are_those_that_both_twins_have():
    """Of all different words of the two."""
    assert words_kept(twins("one two three")) == 1.0
    two = Twins(plain=twins("one two three").plain, noised=twins("one too three").plain)
    assert words_kept(two) == 0.5


@pytest.mark.parametrize("name", ["llmrouter-14", "routerarena-robustness"])
def test_both_are_registered_with_the_files_they_read(name):
    """And can be run by name."""
    assert callable(registry.runner(name))
    assert "ulab_llmrouter" in registry.PUBLIC[name].files
