"""A table of written figures, for the page and for Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import escape

from router.report.wording import clean


@dataclass(frozen=True)
class Table:
    """Columns with heads, rows of text; the first column names its row, and ``words`` more are prose, not figures."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()
    marked: str | None = None
    """The first cell of the row to stand out."""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.head) for row in self.rows):
            raise ValueError(f"every row of the table {self.caption!r} has {len(self.head)} cells")

    def trimmed(self) -> Table:
        """The table without the columns in which no row has anything."""
        kept = [place for place in range(len(self.head)) if place == 0 or any(row[place] for row in self.rows)]
        return replace(
            self,
            head=tuple(self.head[place] for place in kept),
            rows=tuple(tuple(row[place] for place in kept) for row in self.rows),
            words=tuple(kept.index(place) for place in self.words if place in kept),
        )

    def html(self) -> str:
        """The table in a box that scrolls sideways by itself, so that the page never does."""
        head = "".join(self._cell("th", text, place, ' scope="col"') for place, text in enumerate(self.head))
        body = "".join(self._row(row) for row in self.rows)
        look = ' class="keyed"' if self.head == ("", "value") else ""
        label = escape(clean(self.caption), quote=True)
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table{look}>'
            f"<caption>{escape(clean(self.caption))}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
            "</table></div>"
        )

    def markdown(self) -> str:
        """The table as GitHub's Markdown, figures to the right."""
        rule = ["---" if place == 0 or place in self.words else "---:" for place in range(len(self.head))]
        lines = [[inert(cell) for cell in self.head], rule, *[[inert(cell) for cell in row] for row in self.rows]]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _row(self, row: tuple[str, ...]) -> str:
        look = ' class="marked"' if row[0] == self.marked else ""
        cells = [self._cell("td" if place else "th", text, place, "") for place, text in enumerate(row)]
        return f"<tr{look}>{''.join(cells)}</tr>"

    def _cell(self, tag: str, text: str, place: int, more: str) -> str:
        scope = ' scope="row"' if tag == "th" and not more else more
        look = "" if place == 0 else ' class="words"' if place in self.words else ' class="figure"'
        return f"<{tag}{scope}{look}>{escape(clean(text))}</{tag}>"


def inert(words: str) -> str:
    """``words`` as Markdown that renders as itself: no markup, no HTML, no link of its own."""
    line = " ".join(clean(words).split())
    safe = escape(re.sub(r"([\\`*_\[\]|~#])", r"\\\1", line), quote=False)
    # Renderers turn a bare address into a link; with an entity inside it is text like any other.
    return safe.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")
