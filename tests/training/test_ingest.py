"""Ingest of files: formats, shapes, mappings, duplicates, splits, and what a log can support."""

from __future__ import annotations

import csv
import json
import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from router.errors import InputError
from tests.kit import ladder
from tests.training.simulated import TIERS
from training.__main__ import app
from training.ingest import Mapped, Options, ingest, load_mapping
from training.records import apart, read


def row(query=0, tier="small", quality=1.0, **changes):
    """One row of a long log."""
    return {
        "query_id": f"q{query}",
        "prompt": f"What is {query}?",
        "tier": tier,
        "quality": quality,
        "response": f"It is {query}.",
        "input_tokens": 5,
        "output_tokens": 3,
    } | changes


def both(n, **changes):
    """``n`` queries at both tiers."""
    return [row(number, tier, float(number % 2), **changes) for number in range(n) for tier in TIERS.names]


def jsonl(tmp_path, rows, name="log.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


def table(tmp_path, rows, name="log.csv", delimiter=","):
    path = tmp_path / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def parquet(tmp_path, rows, name="log.parquet"):
    import pyarrow as pa
    from pyarrow.parquet import write_table

    path = tmp_path / name
    write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("write", [jsonl, table, parquet])
def test_a_long_log_is_read_alike_from_every_format(write, tmp_path):
    """A row a query and tier; the format is seen from the content."""
    found = ingest(write(tmp_path, both(30), "log.data"), TIERS)

    assert found.records.queries == ingest(jsonl(tmp_path, both(30)), TIERS).records.queries
    assert len(found.records.labelled()) == 30
    assert found.records.queries[1].qualities == (1.0, 1.0)
    assert found.records.queries[0].request.text == "What is 0?"
    assert found.facts["kind"] == "full"
    assert found.facts["labels"] == {"small": {"unknown": 30}, "large": {"unknown": 30}}
    assert found.rejects_path is None
    assert found.summary.rows == 60


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_fields_may_be_separated_by_tabs_or_semicolons(delimiter, tmp_path):
    """Whichever the header has most of."""
    assert len(ingest(table(tmp_path, both(3), delimiter=delimiter), TIERS).records) == 3


def test_a_quoted_field_may_hold_lines_quotes_and_separators(tmp_path):
    """As CSV is written by everybody; a byte order mark before it does not matter."""
    odd = ' He said "no",\nand\r\n\n"yes"; 5" long\t\n'
    path = table(tmp_path, [row(0, tier, prompt=odd) for tier in TIERS.names])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    (query,) = ingest(path, TIERS).records.queries

    assert query.request.text == odd


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.sampled_from('ab",;\n é'), min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=5
    )
)
def test_any_text_survives_csv_and_jsonl(texts, tmp_path):
    """However many quotes and line ends are in it."""
    rows = [row(n, tier, prompt=text) for n, text in enumerate(texts) for tier in TIERS.names]

    for path in (table(tmp_path, rows), jsonl(tmp_path, rows)):
        assert [query.request.text for query in ingest(path, TIERS).records.queries] == texts


def test_routellms_wide_csv_has_a_column_a_model(tmp_path):
    """Booleans for labels; columns named after a model's are its own; tokens are estimated when that is asked for."""
    rows = [
        {
            "": n,
            "prompt": f"What is {n}?",
            "model-small": n % 2 == 0,
            "model-large": "True",
            "model-large_response": "x" * 9,
        }
        for n in range(4)
    ]
    found = ingest(table(tmp_path, rows), TIERS, Options(tokens="estimate"))
    first = found.records.queries[0].outcomes

    assert [query.qualities for query in found.records.queries] == [(1.0, 1.0), (0.0, 1.0)] * 2
    assert [outcome.completion.usage.output_tokens for outcome in first] == [1, 3]
    assert [outcome.completion.usage.input_tokens for outcome in first] == [3, 3]
    assert found.facts["tokens"] == "estimated for 8 answers at 4 characters a token"
    assert "Tokens, and so every cost, are estimated for 8 answers at 4 characters a token." in found.summary.notes


