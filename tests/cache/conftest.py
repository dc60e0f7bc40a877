"""One configuration for each store, with the real server behind it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from router.cache.settings import STORES, CacheSettings
from tests.servers import memcached, own_memcached, own_redis, redis

__all__ = ["memcached", "own_memcached", "own_redis", "redis"]

Make = Callable[..., CacheSettings]

_NAMES = itertools.count()


@pytest.fixture(params=STORES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Settings for each kind of store, empty for this test: a server's timeout is long, since the machine is shared."""
    kind, namespace = request.param, f"test-{next(_NAMES)}"
    url = request.getfixturevalue(kind).url if kind in ("redis", "memcached") else None

    def made(**changes: object) -> CacheSettings:
        path = tmp_path / "cache.db" if kind == "sqlite" else None
        found = {"store": kind, "path": path, "url": url, "namespace": namespace, "timeout": 5.0, **changes}
        return CacheSettings(**found)  # type: ignore[arg-type]

    return made
