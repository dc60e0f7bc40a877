"""The straight line of one request, performed on fakes."""

from __future__ import annotations

import math

import pytest

from router.cascade import cascade
from router.drivers import replay
from router.errors import (
    AllTiersFailed,
    ConnectionFailed,
    ContextOverflow,
    DeadlineExceeded,
    InputError,
    LedgerError,
    MalformedAnswer,
    PromptTooLong,
    ProviderTimeout,
    RateLimited,
    RejectedRequest,
    ServerFault,
    Unauthorized,
    UnknownTier,
)
from router.ops import Send
from router.policy import Always, CostAware, Thresholds
from router.types import Usage
from tests.kit import BIRTH, Book, Clock, Scripted, ask, ladder, plan, router, said, tier, two_tiers


def test_a_confident_small_answer_is_accepted_and_the_large_tier_never_called():
    made, provider, book, _ = router(two_tiers(confidence=0.85), {"small": said("4"), "large": said("four")})

    response = made.route("What is 2 + 2?")

    assert response.text == "4"
    assert [send.tier.name for send in provider.calls] == ["small"]
    attempt = response.decision.attempts[0]
    assert (attempt.verdict, attempt.confidence, attempt.threshold) == ("accepted", 0.85, 0.8)
    assert response.decision.cost == 10 * 1000 + 3 * 2000
    assert response.decision.strong_cost == 10 * 10_000 + 3 * 20_000
    assert book.last == response.decision


def test_an_unsure_answer_escalates_and_both_calls_are_charged():
    made, provider, _, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("4")})

    decision = made.route("What is 2 + 2?").decision

    assert [(a.tier, a.verdict) for a in decision.attempts] == [("small", "escalated"), ("large", "accepted")]
    assert decision.cost == 16_000 + 160_000
    assert decision.escalated
    assert len(provider.calls) == 2


def test_confidence_equal_to_the_threshold_is_accepted():
    made, provider, _, _ = router(two_tiers(confidence=0.8), {"small": said("4"), "large": said("four")})

    assert made.route("2 + 2?").decision.tier == "small"
    assert len(provider.calls) == 1


def test_a_failing_stronger_tier_leaves_the_best_answer_so_far():
    error = ServerFault("down", tier="large", status=503)
    made, _, _, clock = router(two_tiers(confidence=0.3), {"small": said("5"), "large": [error] * 3})

    response = made.route("What is 2 + 2?")

    assert response.text == "5"
    assert [(a.tier, a.verdict, a.calls) for a in response.decision.attempts] == [
        ("small", "accepted", 1),
        ("large", "failed", 3),
    ]
    assert len(clock.slept) == 2


def test_a_failing_first_tier_moves_to_the_next():
    made, _, _, _ = router(two_tiers(), {"small": MalformedAnswer("no choices", tier="small"), "large": said("4")})

    decision = made.route("What is 2 + 2?").decision

    assert [(a.tier, a.verdict) for a in decision.attempts] == [("small", "failed"), ("large", "accepted")]
    assert decision.attempts[0].usage is None
    assert decision.attempts[0].cost == 0


def test_a_failed_call_that_was_billed_is_charged():
    error = MalformedAnswer("empty", tier="small")
    error.usage = Usage(input_tokens=10)
    made, _, _, _ = router(two_tiers(), {"small": error, "large": said("4")})

    assert made.route("2 + 2?").decision.attempts[0].cost == 10_000


@pytest.mark.parametrize("kind", [RejectedRequest, Unauthorized])
def test_a_wrong_request_or_account_is_neither_retried_nor_escalated(kind):
    made, provider, book, clock = router(
        two_tiers(), {"small": kind("no", tier="small", status=400), "large": said("4")}
    )

    with pytest.raises(kind) as caught:
        made.route("What is 2 + 2?")

    assert len(provider.calls) == 1
    assert clock.slept == []
    assert book.last.error == "no"
    assert caught.value.decision == book.last


@pytest.mark.parametrize("kind", [RateLimited, ProviderTimeout, ConnectionFailed, ServerFault])
def test_passing_faults_are_retried_with_growing_waits_then_escalated(kind):
    made, provider, _, clock = router(two_tiers(), {"small": [kind("busy", tier="small")] * 3, "large": said("4")})

    assert made.route("What is 2 + 2?").decision.tier == "large"
    assert [send.tier.name for send in provider.calls] == ["small"] * 3 + ["large"]
    assert 0.375 <= clock.slept[0] <= 0.5
    assert 0.75 <= clock.slept[1] <= 1.0


def test_retry_after_is_honoured():
    made, _, _, clock = router(
        two_tiers(confidence=0.9), {"small": [RateLimited("busy", tier="small", retry_after=7.0), said("4")]}
    )

    decision = made.route("What is 2 + 2?").decision

    assert clock.slept == [7.0]
    assert decision.attempts[0].calls == 2
    assert decision.attempts[0].latency == 7.0


