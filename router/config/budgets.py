"""Reading `[budgets]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from router.budget.settings import LARGEST, BudgetScope, BudgetSettings, BudgetStep, Durability, Notify, OnFailure
from router.budget.windows import CALENDAR, Window, parse, zone_of
from router.config.store import namespace_in, password_in, place_in
from router.config.table import Table, looks_secret, suggestion
from router.pricing import nano, usd

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def budget_settings(table: Table | None, folder: Path, *, tiers: tuple[str, ...] = ()) -> BudgetSettings | None:
    """Read `[budgets]`, None without it; paths in it start from ``folder``, and ceilings are names of ``tiers``."""
    if table is None:
        return None
    table.only("store", "on_failure", "ttl", "timeout", "password_env", "namespace", "durability", "notify", "scope")
    standard = BudgetSettings()
    scopes = tuple(_scope(each, tiers) for each in table.tables("scope"))
    if not scopes:
        raise table.error("is missing; say whose requests share how much with [[budgets.scope]]", "scope")
    unlike([scope.name for scope in scopes], table)
    table.required("store")
    place = place_in(table, folder, kinds=("memory", "sqlite", "redis"))
    return BudgetSettings(
        url=place.address,
        scopes=scopes,
        on_failure=cast("OnFailure", table.choice("on_failure", ("closed", "open")) or standard.on_failure),
        ttl=table.number("ttl", least=1, most=86_400) or standard.ttl,
        timeout=table.number("timeout", above=0, most=60) or standard.timeout,
        password_env=password_in(table, place),
        namespace=namespace_in(table, standard.namespace),
        durability=cast("Durability", table.choice("durability", ("process", "power")) or standard.durability),
        notify=_notify(table.table("notify")),
        tiers=tiers,
    )


def unlike(names: list[str], table: Table) -> None:
    """Refuse two scopes of one name."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise table.error(f"has two of the name {twice!r}; give each its own", "scope")


def whose(table: Table) -> tuple[str | None, str | None, str | None]:
    """Read `tag`, `value` and `per`: whose requests share something."""
    tag, value, per = table.text("tag"), table.text("value"), table.text("per")
    if (tag is None) != (value is None):
        raise table.error("and `value` go together: requests with that value of that tag", "tag")
    return tag, value, per


def _scope(table: Table, tiers: tuple[str, ...]) -> BudgetScope:
    table.only("name", "tag", "value", "per", "limit", "window", "zone", "alerts", "steps")
    name = table.required("name")
    tag, value, per = whose(table)
    alerts = _shares(table, "alerts", [_number(share, table, "alerts") for share in table.raw.get("alerts") or ()])
    steps = tuple(_step(each, tiers) for each in table.tables("steps"))
    _shares(table, "steps", [step.at for step in steps])
    return BudgetScope(
        name=name,
        limit=_limit(table),
        window=_window(table),
        tag=tag,
        value=value,
        per=per,
        alerts=tuple(alerts),
        steps=steps,
    )


def _limit(table: Table) -> int:
    limit = table.number("limit", above=0)
    if limit is None:
        raise table.error("is missing; give it in USD", "limit")
    found = nano(limit)
    if not 1 <= found <= LARGEST:
        raise table.error(f"must be from a nano-dollar to {usd(LARGEST):,.0f} USD, not {limit}", "limit")
    return found


def _window(table: Table) -> Window:
    text, zone = table.required("window"), table.text("zone")
    window = parse(text, zone=zone or "UTC")
    if window is None:
        raise table.error(
            f'is {text!r}; it is "hour", "day", "month", or like "rolling 7d", with m, h, d or w, up to a year',
            "window",
        )
    if zone is not None and window.kind not in CALENDAR[1:]:
        raise table.error("is for windows of a day or a month alone", "zone")
    try:
        zone_of(window.zone)
    except ValueError:
        raise table.error(f"{zone!r} is no time zone; write it like UTC or Europe/Berlin", "zone") from None
    return window


def _step(table: Table, tiers: tuple[str, ...]) -> BudgetStep:
    table.only("at", "profile", "ceiling", "cache_only")
    at = table.number("at", above=0, most=1)
    if at is None:
        raise table.error("is missing; give the share of the limit from which it holds, such as 0.8", "at")
    step = BudgetStep(
        at=at,
        profile=table.text("profile"),
        ceiling=table.text("ceiling"),
        cache_only=table.flag("cache_only") or False,
    )
    if step.profile is None and step.ceiling is None and not step.cache_only:
        raise table.error("changes nothing; give it a `profile`, a `ceiling` or `cache_only = true`", "at")
    if step.ceiling is not None and tiers and step.ceiling not in tiers:
        raise table.error(f"{step.ceiling!r} is no tier; {suggestion(step.ceiling, tiers)}", "ceiling")
    return step


def _notify(table: Table | None) -> Notify:
    standard = Notify()
    if table is None:
        return standard
    table.only("log", "webhook", "webhook_env", "call", "timeout")
    webhook, call, log = table.text("webhook"), table.text("call"), table.flag("log")
    if webhook is not None and (not webhook.startswith(("https://", "http://")) or not urlsplit(webhook).hostname):
        raise table.error("must be an address that begins with https:// or http://", "webhook")
    if webhook is not None and any(looks_secret(part) for part in re.split(r"[/?&=@:]", webhook)):
        raise table.error(
            "holds what looks like a key; put it into a variable and name that with `webhook_env`", "webhook"
        )
    if call is not None and not _FUNCTION.fullmatch(call):
        raise table.error("must be written module:function", "call")
    return Notify(
        log=standard.log if log is None else log,
        webhook=webhook,
        webhook_env=table.variable("webhook_env"),
        call=call,
        timeout=table.number("timeout", above=0, most=60) or standard.timeout,
    )


def _number(value: object, table: Table, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise table.error(f"must be shares of the limit, above 0 and at most 1, not {value!r}", key)
    return float(value)


def _shares(table: Table, key: str, shares: list[float]) -> list[float]:
    if shares != sorted(set(shares)):
        raise table.error(f"must rise, not {shares}", key)
    return shares
