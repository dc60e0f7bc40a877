"""SIMULATED models: how good, how long and how sure of itself each tier's answer is, and what the provider keeps.

Everything that is assumed of models stands here, as the constants that docs/spend.md prints.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable, Mapping
from functools import partial
from statistics import NormalDist
from typing import Any

from benchmarks.month.asks import Ask
from benchmarks.month.clock import Clock
from router.providers.anthropic import AnthropicMessages
from router.providers.fake import FakeProvider
from router.shorten.estimate import tokens_in, tokens_of
from router.tiers import Tier
from router.types import Completion, Request, Usage

SKILLS = {"haiku": 1.6, "sonnet": 2.8, "opus": 3.4}
"""A tier is right with the probability sigmoid(skill - difficulty)."""

SHARED = 0.7
"""Correlation, between tiers, of what makes one answer right and another wrong."""

HEDGES = {True: 0.05, False: 0.55}
"""How often an answer that is right, or wrong, says that it is not sure."""

CONCISE = "Answer in as few words as the question needs."
CONCISE_LENGTH = 0.65
"""What is left of an answer's length when a model is told :data:`CONCISE`; an assumption, not a measurement."""

CONCISE_SKILL = 0.1
"""What telling it so costs in skill."""

KEPT = 300.0
"""Seconds for which the provider keeps the beginning of a prompt after it was last read: its "5m"."""

_SURE = (
    "The answer follows from what was given.",
    "It is what the conditions say in this case.",
    "Nothing else in the text speaks against it.",
    "That holds for the article that was named.",
    "The next step is the usual one.",
)
_HEDGE = "I am not sure about this, and it might be otherwise."
_NORMAL = NormalDist()


class Models:
    """Answers for every tier. ``right`` gains, by ask and tier, whether the last answer was right.

    ``asks`` are told apart by their requests' session. Asks in ``batched`` go to a batch API, which keeps no prompts.
    """

    def __init__(self, asks: Mapping[str, Ask], *, clock: Clock, batched: Callable[[Ask], bool]) -> None:
        self.right: dict[tuple[str, str], bool] = {}
        self._asks, self._clock, self._batched = asks, clock, batched
        self._kept: dict[tuple[str, str], float] = {}
        self._wire = AnthropicMessages()

    def provider(self, tiers: tuple[Tier, ...]) -> FakeProvider:
        """The public fake provider, answering by these models."""
        return FakeProvider({tier.name: partial(self.answer, tier) for tier in tiers})

    def answer(self, tier: Tier, request: Request) -> Completion:
        """What ``tier`` says to ``request``, whatever became of it on its way."""
        assert request.session is not None
        ask = self._asks[request.session]
        told = any(CONCISE in message.content for message in request.messages if message.role == "system")
        right = self.judged(ask, tier, request, told=told)
        self.right[ask.id, tier.name] = right
        length = max(round(ask.length * CONCISE_LENGTH), 1) if told and ask.length > 8 else ask.length
        text = _text(ask, tier, length, right=right)
        most = request.max_tokens or tier.max_tokens
        cut = tokens_of(text) > most
        if cut:
            text = text[: 4 * most]
            self.right[ask.id, tier.name] = False
        usage = self.usage(tier, request, ask, tokens_of(text))
        return Completion(text=text, usage=usage, stop="length" if cut else "end", model=tier.model)

    def judged(self, ask: Ask, tier: Tier, request: Request, *, told: bool) -> bool:
        """Whether the answer is right: never without what it rests on, else by skill, difficulty and luck."""
        said = " ".join(message.content for message in request.messages)
        folded = " ".join(said.split())
        if not all(" ".join(needed.split()) in folded for needed in ask.needs):
            return False
        chance = random.Random(f"{ask.id} luck")
        common, own = chance.gauss(0, 1), random.Random(f"{ask.id} {tier.name}").gauss(0, 1)
        luck = _NORMAL.cdf(SHARED * common + math.sqrt(1 - SHARED**2) * own)
        skill = SKILLS[tier.name] - (CONCISE_SKILL if told else 0.0)
        return luck < 1 / (1 + math.exp(ask.difficulty - skill))

    def usage(self, tier: Tier, request: Request, ask: Ask, generated: int) -> Usage:
        """What the call is billed for; a tier with `prompt_cache` keeps what its real wire format marks."""
        whole = tokens_in(request.messages)
        if tier.prompt_cache is None or self._batched(ask):
            return Usage(input_tokens=whole, output_tokens=generated)
        blocks = _blocks(self._wire.encode(tier, request))
        read = written = 0
        digest, chars, marks = hashlib.sha256(), 0, []
        for text, marked in blocks:
            digest.update(text.encode())
            chars += len(text)
            prefix = (tier.name, digest.hexdigest())
            if self._kept.get(prefix, -1.0) > self._clock.now:
                read = chars // 4
                self._kept[prefix] = self._clock.now + KEPT
            if marked:
                marks.append((prefix, chars // 4))
        for prefix, tokens in marks:
            self._kept[prefix] = self._clock.now + KEPT
            written = max(written, tokens - read)
        return Usage(
            input_tokens=max(whole - read - written, 0),
            cached_input_tokens=read,
            cache_write_tokens=written,
            output_tokens=generated,
        )


def _blocks(body: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """What a call consists of, in the order in which the provider reads it, and where it is marked to be kept."""
    tools = [(json.dumps({**tool, "cache_control": None}), tool) for tool in body.get("tools", ())]
    turns = [turn["content"] for turn in body["messages"]]
    said = [block for turn in turns for block in ([{"text": turn}] if isinstance(turn, str) else turn)]
    texts = [(block.get("text", ""), block) for block in (*body.get("system", ()), *said)]
    return [(text, "cache_control" in block) for text, block in (*tools, *texts)]


def _text(ask: Ask, tier: Tier, length: int, *, right: bool) -> str:
    """An answer of ``length`` tokens by the counter that everything is counted with."""
    chance = random.Random(f"{ask.id} {tier.name} text")
    if ask.feature == "tickets":
        return ask.truth.removeprefix("label ") if right else chance.choice(("billing", "account", "delivery"))
    hedge = chance.random() < HEDGES[right]
    parts = [_HEDGE] if hedge else []
    while sum(map(len, parts)) + len(parts) < 4 * length:
        parts.append(chance.choice(_SURE))
    return " ".join(parts)[: 4 * length]