def test_retry_after_beyond_the_deadline_moves_on_at_once():
    made, _, _, clock = router(
        two_tiers(), {"small": RateLimited("busy", tier="small", retry_after=30.0), "large": said("4")}
    )

    assert made.route("What is 2 + 2?", deadline=10.0).decision.tier == "large"
    assert clock.slept == []


def test_every_call_is_bounded_by_what_is_left_of_the_deadline():
    clock = Clock()

    def slow(_):
        clock.now += 6.0
        return said("5")

    made, provider, _, _ = router(two_tiers(confidence=0.3), {"small": slow, "large": said("4")}, clock=clock)

    made.route("What is 2 + 2?", deadline=10.0)

    assert [send.timeout for send in provider.calls] == [10.0, 4.0]


def test_an_answer_in_hand_is_returned_when_the_deadline_leaves_no_time_to_escalate():
    clock = Clock()

    def slow(_):
        clock.now += 11.0
        return said("5")

    made, provider, _, _ = router(two_tiers(confidence=0.3), {"small": slow, "large": said("4")}, clock=clock)

    decision = made.route("What is 2 + 2?", deadline=10.0).decision

    assert decision.tier == "small"
    assert [(a.tier, a.verdict) for a in decision.attempts] == [("small", "accepted"), ("large", "skipped")]
    assert len(provider.calls) == 1


def test_a_deadline_already_passed_sends_nothing():
    made, provider, book, _ = router(two_tiers(), {"small": said("4")})

    with pytest.raises(DeadlineExceeded, match="nothing was sent"):
        made.route("What is 2 + 2?", deadline=0.0)

    assert provider.calls == []
    assert book.entries == []


def test_a_deadline_used_up_by_retries_is_said_so():
    clock = Clock()

    def stuck(_):
        clock.now += 5.0
        return ProviderTimeout("slow", tier="small")

    made, _, book, _ = router(two_tiers(), {"small": stuck, "large": said("4")}, clock=clock)

    with pytest.raises(DeadlineExceeded):
        made.route("What is 2 + 2?", deadline=5.0)
    assert book.last.error == "the deadline passed before any tier had answered"


def test_when_every_tier_fails_the_error_names_each():
    made, _, book, _ = router(
        two_tiers(), {"small": MalformedAnswer("odd", tier="small"), "large": ContextOverflow("long", tier="large")}
    )

    with pytest.raises(AllTiersFailed, match=r"small: MalformedAnswer: odd; large: ContextOverflow: long") as caught:
        made.route("What is 2 + 2?")

    assert caught.value.decision == book.last
    assert [a.verdict for a in book.last.attempts] == ["failed", "failed"]


def test_floor_and_ceiling_bound_what_may_answer():
    made, provider, _, _ = router(two_tiers(), {"small": said("4"), "large": said("four")})

    assert made.route("2 + 2?", floor="large").decision.tier == "large"
    assert made.route("2 + 2?", ceiling="small").decision.tier == "small"
    assert [send.tier.name for send in provider.calls] == ["large", "small"]


def test_an_unknown_tier_and_a_floor_above_the_ceiling_are_refused():
    made, _, _, _ = router(two_tiers(), {})

    with pytest.raises(UnknownTier, match="floor='huge' is no tier of this router; its tiers are small, large"):
        made.route("2 + 2?", floor="huge")
    with pytest.raises(InputError, match="floor='large' is stronger than ceiling='small'"):
        made.route("2 + 2?", floor="large", ceiling="small")


def test_a_prompt_longer_than_every_window_is_refused_before_anything_is_sent():
    made, provider, _, _ = router(two_tiers(), {})

    with pytest.raises(PromptTooLong, match=r"about 16,666 tokens.*8,192 \(tier 'small'\)"):
        made.route("x" * 100_000)
    assert provider.calls == []


def test_a_tier_whose_window_is_too_small_is_skipped():
    from router.tiers import Ladder

    tiers = Ladder((tier("small", context=10), tier("large", input=10, output=20)))
    parts = plan(tiers, Thresholds(start=(0.5, 0.5), accept=(0.8, 0.8)), Scripted((0.6, 0.9)))
    made, _, _, _ = router(parts, {"large": said("4")})

    decision = made.route("word " * 50).decision

    assert [(a.tier, a.verdict) for a in decision.attempts] == [("small", "skipped"), ("large", "accepted")]


def test_a_tier_between_is_skipped_when_the_rule_says_so():
    after = {(0,): (0.2, 0.4, 0.9), (0, 2): (0.2, 0.4, 0.95)}
    parts = plan(
        ladder("small", "middle", "large"),
        Thresholds(start=(0.5, 0.5, 0.5), accept=(0.8, 0.8, 0.8)),
        Scripted((0.6, 0.7, 0.9), after),
    )
    made, provider, _, _ = router(parts, {"small": said("5"), "large": said("4")})

    assert made.route("2 + 2?").decision.tier == "large"
    assert [send.tier.name for send in provider.calls] == ["small", "large"]


