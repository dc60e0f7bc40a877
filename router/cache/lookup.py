"""The cache's place in the pipeline: look an answer up, wait for one that is being made, hand one in."""

from __future__ import annotations

from dataclasses import dataclass

from router.cache.ops import Cached, Fetched
from router.cache.settings import CacheSettings
from router.decision import Response
from router.types import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What looking up came to. ``found`` holds the answer, where there is one; ``key`` is None for a request that is
    not cached at all.
    """

    found: Fetched | None = None
    key: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def entry(self) -> Cached | None:
        """The answer that will do, None where there is none."""
        return None if self.found is None else self.found.entry


async def looked_up(request: Request, settings: CacheSettings | None, *, expires: float) -> Lookup:  # noqa: ARG001
    """Look ``request`` up, exactly and then by meaning; ``expires`` is on the monotonic clock."""
    return Lookup()


async def kept(
    lookup: Lookup,  # noqa: ARG001
    request: Request,  # noqa: ARG001
    settings: CacheSettings | None,  # noqa: ARG001
    response: Response | None,  # noqa: ARG001
) -> str | None:
    """Hand in ``response`` where it may be cached, and give the lease back in any case; a note on what went wrong."""
    return None
