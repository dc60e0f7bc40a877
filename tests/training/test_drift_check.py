"""Checking a bundle for drift against ledgers and records, and the command. All traffic here is simulated."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from router.alarms import read_alarm
from router.assess import Trained
from router.bundle import Profile, load
from router.decision import Attempt, Decision
from router.errors import InputError
from router.ledger import Label, Ledger
from router.policy import Thresholds
from router.types import Request, as_messages
from tests.core.test_bundle import made
from tests.kit import Scripted, plan
from tests.training.simulated import TIERS, records
from training.audited import audited
from training.commands.drift import drift as command
from training.drift import EXIT_CODES
from training.drift_check import check_ledger, check_records, reference_in
from training.reference import reference_of
from training.window import window_of_ledger, window_of_records

PLAN = plan(
    TIERS, Thresholds(start=(0.5, 0.5), accept=(0.8, 0)), Scripted((0.6, 0.9), {(0,): (0.7, 0.9), (1,): (0.5, 0.9)})
)


def test_records_are_replayed_into_a_window():
    """Score of the first answer, cost of the whole walk, who answered, and how good that was."""
    logged = records(60)
    seen = window_of_records(logged, PLAN, PLAN.rule)
    assert len(seen) == 60
    assert set(seen.tier) == {"large"}
    assert np.unique(seen.score).tolist() == [0.7]
    assert seen.quality.tolist() == [query.qualities[1] for query in logged.queries]
    first = [one.completion.usage for one in logged.queries[0].outcomes]
    assert seen.cost[0] == sum(tier.cost(usage) for tier, usage in zip(TIERS.tiers, first, strict=True))


def test_records_that_lack_an_answer_are_left_out():
    """A request that would go where the log has nothing says nothing of cost or tier."""
    logged = records(60)
    cut = replace(
        logged,
        queries=(replace(logged.queries[0], outcomes=(logged.queries[0].outcomes[0], None)), *logged.queries[1:]),
    )
    assert len(window_of_records(cut, PLAN, PLAN.rule)) == 59


PROMPTS = ("Count the {} ships", "Name the {} rivers, please", "What is {} + 2?", "Is {} a prime? Explain.\n\nBriefly.")


def decision(number, *, policy, confidence=0.9, **changes):
    """A decision that the small tier answered."""
    attempt = Attempt(
        tier="small", model="m", verdict="accepted", reason="good", confidence=confidence, threshold=0.5,
        cost=1000 + 7 * (number % 13), calls=1,
    )  # fmt: skip
    made = Decision(
        id=f"d{number}", created=1000.0 + number, start="small", reason="cheap", attempts=(attempt,),
        policy_version=policy[:16],
    )  # fmt: skip
    return replace(made, **changes)


def request(number):
    return Request(messages=as_messages(PROMPTS[number % 4].format(number * 37 % 1000)))


@pytest.fixture
def champion(tmp_path):
    """A bundle with a reference made of 150 simulated decisions."""
    rng = np.random.default_rng(0)
    with Ledger(tmp_path / "past.db") as ledger:
        for number in range(150):
            confidence = round(float(rng.uniform(0.5, 1)), 4)
            ledger.append(decision(number, policy="p", confidence=confidence), request(number))
        reference = reference_of(window_of_ledger(ledger.decisions(), policy="p"), target=0.8)
    bundle = made()
    path = tmp_path / "champion.tierwise"
    replace(bundle, facts={**bundle.facts, "reference": reference.as_dict()}).save(path)
    return path


@pytest.fixture
def ledger(tmp_path, champion):
    """A ledger of a hundred decisions like those, six of other kinds, and a hundred later ones that are worse."""
    rng = np.random.default_rng(1)
    version = load(champion).version
    with Ledger(tmp_path / "ledger.db") as opened:
        for number in range(100):
            confidence = round(float(rng.uniform(0.5, 1)), 4)
            opened.append(decision(number, policy=version, confidence=confidence), request(number))
        for number, change in enumerate(
            ({"audit_of": "d1"}, {"upgraded_from": "d1"}, {"attempts": ()}, {"profile": "batch"},
             {"policy_version": "q"}, {"policy_version": f"{version[:16]}+fallback"}),
        ):  # fmt: skip
            opened.append(decision(500 + number, policy=version, **change, created=1001.0), request(number))
        for number in range(1000, 1100):
            opened.append(decision(number, policy=version, confidence=0.51), request(number))
        yield opened


def test_a_ledger_is_compared_with_the_champion(champion, ledger):
    """Only what the champion itself decided and answered counts; later traffic has moved."""
    bundle = load(champion)
    calm = check_ledger(bundle, ledger, until=1500.0)
    moved = check_ledger(bundle, ledger, since=1500.0)
    assert (calm.level, calm.n) == ("none", 100)
    assert (moved.level, moved.n) == ("alarm", 100)


def test_labels_of_returned_answers_are_the_evidence(champion, ledger):
    """The first label of each answer counts; silver ones, and those of other tiers' answers or policies, do not."""
    version = load(champion).version
    for number in range(30):
        ledger.label(Label(decision_id=f"d{number}", tier="small", quality=0.0, source="human", created=float(number)))
    for name, source in (("d1", "gold"), ("d40", "silver"), ("d504", "gold")):
        ledger.label(Label(decision_id=name, tier="small", quality=1.0, source=source, created=99.0))
    process = audited(ledger, policy=version, target=0.8)
    assert process.count == 30
    assert process.crossed(0.05)
    found = check_ledger(load(champion), ledger, until=1500.0)
    assert found.level == "alarm"
    assert "quality" in found.reasons[0]


