"""The configuration: what tierwise.toml says, as frozen values."""

from __future__ import annotations

from router.config.load import Config, find, load, user_file
from router.config.settings import Defaults, LedgerSettings, PolicySettings

__all__ = [
    "Config",
    "Defaults",
    "LedgerSettings",
    "PolicySettings",
    "find",
    "load",
    "user_file",
]