def test_llmrouters_jsonl_goes_by_its_own_names(tmp_path):
    """query, model_name, performance, response_time in seconds."""
    rows = [
        {
            "task_name": "gsm8k", "query": "What is 1?", "ground_truth": "1", "metric": "em", "model_name": name,
            "response": "1", "token_num": 8, "input_tokens": 5, "output_tokens": 3, "response_time": 1.5,
            "performance": 1.0, "embedding_id": 7,
        }
        for name in TIERS.names
    ]  # fmt: skip
    (query,) = ingest(jsonl(tmp_path, rows), TIERS, Options(format="llmrouter")).records.queries

    assert query.task == "gsm8k"
    assert query.qualities == (1.0, 1.0)
    assert query.outcomes[0].completion.latency == 1.5


def test_a_mapping_file_names_columns_models_and_scales(tmp_path):
    """And the models to leave out."""
    (tmp_path / "map.toml").write_text(
        '[columns]\nprompt = "ask"\nquality = "stars"\nlatency = "ms"\n'
        '[tiers]\n"m1" = "small"\n"m2" = "large"\n"m3" = false\n'
        '[values]\nquality_divide = 10\nlatency_divide = 1000\nquality_true = ["Great"]\n'
    )
    rows = [
        {"ask": "What?", "model": model, "stars": stars, "ms": 250, "input_tokens": 1, "output_tokens": 1}
        for model, stars in (("m1", 7), ("m2", "great"), ("m3", 99))
    ]
    found = ingest(jsonl(tmp_path, rows), TIERS, Options(mapping=load_mapping(tmp_path / "map.toml")))
    (query,) = found.records.queries

    assert query.qualities == (0.7, 1.0)
    assert query.outcomes[0].completion.latency == 0.25
    assert found.summary.skipped == {"its model is left out by the mapping": 1}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[column]\na = 1", "`column` is not understood; the tables of a mapping are columns, tiers, values"),
        ('[columns]\nprompts = "x"', "`prompts` is not understood; the fields of a log are query_id"),
        ("[columns]\nprompt = 1", "`prompt` is the name of a column, not 1"),
        ('[tiers]\n"a" = 1', "`a` is a tier's name, or false"),
        ("[values]\nquality_divide = 0", "`quality_divide` is a number above 0, not 0"),
        ('[values]\nquality_true = "yes"', "`quality_true` is a list of words"),
        ("columns = 1", "`columns` is a table"),
        ("[columns", "is not TOML"),
    ],
)
def test_a_bad_mapping_is_one_sentence(text, sentence, tmp_path):
    """It names the file and the key."""
    path = tmp_path / "map.toml"
    path.write_text(text)

    with pytest.raises(InputError) as caught:
        load_mapping(path)

    assert sentence in str(caught.value)
    assert "map.toml" in str(caught.value)


def test_a_mapping_that_is_missing_or_names_another_tier_is_one_sentence(tmp_path):
    """So that nobody looks for the fault in the log."""
    with pytest.raises(InputError, match="the mapping cannot be read"):
        load_mapping(tmp_path / "none.toml")
    with pytest.raises(InputError, match="'huge' is no tier"):
        ingest(jsonl(tmp_path, both(1)), TIERS, Options(mapping=Mapped(tiers={"x": "huge"})))


def test_nothing_is_not_zero(tmp_path):
    """NaN, null, "" and a missing key are an answer that nobody labelled."""
    labels = [None, "", "NaN", math.nan, "null"]
    rows = [row(n, "small", label) for n, label in enumerate(labels)] + [row(n, "large") for n in range(5)]
    del rows[0]["quality"]

    found = ingest(jsonl(tmp_path, rows), TIERS)

    assert all(math.isnan(query.qualities[0]) for query in found.records.queries)
    assert found.facts["labels"]["small"] == {"unlabelled": 5}
    assert "No answer of tier 'small' has a label." in found.summary.notes


