"""The configuration: one TOML file, found, read and made into values."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from router import catalogue
from router.abtest.experiment import Experiment
from router.attribution import Units
from router.audits import Audits
from router.batch.settings import BatchSettings
from router.budget.settings import BudgetSettings
from router.cache.settings import CacheSettings
from router.config.ab import experiment_settings
from router.config.batch import batch_settings
from router.config.budgets import budget_settings
from router.config.cache import cache_settings
from router.config.limits import limit_settings
from router.config.output import output_settings
from router.config.report import unit_settings
from router.config.settings import (
    Defaults,
    LedgerSettings,
    PolicySettings,
    audit_settings,
    default_settings,
    ledger_settings,
    policy_settings,
)
from router.config.shorten import shorten_settings
from router.config.table import Table, place_of
from router.config.tier import tier_of
from router.config.train import TrainSettings, train_settings
from router.errors import ConfigError
from router.limits.settings import LimitSettings
from router.output.settings import OutputSettings
from router.shorten.settings import ShortenSettings
from router.tiers import Ladder, Tier
from router.types import Usage

if TYPE_CHECKING:
    from datetime import date

T = TypeVar("T")

FILE_NAME = "tierwise.toml"
VARIABLE = "TIERWISE_CONFIG"

LEVERS = ("cache", "shorten", "output", "budgets", "limits", "ab")
"""The tables that switch a lever on, each off without its table."""

WARN_DAYS = 30
"""A model that is shut down within so many days is warned of."""

_TYPICAL = Usage(input_tokens=1000, output_tokens=250)
"""The call by which tiers are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration.

    ``source`` is the file that it was read from, None when it was built in code. ``version`` is the first 12
    hexadecimal digits of the SHA-256 of everything but where files lie, what training aims for and who pays: two
    configurations that route, price and record alike share it.
    """

    tiers: Ladder
    policy: PolicySettings = field(default_factory=PolicySettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    defaults: Defaults = field(default_factory=Defaults)
    audits: Audits = field(default_factory=Audits)
    train: TrainSettings = field(default_factory=TrainSettings)
    report: Units = field(default_factory=Units)
    cache: CacheSettings | None = None
    shorten: ShortenSettings | None = None
    output: OutputSettings | None = None
    budgets: BudgetSettings | None = None
    limits: LimitSettings | None = None
    ab: Experiment | None = None
    batch: BatchSettings | None = None
    source: Path | None = None

    @classmethod
    def of(
        cls,
        tiers: Iterable[Tier],
        *,
        policy: PolicySettings | Mapping[str, Any] | None = None,
        ledger: LedgerSettings | Mapping[str, Any] | None = None,
        defaults: Defaults | Mapping[str, Any] | None = None,
        audits: Audits | Mapping[str, Any] | None = None,
        train: TrainSettings | Mapping[str, Any] | None = None,
        report: Units | Mapping[str, Any] | None = None,
        cache: CacheSettings | Mapping[str, Any] | None = None,
        shorten: ShortenSettings | Mapping[str, Any] | None = None,
        output: OutputSettings | Mapping[str, Any] | None = None,
        budgets: BudgetSettings | Mapping[str, Any] | None = None,
        limits: LimitSettings | Mapping[str, Any] | None = None,
        ab: Experiment | Mapping[str, Any] | None = None,
        batch: BatchSettings | Mapping[str, Any] | None = None,
    ) -> Config:
        """Build a configuration in code; a table is given as settings, or as its keys would be in the file.

        Raises:
            ConfigError: a table has an unknown key or a value that does not fit, or two tiers share a name.
        """
        folder = Path()
        ladder = _ladder(tuple(tiers), Table(raw={}))
        return cls(
            tiers=ladder,
            policy=policy if isinstance(policy, PolicySettings) else policy_settings(_within("policy", policy), folder),
            ledger=ledger if isinstance(ledger, LedgerSettings) else ledger_settings(_within("ledger", ledger), folder),
            defaults=defaults if isinstance(defaults, Defaults) else default_settings(_within("defaults", defaults)),
            audits=audits if isinstance(audits, Audits) else audit_settings(_within("audits", audits)),
            train=train if isinstance(train, TrainSettings) else train_settings(_within("train", train), folder),
            report=report if isinstance(report, Units) else unit_settings(_within("report", report)),
            cache=_lever(cache, "cache", CacheSettings, cache_settings),
            shorten=shorten
            if isinstance(shorten, ShortenSettings)
            else shorten_settings(_within("shorten", shorten), folder),
            output=_lever(output, "output", OutputSettings, output_settings),
            budgets=budgets
            if isinstance(budgets, BudgetSettings)
            else budget_settings(_within("budgets", budgets), folder, tiers=ladder.names),
            limits=limits
            if isinstance(limits, LimitSettings)
            else limit_settings(_within("limits", limits), folder, tiers=ladder.names),
            ab=_lever(ab, "ab", Experiment, experiment_settings),
            batch=batch
            if isinstance(batch, BatchSettings)
            else batch_settings(_within("batch", batch), folder, ladder=ladder.tiers),
        )

    @property
    def version(self) -> str:
        """What a decision records as the configuration that made it."""
        import json

        content = {
            "tiers": [asdict(tier) for tier in self.tiers.tiers],
            "policy": {key: value for key, value in asdict(self.policy).items() if key not in ("bundle", "watch")},
            "ledger": {key: value for key, value in asdict(self.ledger).items() if key not in ("path", "url")},
            "defaults": asdict(self.defaults),
            "audits": asdict(self.audits),
            **{name: _placeless(asdict(settings)) for name in LEVERS if (settings := getattr(self, name)) is not None},
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def warnings(self, today: date) -> tuple[str, ...]:
        """Say what is allowed and still worth a look: tiers out of price order, shutdowns near, borrowed prices."""
        return (
            *_disorder(self.tiers),
            *(line for tier in self.tiers.tiers for line in _tier_warnings(tier, today)),
        )


def load(path: str | Path | None = None, *, today: date | None = None) -> Config:
    """Read the configuration at ``path``, or else the first that :func:`find` finds.

    A ``path`` such as ``preset:anthropic`` stands for a file with nothing in it but that preset. ``today`` decides
    which prices are in force and which models are retired; it is the current date unless given.

    Raises:
        ConfigError: there is no such file, it is not TOML, or something in it needs a change.
        UnpricedModel: no price is known for a tier's model.
    """
    import tomllib
    from datetime import datetime

    today = today or datetime.now().astimezone().date()
    if isinstance(path, str) and path.startswith("preset:"):
        return _config(Table(raw={"preset": path.removeprefix("preset:")}), None, today)
    where = find() if path is None else Path(path).expanduser()
    try:
        raw = tomllib.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no file {where}; {_how_to_start()}") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot be read: {problem}", file=str(where)) from problem
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"is not TOML: {problem}", file=str(where)) from problem
    return _config(Table(raw=raw, file=str(where)), where, today)


def find() -> Path:
    """Find the configuration: $TIERWISE_CONFIG, ./tierwise.toml, then the user's configuration directory.

    Raises:
        ConfigError: there is none.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    here = Path(FILE_NAME)
    if here.is_file():
        return here
    users = user_file()
    if users.is_file():
        return users
    raise ConfigError(f"there is no ${VARIABLE}, no ./{FILE_NAME} and no {users}; {_how_to_start()}")


