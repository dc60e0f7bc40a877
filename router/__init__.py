"""tierwise: routes every LLM call to the cheapest model that will do.

    from router import route

    route("What is 2 + 2?").text

Importing this package loads nothing else: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router.bundle import PolicyBundle
    from router.config import Config
    from router.decision import Attempt, Decision, Response
    from router.default import route
    from router.engine import Router
    from router.errors import (
        AllTiersFailed,
        BundleError,
        ConfigError,
        DeadlineExceeded,
        InputError,
        LedgerError,
        ProviderError,
        TierwiseError,
    )
    from router.metering import track
    from router.providers.fake import FakeProvider
    from router.streaming import Stream
    from router.tiers import Ladder, Tier
    from router.types import Completion, Message, Request, ResponseFormat, Tool, ToolCall, Usage

__all__ = [
    "AllTiersFailed",
    "Attempt",
    "BundleError",
    "Completion",
    "Config",
    "ConfigError",
    "DeadlineExceeded",
    "Decision",
    "FakeProvider",
    "InputError",
    "Ladder",
    "LedgerError",
    "Message",
    "PolicyBundle",
    "ProviderError",
    "Request",
    "Response",
    "ResponseFormat",
    "Router",
    "Stream",
    "Tier",
    "TierwiseError",
    "Tool",
    "ToolCall",
    "Usage",
    "route",
    "track",
]

_HOMES = {
    "router.bundle": ("PolicyBundle",),
    "router.config": ("Config",),
    "router.decision": ("Attempt", "Decision", "Response"),
    "router.default": ("route",),
    "router.engine": ("Router",),
    "router.errors": (
        "AllTiersFailed", "BundleError", "ConfigError", "DeadlineExceeded", "InputError", "LedgerError",
        "ProviderError", "TierwiseError",
    ),
    "router.metering": ("track",),
    "router.providers.fake": ("FakeProvider",),
    "router.streaming": ("Stream",),
    "router.tiers": ("Ladder", "Tier"),
    "router.types": ("Completion", "Message", "Request", "ResponseFormat", "Tool", "ToolCall", "Usage"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'router' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
