"""Vectors that are remembered."""

from __future__ import annotations

import copy
import logging
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from router.errors import EmbedderError
from router.stores.vectors import Remembered
from tests.cache_semantic.kit import Table, at

TEXTS = {"a": (1.0, 0.0), "b": (0.6, 0.8), "c": (0.0, 1.0)}


def test_a_text_is_embedded_once_and_in_the_order_asked_for(tmp_path: Path) -> None:
    table = Table(TEXTS)
    remembered = Remembered(table, identity="m 1", path=tmp_path / "v.db")
    assert remembered(["a"]).tolist() == [[1.0, 0.0]]
    found = remembered(["c", "a", "b", "c"])
    assert np.allclose(found, [TEXTS["c"], TEXTS["a"], TEXTS["b"], TEXTS["c"]], atol=1e-7)
    assert table.asked == ["a", "c", "b"]
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-12)


def test_it_outlives_the_process(tmp_path: Path) -> None:
    Remembered(Table(TEXTS), identity="m 1", path=tmp_path / "v.db")(["a", "b"])
    later = Table({})
    assert np.allclose(Remembered(later, identity="m 1", path=tmp_path / "v.db")(["b"]), TEXTS["b"], atol=1e-7)
    assert later.asked == []


def test_another_model_or_version_never_gets_its_vectors(tmp_path: Path) -> None:
    Remembered(Table(TEXTS), identity="m 1", path=tmp_path / "v.db")(["a"])
    other = Table({"a": (0.0, 1.0)})
    assert Remembered(other, identity="m 2", path=tmp_path / "v.db")(["a"]).tolist() == [[0.0, 1.0]]
    assert other.asked == ["a"]


def test_no_text_lies_in_the_file(tmp_path: Path) -> None:
    remembered = Remembered(Table({"the secret plan": (1.0, 0.0)}), identity="m 1", path=tmp_path / "v.db")
    remembered(["the secret plan"])
    remembered.close()
    assert b"secret" not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


def test_those_made_first_go_where_there_are_too_many(tmp_path: Path) -> None:
    table = Table(TEXTS)
    remembered = Remembered(table, identity="m 1", path=tmp_path / "v.db", most=2)
    for text in "abc":
        remembered([text])
    table.asked.clear()
    remembered(["b", "c"])
    assert table.asked == []
    remembered(["a"])
    assert table.asked == ["a"]


def test_without_a_file_every_text_is_embedded() -> None:
    table = Table(TEXTS)
    remembered = Remembered(table, identity="m 1")
    remembered(["a"])
    remembered(["a"])
    assert table.asked == ["a", "a"]
    remembered.close()


def test_a_file_that_cannot_be_used_is_warned_of_once_and_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "v.db").write_text("no database" * 100)
    remembered = Remembered(Table(TEXTS), identity="m 1", path=tmp_path / "v.db")
    with caplog.at_level(logging.WARNING):
        assert remembered(["a"]).tolist() == [[1.0, 0.0]]
        assert remembered(["b"]).tolist() == [[0.6, 0.8]]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "damaged or no SQLite file" in caplog.text


@pytest.mark.parametrize("blob", [b"", b"abc", at(0).astype("<f4").tobytes() * 2])
def test_a_damaged_vector_is_made_anew(tmp_path: Path, blob: bytes) -> None:
    remembered = Remembered(Table(TEXTS), identity="m 1", path=tmp_path / "v.db")
    remembered(["a"])
    with sqlite3.connect(tmp_path / "v.db") as connection:
        connection.execute("UPDATE embedded SET vector = ?", (blob,))
    connection.close()
    assert remembered(["a", "b"]).tolist() == [[1.0, 0.0], [0.6, 0.8]]


def test_what_the_model_fails_at_fails(tmp_path: Path) -> None:
    class Broken(Table):
        def __call__(self, texts: object) -> np.ndarray:
            raise EmbedderError("no vectors today")

    remembered = Remembered(Broken({}), identity="m 1", path=tmp_path / "v.db")
    with pytest.raises(EmbedderError, match="no vectors today"):
        remembered(["a"])


def test_settings_that_hold_one_can_be_compared_and_copied() -> None:
    one, other = Remembered(Table({}), identity="m 1"), Remembered(Table({}), identity="m 1")
    assert one == other
    assert hash(one) == hash(other)
    assert one != Remembered(Table({}), identity="m 2")
    assert copy.deepcopy(one) is one
    assert str(one) == "m 1"
    assert one.name == "table"
