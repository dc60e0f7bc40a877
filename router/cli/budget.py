"""``tierwise budget``: what each budget has spent, and beginning one anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.errors import InputError

if TYPE_CHECKING:
    from router.budget.accounting import Standing
    from router.budget.accounts import Account
    from router.budget.settings import BudgetSettings
    from router.stores.budget_store import BudgetStore

_WIDE = 200
_AT_ONCE = 200

budget = typer.Typer(help="See what budgets have spent, or begin one anew.", no_args_is_help=True)

ConfigFile = Annotated[
    str | None, typer.Option("--config", "-c", help="A tierwise.toml, or preset:NAME.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, money in USD.")]


@budget.command()
def status(
    config: ConfigFile = None,
    scope: Annotated[str | None, typer.Option(help="Only the budgets of this scope.")] = None,
    as_json: Json = False,
) -> None:
    """Show what each budget has spent, what it sets aside for calls under way, and when it begins anew."""
    settings, store = _opened(config)
    try:
        accounts = _accounts(settings, store, scope)
        standings = _surveyed(store, accounts)
    finally:
        store.close()
    found = {"store": store.name, "budgets": [told(standing) for standing in standings]}
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console = Console()
    _show(found, console if console.is_terminal else Console(width=_WIDE))


@budget.command()
def reset(
    scope: Annotated[str, typer.Argument(help="The scope whose budget begins anew.")],
    config: ConfigFile = None,
    value: Annotated[
        str | None, typer.Option(help="Only the budget of this value, for a scope that has one per user or tag.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="The budgets of all its values.")] = False,
    as_json: Json = False,
) -> None:
    """Forget what a budget has spent in its window; what is set aside for calls under way stays."""
    settings, store = _opened(config)
    try:
        accounts = _accounts(settings, store, scope)
        per = accounts[0].scope.per if accounts else None
        if value is not None:
            accounts = [account for account in accounts if account.value == value]
        elif per is not None and not every:
            raise InputError(f"scope {scope!r} has a budget per {per}; pass --value, or --all for every one")
        if not accounts:
            raise InputError(
                f"scope {scope!r} has no budget{'' if value is None else f' of {value!r}'} in {store.name}"
            )
        before = store.survey(accounts).standings
        store.reset(accounts)
    finally:
        store.close()
    if as_json:
        typer.echo(json.dumps({"reset": [told(standing) for standing in before]}, indent=2))
        return
    from router.budget.posture import dollars

    for standing in before:
        typer.echo(f"{standing.account.name} begins anew; it had spent {dollars(standing.spent)}")


def told(standing: Standing) -> dict[str, Any]:
    """A budget for JSON: money in USD, times in seconds since the epoch."""
    from router.pricing import usd

    scope = standing.account.scope
    return {
        "scope": scope.name,
        "per": scope.per,
        "value": standing.account.value,
        "window": scope.window.words,
        "limit": usd(scope.limit),
        "spent": usd(standing.spent),
        "held": usd(standing.held),
        "share": standing.share,
        "resets": standing.resets,
    }


def _opened(config: str | None) -> tuple[BudgetSettings, BudgetStore]:
    from router import config as configuration
    from router.stores.budgeting import store_of

    settings = configuration.load(config).budgets
    if settings is None:
        raise InputError("the configuration has no [budgets]")
    if settings.url == "memory":
        raise InputError(
            "the budgets are kept in the memory of each router; `store` must be a file or Redis to be seen"
        )
    return settings, store_of(settings)


def _surveyed(store: BudgetStore, accounts: list[Account]) -> list[Standing]:
    """How the accounts stand, asked for in portions, so that other workers get their turn in between."""
    portions = (accounts[start : start + _AT_ONCE] for start in range(0, len(accounts), _AT_ONCE))
    return [standing for portion in portions for standing in store.survey(portion).standings]


def _accounts(settings: BudgetSettings, store: BudgetStore, scope: str | None) -> list[Account]:
    """The budgets there are: one of each scope, or those of its values that have something in them."""
    from router.budget.accounts import account
    from router.stores.budget_store import is_of

    scopes = [each for each in settings.scopes if scope in (None, each.name)]
    if not scopes:
        raise InputError(f"there is no budget scope {scope!r}; there are {', '.join(s.name for s in settings.scopes)}")
    known = store.known()
    found = []
    for each in scopes:
        if each.per is None:
            found.append(account(each, None))
        else:
            values = sorted(one.value or "" for one in known if is_of(one, each))
            found += [account(each, value) for value in values]
    return found


def _show(found: dict[str, Any], console: Console) -> None:
    from datetime import UTC, datetime

    from router.budget.posture import dollars
    from router.pricing import nano

    if not found["budgets"]:
        console.print("No budget has spent anything.")
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column("budget", overflow="fold")
    table.add_column("of", overflow="fold")
    table.add_column("window")
    for name in ("spent", "set aside", "limit", "share", "begins anew"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found["budgets"]:
        anew = "-" if row["resets"] is None else f"{datetime.fromtimestamp(row['resets'], UTC):%Y-%m-%d %H:%M} UTC"
        money = [dollars(nano(row[name])) for name in ("spent", "held", "limit")]
        # Text, because a tag's value may look like markup.
        of = Text("all" if row["per"] is None else f"{row['per']} {_plain(row['value'])}")
        table.add_row(Text(row["scope"]), of, row["window"], *money, f"{row['share']:.1%}", anew)
    console.print(table)


def _plain(value: str | None) -> str:
    """A value without what would move a terminal's cursor, or cannot be written."""
    return "".join(sign if sign.isprintable() else "?" for sign in value or "") or "(none)"
