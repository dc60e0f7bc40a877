"""Performs what the pipeline asks of rate limits and quotas."""

from __future__ import annotations

from router.drivers import Shell
from router.limits.settings import LimitSettings


class Limiting:
    """Performs what the pipeline asks of rate limits and quotas."""

    waits = False

    def __init__(self, settings: LimitSettings) -> None:
        self._settings = settings

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        return {}

    def update(self, settings: LimitSettings) -> None:
        """Go on with other settings."""
        self._settings = settings

    def close(self) -> None:
        """Let go of connections."""
