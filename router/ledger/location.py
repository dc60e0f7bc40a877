"""Where a ledger is: a file or a database server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from router.errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """``url`` is complete, with its driver; ``path`` is the file, None on a server; ``name`` shows no password."""

    url: URL
    path: Path | None
    name: str


def locate(url: str | os.PathLike[str]) -> Location:
    """Understand a path, a ``sqlite:///`` URL or a ``postgresql://`` URL.

    Raises:
        LedgerError: it is none of these.
    """
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    text = os.fspath(url)
    if "://" not in text:
        return _file(text)
    try:
        parsed = make_url(text.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):
        raise LedgerError(
            "the ledger's url cannot be read; write it like sqlite:///ledger.db or postgresql://user:password@host/name"
        ) from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        if parsed.database in (None, "", ":memory:") or str(parsed.database).startswith("file:"):
            raise LedgerError("a ledger in memory would be lost; give it a file, like sqlite:///ledger.db")
        return _file(str(parsed.database))
    if kind == "postgresql":
        full = parsed.set(drivername="postgresql+psycopg")
        shown = URL.create("postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database)
        return Location(url=full, path=None, name=shown.render_as_string())
    raise LedgerError(f"a ledger is kept in SQLite or PostgreSQL, not in {kind}; use a sqlite:/// or postgresql:// URL")


def _file(text: str) -> Location:
    from sqlalchemy import URL

    path = Path(text).expanduser().absolute()
    return Location(url=URL.create("sqlite", database=str(path)), path=path, name=str(path))
