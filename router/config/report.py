"""Reading `[report]`."""

from __future__ import annotations

from router.attribution import Units
from router.config.table import Table


def unit_settings(table: Table | None) -> Units:
    """Read `[report]`: the tag that names the business unit, and what its values are called.

    Raises:
        ConfigError: a key is unknown, or a value does not fit.
    """
    standard = Units()
    if table is None:
        return standard
    table.only("unit", "units")
    tag, names = table.text("unit"), table.table("units")
    if names is not None:
        for value in names.raw:
            names.required(value)
        if tag is None:
            raise table.error('is missing; name the tag whose values `units` assigns, as in unit = "feature"', "unit")
    return Units(tag=tag or standard.tag, names={} if names is None else dict(names.raw))
