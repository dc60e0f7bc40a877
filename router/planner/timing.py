"""How many tokens a second a machine of one's own really reads and writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import numpy as np

from router.errors import InputError, TierwiseError
from router.ops import Send
from router.tiers import Tier
from router.types import Completion, Message, Request

Complete = Callable[[Send], Completion]

_WORDS = (
    "alder",
    "birch",
    "cedar",
    "elder",
    "hazel",
    "ivy",
    "juniper",
    "larch",
    "maple",
    "oak",
    "pine",
    "willow",
    "yew",
)
_ROUNDS = 3
_MOST = 9  # rounds in all: one in which other work took the machine makes no sense and is timed again


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Calls that were timed: how many, their tokens, and the seconds from first start to last end."""

    calls: int
    read: int
    written: int
    seconds: float

    def as_dict(self) -> dict[str, float]:
        """The same for JSON."""
        return {"calls": self.calls, "read": self.read, "written": self.written, "seconds": self.seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a tier did with ``concurrency`` calls at once, in tokens a second over all of them.

    ``read_range`` and ``write_range`` are the least and the most of the rounds.
    """

    tier: str
    concurrency: int
    read_per_second: float
    write_per_second: float
    read_range: tuple[float, float]
    write_range: tuple[float, float]
    rounds: tuple[tuple[Workload, Workload], ...]

    def as_dict(self) -> dict[str, object]:
        """The same for JSON, with what was timed."""
        return {
            "tier": self.tier,
            "concurrency": self.concurrency,
            "read_per_second": self.read_per_second,
            "write_per_second": self.write_per_second,
            "read_range": list(self.read_range),
            "write_range": list(self.write_range),
            "rounds": [{"reading": one.as_dict(), "writing": other.as_dict()} for one, other in self.rounds],
        }


def timed(
    tier: Tier,
    complete: Complete,
    *,
    concurrency: int = 4,
    prompt_words: int = 400,
    max_tokens: int = 64,
    nonce: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
    report: Callable[[str], None] = lambda _: None,
) -> Speed:
    """Time ``tier`` through its provider: in each of three rounds long prompts with one token to write, then short
    prompts with ``max_tokens``. A round that other work disturbed so that it makes no sense is timed again.

    Of both the tokens and the seconds are known: seconds = read / reading speed + written / writing speed, two
    equations in two unknowns. Every prompt begins otherwise, with a number and ``nonce`` (drawn unless given), so that
    none is found in a cache, not even an earlier measurement's; tokens that the server had cached all the same are not
    counted as read.

    Raises:
        InputError: a number is outside its range.
        TierwiseError: the tier cannot be asked, reports no tokens, or the two speeds cannot be told apart.
    """
    if not 1 <= concurrency <= 1024 or not 1 <= prompt_words <= 100_000 or not 2 <= max_tokens <= 100_000:
        raise InputError("measuring takes 1 to 1,024 calls at once, and at least 1 word to read and 2 tokens to write")
    numbers, drawn = count(), nonce or uuid4().hex
    rounds: list[tuple[Workload, Workload]] = []
    with ThreadPoolExecutor(concurrency, thread_name_prefix="tierwise-timing") as pool:

        def run(words: int, tokens: int) -> Workload:
            sends = [_send(tier, drawn, next(numbers), words, tokens) for _ in range(concurrency)]
            started = clock()
            answers = list(pool.map(complete, sends))
            return _workload(tier, answers, clock() - started)

        run(8, 2)  # loads what has to be loaded
        speeds: list[tuple[float, float]] = []
        for left in reversed(range(_MOST)):
            pair = run(prompt_words, 1), run(8, max_tokens)
            found = _solved(pair)
            if found is not None:
                rounds.append(pair)
                speeds.append(found)
                report(f"timed round {len(rounds)} of {_ROUNDS}")
                if len(rounds) == _ROUNDS:
                    break
            elif left + len(rounds) < _ROUNDS:
                raise _senseless(tier, pair)
            else:
                report("a round made no sense, so it is timed again")
    read, write = (_median([speed[side] for speed in speeds]) for side in (0, 1))
    return Speed(
        tier=tier.name,
        concurrency=concurrency,
        read_per_second=read,
        write_per_second=write,
        read_range=(min(speed[0] for speed in speeds), max(speed[0] for speed in speeds)),
        write_range=(min(speed[1] for speed in speeds), max(speed[1] for speed in speeds)),
        rounds=tuple(rounds),
    )


def _send(tier: Tier, nonce: str, number: int, words: int, tokens: int) -> Send:
    named = (_WORDS[(number * 7 + place * (number % 5 + 1)) % len(_WORDS)] for place in range(words))
    prompt = f"{number}-{nonce}. Count up from {number}, one number a line, without end. {' '.join(named)}"
    request = Request(messages=(Message(role="user", content=prompt),), max_tokens=tokens)
    return Send(tier=tier, request=request, timeout=max(tier.timeout, 300.0), live=False)


def _workload(tier: Tier, answers: Sequence[Completion], seconds: float) -> Workload:
    usages = [answer.usage for answer in answers]
    if any(usage is None for usage in usages):
        raise TierwiseError(
            f"tier {tier.name!r} does not report how many tokens it read and wrote; say its speed with "
            "--read-per-second and --write-per-second"
        )
    known = [usage for usage in usages if usage is not None]
    return Workload(
        calls=len(known),
        read=sum(usage.input_tokens + usage.cache_write_tokens for usage in known),
        written=sum(usage.generated_tokens for usage in known),
        seconds=seconds,
    )


def _solved(pair: tuple[Workload, Workload]) -> tuple[float, float] | None:
    """Tokens a second read and written; None where no speeds above 0 explain the seconds."""
    matrix = np.array([[each.read, each.written] for each in pair], float)
    seconds = np.array([each.seconds for each in pair])
    if abs(np.linalg.det(matrix)) > 1e-9:
        read, write = np.linalg.solve(matrix, seconds)
        if read > 0 and write > 0:
            return float(1 / read), float(1 / write)
    return None


def _senseless(tier: Tier, pair: tuple[Workload, Workload]) -> TierwiseError:
    return TierwiseError(
        f"the speeds of tier {tier.name!r} at reading and writing cannot be told apart: {pair[0].read} tokens read and "
        f"{pair[0].written} written took {pair[0].seconds:.3f} s, {pair[1].read} and {pair[1].written} took "
        f"{pair[1].seconds:.3f} s; measure when it is idle, with more --prompt-words and --max-tokens"
    )


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
