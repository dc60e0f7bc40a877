"""Training reads the same ledger, and takes no tracked call for a routed one."""

from __future__ import annotations

import pytest

from router import track
from router.errors import InputError
from router.ledger import Label
from router.metering import flush
from tests.ledger.samples import ask, attempt, decision
from tests.metering.test_track import ASK, PRICES
from tests.providers.examples import chat_body
from tests.training.simulated import TIERS
from training.draw import draw
from training.ingest import ingest
from training.label.logged import sheet_from
from training.window import window_of_ledger


@pytest.fixture
def tracked(canned, openai_client, ledger) -> None:
    """Two calls without the router in the ledger, and nothing else."""
    canned.reply(chat_body())
    client = track(openai_client, ledger=ledger, prices=PRICES)
    for _ in range(2):
        client.chat.completions.create(model="m-1", messages=ASK)
    assert flush(client, 20)


@pytest.mark.usefixtures("tracked")
def test_tracked_calls_are_passed_over(ledger) -> None:
    tried = (attempt("small", "escalated"), attempt("large"))
    ledger.append(decision("routed", policy_version="p1", attempts=tried), ask())
    ledger.label(Label(decision_id="routed", tier="large", quality=1.0, source="human", created=1.0))
    found = ingest(ledger, TIERS)
    assert [query.id for query in found.records.queries] == ["routed"]
    assert found.summary.skipped == {"it was called without the router": 2}
    assert len(draw(ledger, TIERS, 10).drawn) == 1
    assert len(window_of_ledger(ledger.decisions(), policy="p1")) == 1


@pytest.mark.usefixtures("tracked")
def test_a_ledger_of_tracked_calls_alone_has_nothing_to_train_on(ledger) -> None:
    with pytest.raises(InputError):
        ingest(ledger, TIERS)
    with pytest.raises(InputError, match="kept no text of any answer"):
        sheet_from(ledger)


@pytest.mark.usefixtures("tracked")
def test_a_tracked_call_explains_itself(ledger) -> None:
    found = ledger.find()
    assert found is not None
    first, second, third = found.explain().splitlines()
    assert first == "It was called without the router."
    assert second.startswith("m-1-2026 answered ($0.0000320, ")
    assert third.startswith("In all: $0.0000320, ")
