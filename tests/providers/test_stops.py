"""Cutting at stop strings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.providers.stops import StopCut, first_stop

TEXTS = st.text(alphabet="ab\n", max_size=30)


@given(
    text=TEXTS,
    stops=st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), max_size=3),
    sizes=st.lists(st.integers(1, 5)),
)
def test_however_the_text_arrives_the_cut_is_the_same(text, stops, sizes):
    """Split anywhere, the pieces shown join to the text before the first stop string."""
    cut, shown, rest = StopCut(stops), "", text
    for size in [*sizes, len(text) + 1]:
        shown += cut.feed(rest[:size])
        rest = rest[size:]
    shown += cut.rest()
    place = first_stop(text, stops)
    assert shown == (text if place is None else text[:place])
    assert cut.stopped == (place is not None)


def test_text_that_cannot_begin_a_stop_string_is_shown_at_once():
    """Holding back more would delay the first word."""
    cut = StopCut(["\n\n"])
    assert [cut.feed("Hello"), cut.feed(" world\n"), cut.feed("again")] == ["Hello", " world", "\nagain"]
