"""Records: splits, weights, and a Parquet file that loses nothing."""

from __future__ import annotations

import math
import string
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import InputError
from router.types import Completion, Logprobs, Message, Request, ResponseFormat, Tool, ToolCall, Usage, as_messages
from tests.kit import ladder
from tests.training.simulated import records as simulated
from training.fingerprint import fingerprint
from training.long_format import read_records, write_records
from training.records import SPLITS, Outcome, Query, Records, apart, disjoint, read, split_named
from training.splits import Joined, resplit, split_of

TIERS = ladder("small", "large")

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
spoken = text.filter(str.strip)
chance = st.floats(0, 1)
unsure = st.just(math.nan) | chance
counts = st.integers(0, 10**9)
logprob = st.floats(-30, 0)


@st.composite
def logprobs(draw):
    values = draw(st.lists(logprob, max_size=4))
    top = draw(st.sampled_from(["none", "some"]))
    return Logprobs(
        tokens=tuple(draw(text) for _ in values),
        values=tuple(values),
        top=() if top == "none" else tuple(tuple(draw(st.lists(logprob, max_size=3))) for _ in values),
    )


calls = st.builds(ToolCall, id=spoken, name=spoken, arguments=text)
completions = st.builds(
    Completion,
    text=text,
    usage=st.none() | st.builds(Usage, **dict.fromkeys(Usage.__slots__, counts)),
    stop=st.sampled_from(["end", "length", "stop_sequence", "tool_calls", "refusal"]),
    logprobs=st.none() | logprobs(),
    latency=st.floats(0, 1e6),
    tool_calls=st.lists(calls, max_size=2).map(tuple),
    model=st.none() | spoken,
    request_id=st.none() | spoken,
    signals=st.none() | st.dictionaries(st.sampled_from(["length", "hedges"]), unsure),
)
outcomes = st.builds(
    Outcome,
    completion=completions,
    quality=unsure,
    source=st.sampled_from(["", "gold", "test", "human", "judge", "silver"]),
    weight=st.floats(0.01, 100),
    judge=st.none() | spoken,
)
requests = st.builds(Request, messages=spoken.map(as_messages)) | st.builds(
    Request,
    messages=st.builds(
        lambda system, ask, call, answer: (
            Message(role="system", content=system),
            Message(role="user", content=ask),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content=answer, tool_call_id=call.id),
        ),
        text,
        spoken,
        calls,
        text,
    ),
    max_tokens=st.none() | st.integers(1, 9),
    temperature=st.none() | st.floats(0, 2),
    stop=st.lists(spoken, max_size=2).map(tuple),
    response_format=st.none() | st.builds(ResponseFormat, schema=st.none() | st.just({"type": "object"}), name=text),
    tools=st.lists(st.builds(Tool, name=spoken, parameters=st.just({"a": [1]})), max_size=1).map(tuple),
    tags=st.dictionaries(text, text, max_size=2),
    user=st.none() | text,
    session=st.none() | text,
    deadline=st.none() | st.floats(0.1, 9),
    floor=st.none() | text,
)


@st.composite
def any_records(draw):
    queries = []
    asked = draw(st.lists(requests, min_size=1, max_size=4, unique_by=lambda request: request.prompt_hash))
    for place, request in enumerate(asked):
        inclusion = draw(
            st.sampled_from([(), None]) | st.tuples(unsure, unsure).filter(lambda pair: not all(map(math.isnan, pair)))
        )
        queries.append(
            Query(
                id=f"q{place}",
                request=request,
                outcomes=(draw(st.none() | outcomes), draw(st.none() | outcomes)),
                split=draw(st.sampled_from(SPLITS)),
                split_key=f"{place}{draw(text)}",
                task=draw(text),
                inclusion=inclusion,
            )
        )
    return Records(TIERS.names, tuple(queries), draw(st.dictionaries(text, text | st.integers(), max_size=2)))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=any_records())
def test_what_is_written_is_read_back_equal(given, tmp_path):
    """Whatever requests, answers, labels, probabilities and facts there are."""
    path = tmp_path / "labels.parquet"

    write_records(given, path)

    assert read(path, TIERS) == given
    assert [each.name for each in tmp_path.iterdir()] == ["labels.parquet"]


def test_a_file_is_read_for_tiers_in_another_order(tmp_path):
    """Outcomes and inclusion probabilities go to their tier's rank."""
    logs = simulated(5)
    logs = replace(logs, queries=tuple(replace(query, inclusion=(0.5, 0.25)) for query in logs.queries))
    path = tmp_path / "labels.parquet"

    write_records(logs, path)
    turned = read_records(path, ladder("large", "small"))

    assert [query.outcomes[::-1] for query in logs.queries] == [query.outcomes for query in turned.queries]
    assert {query.inclusion for query in turned.queries} == {(0.25, 0.5)}


