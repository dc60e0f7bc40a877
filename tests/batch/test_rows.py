"""Broken lines of a batch file: told with line, field and reason, before anything is paid."""

from __future__ import annotations

import json

import pytest

from router.errors import BatchError, InputError
from tests.batch.conftest import answers, ladder_at, router_at, run

GOOD = [{"prompt": f"q{place}"} for place in range(30)]


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ('{"prompt": "a"', "line", "is not JSON"),
        ("[1, 2]", "line", "is no JSON object"),
        ({"promt": "a"}, "promt", "there is no such field"),
        ({"max_tokens": 5}, "prompt", "is missing"),
        ({"prompt": "a", "messages": []}, "prompt", "is given beside `messages`"),
        ({"prompt": ["a"]}, "prompt", "must be text"),
        ({"prompt": "  "}, "prompt", "the prompt is empty"),
        ({"messages": [{"role": "robot", "content": "a"}]}, "messages", "a message's role is one of"),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens", "must be a whole number"),
        ({"prompt": "a", "temperature": "hot"}, "temperature", "must be a number"),
        ({"prompt": "a", "tags": ["x"]}, "tags", "tags are text to text"),
        ({"prompt": "a", "tools": [3]}, "tools", "a tool is"),
        ({"prompt": "a", "deadline": 5}, "deadline", "nobody waits for a batch"),
        ({"prompt": "a", "floor": "huge"}, "floor", "is no tier of this router"),
        ({"prompt": "a", "id": 7}, "id", "must be text"),
    ],
)
def test_a_broken_line_is_left_out_and_told(vendor, write, line, field, reason):
    """The others are answered."""
    source = write(*GOOD, line)
    summary = run(router_at(ladder_at(vendor.url)), source)

    (told,) = answers(source.with_name("in.rejected.jsonl"))
    assert (told["line"], told["field"]) == (31, field)
    assert reason in told["reason"]
    assert (summary.requests, summary.rejected, summary.rejects) == (30, 1, source.with_name("in.rejected.jsonl"))


def test_an_id_that_is_there_twice_is_refused(vendor, write):
    """Its answers could not be told apart."""
    source = write(*GOOD, {"prompt": "a", "id": "x"}, {"prompt": "b", "id": "x"})
    run(router_at(ladder_at(vendor.url)), source)

    (told,) = answers(source.with_name("in.rejected.jsonl"))
    assert told == {"line": 32, "field": "id", "reason": "is also that of line 31"}


def test_the_same_line_twice_is_two_requests(vendor, write):
    """Lines are told apart by their place."""
    source = write({"prompt": "a"}, {"prompt": "a"})

    assert run(router_at(ladder_at(vendor.url)), source).answered == 2


def test_too_many_broken_lines_stop_the_run_before_anything_is_sent(vendor, write):
    """More than one in twenty; all of them are told."""
    source = write(*GOOD[:10], "{}", "nonsense")
    with pytest.raises(BatchError, match=r"2 of 12 lines \(17%\) cannot be taken.* line 11, `prompt`: is missing"):
        run(router_at(ladder_at(vendor.url)), source)

    assert len(answers(source.with_name("in.rejected.jsonl"))) == 2
    assert vendor.sent.total() == 0


def test_a_file_that_is_empty_or_missing_is_told(vendor, write, tmp_path):
    """In one sentence each."""
    router = router_at(ladder_at(vendor.url))
    with pytest.raises(InputError, match="is empty; write one JSON object"):
        run(router, write(""))
    with pytest.raises(InputError, match="cannot be read"):
        run(router, tmp_path / "none.jsonl")


def test_what_looks_like_a_key_is_not_repeated(vendor, write):
    """Reasons quote values; secrets are redacted."""
    secret = "sk-" + "a1b2c3d4" * 5
    source = write(*GOOD, json.dumps({"prompt": "a", "temperature": secret}))
    run(router_at(ladder_at(vendor.url)), source)

    assert secret not in source.with_name("in.rejected.jsonl").read_text()


def test_an_output_that_cannot_be_written_loses_nothing(vendor, write, tmp_path):
    """The answers are in the journal, and written when there is a place for them."""
    source = write({"prompt": "a"})
    out = tmp_path / "out.jsonl"
    (tmp_path / ".out.jsonl.partial").mkdir()
    with pytest.raises(BatchError, match=r"cannot be written .* go on"):
        run(router_at(ladder_at(vendor.url)), source)
    (tmp_path / ".out.jsonl.partial").rmdir()

    run(router_at(ladder_at(vendor.url)), source, resume=True)

    assert [line["text"] for line in answers(out)] == ["sure: a"]
    assert vendor.sent.total() == 1
