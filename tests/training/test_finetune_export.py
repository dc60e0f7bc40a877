"""Training files for fine-tuning: which answers are in them, in which form, and what is said of the others."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from router.decision import FromCache
from router.errors import InputError
from router.ledger import Keep, Label, Ledger
from router.types import Message, Request, Tool
from tests.ledger.samples import attempt, decision
from training.__main__ import app
from training.finetune_export import export


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def add(ledger, id, prompt=None, *, quality=1.0, messages=None, source="human", tools=(), answer="Jupiter.", **changes):
    """One decision with its request, and its label unless ``quality`` is None."""
    turns = messages or (Message(role="user", content=prompt or f"What about {id}?"),)
    request = Request(messages=turns, tools=tools)
    given = {"attempts": (attempt(text=answer),), "prompt_hash": request.prompt_hash} | changes
    ledger.append(decision(id, **given), request)
    if quality is not None:
        ledger.label(Label(decision_id=id, tier="small", quality=quality, source=source, created=1.0))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_good_answers_become_chats_as_openai_reads_them(ledger, tmp_path):
    system, user = Message(role="system", content="Be brief."), Message(role="user", content="Which is the largest?")
    add(ledger, "a", messages=(system, user))

    found = export(ledger, tmp_path / "out.jsonl", format="openai", validation=0)

    assert lines(tmp_path / "out.jsonl") == [
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Which is the largest?"},
                {"role": "assistant", "content": "Jupiter."},
            ]
        }
    ]
    assert (found.train, found.validation, found.validation_out) == (1, 0, None)
    assert found.tokens == 10 + 4 + 3


def test_anthropic_has_the_system_prompt_apart_and_roles_in_turn(ledger, tmp_path):
    roles = ("system", "user", "user", "assistant", "user")
    add(ledger, "a", messages=tuple(Message(role=role, content=f"{n}") for n, role in enumerate(roles)))

    export(ledger, tmp_path / "out.jsonl", format="anthropic", validation=0)

    assert lines(tmp_path / "out.jsonl") == [
        {
            "system": "0",
            "messages": [
                {"role": "user", "content": "1\n\n2"},
                {"role": "assistant", "content": "3"},
                {"role": "user", "content": "4"},
                {"role": "assistant", "content": "Jupiter."},
            ],
        }
    ]


def test_what_is_left_out_is_counted_by_reason(ledger, tmp_path):
    add(ledger, "good")
    add(ledger, "poor", quality=0.5)
    add(ledger, "unlabelled", quality=None)
    add(ledger, "cut", attempts=(attempt(stop="length"),))
    add(ledger, "refused", attempts=(attempt(stop="refusal"),))
    add(ledger, "empty", answer=" ")
    add(ledger, "tools", tools=(Tool(name="search"),))
    add(ledger, "failed", quality=None, attempts=(attempt(verdict="failed", text=None),))
    cached = FromCache(kind="exact", decision="good", age=1.0)
    add(ledger, "cached", quality=None, attempts=(attempt(verdict="cached", usage=None, cost=0),), cache=cached)

    found = export(ledger, tmp_path / "out.jsonl", format="openai", validation=0)

    assert (found.decisions, found.train) == (9, 1)
    assert found.left_out == {
        "its answer is not whole": 3,
        "its label is below 0.9": 1,
        "its answer has no label": 1,
        "it uses tools": 1,
        "it returned no answer": 1,
        "its answer came from the cache": 1,
    }


def test_a_conversation_that_anthropic_does_not_take_is_left_out(ledger, tmp_path):
    add(ledger, "a", messages=(Message(role="assistant", content="Hello."), Message(role="user", content="Hi.")))
    add(ledger, "b")
    found = export(ledger, tmp_path / "out.jsonl", format="anthropic", validation=0)
    assert found.left_out == {"its messages do not begin with the user's": 1}


def test_of_equal_prompts_the_best_answer_is_taken_and_of_equal_answers_the_newest(ledger, tmp_path):
    for id, quality, answer in (("a", 0.9, "old"), ("b", 1.0, "best"), ("c", 1.0, "newest"), ("d", 0.95, "worse")):
        add(ledger, id, "Which?", quality=quality, answer=answer)

    found = export(ledger, tmp_path / "out.jsonl", format="openai", validation=0)

    assert [line["messages"][-1]["content"] for line in lines(tmp_path / "out.jsonl")] == ["newest"]
    assert found.left_out == {"its prompt has another answer": 3}


def test_the_most_trusted_label_decides(ledger, tmp_path):
    add(ledger, "a", quality=1.0, source="silver")
    ledger.label(Label(decision_id="a", tier="small", quality=0.0, source="gold", created=0.5))
    add(ledger, "b")
    assert export(ledger, tmp_path / "out.jsonl", format="openai", validation=0).left_out == {
        "its label is below 0.9": 1
    }


def test_prompts_are_held_back_by_their_hash_alone(ledger, tmp_path):
    """The same prompts are held back in every export, and none is in both files."""
    for number in range(60):
        add(ledger, f"d{number:02}")
    whole = export(ledger, tmp_path / "whole.jsonl", format="openai", validation=0.3)
    before = (tmp_path / "whole.validation.jsonl").read_text()
    for number in range(60, 80):
        add(ledger, f"d{number:02}")
    export(ledger, tmp_path / "whole.jsonl", format="openai", validation=0.3)

    assert whole.train + whole.validation == 60
    assert 8 <= whole.validation <= 28
    after = (tmp_path / "whole.validation.jsonl").read_text()
    assert set(before.splitlines()) <= set(after.splitlines())
    assert not set(after.splitlines()) & set((tmp_path / "whole.jsonl").read_text().splitlines())


def test_keys_are_redacted_and_counted(ledger, tmp_path):
    key = "sk-" + "a1b2" * 8
    add(ledger, "a", f"Why does {key} not work?", answer=f"Because {key} is revoked.")
    add(ledger, "b")

    found = export(ledger, tmp_path / "out.jsonl", format="openai", validation=0)

    assert key not in (tmp_path / "out.jsonl").read_text()
    assert found.redacted == 1
    assert any("names, addresses" in sentence for sentence in found.sentences())


def test_a_ledger_that_keeps_hashes_alone_is_refused(tmp_path):
    with Ledger(tmp_path / "ledger.db", keep=Keep(default="hash")) as ledger:
        add(ledger, "a")
        with pytest.raises(InputError) as caught:
            export(ledger, tmp_path / "out.jsonl", format="openai")
    assert str(caught.value) == (
        "the ledger keeps no text of the 1 requests whose answers are good enough, only hashes, so there is nothing to "
        'tune on; set `keep = "text"` under [ledger] for those to come'
    )
    assert not (tmp_path / "out.jsonl").exists()


def test_where_no_answer_is_good_enough_it_says_what_there_is(ledger, tmp_path):
    add(ledger, "a", quality=0.2)
    add(ledger, "b", quality=None)
    with pytest.raises(InputError) as caught:
        export(ledger, tmp_path / "out.jsonl", format="openai")
    assert str(caught.value) == (
        "none of 2 decisions has an accepted answer with a label of 0.9 or more "
        "(1: its label is below 0.9; 1: its answer has no label)"
    )


def test_a_file_that_cannot_be_written_leaves_nothing_behind(ledger, tmp_path):
    add(ledger, "a")
    with pytest.raises(InputError, match="cannot be written"):
        export(ledger, tmp_path / "none" / "out.jsonl", format="openai")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".jsonl") == []


@pytest.mark.parametrize("out", ["ledger.db", "ledger.jsonl"])
def test_the_ledger_is_not_written_over(tmp_path, out):
    """Neither by the training file nor by the one beside it."""
    with Ledger(tmp_path / ("ledger.db" if out == "ledger.db" else "ledger.validation.jsonl")) as opened:
        add(opened, "a")
        with pytest.raises(InputError, match="is the ledger"):
            export(opened, tmp_path / out, format="openai", validation=0)
        assert [entry.decision.id for entry in opened.decisions()] == ["a"]


def test_a_folder_is_no_place_for_an_export(ledger, tmp_path):
    add(ledger, "a")
    with pytest.raises(InputError, match="is a folder"):
        export(ledger, tmp_path, format="openai")


def test_an_older_validation_file_does_not_stay_beside_a_new_export(ledger, tmp_path):
    """Else a prompt of it might be in the training file now."""
    add(ledger, "a")
    stale = tmp_path / "out.validation.jsonl"
    stale.write_text("old\n")
    export(ledger, tmp_path / "out.jsonl", format="openai", validation=0)
    assert not stale.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"least": 1.5}, "least is a quality from 0 to 1, not 1.5"),
        ({"validation": 1.0}, "validation is the share of prompts held back, from 0 to below 1, not 1.0"),
    ],
)
def test_numbers_outside_their_range_are_refused(ledger, tmp_path, changes, sentence):
    with pytest.raises(InputError) as caught:
        export(ledger, tmp_path / "out.jsonl", format="openai", **changes)
    assert str(caught.value) == sentence


def test_the_command_writes_and_tells(ledger, tmp_path):
    add(ledger, "a")
    where = ["--ledger", str(tmp_path / "ledger.db"), "--out", str(tmp_path / "o.jsonl")]
    told = CliRunner().invoke(app, ["finetune-export", *where, "--format", "openai", "--validation", "0", "--json"])
    words = CliRunner().invoke(app, ["finetune-export", *where, "--format", "openai", "--validation", "0"])
    wrong = CliRunner().invoke(app, ["finetune-export", *where, "--format", "csv"])

    assert json.loads(told.output)["train"] == 1
    assert "wrote 1 examples to" in words.output
    assert "OpenAI asks for 10 examples at least" in words.output
    assert isinstance(wrong.exception, InputError)
