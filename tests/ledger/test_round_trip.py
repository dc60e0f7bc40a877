from __future__ import annotations

import itertools
import json
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from router.decision import Decision
from router.ledger import Entry, Ledger
from router.types import Message, Request, Tool
from tests.ledger import samples
from tests.ledger.samples import ask, attempt, decision

COUNTER = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One ledger for all examples, since every decision has an id of its own."""
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.db") as opened:
        yield opened


def stored(ledger: Ledger, made: Decision, request: Request | None = None) -> Entry:
    ledger.append(made, request)
    return next(entry for entry in ledger.decisions(since=made.created) if entry.decision.id == made.id)


@given(made=samples.decisions())
def test_a_decision_comes_back_exactly(shared: Ledger, made: Decision) -> None:
    # Hypothesis draws an id again while it shrinks, and a second decision of an id is not stored.
    made = replace(made, id=f"{next(COUNTER)}")
    shared.append(made)
    assert shared.find(made.id) == made


@given(made=samples.decisions(), request=samples.requests)
def test_a_request_comes_back_exactly(made: Decision, request: Request) -> None:
    from router.ledger.codec import decode, encode

    rows = encode(made, request, kept="text")
    assert decode(rows.decision, rows.attempts) == Entry(decision=made, request=request)


def test_the_request_comes_back_from_the_file(ledger: Ledger) -> None:
    request = ask(
        "¿Qué? 😀",
        max_tokens=5,
        temperature=0.1,
        tags={"feature": "search"},
        deadline=math.inf,
        tools=(Tool(name="f", parameters={"type": "object"}),),
    )
    assert stored(ledger, decision(), request) == Entry(decision=decision(), request=request)


def test_no_usage_is_not_zero_usage(ledger: Ledger) -> None:
    found = stored(ledger, decision(attempts=(attempt(usage=None, cost=0),))).decision
    assert found.attempts[0].usage is None


def test_nan_confidence_is_no_confidence(ledger: Ledger) -> None:
    found = stored(ledger, decision(attempts=(attempt(confidence=math.nan, threshold=math.nan),))).decision
    assert (found.attempts[0].confidence, found.attempts[0].threshold) == (None, None)


def test_nan_and_infinite_numbers_stay_what_they_are(ledger: Ledger) -> None:
    signals = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.1}
    made = decision(attempts=(attempt(signals=signals, latency=math.nan, propensity=math.nan),), latency=math.nan)
    found = stored(ledger, made).decision
    assert {key: str(value) for key, value in found.attempts[0].signals.items()} == {
        "a": "nan", "b": "inf", "c": "-inf", "d": "0.1",
    }  # fmt: skip
    assert all(math.isnan(each) for each in (found.latency, found.attempts[0].latency, found.attempts[0].propensity))


def test_json_in_the_file_is_strict(ledger: Ledger, path: Path) -> None:
    ledger.append(decision(suffices={"small": math.nan}), ask(deadline=math.inf))
    with sqlite3.connect(path) as raw:
        cells = raw.execute("SELECT suffices, request FROM decisions").fetchone()
    raw.close()

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert json.loads(cells[0], parse_constant=refuse) == {"small": None}
    assert json.loads(cells[1], parse_constant=refuse)["deadline"] == "inf"


def test_text_that_no_database_holds_alike_is_mended(ledger: Ledger) -> None:
    bad = "a\ud800b\0c"
    made = decision(
        id="\udfff1",
        reason=bad,
        error=bad,
        tags={bad: bad},
        user=bad,
        attempts=(attempt(text=bad, signals={bad: 1.0}),),
    )
    request = ask(f"{bad}é")
    ledger.append(made, request)
    (entry,) = ledger.decisions()
    mended = "a\ufffdb\ufffdc"
    found = entry.decision
    assert (found.id, found.reason, found.error, found.tags) == ("\ufffd1", mended, mended, {mended: mended})
    assert found.attempts[0].text == mended
    assert entry.request is not None
    assert entry.request.text == "a\ufffdb\0cé"


def test_numbers_of_numpy_are_stored_as_numbers(ledger: Ledger, path: Path) -> None:
    """SQLite's driver would store them as bytes."""
    made = decision(
        attempts=(
            attempt(confidence=np.float64(0.5), cost=np.int64(7), signals={"x": np.float32(0.5), "y": np.int64(2)}),
        ),
        suffices={"small": np.float32(0.25)},
        strong_cost=np.int64(9),
    )
    found = stored(ledger, made).decision
    assert found.attempts[0].confidence == 0.5
    assert (found.cost, found.strong_cost) == (7, 9)
    assert found.attempts[0].signals == {"x": 0.5, "y": 2.0}
    assert found.suffices == {"small": 0.25}


def test_a_schema_of_odd_values_does_not_cost_the_record(ledger: Ledger) -> None:
    tool = Tool(name="f", parameters={"enum": {"a"}, "default": 1 + 2j, "maximum": np.float32(np.inf)})
    entry = stored(ledger, decision(), replace(ask(), tools=(tool,)))
    assert entry.request is not None
    assert entry.request.tools[0].parameters == {"enum": ["a"], "default": "(1+2j)", "maximum": "inf"}


def test_decisions_come_in_order_a_page_at_a_time(ledger: Ledger) -> None:
    made = [decision(f"{999 - place:03}", created=1000.0 + place // 3) for place in range(450)]
    for each in made:
        ledger.append(each)
    ordered = sorted(made, key=lambda each: (each.created, each.id))
    assert [entry.decision.id for entry in ledger.decisions()] == [each.id for each in ordered]
    some = [each.id for each in ordered if 1010 <= each.created < 1100]
    assert [entry.decision.id for entry in ledger.decisions(since=1010, until=1100)] == some
    assert ledger.count(since=1010, until=1100) == len(some)
    assert ledger.count() == 450


def test_decisions_appended_while_reading_do_no_harm(ledger: Ledger) -> None:
    for place in range(250):
        ledger.append(decision(str(place), created=float(place)))
    seen = []
    for entry in ledger.decisions():
        seen.append(entry.decision.id)
        if len(seen) == 10:
            ledger.append(decision("late", created=9_999.0))
    assert seen == [*map(str, range(250)), "late"]


def test_find_gives_the_last_one_without_an_id(ledger: Ledger) -> None:
    ledger.open()
    assert ledger.find() is None
    assert ledger.find("d1") is None
    for id, created in (("a", 1.0), ("c", 3.0), ("b", 2.0)):
        ledger.append(decision(id, created=created))
    last = ledger.find()
    assert last is not None
    assert last.id == "c"
    assert ledger.find("b") == decision("b", created=2.0)


def test_a_system_prompt_and_turns_come_back(ledger: Ledger) -> None:
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="Hi"))
    entry = stored(ledger, decision(), Request(messages=turns))
    assert entry.request is not None
    assert entry.request.messages == turns
