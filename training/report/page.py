"""The page of a training run."""

from __future__ import annotations

from collections.abc import Sequence

from router.report.page import document, safe
from router.report.section import Section
from training.report.context import ReportContext
from training.report.provenance import written
from training.report.reading import Reading
from training.report.strip import strip
from training.report.verdict import Claim, Verdict

BANNER = "SIMULATED DATA: these figures are of an exercise and say nothing about any real model"


def page(read: Reading, context: ReportContext, verdict: Verdict, sections: Sequence[Section]) -> str:
    """The page as text; well-formed XML as well as HTML."""
    facts = [f"run {context.run_id}" if context.run_id else "", written(context.created), read.text("profile")]
    policy = read.text("policy_version")
    facts += [f"policy {policy[:16]}" if policy else ""]
    header = (
        f"<h1>{safe(context.title)}</h1>"
        f'<p class="answer">{safe(verdict.headline)}.</p><p class="lead">{safe(verdict.sentence)}</p>'
        f'<div class="tiles">{"".join(_tile(claim) for claim in verdict.claims)}</div>'
        f'<p class="facts">{safe(" · ".join(fact for fact in facts if fact))}</p>'
    )
    banner = BANNER if context.simulated else ""
    return document(context.title, header=header, sections=sections, footer=_footer(read), banner=banner)


def _tile(claim: Claim) -> str:
    drawing = strip(claim)
    drawn = ""
    if drawing is not None:
        said = f"{claim.figure}, {claim.bounds}"
        drawn = drawing.inline(name=f"tile-{claim.name}", title=claim.title, description=said, look="strip")
    look = "number" if claim.name != "certificate" else "number word"
    lines = [
        f'<p class="{kind}">{safe(words)}</p>'
        for kind, words in (("bounds", claim.bounds), ("note", claim.note))
        if words
    ]
    return (
        f'<div class="tile {claim.tone}"><h2>{safe(claim.title)}</h2><p class="{look}">{safe(claim.figure)}</p>'
        f"{''.join(lines)}{drawn}</div>"
    )


def _footer(read: Reading) -> str:
    protocol = read.text("protocol")
    return f"How it was judged: {protocol}." if protocol else "The evaluation does not say how it was judged."
