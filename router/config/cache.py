"""Reading `[cache]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, cast

from router.cache.settings import LIVE, AgeRule, CacheSettings
from router.config.cache_semantic import semantic_settings
from router.config.store import Place, namespace_in, password_in, place_in
from router.config.table import Table

_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9}
_PACKAGES = {"memory": "cachetools", "redis": "redis", "memcached": "pymemcache"}
_LONGEST = 10 * 365 * 86_400.0
_MIN_BYTES = 1024


def cache_settings(table: Table | None, folder: Path) -> CacheSettings | None:
    """Read `[cache]`, None without it; paths in it start from ``folder``."""
    if table is None:
        return None
    table.only(
        *("store", "password_env", "namespace", "scope", "per", "ttl", "rules", "freshness", "sampled", "tool_calls"),
        *("max_entries", "max_bytes", "timeout", "lease", "wait", "semantic"),
    )
    standard = CacheSettings()
    place = place_in(table, folder, kinds=("memory", "sqlite", "redis", "memcached"))
    _see_to_package(place, table)
    password_env = password_in(table, place)
    bounds = {"max_entries": table.whole("max_entries", least=1), "max_bytes": _size(table, "max_bytes")}
    for key, value in bounds.items():
        if value is not None and place.url is not None:
            raise table.error("bounds the stores in memory and in a file; a server has its own bound", key)
    namespace = namespace_in(table, standard.namespace)
    timeout = _given(table.number("timeout", above=0, most=60), standard.timeout)
    return CacheSettings(
        store=place.kind,
        path=place.path,
        url=place.url,
        password_env=password_env,
        namespace=namespace,
        scope=cast("Literal['policy', 'tier']", table.choice("scope", ("policy", "tier")) or standard.scope),
        per=table.texts("per") if "per" in table.raw else standard.per,
        ttl=_given(seconds(table, "ttl", above=0), standard.ttl),
        rules=tuple(_rule(each) for each in table.tables("rules")),
        freshness=_freshness(table.table("freshness")),
        sampled=table.flag("sampled") or False,
        tool_calls=table.flag("tool_calls") or False,
        max_entries=bounds["max_entries"] or standard.max_entries,
        max_bytes=bounds["max_bytes"] or standard.max_bytes,
        timeout=timeout,
        lease=_given(seconds(table, "lease", above=0), standard.lease),
        wait=_given(seconds(table, "wait"), standard.wait),
        semantic=semantic_settings(
            table.table("semantic"),
            folder,
            store=place.kind,
            path=place.path,
            url=place.url,
            password_env=password_env,
            namespace=namespace,
            timeout=timeout,
        ),
    )


def seconds(table: Table, key: str, *, above: float = -1.0) -> float | None:
    """Read a length of time, as "10m" or as a number of seconds; above ``above``, and of ten years at most."""
    value = table.raw.get(key)
    if isinstance(value, str):
        written = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhdw])", value.strip())
        if written is None:
            raise table.error(f"is {value!r}; write a length of time like 30s, 10m, 24h, 7d or 2w", key)
        found = float(written[1]) * _SPANS[written[2]]
    else:
        number: float | None = table.number(key, least=0)
        if number is None:
            return None
        found = float(number)
    if not above < found <= _LONGEST:
        low = "above 0" if above >= 0 else "at least 0"
        raise table.error(f"must be {low} and at most ten years, not {value!r}", key)
    return found


def _given(value: float | None, standard: float) -> float:
    return standard if value is None else float(value)


def _size(table: Table, key: str) -> int | None:
    """Read a number of bytes, as "64MB" or as a whole number."""
    value = table.raw.get(key)
    if not isinstance(value, str):
        return table.whole(key, least=_MIN_BYTES)
    written = re.fullmatch(r"(\d{1,6})\s*(kB|MB|GB)", value.strip())
    if written is None or not int(written[1]):
        raise table.error(f"is {value!r}; write a size like 64MB or 2GB, or a number of bytes", key)
    return int(written[1]) * _SIZES[written[2]]


def _rule(table: Table) -> AgeRule:
    table.only("tag", "value", "ttl")
    ttl = seconds(table, "ttl")
    if ttl is None:
        raise table.error("is missing", "ttl")
    return AgeRule(tag=table.required("tag"), value=table.required("value"), ttl=ttl)


def _freshness(table: Table | None) -> dict[str, float]:
    if table is None:
        return {}
    if LIVE in table.raw:
        raise table.error("always means an answer that is made now; take another name", LIVE)
    classes: dict[str, Any] = {name: seconds(table, name, above=0) for name in table.raw}
    return classes


def _see_to_package(place: Place, table: Table) -> None:
    package = _PACKAGES.get(place.kind)
    if package is not None and not _installed(package):
        extra = "" if place.kind == "memory" else f"; run `pip install 'tierwise[{place.kind}]'`"
        raise table.error(f"needs the package {package}, which is not installed{extra}", "store")


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None
