"""Tables on disk, as numbers only: what fitting hands to tuning."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from router.errors import InputError
from training.table import Table

SUFFIX = ".table.npz"


def beside(bundle: Path) -> Path:
    """Where the table that belongs to a bundle lies."""
    return bundle.with_name(bundle.name + SUFFIX)


def save(table: Table, path: Path) -> None:
    """Write ``table`` whole or not at all."""
    arrays = {
        "quality": table.quality,
        "cost": table.cost,
        "draw": table.draw,
        "weight": table.weight,
        "keys": np.array(table.keys, dtype=str),
        **{f"chances.{mask}": found for mask, found in table.chances.items()},
        **{f"expected.{mask}": found for mask, found in table.expected.items()},
    }
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # the stubs take a flag for any name
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> Table:
    """Read the table that :func:`save` wrote.

    Raises:
        InputError: it is missing or no such table.
    """
    try:
        # Opened here, since numpy leaves a damaged file open that it opened itself.
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array")  # noqa: TRY004, TRY301 - a fault of the file
            arrays = {name: found[name] for name in found.files}
        return Table(
            quality=arrays["quality"],
            cost=arrays["cost"],
            chances=_by_mask(arrays, "chances."),
            expected=_by_mask(arrays, "expected."),
            draw=arrays["draw"],
            weight=arrays["weight"],
            keys=tuple(arrays["keys"].tolist()),
        )
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such table; `tierwise train fit` writes it beside the bundle") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: it is no table that `tierwise train fit` wrote ({error}); fit again") from None


def _by_mask(arrays: dict[str, np.ndarray], prefix: str) -> dict[int, np.ndarray]:
    return {int(name.removeprefix(prefix)): array for name, array in arrays.items() if name.startswith(prefix)}
