"""What the levers did to a request, as one cell of the ledger, and back."""

from __future__ import annotations

import json
from typing import Any

from router.decision import Decision, FromCache, Shortened
from router.ledger.cells import safe


def levers_of(decision: Decision) -> dict[str, Any]:
    """What is not as it is without any lever."""
    found: dict[str, Any] = {}
    if decision.cache is not None:
        found["cache"] = decision.cache.as_dict()
    if decision.shortened is not None:
        found["shortened"] = decision.shortened.as_dict()
    if decision.batch:
        found["batch"] = True
    if decision.notes:
        found["notes"] = [safe(note) for note in decision.notes]
    return found


def read_levers(text: str) -> dict[str, Any]:
    """The fields of a decision that :func:`levers_of` wrote.

    Raises:
        ValueError, TypeError, KeyError: it did not write ``text``.
    """
    plain = json.loads(text)
    found: dict[str, Any] = {"batch": bool(plain.get("batch")), "notes": tuple(plain.get("notes") or ())}
    if "cache" in plain:
        found["cache"] = FromCache(**plain["cache"])
    if "shortened" in plain:
        short = plain["shortened"]
        found["shortened"] = Shortened(before=short["before"], after=short["after"], stages=tuple(short["stages"]))
    return found
