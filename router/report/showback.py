"""Who is to be charged what: costs by group as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

COLUMNS = (
    *("requests", "cost_usd", "share_of_cost", "cost_per_request_usd", "input_tokens", "output_tokens", "escalated"),
    *("failed", "wasted_usd", "audits_usd", "saved_against_strongest_usd", "unreported", "unpriced"),
)
"""The columns after the first, which is called as what the costs are grouped by."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def showback(found: Mapping[str, Any]) -> str:
    """The rows of a report of costs (``tierwise cost --json``) as CSV (RFC 4180), and their total; money in plain USD.

    A group whose name a spreadsheet would run as a formula has an apostrophe before it.
    """
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow((found["by"].removeprefix("tag:"), *COLUMNS))
    total = found["total"]
    for row in found["rows"]:
        key = row["key"]
        table.writerow((_harmless("(none)" if key is None else key or "(not routed)"), *_cells(row, total["cost"])))
    table.writerow(("total", *_cells(total, total["cost"])))
    return written.getvalue()


def _cells(row: Mapping[str, Any], whole: float) -> tuple[object, ...]:
    tokens, each = row["tokens"], row["cost_per_request"]
    return (
        row["requests"],
        _money(row["cost"]),
        f"{row['cost'] / whole:.6f}" if whole else "",
        "" if each is None else _money(each),
        tokens["input_tokens"] + tokens["cached_input_tokens"] + tokens["cache_write_tokens"],
        tokens["output_tokens"] + tokens["reasoning_tokens"],
        row["escalated"],
        row["failed"],
        _money(row["wasted"]),
        _money(row["audited"]),
        _money(row["savings"]["strong"]["saved"]),
        row["unreported"],
        row["unpriced"],
    )


def _money(dollars: float) -> str:
    return f"{dollars:.9f}"


def _harmless(name: str) -> str:
    return f"'{name}" if name.startswith(_FORMULA) else name
