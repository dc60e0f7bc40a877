"""Drift: silent while traffic is what it was, loud when it is not. All traffic here is simulated."""

from __future__ import annotations

import json
import math
import re
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
from router.features import HAND
from router.ledger import Label, Ledger
from router.policy import Thresholds
from router.types import Request, as_messages
from tests.core.test_bundle import made
from tests.kit import Scripted, plan
from tests.training.simulated import TIERS, records
from training.audited import audited, evidence
from training.commands.drift import drift as command
from training.drift import EXIT_CODES, drift
from training.drift_check import check_ledger, check_records, reference_in
from training.mmd import discrepancy
from training.reference import SAMPLE, reference_from, reference_of
from training.stability import Histogram, Shift, Tally, stability
from training.window import Window, window_of_ledger, window_of_records

DIMENSIONS = len(HAND)


def window(n, *, seed, score=0.0, cost=1.0, large=0.3, prompts=0.0):
    """Simulated traffic; each argument moves one thing."""
    rng = np.random.default_rng(seed)
    return Window(
        score=1 / (1 + np.exp(-rng.normal(score, 1, n))),
        cost=rng.lognormal(0, 1, n) * 1000 * cost,
        tier=tuple(np.where(rng.random(n) < large, "large", "small").tolist()),
        hand=np.exp(rng.normal(prompts, 0.5, (n, DIMENSIONS))),
        quality=np.full(n, np.nan),
    )


REFERENCE = reference_of(window(2000, seed=0), target=0.8)


def test_no_alarm_while_nothing_moves():
    """Over simulated windows like training's: alarms in at most 1.4 %, watches in at most 5 %, as stated."""
    levels = [drift(REFERENCE, window(200, seed=seed)).level for seed in range(1, 61)]
    # Of 60 trials; three standard errors are 4.6 points of the one and 8.4 of the other.
    assert levels.count("alarm") <= 3
    assert levels.count("watch") <= 8


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"score": -1.0}, "spread of the confidence has moved"),
        ({"cost": 3.0}, "spread of the cost has moved"),
        ({"large": 0.7}, "spread of the tier that answered has moved"),
        ({"prompts": 0.5}, "prompts differ from those of training.*both halves"),
    ],
)
def test_an_alarm_when_something_moves(moved, words):
    """A shift of one quantity is an alarm that names it."""
    found = drift(REFERENCE, window(400, seed=5, **moved))
    assert found.level == "alarm"
    assert any(re.search(words, reason) for reason in found.reasons)


def test_scores_that_stop_coming_are_drift():
    """A provider that no longer returns log-probabilities leaves no score: missing values are a bin of their own."""
    seen = window(300, seed=2)
    found = drift(REFERENCE, replace(seen, score=np.full(300, math.nan)))
    assert found.level == "alarm"
    assert "confidence" in found.reasons[0]


def test_a_small_shift_is_watched():
    """A PSI between 0.1 and 0.25 that is no accident is a watch."""
    found = drift(REFERENCE, window(3000, seed=3, score=-0.42))
    assert 0.1 < found.shifts["score"].psi < 0.25
    assert found.level == "watch"


def test_a_large_psi_of_few_requests_means_nothing():
    """Sixty requests have a PSI above 0.1 without any drift; the p-value knows."""
    shifts = [REFERENCE.score.shift(window(60, seed=seed).score) for seed in range(50)]
    assert sum(shift.psi > 0.1 for shift in shifts) > 20
    assert sum(shift.p_value < 0.01 for shift in shifts) <= 3


def test_too_few_requests_are_not_compared():
    """Under fifty requests the verdict is none, and says why."""
    found = drift(REFERENCE, window(20, seed=1, score=-3))
    assert found.level == "none"
    assert "too few" in found.reasons[0]


def test_prompts_whose_text_was_not_kept_are_not_compared():
    """Without texts the other quantities are still watched, and the verdict says what is missing."""
    seen = window(300, seed=2)
    hand = np.where(np.arange(300)[:, None] < 280, np.nan, seen.hand)
    found = drift(REFERENCE, replace(seen, hand=hand))
    assert found.prompts is None
    assert any("20 prompts was kept" in reason for reason in found.reasons)


def test_psi_by_hand():
    """Two bins, half and half in training, one to three now: (0.25 - 0.5) ln(0.25/0.5) + (0.75 - 0.5) ln(0.75/0.5)."""
    expected = -0.25 * math.log(0.5) + 0.25 * math.log(1.5)
    found = stability(np.array([0.5, 0.5]), np.array([25.0, 75.0]), n=100)
    assert found.psi == pytest.approx(expected, abs=1e-3)
    assert stability(np.array([0.5, 0.5]), np.array([0.0, 0.0]), n=100) == Shift(0.0, 1.0, 0)


