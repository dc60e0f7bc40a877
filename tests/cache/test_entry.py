"""Entries as bytes, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cache.entry import decode, decode_result, encode, encode_result, label_of
from router.cache.ops import Cached, Result
from router.types import ToolCall

counts = st.none() | st.integers(0, 2**60)
calls = st.lists(st.builds(ToolCall, id=st.text(), name=st.text(), arguments=st.text()), max_size=2)
any_text = st.text(st.characters(codec=None))
entries = st.builds(
    Cached,
    text=any_text,
    stop=st.sampled_from(("end", "stop_sequence", "tool_calls")),
    tier=st.text(),
    model=st.text(),
    decision=st.text(),
    created=st.floats(0, 1e12),
    cost=st.integers(0, 2**60),
    confidence=st.none() | st.floats(0, 1),
    strong_cost=counts,
    best_single_cost=counts,
    tool_calls=calls.map(tuple),
)


@given(entry=entries, tags=st.dictionaries(any_text, any_text, max_size=3))
def test_an_entry_comes_back_exactly_and_tells_its_tags(entry: Cached, tags: dict[str, str]) -> None:
    blob = encode(entry, tags)
    assert decode(blob) == entry
    label = label_of(blob)
    assert (label.created, label.tags) == (entry.created, tags)


@given(blob=st.binary(max_size=40))
def test_any_bytes_are_an_entry_or_a_sentence(blob: bytes) -> None:
    for read in (decode, decode_result):
        with pytest.raises(ValueError, match=r"it is damaged|wrote it|it holds no"):
            read(blob)
    assert label_of(blob).tags == {}


@given(entry=entries, place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_never_ends_in_another_error(entry: Cached, place: int, byte: int) -> None:
    blob = bytearray(encode(entry, {}))
    blob[place % len(blob)] = byte
    try:
        found = decode(bytes(blob))
    except ValueError:
        return
    assert isinstance(found.text, str)


def test_a_result_is_no_answer_and_an_answer_no_result() -> None:
    answer = Cached(text="4", stop="end", tier="t", model="m", decision="d", created=1.0, cost=0)
    result = Result(value='{"a": 1}', created=2.0)
    assert decode_result(encode_result(result, {})) == result
    with pytest.raises(ValueError, match="it holds no answer"):
        decode(encode_result(result, {}))
    with pytest.raises(ValueError, match="it holds no result"):
        decode_result(encode(answer, {}))


def test_a_result_that_is_no_longer_json_is_refused() -> None:
    with pytest.raises(ValueError, match="its result is not JSON"):
        decode_result(encode_result(Result(value="{", created=2.0), {}))
