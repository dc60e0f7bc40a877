"""[shorten] as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortenSettings:
    """`[shorten]`: what is done to prompts before they are sent."""
