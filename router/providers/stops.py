"""Stop strings, for the wire formats that have none or only some."""

from __future__ import annotations

from collections.abc import Sequence


def first_stop(text: str, stops: Sequence[str]) -> int | None:
    """Where the earliest stop string in ``text`` begins; None when there is none."""
    return min((place for place in (text.find(stop) for stop in stops) if place >= 0), default=None)


class StopCut:
    """Cuts streamed text at the first stop string, which may arrive in pieces.

    Text that could be the beginning of a stop string is held back until it is known not to be one.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def feed(self, delta: str) -> str:
        """Take the next piece; return what may be shown by now."""
        if self.stopped:
            return ""
        text = self._held + delta
        place = first_stop(text, self._stops)
        if place is not None:
            self.stopped, self._held = True, ""
            return text[:place]
        keep = max(
            (size for stop in self._stops for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0
        )
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back, once no more text comes."""
        held, self._held = self._held, ""
        return held