def user_file() -> Path:
    """Return the path of the user's own configuration, whether or not it exists."""
    from platformdirs import user_config_path

    return user_config_path("tierwise") / FILE_NAME


def _how_to_start() -> str:
    return f"run `tierwise init --preset NAME`, with NAME one of {', '.join(catalogue.preset_names())}"


def _config(table: Table, where: Path | None, today: date) -> Config:
    table.only("preset", "tiers", "policy", "ledger", "defaults", "audits", "train", "report", "batch", *LEVERS)
    tables, preset = table.tables("tiers"), table.choice("preset", catalogue.preset_names())
    if preset is not None and tables:
        raise table.error("is given beside [[tiers]]; keep one of them", "preset")
    if preset is not None:
        tables = [
            Table(raw=raw, name=f"preset {preset}, {place_of('tiers', place, raw)}", file=table.file)
            for place, raw in enumerate(catalogue.preset_tiers(preset))
        ]
    if not tables:
        raise table.error(f"has no [[tiers]] and no `preset`; {_how_to_start()}")
    folder = Path() if where is None else where.parent
    ladder = _ladder(tuple(tier_of(tier, today) for tier in tables), table)
    return Config(
        tiers=ladder,
        policy=policy_settings(table.table("policy"), folder),
        ledger=ledger_settings(table.table("ledger"), folder),
        defaults=default_settings(table.table("defaults")),
        audits=audit_settings(table.table("audits")),
        train=train_settings(table.table("train"), folder),
        report=unit_settings(table.table("report")),
        cache=cache_settings(table.table("cache"), folder),
        shorten=shorten_settings(table.table("shorten"), folder),
        output=output_settings(table.table("output"), folder),
        budgets=budget_settings(table.table("budgets"), folder, tiers=ladder.names),
        limits=limit_settings(table.table("limits"), folder, tiers=ladder.names),
        ab=experiment_settings(table.table("ab"), folder),
        batch=batch_settings(table.table("batch"), folder, ladder=ladder.tiers),
        source=where,
    )


def _ladder(tiers: tuple[Tier, ...], table: Table) -> Ladder:
    names = [tier.name for tier in tiers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"two tiers are called {twice!r}; give each its own name", file=table.file, table="tiers")
    if not tiers:
        raise ConfigError("there are no tiers; give at least one", file=table.file, table="tiers")
    return Ladder(tiers)


def _lever(
    given: T | Mapping[str, Any] | None, name: str, kind: type[T], read: Callable[[Table | None, Path], T | None]
) -> T | None:
    return given if isinstance(given, kind) else read(_within(name, cast("Mapping[str, Any] | None", given)), Path())


def _within(name: str, raw: Mapping[str, Any] | None) -> Table | None:
    return None if raw is None else Table(raw=raw, name=name)


def _placeless(plain: Any) -> Any:
    """``plain`` settings without where files and servers are, at any depth."""
    if not isinstance(plain, dict):
        return plain
    return {key: _placeless(value) for key, value in plain.items() if key not in ("path", "url")}


def _disorder(ladder: Ladder) -> Iterable[str]:
    for cheap, strong in zip(ladder.tiers, ladder.tiers[1:], strict=False):
        if strong.cost(_TYPICAL) < cheap.cost(_TYPICAL):
            yield (
                f"tier {strong.name!r} costs less than {cheap.name!r} before it; tiers are taken in the order "
                "written, from cheap to strong, so swap them unless this is meant"
            )


def _tier_warnings(tier: Tier, today: date) -> Iterable[str]:
    known = catalogue.find(tier.model)
    if known is None or tier.api in ("local", "fake"):
        return
    if tier.base_url not in (None, known.base_url):
        if tier.price == known.price_on(today):
            yield (
                f"tier {tier.name!r} is priced as the vendor prices {tier.model}, though it is served by "
                f"{tier.base_url}; add a `price` if that host charges otherwise"
            )
        return
    status = catalogue.status(tier.model, today)
    if status.days is not None and status.days <= WARN_DAYS:
        yield f"tier {tier.name!r}: {status.sentence()}"
