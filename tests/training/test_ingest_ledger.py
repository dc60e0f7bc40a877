"""Ingest of the ledger: decisions with their labels, and with the probability of what was seen."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from router.errors import InputError
from router.ledger import Label, Ledger
from router.ledger.keep import Keep
from router.types import Usage
from tests.ledger.samples import ask, attempt, decision
from tests.training.simulated import TIERS
from tests.training.test_ingest import tiers
from training.__main__ import app
from training.ingest import Options, ingest


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def label(id, tier, quality, **changes):
    values = {"decision_id": id, "tier": tier, "quality": quality, "source": "human", "created": 1.0}
    return Label(**(values | changes))


def climbed(id, *, propensities=(1.0, 1.0), **changes):
    """A decision in which ``small`` was asked, and then ``large``."""
    small, large = propensities
    tried = (attempt("small", "escalated", propensity=small), attempt("large", propensity=large))
    return decision(id, attempts=tried, **changes)


def ask_about(id, **changes):
    return ask(f"What about {id}?", **changes)


def append(ledger, *decisions, **request):
    for each in decisions:
        ledger.append(each, ask_about(each.audit_of or each.id, **request))


def test_decisions_become_queries_with_their_labels(ledger):
    """An answer without a label stays unlabelled; usage, stop, signals and text come from the attempt."""
    append(ledger, climbed("a"), decision("b"))
    ledger.label(label("a", "large", 0.9, source="judge", judge="j", weight=2.0))
    ledger.label(label("b", "small", 0.0))

    found = ingest(ledger, TIERS)
    first, second = found.records.queries

    assert (first.id, second.id) == ("a", "b")
    assert math.isnan(first.qualities[0])
    assert (first.outcomes[1].quality, first.outcomes[1].source, first.outcomes[1].judge) == (0.9, "judge", "j")
    assert first.outcomes[1].weight == 2.0
    assert second.qualities[0] == 0.0
    assert second.outcomes[1] is None
    assert second.outcomes[0].completion.signals == {"mean_logprob": -0.25}
    assert second.outcomes[0].completion.usage == attempt().usage
    assert second.outcomes[0].completion.text == "Jupiter."
    assert found.facts["labels"] == {"small": {"unlabelled": 1, "human": 1}, "large": {"judge": 1}}


def test_a_rule_that_draws_no_lot_asks_the_others_with_probability_0(ledger):
    """Then only rules that escalate less can be judged, and the facts say so."""
    append(ledger, climbed("a"), decision("b"))
    ledger.label(label("a", "large", 1.0))

    found = ingest(ledger, TIERS)

    assert [query.inclusion for query in found.records.queries] == [(1.0, 1.0), (1.0, 0.0)]
    assert found.facts["kind"] == "bandit"
    assert "only rules that escalate less" in found.facts["cannot"]


def test_a_drawn_path_has_the_probability_of_its_draw(ledger):
    """One draw decides a request's whole path, so it counts once; the other path's tiers are not known."""
    lone = decision("b", attempts=(attempt(propensity=0.7),))
    append(ledger, climbed("a", propensities=(0.3, 0.3)), climbed("c", propensities=(1.0, 0.2)), lone)
    ledger.label(label("a", "large", 1.0))

    by_id = {query.id: query.inclusion for query in ingest(ledger, TIERS).records.queries}

    assert by_id["a"] == (0.3, 0.3)
    assert by_id["c"] == (1.0, 0.2)
    assert by_id["b"][0] == 0.7
    assert math.isnan(by_id["b"][1])


def test_an_audit_gives_its_decision_the_outcome_of_another_tier(ledger):
    """With the audit's probability, also for decisions that might have been audited and were not."""
    first = decision("a", audit=0.1)
    audited = replace(
        decision("x", attempts=(attempt("large", "audited", propensity=0.1),)), propensity=0.1, audit_of="a"
    )
    spared = decision("b", audit=0.05)
    append(ledger, first, replace(audited, created=first.created + 1), replace(spared, created=first.created + 2))
    ledger.label(label("a", "small", 0.0))
    ledger.label(label("x", "large", 1.0))

    found = ingest(ledger, TIERS)
    one, other = found.records.queries

    assert one.qualities == (0.0, 1.0)
    assert one.inclusion == (1.0, 0.1)
    assert one.weight == 10.0
    assert other.inclusion == (1.0, 0.05)
    assert other.outcomes[1] is None
    assert found.facts["cannot"] is None


def test_an_audit_of_a_decision_that_was_not_read_is_refused(ledger, tmp_path):
    """Its own probability alone says nothing."""
    audited = decision("x", attempts=(attempt("large", "audited"),), propensity=0.1, audit_of="gone")
    append(ledger, climbed("a"), audited)
    ledger.label(label("a", "large", 0.5))

    found = ingest(ledger, TIERS, Options(max_rejects=1.0, rejects=tmp_path / "r"))

    (line,) = map(json.loads, (tmp_path / "r").read_text().splitlines())
    assert line["decision"] == "x"
    assert line["field"] == "audit_of"
    assert len(found.records) == 1


