"""What changed against the champion, on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from router.report.interval import Interval
from router.report.section import Section
from router.report.table import Table
from router.report.wording import UNKNOWN, between, change, dollars, fixed, listed, points, share
from training.report.context import ReportContext
from training.report.names import tiers_of
from training.report.reading import Reading

Write = Callable[[float | None], str]
TITLE = "What changed against the champion"


@dataclass(frozen=True)
class Figure:
    """A figure of both; ``paired`` is its difference with interval where the run computed one."""

    name: str
    champion: float | None
    challenger: float | None
    write: Write
    differ: Write
    difference: float | None
    interval: Interval | None


def against_champion(read: Reading, context: ReportContext) -> Section:
    """Differences, challenger minus champion; intervals only where they come from paired rows."""
    if context.champion is None:
        return Section("champion", TITLE, "There was no champion to compare with.")
    champion = Reading(context.champion)
    figures = [figure for figure in _figures(read, champion, context) if figure.champion is not None]
    figures = [figure for figure in figures if figure.challenger is not None]
    if not figures:
        return Section("champion", TITLE, "The champion’s evaluation has no figure in common with this one.")
    rows = tuple(
        (
            figure.name,
            figure.write(figure.champion),
            figure.write(figure.challenger),
            figure.differ(figure.difference),
            between(figure.interval, figure.differ),
        )
        for figure in figures
    )
    head = ("", "champion", "challenger", "difference", "95% interval")
    table = Table("Champion and challenger", head, rows).trimmed()
    return Section("champion", TITLE, _says(figures, read, champion), tables=(table,))


def _figures(read: Reading, champion: Reading, context: ReportContext) -> list[Figure]:
    paired = Reading(context.comparison)

    def figure(key: str, name: str, path: tuple[str, ...], write: Write, differ: Write) -> Figure:
        theirs, mine = champion.number(*path), read.number(*path)
        given = paired.number(key, "difference")
        known = mine - theirs if mine is not None and theirs is not None else None
        interval = paired.interval(key, "interval")
        return Figure(name, theirs, mine, write, differ, known if given is None else given, interval)

    def money(value: float | None) -> str:
        return UNKNOWN if value is None else ("+" if value > 0 else "") + dollars(value)

    def signed(value: float | None) -> str:
        return UNKNOWN if value is None else ("+" if value > 0 else "") + fixed(value)

    strongest = "the strongest's"
    return [
        figure("quality", "quality", ("policy", "quality"), share, points),
        figure("cost_per_1k", "USD per 1,000 requests", ("policy", "cost_per_1k"), dollars, money),
        *(
            figure(key, name, ("policy", key), share, points)
            for key, name in (
                ("share_of_strong_quality", f"share of {strongest} quality"),
                ("cost_of_strong", f"share of {strongest} cost"),
                ("wasted_share", "cost of answers not returned"),
            )
        ),
        *(
            figure(f"visit_share/{tier}", f"{tier} asked", ("policy", "visit_share", tier), share, points)
            for tier in tiers_of(read)
        ),
        *(
            figure(f"ece/{tier}", f"calibration error (ECE) of {tier}", ("scorer", tier, "ece"), share, points)
            for tier in tiers_of(read)
        ),
        *(
            figure(f"auroc/{tier}", f"AUROC of {tier}", ("scorer", tier, "auroc"), fixed, signed)
            for tier in tiers_of(read)
        ),
    ]


def _says(figures: list[Figure], read: Reading, champion: Reading) -> str:
    known = {figure.name: figure for figure in figures}
    version = champion.text("policy_version")
    told = []
    if (quality := known.get("quality")) is not None:
        told.append(f"quality {points(quality.difference)}{_chance(quality)}")
    cost = known.get("USD per 1,000 requests")
    if cost is not None and cost.champion and cost.challenger is not None:
        told.append(f"cost {change(cost.challenger / cost.champion - 1)}{_chance(cost)}")
    opening = f"Against champion {version[:16]}: " if version else "Against the champion: "
    sentence = opening + (listed(told) if told else "no common headline figure") + "."
    theirs, mine = champion.number("n"), read.number("n")
    if theirs is not None and mine is not None and theirs != mine:
        sentence += (
            f" CAUTION: the champion was judged on {theirs:,.0f} rows and this policy on {mine:,.0f}; "
            "the two do not compare."
        )
    if not any(figure.interval for figure in figures):
        sentence += " No paired intervals were computed, so small differences may be chance."
    return sentence


def _chance(figure: Figure) -> str:
    if figure.interval is None:
        return ""
    return " (beyond chance)" if figure.interval.low > 0 or figure.interval.high < 0 else " (within chance)"
