"""Performing budgets: alerts, settings that change, and stores that are down, slow, full or damaged."""

from __future__ import annotations

import http.server
import json
import logging
import threading
from dataclasses import replace

import pytest

from router.budget.ops import Reserve, Settle, Survey
from router.budget.settings import BudgetSettings, BudgetStep, Notify
from router.stores.budget_alerts import Alerts
from router.stores.budgeting import Budgeting
from router.stores.hold_off import HOLD_OFF
from tests.budget.conftest import scope
from tests.kit import Clock, ask, tier
from tests.servers import redis_server

REQUEST, TIER = ask(), tier("small")


def settings(server=None, **changes):
    given = {"scopes": (scope(limit=1000),), "timeout": 0.2, "tiers": ("small", "large")} | changes
    return BudgetSettings(url="memory" if server is None else server.url, **given)


def spend(budgets, cost, *, request=REQUEST, most=None):
    """One call's way through a budget; what was granted and what was noted."""
    grant = budgets.shell[Reserve](Reserve(request, TIER, cost if most is None else most))
    return grant, None if grant.refused else budgets.shell[Settle](Settle(request, grant, cost))


def survey(budgets, request=REQUEST):
    return budgets.shell[Survey](Survey(request))


def spent(budgets):
    """What the first budget has spent."""
    store = budgets._store
    (grant,) = [budgets.shell[Reserve](Reserve(REQUEST, TIER, 0))]
    return store.survey(grant.accounts).standings[0].spent


# steps


def test_steps_add_up_as_a_budget_nears_its_limit():
    steps = (
        BudgetStep(at=0.5, profile="thrifty"),
        BudgetStep(at=0.8, ceiling="small"),
        BudgetStep(at=0.9, cache_only=True),
    )
    budgets, told = Budgeting(settings(scopes=(scope(limit=1000, steps=steps),))), []
    for cost in (499, 1, 300, 100, 100):
        spend(budgets, cost)
        told.append(survey(budgets))
    assert [each.profile for each in told] == [None, "thrifty", "thrifty", "thrifty", None]
    assert [each.ceiling for each in told] == [None, None, "small", "small", None]
    assert [each.cache_only for each in told] == [False, False, False, True, False]
    assert "has spent $0.000001 of its $0.000001 a day (100 %); it begins anew at 2" in told[-1].refused
    assert "(80 %), so the rule is 'thrifty' and no tier above 'small' is asked" in told[2].notes[0]


def test_of_several_budgets_the_strictest_of_each_step_holds():
    wide = scope("wide", limit=10_000, steps=(BudgetStep(at=0.05, profile="plain", ceiling="small"),))
    near = scope("near", limit=1000, steps=(BudgetStep(at=0.5, profile="thrifty", ceiling="large"),))
    budgets = Budgeting(settings(scopes=(wide, near)))
    spend(budgets, 600)
    posture = survey(budgets)
    assert (posture.profile, posture.ceiling, posture.budget, len(posture.notes)) == ("thrifty", "small", "near", 2)


def test_a_refusal_names_the_budget_what_it_spent_its_limit_and_when_it_begins_anew():
    budgets = Budgeting(settings(scopes=(scope("team", limit=2_500_000_000),)))
    spend(budgets, 1_250_000_000)
    grant, _ = spend(budgets, 0, most=1_300_000_000)
    assert "budget 'team' has spent $1.25 of its $2.50 a day (50 %), and a call to small may cost $1.30; it begins" in (
        grant.refused
    )
    assert (grant.budget, grant.resets is not None) == ("team", True)


def test_requests_outside_every_scope_are_not_counted():
    budgets = Budgeting(settings(scopes=(scope(tag="feature", value="search"),)))
    grant, note = spend(budgets, 5000)
    assert (grant.refused, note, grant.accounts) == (None, None, ())
    assert spend(budgets, 5000, request=ask(tags={"feature": "search"}))[0].refused is not None


def test_a_limit_that_was_raised_while_a_call_is_under_way_holds_at_once_and_charges_once():
    budgets = Budgeting(settings())
    grant = budgets.shell[Reserve](Reserve(REQUEST, TIER, 900))
    assert spend(budgets, 500)[0].refused is not None
    budgets.update(settings(scopes=(scope(limit=2000),)))
    assert spend(budgets, 500)[0].refused is None
    budgets.shell[Settle](Settle(REQUEST, grant, 700))
    assert spent(budgets) == 1200


