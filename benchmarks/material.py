"""What is decided and answered: the sample's prompts where it is there, else prompts written for the purpose."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from result import SEED

from router import Completion, Ladder, Request, Tier, Usage
from router.pricing import Price, per_million
from router.types import as_messages
from training.benchmarks.sized import sized_prompts
from training.records import SPLITS, Outcome, Query, Records, read

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample.parquet"
_PROMPTS = Path(__file__).parent / "prompts.toml"
BUNDLE = ROOT / "router" / "data" / "default.tierwise"
PAIRS = [(pair["prompt"], pair["answer"]) for pair in tomllib.loads(_PROMPTS.read_text(encoding="utf-8"))["pairs"]]
CHARS_PER_TOKEN = 4.7
"""Of English prose, where no tokenizer has counted."""

LADDER = Ladder(
    tuple(
        Tier(name=name, api="fake", model=name, price=Price(rates=per_million(input=price, output=4 * price)))
        for name, price in (("small", 0.05), ("large", 0.5))
    )
)


@dataclass(frozen=True, kw_only=True)
class Material:
    """Labelled answers to fit on, and a word about where they are from."""

    records: Records
    source: str

    def prompts(self, *, tokens: int, n: int) -> list[str]:
        """``n`` prompts of the test split, ``tokens`` long give or take a fifth: single ones, or several joined."""
        return sized_prompts(self.records.split("test"), tokens=tokens, n=n, seed=SEED)


def material(*, quick: bool) -> Material:
    """The sample; for a smoke run, or where it is missing, written prompts with invented labels."""
    if SAMPLE.is_file() and not quick:
        return Material(records=read(SAMPLE, LADDER), source="data/sample.parquet")
    return Material(records=_written(), source="written prompts with invented labels")


def _written(n: int = 240) -> Records:
    """Prompts put together of the written ones' sentences. The labels are drawn by lot: only time is measured."""
    rng = random.Random(SEED)
    sentences = [part.strip() + "." for prompt, _ in PAIRS for part in prompt.split(". ")]
    queries = []
    for number in range(n):
        prompt = f"{number}. {' '.join(rng.sample(sentences, 2))}"
        request = Request(messages=as_messages(prompt))
        outcomes = tuple(_invented(rng, prompt, share) for share in (0.5, 0.8))
        queries.append(
            Query(
                id=str(number),
                request=request,
                outcomes=outcomes,
                split=SPLITS[number % len(SPLITS)],
                split_key=request.prompt_hash,
            )
        )
    return Records(LADDER.names, tuple(queries))


def _invented(rng: random.Random, prompt: str, share: float) -> Outcome:
    answer = rng.choice(PAIRS)[1]
    usage = Usage(input_tokens=_count(prompt), output_tokens=_count(answer))
    return Outcome(Completion(text=answer, usage=usage, stop="end"), float(rng.random() < share))


def _count(text: str) -> int:
    return max(1, round(len(text) / CHARS_PER_TOKEN))


def rows() -> list[dict[str, Any]]:
    """The written prompts with their answers, a log-probability for each token, and the five likeliest at its place."""
    rng = random.Random(SEED)
    found = []
    for prompt, answer in PAIRS:
        tops = []
        for _ in range(_count(answer)):
            first = -rng.expovariate(2.0)
            tops.append([first, *sorted((first - rng.expovariate(0.5) for _ in range(4)), reverse=True)])
        found.append(
            {
                "prompt": prompt,
                "answer": answer,
                "input_tokens": _count(prompt),
                "tokens": ["t"] * len(tops),
                "logprobs": [top[0] for top in tops],
                "top_logprobs": tops,
            }
        )
    return found


def bundle_path() -> Path:
    """The bundle that the package carries."""
    if not BUNDLE.is_file():
        raise SystemExit(f"{BUNDLE.relative_to(ROOT)} is missing; make it with `tierwise train fit`")
    return BUNDLE
