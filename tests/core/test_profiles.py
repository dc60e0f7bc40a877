"""Profiles: which rule routes a request, and what is said where there is no such rule; and falling back on alarm."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from router import planning
from router.alarms import Alarm, alarm_path, raise_alarm, read_alarm
from router.bundle import Profile
from router.cascade import cascade
from router.cli.main import app
from router.config import Config, load
from router.drivers import replay
from router.engine import Router
from router.errors import ConfigError, InputError
from router.in_force import InForce
from router.ledger import Ledger
from router.planning import plan_of
from router.policy import Always
from router.profiles import Choice, TagProfile
from router.providers.fake import FakeProvider
from tests.core.test_bundle import made
from tests.kit import BIRTH, Clock, ask, ladder, said
from training.replay import with_rule

TIERS = ladder("small", "large").tiers
BY_TAG = [{"tag": "team", "value": "shop", "profile": "customer"}, {"tag": "team", "value": "shop", "profile": "none"}]


def bundle():
    """A bundle whose internal profile asks the cheap tier, its customers' the strong one."""
    rules = {"default": Always(rank=0, why="default"), "customer": Always(rank=1), "internal": Always(rank=0)}
    return replace(made(), profiles={name: Profile(rule) for name, rule in rules.items()})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "policy.tierwise"
    bundle().save(path)
    return path


def config(saved, **policy):
    """A configuration over the saved bundle, its ledger beside it."""
    ledger = {"path": str(saved.with_name("ledger.db"))}
    return Config.of(TIERS, policy={"bundle": str(saved), **policy}, ledger=ledger)


def router(settings):
    """A router whose tiers say their own name."""
    return Router.from_config(settings, provider=FakeProvider({"small": said("small"), "large": said("large")}))


def test_the_argument_goes_before_the_tag_and_the_tag_before_the_default(saved):
    """An explicit profile wins; of several mappings the first that fits."""
    made = router(config(saved, profile="internal", profiles=BY_TAG[:1]))

    found = [
        made.decide("2 + 2?"),
        made.decide("2 + 2?", tags={"team": "shop"}),
        made.decide("2 + 2?", tags={"team": "ops"}),
        made.decide("2 + 2?", tags={"team": "shop"}, profile="default"),
    ]

    assert [(each.profile, each.start) for each in found] == [
        ("internal", "small"), ("customer", "large"), ("internal", "small"), ("default", "small"),
    ]  # fmt: skip


def test_of_two_mappings_that_fit_the_first_is_taken():
    """First match wins."""
    choice = Choice(by_tag=tuple(TagProfile(**each) for each in BY_TAG))

    assert choice.of(ask(tags={"team": "shop"})) == "customer"
    assert choice.named == ("default", "customer", "none")


def test_every_way_of_asking_goes_by_the_profile(saved):
    """route, aroute, route_many and stream answer as decide says."""
    made = router(config(saved))
    stream = made.stream("2 + 2?", profile="customer")
    text = "".join(stream)
    answers = [
        made.route("2 + 2?", profile="customer"),
        asyncio.run(made.aroute("2 + 2?", profile="customer")),
        *made.route_many(["2 + 2?"], profile="customer"),
        stream.response,
    ]

    assert text == "large"
    assert [(each.text, each.decision.profile) for each in answers] == [("large", "customer")] * 4
    assert made.decide("2 + 2?", profile="customer").start == "large"


def test_a_profile_that_the_bundle_lacks_is_an_input_error_that_names_those_there_are(saved):
    """Nothing is sent for a profile with a typing error."""
    made = router(config(saved))

    with pytest.raises(InputError, match="profile='custmer' is not in the bundle; it has customer, default, internal"):
        made.route("2 + 2?", profile="custmer")
    with pytest.raises(InputError, match="profile must be text, not 3"):
        made.decide("2 + 2?", profile=3)


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        ({"profile": "gold"}, "profile"),
        ({"profiles": [{"tag": "team", "value": "shop", "profile": "gold"}]}, "profiles"),
        ({"fallback": "gold"}, "fallback"),
    ],
)
def test_a_configured_profile_that_the_bundle_lacks_is_refused_at_load(saved, policy, key):
    """The error names the key, the profile and those there are."""
    with pytest.raises(ConfigError, match=f"`{key}`: names the profile 'gold', and the bundle has customer, default"):
        plan_of(config(saved, **policy))


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"profiles": [{"tag": "team", "profile": "x"}]}, "`value`: is missing"),
        ({"profiles": [{"tag": "team", "value": "a", "profil": "x"}]}, "did you mean `profile`"),
        ({"watch": -1}, "`watch`: must be at least 0"),
        ({"verify": "no_colon"}, "`verify`: must be written module:function"),
    ],
)
def test_a_mistake_in_the_policy_table_is_one_sentence(policy, words):
    """Unknown keys and wrong values say where they are."""
    with pytest.raises(ConfigError, match=words):
        Config.of(TIERS, policy=policy)