def test_a_call_is_charged_to_the_budgets_it_was_granted_by_whatever_the_configuration_says_since():
    budgets = Budgeting(settings())
    grant = budgets.shell[Reserve](Reserve(REQUEST, TIER, 900))
    budgets.update(settings(scopes=(scope("other"),)))
    budgets.shell[Settle](Settle(REQUEST, grant, 700))
    assert spent(budgets) == 0
    budgets.update(settings())
    assert spent(budgets) == 700


def test_spending_over_a_limit_that_was_lowered_is_said():
    budgets = Budgeting(settings())
    grant = budgets.shell[Reserve](Reserve(REQUEST, TIER, 900))
    lowered = replace(grant, accounts=tuple(replace(each, scope=scope(limit=500)) for each in grant.accounts))
    assert "took 'all' over the limit" in budgets.shell[Settle](Settle(REQUEST, lowered, 700))


# alerts


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.posted = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


CALLED = []


def remember(alert):
    CALLED.append(alert)


def fail(alert):
    raise RuntimeError("the user's own mistake")


def test_an_alert_is_logged_posted_and_handed_to_a_function(hook, caplog, monkeypatch):
    CALLED.clear()
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{hook.server_address[1]}/secret-part")
    notify = Notify(webhook_env="HOOK", call=f"{__name__}:remember")
    budgets = Budgeting(settings(scopes=(scope("team", alerts=(0.5,)),), notify=notify))
    with caplog.at_level(logging.WARNING, "tierwise.budgets"):
        spend(budgets, 600)
        spend(budgets, 100)
        budgets.close()
    assert hook.posted == CALLED
    (body,) = hook.posted
    assert tuple(body[key] for key in ("budget", "share", "spent", "limit", "window")) == (
        "team",
        0.5,
        6e-07,
        1e-06,
        "day",
    )
    assert "budget 'team' has spent $0.0000006 of its $0.000001 a day (60 %), 50 % or more; it begins" in body["text"]
    assert len(caplog.records) == 1
    assert "secret-part" not in caplog.text


@pytest.mark.parametrize(
    ("notify", "says"),
    [
        (Notify(log=False, webhook="http://127.0.0.1:9/secret-part"), "webhook of an alert failed (URLError)"),
        (Notify(log=False, webhook_env="NOT_SET_ANYWHERE"), "set the environment variable NOT_SET_ANYWHERE"),
        (Notify(log=False, call=f"{__name__}:fail"), "failed (RuntimeError)"),
        (Notify(log=False, call="no.such.module:f"), "failed (ModuleNotFoundError)"),
    ],
)
def test_an_alert_that_cannot_be_told_costs_no_request_anything(notify, says, caplog):
    budgets = Budgeting(settings(scopes=(scope(alerts=(0.5,)),), notify=notify))
    with caplog.at_level(logging.WARNING, "tierwise.budgets"):
        assert (spend(budgets, 600)[0].refused, spend(budgets, 100)[1]) == (None, None)
        budgets.close()
    assert says in caplog.text
    assert "secret-part" not in caplog.text


def test_a_slow_webhook_keeps_nobody_waiting():
    gate, posted = threading.Event(), []

    def post(address, body, seconds):
        gate.wait(10)
        posted.append(address)

    budgets = Budgeting(
        settings(scopes=(scope(alerts=(0.1,)),), notify=Notify(log=False, webhook="http://a/")),
        alerts=Alerts(post=post),
    )
    spend(budgets, 600)
    assert posted == []  # the request is over
    gate.set()
    budgets.close()
    assert posted == ["http://a/"]


def test_a_reservation_outlives_the_longest_that_its_call_may_take():
    told = []
    budgets = Budgeting(settings(ttl=100.0))
    store = budgets._store
    budgets._store = type("Told", (), {"reserve": lambda self, hold: told.append(hold.ttl) or store.reserve(hold)})()
    for timeout in (30.0, 900.0):
        budgets.shell[Reserve](Reserve(REQUEST, tier("slow", timeout=timeout), 0))
    assert told == [100.0, 960.0]


# stores that fail


