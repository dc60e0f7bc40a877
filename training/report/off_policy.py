"""What the policy would have done with traffic that another one routed, from that one's log."""

from __future__ import annotations

from router.report.section import Section
from router.report.table import Table
from router.report.wording import UNKNOWN, between, count, dollars, plain, share
from training.report.reading import Reading

TITLE = "On the traffic that another policy routed"
NAME = "off-policy"

_METHODS = {"direct": "plain means", "dr": "doubly robust"}
_ESTIMATES = {
    "dm": ("direct model", "what a regression says in place of the answers that the log lacks"),
    "ips": ("inverse propensity", "only the requests that the log shows whole, each weighted by its rarity"),
    "snips": ("self-normalised", "the same, divided by the sum of the weights"),
}


def off_policy(read: Reading) -> Section:
    """Value with interval, effective sample size and weights; or why the log cannot support a figure."""
    found = read.part("off_policy")
    if not found:
        return Section(NAME, TITLE, "Nothing was left to a log: the rows that were judged on have every tier’s label.")
    statement = found.text("statement")
    if found.flag("supported") is False:
        return Section(NAME, TITLE, f"The log cannot support an estimate: {statement}.")
    method = found.text("method")
    rows = [
        _row("the estimate", found, _METHODS.get(method, method)),
        *(_row(name, found.part("estimates", key), note) for key, (name, note) in _ESTIMATES.items()),
    ]
    head = ("", "quality", "95% interval", "USD per 1,000", "95% interval of it", "how")
    estimates = Table("Estimates from the log", head, tuple(rows), words=(5,), marked="the estimate")
    tables = [estimates.trimmed()]
    if method != "direct":
        tables.append(_support(found))
    return Section(NAME, TITLE, statement, tables=tuple(tables))


def _row(name: str, found: Reading, note: str) -> tuple[str, ...]:
    return (
        name,
        share(found.number("quality")),
        between(found.interval("quality_interval"), share),
        dollars(found.number("cost_per_1k")),
        between(found.interval("cost_interval"), dollars),
        note,
    )


def _support(found: Reading) -> Table:
    """How much the log knows of what this policy does, each figure with what it means."""
    held = found.part("support")
    facts = (
        ("requests", count(found.number("n")), "whose every given answer has a label and a price"),
        (
            "left to chance",
            share(held.number("by_chance")),
            "of requests: the policy asks a tier that the log shows only when chance or an audit asked it",
        ),
        (
            "effective observations of these",
            _one_decimal(held.number("effective_by_chance")),
            "as many equally weighted ones would say as much; few make a wide interval",
        ),
        (
            "effective observations of all",
            _one_decimal(held.number("effective")),
            "the same over every request that the log shows whole",
        ),
        ("largest weight", plain(held.number("most_weight")), "what the rarest request stands for, before clipping"),
        ("clipped", share(held.number("clipped")), "of these observations; clipping steadies and biases a little"),
        ("silent", share(held.number("silent")), "of requests: the log could never have shown what the policy asks"),
    )
    return Table("What the log knows", ("", "figure", "what it means"), facts, words=(2,))


def _one_decimal(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.1f}"
