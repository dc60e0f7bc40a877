"""Provider prompt caching: how much of each prompt the provider had read within the last minutes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from router.planner.history import Past, Tried
from router.planner.lever import KEEP, NO_TEXT, Lever
from router.planner.period import Daily, Period
from router.pricing import usd
from router.tiers import Ladder, Tier

LEAST = 1024
"""Tokens that a beginning must have for a provider to keep it."""

KEPT_FOR = 300.0
"""Seconds that a provider keeps it, from its last use."""

_SWEEP = 10_000
_MARKED = ("anthropic",)
_AUTOMATIC = ("openai-chat", "openai-responses")
_RISK = "None to the answers; a beginning that is not asked for again within five minutes costs a quarter more to read."


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A prompt's beginning: its hash, and the share of the prompt's characters that it is."""

    hash: bytes
    share: float


class Prefixes:
    """Replays every call against a provider that keeps system prompts, tools and earlier turns for five minutes.

    At a marked provider reading a kept token costs its cached price and keeping one its price of a cache write. The
    characters of a prompt are taken for tokens in proportion. Calls for which the provider reported cached tokens are
    left out: those are saved already.
    """

    def __init__(self, period: Period, ladder: Ladder) -> None:
        self._tiers = {tier.name: tier for tier in ladder.tiers}
        self._saved, self._automatic = Daily(period), Daily(period)
        self._by_tier: Counter[str] = Counter()
        self._seen: dict[tuple[str, bytes], float] = {}
        self._with_text = self._calls = self._cached = self._found = 0

    def __call__(self, past: Past) -> None:
        """Take up every call that this request made."""
        if past.request is None or past.audit_of is not None:
            return
        self._with_text += 1
        if past.batch:
            return  # a provider works a batch off within a day, not within minutes
        beginnings = _beginnings(past.request)
        if not beginnings:
            return
        for tried in past.tried:
            tier = self._tiers.get(tried.tier)
            if tier is not None and tried.answered and tried.usage is not None and tier.prompt_cache is None:
                self._call(past, tried, tier, beginnings)
        if len(self._seen) > _SWEEP:
            self._seen = {key: used for key, used in self._seen.items() if past.created - used <= KEPT_FOR}

    def lever(self) -> Lever:
        """What marking would have saved at the tiers that need it, and what is possible at the others."""
        able = [tier for tier in self._tiers.values() if tier.api in (*_MARKED, *_AUTOMATIC)]
        on = bool(able) and all(tier.prompt_cache is not None for tier in able)
        switch = "# in each of these [[tiers]]:\nprompt_cache = true"
        if not able:
            why = "No tier is at a provider that keeps beginnings of prompts for less (Anthropic, OpenAI)."
            return Lever(name="provider's prompt cache", on=on, why=why, risk=_RISK, switch=switch)
        if not self._with_text:
            return Lever(name="provider's prompt cache", on=on, why=NO_TEXT, risk=_RISK, switch=KEEP)
        saves, possible = self._saved.estimate(), self._automatic.estimate().monthly
        why = (
            f"{self._found:,} of {self._calls:,} calls began with {LEAST:,} tokens or more that the same tier had read "
            f"within five minutes."
        )
        if self._cached:
            why += f" Of {self._cached:,} others the provider had cached something already."
        if self._automatic.total:
            why += " OpenAI keeps beginnings by itself; there the setting only says which prompts begin alike."
        return Lever(
            name="provider's prompt cache",
            on=on,
            saves=saves,
            at_most=saves.monthly + max(possible, 0),
            why=why,
            figures={
                "calls": self._calls,
                "calls_with_a_known_beginning": self._found,
                "calls_with_cached_tokens": self._cached,
                "by_tier": dict(self._by_tier),
                "saved_in_period": usd(self._saved.total),
                "possible_at_openai_in_period": usd(self._automatic.total),
            },
            risk=_RISK,
            switch=switch,
        )

    def _call(self, past: Past, tried: Tried, tier: Tier, beginnings: Collection[_Beginning]) -> None:
        usage = tried.usage
        assert usage is not None
        if tier.api not in (*_MARKED, *_AUTOMATIC):
            return
        self._calls += 1
        if usage.cached_input_tokens or usage.cache_write_tokens:
            self._cached += 1
            return
        read = written = 0
        for each in beginnings:  # the longer ones later
            tokens = round(each.share * usage.input_tokens)
            if tokens < LEAST:
                continue
            key = tier.name, each.hash
            used = self._seen.get(key)
            if used is not None and past.created - used <= KEPT_FOR:
                read = tokens
            written = tokens
            self._seen[key] = past.created
        rates = tier.price.rates_for(usage.prompt_tokens)
        if read:
            self._found += 1
            self._by_tier[tier.name] += 1
        spared = read * (rates.input - rates.cached_input) // 1000
        if tier.api in _MARKED:
            self._saved.add(past.created, spared - (written - read) * (rates.cache_write - rates.input) // 1000)
        else:
            self._automatic.add(past.created, spared)


def _beginnings(text: str) -> list[_Beginning]:
    """The places where a marked prompt's beginning ends: after tools and system prompt, and before its last turn."""
    plain = json.loads(text)
    messages = plain["messages"]
    tools = json.dumps(plain.get("tools", ()))
    sizes = [len(message["content"]) for message in messages]
    tool_size = len(tools) if plain.get("tools") else 0
    whole = sum(sizes) + tool_size
    digest = hashlib.blake2b(tools.encode(), digest_size=16)
    systems = 0
    while systems < len(messages) - 1 and messages[systems]["role"] == "system":
        systems += 1
    found, done = [], tool_size
    for place, message in enumerate(messages[:-1]):
        digest.update(json.dumps(message).encode())
        done += sizes[place]
        if whole and (place >= systems - 1):
            found.append(_Beginning(digest.copy().digest(), done / whole))
    return found