def down(tmp_path):
    """A Redis that is not there."""
    return redis_server(tmp_path)


def test_without_a_store_requests_are_refused_where_budgets_fail_closed(tmp_path):
    server = down(tmp_path)
    budgets = Budgeting(settings(server))
    posture, (grant, _) = survey(budgets), spend(budgets, 10)
    for refused in (posture.refused, grant.refused):
        assert f"the budgets' store {server.url} cannot be used (it cannot be reached" in refused
        assert "`on_failure` is closed" in refused
    assert (posture.budget, grant.budget) == ("all", "all")


def test_without_a_store_requests_are_served_with_a_note_where_budgets_fail_open(tmp_path):
    server = down(tmp_path)
    budgets = Budgeting(settings(server, on_failure="open"))
    posture, (grant, note) = survey(budgets), spend(budgets, 10)
    assert (posture.refused, grant.refused) == (None, None)
    for said in (posture.notes[0], grant.notes[0], note):
        assert f"the budgets' store {server.url} cannot be used (it cannot be reached" in said


def test_what_was_spent_while_the_store_was_away_is_charged_when_it_is_back(own_redis):
    clock = Clock()
    budgets = Budgeting(settings(own_redis, on_failure="open"), clock=clock)
    own_redis.stop()
    spend(budgets, 10)
    own_redis.start()
    clock.now += HOLD_OFF
    grant, note = spend(budgets, 5)
    assert (grant.refused, grant.notes, note) == (None, (), None)
    assert spent(budgets) == 15


def test_a_store_that_is_lost_between_reserving_and_settling_charges_when_it_is_back(own_redis):
    clock = Clock()
    budgets = Budgeting(settings(own_redis), clock=clock)
    grant = budgets.shell[Reserve](Reserve(REQUEST, TIER, 100))
    own_redis.stop()
    assert "charged to its budgets later" in budgets.shell[Settle](Settle(REQUEST, grant, 70))
    own_redis.start()
    budgets.close()
    assert spent(Budgeting(settings(own_redis))) == 70


def test_a_store_that_hangs_is_waited_for_once_and_then_left_alone_for_a_while(own_redis):
    clock = Clock()
    budgets = Budgeting(settings(own_redis, on_failure="open"), clock=clock)
    assert survey(budgets).notes == ()
    own_redis.freeze()
    asked, store = [], budgets._store
    first = survey(budgets)
    budgets._store = type("Counted", (), {"survey": lambda self, accounts: asked.append(1) or store.survey(accounts)})()
    second = survey(budgets)
    own_redis.thaw()
    assert ("Timeout" in first.notes[0], second.notes, []) == (True, first.notes, asked)
    clock.now += HOLD_OFF
    assert (survey(budgets).notes, asked) == ((), [1])


def test_a_store_without_memory_refuses_and_charges_nothing_twice(own_redis):
    import redis

    with redis.Redis.from_url(own_redis.url) as client:
        budgets = Budgeting(settings(own_redis))
        grant = budgets.shell[Reserve](Reserve(REQUEST, TIER, 100))
        client.config_set("maxmemory", 1)
        assert "cannot be used (it is out of memory)" in spend(budgets, 10)[0].refused
        assert "charged to its budgets later" in budgets.shell[Settle](Settle(REQUEST, grant, 70))
        client.config_set("maxmemory", 0)
        assert spent(budgets) == 70


@pytest.mark.parametrize("damage", ["a text where a number belongs", "another type"])
def test_a_damaged_budget_is_refused_and_others_are_not(own_redis, damage):
    import redis

    each = scope(per="user")
    budgets = Budgeting(settings(own_redis, scopes=(each,)))
    ann, bob = ask(user="ann"), ask(user="bob")
    grant = spend(budgets, 10, request=ann)[0]
    with redis.Redis.from_url(own_redis.url) as client:
        key = f"{{tierwise:budgets}}:{grant.accounts[0].id}"
        if damage == "another type":
            client.delete(key)
            client.set(key, "x")
        else:
            client.hset(key, "held", "x")
    assert "cannot be used" in spend(budgets, 10, request=ann)[0].refused
    assert spend(budgets, 10, request=bob)[0].refused is None