def test_identical_rows_collapse_and_a_labelled_one_goes_before_an_unlabelled_one(tmp_path):
    """What they repeat is counted."""
    rows = [row(0, "small", None), row(0, "small", 0.5), row(0, "small", 0.5), row(0, "large")]

    found = ingest(jsonl(tmp_path, rows), TIERS)

    assert found.records.queries[0].qualities == (0.5, 1.0)
    assert found.summary.duplicates == 2
    assert found.summary.rejected == 0


def test_the_most_trusted_source_counts(tmp_path):
    """A gold label before a person's before a judge's; source, judge and weight stay with the label."""
    rows = [
        row(0, "small", 0.2, label_source="judge", judge="gpt"),
        row(0, "small", 0.9, label_source="human", judge="ann", label_weight=2),
        row(0, "large", label_source="gold"),
    ]
    small, large = ingest(jsonl(tmp_path, rows), TIERS).records.queries[0].outcomes

    assert (small.quality, small.source, small.judge, small.weight) == (0.9, "human", "ann", 2.0)
    assert large.source == "gold"


def test_contradicting_labels_may_be_averaged(tmp_path):
    """By their weights, when that is asked for."""
    rows = [row(0, "small", 1.0, label_weight=3), row(0, "small", 0.0), row(0, "large")]

    found = ingest(jsonl(tmp_path, rows), TIERS, Options(on_conflict="mean"))

    assert found.records.queries[0].qualities[0] == 0.75
    assert found.summary.rejected == 0


def test_equal_prompts_conversations_sessions_and_tenants_share_a_split(tmp_path):
    """Whatever else is different: letter case, white space, a system prompt, a turn more."""
    turns = [{"role": "user", "content": "Name a river."}]
    more = [*turns, {"role": "assistant", "content": "Rhine."}, {"role": "user", "content": "And one more?"}]
    rows = [
        row(1, prompt="What is it?"),
        row(2, prompt="  what is\nIT?  "),
        row(3, prompt="What is it?", system="Be brief."),
        row(4, prompt=turns),
        row(5, prompt=more),
        row(6, prompt="Say six", session_id="s"),
        row(7, prompt="Say seven", session_id="s", tenant="t"),
        row(8, prompt="Say eight", tenant="t"),
        row(9, prompt="Say nine"),
    ]
    rows += [each | {"tier": "large"} for each in rows]
    random.Random(1).shuffle(rows)

    found = ingest(jsonl(tmp_path, rows), TIERS, Options(max_rejects=0.0))

    keys = {query.id: query.split_key for query in found.records.queries}
    groups = {frozenset(id for id in keys if keys[id] == key) for key in keys.values()}
    assert groups == {frozenset(ids) for ids in (["q1", "q2", "q3"], ["q4", "q5"], ["q6", "q7", "q8"], ["q9"])}
    apart(found.records)


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    """Splits, keys and the fingerprint are the same."""
    rows = both(40, session="s")
    turned = ingest(jsonl(tmp_path, rows[::-1]), TIERS)

    assert turned.facts["data"] == ingest(jsonl(tmp_path, rows), TIERS).facts["data"]


def test_a_logs_own_splits_are_kept_or_made_anew(tmp_path):
    """As asked; a prompt in two of them is refused, and so is a log of which only some rows have one."""
    path = jsonl(tmp_path, both(40, split="calibrate"))
    leaked = jsonl(
        tmp_path, [*both(2, split="fit"), *(row(9, t, prompt="What is 1?", split="test") for t in TIERS.names)], "l"
    )
    partly = jsonl(tmp_path, [*both(2, split="fit"), *(row(9, tier) for tier in TIERS.names)], "p")

    assert ingest(path, TIERS).facts["splits"] == {"train": 0, "certify": 40, "test": 0}
    assert ingest(path, TIERS).facts["split_by"] == "file"
    assert min(ingest(path, TIERS, Options(splits="anew")).facts["splits"].values()) > 0
    with pytest.raises(InputError, match="split anew"):
        ingest(leaked, TIERS)
    with pytest.raises(InputError, match="some rows have a split and others none"):
        ingest(partly, TIERS)
    assert len(ingest(leaked, TIERS, Options(splits="anew")).records) == 3


