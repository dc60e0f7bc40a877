"""What a user says of an answer becomes a training label: router, ledger, ingest, table."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from router.cache.settings import CacheSettings
from router.config import Config
from router.decision import FromCache
from router.engine import Router
from router.errors import InputError
from router.ledger import Ledger
from router.ledger.feedback import record
from router.providers.fake import FakeProvider
from tests.kit import ladder, said, two_tiers
from tests.ledger.samples import attempt, decision
from training.__main__ import app
from training.records import read

TIERS = ladder("small", "large")
PRESET = """
[[tiers]]
name = "small"
model = "model-small"
api = "fake"
price = { input = 1.0, output = 2.0 }

[[tiers]]
name = "large"
model = "model-large"
api = "fake"
price = { input = 10.0, output = 20.0 }

[ledger]
path = "ledger.db"
"""


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def routing(ledger, *, confidence, cache=None):
    plan = replace(two_tiers(confidence), cache=cache)
    replies = {"small": said("4"), "large": said("four")}
    config = Config.of(TIERS.tiers, cache=cache)
    return Router(config, plan=plan, provider=FakeProvider(replies), ledger=ledger)


def test_feedback_becomes_a_label_of_the_answer_that_was_returned(ledger, tmp_path):
    """One answer that was accepted at once, one that was escalated, one of which nobody said anything."""
    kept = routing(ledger, confidence=0.9).route("What is 2 + 2?")
    climbed = routing(ledger, confidence=0.3).route("What is 3 + 3?")
    routing(ledger, confidence=0.9).route("What is 4 + 4?")
    router = routing(ledger, confidence=0.9)
    router.feedback(kept, 1.0, judge="ann")
    router.feedback(climbed.decision.id, 0.25, source="human")
    router.feedback(climbed.decision.id, 0.0, tier="small", source="gold")

    (tmp_path / "tierwise.toml").write_text(PRESET)
    out = tmp_path / "labels.parquet"
    done = CliRunner().invoke(
        app,
        ["ingest", "--config", str(tmp_path / "tierwise.toml"), "--out", str(out), "--json"],
        catch_exceptions=False,
    )

    assert json.loads(done.output)["summary"]["queries"] == 3
    labels = {query.request.text: query for query in read(out, TIERS).queries}
    assert labels["What is 2 + 2?"].qualities[0] == 1.0
    assert math.isnan(labels["What is 2 + 2?"].qualities[1])
    assert list(labels["What is 3 + 3?"].qualities) == [0.0, 0.25]
    assert [outcome.source for outcome in labels["What is 3 + 3?"].outcomes] == ["gold", "human"]
    assert all(map(math.isnan, labels["What is 4 + 4?"].qualities))


def test_feedback_on_a_cached_answer_labels_the_decision_that_made_it(ledger):
    """The cache asked no tier, so the label is that of the answer's own decision."""
    router = routing(ledger, confidence=0.9, cache=CacheSettings())
    first = router.route("What is 2 + 2?")
    again = router.route("What is 2 + 2?")

    router.feedback(again, 0.5)

    assert again.decision.cache is not None
    (label,) = ledger.labels()
    assert (label.decision_id, label.tier, label.quality) == (first.decision.id, "small", 0.5)


def test_feedback_on_an_answer_to_another_question_labels_nothing(ledger):
    """A hit by meaning may be wrong though the answer was right where it was made."""
    hit = FromCache(kind="semantic", decision="d0", age=1.0, similarity=0.97)
    ledger.append(decision("d1", attempts=(attempt(verdict="cached", usage=None, cost=0),), cache=hit))
    with pytest.raises(InputError, match="returned the cache's answer to another question"):
        record(ledger, "d1", 0.0)
    assert list(ledger.labels()) == []