def test_what_a_damaged_budget_is_owed_does_not_hold_others_up(own_redis):
    import redis

    budgets = Budgeting(settings(own_redis, scopes=(scope(per="user"),)))
    ann, bob = ask(user="ann"), ask(user="bob")
    grant = budgets.shell[Reserve](Reserve(ann, TIER, 10))
    with redis.Redis.from_url(own_redis.url) as client:
        client.hset(f"{{tierwise:budgets}}:{grant.accounts[0].id}", "held", "x")
    assert "later" in budgets.shell[Settle](Settle(ann, grant, 10))
    assert spend(budgets, 10, request=bob)[0].refused is None


@pytest.mark.parametrize("content", [b"this is no database, whatever its name says" * 99, None])
def test_a_file_that_is_no_store_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "budgets.db"
    if content is None:
        path = tmp_path / "missing" / "budgets.db"
    else:
        path.write_bytes(content)
    budgets = Budgeting(BudgetSettings(url=f"sqlite:///{path}", scopes=(scope(),)))
    assert str(path) in survey(budgets).refused


def test_a_file_of_another_version_is_refused(tmp_path):
    import sqlite3

    path = tmp_path / "budgets.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    budgets = Budgeting(BudgetSettings(url=f"sqlite:///{path}", scopes=(scope(),)))
    assert "was written by another version" in survey(budgets).refused


def test_a_password_that_is_not_set_is_said_by_the_variables_name(redis, monkeypatch):
    monkeypatch.delenv("REDIS_PASSWORD", raising=False)
    budgets = Budgeting(settings(redis, password_env="REDIS_PASSWORD"))
    assert "needs a password; set REDIS_PASSWORD" in survey(budgets).refused


def test_a_password_is_used_and_never_shown(tmp_path, monkeypatch):
    server = redis_server(tmp_path, "--requirepass", "hunter2")
    server.pong = b"-NOAUTH"
    server.start()
    try:
        monkeypatch.setenv("REDIS_PASSWORD", "hunter2")
        assert survey(Budgeting(settings(server, password_env="REDIS_PASSWORD"))).refused is None
        monkeypatch.setenv("REDIS_PASSWORD", "hunter3")
        refused = survey(Budgeting(settings(server, password_env="REDIS_PASSWORD"))).refused
        assert refused is not None
        assert "hunter" not in refused
    finally:
        server.stop()


def test_what_is_still_owed_when_a_router_closes_is_said(own_redis, caplog):
    budgets = Budgeting(settings(own_redis))
    grant = budgets.shell[Reserve](Reserve(REQUEST, TIER, 100))
    own_redis.stop()
    budgets.shell[Settle](Settle(REQUEST, grant, 70))
    with caplog.at_level(logging.WARNING, "tierwise.budgets"):
        budgets.close()
    assert "calls were not charged to their budgets: 1; the ledger has them." in caplog.text


def test_another_store_is_taken_up_where_the_configuration_names_one(own_redis):
    budgets = Budgeting(settings())
    spend(budgets, 10)
    budgets.update(settings(own_redis))
    assert budgets.waits
    assert spent(budgets) == 0
    spend(budgets, 5)
    assert spent(Budgeting(settings(own_redis))) == 5


def test_a_budget_that_rolls_says_so():
    budgets = Budgeting(settings(scopes=(scope(limit=1000, window="rolling 7d"),)))
    spend(budgets, 1000)
    refused = survey(budgets).refused
    assert "of its $0.000001 in 7d (100 %); it has room again as what was spent falls out of its window" in refused


def test_when_too_many_alerts_wait_the_rest_are_only_logged(caplog):
    begun, gate = threading.Event(), threading.Event()

    def post(*_):
        begun.set()
        gate.wait(10)

    scopes = (scope(per="user", alerts=(0.1,)),)
    notify = Notify(log=False, webhook="http://a/")
    budgets = Budgeting(settings(scopes=scopes, notify=notify), alerts=Alerts(post=post, most=1))
    with caplog.at_level(logging.WARNING, "tierwise.budgets"):
        for user in "abcd":
            spend(budgets, 600, request=ask(user=user))
            assert begun.wait(10)  # the first is being told, and waits no more
    gate.set()
    budgets.close()
    assert (
        "too many alerts of budgets wait to be told; this one is only logged: budget \"all of user 'd'\"" in caplog.text
    )