def test_a_logged_confidence_becomes_the_log_probability_of_one_token(tmp_path):
    """Clipped, for some logs have minus infinity; true log-probabilities go before it."""
    rows = [
        row(0, "small", conf_logprob=-math.inf),
        row(0, "large", conf_logprob=-0.5),
        row(1, "small"),
        row(1, "large"),
    ]
    rows[2] |= {
        "tokens": ["a", "b"],
        "logprobs": [-0.1, -0.2],
        "top_logprobs": [[-0.1], [-0.2, -3]],
        "conf_logprob": -9,
    }

    queries = ingest(jsonl(tmp_path, rows), TIERS).records.queries

    assert [outcome.completion.logprobs.values for outcome in queries[0].outcomes] == [(-30.0,), (-0.5,)]
    assert queries[1].outcomes[0].completion.logprobs.values == (-0.1, -0.2)
    assert queries[1].outcomes[0].completion.logprobs.top == ((-0.1,), (-0.2, -3.0))
    assert queries[1].outcomes[1].completion.logprobs is None


def test_a_bandit_log_with_propensities_keeps_them(tmp_path):
    """Where one of two tiers was asked, the other one had the rest of the probability."""
    rows = [row(n, TIERS.names[n % 2], propensity=0.25 + 0.5 * (n % 2)) for n in range(10)]

    found = ingest(jsonl(tmp_path, rows), TIERS)

    assert found.facts["kind"] == "bandit"
    assert found.facts["cannot"] is None
    assert [query.inclusion for query in found.records.queries[:2]] == [(0.25, 0.75), (0.25, 0.75)]
    assert found.records.queries[0].outcomes[1] is None


def test_of_a_tier_that_was_not_asked_the_probability_is_not_guessed(tmp_path):
    """Where both tiers were asked of some, or there are three: NaN."""
    rows = [row(0, "small", propensity=1.0), row(0, "large", propensity=0.1), row(1, "small", propensity=1.0)]

    first, second = ingest(jsonl(tmp_path, rows), TIERS).records.queries

    assert first.inclusion == (1.0, 0.1)
    assert first.weight == 10.0
    assert second.inclusion[0] == 1.0
    assert math.isnan(second.inclusion[1])


def test_a_bandit_log_without_propensities_says_what_it_cannot_support(tmp_path):
    """In the facts and in the summary, and no query gets a weight."""
    rows = [row(n, TIERS.names[n % 2]) for n in range(10)]

    found = ingest(jsonl(tmp_path, rows), TIERS)

    assert found.facts["kind"] == "bandit without propensities"
    assert "neither a certificate nor an unbiased estimate" in found.facts["cannot"]
    assert found.facts["cannot"] in found.summary.sentences()
    assert {query.inclusion for query in found.records.queries} == {None}


def test_an_answer_that_lacks_by_accident_is_no_bandit_log_when_one_says_so(tmp_path):
    """``logged="full"``: every tier was asked on purpose."""
    rows = both(20)[:-1]

    assert ingest(jsonl(tmp_path, rows), TIERS).facts["kind"] == "bandit without propensities"
    assert ingest(jsonl(tmp_path, rows), TIERS, Options(logged="full")).facts["kind"] == "full"


def test_what_was_ingested_once_is_taken_as_it_is(tmp_path):
    """Records and facts alike."""
    out = tmp_path / "out.parquet"
    words = ["ingest", "--data", str(jsonl(tmp_path, both(30))), "--out", str(out), "--config", str(tiers(tmp_path))]
    told = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)

    again = ingest(out, TIERS)

    assert again.facts == told["facts"]
    assert again.records == read(out, TIERS)


def tiers(tmp_path):
    """A configuration with the tiers of these tests."""
    path = tmp_path / "tierwise.toml"
    path.write_text(
        "".join(
            f'[[tiers]]\nname = "{name}"\nmodel = "model-{name}"\napi = "fake"\n'
            f"price = {{ input = 1, output = {place} }}\n"
            for place, name in enumerate(TIERS.names, 2)
        )
    )
    return path


