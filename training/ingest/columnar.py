"""Parquet: a batch of rows in memory at a time."""

from __future__ import annotations

from pathlib import Path

from router.errors import InputError
from training.ingest.raw import Raw, Rows

_BATCH = 256


def read_parquet(path: Path) -> Rows:
    """Yield each row.

    Raises:
        InputError: the file cannot be read as Parquet.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH):
                for values in batch.to_pylist():
                    number += 1
                    yield Raw(number, values)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path}: it cannot be read as Parquet ({str(error).splitlines()[0]}); write it anew"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: a text column is not UTF-8; write it anew") from None


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the columns of a Parquet file.

    Raises:
        InputError: it cannot be read as Parquet.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return tuple(parquet.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path}: it cannot be read as Parquet ({str(error).splitlines()[0]}); write it anew"
        ) from None
