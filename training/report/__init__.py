"""The report of a training run: one page to look at, the same as Markdown, and its plots as files."""

from training.report.context import ReportContext
from training.report.render import PLOTS, Rendered, render

__all__ = ["PLOTS", "Rendered", "ReportContext", "render"]
