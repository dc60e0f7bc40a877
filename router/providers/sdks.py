"""The official clients: imported on first use, and told everything, so that the environment decides nothing."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from router.errors import MissingKey
from router.tiers import Api, Tier

Family = Literal["openai", "anthropic", "none"]

HOME = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com", "none": ""}
_VARIABLE = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where calls go and who pays; tiers with the same one share a client. ``key`` is never shown."""

    family: Family
    base_url: str
    key: str = field(repr=False)


def family(api: Api) -> Family:
    """The client that speaks ``api``."""
    if api == "anthropic":
        return "anthropic"
    return "openai" if api.startswith("openai") else "none"


def account(tier: Tier, environ: Mapping[str, str]) -> Account:
    """The account of ``tier``, its key read from ``environ`` now.

    A vendor's own endpoint has its usual variable when the tier names none; a compatible server then needs no
    key, but the client insists on one.

    Raises:
        MissingKey: the variable is not set.
    """
    kind = family(tier.api)
    if kind == "none":
        return Account(family=kind, base_url="", key="")
    variable = tier.api_key_env or (None if tier.base_url else _VARIABLE[kind])
    # A key pasted with its line's end would make an illegal header.
    key = environ.get(variable, "").strip() if variable else "none"
    if variable and not key:
        raise MissingKey(tier=tier.name, variable=variable)
    base_url = (tier.base_url or HOME[kind]).rstrip("/")
    if kind == "anthropic":
        # This client adds /v1 itself; the address is often written with it, as the other one needs it.
        base_url = base_url.removesuffix("/v1")
    return Account(family=kind, base_url=base_url, key=key)


async def load(api: Api) -> None:
    """Import the client that speaks ``api`` without holding up the event loop for the second that it takes."""
    kind = family(api)
    if kind != "none" and kind not in sys.modules:
        await asyncio.to_thread(importlib.import_module, kind)


def connect(account: Account) -> Any:
    """A synchronous client, whose timeout bounds the whole call."""
    from router.providers import bounds

    sdk = importlib.import_module(account.family)
    made = sdk.OpenAI if account.family == "openai" else sdk.Anthropic
    return made(api_key=account.key, base_url=account.base_url, max_retries=0, http_client=bounds.client(sdk))


def aconnect(account: Account) -> Any:
    """An asyncio client, which belongs to the running event loop."""
    sdk = importlib.import_module(account.family)
    made = sdk.AsyncOpenAI if account.family == "openai" else sdk.AsyncAnthropic
    return made(api_key=account.key, base_url=account.base_url, max_retries=0)
