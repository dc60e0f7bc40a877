"""Labels: kept like decisions, replaced by the same judge, refused where there is nothing to label."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.decision import Decision
from router.errors import InputError, LedgerError
from router.ledger import Label, Ledger, migrations
from router.ledger.feedback import record
from router.ledger.label import LABEL_COLUMNS, SOURCES, decode_label, encode_label
from tests.ledger import samples
from tests.ledger.conftest import Server
from tests.ledger.samples import attempt, decision
from tests.ledger.test_migrations import columns, execute


def label(decision_id: str = "d1", tier: str = "small", **changes: object) -> Label:
    values: dict[str, object] = {"quality": 0.75, "source": "human", "created": 1_795_000_100.5}
    return Label(decision_id=decision_id, tier=tier, **(values | changes))  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest, path: Path) -> Iterator[Ledger]:
    """A ledger with one decision, in each database: ``small`` was escalated, ``huge`` failed, ``large`` answered."""
    url: str | Path = path
    if request.param == "postgres":
        import psycopg

        server: Server = request.getfixturevalue("postgres")
        url = server.url
        with psycopg.connect(url, autocommit=True) as raw:
            raw.execute("DROP TABLE IF EXISTS labels, attempts, decisions, tierwise_meta")
    with Ledger(url) as opened:
        tried = (attempt(verdict="escalated"), attempt("huge", "failed", usage=None, cost=0), attempt("large"))
        opened.append(decision(attempts=tried))
        yield opened


def test_a_label_comes_back_exactly(kept: Ledger) -> None:
    """Whoever gave it, with and without a judge, oldest first."""
    given_labels = [
        label(created=1.0),
        label(tier="large", source="judge", judge="large/m:ab", quality=1.0, weight=3.5, created=2.0),
        label(source="gold", quality=0.0, created=3.0),
    ]
    for each in reversed(given_labels):
        kept.label(each)
    assert list(kept.labels()) == given_labels
    assert list(kept.labels(since=2.0, until=3.0)) == given_labels[1:2]


def test_the_same_judge_again_replaces_its_label_and_another_does_not(kept: Ledger) -> None:
    """The key is decision, tier, source and judge; no judge is a judge of its own."""
    first, other = label(), label(judge="ann")
    changed = replace(first, quality=0.25, weight=2.0, created=first.created + 1)
    for each in (first, other, changed):
        kept.label(each)
    assert list(kept.labels()) == [other, changed]


def test_a_label_for_what_is_not_there_is_refused_in_one_sentence(kept: Ledger) -> None:
    """An unknown decision, an unknown tier, and a tier that gave no answer."""
    with pytest.raises(InputError, match="the ledger has no decision 'nope' with an answer, so there is nothing to la"):
        kept.label(label("nope"))
    for tier in ("medium", "huge"):
        with pytest.raises(InputError) as caught:
            kept.label(label(tier=tier))
        assert str(caught.value) == f"in decision 'd1' tier {tier!r} gave no answer to label; small, large did"
    assert list(kept.labels()) == []


def test_labels_and_decisions_of_many_threads_share_the_ledger(kept: Ledger) -> None:
    """A bad label in a batch fails alone."""
    refused: list[str] = []

    def work(thread: int) -> None:
        for place in range(10):
            id = f"{thread}-{place}"
            kept.append(decision(id))
            kept.label(label(id, created=float(thread * 10 + place)))
            try:
                kept.label(label(id, "large"))
            except InputError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert kept.count() == 81
    assert [each.created for each in kept.labels()] == [float(place) for place in range(80)]
    assert len(refused) == 80


def test_more_labels_than_a_page_are_read_in_order(ledger: Ledger) -> None:
    """Many of the same second, across pages."""
    ledger.append(decision())
    judges = [f"j{place:03}" for place in range(450)]
    for judge in judges:
        ledger.label(label(judge=judge))
    assert [each.judge for each in ledger.labels()] == judges


def test_a_label_outlives_the_ledger_that_wrote_it(path: Path) -> None:
    """It is on disk when the call returns: another connection sees it while the first is open."""
    with Ledger(path) as ledger:
        ledger.append(decision())
        ledger.label(label())
        with Ledger(path) as other:
            assert list(other.labels()) == [label()]


def test_keys_in_a_judges_name_are_redacted(ledger: Ledger) -> None:
    """As everywhere in the ledger."""
    ledger.append(decision())
    ledger.label(label(judge="sk-ant-api03-" + "a" * 40))
    assert [each.judge for each in ledger.labels()] == ["[redacted]"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"quality": 1.01}, "quality must be a number from 0"),
        ({"quality": -0.1}, "quality must be a number from 0"),
        ({"quality": math.nan}, "an answer that nobody judged gets no label"),
        ({"quality": "good"}, "quality must be a number from 0"),
        ({"source": "rumour"}, "source='rumour' is none of gold, test, human, judge, silver"),
        ({"weight": 0.0}, "weight must be a number above 0"),
        ({"weight": math.inf}, "weight must be a number above 0"),
        ({"created": math.nan}, "created must be seconds since the epoch"),
        ({"decision_id": ""}, "decision_id must be text"),
        ({"tier": 3}, "tier must be text"),
    ],
)
def test_a_label_that_says_nothing_cannot_be_made(changes: dict[str, object], told: str) -> None:
    """Out of range, NaN, of an unknown source: refused when it is made."""
    with pytest.raises(InputError, match=told):
        replace(label(), **changes)  # type: ignore[arg-type]


@given(
    made=st.builds(
        Label,
        decision_id=samples.text.filter(bool),
        tier=samples.name,
        quality=samples.chance,
        source=st.sampled_from(SOURCES),
        created=st.floats(0, 4e9),
        judge=st.none() | samples.text.filter(bool),
        weight=st.floats(1e-6, 1e6),
    )
)
def test_any_label_survives_its_row(made: Label) -> None:
    """Write, then read."""
    assert made == decode_label(encode_label(made).values)


def test_the_migrated_table_is_what_the_codec_writes(ledger: Ledger, path: Path) -> None:
    """Columns in the order in which they are written."""
    ledger.open()
    assert columns(path, "labels") == LABEL_COLUMNS


def first_release(path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Decision]) -> None:
    """A ledger as the first release made it, without labels."""
    raw = sqlite3.connect(path)

    class Connection:
        def exec_driver_sql(self, statement: str) -> None:
            raw.execute(statement)

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        migrations.migrate(Connection(), at=None)  # type: ignore[arg-type]
    raw.commit()
    raw.close()
    assert execute(path, "SELECT name FROM sqlite_master WHERE name = 'labels'") == []
    from router.ledger.codec import ATTEMPT_COLUMNS, DECISION_COLUMNS, encode

    old = {table: columns(path, table) for table in ("decisions", "attempts")}
    raw = sqlite3.connect(path)
    for each in rows:
        stored = encode(each, None, kept="text")
        wide = [("decisions", DECISION_COLUMNS, stored.decision)]
        wide += [("attempts", ATTEMPT_COLUMNS, values) for values in stored.attempts]
        for table, names, values in wide:
            row = dict(zip(names, values, strict=True))
            marks = ", ".join("?" for _ in old[table])
            raw.execute(f"INSERT INTO {table} VALUES ({marks})", [row[str(name)] for name in old[table]])
    raw.commit()
    raw.close()


def test_a_ledger_of_the_first_release_keeps_every_row_and_gains_labels(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second migration, on decisions that were there; reading alone migrates too."""
    rows = [decision(f"d{place}", created=float(place)) for place in range(5)]
    first_release(path, monkeypatch, rows)

    with Ledger(path) as reader:
        assert list(reader.labels()) == []
    with Ledger(path) as ledger:
        ledger.label(label("d3"))
        assert [entry.decision for entry in ledger.decisions()] == rows
        assert list(ledger.labels()) == [label("d3")]


