"""Reading `[limits]`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from router.config.budgets import unlike, whose
from router.config.store import namespace_in, password_in, place_in
from router.config.table import Table, suggestion
from router.limits.settings import LimitScope, LimitSettings
from router.types import PRIORITIES, Priority

_LIMITS = ("requests_per_minute", "tokens_per_minute", "requests_per_day", "tokens_per_day", "concurrency")
_LARGEST = 10**12


def limit_settings(table: Table | None, folder: Path, *, tiers: tuple[str, ...] = ()) -> LimitSettings | None:
    """Read `[limits]`, None without it; scopes name ``tiers``."""
    if table is None:
        return None
    table.only("store", "password_env", "namespace", "patience", "lease", "timeout", "scope")
    standard = LimitSettings()
    scopes = tuple(_scope(each, tiers) for each in table.tables("scope"))
    if not scopes:
        raise table.error("is missing; say whose calls share how much with [[limits.scope]]", "scope")
    unlike([scope.name for scope in scopes], table)
    place = place_in(table, folder, kinds=("memory", "redis"))
    return LimitSettings(
        scopes=scopes,
        url=place.address,
        patience=_or(table.number("patience", least=0, most=86_400), standard.patience),
        lease=table.number("lease", least=1, most=86_400) or standard.lease,
        timeout=table.number("timeout", above=0, most=60) or standard.timeout,
        password_env=password_in(table, place),
        namespace=namespace_in(table, standard.namespace),
    )


def _scope(table: Table, tiers: tuple[str, ...]) -> LimitScope:
    table.only("name", "tag", "value", "per", "tier", "priorities", "burst", "queue", *_LIMITS)
    name = table.required("name")
    tag, value, per = whose(table)
    tier = table.text("tier")
    if tier is not None and tiers and tier not in tiers:
        raise table.error(f"{tier!r} is no tier; {suggestion(tier, tiers)}", "tier")
    priorities = table.texts("priorities")
    for priority in priorities:
        if priority not in PRIORITIES:
            raise table.error(f"{priority!r} is no priority; {suggestion(priority, PRIORITIES)}", "priorities")
    limits = {key: table.whole(key, least=1) for key in _LIMITS}
    for key, limit in limits.items():
        if limit is not None and limit > _LARGEST:
            raise table.error(f"must be at most {_LARGEST:,}, not {limit}", key)
    if all(limit is None for limit in limits.values()):
        raise table.error(f"limits nothing; give one of {', '.join(_LIMITS)}")
    standard = LimitScope(name=name)
    return LimitScope(
        name=name,
        tag=tag,
        value=value,
        per=per,
        tier=tier,
        priorities=cast("tuple[Priority, ...]", priorities) or standard.priorities,
        burst=table.number("burst", above=0, most=3600) or standard.burst,
        queue=int(_or(table.whole("queue", least=0), standard.queue)),
        **limits,
    )


def _or(found: float | None, standard: float) -> float:
    return standard if found is None else found
