"""Forgetting cached answers."""

from __future__ import annotations

from router.cache.ops import Clear
from router.cache.settings import CacheSettings
from router.errors import InputError


def configured(settings: CacheSettings | None) -> CacheSettings:
    """The settings of the cache.

    Raises:
        InputError: there is none.
    """
    if settings is None:
        raise InputError("there is no cache: the configuration has no table [cache]")
    return settings


async def cleared(settings: CacheSettings | None, tag: str | None = None, value: str | None = None) -> int | None:
    """Forget the answers to requests whose ``tag`` was ``value``, all without one; how many, where that is known.

    Raises:
        InputError: there is no cache, or one of ``tag`` and ``value`` is missing.
        CacheError: its store cannot be read or written.
    """
    configured(settings)
    if (tag is None) != (value is None):
        raise InputError("tag and value go together: answers to requests with that value of that tag are forgotten")
    return await Clear(tag, value)
