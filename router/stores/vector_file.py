"""An SQLite file of vectors: those of questions on their shelves, and those of texts that were embedded before."""

from __future__ import annotations

from pathlib import Path

from router.errors import CacheError
from router.stores.sqlite_file import Schema, SqliteFile, Why

# AUTOINCREMENT, so that no number comes twice: whoever has read up to one asks for those beyond it.
_SCHEMA = Schema(
    version=1,
    another="holds no vectors of this version",
    script="""
CREATE TABLE near (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, shelf TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (shelf, key)
);
CREATE TABLE clears (count INTEGER NOT NULL);
INSERT INTO clears VALUES (0);
CREATE TABLE embedded (hash BLOB PRIMARY KEY, vector BLOB NOT NULL, made INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX embedded_made ON embedded (made);
""",
)


def vector_file(path: Path, *, timeout: float) -> SqliteFile:
    """The file at ``path``, which raises CacheError with a clause on why; ``timeout`` is in seconds."""

    def fault(why: Why, told: str) -> CacheError:
        mend = "; delete it, or name another" if why == "unfit" else ""
        return CacheError(f"the file {path} {told}{mend}")

    return SqliteFile(path, _SCHEMA, timeout=timeout, fault=fault)
