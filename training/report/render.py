"""Writing a report: the page, the Markdown and the plots as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from router.errors import InputError
from router.report.section import Section
from training.report.against_champion import against_champion
from training.report.certificate import certificate, thresholds
from training.report.context import ReportContext
from training.report.figures import estimators, metrics
from training.report.markdown import markdown
from training.report.off_policy import off_policy
from training.report.page import page
from training.report.plots.frontier import frontier
from training.report.plots.gain import gain
from training.report.plots.importance import importance
from training.report.plots.reliability import reliability
from training.report.plots.rungs import rungs
from training.report.plots.slices import slices
from training.report.plots.tiers import tiers
from training.report.provenance import data, profiles, run
from training.report.reading import Reading
from training.report.verdict import verdict


@dataclass(frozen=True)
class Rendered:
    """The files of a report; ``missing`` names the plots for which the evaluation had no figures."""

    html: Path
    markdown: Path
    plots: tuple[Path, ...]
    missing: tuple[str, ...]


PLOTS = ("frontier", "tiers", "slices", "reliability", "gain", "importance", "rungs")
"""Every plot that a whole evaluation gives, by the name of its file, in the order of the page."""


def render(evaluation: Mapping[str, Any], *, context: ReportContext, out: Path) -> Rendered:
    """Write ``report.html`` (self-contained), ``report.md`` and ``plots/*.svg`` into the folder ``out``.

    Parts of the evaluation that are missing or None leave their section out with a sentence that says so.

    Raises:
        InputError: ``out`` cannot be written to.
    """
    read = Reading(evaluation)
    # Either may know it; a banner too many does no harm.
    context = replace(context, simulated=context.simulated or read.flag("simulated") is True)
    told = verdict(read, context)
    sections = _sections(read, context)
    drawn = [section for section in sections if section.plot is not None]
    folder = out / "plots"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in {*PLOTS} - {section.name for section in drawn}:
            # A plot of an earlier run beside this run's page would pass for this run's.
            (folder / f"{stale}.svg").unlink(missing_ok=True)
        plots = tuple(_plot(section, folder) for section in drawn)
        html = _write(out / "report.html", page(read, context, told, sections))
        text = _write(out / "report.md", markdown(read, context, told, sections))
    except OSError as error:
        raise InputError(
            f"{out}: the report cannot be written here ({error.strerror}); choose another folder"
        ) from error
    missing = tuple(name for name in PLOTS if name not in {section.name for section in drawn})
    return Rendered(html, text, plots, missing)


def _sections(read: Reading, context: ReportContext) -> tuple[Section, ...]:
    """In the order in which doubts arise: is it so, for whom, why, and made of what."""
    return (
        frontier(read),
        certificate(read, context),
        against_champion(read, context),
        off_policy(read),
        tiers(read),
        thresholds(read, context),
        slices(read),
        reliability(read),
        estimators(read),
        gain(read),
        importance(read),
        rungs(context.rungs),
        metrics(read),
        profiles(context),
        data(context),
        run(read, context),
    )


def _plot(section: Section, folder: Path) -> Path:
    assert section.plot is not None
    plot = section.plot
    drawing = plot.draw(plot.wide)
    return _write(folder / f"{plot.name}.svg", drawing.file(name=plot.name, title=plot.title, description=section.says))


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
