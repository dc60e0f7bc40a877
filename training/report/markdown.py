"""The report as Markdown: the same sentences and tables, the plots as files beside it."""

from __future__ import annotations

from collections.abc import Sequence

from router.report.section import Section
from router.report.table import Table, inert
from training.report.context import ReportContext
from training.report.page import BANNER
from training.report.provenance import written
from training.report.reading import Reading
from training.report.verdict import Verdict


def markdown(read: Reading, context: ReportContext, verdict: Verdict, sections: Sequence[Section]) -> str:
    """The report as text, for pull requests and terminals."""
    blocks = [f"# {inert(context.title)}"]
    if context.simulated:
        blocks.append(f"> **{BANNER}.**")
    blocks += [f"**{inert(verdict.headline)}.** {inert(verdict.sentence)}"]
    rows = tuple((claim.title, claim.figure, claim.bounds, claim.note) for claim in verdict.claims)
    blocks.append(Table("The answer", ("", "figure", "interval", "note"), rows, words=(2, 3)).markdown())
    for section in sections:
        blocks.append(f"## {inert(section.title)}")
        if section.plot is not None:
            blocks.append(f"![{inert(section.plot.title)}](plots/{section.plot.name}.svg)")
        blocks.append(inert(section.says))
        for table in section.tables:
            blocks += [f"**{inert(table.caption)}**", table.markdown()]
    facts = [f"Run {context.run_id}" if context.run_id else "", written(context.created), read.text("protocol")]
    blocks.append(inert("; ".join(fact for fact in facts if fact)))
    return "\n\n".join(block for block in blocks if block) + "\n"