def simple(tmp_path, **changes):
    """A file of the least columns: one query at both tiers, its columns changed."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "query_id": ["q", "q"],
        "prompt": ["What?", "What?"],
        "tier": ["small", "large"],
        "quality": [0.0, None],
        "response": ["a", None],
        "stop": ["end", None],
        "input_tokens": [3, 3],
        "output_tokens": [1, 2],
        "split": ["tune", "tune"],
    } | changes
    path = tmp_path / "simple.parquet"
    parquet.write_table(pa.table({name: values for name, values in columns.items() if values is not None}), path)
    return path


def test_a_simple_file_needs_nine_columns(tmp_path):
    """A missing label is NaN and not zero, and an older name of a split is understood."""
    (query,) = read(simple(tmp_path), TIERS).queries

    assert query.split == "train"
    assert query.qualities[0] == 0.0
    assert math.isnan(query.qualities[1])
    assert query.inclusion == ()
    assert query.weight == 1.0


def test_a_simple_file_may_have_inclusion_probabilities(tmp_path):
    """Then the query stands for as many as the least of them says."""
    (query,) = read(simple(tmp_path, inclusion=[1.0, 0.05]), TIERS).queries

    assert query.inclusion == (1.0, 0.05)
    assert query.weight == 20.0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"split": None}, "the column 'split' is missing"),
        ({"split": ["best", "best"]}, "split 'best' is none of"),
        ({"tier": ["small", "small"]}, "only in the configuration: ['large']"),
        ({"tier": ["small", "huge"]}, r"only in the data: ['huge']"),
        ({"quality": [1.5, 0.0]}, "quality 1.5 is outside [0, 1]"),
        ({"stop": ["tired", "end"]}, "stop 'tired' is none of"),
        ({"input_tokens": [-1, 3]}, "input_tokens must be a count of tokens, not -1"),
        ({"prompt": [" ", " "]}, "the prompt is empty"),
    ],
)
def test_a_bad_file_is_one_sentence(changes, sentence, tmp_path):
    """It names the file, the query and the value."""
    with pytest.raises(InputError) as caught:
        read(simple(tmp_path, **changes), TIERS)

    assert sentence in str(caught.value)
    assert "simple.parquet" in str(caught.value)


def test_two_rows_of_one_tier_are_refused(tmp_path):
    """Which of them counts is not for us to say."""
    columns = {name: values * 2 for name, values in _least().items()}

    with pytest.raises(InputError, match="query 'q': tier 'small' has two rows"):
        read(simple(tmp_path, **columns), TIERS)


def _least():
    return {
        "query_id": ["q", "q"], "prompt": ["W", "W"], "tier": ["small", "large"], "quality": [0.0, 1.0],
        "response": ["a", "b"], "stop": ["end", "end"], "input_tokens": [3, 3], "output_tokens": [1, 2],
        "split": ["test", "test"],
    }  # fmt: skip


def test_no_file_and_no_parquet_are_one_sentence_each(tmp_path):
    """Both name the file."""
    (tmp_path / "text.parquet").write_text("hello")

    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "none.parquet", TIERS)
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read(tmp_path / "text.parquet", TIERS)


def test_text_that_no_file_can_hold_and_a_place_that_cannot_be_written_are_one_sentence_each(tmp_path):
    """Nothing is left behind."""
    logs = simulated(1)
    broken = replace(logs, queries=(replace(logs.queries[0], task="\ud800"),))

    with pytest.raises(InputError, match="lone surrogate"):
        write_records(broken, tmp_path / "labels.parquet")
    with pytest.raises(InputError, match="cannot be written"):
        write_records(logs, tmp_path / "missing" / "labels.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("inclusion", "weight"),
    [((), 1.0), ((1.0, 0.25), 4.0), (None, math.nan), ((1.0, 0.0), math.nan), ((1.0, math.nan), math.nan)],
)
def test_a_query_weighs_one_over_its_least_inclusion_probability(inclusion, weight):
    """NaN where it is not known or never happens."""
    query = replace(simulated(1).queries[0], inclusion=inclusion)

    assert repr(weight) == repr(query.weight)


def test_a_split_is_asked_for_by_its_name():
    """An unknown or an empty one is a sentence."""
    logs = simulated(20)

    assert {"train", "certify", "test"} == set(SPLITS)
    assert [len(logs.split(name)) for name in SPLITS] == [12, 4, 4]
    with pytest.raises(InputError, match="split='fit' is none of train, certify, test"):
        logs.split("fit")
    with pytest.raises(InputError, match="no rows of split 'test'"):
        logs.split("train").split("test")
    assert [split_named(word) for word in ("fit", "Validation", "calibrate", "test")] == [
        "train", "train", "certify", "test",
    ]  # fmt: skip


def test_a_prompt_in_two_splits_is_refused():
    """In one set of records, and in two."""
    logs = simulated(10)
    leaked = replace(logs, queries=(*logs.queries, replace(logs.queries[0], id="again", split="test")))

    apart(logs)
    with pytest.raises(InputError, match="query 'again' stands in split 'test'"):
        apart(leaked)
    with pytest.raises(InputError, match="1 prompts stand in two splits"):
        disjoint(leaked.split("train"), leaked.split("test"))


def test_a_prompt_in_two_splits_is_refused_whatever_its_split_keys_say():
    """A log may call the same prompt by two keys; a score on one would be flattered all the same."""
    logs = simulated(20)
    first = logs.queries[0]
    twin = replace(first, id="twin", split="test", split_key="another")
    both = replace(logs, queries=(*logs.queries, twin))

    with pytest.raises(InputError, match="query 'twin' stands in split 'test' and, the same prompt, in 'train'"):
        apart(both)
    with pytest.raises(InputError, match="1 prompts stand in two splits"):
        disjoint(logs.split("train"), replace(logs, queries=(twin,)))


def test_labelled_leaves_out_queries_that_lack_a_label():
    """At any tier."""
    logs = simulated(3)
    first = logs.queries[0]
    unlabelled = replace(first, outcomes=(first.outcomes[0], None))

    assert len(replace(logs, queries=(unlabelled, *logs.queries[1:])).labelled()) == 2


@given(key=st.text(string.printable, max_size=9), seed=st.integers(0, 9))
def test_a_key_is_always_in_the_same_split(key, seed):
    """Whatever else there is."""
    assert split_of(key, seed=seed) == split_of(key, seed=seed)
    assert split_of(key, seed=seed) in SPLITS


def test_splits_are_60_20_20_and_hang_on_the_seed():
    """Within what chance allows on 5,000 keys."""
    splits = [split_of(str(number)) for number in range(5000)]
    again = [split_of(str(number), seed=1) for number in range(5000)]

    shares = [splits.count(name) / 5000 for name in SPLITS]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.02)
    assert splits != again
    assert fingerprint(resplit(simulated(50), 1)) != fingerprint(resplit(simulated(50), 2))


@given(pairs=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12), order=st.randoms())
def test_joined_keys_share_a_name_in_any_order(pairs, order):
    """And the name is the least of them."""
    first, second = Joined(), Joined()
    shuffled = pairs.copy()
    order.shuffle(shuffled)
    for pair in pairs:
        first.join([str(key) for key in pair])
    for pair in shuffled:
        second.join([str(key) for key in pair])

    for a, b in pairs:
        assert first.name(str(a)) == first.name(str(b)) <= str(min(a, b))
        assert first.name(str(a)) == second.name(str(a))


def test_the_fingerprint_names_the_content():
    """Not the order of the queries; a label, an answer's cost or a split changes it."""
    logs = simulated(6)
    first = logs.queries[0]
    outcome = first.outcomes[0]
    dearer = replace(outcome.completion, usage=Usage(input_tokens=99, output_tokens=1))
    others = [
        replace(first, split="test"),
        replace(first, inclusion=None),
        replace(first, outcomes=(replace(outcome, quality=0.5), first.outcomes[1])),
        replace(first, outcomes=(replace(outcome, completion=dearer), first.outcomes[1])),
        replace(first, outcomes=(None, first.outcomes[1])),
    ]
    changed = [fingerprint(replace(logs, queries=(other, *logs.queries[1:]))) for other in others]

    assert fingerprint(logs) == fingerprint(replace(logs, queries=logs.queries[::-1]))
    assert len({fingerprint(logs), *changed}) == 6


def test_the_fingerprint_does_not_depend_on_how_split_keys_are_called():
    """Ingest names them anew; the same rows that belong together are the same data."""
    logs = simulated(20)
    renamed = replace(logs, queries=tuple(replace(q, split_key=f"group {q.split_key}") for q in logs.queries))
    joined = replace(logs, queries=tuple(replace(q, split_key=f"group {q.id[-1]}") for q in logs.queries))

    assert fingerprint(logs) == fingerprint(renamed)
    assert fingerprint(logs) != fingerprint(joined)
