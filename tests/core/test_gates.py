"""Budgets and rate limits in the pipeline: what they hold up, what they refuse, and what they are given back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.budget.ops import Grant, Posture, Reserve, Settle, Survey
from router.budget.settings import BudgetSettings
from router.cascade import cascade
from router.drivers import arun
from router.errors import BudgetExceeded, DeadlineExceeded, RateLimited, ServerFault, Throttled
from router.gates import Gates, most_tokens
from router.limits.ops import Enter, Leave, Turn
from router.limits.settings import LimitSettings
from router.ops import Append, Now, Send
from router.types import ResponseFormat, Tool
from tests.kit import BIRTH, Clock, ask, router, said, two_tiers

BOTH = Gates(budgets=BudgetSettings(), limits=LimitSettings())


@dataclass
class Desk:
    """Answers budget and limit operations as written down, and notes them."""

    posture: Posture = field(default_factory=Posture)
    refuse: frozenset[str] = frozenset()
    turns: list[Turn] = field(default_factory=list)
    reserved: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    left: list[Leave] = field(default_factory=list)

    def at(self, made):
        """Let this desk perform the operations of ``made``."""
        made._outside.shell = {
            **made._outside.shell,
            Survey: lambda _: self.posture,
            Reserve: self.reserve,
            Settle: self.settle,
            Enter: lambda _: self.turns.pop(0) if self.turns else Turn(ticket="t"),
            Leave: self.left.append,
        }
        return made

    def reserve(self, op):
        if op.tier.name in self.refuse:
            return Grant(refused=f"budget 'team' has no room for {op.tier.name}", budget="team")
        self.reserved.append(op.most)
        return Grant(id=f"g{len(self.reserved)}")

    def settle(self, op):
        self.settled.append(op.cost)


def at(desk, parts, replies, **kwargs):
    made, provider, book, clock = router(replace(parts, gates=BOTH), replies, **kwargs)
    return desk.at(made), provider, book, clock


def test_what_is_settled_is_what_the_decision_says_it_cost():
    desk = Desk()
    made, _, book, _ = at(desk, two_tiers(confidence=0.3), {"small": said("5"), "large": said("4")})

    decision = made.route("2 + 2?").decision

    assert [a.verdict for a in decision.attempts] == ["escalated", "accepted"]
    assert sum(desk.settled) == decision.cost == book.last.cost
    assert all(most >= cost for most, cost in zip(desk.reserved, desk.settled, strict=True))
    assert [leave.tokens for leave in desk.left] == [13, 13]


def test_a_refused_tier_is_skipped_and_the_answer_in_hand_is_returned():
    desk = Desk(refuse=frozenset({"large"}))
    made, provider, _, _ = at(desk, two_tiers(confidence=0.3), {"small": said("5"), "large": said("4")})

    response = made.route("2 + 2?")

    assert response.text == "5"
    assert [call.tier.name for call in provider.calls] == ["small"]
    assert [(a.tier, a.verdict) for a in response.decision.attempts] == [("small", "accepted"), ("large", "skipped")]
    assert "budget 'team' has no room for large" in response.decision.explain()


def test_when_no_tier_may_be_paid_the_budget_is_the_error_and_the_ledger_has_it():
    desk = Desk(refuse=frozenset({"small", "large"}))
    made, provider, book, _ = at(desk, two_tiers(), {})

    with pytest.raises(BudgetExceeded, match="no room") as caught:
        made.route("2 + 2?")

    assert (provider.calls, desk.settled, caught.value.budget) == ([], [], "team")
    assert book.last == caught.value.decision
    assert {a.verdict for a in book.last.attempts} == {"skipped"}


def test_a_call_that_fails_unbilled_gives_everything_back():
    desk = Desk()
    made, _, _, _ = at(desk, two_tiers(), {"small": ServerFault("down", tier="small"), "large": said("4")})

    decision = made.route("2 + 2?").decision

    assert desk.settled == [0, 0, 0, decision.cost]
    assert len(desk.left) == 4


def test_a_call_without_token_counts_keeps_the_most_it_may_have_cost():
    desk = Desk()
    made, _, _, _ = at(desk, two_tiers(confidence=0.9), {"small": said("4", usage=None)})

    decision = made.route("2 + 2?").decision

    assert desk.settled == desk.reserved
    assert decision.notes == ("small reported no token counts; its budgets count the most it may cost.",)


def test_an_interrupted_call_gives_its_reservation_and_its_turn_back():
    def interrupted(_):
        raise KeyboardInterrupt

    desk = Desk()
    made, _, _, _ = at(desk, two_tiers(), {"small": interrupted})

    with pytest.raises(KeyboardInterrupt):
        made.route("2 + 2?")

    assert (desk.settled, [leave.ticket for leave in desk.left]) == ([0], ["t"])


def test_a_request_that_is_woken_after_its_deadline_is_not_sent():
    class Late(Clock):
        def sleep(self, seconds):
            super().sleep(seconds + 1)

    desk = Desk(turns=[Turn(wait=0.5, place="p", limit="rpm")])
    made, provider, _, _ = at(desk, two_tiers(), {"small": said("4")}, clock=Late())

    with pytest.raises(DeadlineExceeded):
        made.route("2 + 2?", deadline=1)

    assert provider.calls == []
    assert [(leave.ticket, leave.place) for leave in desk.left] == [(None, "p")]


def test_a_request_waits_its_turn_and_says_so():
    desk = Desk(turns=[Turn(wait=0.5, place="p", limit="rpm"), Turn(wait=0.25, place="p", limit="rpm")])
    made, _, _, clock = at(desk, two_tiers(confidence=0.9), {"small": said("4")})

    decision = made.route("2 + 2?", deadline=10).decision

    assert clock.slept == [0.5, 0.25]
    assert decision.notes == ("It waited 0.75 s for a turn at small.",)


def test_a_turn_that_comes_after_the_deadline_is_refused_at_once_and_its_place_given_up():
    desk = Desk(turns=[Turn(wait=30.0, place="p", limit="rpm"), Turn(wait=30.0, place="q", limit="rpm")])
    made, provider, book, clock = at(desk, two_tiers(), {})

    with pytest.raises(Throttled, match="'rpm' leaves no room") as caught:
        made.route("2 + 2?", deadline=5)

    assert (provider.calls, clock.slept, caught.value.retry_after) == ([], [], 30.0)
    assert [(leave.ticket, leave.place) for leave in desk.left] == [(None, "p"), (None, "q")]
    assert book.last.error == str(caught.value)


def test_the_time_that_is_left_after_waiting_bounds_the_call():
    desk = Desk(turns=[Turn(wait=3.0, place="p", limit="rpm")])
    made, provider, _, _ = at(desk, two_tiers(confidence=0.9), {"small": said("4")})

    made.route("2 + 2?", deadline=5)

    assert [call.timeout for call in provider.calls] == [2.0]


def test_a_429_is_reported_to_the_limit_of_its_tier():
    desk = Desk()
    fault = RateLimited("busy", tier="small", retry_after=7.0)
    made, _, _, _ = at(desk, two_tiers(), {"small": fault, "large": said("4")})

    made.route("2 + 2?", deadline=5)

    assert [(leave.tier.name, leave.throttled, leave.retry_after) for leave in desk.left][:1] == [("small", True, 7.0)]


def test_a_budget_caps_the_tier():
    desk = Desk(posture=Posture(ceiling="small", budget="team", notes=("budget 'team' is at 92 %",)))
    made, provider, _, _ = at(desk, two_tiers(confidence=0.3), {"small": said("5")})

    response = made.route("2 + 2?")

    assert [call.tier.name for call in provider.calls] == ["small"]
    assert response.decision.notes == ("budget 'team' is at 92 %",)


def test_a_cap_below_the_floor_is_the_budgets_refusal():
    desk = Desk(posture=Posture(ceiling="small", budget="team"))
    made, provider, book, _ = at(desk, two_tiers(), {})

    with pytest.raises(BudgetExceeded, match="no tier above small"):
        made.route("2 + 2?", floor="large")

    assert provider.calls == []
    assert (book.last.start, book.last.attempts) == ("", ())


@pytest.mark.parametrize(
    ("posture", "sentence"),
    [
        (Posture(cache_only=True, budget="team"), "lets only the cache answer"),
        (Posture(refused="budget 'team' is spent", budget="team"), "is spent"),
    ],
)
def test_a_spent_budget_refuses_before_anything_is_asked_and_the_ledger_says_so(posture, sentence):
    made, provider, book, _ = at(Desk(posture=posture), two_tiers(), {})

    with pytest.raises(BudgetExceeded, match=sentence):
        made.route("2 + 2?")

    assert provider.calls == []
    assert sentence in book.last.error
    assert book.last.cost == 0


def test_a_cancelled_task_gives_its_reservation_back():
    desk = Desk()
    made, _, book, _ = at(desk, two_tiers(), {})
    acts = {**made._outside.shell, Now: lambda _: 0.0, Append: lambda op: book.append(op.decision, op.request)}

    async def cancelled():
        started = asyncio.Event()

        async def send(_):
            started.set()
            await asyncio.get_running_loop().create_future()

        shell = {op: _awaited(act) for op, act in acts.items()} | {Send: send}
        task = asyncio.ensure_future(arun(cascade(ask(), made.plan, BIRTH), shell))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())

    assert desk.settled == [0]
    assert book.last.attempts[0].verdict == "failed"


def _awaited(act):
    async def perform(op):
        return act(op)

    return perform


@given(st.text(min_size=1).filter(str.strip))
def test_no_tokenizer_can_make_more_tokens_of_a_prompt_than_are_reserved(prompt):
    assert most_tokens(ask(prompt)) > len(prompt.encode("utf-8", "surrogatepass"))


def test_what_templates_and_providers_say_of_their_own_is_reserved_too():
    """More than gpt-oss's template puts around one word, and than Anthropic bills for having offered any tool."""
    assert most_tokens(ask("Hi")) > 75
    assert most_tokens(ask("Hi", tools=(Tool(name="now", description="", parameters={}),))) > 530 + 75
    assert most_tokens(ask("Hi", response_format=ResponseFormat())) > most_tokens(ask("Hi"))
