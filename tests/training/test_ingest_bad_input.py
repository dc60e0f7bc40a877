"""Ingest of logs with faults: every refused row with its place, field and reason, and one sentence where it stops."""

from __future__ import annotations

import json
import math
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import InputError
from tests.training.simulated import TIERS
from tests.training.test_ingest import both, jsonl, parquet, row, table
from training.ingest import Options, ingest
from training.ingest.rejects import Reject, shown


def refused(path, tmp_path, **options):
    """The refused rows of a log, as they are in the file."""
    to = tmp_path / "rejects.jsonl"
    found = ingest(path, TIERS, Options(rejects=to, max_rejects=1.0, **options))
    lines = [json.loads(line) for line in to.read_text().splitlines()] if to.exists() else []
    assert found.summary.rejected == len(lines) == sum(each.rows for each in found.summary.refusals)
    assert found.rejects_path == (to if lines else None)
    return lines


FAULTS = [
    ({"quality": 1.2}, "quality", "it is outside [0, 1]"),
    ({"quality": -0.1}, "quality", "it is outside [0, 1]"),
    ({"quality": "good"}, "quality", "it is not a number"),
    ({"quality": "inf"}, "quality", "it is infinite"),
    ({"prompt": None}, "prompt", "it is missing"),
    ({"prompt": "  "}, "prompt", "it is missing"),
    ({"tier": ""}, "tier", "it is missing"),
    ({"input_tokens": -1}, "input_tokens", "it is negative"),
    ({"output_tokens": 2.5}, "output_tokens", "it is no count of tokens"),
    ({"output_tokens": "many"}, "output_tokens", "it is not a number"),
    ({"input_tokens": None}, "input_tokens", "it is missing, and a cost is never guessed unasked (--estimate-tokens)"),
    ({"stop": "tired"}, "stop", "it is none of"),
    ({"label_source": "rumour"}, "source", "it is none of gold, test, human, judge, silver"),
    ({"label_weight": 0}, "weight", "it is not above 0"),
    ({"latency": -1}, "latency", "it is negative"),
    ({"split": "best"}, "split", "it is no known split"),
    ({"conf_logprob": 0.5}, "conf_logprob", "a log-probability in it is above 0"),
]


@pytest.mark.parametrize("write", [jsonl, table, parquet])
@pytest.mark.parametrize(("changes", "field", "reason"), FAULTS)
def test_a_row_with_a_fault_is_refused_with_its_place_field_and_reason(changes, field, reason, write, tmp_path):
    """In every format; the rows beside it are kept."""
    rows = [dict.fromkeys(changes) | each for each in both(3)]
    rows[2] |= changes
    if write is parquet:
        # A Parquet column has one type.
        words = [name for name, value in changes.items() if isinstance(value, str)]
        rows = [each | {name: str(each[name]) for name in words if each[name] is not None} for each in rows]

    (line,) = refused(write(tmp_path, rows), tmp_path, splits="anew" if field != "split" else "file")

    place = {jsonl: ("line", 3), table: ("line", 4), parquet: ("row", 3)}[write]
    assert line[place[0]] == place[1]
    assert line["field"] == field
    assert line["reason"].startswith(reason)


JSON_FAULTS = [
    ('{"prompt": "unended', "line", "it is not JSON"),
    ("[1, 2]", "line", "it is not a JSON object"),
    ("[" * 100_000, "line", "it is not JSON"),
    (json.dumps(row(prompt=7)), "prompt", "it is empty or no list of messages"),
    (json.dumps(row(prompt=[])), "prompt", "it is empty or no list of messages"),
    (json.dumps(row(prompt=[{"role": "god", "content": "x"}])), "prompt", "it is empty or no list of messages"),
    (json.dumps(row(response="\ud800")), "response", "it holds a lone surrogate"),
    (json.dumps(row(response=["x"])), "response", "it is not text"),
    (json.dumps(row(logprobs=[0.5])), "logprobs", "a log-probability in it is above 0"),
    (json.dumps(row(logprobs=[None])), "logprobs", "a log-probability in it is missing"),
    (json.dumps(row(logprobs=[-1], tokens=["a", "b"])), "tokens", "they are not as many"),
    (json.dumps(row(logprobs=[-1], top_logprobs=[1])), "top_logprobs", "it is not a list for each token"),
    (json.dumps(row(logprobs="[")), "logprobs", "it is not a list in JSON"),
    (json.dumps(row(logprobs=7)), "logprobs", "it is not a list"),
    (json.dumps(row(input_tokens=10**400)), "input_tokens", "it is not a number"),
    (json.dumps(row(input_tokens=True)), "input_tokens", "it is no count of tokens"),
]


