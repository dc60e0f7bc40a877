"""Shortening's place in the pipeline: one request in, a shorter one out."""

from __future__ import annotations

from dataclasses import dataclass

from router.assess import Assessor
from router.decision import Shortened
from router.shorten.settings import ShortenSettings
from router.types import Request


@dataclass(frozen=True, slots=True)
class Shorter:
    """The ``request`` as it is to be sent, and what was done to it; None where nothing was."""

    request: Request
    told: Shortened | None = None
    notes: tuple[str, ...] = ()


async def shortened(request: Request, settings: ShortenSettings | None, assessor: Assessor) -> Shorter:  # noqa: ARG001
    """Shorten ``request`` as configured; ``assessor`` says how hard its question is."""
    return Shorter(request)
