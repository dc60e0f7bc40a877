"""The page: one file of HTML with its style and its plots inside, no script, and nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from router.report.section import NARROW, Section
from router.report.style import PAGE, PLOT, TOKENS
from router.report.wording import clean

# The policy forbids the browser every fetch: a hostile name that became markup after all could still reach nobody.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, *, header: str, sections: Sequence[Section], footer: str, banner: str = "") -> str:
    """The page as text, well-formed XML as well as HTML; ``header`` is markup, the rest is words."""
    warning = f'<div class="banner" role="note">{safe(banner)}</div>' if banner else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>'
        f"<title>{safe(title)}</title><style>{TOKENS}{PLOT}{PAGE}</style></head><body>{warning}"
        f"<header>{header}</header>\n"
        f"<main>{_arranged(sections)}</main>\n"
        f"<footer>{safe(footer)}</footer></body></html>\n"
    )


def safe(words: str) -> str:
    """``words`` as text of the page, or of an attribute."""
    return escape(clean(words), quote=True)


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
        shown = f'<p class="says">{safe(section.says)}</p>{tables}'
    else:
        plot = section.plot
        drawn = "".join(
            plot.draw(width).inline(name=f"{plot.name}-{look}", title=plot.title, description=section.says, look=look)
            for look, width in (("wide", plot.wide), ("narrow", NARROW))
        )
        folded = f"<details><summary>The figures as a table</summary>{tables}</details>" if tables else ""
        shown = f"<figure>{drawn}<figcaption>{safe(section.says)}</figcaption></figure>{folded}"
    return f'<section id="{section.name}"><h2>{safe(section.title)}</h2>{shown}</section>'
