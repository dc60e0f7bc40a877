"""Sheets of answers: read, labelled and written again, from files and from the ledger."""

from __future__ import annotations

import json
import math

import pytest

from router.errors import InputError
from router.ledger import Keep, Label, Ledger
from router.types import Message, Request
from tests.ledger.samples import ask, attempt, decision
from training.label.answer import Given
from training.label.candidates import of_sheet
from training.label.logged import keep_labels, sheet_from
from training.label.sheet import read_sheet, write_rows, write_sheet
from training.label.summary import summary

ROWS = [
    {"query_id": "a", "prompt": "1 + 1?", "tier": "small", "response": "2", "reference": "2", "quality": None},
    {
        "query_id": "a",
        "prompt": "1 + 1?",
        "tier": "large",
        "response": 'say "two", é',
        "reference": "2",
        "quality": 0.5,
    },
    {"query_id": "b", "prompt": "1 + 2?", "tier": "small", "response": None, "reference": None, "quality": None},
]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_sheet_survives_writing_with_new_labels(tmp_path, suffix):
    """Every row and column is there again; rows that got no label keep theirs; the file appears whole."""
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_rows(ROWS, path)
    sheet = read_sheet(path)
    write_sheet(sheet, {0: Given(quality=1.0, source="gold", judge="exact", weight=2.0)}, out)
    again = read_sheet(out)
    assert [answer.response for answer in again.answers][:2] == ["2", 'say "two", é']
    assert again.answers[0].given == Given(quality=1.0, source="gold", judge="exact", weight=2.0)
    assert again.answers[1].given == Given(quality=0.5)
    assert [row["query_id"] for row in again.rows] == ["a", "a", "b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"in{suffix}", f"out{suffix}"]


def test_a_row_whose_tier_was_not_asked_has_no_answer(tmp_path):
    """It is written back as it was."""
    write_rows(ROWS, tmp_path / "in.jsonl")
    sheet = read_sheet(tmp_path / "in.jsonl")
    assert [answer.row for answer in sheet.answers] == [0, 1]
    assert len(sheet.rows) == 3


def test_columns_go_by_the_names_that_ingest_takes(tmp_path):
    """And conversations are prompts too."""
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    row = {"id": 7, "messages": turns, "model": "small", "completion": "Hello", "label": 1, "source": "human"}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n\n")
    (answer,) = read_sheet(tmp_path / "in.jsonl").answers
    assert (answer.query_id, answer.tier, answer.prompt, answer.response) == ("7", "small", "Hi", "Hello")
    assert answer.given == Given(quality=1.0, source="human")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("in.jsonl", b"{}\n", "the column 'query_id' is missing"),
        ("in.jsonl", b"", "there are no rows to label"),
        ("in.jsonl", b"[1]\n", "line 1 is not a JSON object"),
        ("in.jsonl", b'{"a": \n', "line 1 is not JSON"),
        (
            "in.jsonl",
            b'{"query_id": "a", "prompt": "p", "tier": "t", "response": "r", "quality": 7}\n',
            "row 1: quality 7",
        ),
        (
            "in.jsonl",
            b'{"query_id": "a", "prompt": 3, "tier": "t", "response": "r"}\n',
            "row 1: the prompt must be text",
        ),
        ("in.csv", b"query_id,prompt,tier,response\na,\xff,b,c\n", "is not UTF-8"),
        ("in.parquet", b"PAR1", "cannot be read as Parquet"),
        ("in.txt", b"hello", "its name ends in none of .jsonl, .csv, .parquet"),
    ],
)
def test_a_file_that_is_no_sheet_is_one_sentence(tmp_path, name, text, told):
    """It names the file and the place."""
    (tmp_path / name).write_bytes(text)
    with pytest.raises(InputError) as caught:
        read_sheet(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert told in str(caught.value)


def test_a_sheet_that_cannot_be_written_is_one_sentence(tmp_path):
    """A missing directory, what the format cannot hold, an unknown ending; nothing is left behind."""
    with pytest.raises(InputError, match="cannot be written"):
        write_rows(ROWS, tmp_path / "no" / "out.csv")
    with pytest.raises(InputError, match="the column 'a' mixes types"):
        write_rows([{"a": 1}, {"a": "x"}], tmp_path / "out.parquet")
    for name in ("out.parquet", "out.csv"):
        with pytest.raises(InputError, match="lone surrogate"):
            write_rows([{"a": "\ud800"}], tmp_path / name)
    with pytest.raises(InputError, match="its name must end in"):
        write_rows(ROWS, tmp_path / "out.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db", keep=Keep()) as opened:
        tried = (attempt(verdict="escalated", confidence=0.7), attempt("large", confidence=0.95, threshold=None))
        opened.append(decision("d1", attempts=tried), ask())
        turns = (Message(role="system", content="Be brief."), Message(role="user", content="Hi"))
        opened.append(decision("d2", created=2e9), Request(messages=turns))
        opened.append(decision("d3", created=3e9))
        yield opened


def test_the_ledgers_answers_are_a_sheet_with_their_labels(ledger):
    """The most trusted label counts, of those the newest; a decision without text is left out."""
    for label in (
        Label(decision_id="d1", tier="small", quality=0.1, source="judge", created=9.0),
        Label(decision_id="d1", tier="small", quality=0.2, source="human", judge="ann", created=1.0),
        Label(decision_id="d1", tier="small", quality=0.3, source="human", judge="bob", created=2.0),
    ):
        ledger.label(label)
    sheet = sheet_from(ledger)
    assert [(answer.query_id, answer.tier) for answer in sheet.answers] == [
        ("d1", "small"),
        ("d1", "large"),
        ("d2", "small"),
    ]
    assert sheet.answers[0].given == Given(quality=0.3, source="human", judge="bob")
    assert [message.role for message in sheet.answers[2].messages] == ["system", "user"]
    assert sheet.answers[2].prompt == "Hi"


def test_labels_go_back_into_the_ledger(ledger):
    """Unclear ones do not."""
    sheet = sheet_from(ledger)
    labels = {
        0: Given(quality=1.0, source="test", judge="parses", weight=2.0),
        1: Given(quality=math.nan, source="test", judge="parses", reason="x"),
    }
    assert keep_labels(ledger, sheet, labels, created=5.0) == 1
    assert list(ledger.labels()) == [
        Label(decision_id="d1", tier="small", quality=1.0, source="test", judge="parses", weight=2.0, created=5.0)
    ]


def test_a_ledger_without_text_has_nothing_to_label(tmp_path):
    """And says what to set."""
    with Ledger(tmp_path / "l.db", keep=Keep(default="hash")) as ledger:
        ledger.append(decision(), ask())
        with pytest.raises(InputError, match="kept no text of any answer"):
            sheet_from(ledger)


def test_without_a_request_there_is_nothing_to_label_and_no_setting_to_change(ledger):
    """Nothing is wrong with what it keeps."""
    with pytest.raises(InputError, match=r"no request whose answers .* route some first"):
        sheet_from(ledger, since=1e12)


def test_candidates_of_the_ledger_are_as_near_a_tie_as_they_were_decided(ledger):
    """Confidence less threshold; labelled answers are left out."""
    ledger.label(Label(decision_id="d2", tier="small", quality=1.0, source="human", created=1.0))
    (candidate,) = of_sheet(sheet_from(ledger))
    assert (candidate.id, len(candidate.rows)) == ("d1", 2)
    assert candidate.margin == pytest.approx(0.7 - 0.8)


def test_a_summary_counts_reasons_and_weighs_means(tmp_path):
    """By tier."""
    write_rows(ROWS, tmp_path / "in.jsonl")
    answers = read_sheet(tmp_path / "in.jsonl").answers
    found = summary(answers, {0: Given(quality=1.0, weight=3.0), 1: Given(quality=math.nan, reason="not JSON: x")})
    assert found == {
        "answers": 2,
        "labelled": 1,
        "unclear": 1,
        "reasons": {"not JSON": 1},
        "tiers": {"small": {"n": 1, "quality": 1.0}},
    }
