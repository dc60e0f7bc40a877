"""Where the figures come from: data, targets, profiles, time, memory and versions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from router.report.section import Section
from router.report.table import Table
from router.report.wording import UNKNOWN, count, dollars, plain, share
from training.report.context import ReportContext
from training.report.reading import Reading


def data(context: ReportContext) -> Section:
    """Rows, splits, labels, source and hash."""
    found = Reading(context.data)
    if not found:
        return Section("data", "The data", "The run does not describe its data.")
    names = {"estimated_tokens": "tokens estimated, not counted", "hash": "hash of the data", "cannot": "limits"}
    facts = tuple(
        (names.get(key, key.replace("_", " ")), _written(found, key))
        for key in found.names()
        if found.get(key) is not None and not isinstance(found.get(key), dict | list | tuple)
    )
    tables = [Table("The data", ("", "value"), facts, words=(1,))] if facts else []
    for key, head in (("splits", "split"), ("labels", "labelled answers of")):
        part = found.part(key)
        if part:
            rows = tuple((name, count(part.number(name))) for name in part.names())
            tables.append(Table(key.capitalize(), (head, "rows" if key == "splits" else "labels"), rows))
    rows_known, source = found.number("rows"), found.text("source")
    told = f"{count(rows_known)} rows" if rows_known is not None else "Rows"
    told += f" from {source}" if source else ""
    splits = found.part("splits")
    shares = [f"{count(splits.number(name))} {name}" for name in splits.names()]
    told += f", split into {', '.join(shares)}" if shares else ""
    tokens, limits = found.text("tokens"), found.text("cannot")
    costs = f" Tokens, and so every cost, are {tokens}." if tokens not in ("", "logged") else ""
    return Section("data", "The data", f"{told}.{costs}{' ' * bool(limits)}{limits}", tables=tuple(tables))


def profiles(context: ReportContext) -> Section:
    """The certified profiles that the bundle holds."""
    title = "Profiles in this bundle"
    if not context.profiles:
        return Section("profiles", title, "The bundle holds one profile, the default.")
    keys = list(dict.fromkeys(key for facts in context.profiles.values() for key in facts))
    writers = {"target_quality": share, "budget": dollars, "cost_per_1k": dollars, "quality": share}
    rows = []
    for name, facts in context.profiles.items():
        found = Reading(facts)
        cells = []
        for key in keys:
            value = found.get(key)
            number = found.number(key)
            if key in writers and number is not None:
                cells.append(writers[key](number))
            elif isinstance(value, bool):
                cells.append("yes" if value else "no")
            elif isinstance(value, dict | list | tuple):
                cells.append(json.dumps(value, default=str))
            else:
                cells.append(found.text(key))
        rows.append((name, *cells))
    table = Table("Profiles", ("profile", *(key.replace("_", " ") for key in keys)), tuple(rows))
    return Section("profiles", title, f"Requests choose among {len(rows)} by tag or by name.", tables=(table,))


def run(read: Reading, context: ReportContext) -> Section:
    """What was asked for, what it took, and how it was judged."""
    kind = "of the strongest tier's quality" if context.target_kind == "share" else "quality"
    facts = [
        ("run", context.run_id),
        ("created", written(context.created)),
        ("policy", read.text("policy_version")),
        ("profile", read.text("profile")),
        ("target", f"{share(context.target_quality)} {kind}" if context.target_quality is not None else ""),
        ("budget", f"{dollars(context.budget)} per 1,000 requests" if context.budget is not None else ""),
        ("wall time", f"{plain(round(context.wall_seconds, 1))} s" if context.wall_seconds is not None else ""),
        ("peak memory", f"{count(context.peak_mib)} MiB" if context.peak_mib is not None else ""),
        ("simulated data", "yes" if context.simulated else "no"),
        ("protocol", read.text("protocol")),
        *((name, version) for name, version in context.versions.items()),
    ]
    rows = tuple((name, value) for name, value in facts if value)
    told = "Everything needed to run it again."
    if context.wall_seconds is not None:
        told = f"Training took {plain(round(context.wall_seconds, 1))} s"
        told += f" and {count(context.peak_mib)} MiB of memory at most." if context.peak_mib is not None else "."
    table = Table("The run", ("", "value"), rows, words=(1,))
    return Section("run", "The run", told, tables=(table,))


def written(created: float | None) -> str:
    """A time as "2026-11-23 14:30 UTC", empty where there is none."""
    known = created is not None and 0 <= created < 253_402_300_800  # the year 10000, which datetime does not have
    return "" if created is None or not known else datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _written(found: Reading, key: str) -> str:
    flag, number = found.flag(key), found.number(key)
    if flag is not None:
        return "yes" if flag else "no"
    return count(number) if number is not None and number == round(number) else found.text(key) or UNKNOWN
