"""Requests as a pandas frame, one row each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from router.ledger import requests
from router.types import Usage

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

_TAG = "tag."
_PLAIN = tuple(name for name in requests.COLUMNS if name != "tags")


def frame(connection: Connection, since: float | None, until: float | None) -> pd.DataFrame:
    """One row a decision, oldest first: money in USD, ``created`` as a UTC time, a column ``tag.NAME`` for each tag.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("a frame needs pandas; run `pip install 'tierwise[train]'`", name=error.name) from None
    cells: dict[str, list[object]] = {name: [] for name in _PLAIN}
    tags: dict[str, list[object]] = {}
    for place, row in enumerate(requests.rows(connection, since, until)):
        for name in _PLAIN:
            cells[name].append(row[name])
        for name, value in json.loads(row["tags"]).items():
            column = tags.setdefault(name, [])
            column.extend([None] * (place - len(column)))
            column.append(value)
    size = len(cells["id"])
    named = {_TAG + name: column + [None] * (size - len(column)) for name, column in sorted(tags.items())}
    made = pd.DataFrame(cells | named)
    for name in requests.MONEY:
        made[name] = pd.to_numeric(made[name]) / 10**9
    for name in Usage.__slots__:
        made[name] = pd.to_numeric(made[name]).astype("int64")
    made["escalated"] = made["escalated"].astype(bool)
    made["created"] = pd.to_datetime(made["created"], unit="s", utc=True)
    return made
