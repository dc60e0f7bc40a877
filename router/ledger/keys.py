"""What decisions are grouped by, as SQL: tags, business units, and what the levers noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router.attribution import Units

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection


def key_of(connection: Connection, by: str | None, units: Units) -> ColumnElement[Any]:
    """A text of each decision: its "user", its "unit", a tag with or without ``tag:`` before it; NULL for no ``by``."""
    from sqlalchemy import Text, case, cast, null

    from router.ledger.schema import decisions

    if by is None:
        return cast(null(), Text)
    if by == "user":
        return decisions.c.user
    if by == "unit":
        value = tag(connection, units.tag)
        return case(dict(units.names), value=value, else_=value) if units.names else value
    return tag(connection, by.removeprefix("tag:"))


def tag(connection: Connection, name: str) -> ColumnElement[Any]:
    """The value of a decision's tag ``name``, NULL where it has none."""
    from sqlalchemy import JSON, cast, func, select

    from router.ledger.schema import decisions

    if connection.dialect.name == "postgresql":
        return func.json_extract_path_text(cast(decisions.c.tags, JSON), name)
    # Not SQLite's ->>, to which a tag named "$.a" or "0" is a path.
    each = func.json_each(decisions.c.tags).table_valued("key", "value")
    return select(each.c.value).where(each.c.key == name).correlate(decisions).scalar_subquery()


def noted(connection: Connection, column: ColumnElement[Any], *path: str) -> ColumnElement[Any]:
    """What the ``levers`` cell ``column`` has at ``path``, whose parts are plain words; NULL where it has nothing."""
    from sqlalchemy import JSON, cast, func

    if connection.dialect.name == "postgresql":
        return func.json_extract_path_text(cast(column, JSON), *path)
    return func.json_extract(column, "$." + ".".join(path))
