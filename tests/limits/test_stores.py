"""What every store of limits does: one suite for memory and Redis."""

from __future__ import annotations

import threading

import pytest

from tests.limits.conftest import LARGE, SMALL, limit


def test_a_minutes_worth_may_come_at_once_and_then_one_at_a_time(gate):
    made = gate(limit(requests_per_minute=3))
    assert [made.goes(f"a{place}") for place in range(4)] == [True, True, True, False]
    verdict = made.enter("b")
    assert (verdict.status, verdict.gauge.name) == ("wait", "all")
    assert verdict.wait / 1000 == pytest.approx(40, abs=1)  # after the one that waits already
    made.time.now += 21
    assert [made.goes("a3"), made.goes("b")] == [True, False]


def test_a_burst_can_be_less_than_a_minutes_worth(gate):
    made = gate(limit(requests_per_minute=60, burst=2.0))
    assert [made.goes(f"a{place}", patience=0) for place in range(3)] == [True, True, False]


def test_tokens_are_taken_by_estimate_and_put_right_when_the_call_is_over(gate):
    made = gate(limit(tokens_per_minute=600))
    assert made.goes("a", tokens=500)
    assert not made.goes("b", tokens=500)
    made.leave("a", spent=100)
    assert made.goes("b", tokens=500)
    made.leave("b", spent=700)
    assert made.enter("c", tokens=100).wait / 1000 == pytest.approx(30, abs=1)


def test_a_call_that_is_over_twice_is_put_right_once(gate):
    made = gate(limit(tokens_per_minute=600))
    made.enter("a", tokens=500)
    for _ in range(3):
        made.leave("a", spent=300)
    assert made.goes("b", tokens=300)
    assert not made.goes("c", tokens=100)


def test_a_call_whose_tokens_nobody_knows_counts_by_its_estimate(gate):
    made = gate(limit(tokens_per_minute=600))
    made.enter("a", tokens=500)
    made.leave("a", spent=None)
    assert [made.goes("b", tokens=100), made.goes("c", tokens=100)] == [True, False]


def test_a_call_larger_than_the_limit_is_refused_at_once(gate):
    made = gate(limit(tokens_per_minute=600))
    assert made.enter("a", tokens=601).status == "oversize"


def test_only_so_many_calls_are_under_way_at_once(gate):
    made = gate(limit(concurrency=2))
    assert [made.goes(id) for id in "abc"] == [True, True, False]
    made.leave("a")
    assert made.goes("c")


def test_a_dead_workers_place_is_free_again_when_its_lease_is_over(gate):
    made = gate(limit(concurrency=1))
    assert made.goes("dead", lease=30.0)
    assert not made.goes("b", patience=0)
    made.time.now += 31
    assert made.goes("b")


def test_a_days_quota_is_refused_until_the_next_day(gate):
    made = gate(limit(requests_per_day=2, tokens_per_day=100))
    assert [made.goes("a", tokens=40), made.goes("b", tokens=40)] == [True, True]
    refused = made.enter("c", tokens=40)
    assert refused.status == "quota"
    assert refused.wait / 1000 == pytest.approx(86_400 - 30, abs=2)
    made.time.now += 86_400
    assert made.goes("c", tokens=40)


def test_a_days_tokens_are_put_right_when_a_call_is_over(gate):
    made = gate(limit(tokens_per_day=100))
    made.enter("a", tokens=90)
    assert made.enter("b", tokens=20).status == "quota"
    made.leave("a", spent=10)
    assert made.goes("b", tokens=90)


def test_those_who_wait_go_by_priority_and_then_as_they_came(gate):
    made = gate(limit(concurrency=1))
    made.enter("running")
    order = [("late", "low"), ("first", "normal"), ("second", "normal"), ("urgent", "high")]
    for id, priority in order:
        assert not made.goes(id, priority=priority)
        made.time.now += 0.2
    went, running = [], "running"
    while len(went) < len(order):
        made.leave(running)
        ready = [id for id, priority in order if id not in went and made.goes(id, priority=priority)]
        assert len(ready) == 1
        went += ready
        running = ready[0]
    assert went == ["urgent", "first", "second", "late"]


def test_who_comes_later_does_not_overtake_one_who_waits(gate):
    made = gate(limit(concurrency=1))
    made.enter("running")
    made.enter("waiting")
    made.time.now += 0.01
    made.leave("running")
    assert [made.goes("new"), made.goes("waiting")] == [False, True]


def test_one_whom_another_limit_holds_up_keeps_nobody_waiting(gate):
    made = gate(limit("tier", concurrency=1), limit("user", per="user", requests_per_minute=1))
    assert made.goes("a", user="ann")
    made.leave("a")
    assert not made.goes("again", user="ann")  # her own limit holds her up, not the tier
    assert made.goes("b", user="bob")


def test_a_small_call_does_not_go_before_a_large_one_that_waits(gate):
    made = gate(limit(tokens_per_minute=600))
    made.enter("a", tokens=300)
    assert not made.goes("large", tokens=500)
    assert not made.goes("small", tokens=200)
    made.time.now += 22
    assert [made.goes("large", tokens=500), made.goes("small", tokens=200)] == [True, False]


def test_a_full_queue_takes_no_more(gate):
    made = gate(limit(concurrency=1, queue=2))
    made.enter("running")
    assert [made.enter(id).status for id in ("a", "b", "c")] == ["wait", "wait", "full"]
    assert made.enter("a").status == "wait"  # who is in it stays


