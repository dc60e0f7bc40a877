"""What training adds to the router's tree of errors.

TierwiseError
|-- InputError
|   `-- NotEnoughLabels      fewer labels than the smallest thing that can be fitted or certified
|-- Locked                   another run holds the lock
|-- TrackingError            MLflow cannot be reached, read or written
`-- NotPromoted              the bundle may not take the champion's place, or there is none to go back to
"""

from __future__ import annotations

from router.errors import InputError, TierwiseError


class NotEnoughLabels(InputError):
    """There are fewer labels than fitting or certifying needs; ``needed`` says how many would do, where it is known."""

    def __init__(self, message: str, *, needed: int | None = None) -> None:
        super().__init__(message)
        self.needed = needed


class Locked(TierwiseError):
    """Another run is under way in the same place; nothing was changed."""


class TrackingError(TierwiseError):
    """MLflow's store or registry cannot be reached, read or written."""


class NotPromoted(TierwiseError):
    """The champion stays: a bundle may not take its place, or there is none before it to go back to."""