def test_the_file_says_it_as_code_does(tmp_path, saved):
    """[[policy.profiles]] is read from TOML, and a decision made by it is told apart by its configuration's version."""
    path = tmp_path / "tierwise.toml"
    tiers = "".join(
        f'[[tiers]]\nname = "{name}"\napi = "fake"\nmodel = "model-{name}"\nprice = {{ input = 1, output = 2 }}\n'
        for name in ("small", "large")
    )
    path.write_text(
        f'{tiers}[policy]\nbundle = "{saved.name}"\nprofile = "internal"\nwatch = 5.0\nfallback = "strong"\n'
        '[[policy.profiles]]\ntag = "team"\nvalue = "shop"\nprofile = "customer"\n'
        "[audits]\nenabled = true\nleast = 0.01\n"
    )

    found = load(path)

    assert found.policy.choice == Choice(
        default="internal", by_tag=(TagProfile(tag="team", value="shop", profile="customer"),)
    )
    assert (found.policy.watch, found.policy.fallback) == (5.0, "strong")
    assert (found.audits.enabled, found.audits.least, found.audits.most) == (True, 0.01, 0.1)
    path.write_text(path.read_text().replace('"internal"', '"default"'))
    assert load(path).version != found.version
    assert plan_of(load(path)).audits == found.audits


def test_the_profile_is_in_the_ledger_and_in_what_is_told(saved):
    """Decision.profile survives the ledger; explain() and as_dict() have it, and the request what was asked for."""
    with router(config(saved)) as made:
        decision = made.route("2 + 2?", profile="customer").decision

    with Ledger(saved.with_name("ledger.db")) as ledger:
        entry = next(iter(ledger.decisions()))
    assert entry.decision == decision
    assert entry.request.profile == "customer"
    assert decision.as_dict()["profile"] == "customer"
    assert decision.explain().startswith("Started at large (profile 'customer'): ")


def test_a_replay_goes_by_the_profile_of_the_request_and_with_rule_by_one_rule_for_all(saved):
    """Training evaluates one rule on requests of any profile, also of one that the bundle lacks."""
    plan = plan_of(config(saved))
    answers = {"small": said("small"), "large": said("large")}

    by_profile = replay(cascade(ask(profile="customer"), plan, BIRTH), answers)
    by_rule = replay(cascade(ask(profile="gone"), with_rule(plan, Always(rank=0)), BIRTH), answers)

    assert (by_profile.text, by_rule.text) == ("large", "small")


def test_untrained_tiers_take_any_profile_and_ask_the_strongest(tmp_path, monkeypatch):
    """Where nothing is trained, the strongest tier answers: no profile could be served worse."""
    replace(bundle(), models=("other", "models")).save(tmp_path / "other.tierwise")
    monkeypatch.setattr(planning, "DEFAULT_BUNDLE", tmp_path / "other.tierwise")

    made = router(Config.of(TIERS, policy={"profile": "internal"}, ledger={"enabled": False}))

    assert [made.decide("2 + 2?", **asked).start for asked in ({}, {"profile": "customer"})] == ["large", "large"]


def test_fallen_back_every_profile_asks_the_strongest_until_recovered(saved):
    """fall_back needs no configuration: the strongest tier, with the reason in each decision."""
    made = router(config(saved))
    version = made.plan.policy_version

    made.fall_back("quality looks low")
    during = made.decide("2 + 2?", profile="internal")
    made.recover()
    after = made.decide("2 + 2?", profile="internal")

    assert (during.start, during.profile, during.policy_version) == ("large", "internal", f"{version}+fallback")
    assert "(a safer policy is in force: quality looks low)" in during.explain()
    assert (after.start, after.policy_version) == ("small", version)


def test_the_fallback_may_be_a_profile_and_unknown_profiles_stay_refused(saved):
    """`fallback = "customer"` puts that profile's rule in force for all."""
    made = router(config(saved, fallback="customer"))
    made.fall_back("x")

    assert made.plan.rule == Always(rank=1)
    assert made.decide("2 + 2?", profile="internal").start == "large"
    with pytest.raises(InputError, match="it has customer, default, internal"):
        made.decide("2 + 2?", profile="gold")


