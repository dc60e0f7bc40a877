"""[cache] as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """`[cache]`: which answers are kept, where, and for how long."""
