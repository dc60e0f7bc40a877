"""What a batch is done with: the router's plan, shell and clients, and the clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from router.batch.anthropic_batches import AnthropicBatches
from router.batch.apis import BatchApi
from router.batch.openai_batches import OpenAIBatches
from router.batch.settings import BatchSettings
from router.drivers import Shell
from router.ops import Send
from router.plan import Birth, Plan
from router.tiers import Api, Tier
from router.types import Completion


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a batch is done with.

    ``shell`` performs all but the calls that a batch API makes; ``reaching`` gives the vendor's client for a tier, None
    where no provider is real, and then no tier has a batch API. ``verified`` adds what the user's own check says of an
    answer. ``clock`` is monotonic, ``wall`` counts seconds from the epoch.
    """

    settings: BatchSettings
    plan: Callable[[], Plan]
    shell: Callable[[], Shell]
    birth: Callable[[], Birth]
    reaching: Callable[[Tier], AbstractContextManager[Any]] | None
    verified: Callable[[Send, Completion], Completion] = lambda _, answer: answer
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


def api_of(api: Api) -> BatchApi:
    """The batch API beside the wire format ``api``."""
    if api == "anthropic":
        return AnthropicBatches()
    return OpenAIBatches("/v1/responses" if api == "openai-responses" else "/v1/chat/completions")
