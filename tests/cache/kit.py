"""Routers with a cache, and what they were asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from router.cache.key import Scope
from router.cache.settings import CacheSettings
from router.config import Config
from router.engine import Router
from router.ops import Send
from router.plan import Plan
from router.providers.fake import FakeProvider
from router.types import Completion
from tests.kit import Book, ladder, said, two_tiers

SCOPE = Scope(policy="p1", config="c1", profile="default", ladder=ladder("small", "large"))


@dataclass
class Made:
    """A router with its cache, its provider and its ledger."""

    router: Router
    provider: FakeProvider
    book: Book

    @property
    def asked(self) -> list[str]:
        """The tiers that were asked, in order."""
        return [call.tier.name for call in self.provider.calls]


def made(
    settings: CacheSettings,
    replies: Mapping[str, object] | None = None,
    *,
    plan: Plan | None = None,
    provider: FakeProvider | None = None,
) -> Made:
    """A router whose small tier is good enough, unless ``plan`` says otherwise."""
    parts = replace(plan or two_tiers(confidence=0.9), cache=settings)
    provider = provider or FakeProvider(replies or {"small": said("4"), "large": said("four")})  # type: ignore[arg-type]
    book = Book()
    config = Config.of(parts.ladder.tiers, cache=settings)
    router = Router(config, plan=parts, provider=provider, ledger=book)  # type: ignore[arg-type]
    return Made(router, provider, book)


class Gated(FakeProvider):
    """Answers no call before ``gate`` is open; ``begun`` is set by the first."""

    def __init__(self, replies: Mapping[str, object]) -> None:
        super().__init__(replies)  # type: ignore[arg-type]
        self.gate, self.begun = threading.Event(), threading.Event()

    def complete(self, send: Send) -> Completion:
        """Wait, then answer."""
        self.begun.set()
        assert self.gate.wait(20)
        return super().complete(send)
