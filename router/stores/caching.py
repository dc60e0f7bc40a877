"""Performs what the pipeline asks of the cache of answers."""

from __future__ import annotations

from router.cache.settings import CacheSettings
from router.drivers import Shell


class Caching:
    """Performs what the pipeline asks of the cache of answers."""

    waits = False

    def __init__(self, settings: CacheSettings) -> None:
        self._settings = settings

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        return {}

    def update(self, settings: CacheSettings) -> None:
        """Go on with other settings."""
        self._settings = settings

    def close(self) -> None:
        """Let go of connections."""
