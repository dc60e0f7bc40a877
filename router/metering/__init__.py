"""Counting calls that are made without the router: ``track(client)``."""

from router.metering.tracking import flush, track

__all__ = ["flush", "track"]
