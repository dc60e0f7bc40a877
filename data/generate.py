"""Make the sample's prompts: seeded, without network, the same on every machine.

python -m data.generate                 counts by family, level and split
python -m data.generate --jsonl FILE    the prompts, one JSON object a line
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data.families import FAMILIES, Family, Item

Split = Literal["fit", "calibrate", "tune", "test"]

SEED = 20261123
SHARES: dict[Split, int] = {"fit": 9, "calibrate": 3, "tune": 3, "test": 5}
"""Items of each split in every twenty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One graded question as the models read it; ``item`` is what it asks, whatever the wording and examples."""

    query_id: str
    task: str
    level: int
    item: str
    prompt: str
    accepted: tuple[str, ...]
    exact_case: bool
    split: Split
    split_key: str


def generate(*, seed: int = SEED, limit: int | None = None, families: Sequence[Family] = FAMILIES) -> list[Prompt]:
    """Every prompt of the sample, in a mixed order; ``limit`` takes that many a family, for a pilot."""
    prompts = [prompt for family in families for prompt in _family(family, seed=seed, limit=limit)]
    random.Random(f"{seed}:order").shuffle(prompts)
    return prompts


def split_key(prompt: str) -> str:
    """SHA-256 of ``prompt`` with its white space folded."""
    return hashlib.sha256(" ".join(prompt.split()).encode()).hexdigest()


def _family(family: Family, *, seed: int, limit: int | None) -> Iterator[Prompt]:
    rng = random.Random(f"{seed}:{family.name}")
    items = family.items(rng)
    splits = _splits(items, rng=random.Random(f"{seed}:{family.name}:split"))
    seen: set[str] = set()
    for item in _rotation(items, deal=family.deal, rng=rng):
        if len(seen) == min(limit or family.size, family.size):
            return
        text = _wording(family, item, items=items, rng=rng)
        key = split_key(text)
        if key not in seen:
            seen.add(key)
            yield Prompt(
                query_id=f"{family.name}-{len(seen):04d}",
                task=family.name,
                level=item.level,
                item=f"{family.name}:{item.key}",
                prompt=text,
                accepted=item.answers,
                exact_case=family.exact_case,
                split=splits[item.key],
                split_key=key,
            )


def _rotation(items: Sequence[Item], *, deal: Sequence[int], rng: random.Random) -> Iterator[Item]:
    """Deal items without end, levels in their turns, each item as often as the others of its level."""
    by_level: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        by_level[item.level].append(item)
    hands: dict[int, list[Item]] = {level: [] for level in sorted(by_level)}
    while True:
        for level in deal or tuple(hands):
            hand = hands[level]
            if not hand:
                hand.extend(rng.sample(by_level[level], len(by_level[level])))
            yield hand.pop()


def _wording(family: Family, item: Item, *, items: Sequence[Item], rng: random.Random) -> str:
    """Put a question to the models: now and then a header, two to four worked examples, then the question."""
    form = rng.choice(family.forms)
    gap = rng.choice(("\n\n", "\n")) if "\n" in form else "\n"
    pool = [
        other
        for other in items
        if other.key != item.key and other.group == item.group and other.level <= max(item.level, 2)
    ]
    examples = rng.sample(pool, min(rng.choice((2, 3, 3, 4)), len(pool)))
    parts = [f"{form.format(*other.fields)} {other.answers[0]}" for other in examples]
    if family.headers and rng.random() < 0.3:
        parts.insert(0, rng.choice(family.headers))
    return gap.join([*parts, form.format(*item.fields)])


def _splits(items: Sequence[Item], *, rng: random.Random) -> dict[str, Split]:
    """Give each item key a split: blocks of twenty, from easy to hard, are dealt 9, 3, 3 and 5."""
    levels: dict[str, int] = {}
    for item in items:
        levels.setdefault(item.key, item.level)
    keys = rng.sample(sorted(levels), len(levels))
    keys.sort(key=levels.__getitem__)
    block: list[Split] = []
    dealt: dict[str, Split] = {}
    for key in keys:
        if not block:
            block = [split for split, share in SHARES.items() for _ in range(share)]
            rng.shuffle(block)
        dealt[key] = block.pop()
    return dealt


def main() -> None:
    """Print what the generator makes, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--limit", type=int, help="prompts a family")
    parser.add_argument("--jsonl", type=Path)
    options = parser.parse_args()
    prompts = generate(seed=options.seed, limit=options.limit)
    if options.jsonl:
        lines = [json.dumps(dataclasses.asdict(prompt), ensure_ascii=False) for prompt in prompts]
        options.jsonl.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for column in ("task", "level", "split"):
        counts = Counter(getattr(prompt, column) for prompt in prompts)
        print(column, dict(sorted(counts.items(), key=str)))
    print(len(prompts), "prompts,", len({prompt.item for prompt in prompts}), "items")


if __name__ == "__main__":
    main()
