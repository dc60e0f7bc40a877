"""Vectors that were made before: an embedder that asks its model only for texts that it has not seen."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from router.embed import Embedder, Vectors
from router.errors import CacheError
from router.stores.sqlite_file import SqliteFile
from router.stores.vector_file import vector_file

logger = logging.getLogger(__name__)

_TIMEOUT = 0.2
_SINGLE = "<f4"


class Remembered:
    """``embedder`` with a memory in the file at ``path``, by the model's ``identity`` and the SHA-256 of the text.

    It holds vectors and hashes and no text, ``most`` of them: those that were made first go first. Two
    models never share a vector, nor do two versions of one whose identities tell them apart. A file that cannot be used
    is warned of once and done without. Where ``path`` is None, nothing is remembered.

    Two with one identity and one path are equal, and a copy is the same object, so that settings that hold one can be
    compared and turned into plain values.
    """

    def __init__(self, embedder: Embedder, *, identity: str, path: Path | None = None, most: int = 200_000) -> None:
        self._embedder, self._identity, self._most = embedder, identity, most
        self._path = path
        self._file = None if path is None else vector_file(path, timeout=_TIMEOUT)
        self._warned = threading.Event()

    @property
    def name(self) -> str:
        """The embedder's."""
        return self._embedder.name

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed ``texts``: (n, d), rows of length 1, or 0 where there is nothing to embed.

        Raises:
            EmbedderError: the model gave no vectors.
            BundleError: it is another model than it has to be.
        """
        if self._file is None or not texts:
            return self._embedder(texts)
        hashes = [self._hash(text) for text in texts]
        known = self._read(self._file, hashes)
        missing = {each: text for each, text in zip(hashes, texts, strict=True) if each not in known}
        if missing:
            fresh = dict(zip(missing, self._embedder(list(missing.values())), strict=True))
            self._write(self._file, fresh)
            known |= fresh
        if len({len(vector) for vector in known.values()}) > 1:  # what the file holds is of no use
            return self._embedder(texts)
        return np.array([known[each] for each in hashes])

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._file is not None:
            self._file.close()

    def _hash(self, text: str) -> bytes:
        told = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        return hashlib.sha256(self._identity.encode() + b"\0" + told).digest()

    def _read(self, file: SqliteFile, hashes: Sequence[bytes]) -> dict[bytes, Any]:
        found: dict[bytes, Any] = {}
        try:
            with file.reading() as connection:
                for each in dict.fromkeys(hashes):
                    row = connection.execute("SELECT vector FROM embedded WHERE hash = ?", (each,)).fetchone()
                    if row is not None and row[0] and not len(row[0]) % 4:
                        found[each] = _unit(np.frombuffer(row[0], _SINGLE).astype(np.float64))
        except CacheError as error:
            self._warn(error)
        return found

    def _write(self, file: SqliteFile, fresh: dict[bytes, Any]) -> None:
        try:
            with file.writing() as connection:
                (last,) = connection.execute("SELECT coalesce(max(made), 0) FROM embedded").fetchone()
                connection.executemany(
                    "INSERT OR REPLACE INTO embedded VALUES (?, ?, ?)",
                    [
                        (each, vector.astype(_SINGLE).tobytes(), last + at)
                        for at, (each, vector) in enumerate(fresh.items(), 1)
                    ],
                )
                connection.execute("DELETE FROM embedded WHERE made <= ?", (last + len(fresh) - self._most,))
        except CacheError as error:
            self._warn(error)

    def _warn(self, error: CacheError) -> None:
        if not self._warned.is_set():
            self._warned.set()
            logger.warning("vectors are not remembered: %s", error)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remembered) and (self._identity, self._path) == (other._identity, other._path)

    def __hash__(self) -> int:
        return hash((self._identity, self._path))

    def __str__(self) -> str:
        return self._identity

    def __deepcopy__(self, _: object) -> Remembered:
        return self


def _unit(vector: Vectors) -> Vectors:
    """Scaled to length 1, which the single precision of the file takes it a little from."""
    length = np.linalg.norm(vector)
    scaled: Vectors = vector / length if length > 0 else vector
    return scaled
