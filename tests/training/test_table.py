"""Tables: what rules are tuned on is what they do at run time. All logs are simulated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from router.assess import Trained
from router.plan import Plan
from router.policy import (
    Advantages,
    Always,
    CascadeRouting,
    CostAware,
    Induction,
    Mixture,
    Run,
    Stop,
    Thresholds,
)
from tests.training.simulated_tiers import logs, table, tiers
from training.fit import fit
from training.heads import folds_of
from training.induction import fit_induction, prepare
from training.library import FAMILIES, candidates, lambdas
from training.replay import remembering, replay_all, with_rule
from training.table import DEEPEST, seen_as, states, table_of, walk


class Fitted:
    """Records of so many tiers, the plan fitted on them, and the table of the rows held out."""

    def __init__(self, count: int, n: int) -> None:
        self.records = logs(n, count=count)
        self.ladder = tiers(count)
        found = fit(self.records, self.ladder, rungs=["prompt"])
        self.train = found.table
        assessor = Trained(self.ladder, found.bundle.estimators)
        self.plan = remembering(Plan(ladder=self.ladder, assessor=assessor, rule=found.bundle.rule))
        self.held = self.records.split("test")
        self.table = table_of(self.held, self.plan)


@pytest.fixture(scope="module", params=[(2, 200), (3, 250)], ids=["two tiers", "three tiers"])
def fitted(request):
    return Fitted(*request.param)


@pytest.fixture(scope="module")
def deep():
    return Fitted(5, 150)


def rules_of(family, found):
    """Rules of one family, from its knobs' low end to its high end."""
    tried = [item.rule for item in candidates(found.train, families=[family])]
    return tried[:: max(len(tried) // 8, 1)]


def same(found, rule):
    """That following ``rule`` through the table equals routing the logged answers through the cascade."""
    walked = walk(found.table, rule)
    routed = replay_all(found.held, with_rule(found.plan, rule))
    names = found.ladder.names
    visited = np.array(
        [[any(made.tier == name for made in decision.attempts) for name in names] for decision in routed.decisions]
    )

    assert list(routed.rank) == walked.rank.tolist()
    assert visited.tolist() == walked.visited.tolist()
    assert routed.cost.tolist() == walked.cost.tolist()
    assert routed.quality.tolist() == walked.quality.tolist()
    return walked


@pytest.mark.parametrize("family", FAMILIES)
def test_walking_a_table_equals_routing_through_the_cascade(fitted, family):
    """Rank, tiers asked, cost and quality agree on every query, for every rule of the library."""
    for rule in rules_of(family, fitted):
        same(fitted, rule)


def test_walking_by_a_mixture_equals_routing_by_it(fitted):
    """Each prompt's draw is the same in a table as in the cascade."""
    cheap, strong = Always(0), Always(len(fitted.ladder) - 1)
    between = CostAware(quality_per_dollar=lambdas(fitted.train)[10])
    shares = []
    for share in (0.0, 0.3, 0.7, 1.0):
        shares.append(same(fitted, Mixture(cheap, strong, share)).visited[:, 0].mean())
        same(fitted, Mixture(between, cheap, share))

    assert sorted(shares) == shares
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert 0 < shares[1] < shares[2] < 1


def test_rules_that_keep_the_best_answer_are_walked_as_they_are_routed(fitted):
    """An earlier answer may be returned after a later one came."""
    rules = [CostAware(quality_per_dollar=price, keep="best") for price in lambdas(fitted.train)[::4]]
    tops = (2.0,) * len(fitted.ladder)
    rules.append(Thresholds(start=(0.0,) * len(fitted.ladder), accept=tops, keep="best"))

    walks = [same(fitted, rule) for rule in rules]

    asked_all = walks[-1].visited.all(axis=1)
    assert asked_all.all()
    assert (walks[-1].rank < len(fitted.ladder) - 1).any()


@pytest.mark.parametrize("family", ["thresholds", "cost_aware", "cascade_routing", "induction"])
def test_cascades_deeper_than_the_states_told_apart_are_walked_as_they_are_routed(deep, family):
    """With five tiers, a walk of four or five answers is judged by its last answer, in a table as at run time."""
    for rule in rules_of(family, deep)[:4]:
        same(deep, rule)


def test_a_walk_through_all_five_tiers_is_told_alike(deep):
    """Every answer is asked for and the costs of all are added up."""
    walked = same(deep, Thresholds(start=(0.0,) * 5, accept=(2.0,) * 5, keep="best"))

    assert walked.visited.all()
    assert deep.table.cost.sum(axis=1).tolist() == walked.cost.tolist()


def test_an_unfitted_state_of_an_induction_is_weighed_alike(fitted):
    """A bundle whose rule knows one state only routes as its table says."""
    count = len(fitted.ladder)
    begin = Advantages({0: (1.0, (0.0,) * 3 * count)})

    same(fitted, Induction(quality_per_dollar=lambdas(fitted.train)[8], states={0: begin}))


def test_a_table_of_training_rows_has_the_folds_estimates_and_not_the_final_ones(fitted):
    """Out-of-fold estimates know less of their own rows than the estimators that serve do."""
    train = fitted.records.split("train")
    serving = table_of(train, fitted.plan)
    by_key = {key: row for row, key in enumerate(serving.keys)}
    serving = serving.take([by_key[key] for key in fitted.train.keys])

    def loss(found):
        chances, good = np.clip(found.chances[0], 1e-6, 1 - 1e-6), found.quality
        return -(good * np.log(chances) + (1 - good) * np.log(1 - chances)).mean()

    assert serving.quality.tolist() == fitted.train.quality.tolist()
    assert serving.cost.tolist() == fitted.train.cost.tolist()
    assert serving.draw.tolist() == fitted.train.draw.tolist()
    assert loss(serving) < loss(fitted.train)


def test_a_tier_that_was_not_asked_is_unknown_and_not_zero(fitted):
    """Its cost, its label, and all that its answer would have told are NaN; what others told stays."""
    query = fitted.held.queries[0]
    cut = replace(fitted.held, queries=(replace(query, outcomes=(*query.outcomes[:-1], None)),))

    found = table_of(cut, fitted.plan)

    last = len(fitted.ladder) - 1
    assert math.isnan(found.cost[0, last])
    assert math.isnan(found.quality[0, last])
    assert np.isnan(found.chances[1 << last]).all()
    assert fitted.table.chances[1][0].tolist() == found.chances[1][0].tolist()
    assert fitted.table.chances[0][0].tolist() == found.chances[0][0].tolist()


def test_taking_rows_takes_everything_of_them():
    """In the order given, and as often as given."""
    whole = table(20, count=3)

    part = whole.take([3, 3, 7])

    assert part.keys == ("k3", "k3", "k7")
    assert len(part) == 3
    for mask in whole.chances:
        assert whole.chances[mask][[3, 3, 7]].tolist() == part.chances[mask].tolist()
        assert whole.expected[mask][[3, 3, 7]].tolist() == part.expected[mask].tolist()
    assert walk(whole, CostAware(100.0)).quality[[3, 3, 7]].tolist() == walk(part, CostAware(100.0)).quality.tolist()


def test_means_are_weighted():
    """A request that stands for three counts three times."""
    whole = replace(table(2, count=2), weight=np.array([3.0, 1.0]))

    assert whole.mean(np.array([1.0, 0.0])) == 0.75


def test_states_are_every_set_of_up_to_three_tiers_smaller_ones_first():
    """A set that is too large is judged by its last answer."""
    found = states(5)
    masks = dict.fromkeys(sum(1 << rank for rank in run) for run in found)

    assert len(found) == 5 + 10 + 10
    assert sorted(map(len, found)) == list(map(len, found))
    assert max(map(len, found)) == DEEPEST
    assert seen_as((0, 2, 3), masks) == 0b1101
    assert seen_as((0, 1, 2, 4), masks) == 0b10000


def test_a_walk_that_asks_nothing_known_ends():
    """A rule that knows nothing of the answers stops with the one that it has."""
    blind = table(5, count=3)
    blind = replace(blind, chances={mask: np.full_like(found, np.nan) for mask, found in blind.chances.items()})
    known = table(60, count=3)
    rule = fit_induction(prepare(known, fold=folds_of(known.keys)), 1.0)

    for each in (CostAware(1.0), CascadeRouting(1.0, (0.1, 0.1, 0.1)), rule):
        walked = walk(blind, each)
        assert walked.visited.any(axis=1).all()
        assert walked.visited[np.arange(5), walked.rank].all()


def test_what_a_walk_returns_is_the_rules_own_last_step(fitted):
    """The rank at which a walk ends is the one that the rule's stop names."""

    class First:
        """Stops at the first answer."""

        def next(self, state):
            return Stop(state.run[-1], "enough", 0.0) if state.run else Run(min(state.allowed), "first")

    walked = walk(fitted.table, First())

    assert set(walked.rank.tolist()) == {0}
    assert fitted.table.cost[:, 0].tolist() == walked.cost.tolist()
