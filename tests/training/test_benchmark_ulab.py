"""Nine models and noised prompts: the adapters, what they refuse, curves over cost, and both benchmarks run quickly."""

from __future__ import annotations

import numpy as np
import pytest

from router.errors import InputError
from router.types import Request, as_messages
from training import public
from training.benchmarks import llmrouter_peers, registry, routerarena_robustness, ulab
from training.benchmarks.cost_curves import Curve, curve_of, drawn, joined, standing
from training.benchmarks.llmrouter_14 import middle_of
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
    ulab.apart(prompts("One", "Two"), prompts("Three", prefix="b"))

    with pytest.raises(InputError, match=r"1 prompts to learn from are also judged, 'a1' among them"):
        ulab.apart(prompts("One", "Two"), prompts("two", prefix="b"))
    with pytest.raises(InputError, match=r"'a0' among them"):
        ulab.apart(prompts("One"), prompts("Three"))
    with pytest.raises(InputError, match=r"1 prompts to learn from are also judged"):
        routerarena_robustness.apart(prompts("one"), twins("One"))


def test_the_steady_router_learns_from_no_prompt_of_routerarena(there):
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
    assert behind.win_share == {"low": 1.0, "high": 0.0}
    assert behind.mean_interval[0] <= behind.mean <= behind.mean_interval[1]


def test_the_middle_of_the_range_is_even_in_the_logarithm():
    """From a quarter to three quarters between the cheapest and the dearest mean cost."""
    middle = middle_of(np.tile([1.0, 16.0, 4.0], (5, 1)))

    assert len(middle) == 21
    assert (middle[0], middle[10], middle[-1]) == pytest.approx((2.0, 4.0, 8.0))


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