def test_bins_between_ties_are_fewer():
    """A constant has one edge, and stays a distribution; so does a quantity that was never known."""
    constant = Histogram.of(np.ones(50))
    assert constant.edges == (1.0,)
    assert constant.shift(np.ones(80)).psi == pytest.approx(0.0)
    assert Histogram.of(np.full(50, math.nan)).shift(np.full(80, math.nan)).psi == pytest.approx(0.0)


def test_a_name_that_is_new_is_a_shift():
    """A tier that training did not know is a bin that was empty."""
    tally = Tally.of(["small"] * 70 + ["large"] * 30)
    assert tally.shift(["small"] * 70 + ["large"] * 30).psi == pytest.approx(0.0)
    assert tally.shift(["small"] * 70 + ["other"] * 30).psi > 1


def test_the_permutation_test_errs_as_often_as_it_says():
    """Under one distribution p <= 0.1 in about a tenth of simulated pairs, under two always."""
    rng = np.random.default_rng(4)
    low = sum(
        discrepancy(rng.normal(size=(60, 5)), rng.normal(size=(80, 5)), seed=trial).p_value <= 0.1
        for trial in range(60)
    )
    # Three standard errors of 60 trials are 12 points.
    assert 1 <= low <= 13
    assert discrepancy(rng.normal(size=(60, 5)), rng.normal(1.0, 1.0, size=(80, 5))).p_value <= 0.002


def test_the_discrepancy_is_unbiased():
    """The mean of MMD^2 over pairs of one distribution is 0, and may be negative for one pair."""
    rng = np.random.default_rng(5)
    found = np.array([discrepancy(rng.normal(size=(40, 3)), rng.normal(size=(40, 3))).squared for _ in range(50)])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(50)
    assert found.min() < 0


def test_prompts_that_are_all_alike_do_not_differ():
    """Without any spread there is nothing to compare."""
    assert discrepancy(np.ones((60, 3)), np.ones((60, 3))).p_value == 1.0


def test_a_reference_survives_json_and_is_small():
    """What travels in a bundle's facts gives the same verdict, in less than 100 kB."""
    told = json.dumps(REFERENCE.as_dict(), allow_nan=False)
    again = reference_from(json.loads(told))
    assert len(told) < 100_000
    assert again.sample.shape == (SAMPLE, DIMENSIONS)
    seen = window(300, seed=8, score=-1.0)
    assert drift(again, seen).as_dict() == drift(REFERENCE, seen).as_dict()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": ["log_chars"]}, "other prompt features"),
        ({"score": {"edges": [1.0], "shares": [1.0], "n": 3}}, "no drift reference that can be read"),
        ({"sample": "x"}, "no drift reference that can be read"),
    ],
)
def test_a_damaged_reference_is_refused(change, words):
    """What another version or a slip of the hand made is not compared with."""
    with pytest.raises(InputError, match=words):
        reference_from({**REFERENCE.as_dict(), **change})


def test_an_empty_reference_and_an_impossible_target_are_refused():
    """A reference is made of something, and the target is a mean quality."""
    with pytest.raises(InputError, match="no request"):
        reference_of(window(0, seed=0))
    with pytest.raises(InputError, match=r"not 1\.5"):
        reference_of(window(9, seed=0), target=1.5)


def test_the_quality_alarm_is_rarely_false_however_often_one_looks():
    """At the target exactly, over 1,000 labels looked at one by one, at most 5 % of simulated services ever alarm."""
    rng = np.random.default_rng(6)
    false = sum(evidence((rng.random(1000) < 0.8).astype(float), target=0.8).crossed(0.05) for _ in range(100))
    # Three standard errors of 100 trials are 6.5 points.
    assert false / 100 <= 0.115


def test_the_quality_alarm_is_rarely_false_with_weighted_labels():
    """Labels of the worst answers asked for first, weighted by one over their chance, accuse no good service."""
    rng = np.random.default_rng(7)
    false = 0
    for _ in range(100):
        hard = rng.random(2000) < 0.3
        quality = (rng.random(2000) < np.where(hard, 0.5, 0.93)).astype(float)  # 0.801 on average
        chance = np.where(hard, 0.5, 0.1)
        quality[rng.random(2000) >= chance] = math.nan
        false += evidence(quality, target=0.8, weight=1 / chance).crossed(0.05)
    assert false / 100 <= 0.115


def test_bad_answers_set_the_quality_alarm_off():
    """Quality ten points under the target is noticed, and the reason names the target and the certainty."""
    rng = np.random.default_rng(8)
    process = evidence((rng.random(600) < 0.65).astype(float), target=0.8)
    found = drift(REFERENCE, window(20, seed=1), quality=process)
    assert found.level == "alarm"
    assert "fell below 0.8" in found.reasons[0]
    assert found.as_dict()["quality"]["labels"] == 600


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
