"""The simulated month: who asks what, and when."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from benchmarks.month import texts
from benchmarks.month.asks import MONTH, Ask, Feature
from router.types import Message, Request

SHARES: dict[Feature, float] = {"chat": 0.36, "faq": 0.24, "documents": 0.20, "review": 0.07, "tickets": 0.13}
"""Of the requests, but for the runaway script's."""

USERS = 400
DOCUMENTS = 40
ZIPF = 1.1
NOISE = 0.7
"""Standard deviation of what makes a request hard and cannot be read off it."""

HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 14, 15, 17, 17, 15, 12, 9, 7, 6, 5, 3, 2)
NIGHT = (0, 6, 10, 10, 8, 4, *([0] * 18))
DAYS = (0.3, 1.0, 1.0, 1.0, 1.0, 0.9, 0.4)
"""From Sunday, on which the month begins."""

CHANGES = 0.1
"""Share of the FAQ whose answer changes once in the month."""

RUNAWAY_DAY, RUNAWAY_HOUR, RUNAWAY_PAUSE, RUNAWAY_SHARE = 17, 22, 5.0, 0.03

LENGTHS: dict[Feature, tuple[float, float]] = {
    "chat": (170, 0.5),
    "faq": (90, 0.5),
    "documents": (60, 0.4),
    "review": (450, 0.5),
    "tickets": (2, 0.0),
}
"""Tokens of an answer: median, and standard deviation of the logarithm."""