def test_the_command_says_what_became_of_the_rows(tmp_path):
    """In sentences, and where the refused ones are."""
    data = jsonl(tmp_path, [*both(30), row(99, quality=7)])
    out = tmp_path / "out.parquet"

    found = CliRunner().invoke(
        app,
        ["ingest", "--data", str(data), "--out", str(out), "--config", str(tiers(tmp_path))],
        catch_exceptions=False,
    )

    assert found.stdout.startswith("61 rows read, 30 queries kept (")
    assert "1 for quality: it is outside [0, 1]" in found.stdout
    assert (tmp_path / "out.parquet.rejects.jsonl").exists()
    assert len(read(out, TIERS)) == 30


def test_neither_the_records_nor_the_refused_rows_go_over_the_log(tmp_path):
    """Both are one sentence, and the log stays."""
    data = jsonl(tmp_path, both(3))
    words = ["ingest", "--data", str(data), "--config", str(tiers(tmp_path)), "--out"]

    with pytest.raises(InputError, match="over the log itself; choose another --out"):
        CliRunner().invoke(app, [*words, str(data)], catch_exceptions=False)
    with pytest.raises(InputError, match="over the log itself; choose another --rejects"):
        CliRunner().invoke(app, [*words, str(tmp_path / "o"), "--rejects", str(data)], catch_exceptions=False)
    assert len(ingest(data, TIERS).records) == 3


def test_a_model_may_be_named_instead_of_its_tier(tmp_path):
    """Where only one tier has it."""
    rows = [each | {"tier": f"model-{each['tier']}"} for each in both(2)]

    assert len(ingest(jsonl(tmp_path, rows), TIERS).records.labelled()) == 2


def test_three_tiers_of_which_one_was_asked(tmp_path):
    """The two others' probabilities are not known."""
    three = ladder("a", "b", "c")
    rows = [row(n, name, propensity=0.5) for n, name in enumerate(three.names)]

    inclusion = ingest(jsonl(tmp_path, rows), three).records.queries[1].inclusion

    assert [math.isnan(chance) for chance in inclusion] == [True, False, True]


def test_messages_may_stand_in_a_text_column_as_json(tmp_path):
    """Text that merely begins like some stays text."""
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}]
    prompts = [json.dumps(turns), '[{"a": 1}]', "[{not json"]
    rows = [row(n, tier, prompt=prompt) for n, prompt in enumerate(prompts) for tier in TIERS.names]

    queries = ingest(table(tmp_path, rows), TIERS).records.queries

    assert [message.role for message in queries[0].request.messages] == ["system", "user"]
    assert [query.request.text for query in queries[1:]] == prompts[1:]


def test_a_query_in_two_splits_is_one_sentence(tmp_path):
    """It names the query."""
    rows = [row(0, "small", split="train"), row(0, "large", split="test")]

    with pytest.raises(InputError, match="query 'q0' stands in more than one split"):
        ingest(jsonl(tmp_path, rows), TIERS)


def test_numbers_may_be_text_and_ids_may_be_numbers(tmp_path):
    """As CSV and data frames write them."""
    rows = [row(0, tier, "true", query_id=7.0, input_tokens="12.0", weight="") for tier in TIERS.names]

    (query,) = ingest(jsonl(tmp_path, rows), TIERS).records.queries

    assert query.id == "7"
    assert query.qualities == (1.0, 1.0)
    assert query.outcomes[0].completion.usage.input_tokens == 12


def test_a_split_that_nothing_fell_into_is_said(tmp_path):
    """With how many groups there are."""
    found = ingest(jsonl(tmp_path, [*both(20, tenant="t"), row(1, tenant="t")]), TIERS)

    assert "20 queries are only 1 that are apart." in found.summary.notes[-1]
    assert "1 rows repeat what another says." in found.summary.sentences()
