"""Collecting the answers that a ledger lacks: each once, within the budget, and with weights that come out right."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from router.analytics import Costs
from router.assess import Untrained
from router.audits import number_of
from router.errors import InputError, ServerFault, TierwiseError
from router.ledger import Label, Ledger
from router.plan import Plan
from router.policy import Always
from router.pricing import nano
from router.providers.fake import FakeProvider
from tests.kit import Clock, ladder
from tests.kit import ask as asked
from tests.ledger.samples import ask, attempt, decision
from training.__main__ import app
from training.collect import PATIENCE, collect, worst_case
from training.draw import draw
from training.ingest import ingest

TIERS = ladder("small", "large")
THREE = ladder("small", "middle", "large")
RICH = nano(1e6)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def plan(tiers=TIERS):
    return Plan(ladder=tiers, assessor=Untrained(tiers), rule=Always(why="untrained"))


def strong(ledger, n, *, tiers=TIERS, start=0, **changes):
    """``n`` requests as an untrained router serves them: the strongest tier answered."""
    for number in range(start, start + n):
        made = decision(f"{number:032x}", attempts=(attempt(tiers.names[-1]),), created=float(number), **changes)
        ledger.append(made, ask(f"What is {number}?"))


def run(ledger, count, *, tiers=TIERS, replies=None, limit=RICH, by="margin"):
    """Draw and collect; what was made of it, and the provider that was asked."""
    provider = FakeProvider(replies or dict.fromkeys(tiers.names, "an answer"))
    clock = Clock()
    drawn = draw(ledger, tiers, count, by=by).drawn
    done = collect(
        drawn, plan(tiers), ledger=ledger, send=provider.complete, limit=limit, clock=clock, sleep=clock.sleep
    )
    return done, provider


def label_all(ledger, quality=lambda _id, _tier: 1.0):
    """Label every answer; an audit's or a collection's by the decision that it belongs to."""
    for entry in ledger.decisions():
        made = entry.decision
        for one in made.attempts:
            if one.text is not None:
                worth = quality(made.audit_of or made.id, one.tier)
                ledger.label(
                    Label(decision_id=made.id, tier=one.tier, quality=worth, source="gold", created=made.created)
                )


def test_every_tier_that_has_not_answered_is_asked_and_ingest_sees_full_rows_with_the_draws_probability(ledger):
    """Of 40 strong-only requests 10 are collected, all alike since nothing is known of ties: each stands for 4."""
    strong(ledger, 40, tiers=THREE)

    done, provider = run(ledger, 10, tiers=THREE)
    label_all(ledger)
    queries = ingest(ledger, THREE).records.queries

    assert (done.requests, done.calls, done.failed, done.stopped) == (10, 20, 0, "done")
    assert sorted(send.tier.name for send in provider.calls) == ["middle"] * 10 + ["small"] * 10
    full = [query for query in queries if not any(map(math.isnan, query.qualities))]
    assert [query.inclusion for query in full] == [(0.25, 0.25, 1.0)] * 10
    assert [query.weight for query in full] == [4.0] * 10
    assert len(queries) == 40


def test_what_was_not_drawn_might_have_been_so_its_probability_is_not_0_but_unknown(ledger):
    """Requests that came after the collection are as certain as before."""
    strong(ledger, 4)
    run(ledger, 2)
    strong(ledger, 1, start=2**40)
    label_all(ledger)

    by_id = {query.id: query.inclusion for query in ingest(ledger, TIERS).records.queries}

    spared = [inclusion for inclusion in by_id.values() if math.isnan(inclusion[0])]
    assert len(spared) == 2
    assert by_id[f"{2**40:032x}"] == (0.0, 1.0)


def test_the_same_again_asks_nothing_and_a_larger_draw_contains_the_smaller_and_corrects_its_probabilities(ledger):
    strong(ledger, 40)
    run(ledger, 10)
    first = {one.entry.decision.id for one in draw(ledger, TIERS, 10).drawn}

    again, provider = run(ledger, 10)
    more, _ = run(ledger, 20)
    label_all(ledger)
    full = [query for query in ingest(ledger, TIERS).records.queries if not math.isnan(query.qualities[0])]

    assert (again.requests, provider.calls) == (0, [])
    assert more.requests == 10
    assert first <= {query.id for query in full}
    assert [query.weight for query in full] == [2.0] * 20
    assert Costs(ledger).total().audits == 20


def test_audits_and_a_collection_of_the_same_requests_mix_to_the_right_weights(ledger):
    """Both go by the decision's one number, so an answer is observed with the larger of the two probabilities.

    Simulated: the audit rate depends on the request (0.1 or 0.6), and so does the quality; the weighted mean over full
    rows finds the mean over all, where the audits' own probabilities would not.
    """
    n, rates, worth = 1500, (0.1, 0.6), (0.2, 0.9)
    for number in range(n):
        id, kind = f"{number:032x}", number % 2
        made = decision(id, attempts=(attempt("small"),), created=float(number), audit=rates[kind])
        ledger.append(made, asked(f"What is {number}?"))
        if number_of(id) < rates[kind]:
            seen = decision(
                f"a{id}", attempts=(attempt("large", "audited", propensity=rates[kind]),), created=float(number),
                propensity=rates[kind], audit_of=id,
            )  # fmt: skip
            ledger.append(seen, asked(f"What is {number}?"))
    run(ledger, n // 4, by="uniform")
    label_all(ledger, lambda first, tier: worth[int(first, 16) % 2] if tier == "large" else 0.5)

    full = ingest(ledger, TIERS).records.labelled().queries
    weight = np.array([query.weight for query in full])
    quality = np.array([query.qualities[1] for query in full])

    assert {round(value, 9) for value in weight} == {4.0, round(1 / 0.6, 9)}
    assert abs(weight.sum() / n - 1) < 0.08
    assert abs(np.average(quality, weights=weight) - np.mean(worth)) < 0.03
    assert abs(quality.mean() - np.mean(worth)) > 0.1


def test_near_ties_are_drawn_more_often_and_weights_make_up_for_it(ledger):
    """Simulated margins: half of the decisions were nearly a tie, and were worth less."""
    n = 2000
    for number in range(n):
        confidence = 0.71 if number % 2 else 0.99
        made = attempt("small", confidence=confidence, threshold=0.7)
        ledger.append(decision(f"{number:032x}", attempts=(made,), created=float(number)), asked(f"What is {number}?"))
    drawn = draw(ledger, TIERS, 400).drawn

    near = np.array([int(one.entry.decision.id, 16) % 2 for one in drawn], bool)
    weight = np.array([1 / one.inclusion for one in drawn])

    assert near.mean() > 0.55
    assert abs(np.average(near, weights=weight) - 0.5) < 0.06
    assert abs(weight.sum() / n - 1) < 0.08


def test_the_budget_is_never_passed_and_a_rerun_finishes_the_draw(ledger):
    """The worst case of all calls of a request, retries included, is set aside before its first."""
    strong(ledger, 12)
    each = worst_case(draw(ledger, TIERS, 1).drawn[0], plan())

    first, provider = run(ledger, 12, limit=each + each // 100)
    nothing, _ = run(ledger, 12, limit=0)
    rest, _ = run(ledger, 12)

    assert first.stopped == "budget"
    assert 0 < first.requests < 12
    assert first.spent == sum(send.tier.cost(FakeProvider({"small": "an answer"}).complete(send).usage)
                              for send in provider.calls) <= each + each // 100  # fmt: skip
    assert (nothing.stopped, nothing.requests) == ("budget", 0)
    assert (rest.stopped, first.requests + rest.requests) == ("done", 12)


def test_an_answer_without_token_counts_counts_at_its_worst_case(ledger):
    strong(ledger, 1)
    silent = FakeProvider({"small": "x"}).complete
    clock = Clock()

    done = collect(
        draw(ledger, TIERS, 1).drawn, plan(), ledger=ledger, limit=RICH, clock=clock, sleep=clock.sleep,
        send=lambda op: replace(silent(op), usage=None),
    )  # fmt: skip

    assert done.unreported == 1
    assert done.spent > 0


def test_a_tier_that_fails_is_asked_again_by_a_rerun_and_one_that_always_fails_stops_the_work(ledger):
    strong(ledger, 9)
    fault = ServerFault("down", tier="small")
    fault.retryable = False

    done, _ = run(ledger, 3, replies={"small": [fault, "x", "y"]})
    again, _ = run(ledger, 3)

    assert (done.requests, done.failed) == (2, 1)
    assert (again.requests, again.failed) == (1, 0)
    with pytest.raises(TierwiseError, match=f"{PATIENCE} requests in a row failed, the last at tier 'small'"):
        run(ledger, 9, replies={"small": lambda _: fault})


def test_the_books_count_what_collecting_cost_as_audits_and_as_no_request(ledger):
    """Savings shrink by it, since asking the strongest tier alone would not have needed it; a note costs nothing."""
    strong(ledger, 8)
    before = Costs(ledger).total()
    done, _ = run(ledger, 4)
    run(ledger, 8)
    total, rows = Costs(ledger).total(), {row.key: row for row in Costs(ledger).by("tier")}

    assert total.requests == before.requests == 8
    assert (total.audits, rows["small"].audits) == (8, 8)
    assert total.audited == total.cost - before.cost == 2 * done.spent
    assert total.strong.saved == before.strong.saved - total.audited
    assert total.wasted == before.wasted


def test_requests_that_were_bound_upgraded_or_kept_without_text_are_not_drawn(ledger):
    strong(ledger, 1)
    ledger.append(decision("b" * 32, attempts=(attempt("large"),)), ask("Bound?", floor="large"))
    ledger.append(decision("c" * 32, attempts=(attempt("large"),), upgraded_from="b" * 32), ask("Upgraded?"))
    ledger.append(decision("d" * 32, attempts=(attempt("small", "failed", text=None),), error="x"), ask("Failed?"))

    found = draw(ledger, TIERS, 10)

    assert (found.candidates, len(found.drawn)) == (1, 1)


def test_a_collected_decision_says_what_it_is(ledger):
    strong(ledger, 1)
    run(ledger, 1)

    told = next(entry.decision for entry in ledger.decisions() if entry.decision.audit_of).explain()

    assert told.startswith(f"Answers collected for decision {0:032x}: small was asked, to have every tier's answer")


@pytest.fixture
def toml(tmp_path):
    """A configuration whose tiers only a fake can answer, and its ledger."""
    path = tmp_path / "tierwise.toml"
    tiers = "".join(
        f'[[tiers]]\nname = "{name}"\napi = "fake"\nmodel = "m"\nprice = {{ input = {price}, output = {price} }}\n'
        for name, price in (("small", 1.0), ("large", 10.0))
    )
    path.write_text(f'{tiers}[ledger]\npath = "ledger.db"\n')
    return path


def test_the_command_says_in_a_dry_run_what_it_would_ask_and_cost_at_most(toml, ledger):
    strong(ledger, 20)
    words = ["collect", "5", "--budget", "1", "--config", str(toml), "--dry-run", "--json"]

    told = json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)

    assert (told["status"], told["requests"], told["calls"], told["candidates"]) == ("planned", 5, 5, 20)
    assert told["least_inclusion"] == pytest.approx(0.25)
    assert told["worst_case"] > 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("5", "--budget", "-1"), "at least 0 USD"),
        (("5", "--budget", "1", "--by", "luck"), "neither margin nor uniform"),
        (("5", "--budget", "1"), "no request to collect answers for"),
    ],
)
def test_what_cannot_be_collected_is_one_sentence(toml, ledger, words, sentence):
    ledger.append(decision("b" * 32, attempts=(attempt("large"),)), ask("Bound?", floor="large"))

    with pytest.raises(InputError, match=sentence):
        CliRunner().invoke(app, ["collect", *words, "--config", str(toml)], catch_exceptions=False)