def test_a_damaged_label_is_named(ledger: Ledger, path: Path) -> None:
    """What no tierwise wrote is one sentence."""
    ledger.append(decision())
    ledger.label(label())
    execute(path, "UPDATE labels SET quality = 7")
    with pytest.raises(LedgerError, match="a label of decision 'd1' cannot be read back"):
        list(ledger.labels())


def test_feedback_goes_to_the_answer_that_was_returned(ledger: Ledger) -> None:
    """Without a tier; with one, to that one."""
    ledger.append(decision(attempts=(attempt(verdict="escalated"), attempt("large"))))
    told = [record(ledger, "d1", 0.5, created=1.0), record(ledger, "d1", True, tier="small", created=2.0)]
    assert [(each.tier, each.quality) for each in ledger.labels()] == [("large", 0.5), ("small", 1.0)]
    assert told == list(ledger.labels())


def test_feedback_without_a_decision_or_an_answer_is_refused(ledger: Ledger) -> None:
    """One sentence each."""
    ledger.append(decision(attempts=(attempt(verdict="failed", usage=None, cost=0),)))
    with pytest.raises(InputError, match="the ledger has no decision 'x'"):
        record(ledger, "x", 1.0)
    with pytest.raises(InputError, match="decision 'd1' returned no answer, so there is nothing to label"):
        record(ledger, "d1", 1.0)
