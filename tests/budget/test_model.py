"""Every store against one model, under any interleaving of reserving, settling, dying, expiring and changed limits."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from router.budget.accounts import account
from router.budget.windows import span
from router.stores.budget_store import REMEMBERED, Holding
from tests.budget.conftest import Timepiece, scope

MINUTE, TTL = 60, 630
USERS = ("ann", "bob")
_NAMES = itertools.count()


@dataclass
class Open:
    """A reservation as the model knows it."""

    holding: Holding
    until: float


class Budgets(RuleBasedStateMachine):
    """A budget for all by the day, one that rolls, and one per user, with what they should hold written down beside."""

    calls = Bundle("calls")
    make: object  # set by the test

    def __init__(self):
        super().__init__()
        self.time = Timepiece()
        self.store = type(self).make(self.time)
        name = f"m{next(_NAMES)}"
        self.scopes = [
            scope(f"{name} all", limit=1000),
            scope(f"{name} rolling", limit=700, window="rolling 1h"),
            scope(f"{name} user", limit=500, per="user"),
        ]
        self.opened: dict[str, Open] = {}
        self.spent: list[tuple[float, Holding, int]] = []
        self.settled: dict[str, float] = {}
        self.broken = False  # something happened after which spending may be over the limit, honestly

    def accounts(self, user):
        return tuple(account(each, user if each.per else None) for each in self.scopes)

    def now(self):
        return int(self.time.now * 1000)

    def model(self, of):
        """What ``of`` has spent and holds, from the list of everything that happened."""
        window = span(of.scope.window, self.now())
        spent = 0
        for when, holding, cost in self.spent:
            moment = int(when * 1000)
            if of.id in {each.id for each in holding.accounts}:
                spent += cost if window.counts(span(of.scope.window, moment).bucket(moment)) else 0
        held = sum(
            each.holding.most
            for each in self.opened.values()
            if each.until > self.time.now and of.id in {one.id for one in each.holding.accounts}
        )
        return spent, held

    @rule(target=calls, user=st.sampled_from(USERS), most=st.integers(0, 400))
    def reserve(self, user, most):
        holding = Holding(id=f"{id(self)}-{next(_NAMES)}", most=most, accounts=self.accounts(user), ttl=TTL)
        room = all(sum(self.model(each)) + most <= each.scope.limit for each in holding.accounts)
        refused = self.store.reserve(holding).refused
        assert room == (refused is None)
        if room:
            self.opened[holding.id] = Open(holding, self.time.now + TTL)
        return holding if room else None

    @rule(call=calls, share=st.floats(0, 1))
    def settle(self, call, share):
        if call is None or self.time.now - self.settled.get(call.id, self.time.now) > REMEMBERED - MINUTE:
            return  # a store does not remember for ever what was settled
        cost = int(call.most * share)
        self.store.settle(call, cost)
        if call.id not in self.settled:  # a second time nothing is charged
            late = self.opened[call.id].until <= self.time.now
            self.broken = self.broken or late
            self.spent.append((self.time.now, call, cost))
            del self.opened[call.id]
            self.settled[call.id] = self.time.now

    @rule(minutes=st.sampled_from((1, 5, 11, 59, 24 * 60)))
    def wait(self, minutes):
        self.time.now += minutes * MINUTE

    @rule(place=st.integers(0, 2), limit=st.integers(100, 1500))
    def change_limit(self, place, limit):
        self.broken = self.broken or limit < self.scopes[place].limit
        self.scopes[place] = replace(self.scopes[place], limit=limit)

    @invariant()
    def the_store_says_what_the_model_says(self):
        for user in USERS:
            accounts = self.accounts(user)
            reading = self.store.survey(accounts)
            assert [self.model(each) for each in accounts] == [(each.spent, each.held) for each in reading.standings]

    @invariant()
    def nothing_is_overspent(self):
        if not self.broken:
            for each in (one for user in USERS for one in self.accounts(user)):
                assert sum(self.model(each)) <= each.scope.limit

    @invariant()
    def a_window_that_rolls_never_counts_too_little(self):
        of = self.accounts("ann")[1]
        recent = sum(cost for when, _, cost in self.spent if when > self.time.now - 3600)
        assert self.model(of)[0] >= recent


@pytest.mark.parametrize("examples", [25])
def test_a_store_holds_what_the_model_holds(make, examples):
    class Machine(Budgets):
        pass

    Machine.make = staticmethod(make)
    chosen = settings(
        max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Machine, settings=chosen)