MAX_TOKENS: dict[Feature, int] = {"chat": 1024, "faq": 1024, "documents": 512, "review": 2048, "tickets": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What one ask consists of, before it has a time and a user."""

    messages: tuple[Message, ...]
    truth: str
    difficulty: float
    needs: tuple[str, ...] = ()


def month(count: int, *, seed: int) -> list[Ask]:
    """About ``count`` requests in the order of their arrival; the same for the same seed."""
    makers = _Makers(seed)
    asks = [ask for feature in SHARES for ask in makers.asks(feature, round(count * SHARES[feature]))]
    asks += makers.runaway(round(count * RUNAWAY_SHARE))
    ordered = sorted(asks, key=lambda ask: (ask.at, ask.id))
    named = [replace(ask, id=f"{place:08x}{seed:08x}") for place, ask in enumerate(ordered)]
    # The session is how the simulated models know which ask a call is for; nothing else reads it.
    return [replace(ask, request=replace(ask.request, session=ask.id)) for ask in named]


class _Makers:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._faq = texts.faq()
        random.Random("faq order").shuffle(self._faq)
        self._documents = texts.documents(random.Random("documents"), DOCUMENTS)
        changes = random.Random(f"changes {seed}")
        self._changes = {each.key: changes.random() * MONTH for each in self._faq if changes.random() < CHANGES}
        self._handbook = Message(role="system", content=texts.handbook())

    def asks(self, feature: Feature, count: int) -> Iterator[Ask]:
        """About ``count`` requests of one feature."""
        chance = random.Random(f"{self._seed} {feature}")
        made = 0
        while made < count:
            at = _moment(chance, NIGHT if feature == "review" else HOURS)
            user = _user(chance)
            talk = self._talk(chance) if feature == "chat" else [self._one(feature, chance, at)]
            for said in talk:
                yield self._ask(feature, said, at, user, chance, number=made)
                made += 1
                at += chance.uniform(30, 240)

    def runaway(self, count: int) -> Iterator[Ask]:
        """A script that asks for reviews in a loop, one night, each a little different."""
        chance = random.Random(f"{self._seed} runaway")
        began = RUNAWAY_DAY * 86_400 + RUNAWAY_HOUR * 3600.0
        for place in range(count):
            said = self._one("review", chance, 0.0)
            ask = self._ask("review", said, began + place * RUNAWAY_PAUSE, "script", chance, number=place)
            yield replace(ask, runaway=True, urgent=True, id=f"runaway {place}")

    def _ask(self, feature: Feature, said: _Said, at: float, user: str, chance: random.Random, *, number: int) -> Ask:
        median, spread = LENGTHS[feature]
        length = max(round(median * math.exp(chance.gauss(0, spread))), 1)
        request = Request(messages=said.messages, max_tokens=MAX_TOKENS[feature], tags={"feature": feature}, user=user)
        return Ask(
            id=f"{feature} {number}",
            at=min(at, MONTH - 1),
            feature=feature,
            request=request,
            truth=said.truth,
            difficulty=said.difficulty + chance.gauss(0, NOISE),
            length=length,
            needs=said.needs,
            urgent=feature != "review",
        )

    def _talk(self, chance: random.Random) -> list[_Said]:
        """A conversation: each turn sends all that was said before."""
        order = f"{chance.randrange(100_000, 999_999)}"
        turns: list[Message] = [self._handbook]
        said = []
        for turn in range(chance.choice((1, 2, 2, 3, 3, 4, 5, 7, 9))):
            back = turn > 0 and chance.random() < 0.3
            hard = chance.random() < 0.3
            pattern = chance.choice(texts.FOLLOW_UP if back else texts.HARD_CHAT if hard else texts.EASY_CHAT)
            asked = pattern.format(order=order, product=chance.choice(texts.PRODUCTS))
            text = f"My order number is {order}. {asked}" if turn == 0 else asked
            turns.append(Message(role="user", content=text))
            difficulty = 0.8 if back else 2.2 if hard else -0.6
            key = f"chat {chance.getrandbits(64):x}"
            said.append(_Said(messages=tuple(turns), truth=key, difficulty=difficulty, needs=(order,) if back else ()))
            reply = " ".join(chance.choices(_SENTENCES, k=chance.randrange(4, 12)))
            turns.append(Message(role="assistant", content=reply))
        return said

    def _one(self, feature: Feature, chance: random.Random, at: float) -> _Said:
        if feature == "faq":
            return self._question(chance, at)
        if feature == "documents":
            return self._cited(chance)
        if feature == "tickets":
            return _ticket(chance)
        change = texts.diff(chance)
        hard = 1.2 + 0.2 * change.count("@@ def")
        return _Said(messages=_pair(texts.REVIEW, change), truth=change, difficulty=hard)

    def _question(self, chance: random.Random, at: float) -> _Said:
        question = self._faq[_zipf(chance, len(self._faq))]
        asked = chance.choice(texts.GREETED).format(chance.choice(question.wordings))
        version = int(at >= self._changes.get(question.key, math.inf))
        hard = 1.0 if asked.rstrip("? ").count(" ") > 11 else -1.0
        return _Said(messages=_pair(texts.ASSIST, asked), truth=f"{question.key} v{version}", difficulty=hard)

    def _cited(self, chance: random.Random) -> _Said:
        document = self._documents[_zipf(chance, len(self._documents))]
        question, sentence = chance.choice(document.questions)
        material = "\n\n".join(f"<document>\n{passage}\n</document>" for passage in document.passages)
        hard = chance.random() < 0.25
        ask = f"{question} Say also what would follow if it were twice as much, and why." if hard else question
        return _Said(
            messages=_pair(texts.CITE, f"{material}\n\nQuestion: {ask}"),
            truth=f"{document.name}: {ask}",
            difficulty=2.0 if hard else 0.0,
            needs=(sentence,),
        )


def _ticket(chance: random.Random) -> _Said:
    if chance.random() < 0.15:
        label, ticket = "other", texts.AUTOMATIC
    else:
        label, pattern = chance.choice(texts.TICKETS)
        ticket = pattern.format(
            order=chance.randrange(100_000, 999_999),
            product=chance.choice(texts.PRODUCTS),
            sum=chance.randrange(5, 900),
            days=chance.randrange(2, 30),
        )
    hard = 1.0 if label == "other" else -1.5
    return _Said(messages=_pair(texts.CLASSIFY, f"Ticket: {ticket}"), truth=f"label {label}", difficulty=hard)


_SENTENCES = (
    "Thank you for asking.",
    "The conditions for this article are in the list that I have.",
    "You can send it back within the time that is named there, unused and in its packing.",
    "Please keep the number of the parcel until the money has arrived.",
    "I have noted what you said, and a colleague will see it too.",
    "For damage in transport a photograph is needed within seven days.",
    "The guarantee covers faults of material and of making, and not what use wears off.",
    "Is there anything else that you would like to know?",
)


def _pair(system: str, user: str) -> tuple[Message, ...]:
    return (Message(role="system", content=system), Message(role="user", content=user))


def _user(chance: random.Random) -> str:
    return f"u{chance.randrange(1, USERS + 1)}"


def _zipf(chance: random.Random, count: int) -> int:
    weights = list(accumulate(1 / (rank + 1) ** ZIPF for rank in range(count)))
    return chance.choices(range(count), cum_weights=weights)[0]


def _moment(chance: random.Random, hours: tuple[int, ...]) -> float:
    day = chance.choices(range(30), weights=[DAYS[day % 7] for day in range(30)])[0]
    hour = chance.choices(range(24), weights=hours)[0]
    return day * 86_400 + hour * 3600 + chance.random() * 3600
