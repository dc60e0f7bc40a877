"""Reading `store`, `password_env` and `namespace`: where answers, budgets and limits are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from router.config.table import Table

Kind = Literal["memory", "sqlite", "redis", "memcached"]

_FORMS: Mapping[Kind, tuple[str, ...]] = {
    "memory": ("memory",),
    "sqlite": ("a path", "sqlite:///PATH"),
    "redis": ("redis://HOST:PORT/DB",),
    "memcached": ("memcached://HOST:PORT",),
}
_SCHEMES: Mapping[str, Kind] = {"sqlite": "sqlite", "redis": "redis", "rediss": "redis", "memcached": "memcached"}
_PORTS = {"redis": 6379, "rediss": 6379, "memcached": 11211}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a store is: the ``path`` of a file, or the ``url`` of a server with its port and its database."""

    kind: Kind
    path: Path | None = None
    url: str | None = None

    @property
    def address(self) -> str:
        """The same as one text: "memory", "sqlite:///PATH" or the URL."""
        return self.url or ("memory" if self.path is None else f"sqlite:///{self.path}")


def place_in(table: Table, folder: Path, *, kinds: tuple[Kind, ...]) -> Place:
    """Read `store`, which is one of ``kinds`` and in memory where it is not given; a path starts from ``folder``.

    Raises:
        ConfigError: it is another kind, cannot be read, or holds a password.
    """
    given = (table.text("store") or "memory").strip()
    scheme, sign, rest = given.partition("://")
    kind = "memory" if given == "memory" else _SCHEMES.get(scheme) if sign else "sqlite"
    forms = [form for each in kinds for form in _FORMS[each]]
    if kind is None or kind not in kinds:
        raise table.error(f"must be {', '.join(forms[:-1])} or {forms[-1]}", "store")
    if kind == "memory":
        return Place(kind=kind)
    if kind == "sqlite":
        name = Path(rest.removeprefix("/") if sign else given)
        if not name.name:
            raise table.error("names no file", "store")
        return Place(kind=kind, path=(folder / name.expanduser()).absolute())
    return Place(kind=kind, url=_server(table, given, " or ".join(form for form in forms if "HOST" in form)))


def password_in(table: Table, place: Place) -> str | None:
    """Read `password_env`, the name of the variable with the password, which only Redis has a use for."""
    variable = table.variable("password_env")
    if variable is not None and place.kind != "redis":
        raise table.error(f"is given, and the store {place.kind!r} has no password", "password_env")
    return variable


def namespace_in(table: Table, standard: str) -> str:
    """Read `namespace`, which keys on a server begin with."""
    namespace = table.text("namespace") or standard
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", namespace):
        raise table.error("is made of 1 to 64 letters, digits and _ . : -", "namespace")
    return namespace


def _server(table: Table, url: str, forms: str) -> str:
    """``url`` with what it leaves out."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise table.error(f"is no URL; write it like {forms}", "store") from None
    if parts.password is not None:
        raise table.error(
            "holds a password, and secrets do not belong in a file; put it into an environment variable and name that "
            "variable with `password_env`",
            "store",
        )
    if not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise table.error(f"must be written like {forms}", "store")
    return f"{parts.scheme}://{_who(parts)}:{port or _PORTS[parts.scheme]}{_database(table, parts)}"


def _who(parts: SplitResult) -> str:
    """User and host, this in brackets where it is an address with colons."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}" if parts.username is None else f"{parts.username}@{host}"


def _database(table: Table, parts: SplitResult) -> str:
    database = parts.path.strip("/")
    if database and (parts.scheme == "memcached" or not database.isdecimal()):
        raise table.error(f"ends in /{database}, and only Redis has databases, which are numbers", "store")
    return "" if parts.scheme == "memcached" else f"/{database or 0}"
