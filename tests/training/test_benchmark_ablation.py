"""What each part adds: that a variant loses what it is said to lose, on simulated prompts and answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.errors import InputError
from router.features import FIGURES, HAND, prompt_features
from router.types import Request, as_messages
from tests.training.simulated_tiers import logs, tiers
from training.benchmarks.ablation_answer import RULES, SIGNALS, drawn, measured
from training.benchmarks.ablation_prompt import (
    DIFFICULTY,
    EMBEDDED,
    GROUPS,
    PER_DOLLAR,
    TIERS_ALONE,
    TREELESS,
    WHOLE,
    Task,
    judged,
    read,
    scores,
    variants,
)
from training.benchmarks.pairs import Pairs
from training.classifier import fit_features


def pairs(n=140, *, seed=0):
    """Prompts of which a word says whether the weak tier can answer."""
    random = np.random.default_rng(seed)
    hard = random.random(n) < 0.5
    texts = [f"please {'integrate' if each else 'pronounce'} item {seed} {place}" for place, each in enumerate(hard)]
    weak = (random.random(n) < np.where(hard, 0.2, 0.9)).astype(float)
    return Pairs(
        ids=tuple(f"{seed}-{place}" for place in range(n)),
        requests=tuple(Request(messages=as_messages(text)) for text in texts),
        quality=np.column_stack([weak, (random.random(n) < 0.9).astype(float)]),
        keys=tuple(texts),
        groups=("",) * n,
        cost=np.column_stack([np.full(n, 1e6), random.uniform(2e6, 8e7, n)]),
    )


def test_a_group_left_out_is_all_that_changes():
    """Its columns are the same for every prompt; the others, and the words, are as they were."""
    given = prompt_features(pairs(1).requests[0], embedding=np.ones(3))
    seen = {name: change(given) for name, change in variants(embedded=True).items()}

    assert seen[EMBEDDED] == given
    assert all(each.embedding is None for name, each in seen.items() if name != EMBEDDED)
    assert (seen["without_features"].hand == 0).all()
    assert len(seen["without_words"].words) == 1
    for group, names in GROUPS.items():
        without = seen[f"without_{group}"]
        left_out = [HAND.index(name) for name in names]
        assert (without.hand[left_out] == 0).all()
        others = [place for place in range(len(HAND)) if place not in left_out]
        assert (without.hand[others] == given.hand[others]).all()
        assert (without.words == given.words).all()


def test_every_feature_is_of_one_group():
    """So that leaving them all out one after the other leaves nothing unexamined."""
    named = [name for names in GROUPS.values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) < set(HAND)


def test_what_there_is_to_reckon_with_is_a_group_of_its_own():
    """Not of the layout, which would be credited with it."""
    given = prompt_features(Request(messages=as_messages("Ann has 3 apples, twice as many as Bo.\n\n* How many?")))
    seen = variants(embedded=False)
    figures = [HAND.index(name) for name in FIGURES]

    assert given.hand[figures].any()
    assert not seen["without_figures"](given).hand[figures].any()
    assert (seen["without_layout"](given).hand[figures] == given.hand[figures]).all()


def test_what_only_words_tell_is_lost_without_them():
    """The whole ranks well, without words no better than chance; the change is the difference."""
    train, test = pairs(seed=1), pairs(800, seed=2)
    task = Task(train=train, test=test, known=read(train, None), asked=read(test, None))
    found = judged([task], [scores(task, embedded=False)], draws=20)

    assert set(found.metrics) == {
        WHOLE, "without_words", "without_features", *(f"without_{group}" for group in (*GROUPS, "layout")), DIFFICULTY,
        PER_DOLLAR, TIERS_ALONE, TREELESS,
    }  # fmt: skip
    assert found.metrics[WHOLE]["apgr"] > 0.7
    assert found.metrics["without_words"]["apgr"] < found.metrics[WHOLE]["apgr"] - 0.1
    assert found.metrics["without_words"]["change"] == pytest.approx(
        found.metrics["without_words"]["apgr"] - found.metrics[WHOLE]["apgr"]
    )
    assert found.metrics[PER_DOLLAR]["cost_apgr"] > found.metrics[WHOLE]["cost_apgr"]
    assert found.metrics[PER_DOLLAR]["regret"] is None
    low, high = found.intervals[WHOLE]["apgr"]
    assert low < found.metrics[WHOLE]["apgr"] < high


def test_without_gain_heads_a_tier_is_learned_without_a_look_at_the_other():
    """Another weak tier's labels move the strong one's expectation where gains are learned, and nowhere else."""
    train, test = pairs(80, seed=1), pairs(20, seed=2)
    other = replace(train, quality=np.column_stack([1 - train.weak, train.strong]))
    found = {}
    for name, side in (("as it is", train), ("swapped", other)):
        task = Task(train=side, test=test, known=read(train, None), asked=read(test, None))
        weak = fit_features(task.known, side.quality[:, [0]], keys=side.keys).chances_of(task.asked)[:, 0]
        found[name] = scores(task, embedded=False)[TIERS_ALONE] + weak

    assert found["swapped"] == pytest.approx(found["as it is"])
    assert np.std(found["as it is"]) > 0


@pytest.fixture(scope="module")
def split():
    return drawn(logs(100, count=3), tiers(3), labels=64, seed=0)


def test_no_query_is_both_learned_from_and_judged(split):
    """And none is left out."""
    assert (len(split.train), len(split.held)) == (64, 36)
    assert not {query.split_key for query in split.train.queries} & {query.split_key for query in split.held.queries}


def test_rungs_rules_and_signals_are_measured_alike(split):
    """With the same four figures for each, so that they can stand in one table."""
    found = measured(split)
    assert set(found) == {
        "rung_confidence", "rung_prompt", *(f"rung_prompt_{name}" for name in SIGNALS),
        *(f"rule_{name}" for name in RULES),
    }  # fmt: skip
    assert {tuple(figures) for figures in found.values()} == {("area", "cost95", "cost98", "cost99")}


def test_signals_are_taken_from_the_answer_alone(split):
    """Its log-probabilities or its text; what it cost stays."""
    (answer,) = (outcome.completion for outcome in split.train.queries[0].outcomes[:1])
    changed = {name: change(answer) for name, change in SIGNALS.items()}
    assert changed["without_logprobs"].logprobs is None
    assert changed["without_text"] == replace(answer, text=".")
    assert all(each.usage == answer.usage for each in changed.values())
    assert set(RULES) == {"common_threshold", "tier_thresholds", "cost_aware", "cascade_routing", "induction"}


def test_an_id_to_learn_from_and_to_judge_is_refused():
    """Under two prompts one query may be told twice."""
    records = logs(60, count=3)
    twice = replace(records, queries=tuple(replace(query, id="one") for query in records.queries))

    with pytest.raises(InputError, match=r"^1 ids are to be learned from and judged, 'one' among them"):
        drawn(twice, tiers(3), labels=30, seed=0)
