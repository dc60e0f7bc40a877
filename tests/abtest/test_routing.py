"""Who is in an A/B test, in which arm, and what the decisions tell of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from router.abtest.experiment import Experiment, block
from router.bundle import Profile
from router.cache.key import Scope, key_of
from router.cache.settings import CacheSettings
from router.cli.plan_ab import ab
from router.config import Config, load
from router.engine import Router
from router.errors import BundleError, ConfigError
from router.ledger import Ledger
from router.planning import plan_of
from router.policy import Always
from router.providers.fake import FakeProvider
from tests.core.test_bundle import made
from tests.kit import ask, ladder, said

TIERS = ladder("small", "large").tiers
AB = {"name": "thrift", "b": "thrifty"}
USERS = [f"user-{number}" for number in range(400)]


def bundle():
    """Asks the strong tier by default, the cheap one by the profile thrifty, and has a third."""
    rules = {"default": Always(rank=1, why="default"), "thrifty": Always(rank=0), "shop": Always(rank=1)}
    return replace(made(), profiles={name: Profile(rule) for name, rule in rules.items()})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "policy.tierwise"
    bundle().save(path)
    return path


def config(saved, *, ab=AB, cache=None, **policy):
    ledger = {"path": str(saved.with_name("ledger.db"))}
    return Config.of(TIERS, policy={"bundle": str(saved), **policy}, ledger=ledger, ab=ab, cache=cache)


def router(settings):
    return Router.from_config(settings, provider=FakeProvider({"small": said("small"), "large": said("large")}))


def test_a_user_stays_in_one_arm_and_the_ledger_tells_which(saved):
    """The same user, the same tier, in another process too; and the tag is in the ledger."""
    settings = config(saved)
    with router(settings) as routing:
        first = [routing.route("2 + 2?", user=user).decision for user in USERS[:20]]
    with router(settings) as routing:
        again = [routing.route("And 3 + 3?", user=user).decision for user in USERS[:20]]

    assert [each.tags["ab"] for each in first] == [each.tags["ab"] for each in again]
    assert {(each.tags["ab"], each.tier, each.profile) for each in first} == {
        ("thrift:a", "large", "default"),
        ("thrift:b", "small", "thrifty"),
    }
    with Ledger(settings.ledger.path) as ledger:
        told = Counter(entry.decision.tags["ab"] for entry in ledger.decisions())
    assert told == Counter(each.tags["ab"] for each in (*first, *again))


def test_the_share_is_that_of_arm_b(saved):
    with router(config(saved, ab={**AB, "share": 0.2})) as routing:
        arms = Counter(routing.decide("2 + 2?", user=user).tags["ab"] for user in USERS)
    assert 50 <= arms["thrift:b"] <= 110


def test_a_larger_share_moves_users_to_b_and_none_back():
    few, many = (Experiment(name="thrift", b="thrifty", share=share) for share in (0.2, 0.5))
    moves = {(few.arm(ask(user=user), "d"), many.arm(ask(user=user), "d")) for user in USERS}
    assert moves == {("a", "a"), ("a", "b"), ("b", "b")}


def test_another_experiment_draws_anew():
    arms = [[Experiment(name=name, b="x").arm(ask(user=user), "d") for user in USERS] for name in ("one", "two")]
    same = sum(one == two for one, two in zip(*arms, strict=True))
    assert 150 <= same <= 250


@given(st.text(min_size=1))
def test_any_text_names_a_user(user):
    assert Experiment(name="t", b="x").arm(ask(user=user), "d") in ("a", "b")


def test_whoever_names_no_user_or_a_profile_of_his_own_is_not_in_it(saved):
    """Nor who has another profile by a tag: only requests that profile a would route are drawn from."""
    by_tag = [{"tag": "team", "value": "shop", "profile": "shop"}]
    with router(config(saved, profiles=by_tag)) as routing:
        outside = [
            routing.decide("2 + 2?"),
            routing.decide("2 + 2?", user="u", profile="thrifty"),
            routing.decide("2 + 2?", user="u", tags={"team": "shop"}),
        ]
    assert [(each.profile, "ab" in each.tags) for each in outside] == [
        ("default", False),
        ("thrifty", False),
        ("shop", False),
    ]


def test_requests_are_drawn_one_by_one_and_an_upgrade_stays_in_its_arm(saved):
    with router(config(saved, ab={**AB, "unit": "request"})) as routing:
        drafts = [routing.route("2 + 2?") for _ in range(40)]
        cheap = [draft for draft in drafts if draft.decision.tags["ab"] == "thrift:b"]
        better = [routing.upgrade(draft, "2 + 2?").decision for draft in cheap[:5]]

    assert 0 < len(cheap) < 40
    assert {each.tags["ab"] for each in better} == {"thrift:b"}
    assert {each.tier for each in better} == {"large"}


def test_sessions_stick_likewise(saved):
    with router(config(saved, ab={**AB, "unit": "session"})) as routing:
        arms = {session: {routing.decide("Hi", session=session).tags["ab"] for _ in range(3)} for session in USERS[:9]}
        assert "ab" not in routing.decide("Hi", user="u").tags
    assert {len(seen) for seen in arms.values()} == {1}


def test_the_callers_other_tags_stay(saved):
    with router(config(saved)) as routing:
        tags = routing.route("2 + 2?", user="u", tags={"feature": "search", "ab": "mine"}).decision.tags
    assert tags["feature"] == "search"
    assert tags["ab"] in ("thrift:a", "thrift:b")


def test_while_a_safer_policy_is_in_force_nobody_is_in_it(saved):
    with router(config(saved)) as routing:
        routing.fall_back("quality fell")
        fallen = routing.route("2 + 2?", user="u").decision
        routing.recover()
        back = routing.route("2 + 2?", user="u").decision

    assert (fallen.tier, "ab" in fallen.tags) == ("large", False)
    assert "ab" in back.tags


def test_a_bundle_can_be_the_rival(saved, tmp_path):
    """Its version is in the decisions of arm b."""
    other = tmp_path / "challenger.tierwise"
    version = replace(made(seed=1), profiles={"default": Profile(Always(rank=0, why="cheap"))}).save(other)
    with router(config(saved, ab={"name": "new", "b": str(other)})) as routing:
        found = {d.tags["ab"]: d for d in (routing.decide("2 + 2?", user=user) for user in USERS[:20])}

    assert (found["new:a"].start, found["new:b"].start) == ("large", "small")
    assert found["new:b"].policy_version == version[:16] != found["new:a"].policy_version


def test_an_offline_plan_splits_nothing(saved):
    """Training and replay judge one policy at a time, whatever is tried out live."""
    assert plan_of(config(saved)).experiment is None


def test_without_a_trained_bundle_there_is_nothing_to_compare(tmp_path):
    settings = Config.of(
        TIERS,
        policy={"bundle": str(tmp_path / "none.tierwise"), "untrained": "strong"},
        ledger={"enabled": False},
        ab=AB,
    )
    with router(settings) as routing:
        assert "ab" not in routing.decide("2 + 2?", user="u").tags


def test_answers_of_one_arm_are_not_the_others_cached_answers():
    """A request without an experiment keeps the key that it had."""
    settings = CacheSettings(scope="tier")
    scope = Scope(policy="p", config="c", profile="default", ladder=ladder("small", "large"))
    keys = {key_of(ask(tags=tags), scope, settings) for tags in ({}, {"ab": "t:a"}, {"ab": "t:b"})}
    assert len(keys) == 3


def test_a_new_experiment_is_another_configuration(saved):
    assert len({config(saved, ab=ab).version for ab in (None, AB, {**AB, "share": 0.3})}) == 3


@pytest.mark.parametrize(
    ("share", "sizes"),
    [(0.5, (1, 1)), (0.1, (9, 1)), (0.25, (3, 1)), (0.8, (1, 4)), (1e-9, (20, 1)), (5e-324, (20, 1))],
)
def test_blocks_go_by_the_share(share, sizes):
    assert (block(share).a, block(share).b) == sizes


@pytest.mark.parametrize(
    ("table", "where", "sentence"),
    [
        ("b = 'x'", "[ab] `name`", "is missing"),
        ("name = 'a b'\nb = 'x'", "[ab] `name`", "must be letters, digits, dots, dashes and underscores, 64 at most"),
        ("name = 't:a'\nb = 'x'", "[ab] `name`", "must be letters, digits"),
        ("name = 't'", "[ab] `b`", "is missing"),
        ("name = 't'\nb = 'default'", "[ab] `b`", "is the same as `a`, 'default'; give another profile"),
        ("name = 't'\na = 'x.tierwise'\nb = 'y'", "[ab] `a`", "must be a profile of the bundle in force"),
        ("name = 't'\nb = 'x'\nshare = 0", "[ab] `share`", "must be above 0 and at most 1, not 0"),
        ("name = 't'\nb = 'x'\nshare = 1", "[ab] `share`", "must be below 1, or nothing is left to compare with"),
        ("name = 't'\nb = 'x'\nunit = 'team'", "[ab] `unit`", "is 'team'; it may be user, session, request"),
        ("name = 't'\nb = 'x'\ncap = -1", "[ab] `cap`", "must be above 0 and at most 1e+06, not -1"),
        ("name = 't'\nb = 'x'\nsplit = 0.5", "[ab] `split`", "there is no such key; it may be name, a, b, share, unit"),
    ],
)
def test_what_is_wrong_in_the_table_is_said_in_one_sentence(tmp_path, table, where, sentence):
    path = tmp_path / "tierwise.toml"
    path.write_text(f"preset = 'local'\n[ab]\n{table}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert where in str(caught.value)
    assert sentence in str(caught.value)


def test_a_table_that_is_right_is_read(tmp_path):
    path = tmp_path / "tierwise.toml"
    path.write_text(
        "preset = 'local'\n[ab]\nname = 't-1'\nb = 'new.tierwise'\nshare = 0.1\nunit = 'session'\ncap = 0.05\n"
    )
    found = load(path).ab
    assert found == Experiment(name="t-1", path=tmp_path / "new.tierwise", share=0.1, unit="session", cap=50_000_000)


@pytest.mark.parametrize("arm", ["a", "b"])
def test_a_profile_that_the_bundle_lacks_is_named(saved, arm):
    with pytest.raises(ConfigError) as caught:
        router(config(saved, ab={**AB, arm: "gold"}))
    assert "names the profile 'gold', and the bundle has default, shop, thrifty; train it" in str(caught.value)


def test_a_rival_for_other_tiers_is_refused(saved, tmp_path):
    other = tmp_path / "other.tierwise"
    replace(made(), tiers=("tiny", "large")).save(other)
    with pytest.raises(BundleError, match=r"the bundle is for the tiers tiny, large.*needs a bundle for these tiers"):
        router(config(saved, ab={"name": "t", "b": str(other)}))


def test_the_command_says_how_much_it_takes():
    app = typer.Typer()
    app.command()(ab)
    words = CliRunner().invoke(app, ["--baseline", "0.8", "--effect", "0.02", "--power", "0.8"])
    told = json.loads(CliRunner().invoke(app, ["--baseline", "0.8", "--effect", "0.02", "--json"]).output)

    assert words.exit_code == 0
    assert f"{told['labels_a']:,} labelled answers in a" in words.output
    assert told["once_a"] == 6036  # (1.96 + 0.8416)^2 (0.8 0.2 + 0.82 0.18) / 0.02^2
    assert 2 * told["once_a"] < told["labels_a"] < 3 * told["once_a"]


def test_every_way_of_asking_is_in_it(saved):
    """A stream, an event loop, many at once, at once and better; also while the router looks for new bundles."""
    for watch in (0, 60):
        with router(config(saved, watch=watch)) as routing:
            stream = routing.stream("2 + 2?", user="u")
            pieces = "".join(stream)
            assert stream.response is not None
            responses = [
                stream.response,
                routing.route("2 + 2?", user="u"),
                asyncio.run(routing.aroute("2 + 2?", user="u")),
                *routing.route_many(["2 + 2?"], user="u"),
                *routing.enhance("2 + 2?", user="u"),
            ]
        assert pieces == responses[0].text
        assert len({each.decision.tags["ab"] for each in responses}) == 1
        assert len(responses) == 5


def test_a_configuration_that_is_read_again_brings_an_experiment_or_ends_it(saved, tmp_path):
    """Requests from then on; the ledger keeps what was."""
    path = tmp_path / "tierwise.toml"
    tiers = "".join(
        f"[[tiers]]\nname = '{name}'\nmodel = 'model-{name}'\napi = 'fake'\nprice = {{ input = 1, output = 2 }}\n"
        for name in ("small", "large")
    )
    plain = f"{tiers}[policy]\nbundle = '{saved}'\n[ledger]\nenabled = false\n"
    path.write_text(plain)
    with Router.from_config(path, provider=FakeProvider({"small": said("small"), "large": said("large")})) as routing:
        seen = []
        for text in (plain, f"{plain}[ab]\nname = 't'\nb = 'thrifty'\n", plain):
            path.write_text(text)
            routing.reload()
            seen.append("ab" in routing.decide("2 + 2?", user="u").tags)
    assert seen == [False, True, False]
