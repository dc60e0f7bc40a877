"""Two policies compared from a ledger: what counts, what is left out, what is said. All traffic here is simulated."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence

import numpy as np
import pytest
from typer.testing import CliRunner

from router.abtest.experiment import Experiment
from router.config import Config
from router.engine import Router
from router.errors import InputError
from router.ledger import Label, Ledger
from router.providers.fake import FakeProvider
from tests.abtest.test_routing import bundle
from tests.kit import ladder, said
from tests.ledger.samples import attempt, decision
from training.__main__ import app
from training.ab import Comparison, compare, compared, uneven
from training.ab_units import Observed, Reading, Tally, UnitLog

DAY = 86_400.0
START = 1_795_000_000.0
NOW = START + 100 * DAY
EACH = Experiment(name="t", b="thrifty", unit="request", cap=1_000_000)
PER_USER = Experiment(name="t", b="thrifty", unit="user", cap=1_000_000)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def add(ledger, id, arm, *, quality=None, cost=1_000, at=0.0, name="t", labelled=None, source="human", **changes):
    """A decision of ``arm``, asked ``at`` seconds after the start, labelled at ``labelled``."""
    tags = {} if arm is None else {"ab": f"{name}:{arm}"}
    given = {"created": START + at, "tags": tags, "attempts": (attempt(cost=cost),)} | changes
    ledger.append(decision(id, **given))
    if quality is not None:
        when = START + (at if labelled is None else labelled)
        ledger.label(Label(decision_id=id, tier="small", quality=quality, source=source, created=when))


def look(ledger, test=EACH, **options) -> Comparison:
    return compare(ledger, test, now=NOW, **options)


def test_each_arm_has_its_requests_labels_and_cost(ledger):
    add(ledger, "1", "a", quality=1.0, cost=3_000)
    add(ledger, "2", "a", cost=5_000, at=1)
    add(ledger, "3", "b", quality=0.5, cost=1_000, at=2)

    found = look(ledger)

    a, b = found.arms["a"], found.arms["b"]
    assert (a.requests, a.labelled, a.quality, a.cost) == (2, 1, 1.0, 4e-6)
    assert (b.requests, b.labelled, b.quality, b.cost) == (1, 1, 0.5, 1e-6)
    assert (found.quality.mean, found.quality.blocks) == (-0.5, 1)
    assert found.cost.mean == pytest.approx(-2e-6)
    assert found.verdict == "go on"


def test_what_was_paid_to_learn_or_asked_for_later_is_no_request(ledger):
    """Audits are left out; upgrades are counted with their money, beside the comparison."""
    add(ledger, "1", "a", quality=1.0)
    add(ledger, "2", "b", at=1)
    add(ledger, "3", "b", at=2, audit_of="2", attempts=(attempt("large", "audited", cost=9_000),))
    add(ledger, "4", "b", at=3, upgraded_from="2", cost=7_000)
    add(ledger, "5", None, at=4)
    add(ledger, "6", "a", at=5, name="another")

    found = look(ledger)

    assert [found.arms[arm].requests for arm in ("a", "b")] == [1, 1]
    assert (found.arms["b"].upgrades, found.arms["b"].upgrades_cost) == (1, 7e-6)
    assert found.arms["b"].cost == 1e-6
    assert found.outside == 2


def test_a_request_costs_the_cap_at_most_and_that_is_told(ledger):
    add(ledger, "1", "a", cost=5_000_000)
    add(ledger, "2", "b", cost=400_000, at=1)
    found = look(ledger)
    assert (found.arms["a"].cost, found.arms["a"].capped, found.arms["a"].total_cost) == (1e-3, 1, 5e-3)


def test_without_a_cap_the_cost_has_no_interval(ledger):
    add(ledger, "1", "a")
    add(ledger, "2", "b", at=1)
    found = look(ledger, Experiment(name="t", b="x", unit="request"))
    assert (found.cost.mean, found.cost.low, found.cost.high) == (0, None, None)


def test_a_user_counts_once_when_his_window_is_over(ledger):
    """However many requests; what comes after the window no longer counts; who is too new waits."""
    for number in range(4):
        add(ledger, f"a{number}", "a", quality=float(number > 0), at=number, user="many")
    add(ledger, "late", "a", quality=0.0, at=8 * DAY, user="many")
    add(ledger, "b1", "b", quality=1.0, at=5, user="one")
    add(ledger, "new", "b", quality=0.0, at=99 * DAY, user="new")

    found = look(ledger, PER_USER)

    assert (found.arms["a"].units, found.arms["a"].quality) == (1, 0.75)
    assert (found.arms["b"].units, found.arms["b"].quality) == (1, 1.0)
    assert (found.ready, found.waiting, found.quality.blocks) == (2, 1, 1)


def test_a_user_who_was_in_both_arms_is_left_out(ledger):
    add(ledger, "1", "a", quality=0.0, user="u")
    add(ledger, "2", "b", quality=1.0, user="u", at=1)
    add(ledger, "3", "a", quality=1.0, user="v", at=2)
    found = look(ledger, PER_USER)
    assert (found.crossed, found.ready) == (1, 1)


def test_the_most_trusted_label_counts(ledger):
    add(ledger, "1", "a", quality=0.0, source="silver")
    ledger.label(Label(decision_id="1", tier="small", quality=1.0, source="gold", created=START))
    add(ledger, "2", "b", quality=1.0, at=1)
    assert look(ledger).arms["a"].quality == 1.0


def test_a_label_that_comes_late_is_held_against_what_comes_then(ledger):
    """Blocks are made in the order of the labels, so that none that was looked at is broken up later."""
    add(ledger, "1", "a", quality=0.0, labelled=10)
    add(ledger, "2", "b", quality=1.0, at=1, labelled=11)
    before = look(ledger).quality
    add(ledger, "0", "a", quality=1.0, at=-5, labelled=12)
    assert look(ledger).quality == before


def test_of_an_arm_with_a_tenth_nine_of_the_other_are_held_against_one(ledger):
    for number in range(20):
        add(ledger, f"{number:02}", "b" if number % 10 == 9 else "a", quality=1.0, at=number)
    assert look(ledger, Experiment(name="t", b="x", unit="request", share=0.1)).quality.blocks == 2


def test_it_says_how_few_are_labelled_and_what_follows(ledger):
    for number in range(10):
        add(ledger, f"{number}", "ab"[number % 2], quality=1.0 if number < 2 else None, at=number)
    (warning,) = look(ledger).warnings
    assert warning.startswith("2 of 10 requests have a quality label (20.0% in a, 20.0% in b).")
    assert "holds for all only if who gets a label hangs neither on the answer nor on the arm" in warning


def test_labels_for_one_arm_alone_are_warned_of(ledger):
    for number in range(60):
        add(ledger, f"{number:02}", "ab"[number % 2], quality=1.0 if number % 2 else None, at=number)
    assert any("The arms are not labelled alike" in warning for warning in look(ledger).warnings)


def test_weighted_labels_are_told_of(ledger):
    add(ledger, "1", "a")
    add(ledger, "2", "b", quality=1.0, at=1)
    ledger.label(Label(decision_id="1", tier="small", quality=1.0, source="human", created=START, weight=4.0))
    assert any("chosen for labelling with unequal chances" in warning for warning in look(ledger).warnings)


def test_arms_that_are_not_split_as_they_should_be_are_warned_of(ledger):
    for number in range(40):
        add(ledger, f"{number:02}", "a" if number % 10 else "b", quality=1.0, at=number)
    assert any(
        warning.startswith("4 of 40 requests are in b, and its share is 0.5") for warning in look(ledger).warnings
    )


def test_a_right_split_is_hardly_ever_suspected_however_often_one_looks():
    """Of 400 simulated tests of 2,000 units, looked at after each: suspected at one in a hundred by 1 % at most."""
    draws = np.random.default_rng(3).random((400, 2000)) < 0.3
    suspected = 0
    for row in draws.cumsum(axis=1):
        peak = max(uneven(n + 1 - int(b), int(b), share=0.3) for n, b in list(enumerate(row))[::20])
        suspected += peak >= math.log(100)
    assert suspected <= 4


def traffic(rng, users: int, *, effect: float, spread: float) -> Reading:
    """Simulated: users come one an hour, each asks 1 to 60 times, and is of a mood of his own."""
    units = []
    for number in range(users):
        arm = "b" if rng.random() < 0.5 else "a"
        mood = float(np.clip(rng.normal(0.6, spread) + (effect if arm == "b" else 0.0), 0, 1))
        first = START + 3600.0 * number
        requests = [
            Observed(
                created=first + n, cost=1e5 * rng.random(), quality=float(rng.random() < mood), labelled_at=first + n
            )
            for n in range(rng.integers(1, 60))
        ]
        units.append(UnitLog(first, {arm}, requests))
    return Reading(tallies={"a": Tally(), "b": Tally()}, units=tuple(units), outside=0, weighted=0)


def each_alone(found: Reading) -> Reading:
    """The same traffic, as if requests had been drawn one by one."""
    units = tuple(UnitLog(seen.created, unit.arms, [seen]) for unit in found.units for seen in unit.requests)
    return Reading(tallies=found.tallies, units=units, outside=0, weighted=0)


def ever_sure(found: Reading, test: Experiment, hours: Sequence[int]) -> bool:
    """Whether any look says that there is a difference in quality."""
    for hour in hours:
        seen = compared(
            found, test, now=START + 3600.0 * hour, delta=0.05, margin=0.0, window=0.0 if test.unit == "request" else 60
        )
        assert seen.quality.low is not None
        assert seen.quality.high is not None
        if seen.quality.low > 0 or seen.quality.high < 0:
            return True
    return False


def test_users_who_ask_much_do_not_pass_for_evidence():
    """Two equal arms, 25 simulated tests, 6 looks each: by user hardly ever a difference, by request very often."""
    rng = np.random.default_rng(8)
    tests = [traffic(rng, 120, effect=0.0, spread=0.5) for _ in range(25)]
    looks = range(20, 121, 20)

    uncapped = {"name": "t", "b": "thrifty"}
    by_user = sum(ever_sure(found, Experiment(**uncapped, unit="user"), looks) for found in tests)
    by_request = sum(ever_sure(each_alone(found), Experiment(**uncapped, unit="request"), looks) for found in tests)

    assert by_user <= 2
    assert by_request >= 12


def test_a_difference_that_is_there_is_found():
    found = traffic(np.random.default_rng(2), 900, effect=-0.3, spread=0.1)
    seen = compared(found, PER_USER, now=NOW, delta=0.05, margin=0.0, window=60)
    assert seen.verdict == "keep a"
    assert seen.quality.low < -0.3 < seen.quality.high < 0


@pytest.mark.parametrize(
    ("good", "dear", "margin", "verdict"),
    [
        ((0.5, 1.0), (0.5, 0.5), 0.0, "take b"),
        ((0.9, 0.9), (0.9, 0.1), 0.1, "take b"),
        ((1.0, 0.5), (0.9, 0.1), 0.1, "keep a"),
        ((0.5, 1.0), (0.1, 0.9), 0.0, "choose"),
        ((0.9, 0.9), (0.5, 0.5), 0.0, "go on"),
    ],
    ids=["better", "cheaper and not worse", "cheaper and worse", "better and dearer", "nothing shown"],
)
def test_the_verdict_weighs_quality_and_cost(good, dear, margin, verdict):
    rng = np.random.default_rng(4)
    units = []
    for number in range(4000):
        place = number % 2
        quality, cost = float(rng.random() < good[place]), 1e6 * (rng.random() < dear[place])
        seen = Observed(created=START + number, cost=cost, quality=quality, labelled_at=START + number)
        units.append(UnitLog(START + number, {"ab"[place]}, [seen]))
    found = Reading(tallies={"a": Tally(), "b": Tally()}, units=tuple(units), outside=0, weighted=0)
    assert compared(found, EACH, now=NOW, delta=0.05, margin=margin, window=0.0).verdict == verdict


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"delta": 0.0}, "delta is the chance of a wrong statement, between 0 and 1, not 0.0"),
        ({"margin": -0.1}, "margin is a loss of quality, from 0 to below 1, not -0.1"),
        ({"window": math.inf}, "window is a number of seconds of at least 0, not inf"),
        (
            {},
            "the ledger has no request of the experiment 't' in this time; its requests bear the tag ab=t:a or ab=t:b",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(ledger, options, sentence):
    add(ledger, "1", None)
    with pytest.raises(InputError) as caught:
        look(ledger, **options)
    assert str(caught.value) == sentence


def command(tmp_path, *arguments, ab="name = 't'\nb = 'x'\nunit = 'request'"):
    config = tmp_path / "tierwise.toml"
    config.write_text(f"preset = 'local'\n[ledger]\npath = 'ledger.db'\n[ab]\n{ab}\n" if ab else "preset = 'local'\n")
    return CliRunner().invoke(app, ["ab", "--config", str(config), *arguments])


def test_the_command_tells_in_words_and_in_json(ledger, tmp_path):
    for number in range(8):
        add(ledger, f"{number}", "ab"[number % 2], quality=1.0, at=number)
    add(ledger, "u", "b", at=9, upgraded_from="1")

    words = command(tmp_path, "--cap", "0.001").output
    told = json.loads(command(tmp_path, "--cap", "0.001", "--json").output)

    assert "Quality: b less a is +0 points, and truly from " in words
    assert "(4 held against each other)" in words
    assert "Both hold together with a probability of 95%, at this look and at all others." in words
    assert "Nothing is settled yet: go on." in words
    assert "Upgrades are not in the cost of a request: 0.000000 USD in a, 0.000001 USD in b." in words
    assert told["quality"]["blocks"] == told["cost"]["blocks"] == 4
    assert told["arms"]["a"]["quality"] == 1.0


def test_an_experiment_that_is_over_is_named_with_what_it_drew(ledger, tmp_path):
    add(ledger, "1", "a", quality=1.0, name="old")
    add(ledger, "2", "b", quality=1.0, at=1, name="old")
    where = ("--ledger", str(tmp_path / "ledger.db"))

    ended = command(tmp_path, "old", "--unit", "request", *where, "--json", ab=None)
    unknown = command(tmp_path, "old", *where, ab=None)
    none = command(tmp_path, *where, ab=None)

    assert json.loads(ended.output)["name"] == "old"
    assert "say whom it drew with --unit" in str(unknown.exception)
    assert "the configuration has no [ab]; name the experiment" in str(none.exception)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--unit", "team"), "--unit='team' is none of user, session, request"),
        (("--share", "1.5"), "--share is between 0 and 1, not 1.5"),
        (("--cap", "0"), "--cap is an amount of USD above 0, not 0.0"),
        (("--window", "soon"), "--window='soon' is no span of time; write it like 7d or 24h"),
    ],
)
def test_options_that_make_no_sense_are_refused(ledger, tmp_path, arguments, sentence):
    add(ledger, "1", "a")
    assert str(command(tmp_path, *arguments).exception) == sentence


def test_from_the_router_to_the_verdict(tmp_path):
    """Simulated traffic through a real router and ledger: the cheap arm is as good, feedback says so, b is taken."""
    saved = tmp_path / "policy.tierwise"
    bundle().save(saved)
    config = Config.of(
        ladder("small", "large").tiers,
        policy={"bundle": str(saved)},
        ledger={"path": str(tmp_path / "ledger.db")},
        ab={"name": "thrift", "b": "thrifty", "unit": "request", "cap": 0.0005},
    )
    rng = np.random.default_rng(6)
    with Router.from_config(config, provider=FakeProvider({"small": said("4"), "large": said("4")})) as router:
        for number in range(400):
            response = router.route(f"What is {number} + 2?")
            router.feedback(response, float(rng.random() < 0.95))
        assert config.ab is not None
        found = compare(router.ledger, config.ab, now=time.time() + 1, margin=0.15)

    a, b = found.arms["a"], found.arms["b"]
    assert (a.requests + b.requests, a.labelled + b.labelled) == (400, 400)
    assert (a.cost, b.cost) == (pytest.approx(160e-6), pytest.approx(16e-6))
    assert found.cost.high is not None
    assert found.cost.high < 0
    assert found.verdict == "take b"
    assert found.warnings == ()
