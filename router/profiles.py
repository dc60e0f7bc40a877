"""Profiles: which of a bundle's rules a request is routed by."""

from __future__ import annotations

from dataclasses import dataclass

from router.types import Request

DEFAULT_PROFILE = "default"
"""The profile of requests that nothing gives another."""

STRONG = "strong"
"""In place of a profile to fall back to: always ask the strongest tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagProfile:
    """Requests whose tag ``tag`` is ``value`` are routed by ``profile``."""

    tag: str
    value: str
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What chooses a request's profile: its own word, else the first of ``by_tag`` that fits, else ``default``."""

    default: str = DEFAULT_PROFILE
    by_tag: tuple[TagProfile, ...] = ()

    def of(self, request: Request) -> str:
        """The profile that ``request`` is routed by."""
        if request.profile is not None:
            return request.profile
        for each in self.by_tag:
            if request.tags.get(each.tag) == each.value:
                return each.profile
        return self.default

    @property
    def named(self) -> tuple[str, ...]:
        """Every profile that may be chosen without being asked for, each once."""
        return tuple(dict.fromkeys((self.default, *(each.profile for each in self.by_tag))))
