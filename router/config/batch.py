"""Reading `[batch]`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from router.batch.hours import Hours, span_of
from router.batch.settings import LARGEST, BatchSettings
from router.config.cache import seconds
from router.config.table import Table, suggestion
from router.tiers import Tier

_KEYS = (
    *("window", "size", "path", "poll", "concurrency", "tiers", "off_peak", "zone", "off_peak_tiers"),
    *("embed_window_ms", "grace", "timeout"),
)
_BATCHING = ("openai-chat", "openai-responses", "anthropic")


def batch_settings(table: Table | None, folder: Path, *, ladder: Sequence[Tier] = ()) -> BatchSettings | None:
    """Read `[batch]`, None without it; paths in it start from ``folder``, and its tiers are of ``ladder``."""
    if table is None:
        return None
    table.only(*_KEYS)
    standard = BatchSettings()
    path = table.text("path")
    size = table.whole("size", least=1)
    if size is not None and size > LARGEST:
        raise table.error(f"must be at most {LARGEST:,}, not {size}", "size")
    concurrency = table.whole("concurrency", least=1)
    if concurrency is not None and concurrency > 256:
        raise table.error(f"must be at most 256, not {concurrency}", "concurrency")
    embedded = table.number("embed_window_ms", least=0, most=1000)
    poll = seconds(table, "poll", above=0)
    if poll is not None and poll > 3600:
        raise table.error("must be at most an hour", "poll")
    return BatchSettings(
        window=_or(seconds(table, "window"), standard.window),
        size=size or standard.size,
        path=None if path is None else (folder / Path(path).expanduser()).absolute(),
        poll=poll or standard.poll,
        concurrency=concurrency or standard.concurrency,
        tiers=_batched(table, ladder),
        off_peak=_hours(table),
        off_peak_tiers=_named(table, "off_peak_tiers", ladder),
        embed_window=0.0 if embedded is None else embedded / 1000,
        grace=_or(seconds(table, "grace"), standard.grace),
        timeout=_or(table.number("timeout", above=0, most=3600), standard.timeout),
    )


def _batched(table: Table, ladder: Sequence[Tier]) -> tuple[str, ...] | None:
    names = _named(table, "tiers", ladder)
    for tier in ladder:
        if names is None or tier.name not in names:
            continue
        if tier.api not in _BATCHING:
            raise table.error(f"names {tier.name!r}, and there is no batch API for api {tier.api!r}", "tiers")
        if tier.price.batch is None:
            raise table.error(
                f"names {tier.name!r}, whose batch price is not known; add `batch_input` and `batch_output` to its "
                "`price`",
                "tiers",
            )
    return names


def _named(table: Table, key: str, ladder: Sequence[Tier]) -> tuple[str, ...] | None:
    if key not in table.raw:
        return None
    names, known = table.texts(key), tuple(tier.name for tier in ladder)
    for name in names:
        if known and name not in known:
            raise table.error(f"{name!r} is no tier; {suggestion(name, known)}", key)
    return names


def _hours(table: Table) -> Hours | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    written, zone = table.texts("off_peak"), table.text("zone")
    if not written:
        stray = next((key for key in ("zone", "off_peak_tiers") if key in table.raw), None)
        if stray is not None:
            raise table.error('needs `off_peak` beside it, like ["22:00-06:00"]', stray)
        return None
    spans = []
    for text in written:
        span = span_of(text)
        if span is None:
            raise table.error(f"has {text!r}; write hours like 22:00-06:00", "off_peak")
        spans.append(span)
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise table.error(f"{zone!r} is no time zone; write one like Europe/Berlin", "zone") from None
    return Hours(spans=tuple(spans), zone=zone or "UTC")


def _or(found: float | None, standard: float) -> float:
    return standard if found is None else float(found)
