"""Promotion: the gate, the switch whole or not at all, and the way back."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.bundle import load
from router.config import Config
from router.engine import Router
from router.errors import BundleError, StaleBundle
from router.policy import Always, Thresholds
from router.providers.fake import FakeProvider
from tests.core.test_bundle import made, rewritten
from tests.kit import ladder
from tests.training.simulated import TIERS, records
from training.errors import Locked, NotPromoted, TrackingError
from training.lock import exclusive
from training.promote import Judged, Margins, gate, judge, serving_path, weigh
from training.serving import Serving, champion_at

STEPS = ("copy", "note", "replace", "record", "tell", "end")
N = 400
KEYS = tuple(f"key{number}" for number in range(N))
CONFIG = Config.of(TIERS.tiers, ledger={"enabled": False})


class Crash(Exception):
    """The process dies here."""


class Book:
    """A registry in memory that remembers whom it was told to crown; ``down`` makes it fail."""

    def __init__(self):
        self.champion = None
        self.down = False

    def __call__(self, switch):
        if self.down:
            raise TrackingError("the registry is down")
        self.champion = switch.new


def judged(name, *, quality, cost, confidence=None, seed=0):
    """A policy with so much quality and cost on average; its rows are drawn from a seed that pairs them."""
    draws = np.random.default_rng(seed).random(N)
    right = (draws < quality).astype(float)
    sure = np.full(N, quality if confidence is None else confidence)
    return Judged(name, right, np.full(N, float(cost)), sure)


def saved(path, *, rule=None, seed=0, **facts):
    """A bundle on disk; another seed, rule or fact makes another version."""
    bundle = made(seed=seed)
    bundle = replace(bundle if rule is None else bundle.with_rule(rule), facts={"data": "d1", **facts})
    return path, bundle.save(path)


def another_versions(path):
    """Make the bundle at ``path`` one of another version of tierwise, and tell its hash."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.dumps(json.loads(archive.read("manifest.json")) | {"schema": "0123456789abcdef"}).encode()
    rewritten(path, {"manifest.json": manifest})
    return hashlib.sha256(manifest).hexdigest()


def test_a_challenger_as_good_and_cheaper_is_promoted():
    verdict = gate(judged("b", quality=0.8, cost=60), judged("a", quality=0.8, cost=100), keys=KEYS, margins=Margins())

    assert verdict.promote
    assert verdict.figures["cost_difference_per_1k"] == pytest.approx(-0.00004)
    assert any("cost is lower: -40.0%" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("challenger", "reason"),
    [
        ({"quality": 0.7, "cost": 60}, "quality may be worse"),
        ({"quality": 0.8, "cost": 100}, "neither clearly cheaper"),
        ({"quality": 0.95, "cost": 130}, "neither clearly cheaper"),
        ({"quality": 0.8, "cost": 60, "confidence": 0.3}, "calibration error"),
    ],
)
def test_a_challenger_that_is_worse_in_one_thing_is_not(challenger, reason):
    verdict = gate(judged("b", **challenger), judged("a", quality=0.8, cost=100), keys=KEYS, margins=Margins())

    assert not verdict.promote
    assert any(reason in told for told in verdict.reasons)


def test_better_quality_at_equal_cost_is_promoted():
    verdict = gate(judged("b", quality=0.9, cost=100), judged("a", quality=0.8, cost=100), keys=KEYS, margins=Margins())

    assert verdict.promote