def test_a_reload_keeps_what_was_fallen_back_to_by_hand(saved):
    """Only recover() ends it."""
    made = router(config(saved))
    made.fall_back("x")
    made.reload()

    assert made.plan.fallen == "x"


def test_an_alarm_is_heard_at_start_and_at_reload_where_a_fallback_is_configured(saved, caplog):
    """The alarm file beside the bundle, and its removal, take effect; without `fallback` it is left alone."""
    raise_alarm(saved, "quality fell below the target", created=1.0, policy_version=bundle().save(saved))
    heeding, deaf = router(config(saved, fallback="strong")), router(config(saved))

    assert heeding.plan.fallen == "quality fell below the target"
    assert deaf.plan.fallen is None
    assert caplog.messages == ["falling back to strong: quality fell below the target"]

    alarm_path(saved).unlink()
    heeding.reload()

    assert heeding.plan.fallen is None


def test_recovering_answers_the_alarm_that_is_there_and_not_the_next(saved):
    """The same alarm is not heard twice; a new one is."""
    raise_alarm(saved, "first", created=1.0)
    made = router(config(saved, fallback="strong"))

    made.recover()
    made.reload()
    answered = made.plan.fallen
    raise_alarm(saved, "second", created=2.0)
    made.reload()

    assert answered is None
    assert made.plan.fallen == "second"


def test_an_alarm_about_a_bundle_that_was_replaced_means_nothing(saved):
    """Promotion ends the fallback by itself, because the alarm names the old version."""
    raise_alarm(saved, "old", created=1.0, policy_version="0" * 64)

    assert InForce.read(config(saved, fallback="strong"), clock=Clock()).plan.fallen is None


@pytest.mark.parametrize("content", ["", "[]", "null", '{"reason": "x"}', '{"reason": 1, "created": "x"}', "\0"])
def test_an_alarm_that_cannot_be_read_is_an_alarm(saved, content):
    """Whoever put the file there meant one."""
    alarm_path(saved).write_text(content)

    found = read_alarm(saved)

    assert found is not None
    assert "cannot be read" in found.reason
    assert found.concerns("anything")


def test_an_alarm_is_read_back_as_it_was_raised(saved):
    """The file is JSON, beside the bundle, and no alarm once it is taken away."""
    path = raise_alarm(saved, "why", created=2.5, policy_version="abc")

    assert json.loads(path.read_text()) == {"reason": "why", "created": 2.5, "policy_version": "abc"}
    assert read_alarm(saved) == Alarm(reason="why", created=2.5, policy_version="abc")
    assert {each.name for each in saved.parent.iterdir()} == {saved.name, path.name}
    path.unlink()
    assert read_alarm(saved) is None


@pytest.fixture
def file(saved):
    """A tierwise.toml beside the bundle."""
    path = saved.with_name("tierwise.toml")
    tiers = "".join(
        f'[[tiers]]\nname = "{name}"\napi = "fake"\nmodel = "model-{name}"\nprice = {{ input = 1, output = 2 }}\n'
        for name in ("small", "large")
    )
    path.write_text(f'{tiers}[policy]\nbundle = "{saved.name}"\nfallback = "strong"\n[ledger]\npath = "ledger.db"\n')
    return str(path)


def test_the_command_line_takes_a_profile(file):
    """`tierwise decide --profile` goes by it, and says which there are where it does not exist."""
    ran = CliRunner().invoke(app, ["decide", "2 + 2?", "-c", file, "--profile", "customer", "--json"])

    told = json.loads(ran.output)
    assert (told["profile"], told["start"]) == ("customer", "large")
    with pytest.raises(InputError, match="it has customer, default, internal"):
        CliRunner().invoke(app, ["decide", "2 + 2?", "-c", file, "--profile", "gold"], catch_exceptions=False)


def test_the_doctor_names_the_profiles_and_an_alarm(file, saved):
    """The bundle's own rules are still told, and that a safer one is in force."""
    raise_alarm(saved, "quality fell", created=1.0)

    ran = CliRunner().invoke(app, ["doctor", "-c", file, "--json"])

    found = [
        (each["health"], each["detail"]) for each in json.loads(ran.stdout)["findings"] if each["subject"] == "policy"
    ]
    assert [health for health, _ in found] == ["ok", "ok", "warning"]
    assert found[1][1] == "profiles: customer, internal"
    assert found[2][1] == "a safer policy is in force: quality fell"
