"""Which questions are found near another, in memory, in a file and in a real Redis."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from router.stores.neighbours import Neighbours
from tests.cache_semantic.conftest import Make
from tests.cache_semantic.kit import Table, at, settings
from tests.servers import Server

HOW, ELSE = "How do I peel a mango?", "What's the best way to peel mangoes?"


def keys(neighbours: Neighbours, degrees: float, text: str = ELSE, scope: str = "s") -> list[str]:
    found = neighbours.nearest(text, scope, at(degrees))
    assert found.note is None
    return [near.key for near in found.found]


def test_a_question_in_other_words_is_found_with_its_cosine(make: Make) -> None:
    neighbours = Neighbours(make())
    assert neighbours.add("k", HOW, "s", at(0)) is None
    found = neighbours.nearest(ELSE, "s", at(20))
    assert [near.key for near in found.found] == ["k"]
    assert pytest.approx(np.cos(np.radians(20)), abs=1e-6) == found.found[0].similarity


def test_one_below_the_threshold_is_not_found(make: Make) -> None:
    neighbours = Neighbours(make())
    neighbours.add("k", HOW, "s", at(0))
    assert keys(neighbours, 30) == []


def test_one_that_a_gate_keeps_apart_is_not_found_however_near(make: Make) -> None:
    neighbours = Neighbours(make())
    neighbours.add("k", "How do I peel 2 mangoes?", "s", at(0))
    assert keys(neighbours, 0) == []


def test_the_nearest_comes_first_and_no_more_than_are_looked_at(make: Make) -> None:
    neighbours = Neighbours(make(candidates=2))
    for place, degrees in enumerate((20, 5, 10)):
        neighbours.add(f"k{place}", HOW, "s", at(degrees))
    assert keys(neighbours, 4) == ["k1", "k2"]


def test_scopes_never_meet(make: Make) -> None:
    """A scope is all but the question: another tenant, user, system prompt, tool or history is another scope."""
    neighbours = Neighbours(make())
    neighbours.add("k", HOW, "tenant a", at(0))
    assert keys(neighbours, 0, scope="tenant b") == []
    assert keys(neighbours, 0, scope="tenant a") == ["k"]


def test_the_vectors_of_two_models_never_meet(shared: Make) -> None:
    before = Neighbours(shared())
    before.add("k", HOW, "s", at(0))
    assert keys(Neighbours(shared(identity="table 2")), 0) == []
    assert keys(Neighbours(shared()), 0) == ["k"]


def test_a_question_whose_answer_is_gone_is_dropped(make: Make) -> None:
    neighbours = Neighbours(make())
    neighbours.add("k", HOW, "s", at(0))
    assert keys(neighbours, 0) == ["k"]
    neighbours.drop("s", "k")
    assert keys(neighbours, 0) == []


def test_the_same_key_is_kept_once(make: Make) -> None:
    neighbours = Neighbours(make())
    for _ in range(3):
        neighbours.add("k", HOW, "s", at(0))
    assert keys(neighbours, 0) == ["k"]


def test_the_oldest_go_where_there_are_too_many(make: Make) -> None:
    neighbours = Neighbours(make(max_entries=3))
    for place in range(5):
        neighbours.add(f"k{place}", HOW, "s", at(place))
    assert {"k2", "k3", "k4"} == set(keys(neighbours, 0))
    assert neighbours.size() == 3


def test_clearing_forgets_all_scopes(make: Make) -> None:
    neighbours = Neighbours(make())
    for scope in "ab":
        neighbours.add("k", HOW, scope, at(0))
    assert neighbours.clear() is None
    assert keys(neighbours, 0, scope="a") + keys(neighbours, 0, scope="b") == []
    neighbours.add("k", HOW, "a", at(0))
    assert keys(neighbours, 0, scope="a") == ["k"]


def test_a_text_without_a_vector_is_near_to_nothing(make: Make) -> None:
    neighbours = Neighbours(make(threshold=-1.0))
    assert neighbours.add("k", HOW, "s", np.zeros(2)) is None
    assert keys(neighbours, 0) == []


def test_a_question_that_holds_a_key_is_not_kept(make: Make) -> None:
    neighbours = Neighbours(make())
    text = "Is sk-abcdefghijklmnopqrstuvwxyz0123456789ABCD a good key?"
    note = neighbours.add("k", text, "s", at(0))
    assert note is not None
    assert "API key" in note
    assert "abcdefgh" not in note
    assert keys(neighbours, 0, text=text) == []


def test_another_process_finds_what_one_has_kept(shared: Make) -> None:
    one, other = Neighbours(shared()), Neighbours(shared())
    assert keys(other, 0) == []
    one.add("k1", HOW, "s", at(0))
    assert keys(other, 0) == ["k1"]
    one.add("k2", HOW, "s", at(1))
    assert keys(other, 0) == ["k1", "k2"]


def test_another_process_forgets_what_one_has_cleared(shared: Make) -> None:
    one, other = Neighbours(shared()), Neighbours(shared())
    one.add("k1", HOW, "s", at(0))
    assert keys(other, 0) == ["k1"]
    one.clear()
    assert keys(other, 0) == []
    one.add("k2", HOW, "s", at(0))
    assert keys(other, 0) == ["k2"]


def test_it_outlives_its_process(shared: Make) -> None:
    first = Neighbours(shared())
    first.add("k", HOW, "s", at(0))
    first.close()
    assert keys(Neighbours(shared()), 0) == ["k"]
    assert keys(first, 0) == ["k"], "a closed one opens again"


def test_threads_share_one(make: Make) -> None:
    neighbours = Neighbours(make())
    threads = [
        threading.Thread(target=lambda at_=place: neighbours.add(f"k{at_}", HOW, "s", at(at_ / 10)))
        for place in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"k{place}" for place in range(8)} == set(keys(neighbours, 0))


def test_other_settings_are_taken_up(make: Make) -> None:
    neighbours = Neighbours(make())
    neighbours.add("k", HOW, "s", at(0))
    neighbours.update(make(threshold=0.999))
    assert keys(neighbours, 20) == []
    neighbours.update(make(threshold=0.5))
    assert keys(neighbours, 20) == ["k"]


def test_a_file_that_is_no_database_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "vectors.db"
    path.write_text("no database" * 100)
    neighbours = Neighbours(settings(store="sqlite", path=path))
    notes = [neighbours.add("k", HOW, "s", at(0)), neighbours.nearest(ELSE, "s", at(0)).note, neighbours.clear()]
    assert all(note is not None and "damaged or no SQLite file; delete it, or name another" in note for note in notes)


def test_a_file_of_another_version_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "vectors.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    note = Neighbours(settings(store="sqlite", path=path)).nearest(ELSE, "s", at(0)).note
    assert note is not None
    assert "no vectors of this version" in note


def test_a_folder_that_is_not_there_is_a_note(tmp_path: Path) -> None:
    note = Neighbours(settings(store="sqlite", path=tmp_path / "none" / "v.db")).add("k", HOW, "s", at(0))
    assert note is not None
    assert "cannot be made" in note


@pytest.mark.parametrize(
    "body",
    [b"", b"\x01", b"\x63\x00\x00\x00\x00abcd", b"\x01\xff\x00\x00\x00ab", b"\x01\x00\x00\x00\x00" + b"\x00" * 8],
)
def test_a_damaged_row_is_passed_over(tmp_path: Path, body: bytes) -> None:
    chosen = settings(store="sqlite", path=tmp_path / "vectors.db")
    neighbours = Neighbours(chosen)
    neighbours.add("good", HOW, "s", at(0))
    neighbours.add("bad", HOW, "s", at(0))
    with sqlite3.connect(tmp_path / "vectors.db") as connection:
        connection.execute("UPDATE near SET body = ? WHERE key = 'bad'", (body,))
    connection.close()
    assert keys(neighbours, 0) == ["good"]


def test_redis_that_is_down_is_a_note_and_what_is_known_is_searched(own_redis: Server) -> None:
    neighbours = Neighbours(settings(store="redis", url=own_redis.url, namespace="down"))
    neighbours.add("k", HOW, "s", at(0))
    assert keys(neighbours, 0) == ["k"]
    own_redis.stop()
    found = neighbours.nearest(ELSE, "s", at(0))
    assert [near.key for near in found.found] == ["k"]
    assert found.note is not None
    assert "cannot be reached" in found.note
    note = neighbours.add("k2", HOW, "s", at(0))
    assert note is not None
    assert "cannot be reached" in note
    neighbours.drop("s", "k")
    own_redis.start()
    neighbours.add("k3", HOW, "s", at(0))
    assert "k3" in keys(neighbours, 0)


def test_vectors_of_another_length_are_not_compared() -> None:
    neighbours = Neighbours(settings(embedder=Table({})))
    neighbours.add("k", HOW, "s", at(0))
    assert neighbours.nearest(ELSE, "s", np.array([1.0, 0.0, 0.0])).found == ()
    assert neighbours.add("k2", HOW, "s", np.array([1.0, 0.0, 0.0])) is None
    assert keys(neighbours, 0) == ["k"]
