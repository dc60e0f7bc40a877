"""Everything a configuration says beside its tiers, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from router.audits import Audits
from router.config.embedder import embedder_in
from router.config.table import Table
from router.ledger.keep import Keep, KeepRule, Kept
from router.profiles import DEFAULT_PROFILE, Choice, TagProfile
from router.types import Request

Durability = Literal["process", "power"]

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """`[policy]`: what decides.

    ``bundle`` is a path, or "default" for the package's own. ``sha256`` pins it: another bundle is refused.
    ``untrained`` says what happens until there is a bundle at that path: "strong" always asks the strongest, and None
    is an error; in place of a default bundle that does not fit these tiers the strongest is asked in any case.
    ``choice`` chooses a request's profile (`profile` and `profiles` in the file). ``fallback`` is what is in force
    while there is an alarm: a profile, or "strong" for always the strongest tier; None leaves alarms alone.
    ``watch`` is how often, in seconds, requests see whether the bundle was replaced or an alarm raised; 0 is never.
    ``verify`` names the user's own check of an answer, as ``module:function``. ``embedder`` names what embeds prompts,
    for bundles that were trained with one.
    """

    bundle: Path | Literal["default"] = "default"
    sha256: str | None = None
    untrained: Literal["strong"] | None = None
    choice: Choice = field(default_factory=Choice)
    fallback: str | None = None
    watch: float = 0.0
    verify: str | None = None
    embedder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """`[ledger]`: where decisions are written, and how much of them.

    ``url`` (SQLAlchemy's form) goes before ``path``; with neither, the ledger lies in the user's data
    directory. ``keep`` is how much of a request's text is kept (`keep` and `rules` in the file). ``durability``:
    what a decision survives once ``route`` returned, the death of the process or the loss of power.
    """

    path: Path | None = None
    url: str | None = None
    keep: Keep = field(default_factory=Keep)
    durability: Durability = "process"
    enabled: bool = True

    def location(self) -> Path:
        """Return the path of the SQLite file that is used when there is no ``url``."""
        if self.path is not None:
            return self.path
        from platformdirs import user_data_path

        return user_data_path("tierwise") / "ledger.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """`[defaults]`: what a request gets that does not say otherwise. ``deadline`` is in seconds."""

    max_tokens: int | None = None
    deadline: float | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def apply(self, request: Request) -> Request:
        """Return ``request`` with what it leaves open filled in; of two tags with one name, its own stands."""
        changes: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("max_tokens", "deadline", "temperature", "stop")
            if getattr(request, name) in (None, ()) and getattr(self, name) not in (None, ())
        }
        if self.tags:
            changes["tags"] = {**self.tags, **request.tags}
        return replace(request, **changes) if changes else request


def policy_settings(table: Table | None, folder: Path) -> PolicySettings:
    """Read `[policy]`; paths in it start from ``folder``."""
    if table is None:
        return PolicySettings()
    table.only("bundle", "sha256", "untrained", "profile", "profiles", "fallback", "watch", "verify", "embedder")
    untrained = cast("Literal['strong'] | None", table.choice("untrained", ("strong",)))
    bundle, pin = table.text("bundle"), table.text("sha256")
    if pin is not None and (len(pin) != 64 or set(pin) - set("0123456789abcdef")):
        raise table.error("must be a SHA-256 as 64 lower-case hexadecimal digits", "sha256")
    verify = table.text("verify")
    if verify is not None and not _FUNCTION.fullmatch(verify):
        raise table.error("must be written module:function", "verify")
    choice = Choice(
        default=table.text("profile") or DEFAULT_PROFILE,
        by_tag=tuple(_tag_profile(each) for each in table.tables("profiles")),
    )
    return PolicySettings(
        bundle="default" if bundle is None or bundle == "default" else _path(bundle, folder),
        sha256=pin,
        untrained=untrained,
        choice=choice,
        fallback=table.text("fallback"),
        watch=table.number("watch", least=0) or 0.0,
        verify=verify,
        embedder=embedder_in(table, folder),
    )


def audit_settings(table: Table | None) -> Audits:
    """Read `[audits]`."""
    standard = Audits()
    if table is None:
        return standard
    table.only("enabled", "share", "least", "most", "width")

    def read(key: str, default: float, **bounds: float) -> float:
        value: float | None = table.number(key, **bounds)
        return default if value is None else float(value)

    found = Audits(
        enabled=table.flag("enabled") or False,
        share=read("share", standard.share, above=0, most=1),
        least=read("least", standard.least, least=0, most=1),
        most=read("most", standard.most, above=0, most=1),
        width=read("width", standard.width, above=0),
    )
    if found.least > found.most:
        raise table.error(f"is {found.least:g}, above `most`, which is {found.most:g}", "least")
    return found


def ledger_settings(table: Table | None, folder: Path) -> LedgerSettings:
    """Read `[ledger]`; paths in it start from ``folder``."""
    if table is None:
        return LedgerSettings()
    table.only("path", "url", "keep", "rules", "durability", "enabled")
    path, url = table.text("path"), table.text("url")
    if path is not None and url is not None:
        raise table.error("is given beside `path`; keep one of them", "url")
    if url is not None:
        _check_url(table, url)
    enabled = table.flag("enabled")
    return LedgerSettings(
        path=None if path is None else _path(path, folder),
        url=url,
        keep=Keep(default=_keep(table) or "text", rules=tuple(_rule(rule) for rule in table.tables("rules"))),
        durability=cast("Durability", table.choice("durability", ("process", "power")) or "process"),
        enabled=True if enabled is None else enabled,
    )


def default_settings(table: Table | None) -> Defaults:
    """Read `[defaults]`."""
    if table is None:
        return Defaults()
    table.only("max_tokens", "deadline", "temperature", "stop", "tags")
    tags = table.table("tags")
    if tags is not None and any(not isinstance(value, str) for value in tags.raw.values()):
        raise tags.error("tags are text to text")
    stop = table.texts("stop") if not isinstance(table.raw.get("stop"), str) else (table.required("stop"),)
    return Defaults(
        max_tokens=table.whole("max_tokens", least=1),
        deadline=table.number("deadline", above=0),
        temperature=table.number("temperature", least=0, most=2),
        stop=stop,
        tags={} if tags is None else dict(tags.raw),
    )


def _tag_profile(table: Table) -> TagProfile:
    table.only("tag", "value", "profile")
    return TagProfile(tag=table.required("tag"), value=table.required("value"), profile=table.required("profile"))


def _rule(table: Table) -> KeepRule:
    table.only("tag", "value", "keep")
    keep = _keep(table)
    if keep is None:
        raise table.error("is missing", "keep")
    return KeepRule(tag=table.required("tag"), value=table.required("value"), keep=keep)


def _keep(table: Table) -> Kept | None:
    return cast("Kept | None", table.choice("keep", ("text", "hash")))


def _check_url(table: Table, url: str) -> None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
    except ValueError:
        raise table.error("is no URL", "url") from None
    if not parts.scheme.startswith(("sqlite", "postgresql")) or "://" not in url:
        raise table.error("must start with sqlite:// or postgresql+psycopg://", "url")
    if parts.password is not None:
        raise table.error(
            "holds a password, and secrets do not belong in a file; take it out of the URL and set the "
            "environment variable PGPASSWORD, or use a .pgpass file",
            "url",
        )


def _path(text: str, folder: Path) -> Path:
    return folder / Path(text).expanduser()
