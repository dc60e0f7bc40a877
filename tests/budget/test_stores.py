"""What every store of budgets does: one suite for memory, SQLite and Redis."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import pytest

from router.budget.accounts import account, accounts_of
from router.budget.settings import BudgetSettings
from router.budget.windows import parse
from router.limits.ops import Enter, Leave
from router.limits.settings import LimitScope, LimitSettings
from router.stores.budget_redis import RedisBudgets
from router.stores.budget_store import Holding, is_of
from router.stores.limiting import Limiting
from tests.budget.conftest import START, Timepiece, scope
from tests.kit import ask, tier

DAY = 86_400


def holding(id, most, *scopes, value=None, ttl=600.0):
    return Holding(id=id, most=most, accounts=tuple(account(each, value) for each in scopes), ttl=ttl)


def figures(reading):
    return [(standing.spent, standing.held) for standing in reading.standings]


def test_what_is_set_aside_is_held_and_what_is_settled_is_spent(make):
    store, hold = make(Timepiece()), holding("a", 300, scope())
    assert figures(store.reserve(hold)) == [(0, 300)]
    assert figures(store.settle(hold, 120)) == [(120, 0)]
    assert figures(store.survey(hold.accounts)) == [(120, 0)]


def test_the_limit_may_be_reached_and_not_passed(make):
    store = make(Timepiece())
    assert store.reserve(holding("a", 1000, scope())).refused is None
    refused = store.reserve(holding("b", 1, scope())).refused
    assert (refused.spent, refused.held, refused.account.scope.limit) == (0, 1000, 1000)


def test_all_budgets_of_a_request_set_aside_or_none(make):
    store, wide, narrow = make(Timepiece()), scope("wide"), scope("narrow", limit=100)
    reading = store.reserve(holding("a", 101, wide, narrow))
    assert reading.refused.account.scope.name == "narrow"
    assert figures(store.survey(holding("", 0, wide, narrow).accounts)) == [(0, 0), (0, 0)]


def test_settling_twice_charges_once(make):
    store, hold = make(Timepiece()), holding("a", 300, scope())
    store.reserve(hold)
    store.settle(hold, 100)
    assert figures(store.settle(hold, 100)) == [(100, 0)]


def test_reserving_twice_under_one_id_sets_aside_once(make):
    store, hold = make(Timepiece()), holding("a", 600, scope())
    store.reserve(hold)
    again = store.reserve(hold)
    assert again.refused is None
    assert figures(again) == [(0, 600)]


def test_a_reservation_of_a_dead_worker_is_given_back_when_its_time_is_over(make):
    time = Timepiece()
    store = make(time)
    store.reserve(holding("dead", 900, scope(), ttl=60.0))
    assert store.reserve(holding("b", 200, scope())).refused is not None
    time.now += 61
    assert figures(store.survey(holding("", 0, scope()).accounts)) == [(0, 0)]
    assert figures(store.reserve(holding("c", 200, scope()))) == [(0, 200)]


def test_a_late_settlement_is_charged_once_and_shows_the_overspend(make):
    time = Timepiece()
    store, late = make(time), holding("late", 900, scope(), ttl=60.0)
    store.reserve(late)
    time.now += 61
    other = holding("other", 900, scope())
    store.reserve(other)
    store.settle(other, 800)
    assert figures(store.settle(late, 800)) == [(1600, 0)]
    assert figures(store.settle(late, 800)) == [(1600, 0)]


def test_what_a_store_never_heard_of_is_charged(make):
    store = make(Timepiece())
    assert figures(store.settle(holding("unheard", 100, scope()), 70)) == [(70, 0)]


def test_a_window_begins_anew(make):
    time = Timepiece()
    store, hold = make(time), holding("a", 500, scope())
    store.reserve(hold)
    before = store.settle(hold, 500).standings[0]
    time.now += DAY
    after = store.survey(hold.accounts).standings[0]
    assert (before.spent, after.spent) == (500, 0)
    assert before.resets == START - 30 + DAY
    assert after.resets == START - 30 + 2 * DAY


def test_a_call_that_outlasts_its_window_counts_in_the_one_in_which_it_ends(make):
    time = Timepiece(START + DAY - 60)
    store, hold = make(time), holding("a", 500, scope())
    store.reserve(hold)
    time.now += 60
    assert figures(store.survey(hold.accounts)) == [(0, 500)]
    assert figures(store.settle(hold, 400)) == [(400, 0)]


def test_a_window_that_rolls_forgets_what_was_spent_once_it_is_past(make):
    time, rolling = Timepiece(), scope(window="rolling 1h")
    store = make(time)
    for minute in range(4):
        store.settle(holding(f"a{minute}", 0, rolling), 10)
        time.now += 20 * 60
    accounts = holding("", 0, rolling).accounts
    assert figures(store.survey(accounts)) == [(30, 0)]  # 60 minutes ago is within the last bucket, 80 are not
    assert store.survey(accounts).standings[0].resets is None
    time.now += 10 * 3600
    assert figures(store.survey(accounts)) == [(0, 0)]


def test_a_limit_that_changes_holds_at_once_for_what_is_set_aside(make):
    store, before = make(Timepiece()), scope(limit=1000)
    store.reserve(holding("a", 600, before))
    lower, higher = replace(before, limit=700), replace(before, limit=1300)
    assert store.reserve(holding("b", 200, lower)).refused is not None
    assert figures(store.reserve(holding("c", 700, higher))) == [(0, 1300)]
    assert figures(store.settle(holding("a", 600, lower), 600)) == [(600, 700)]


def test_an_alert_is_raised_once_in_a_window_for_each_share(make):
    time, watched = Timepiece(), scope(alerts=(0.5, 0.8))
    store = make(time)

    def spend(id, cost):
        return [alert.share for alert in store.settle(holding(id, 0, watched), cost).alerts]

    assert spend("a", 499) == []
    assert spend("b", 1) == [0.5]
    assert spend("c", 100) == []
    assert spend("d", 300) == [0.8]
    time.now += DAY
    assert spend("e", 900) == [0.5, 0.8]


def test_an_alert_of_a_window_that_rolls_comes_again_after_its_length(make):
    time, watched = Timepiece(), scope(window="rolling 1h", alerts=(0.5,))
    store = make(time)
    raised = []
    for turn in range(5):
        raised.append(len(store.settle(holding(f"a{turn}", 0, watched), 600).alerts))
        time.now += 29 * 60
    assert raised == [1, 0, 0, 1, 0]


def test_values_of_a_tag_have_budgets_of_their_own_whatever_their_characters(make):
    store, each = make(Timepiece()), scope("teams", per="team")
    odd = ["", " ", "a", "A", "a:b", "{x}", "\x00", "\ud800", "é", "日本\n", "'; DROP TABLE account; --", "x" * 5000]
    for place, value in enumerate(odd):
        accounts = accounts_of(ask(tags={"team": value}), (each,))
        store.settle(Holding(id=f"a{place}", most=0, accounts=accounts), place + 1)
    for place, value in enumerate(odd):
        assert [(place + 1, 0)] == figures(store.survey((account(each, value),)))
    assert sorted(odd) == sorted(known.value for known in store.known())
    assert all(is_of(known, each) for known in store.known())


def test_a_reset_forgets_what_was_spent_and_keeps_what_is_set_aside(make):
    store, watched = make(Timepiece()), scope(alerts=(0.5,))
    open_call = holding("open", 300, watched)
    store.reserve(open_call)
    store.settle(holding("done", 0, watched), 600)
    assert figures(store.reset(open_call.accounts)) == [(0, 300)]
    assert figures(store.settle(open_call, 250)) == [(250, 0)]
    assert [alert.share for alert in store.settle(holding("next", 0, watched), 300).alerts] == [0.5]


def test_other_windows_of_one_name_are_counted_apart(make):
    store, day = make(Timepiece()), scope()
    store.settle(holding("a", 0, day), 500)
    month = replace(day, window=parse("month"))
    assert figures(store.survey((account(month, None),))) == [(0, 0)]
    assert [is_of(known, month) for known in store.known()] == [False]


def test_a_workers_wrong_clock_does_not_move_a_window(make_shared):
    time = Timepiece()
    for place, skew in enumerate((0, 3 * DAY, -3 * DAY, 40 * DAY)):
        store = make_shared(time, clock=lambda skew=skew: time.now + skew)
        assert [((place + 1) * 10, 0)] == figures(store.settle(holding(f"a{place}", 0, scope()), 10))


def test_what_is_spent_outlives_the_store(make_shared):
    first = make_shared(Timepiece())
    first.reserve(holding("open", 100, scope()))
    first.settle(holding("a", 0, scope()), 10)
    first.close()
    assert figures(make_shared(Timepiece()).survey(holding("", 0, scope()).accounts)) == [(10, 100)]


def test_many_threads_together_never_set_aside_more_than_the_limit(make):
    store, granted = make(Timepiece()), []

    def work(worker):
        for turn in range(15):
            hold = holding(f"{worker}-{turn}", 37, scope())
            if store.reserve(hold).refused is None:
                granted.append(hold)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 1000 // 37


@pytest.mark.parametrize("largest", [2**53 - 1])
def test_the_largest_limit_is_kept_to_the_nano_dollar(make, largest):
    store, huge = make(Timepiece()), scope(limit=largest)
    assert store.reserve(holding("a", largest - 1, huge)).refused is None
    assert store.reserve(holding("b", 2, huge)).refused is not None
    assert [(0, largest)] == figures(store.reserve(holding("c", 1, huge)))
    assert [(largest - 1, 1)] == figures(store.settle(holding("a", largest - 1, huge), largest - 1))


def test_a_forked_worker_spends_from_the_same_budget(make_shared):
    store = make_shared(Timepiece())
    store.settle(holding("parent", 0, scope()), 10)
    child = os.fork()
    if not child:
        try:
            store.settle(holding("child", 0, scope()), 5)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    store.settle(holding("parent again", 0, scope()), 1)
    assert figures(store.survey(holding("", 0, scope()).accounts)) == [(16, 0)]


def test_the_keys_of_a_namespace_lie_in_one_slot_of_a_cluster(own_redis):
    import redis
    from redis.crc import key_slot

    scopes = (scope("a"), scope("b", per="user"), scope("c", window="rolling 1h"))
    store = RedisBudgets(BudgetSettings(url=own_redis.url, timeout=5.0))
    store.settle(holding("done", 0, *scopes, value="ann"), 60)
    store.reserve(holding("open", 100, *scopes, value="bob"))
    store.close()
    limits = Limiting(LimitSettings(url=own_redis.url, scopes=(LimitScope(name="a", per="user", concurrency=1),)))
    turns = [limits.shell[Enter](Enter(ask(), tier("small"), 1)) for _ in range(2)]
    limits.shell[Leave](Leave(ask(), tier("small"), turns[0].ticket, throttled=True))
    limits.close()
    with redis.Redis.from_url(own_redis.url) as client:
        keys = client.keys("*")
    slots = {(key.split(b"}")[0], key_slot(key)) for key in keys}
    assert len(keys) > 10
    assert {name for name, _ in slots} == {b"{tierwise:budgets", b"{tierwise:limits"}
    assert len(slots) == 2
