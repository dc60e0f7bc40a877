"""Tables on disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.errors import InputError
from tests.training.simulated_tiers import table
from training.table_file import beside, load, save


def test_what_is_read_is_what_was_written(tmp_path):
    """Every number to the last bit, NaN among them, and every key."""
    made = table(30, count=3)
    made.chances[1][0] = np.nan

    save(made, tmp_path / "t.npz")
    found = load(tmp_path / "t.npz")

    assert found.keys == made.keys
    for name in ("quality", "cost", "draw", "weight"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    for name in ("chances", "expected"):
        one, other = getattr(made, name), getattr(found, name)
        assert sorted(one) == sorted(other)
        for mask in one:
            np.testing.assert_array_equal(one[mask], other[mask])


def test_a_table_lies_beside_its_bundle(tmp_path):
    """Under the bundle's own name."""
    assert beside(tmp_path / "policy.tierwise") == tmp_path / "policy.tierwise.table.npz"


def test_keys_of_any_script_survive(tmp_path):
    """And keys of different lengths."""
    made = replace(table(3, count=2), keys=("a", "Straße 日本", ""))

    save(made, tmp_path / "t.npz")

    assert made.keys == load(tmp_path / "t.npz").keys


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
def test_a_table_that_was_cut_short_is_refused(tmp_path, keep):
    """The sentence names the file and what to do."""
    path = tmp_path / "t.npz"
    save(table(30, count=2), path)
    blob = path.read_bytes()
    path.write_bytes(blob[: int(len(blob) * keep) if isinstance(keep, float) else keep])

    with pytest.raises(InputError, match=r"t\.npz: it is no table that `tierwise train fit` wrote .*; fit again"):
        load(path)


def test_another_file_is_refused(tmp_path):
    """Text, arrays of another kind, a single array, a pickle: none is a table, and none is run."""
    (tmp_path / "text").write_text("query,quality\n1,0.5\n")
    np.savez(tmp_path / "other.npz", numbers=np.ones(3))
    np.save(tmp_path / "one.npy", np.ones(3))
    np.savez(tmp_path / "pickled.npz", quality=np.array([{}], dtype=object))

    for name in ("text", "other.npz", "one.npy", "pickled.npz"):
        with pytest.raises(InputError, match="it is no table that"):
            load(tmp_path / name)


def test_a_missing_table_says_who_writes_it(tmp_path):
    """One sentence."""
    with pytest.raises(InputError, match="there is no such table; `tierwise train fit` writes it beside the bundle"):
        load(tmp_path / "none.npz")


def test_a_write_that_fails_leaves_the_old_table(tmp_path):
    """Whole or not at all, and nothing half-written beside it."""
    path = tmp_path / "t.npz"
    save(table(5, count=2), path)
    before = path.read_bytes()

    class Broken:
        """Fails when its numbers are asked for."""

        def __array__(self, *_, **__):
            raise OSError(28, "No space left on device")

    made = table(6, count=2)
    made.chances[1] = Broken()
    with pytest.raises(OSError, match="No space left"):
        save(made, path)

    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.npz"]
