"""Reading `[ab]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

from router.abtest.experiment import UNITS, Experiment, Unit
from router.config.table import Table
from router.pricing import nano
from router.profiles import DEFAULT_PROFILE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX = ".tierwise"
_DEAREST = 1_000_000
_STANDARD = Experiment(name="standard")


def experiment_settings(table: Table | None, folder: Path) -> Experiment | None:
    """Read `[ab]`, None without it; a bundle's path starts from ``folder``.

    Raises:
        ConfigError: a key is unknown or missing, a value does not fit, or both arms are the same.
    """
    if table is None:
        return None
    table.only("name", "a", "b", "share", "unit", "cap")
    name, a, b = table.required("name"), table.text("a") or DEFAULT_PROFILE, table.required("b")
    if not _NAME.fullmatch(name):
        raise table.error("must be letters, digits, dots, dashes and underscores, 64 at most", "name")
    if _is_path(a):
        raise table.error("must be a profile of the bundle in force; give the other bundle as `b`", "a")
    if a == b:
        raise table.error(f"is the same as `a`, {a!r}; give another profile, or a bundle's path", "b")
    share, unit = table.number("share", above=0, most=1), table.choice("unit", UNITS)
    if share == 1:
        raise table.error("must be below 1, or nothing is left to compare with", "share")
    cap = table.number("cap", above=0, most=_DEAREST)
    other = _is_path(b)
    return Experiment(
        name=name,
        a=a,
        b=DEFAULT_PROFILE if other else b,
        path=folder / Path(b).expanduser() if other else None,
        share=_STANDARD.share if share is None else float(share),
        unit=cast("Unit", unit or _STANDARD.unit),
        cap=None if cap is None else nano(cap),
    )


def _is_path(text: str) -> bool:
    return text.endswith(_SUFFIX) or "/" in text
