"""What many tests build on: ladders, answers, and an assessor whose verdicts are written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from router.assess import Answer, Evidence
from router.config import Config
from router.decision import Decision
from router.engine import Router
from router.errors import LedgerError
from router.features import Floats
from router.plan import Birth, Plan
from router.policy import Rule, Thresholds
from router.pricing import Price, per_million
from router.providers.fake import FakeProvider
from router.signals import answer_signals
from router.tiers import Ladder, Tier
from router.types import Completion, Request, Usage, as_messages

BIRTH = Birth("id-1", 1_700_000_000.0)


def tier(name: str, *, input: float = 1.0, output: float = 2.0, **changes: object) -> Tier:
    """A fake tier; prices in USD per million tokens."""
    price = Price(rates=per_million(input=input, output=output))
    return Tier(name=name, api="fake", model=f"model-{name}", price=price, **changes)  # type: ignore[arg-type]


def ladder(*names: str) -> Ladder:
    """Tiers whose prices rise tenfold."""
    return Ladder(tuple(tier(name, input=10.0**place, output=2 * 10.0**place) for place, name in enumerate(names)))


def ask(prompt: str = "What is 2 + 2?", **changes: object) -> Request:
    """A request."""
    return Request(messages=as_messages(prompt), **changes)  # type: ignore[arg-type]


def said(text: str, *, latency: float = 0.25, **changes: object) -> Completion:
    """An answer of ten tokens in and three out."""
    usage = Usage(input_tokens=10, output_tokens=3)
    return replace(Completion(text=text, usage=usage, stop="end", latency=latency), **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Scripted:
    """Chances per tier: ``before`` any answer, and ``after`` the tiers named by rank have answered."""

    before: tuple[float, ...]
    after: Mapping[tuple[int, ...], tuple[float, ...]] = field(default_factory=dict)
    cost: tuple[float, ...] = ()

    def begin(self, request: Request, *, embedding: Floats | None = None) -> Evidence:
        """The chances from the prompt."""
        cost = self.cost or tuple(10.0**place for place in range(len(self.before)))
        return Evidence(request=request, quality=self.before, cost=cost)

    def observe(self, evidence: Evidence, rank: int, completion: Completion) -> Evidence:
        """The chances after one more answer; unchanged where nothing is written down."""
        answer = Answer(rank, answer_signals(evidence.request, completion), completion.text)
        answers = (*evidence.answers, answer)
        quality = self.after.get(tuple(seen.rank for seen in answers), evidence.quality)
        return replace(evidence, quality=quality, answers=answers)


def plan(tiers: Ladder, rule: Rule, assessor: Scripted) -> Plan:
    """A plan of these parts."""
    return Plan(ladder=tiers, assessor=assessor, rule=rule, policy_version="p1", config_version="c1")


def two_tiers(confidence: float = 0.3) -> Plan:
    """Starts small, accepts from 0.8; the small answer's confidence is ``confidence``."""
    after = {(0,): (confidence, 0.9), (0, 1): (confidence, 0.95), (1,): (0.5, 0.95)}
    return plan(ladder("small", "large"), Thresholds(start=(0.5, 0.5), accept=(0.8, 0.8)), Scripted((0.6, 0.9), after))


class Clock:
    """A monotonic clock that moves only when told to, or when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Book:
    """A ledger in memory; ``fails`` makes every append fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.entries: list[tuple[Decision, Request]] = []
        self.fails = fails

    def append(self, decision: Decision, request: Request) -> None:
        if self.fails:
            raise LedgerError("the disk is full")
        self.entries.append((decision, request))

    def close(self) -> None:
        pass

    @property
    def last(self) -> Decision:
        return self.entries[-1][0]


def router(
    parts: Plan, replies: Mapping[str, object], *, book: Book | None = None, clock: Clock | None = None
) -> tuple[Router, FakeProvider, Book, Clock]:
    """A router over a fake provider, with everything that it touches."""
    provider = FakeProvider(replies)  # type: ignore[arg-type]
    book, clock = book or Book(), clock or Clock()
    config = Config.of(parts.ladder.tiers)
    made = Router(config, plan=parts, provider=provider, ledger=book, clock=clock, sleep=clock.sleep)  # type: ignore[arg-type]
    return made, provider, book, clock


Nan = math.nan
Rows = Sequence[tuple[float, ...]]
Make = Callable[[], Plan]
