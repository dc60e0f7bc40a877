"""The page: one file of HTML with its style and its plots inside, no script, and nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from training.report.context import ReportContext
from training.report.provenance import written
from training.report.reading import Reading
from training.report.section import NARROW, Section
from training.report.strip import strip
from training.report.style import PAGE, PLOT, TOKENS
from training.report.verdict import Claim, Verdict
from training.report.wording import clean

BANNER = "SIMULATED DATA: these figures are of an exercise and say nothing about any real model"

# The policy forbids the browser every fetch: a hostile name that became markup after all could still reach nobody.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(read: Reading, context: ReportContext, verdict: Verdict, sections: Sequence[Section]) -> str:
    """The page as text; well-formed XML as well as HTML."""
    banner = f'<div class="banner" role="note">{_safe(BANNER)}</div>' if context.simulated else ""
    facts = [f"run {context.run_id}" if context.run_id else "", written(context.created), read.text("profile")]
    policy = read.text("policy_version")
    facts += [f"policy {policy[:16]}" if policy else ""]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>'
        f"<title>{_safe(context.title)}</title><style>{TOKENS}{PLOT}{PAGE}</style></head><body>{banner}"
        f"<header><h1>{_safe(context.title)}</h1>"
        f'<p class="answer">{_safe(verdict.headline)}.</p><p class="lead">{_safe(verdict.sentence)}</p>'
        f'<div class="tiles">{"".join(_tile(claim) for claim in verdict.claims)}</div>'
        f'<p class="facts">{_safe(" · ".join(fact for fact in facts if fact))}</p></header>\n'
        f"<main>{_arranged(sections)}</main>\n"
        f"<footer>{_safe(_footer(read))}</footer></body></html>\n"
    )


def _tile(claim: Claim) -> str:
    drawing = strip(claim)
    drawn = ""
    if drawing is not None:
        said = f"{claim.figure}, {claim.bounds}"
        drawn = drawing.inline(name=f"tile-{claim.name}", title=claim.title, description=said, look="strip")
    look = "number" if claim.name != "certificate" else "number word"
    lines = [
        f'<p class="{kind}">{_safe(words)}</p>'
        for kind, words in (("bounds", claim.bounds), ("note", claim.note))
        if words
    ]
    return (
        f'<div class="tile {claim.tone}"><h2>{_safe(claim.title)}</h2><p class="{look}">{_safe(claim.figure)}</p>'
        f"{''.join(lines)}{drawn}</div>"
    )


def _arranged(sections: Sequence[Section]) -> str:
    """Sections in order, two neighbours that take half the room each side by side."""
    told, place = [], 0
    while place < len(sections):
        pair = sections[place : place + 2]
        if len(pair) == 2 and all(section.plot is not None and section.plot.span == "half" for section in pair):
            told.append(f'<div class="pair">{"".join(_section(section) for section in pair)}</div>')
            place += 2
        else:
            told.append(_section(sections[place]))
            place += 1
    return "\n".join(told)


def _section(section: Section) -> str:
    tables = "".join(table.html() for table in section.tables)
    if section.plot is None:
        shown = f'<p class="says">{_safe(section.says)}</p>{tables}'
    else:
        plot = section.plot
        drawn = "".join(
            plot.draw(width).inline(name=f"{plot.name}-{look}", title=plot.title, description=section.says, look=look)
            for look, width in (("wide", plot.wide), ("narrow", NARROW))
        )
        folded = f"<details><summary>The figures as a table</summary>{tables}</details>" if tables else ""
        shown = f"<figure>{drawn}<figcaption>{_safe(section.says)}</figcaption></figure>{folded}"
    return f'<section id="{section.name}"><h2>{_safe(section.title)}</h2>{shown}</section>'


def _footer(read: Reading) -> str:
    protocol = read.text("protocol")
    return f"How it was judged: {protocol}." if protocol else "The evaluation does not say how it was judged."


def _safe(words: str) -> str:
    return escape(clean(words), quote=True)