def test_rows_that_share_a_key_are_one_observation_and_prove_less():
    """The same rows, all under two keys, no longer show that quality is not worse."""
    mixed = Judged("b", np.tile([1.0, 0.9], N // 2), np.full(N, 60.0), np.full(N, 0.9))
    champion = judged("a", quality=0.96, cost=100)

    alone = gate(mixed, champion, keys=KEYS, margins=Margins(quality=0.03, calibration=0.5))
    few = gate(mixed, champion, keys=tuple("ab" * (N // 2)), margins=Margins(quality=0.03, calibration=0.5))

    assert alone.promote
    assert not few.promote


def test_a_handful_of_rows_decides_nothing():
    few = Judged("b", np.ones(10), np.ones(10), np.ones(10))
    dear = Judged("a", np.ones(10), np.full(10, 5.0), np.ones(10))

    verdict = gate(few, dear, keys=KEYS[:10], margins=Margins())

    assert not verdict.promote
    assert "too few" in verdict.reasons[0]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.3, 1.0), st.floats(0.3, 1.0), st.floats(1, 200), st.floats(0, 0.2), st.floats(0, 0.2))
def test_a_wider_margin_never_refuses_what_a_narrower_one_promotes(mine, theirs, cost, one, two):
    narrow, wide = sorted((one, two))
    challenger, champion = judged("b", quality=mine, cost=cost), judged("a", quality=theirs, cost=100)

    strict = gate(challenger, champion, keys=KEYS, margins=Margins(quality=narrow))
    lenient = gate(challenger, champion, keys=KEYS, margins=Margins(quality=wide))

    assert lenient.promote or not strict.promote


def test_nobody_replaces_itself():
    same = judged("a", quality=0.8, cost=100)

    assert not gate(same, same, keys=KEYS, margins=Margins(quality=0.5, calibration=0.5)).promote


def test_both_are_replayed_on_the_same_rows_through_the_cascade(tmp_path):
    bundle = load(saved(tmp_path / "b.tierwise", rule=Always(0))[0])
    rows = records(100).split("test")

    done = weigh(bundle, load(saved(tmp_path / "a.tierwise", rule=Always(1))[0]), rows, CONFIG)

    assert done.figures["n"] == len(rows)
    assert done.figures["quality"] == pytest.approx(np.mean([query.qualities[0] for query in rows.queries]))
    assert done.figures["champion_quality"] == pytest.approx(np.mean([query.qualities[1] for query in rows.queries]))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [({"use": "evaluate only"}, "for evaluation only"), ({"simulated": True}, "simulated")],
)
def test_what_was_fitted_on_data_that_is_not_the_users_own_never_deserves_to_serve(tmp_path, facts, reason):
    bundle = load(saved(tmp_path / "b.tierwise", rule=Always(0), **facts)[0])

    verdict = weigh(bundle, None, records(100).split("test"), CONFIG)

    assert not verdict.promote
    assert reason in verdict.reasons[0]


@pytest.mark.parametrize("certified", [True, False])
def test_the_first_challenger_is_held_to_its_certificate(tmp_path, certified):
    path, _ = saved(tmp_path / "b.tierwise", rule=Always(0), certificate={"certified": certified})

    verdict = weigh(load(path), None, records(200).split("test"), CONFIG)

    assert verdict.promote == certified
    assert "there is no champion yet" in verdict.reasons[0]


def test_a_champion_for_other_tiers_cannot_be_replayed_and_is_no_opponent(tmp_path):
    path, _ = saved(tmp_path / "b.tierwise", rule=Always(0), certificate={"certified": True})
    other = replace(load(path), tiers=("tiny", "large"), version="other")

    verdict = weigh(load(path), other, records(200).split("test"), CONFIG)

    assert verdict.promote
    assert "tiny, large" in verdict.reasons[0]


def test_a_champion_fitted_on_other_data_is_said_to_be_flattered(tmp_path):
    challenger = load(saved(tmp_path / "b.tierwise", rule=Always(0))[0])
    champion = load(saved(tmp_path / "a.tierwise", rule=Always(1), data="d0")[0])

    verdict = weigh(challenger, champion, records(200).split("test"), CONFIG)

    assert "fitted on other data" in verdict.reasons[-1]


def test_a_policy_that_judges_no_answer_has_no_calibration_error():
    silent = Judged("a", np.ones(40), np.ones(40), np.full(40, np.nan))

    assert silent.ece is None
    assert judge(records(50), _plan(Always(1))).confidence.shape == (50,)


def _plan(rule):
    from router.planning import plan_of

    return plan_of(CONFIG, bundle=made().with_rule(rule))


def test_the_champion_serves_from_where_the_configuration_says(tmp_path):
    named = Config.of(TIERS.tiers, policy={"bundle": str(tmp_path / "p.tierwise")})

    assert serving_path(named, None) == tmp_path / "p.tierwise"
    assert serving_path(CONFIG, tmp_path / "q.tierwise") == tmp_path / "q.tierwise"
    with pytest.raises(NotPromoted, match="names no bundle of its own"):
        serving_path(CONFIG, None)
    with pytest.raises(NotPromoted, match="pins one bundle"):
        serving_path(Config.of(TIERS.tiers, policy={"bundle": "p.tierwise", "sha256": "0" * 64}), None)


@pytest.fixture
def place(tmp_path):
    """A champion that serves, and a challenger."""
    _, old = saved(tmp_path / "serve" / "policy.tierwise", seed=1)
    challenger, new = saved(tmp_path / "challenger.tierwise", seed=2)
    return tmp_path / "serve" / "policy.tierwise", old, challenger, new


def test_a_promotion_serves_the_new_bundle_and_a_rollback_the_old_one(place):
    path, old, challenger, new = place
    book = Book()

    forth = Serving(path).promote(challenger, tell=book)
    assert (forth.old, forth.new, forth.previous) == (old, new, old)
    assert (load(path).version, book.champion) == (new, new)
    back = Serving(path).rollback(tell=book)

    assert (back.old, back.new, back.previous) == (new, old, None)
    assert (load(path).version, book.champion) == (old, old)
    assert Serving(path).copy_of(new).is_file()
    with pytest.raises(NotPromoted, match="none to go back to"):
        Serving(path).rollback(tell=book)


def test_rollbacks_go_back_one_champion_at_a_time(place, tmp_path):
    path, old, challenger, new = place
    third, newest = saved(tmp_path / "third.tierwise", seed=3)
    Serving(path).promote(challenger, tell=Book())
    Serving(path).promote(third, tell=Book())
    assert Serving(path).champions == (old, new, newest)

    Serving(path).rollback(tell=Book())
    assert load(path).version == new
    Serving(path).rollback(tell=Book())

    assert load(path).version == old


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["promote", "rollback"])
def test_a_crash_at_any_step_leaves_one_whole_champion_and_the_next_switch_mends_the_rest(place, tmp_path, step, kind):
    path, old, challenger, new = place
    book = Book()
    book.champion = old
    if kind == "rollback":
        Serving(path).promote(challenger, tell=book)
    source, target = (old, new) if kind == "promote" else (new, old)

    def die(name):
        if name == step:
            raise Crash(name)

    dying = Serving(path, step=die)
    with pytest.raises(Crash):
        dying.promote(challenger, tell=book) if kind == "promote" else dying.rollback(tell=book)

    switched = STEPS.index(step) > STEPS.index("replace")
    assert load(path).version == (target if switched else source)
    Serving(path).recover(book)
    assert book.champion == load(path).version == Serving(path).champions[-1]
    assert Serving(path).recover(book) is None
    third, newest = saved(tmp_path / "third.tierwise", seed=3)
    Serving(path).promote(third, tell=book)
    assert load(path).version == newest == book.champion


def test_when_the_registry_is_down_the_new_champion_serves_and_the_registry_is_told_later(place):
    path, _, challenger, new = place
    book = Book()
    book.down = True

    with pytest.raises(TrackingError):
        Serving(path).promote(challenger, tell=book)

    assert load(path).version == new
    book.down = False
    told = Serving(path).recover(book)
    assert told is not None
    assert (told.new, book.champion) == (new, new)


def test_a_registry_that_stays_down_does_not_keep_a_bad_champion_in_its_place(place):
    """Both switches are untold of: the file goes back all the same, and the registry is told of the last one."""
    path, old, challenger, new = place
    book = Book()
    book.down = True
    with pytest.raises(TrackingError):
        Serving(path).promote(challenger, tell=book)

    with pytest.raises(TrackingError):
        Serving(path).rollback(tell=book)

    assert Serving(path).version == old
    assert Serving(path).champions == (old,)
    book.down = False
    told = Serving(path).recover(book)
    assert told is not None
    assert (told.kind, told.old, told.new) == ("rollback", new, old)
    assert book.champion == old


def test_a_switch_under_way_is_not_recovered_from_under_its_feet(place):
    """Its journal is what brings it back after a crash, so that only whoever holds the lock may take it away."""
    path, _, challenger, new = place
    refused = []

    def look(step):
        if step == "replace":
            with pytest.raises(Locked):
                Serving(path).recover(Book())
            refused.append(step)

    Serving(path, step=look).promote(challenger, tell=Book())

    assert refused == ["replace"]
    assert Serving(path).version == new


def test_a_first_promotion_needs_no_champion_and_leaves_none_to_go_back_to(tmp_path):
    challenger, new = saved(tmp_path / "c.tierwise")
    path = tmp_path / "serve" / "policy.tierwise"

    switch = Serving(path).promote(challenger, tell=Book())

    assert (switch.old, load(path).version) == (None, new)
    with pytest.raises(NotPromoted, match="none to go back to"):
        Serving(path).rollback(tell=Book())


def test_what_is_damaged_or_serves_already_is_not_promoted_and_the_champion_stays(place, tmp_path):
    path, old, _, _ = place
    broken = tmp_path / "broken.tierwise"
    broken.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(BundleError):
        Serving(path).promote(broken, tell=Book())
    with pytest.raises(NotPromoted, match="is the champion already"):
        Serving(path).promote(path, tell=Book())

    assert load(path).version == old


def test_a_copy_that_is_gone_or_altered_is_not_gone_back_to(place):
    path, old, challenger, new = place
    Serving(path).promote(challenger, tell=Book())
    copy = Serving(path).copy_of(old)
    copy.write_bytes(challenger.read_bytes())

    with pytest.raises(BundleError, match="its version is"):
        Serving(path).rollback(tell=Book())
    copy.unlink()
    with pytest.raises(NotPromoted, match="is gone"):
        Serving(path).rollback(tell=Book())

    assert load(path).version == new


def test_a_bundle_put_there_by_hand_is_a_champion_like_any_other(place, tmp_path):
    path, old, challenger, new = place
    Serving(path).promote(challenger, tell=Book())
    _, by_hand = saved(path, seed=9)
    third, newest = saved(tmp_path / "third.tierwise", seed=3)

    Serving(path).promote(third, tell=Book())

    assert Serving(path).champions == (old, new, by_hand, newest)


def test_a_champion_of_another_version_of_tierwise_makes_way_and_is_kept_for_that_version(place):
    """It cannot serve any more, so it must not keep the bundle that was trained anew from serving."""
    path, _, challenger, new = place
    stale = another_versions(path)
    assert Serving(path).version == stale
    heard = []
    assert champion_at(path, report=heard.append) is None
    assert "retrain it with this version; until then it counts as no champion" in heard[0]

    Serving(path).promote(challenger, tell=Book())

    assert (load(path).version, Serving(path).champions) == (new, (stale, new))
    assert Serving(path).copy_of(stale).is_file()
    with pytest.raises(StaleBundle, match="retrain it with this version"):
        Serving(path).rollback(tell=Book())
    assert load(path).version == new


def test_a_damaged_champion_is_not_taken_for_none(place):
    """Somebody should look at it."""
    path, _, challenger, _ = place
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(BundleError, match="damaged"):
        champion_at(path, report=print)
    with pytest.raises(BundleError, match="damaged"):
        Serving(path).promote(challenger, tell=Book())


def test_two_switches_do_not_collide(place):
    path, old, challenger, _ = place

    with exclusive(path.parent / "bundles" / "lock", what="it"), pytest.raises(Locked):
        Serving(path).promote(challenger, tell=Book())

    assert load(path).version == old


def test_a_running_service_routes_by_the_new_champion_once_it_reloads(place):
    path, old, challenger, new = place
    config = Config.of(ladder("small", "large").tiers, policy={"bundle": str(path)}, ledger={"enabled": False})
    with Router.from_config(config, provider=FakeProvider({})) as router:
        assert router.plan.policy_version == old[:16]

        Serving(path).promote(challenger, tell=Book())
        router.reload()
        assert router.plan.policy_version == new[:16]
        Serving(path).rollback(tell=Book())
        router.reload()

        assert router.plan.policy_version == old[:16]


def test_a_stricter_rule_is_another_bundle(tmp_path):
    _, one = saved(tmp_path / "a.tierwise", rule=Thresholds(start=(0.5, 0.5), accept=(0.5, 0.5)))
    _, two = saved(tmp_path / "b.tierwise", rule=Thresholds(start=(0.5, 0.5), accept=(0.6, 0.5)))

    assert one != two
