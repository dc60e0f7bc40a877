"""[output] as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """`[output]`: how long and in what form answers may be."""
