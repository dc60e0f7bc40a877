"""``route``: the router that the configuration describes, made on first use."""

from __future__ import annotations

import functools
import threading
from typing import Unpack

from router.decision import Response
from router.engine import Router
from router.options import Options, Prompt

_making = threading.Lock()


@functools.cache
def _default_router() -> Router:
    return Router.from_config()


def default_router() -> Router:
    """The router that :func:`route` uses, made from the configuration on first use, once for all threads."""
    with _making:
        return _default_router()


def route(prompt: Prompt, **options: Unpack[Options]) -> Response:
    """Answer ``prompt`` with the cheapest model that will do, as ``tierwise.toml`` says.

    The configuration is found on first use: ``$TIERWISE_CONFIG``, ``./tierwise.toml``, or the user's own.
    """
    return default_router().route(prompt, **options)
