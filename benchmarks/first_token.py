"""Time to the first text of a stream, with real local models: shown as it comes, or held back until accepted.

    python benchmarks/first_token.py

Prints one JSON object a line: milliseconds to the first text, medians, and beside them the whole answer's. *direct*:
the tier cannot be escalated from. *held_back*: it could be, and its answer was accepted. *escalated*: the first
answer was rejected and the second streamed as it came. Same prompts, 48 tokens, in turns; llama.cpp keeps the part of
a prompt that it has just read, so these first tokens come sooner than a new prompt's would.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from router.config import Config, load
from router.engine import Router
from router.policy import Thresholds

ROUNDS = 10
TOKENS = 48
PROMPT = "Fruit: apple, pear, plum.\nAnimals: cat, dog, horse.\nColours {}: red,"


def timed(router: Router, number: int, **bounds: str) -> tuple[float, float]:
    """Milliseconds to the first piece and to the last."""
    began = time.perf_counter()
    stream = iter(router.stream(PROMPT.format(number), max_tokens=TOKENS, temperature=0.0, **bounds))
    next(stream)
    first = time.perf_counter() - began
    for _ in stream:
        pass
    return first * 1000, (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure the three ways in turns."""
    tiers = load("preset:local").tiers.tiers
    rules = {
        "direct": Thresholds(start=(0.0, 0.0), accept=(0.0, 0.0)),
        "held_back": Thresholds(start=(0.0, 0.0), accept=(1e-9, 0.0)),
        "escalated": Thresholds(start=(0.0, 0.0), accept=(1.0, 0.0)),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in rules}
    with (
        tempfile.TemporaryDirectory() as folder,
        Router.from_config(Config.of(tiers, ledger={"path": str(Path(folder) / "ledger.db")})) as router,
    ):
        for number in range(-1, ROUNDS):
            for name, rule in rules.items():
                router.plan = replace(router.plan, rule=rule, profiles=None)
                times = timed(router, number)
                if number >= 0:  # the first round loads the models
                    found[name].append(times)
    for name, times in found.items():
        first, whole = (statistics.median(column) for column in zip(*times, strict=True))
        line = {
            "name": f"first_token_{name}",
            "value": round(first, 1),
            "unit": "ms",
            "whole": round(whole, 1),
            "n": len(times),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