def test_an_upgrade_has_no_probability(ledger):
    """The caller asked for it, and no rule."""
    append(ledger, climbed("a"), decision("b", attempts=(attempt("large"),), upgraded_from="a"))
    ledger.label(label("b", "large", 1.0))

    assert ingest(ledger, TIERS).records.queries[1].inclusion is None


def test_a_decision_of_which_no_text_was_kept_is_refused(tmp_path):
    """With the setting that would have kept it."""
    path = tmp_path / "ledger.db"
    with Ledger(path) as kept, Ledger(path, keep=Keep(default="hash")) as hashed:
        append(kept, climbed("a"))
        append(hashed, climbed("b"))
        kept.label(label("a", "large", 1.0))

        found = ingest(kept, TIERS, Options(max_rejects=0.5))
        with pytest.raises(InputError, match="the ledger: 1 of 3 rows"):
            ingest(kept, TIERS)

    (refusal,) = found.summary.refusals
    assert (refusal.field, refusal.rows) == ("prompt", 1)
    assert 'set `keep = "text"`' in refusal.reason


def test_a_request_that_no_tier_answered_is_passed_over(ledger):
    """It is no fault of the log."""
    failed = (attempt("small", "failed", usage=None, cost=0, text=None),)
    append(ledger, climbed("a"), decision("b", attempts=failed, error="all failed"))
    ledger.label(label("a", "large", 1.0))

    assert ingest(ledger, TIERS).summary.skipped == {"no tier answered": 1}


def test_an_answer_without_usage_is_refused_or_estimated(ledger):
    """As asked; never billed at nothing."""
    silent = (attempt("small", "escalated", usage=None, cost=0), attempt("large"))
    append(ledger, decision("a", attempts=silent))
    ledger.label(label("a", "large", 1.0))

    with pytest.raises(InputError, match="`usage`: the server reported none"):
        ingest(ledger, TIERS)
    estimated = ingest(ledger, TIERS, Options(tokens="estimate"))

    assert estimated.records.queries[0].outcomes[0].completion.usage == Usage(input_tokens=4, output_tokens=2)
    assert estimated.facts["tokens"].startswith("estimated for 1 answers")


def test_labels_that_contradict_each_other_are_refused(ledger, tmp_path):
    """Of one source; another source's counts all the same."""
    append(ledger, climbed("a"))
    for judge, quality in (("j1", 0.0), ("j2", 1.0)):
        ledger.label(label("a", "small", quality, source="judge", judge=judge))
        ledger.label(label("a", "large", quality, source="judge", judge=judge))
    ledger.label(label("a", "large", 0.5))

    found = ingest(ledger, TIERS, Options(max_rejects=1.0))

    assert math.isnan(found.records.queries[0].qualities[0])
    assert found.records.queries[0].qualities[1] == 0.5
    assert found.summary.rejected == 4


def test_one_session_is_in_one_split(ledger):
    """However different its prompts."""
    append(ledger, *(climbed(str(number)) for number in range(5)), session="s1")
    ledger.label(label("0", "large", 1.0))

    assert len({query.split_key for query in ingest(ledger, TIERS).records.queries}) == 1


def test_only_decisions_of_the_time_asked_for_are_read(ledger):
    """From the one second until before the other."""
    append(ledger, *(climbed(str(number), created=float(number)) for number in range(5)))
    ledger.label(label("2", "large", 1.0))

    found = ingest(ledger, TIERS, since=1.0, until=3.0)

    assert [query.id for query in found.records.queries] == ["1", "2"]


def test_a_ledger_of_other_tiers_is_one_sentence(ledger):
    """With both lists."""
    append(ledger, decision("a", attempts=(attempt("huge"),)))

    with pytest.raises(InputError, match="only in the data: 'huge'; only in the configuration: 'small', 'large'"):
        ingest(ledger, TIERS)


def test_the_command_reads_the_configurations_ledger_or_a_ledgers_file(ledger, tmp_path):
    """Seen by its content."""
    append(ledger, climbed("a"))
    ledger.label(label("a", "large", 1.0))
    toml = tiers(tmp_path)
    toml.write_text(f'{toml.read_text()}[ledger]\npath = "{tmp_path / "ledger.db"}"\n')
    words = ["ingest", "--config", str(toml), "--out", str(tmp_path / "out.parquet"), "--json"]

    said = [
        json.loads(CliRunner().invoke(app, [*words, *more], catch_exceptions=False).stdout)
        for more in ((), ("--data", str(tmp_path / "ledger.db")))
    ]

    assert said[0] == said[1]
    assert said[0]["facts"]["queries"] == 1


def test_a_ledger_that_is_switched_off_is_one_sentence(tmp_path):
    """There is nothing to read."""
    toml = tiers(tmp_path)
    toml.write_text(f"{toml.read_text()}[ledger]\nenabled = false\n")

    with pytest.raises(InputError, match="the ledger is switched off in the configuration"):
        CliRunner().invoke(app, ["ingest", "--config", str(toml)], catch_exceptions=False)
