"""[cache] as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from router.cache.semantic.settings import SemanticSettings
from router.errors import InputError
from router.types import Request

Store = Literal["memory", "sqlite", "redis", "memcached"]
STORES: tuple[Store, ...] = get_args(Store)

LIVE = "live"
"""The freshness of a request that wants an answer made now."""

TENANT = "tenant"
"""The tag whose values never share an answer, whatever the configuration says."""


class KeepsText(Protocol):
    """Says how much of a request's text may be written down, as :class:`router.ledger.keep.Keep` does."""

    def kept(self, *tags: Mapping[str, str]) -> Literal["text", "hash"]:
        """How much, for a request with these ``tags``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRule:
    """Answers to requests whose tag ``tag`` is ``value`` may be ``ttl`` seconds old; 0 is never cached."""

    tag: str
    value: str
    ttl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """`[cache]`: which answers are kept, where, and for how long. Times are in seconds.

    ``store`` is the kind; ``path`` the file of "sqlite", ``url`` the server of "redis" and "memcached", and
    ``password_env`` names the environment variable with its password. ``namespace`` begins every key on a server.

    ``scope`` is what an answer is good for: "policy", the policy and the configuration that made it; "tier", any policy
    as long as the models that may answer are the same. ``per`` are the tags, or "user" or "session", whose values do
    not share answers; those of the tag "tenant" never do.

    ``ttl`` is how old an answer may be that is handed out, ``rules`` by tag, ``freshness`` by the request's own word.
    ``sampled``: requests with a temperature above 0 are cached too. ``tool_calls``: answers that call tools are kept
    too. ``max_entries`` and ``max_bytes`` bound the stores in memory and in a file; a server bounds itself.

    ``timeout`` bounds each word with the store. ``lease`` is how long others wait for one that makes an answer, should
    it die; ``wait`` how long they wait at most. ``keep`` says whose text may be written down outside of the process.
    """

    store: Store = "memory"
    path: Path | None = None
    url: str | None = None
    password_env: str | None = None
    namespace: str = "tierwise"
    scope: Literal["policy", "tier"] = "policy"
    per: tuple[str, ...] = (TENANT, "user")
    ttl: float = 86_400.0
    rules: tuple[AgeRule, ...] = ()
    freshness: Mapping[str, float] = field(default_factory=dict)
    sampled: bool = False
    tool_calls: bool = False
    max_entries: int = 100_000
    max_bytes: int = 256 * 1024 * 1024
    timeout: float = 0.05
    lease: float = 60.0
    wait: float = 30.0
    semantic: SemanticSettings | None = None
    keep: KeepsText | None = None

    @property
    def place(self) -> str:
        """Where the answers lie, in words."""
        return self.url or (f"the file {self.path}" if self.path is not None else "memory")

    def max_age(self, request: Request) -> float:
        """The seconds that an answer to ``request`` may be old; 0 where it has to be made now.

        Raises:
            InputError: the configuration has no such class of freshness.
        """
        if request.freshness is None:
            return self.age_of(request.tags)
        if request.freshness == LIVE:
            return 0.0
        found = self.freshness.get(request.freshness)
        if found is None:
            known = ", ".join((*self.freshness, LIVE))
            raise InputError(f"freshness={request.freshness!r} is no class of [cache.freshness]; there is {known}")
        return found

    def age_of(self, tags: Mapping[str, str]) -> float:
        """The seconds that an answer to a request with these ``tags`` may be old: the first rule that fits."""
        for rule in self.rules:
            if tags.get(rule.tag) == rule.value:
                return rule.ttl
        return self.ttl

    def writes(self, tags: Mapping[str, str]) -> bool:
        """Whether text of a request with these ``tags`` may be put into the store."""
        return self.store == "memory" or self.keep is None or self.keep.kept(tags) == "text"