def test_records_are_compared_with_the_champion(champion):
    """A log is replayed through the champion's own rule; other prompts are noticed."""
    bundle = load(champion)
    found = check_records(bundle, records(120), plan(TIERS, bundle.rule, Trained(TIERS, bundle.estimators)))
    assert found.level == "alarm"
    assert found.quality is not None


def test_a_profile_has_its_own_reference(champion):
    """Another profile's traffic is not compared with the default's; one that is not there is named."""
    bundle = load(champion)
    batch = Profile(bundle.rule, {"reference": {**reference_in(bundle).as_dict(), "target": 0.5}})
    profiles = {**bundle.profiles, "batch": batch, "bare": Profile(bundle.rule, {})}
    several = replace(bundle, profiles=profiles)
    assert reference_in(several, profile="batch").target == 0.5
    with pytest.raises(InputError, match="no drift reference for the profile 'bare'"):
        reference_in(several, profile="bare")
    with pytest.raises(InputError, match="it has bare, batch, default"):
        reference_in(several, profile="none")


TERMINAL = CliRunner()


def run(*words):
    app = typer.Typer()
    app.command()(command)
    return TERMINAL.invoke(app, list(map(str, words)), catch_exceptions=False)


def test_the_command_exits_as_cron_needs_it(champion, ledger):
    """0 without drift, 11 on alarm, the facts as JSON, and an alarm file only when asked for."""
    words = ("--config", "preset:local", "--bundle", champion, "--ledger", ledger.url, "--json")
    calm = run(*words, "--until", "1970-01-01T00:25:00")
    moved = run(*words, "--since", "1970-01-01T00:25:00")
    assert (calm.exit_code, json.loads(calm.stdout)["level"]) == (0, "none")
    assert (moved.exit_code, json.loads(moved.stdout)["exit_code"]) == (11, 11)
    assert read_alarm(champion) is None
    run(*words, "--since", "1970-01-01T00:25:00", "--set-alarm")
    alarm = read_alarm(champion)
    assert alarm is not None
    assert "confidence" in alarm.reason
    assert sorted(EXIT_CODES.values()) == [0, 10, 11]


def test_the_command_tells_people_the_reasons(champion, ledger):
    """Without --json: the level, how much was compared, a line a reason."""
    told = run(
        "--config", "preset:local", "--bundle", champion, "--ledger", ledger.url, "--since", "1970-01-01T00:25:00"
    )
    assert told.stdout.startswith("alarm: 100 requests compared")
    assert "\n- the spread of the confidence has moved" in told.stdout


def test_a_bundle_without_a_reference_is_one_sentence(ledger):
    """An older bundle may have no reference: the sentence says to train."""
    with pytest.raises(InputError, match="train it anew"):
        check_ledger(replace(made(), facts={}), ledger)


def test_a_log_has_no_times(champion, tmp_path):
    """--since belongs to a ledger."""
    with pytest.raises(InputError, match="leave --since"):
        run("--config", "preset:local", "--bundle", champion, "--data", tmp_path / "x.parquet", "--since", "7d")
