"""The nearest vectors of one group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cache.semantic.search import Vectors


def _unit(count: int, *, seed: int = 0, dimension: int = 16) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, dimension))
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def _filled(vectors: np.ndarray, *, flat: int) -> Vectors:
    shelf = Vectors(vectors.shape[1], flat=flat)
    for place, vector in enumerate(vectors):
        shelf.add(str(place), f"text {place}", vector)
    return shelf


def test_the_nearest_are_those_of_the_largest_cosines() -> None:
    vectors, asked = _unit(300), _unit(1, seed=1)[0]
    cosines = vectors @ asked
    best = [str(place) for place in np.argsort(-cosines)[:5]]
    found = _filled(vectors, flat=1000).nearest(asked, count=5, least=-1.0)
    assert best == [near.key for near in found]
    assert pytest.approx(sorted(cosines, reverse=True)[:5], abs=1e-6) == [near.similarity for near in found]
    assert f"text {best[0]}" == found[0].text


def test_nothing_below_the_least_is_found() -> None:
    vectors, asked = _unit(300), _unit(1, seed=1)[0]
    assert all(near.similarity >= 0.4 for near in _filled(vectors, flat=1000).nearest(asked, count=300, least=0.4))
    assert Vectors(16).nearest(asked, count=3, least=-1.0) == []


def test_an_index_finds_what_one_by_one_finds() -> None:
    """HNSW may miss one now and then, and gives no cosine but the exact one."""
    pytest.importorskip("usearch")
    vectors, questions = _unit(600), _unit(40, seed=2)
    flat, indexed = _filled(vectors, flat=1000), _filled(vectors, flat=100)
    same = 0
    for asked in questions:
        exact, found = (each.nearest(asked, count=3, least=-1.0) for each in (flat, indexed))
        same += len({near.key for near in exact} & {near.key for near in found})
        assert all(abs(near.similarity - float(vectors[int(near.key)] @ asked)) < 1e-5 for near in found)
    assert same >= 0.95 * 3 * len(questions)


def test_an_index_forgets_what_is_removed_and_knows_what_is_replaced() -> None:
    pytest.importorskip("usearch")
    vectors = _unit(60)
    shelf = _filled(vectors, flat=20)
    shelf.remove("7")
    assert "7" not in [near.key for near in shelf.nearest(vectors[7], count=60, least=-1.0)]
    shelf.add("8", "moved", vectors[7])
    assert next((near.key, near.text) for near in shelf.nearest(vectors[7], count=1, least=0.99)) == ("8", "moved")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=40))
def test_it_holds_what_a_dictionary_would(steps: list[tuple[str, bool]]) -> None:
    vectors = dict(zip("abcdef", _unit(6), strict=True))
    shelf, held = Vectors(16), dict[str, str]()
    for at, (key, added) in enumerate(steps):
        if added:
            shelf.add(key, str(at), vectors[key])
            held[key] = str(at)
        else:
            shelf.remove(key)
            held.pop(key, None)
    assert len(held) == len(shelf)
    for key, vector in vectors.items():
        found = {near.key: near.text for near in shelf.nearest(vector, count=6, least=-1.0)}
        assert held == found
        if key in held:
            assert key == shelf.nearest(vector, count=1, least=-1.0)[0].key