def test_one_who_gives_up_makes_room_in_the_queue(gate):
    made = gate(limit(concurrency=1, queue=1))
    made.enter("running")
    made.enter("a")
    made.leave("a")
    assert made.enter("b").status == "wait"


def test_one_who_does_not_ask_again_has_given_up(gate):
    made = gate(limit(concurrency=1, queue=1))
    made.enter("running")
    made.enter("dead")
    made.time.now += 10
    assert made.enter("b").status == "wait"
    made.leave("running")
    assert made.goes("b")


def test_a_call_that_would_be_too_late_is_refused_at_once_and_told_when_there_is_room(gate):
    made = gate(limit(requests_per_minute=2))
    assert [made.goes("a"), made.goes("b")] == [True, True]
    late = made.enter("c", left=5.0)
    assert late.status == "late"
    assert late.wait / 1000 == pytest.approx(30, abs=1)
    impatient = made.enter("d", patience=10)
    assert impatient.status == "late"
    assert made.enter("e", left=40.0).status == "wait"


def test_patience_counts_from_the_first_asking(gate):
    made = gate(limit(concurrency=1))
    made.enter("running")
    assert made.enter("a", patience=20).status == "wait"
    made.time.now += 1
    assert made.enter("a", patience=20).status == "wait"
    made.time.now += 20
    assert made.enter("a", patience=20).status == "late"


def test_limits_are_kept_per_user_per_tier_and_by_tag(gate):
    made = gate(
        limit("user", per="user", requests_per_minute=2),
        limit("large", tier="large", requests_per_minute=1),
        limit("bulk", tag="feature", value="bulk", requests_per_minute=1),
    )
    assert [made.goes(f"a{place}", user="ann", patience=0) for place in range(3)] == [True, True, False]
    assert [made.goes(f"l{place}", user="bob", at=LARGE, patience=0) for place in range(2)] == [True, False]
    bulk = [made.goes(f"b{place}", user="eve", tags={"feature": "bulk"}, patience=0) for place in range(2)]
    assert bulk == [True, False]
    assert made.goes("c", user="eve", patience=0)


def test_a_limit_for_low_priorities_leaves_room_for_higher_ones(gate):
    made = gate(limit("all", concurrency=3), limit("rest", concurrency=2, priorities=("normal", "low")))
    calls = [made.goes(id, patience=0, priority=priority) for id, priority in (("a", "low"), ("b", "normal"))]
    assert [*calls, made.goes("c", patience=0), made.goes("d", priority="high")] == [True, True, False, True]


@pytest.mark.parametrize("value", ["", "a:b", "{x}", "\x00", "\ud800", "日本\n", "x" * 5000])
def test_odd_characters_in_a_tag_are_values_like_others(gate, value):
    made = gate(limit(per="team", concurrency=1))
    assert made.goes("a", tags={"team": value})
    assert not made.goes("b", tags={"team": value})
    assert made.goes("c", tags={"team": value + "!"})


def test_a_refused_call_takes_nothing_from_any_limit(gate):
    made = gate(limit("wide", requests_per_minute=2), limit("narrow", concurrency=1))
    assert made.goes("a")
    assert made.enter("b", patience=0).status == "late"
    made.leave("a")
    assert made.goes("c")


def test_a_tier_whose_provider_is_overloaded_is_left_alone_and_then_asked_at_half_its_rate(gate):
    made = gate(limit("small", tier="small", concurrency=4), limit("other", tier="large", concurrency=4))
    made.enter("a")
    made.enter("a2")
    made.leave("a", throttled=15_000)
    made.leave("a2", throttled=15_000)  # of those under way together only one counts
    held = made.enter("b")
    assert (held.status, held.gauge, held.pace) == ("wait", None, 0.5)
    assert held.wait / 1000 == pytest.approx(15, abs=1)
    assert made.goes("elsewhere", at=LARGE)
    assert made.enter("hurried", left=3.0).status == "late"
    made.leave("b")
    made.time.now += 17
    assert [made.goes(id) for id in ("c", "d", "e")] == [True, True, False]


def test_a_tier_recovers_a_tenth_each_ten_seconds_and_no_further_than_its_limit(gate):
    made = gate(limit(tier="small", concurrency=10))
    made.enter("a")
    made.leave("a", throttled=1000)
    made.time.now += 3
    paces = []
    for _ in range(8):
        paces.append(made.enter(f"b{len(paces)}").pace)
        made.time.now += 10
    assert paces == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0, 1.0])


def test_a_tier_that_says_429_again_is_slowed_further_and_never_stopped(gate):
    made = gate(limit(tier="small", concurrency=100))
    paces = []
    for turn in range(6):
        made.enter(f"a{turn}")
        made.leave(f"a{turn}", throttled=1000)
        made.time.now += 3
        paces.append(made.enter(f"b{turn}").pace)
    assert paces == pytest.approx([0.5, 0.25, 0.125, 0.1, 0.1, 0.1])


def test_many_threads_never_have_more_calls_under_way_than_allowed(gate):
    made = gate(limit(concurrency=5))
    went = []

    def work(worker):
        for turn in range(4):
            id = f"{worker}-{turn}"
            if made.goes(id, patience=0):
                went.append(id)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(went) == 5


def test_calls_to_a_tier_without_limits_go(gate):
    made = gate(limit(tier="large", concurrency=1))
    assert all(made.goes(f"a{place}", at=SMALL) for place in range(5))
