"""Vectors of questions in an SQLite file, shared by the processes of one machine."""

from __future__ import annotations

from pathlib import Path

from router.stores.neighbours import News, Row
from router.stores.vector_file import vector_file


class SqliteRows:
    """Rows in a file, ``most`` of them at most over all shelves: the oldest go first."""

    def __init__(self, path: Path, *, most: int, timeout: float) -> None:
        self._file, self._most = vector_file(path, timeout=timeout), most

    def news(self, shelf: str, seen: int) -> News:
        """The rows of ``shelf`` whose number is above ``seen``, the lowest first."""
        with self._file.reading() as connection:
            (clears,) = connection.execute("SELECT count FROM clears").fetchone()
            rows = connection.execute(
                "SELECT seq, key, body FROM near WHERE shelf = ? AND seq > ? ORDER BY seq", (shelf, seen)
            ).fetchall()
        return News([Row(*row) for row in rows], clears)

    def put(self, shelf: str, key: str, body: bytes) -> None:
        """Keep a row under a new number, and let the oldest go where there are too many."""
        with self._file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO near (shelf, key, body) VALUES (?, ?, ?)", (shelf, key, body))
            (count,) = connection.execute("SELECT count(*) FROM near").fetchone()
            if count > self._most:
                connection.execute(
                    "DELETE FROM near WHERE seq IN (SELECT seq FROM near ORDER BY seq LIMIT ?)", (count - self._most,)
                )

    def drop(self, shelf: str, key: str) -> None:
        """Forget a row."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM near WHERE shelf = ? AND key = ?", (shelf, key))

    def clear(self) -> None:
        """Forget all rows of all shelves."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM near")
            connection.execute("UPDATE clears SET count = count + 1")

    def close(self) -> None:
        """Close this process's connection; the next use opens it again."""
        self._file.close()