@pytest.mark.parametrize(("text", "field", "reason"), JSON_FAULTS)
def test_a_line_of_json_with_a_fault_is_refused(text, field, reason, tmp_path):
    """Whatever stands there instead."""
    path = jsonl(tmp_path, both(3))
    path.write_text(path.read_text() + text + "\n\n")

    (line,) = refused(path, tmp_path)

    assert line["line"] == 7
    assert line["field"] == field
    assert line["reason"].startswith(reason)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    junk=st.lists(st.binary(max_size=40) | st.text(max_size=20).map(lambda t: t.encode("utf-8", "replace")), max_size=4)
)
def test_no_bytes_break_it(junk, tmp_path):
    """Junk is refused line by line, or the file in a sentence; a traceback it never is."""
    for path in (jsonl(tmp_path, both(3)), table(tmp_path, both(3))):
        path.write_bytes(path.read_bytes() + b"\n".join(junk))
        found = 3
        with suppress(InputError):
            found = len(ingest(path, TIERS, Options(max_rejects=1.0)).records)

        assert found >= 3


def test_bytes_that_are_not_utf_8_are_named_by_line_and_byte(tmp_path):
    """One line of another encoding does not spoil the others."""
    for path in (jsonl(tmp_path, both(2)), table(tmp_path, both(2))):
        lines = path.read_bytes().splitlines(keepends=True)
        lines[2] = lines[2].replace(b"It is", b"C'est \xe9")
        path.write_bytes(b"".join(lines))

        (line,) = refused(path, tmp_path)

        place = lines[2].index(b"\xe9") + 1
        assert line["line"] == 3
        assert line["reason"] == "it is not UTF-8; convert the file"
        assert line["value"] == f"byte {place} of the line is 0xe9"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,b".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8b\x08", "compressed with gzip"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b'[{"prompt": "x"}]', "one JSON list; write one object a line"),
        (b"PAR1 and no more", "cannot be read as Parquet"),
        (b"prompt,tier,prompt\n", "names the column 'prompt' twice"),
        (b"prompt,\xe9\n", "line 1: it is not UTF-8; convert the file (byte 8 of the line is 0xe9)"),
        (b"prompt,model,text\n", "no row of it can be trained on: it has no rows"),
        (b"prompt,model,text\na,small,x\n", "no column is the quality; there is 'prompt', 'model', 'text'"),
        (b'{"prompt": "x"}\n', "no column is the tier; there is 'prompt'; say in a mapping file which is"),
        (b'prompt,tier,quality\n"a,small,1\nb,small,1\n', "line 2: a quoted field begins there that never ends"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(content, sentence, tmp_path):
    """It says what the file is, and what to do."""
    path = tmp_path / "log"
    path.write_bytes(content)

    with pytest.raises(InputError) as caught:
        ingest(path, TIERS)

    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_file_and_another_format_than_said_are_one_sentence_each(tmp_path):
    """Both name the file."""
    with pytest.raises(InputError, match=r"none\.csv: it cannot be read"):
        ingest(tmp_path / "none.csv", TIERS)
    with pytest.raises(InputError, match="the file is parquet, not csv"):
        ingest(parquet(tmp_path, both(1)), TIERS, Options(format="csv"))
    with pytest.raises(InputError, match="the file is csv, not parquet"):
        ingest(table(tmp_path, both(1)), TIERS, Options(format="parquet"))
    with pytest.raises(InputError, match="no column is named after a tier or its model"):
        ingest(table(tmp_path, [{"prompt": "x", "gpt": 1}]), TIERS, Options(format="routellm"))


def test_tiers_that_differ_are_one_sentence_with_both_lists(tmp_path):
    """A tier in the log that the configuration lacks, and the reverse."""
    with pytest.raises(InputError) as caught:
        ingest(jsonl(tmp_path, [row(0, "small"), row(0, "huge")]), TIERS)
    with pytest.raises(InputError) as wide:
        ingest(table(tmp_path, [{"prompt": "x", "small": 1}]), TIERS, Options(tokens="estimate"))

    assert "only in the data: 'huge'; only in the configuration: 'large'" in str(caught.value)
    assert "only in the data: none; only in the configuration: 'large'" in str(wide.value)


@pytest.mark.parametrize("columns", [1, 3])
def test_a_record_with_too_many_or_too_few_fields_is_refused(columns, tmp_path):
    """It is not filled up or cut off."""
    path = table(tmp_path, both(2))
    path.write_text(path.read_text() + ",".join("x" * columns) + "\n")

    (line,) = refused(path, tmp_path)

    assert (line["line"], line["reason"]) == (6, "it has another number of fields than the header's 7")


def test_more_refused_rows_than_allowed_stop_the_run(tmp_path):
    """With the count, the commonest reason and where the rest is; the rows are there to be looked at."""
    rejects = tmp_path / "rejects.jsonl"
    rows = both(50)
    for each in rows[:6]:
        each["quality"] = 2

    with pytest.raises(InputError) as caught:
        ingest(jsonl(tmp_path, rows), TIERS, Options(rejects=rejects))

    assert "6 of 100 rows (6.0%) were refused, more than the 5.0% that are allowed" in str(caught.value)
    assert "`quality`: it is outside [0, 1] (6 rows)" in str(caught.value)
    assert len(rejects.read_text().splitlines()) == 6
    assert len(ingest(jsonl(tmp_path, rows), TIERS, Options(max_rejects=0.06)).records) == 47


def test_a_tier_that_is_not_known_is_named_among_the_refused_rows(tmp_path):
    """Though the whole log is refused for it, the rows are there to be looked at."""
    rejects = tmp_path / "rejects.jsonl"

    with pytest.raises(InputError, match="only in the data: 'huge'"):
        ingest(jsonl(tmp_path, [*both(3), row(3, "huge")]), TIERS, Options(rejects=rejects, max_rejects=1.0))

    assert json.loads(rejects.read_text())["value"] == "huge"


def test_an_old_file_of_refused_rows_does_not_outlive_its_run(tmp_path):
    """No refused row, no file."""
    rejects = tmp_path / "rejects.jsonl"
    rejects.write_text("old")

    assert ingest(jsonl(tmp_path, both(2)), TIERS, Options(rejects=rejects)).rejects_path is None
    assert not rejects.exists()


def test_contradicting_labels_are_all_refused(tmp_path):
    """The answer stays, as one that nobody labelled."""
    path = jsonl(tmp_path, [row(0, "small", 1.0), row(0, "small", 0.0), row(0, "large"), *both(3)[2:]])

    lines = refused(path, tmp_path)
    query = ingest(path, TIERS, Options(max_rejects=1.0)).records.queries[0]

    assert [(line["line"], line["value"]) for line in lines] == [(1, 1.0), (2, 0.0)]
    assert {line["reason"] for line in lines} == {"labels of this query and tier contradict each other"}
    assert math.isnan(query.qualities[0])
    assert query.outcomes[0].completion.text == "It is 0."


def test_a_query_with_two_prompts_is_refused_from_the_second_on(tmp_path):
    """An id that was given twice would mix up two answers."""
    (line,) = refused(jsonl(tmp_path, [*both(2), row(0, prompt="Another?")]), tmp_path)

    assert line == {
        "line": 5,
        "field": "prompt",
        "reason": "it is another prompt than an earlier row of this query has",
        "value": "q0",
    }


@pytest.mark.parametrize(
    ("propensity", "reason"),
    [(0, "it is 0, yet the row was observed"), (1.5, "it is outside (0, 1]"), (None, "it is missing, and other rows")],
)
def test_a_propensity_that_cannot_be_or_lacks_is_refused(propensity, reason, tmp_path):
    """It would be divided by."""
    rows = [each | {"propensity": 0.5} for each in both(3)]
    rows[4]["propensity"] = propensity

    (line,) = refused(jsonl(tmp_path, rows), tmp_path)

    assert (line["line"], line["field"]) == (5, "propensity")
    assert line["reason"].startswith(reason)


def test_a_log_without_any_label_is_one_sentence(tmp_path):
    """It says how to get some."""
    with pytest.raises(InputError, match=r"no answer in it has a label; .* `tierwise train label`"):
        ingest(jsonl(tmp_path, [row(0, tier, None) for tier in TIERS.names]), TIERS)


@pytest.mark.parametrize("write", [jsonl, table, parquet])
def test_a_field_beyond_the_limit_is_refused_by_name(write, tmp_path):
    """Bytes are counted, not characters; a field at the limit is taken."""
    rows = both(3)
    rows[0]["response"] = "é" * 50
    rows[3]["response"] = "é" * 51

    (line,) = refused(write(tmp_path, rows), tmp_path, field_limit=100)

    assert (line["field"], line["reason"]) == ("response", "it is larger than the limit of 100 bytes")


@pytest.mark.parametrize("write", [jsonl, table])
def test_a_huge_field_is_passed_over_without_being_held(write, tmp_path):
    """Thirty times the largest line, read in the memory of one; the rows after it are read."""
    path = write(tmp_path, both(3))
    lines = path.read_bytes().splitlines(keepends=True)
    huge = json.dumps(row(7, response="[gap]")) if write is jsonl else 'q7,What?,small,1,"[gap]",5,3'
    before, after = huge.encode().split(b"[gap]")
    lines.insert(3, before + b"word " * 6_000_000 + after + b"\n")
    path.write_bytes(b"".join(lines))
    del lines

    tracemalloc.start()
    (line,) = refused(path, tmp_path, field_limit=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert line["line"] == 4
    assert line["field"] == "response"
    assert line["reason"] == "it is larger than the limit of 100,000 bytes"
    assert peak < 8_000_000


def test_a_huge_field_of_many_lines_is_passed_over_too(tmp_path):
    """To where its quote closes."""
    path = table(tmp_path, both(3))
    text = 'q7,What?,small,1,"' + 'word "" \n' * 200 + '",5,3\n'
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([first, text, *rest]))

    (line,) = refused(path, tmp_path, field_limit=100)

    assert (line["line"], line["field"]) == (2, "response")


def test_a_refused_value_is_short_and_shows_no_key(tmp_path):
    """Whatever stands in the log."""
    key = "sk-" + "abcdefghij" * 4
    (line,) = refused(jsonl(tmp_path, [*both(3), row(3, quality=f"Bearer {key} {'x' * 500}")]), tmp_path)

    assert key not in json.dumps(line)
    assert len(line["value"]) == 80
    assert shown({"api_key": key}) == "a dict"
    assert Reject(3, "a", "b", 1e308 * 10).as_dict("row")["value"] == "inf"


def test_options_outside_their_range_are_one_sentence_each():
    """They name the option and its values."""
    for options, sentence in (
        ({"max_rejects": 2}, r"max_rejects is a share in \[0, 1\], not 2"),
        ({"field_limit": 0}, "field_limit is a number of bytes"),
        ({"format": "xml"}, "format='xml' is none of auto, jsonl"),
        ({"on_conflict": "first"}, "on_conflict='first' is none of reject, mean"),
    ):
        with pytest.raises(InputError, match=sentence):
            Options(**options)


def test_a_place_for_refused_rows_that_cannot_be_written_is_one_sentence(tmp_path):
    """It names the place."""
    with pytest.raises(InputError, match="refused rows cannot be written there"):
        ingest(jsonl(tmp_path, [*both(3), row(quality=9)]), TIERS, Options(rejects=tmp_path / "none" / "r"))
