"""One configuration for each place of vectors, with the real server behind it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from router.cache.semantic.settings import SemanticSettings
from tests.cache_semantic.kit import settings
from tests.servers import own_redis, redis

__all__ = ["own_redis", "redis"]

Make = Callable[..., SemanticSettings]

_NAMES = itertools.count()


def _made(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    namespace = f"near-{next(_NAMES)}"
    url = request.getfixturevalue("redis").url if kind == "redis" else None

    def made(**changes: object) -> SemanticSettings:
        path = tmp_path / "vectors.db" if kind == "sqlite" else None
        return settings(**{"store": kind, "path": path, "url": url, "namespace": namespace, **changes})

    return made


@pytest.fixture(params=["memory", "sqlite", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Settings for each place, empty for this test."""
    return _made(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "redis"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Settings for each place that several processes share."""
    return _made(request.param, request, tmp_path)