def test_an_earlier_answer_that_is_likelier_right_outvotes_a_later_one():
    after = {(0,): (0.5, 0.9), (0, 1): (0.7, 0.3)}
    parts = plan(ladder("small", "large"), CostAware(quality_per_dollar=0.0), Scripted((0.95, 0.9), after))
    made, _, _, _ = router(parts, {"small": said("4"), "large": said("5")})

    response = made.route("2 + 2?")

    assert response.text == "4"
    assert [a.verdict for a in response.decision.attempts] == ["accepted", "outvoted"]


def test_a_ledger_that_fails_gives_the_paid_answer_with_the_error():
    made, _, _, _ = router(two_tiers(confidence=0.9), {"small": said("4")}, book=Book(fails=True))

    with pytest.raises(LedgerError) as caught:
        made.route("What is 2 + 2?")

    assert caught.value.response is not None
    assert caught.value.response.text == "4"


def test_a_clock_that_goes_backwards_makes_no_negative_latency_and_no_longer_timeout():
    clock = Clock()

    def jump(_):
        clock.now -= 500.0
        return said("5")

    made, provider, _, _ = router(two_tiers(confidence=0.3), {"small": jump, "large": said("4")}, clock=clock)

    decision = made.route("What is 2 + 2?", deadline=10.0).decision

    assert decision.latency == 0.0
    assert all(attempt.latency >= 0 for attempt in decision.attempts)
    assert [send.timeout for send in provider.calls] == [10.0, 10.0]


def test_an_interrupt_is_written_down_with_what_was_spent():
    def interrupted(_):
        raise KeyboardInterrupt

    made, _, book, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": interrupted})

    with pytest.raises(KeyboardInterrupt):
        made.route("What is 2 + 2?")

    assert book.last.error == "KeyboardInterrupt"
    assert book.last.cost == 16_000


def test_unknown_usage_costs_nothing_and_claims_no_savings():
    made, _, _, _ = router(two_tiers(confidence=0.9), {"small": said("4", usage=None)})

    decision = made.route("2 + 2?").decision

    assert decision.cost == 0
    assert decision.attempts[0].usage is None
    assert decision.strong_cost is None


def test_replay_gives_the_decision_that_live_traffic_got():
    made, _, _, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("4")})
    live = made.route("What is 2 + 2?").decision

    logged = replay(cascade(ask(), two_tiers(confidence=0.3), BIRTH), {"small": said("5"), "large": said("4")}).decision

    assert [(a.tier, a.verdict, a.confidence, a.cost) for a in logged.attempts] == [
        (a.tier, a.verdict, a.confidence, a.cost) for a in live.attempts
    ]
    assert logged.latency == 0.5


def test_decide_sends_and_writes_nothing():
    made, provider, book, _ = router(two_tiers(), {})

    decision = made.decide("What is 2 + 2?")

    assert decision.start == "small"
    assert decision.suffices == {"small": 0.6, "large": 0.9}
    assert decision.attempts == ()
    assert (provider.calls, book.entries) == ([], [])


def test_explain_answers_why_this_model():
    made, _, _, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("4")})

    told = made.route("What is 2 + 2?").decision.explain()

    assert told.splitlines()[0].startswith("Started at small: the cheapest tier whose chance to suffice reaches")
    assert "with confidence 0.30 < 0.80: escalated" in told
    assert "large answered" in told
    assert "10% more than asking the strongest tier" in told


def test_an_untrained_rule_says_nothing_of_chances():
    parts = plan(ladder("small", "large"), Always(why="nothing was trained"), Scripted((math.nan, math.nan)))
    made, _, _, _ = router(parts, {"large": said("4")})

    decision = made.route("2 + 2?").decision

    assert decision.suffices == {}
    assert (decision.attempts[0].confidence, decision.attempts[0].threshold) == (None, None)
    assert decision.explain().startswith("Started at large: nothing was trained.")


def test_upgrade_asks_a_stronger_tier_and_links_the_decisions():
    made, _, _, _ = router(two_tiers(confidence=0.9), {"small": said("4"), "large": said("four")})
    first = made.route("2 + 2?")

    better = made.upgrade(first, "2 + 2?")

    assert better.decision.tier == "large"
    assert better.decision.upgraded_from == first.decision.id
    with pytest.raises(InputError, match="'large' is the strongest tier"):
        made.upgrade(better, "2 + 2?")


def test_many_requests_keep_their_order_and_one_failure_loses_no_other():
    def reply(request):
        return RejectedRequest("bad", tier="small") if "bad" in request.text else said(request.text)

    made, _, _, _ = router(two_tiers(confidence=0.9), {"small": reply})

    answers = list(made.route_many(["one", "bad", "three", ""], workers=3))

    assert [answers[0].text, answers[2].text] == ["one", "three"]
    assert isinstance(answers[1], RejectedRequest)
    assert isinstance(answers[3], InputError)


def test_only_a_tier_that_cannot_be_escalated_from_may_be_streamed_live():
    made, provider, _, _ = router(two_tiers(confidence=0.3), {"small": said("5"), "large": said("4")})

    made.route("2 + 2?")

    assert [(send.tier.name, send.live) for send in provider.calls] == [("small", False), ("large", True)]
    assert isinstance(provider.calls[0], Send)
