"""The levers on the sample's REAL prompts and answers, as far as its log can tell."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.month.clock import Clock
from benchmarks.month.levers import CACHE, SEMANTIC, SHORTEN
from benchmarks.month.stage import Stage
from benchmarks.month.texts import DATA
from router.cache.semantic.fitting import upper
from router.config import Config
from router.config.load import load
from router.decision import Response
from router.drivers import run
from router.ops import Send
from router.planning import plan_of
from router.pricing import usd
from router.providers.anthropic import CACHEABLE
from router.shorten.estimate import tokens_in
from router.shorten.shortening import shortened
from router.tiers import Tier
from router.types import Completion, Usage
from training.records import Query, Records, read

STRONGEST = "large"
DRAWS = 1000
PER = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the sample's table: USD per 1,000 requests, share saved, right answers with what was lost of them.

    None where the log cannot tell; ``note`` says why, and what was counted.
    """

    name: str
    title: str
    cost: float | None
    saved: float | None
    right: float | None
    right_lost: float | None
    right_lost_interval: tuple[float, float] | None
    hits: int = 0
    wrong_hits: int = 0
    wrong_at_most: float | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One request: its cost, whether the answer was right, and how the cache answered."""

    cost: int
    right: float
    hit: bool = False
    wrong_hit: bool = False
    calls: int = 1


def lines(folder: Path, *, count: int | None, report: Callable[[str], None]) -> dict[str, Any]:
    """Every lever on the test rows (the first ``count``), beside always asking the strongest tier.

    ``folder`` holds the cache's fit.
    """
    config = _config(folder, "")
    records = read(DATA / "sample.parquet", config.tiers).split("test")
    records = replace(records, queries=records.queries[:count])
    base = _replayed(records, config, routed=False)
    most = _bound(records.queries)
    output = f"[output]\nlevels = [{{ complexity = 1.0, max_tokens = {most} }}]\n"
    report(f"the sample: {len(records):,} test prompts")
    runs = {
        "routing": ("Routing, the shipped bundle", _replayed(records, config, routed=True)),
        "exact": ("Exact cache", _replayed(records, _config(folder, CACHE), routed=False)),
        "semantic": ("Exact and semantic cache", _replayed(records, _config(folder, CACHE + SEMANTIC), routed=False)),
        "output": ("Output bound", _replayed(records, _config(folder, output), routed=False)),
    }
    together = _replayed(records, _config(folder, CACHE + SEMANTIC), routed=True)
    notes = {
        "routing": "as `tierwise train evaluate` replays it",
        "exact": f"{len(records) - len({query.request.prompt_hash for query in records.queries})} prompts repeat "
        "another word for word",
        "semantic": f"{_hits(runs['semantic'][1])}; right is the same question in another wording, by the sample's own "
        "key; all within the time that answers are kept",
        "output": f"at most {most} tokens, which nine of ten of its answers fit: "
        f"{sum(each.calls - 1 for each in runs['output'][1])} were cut off and asked again. A bound protects budgets; "
        "it saves nothing",
    }
    found = [_line("baseline", "Always the strongest tier", base, base, records, "")]
    found += [_line(name, title, seen, base, records, notes[name]) for name, (title, seen) in runs.items()]
    found += [_shorter(records, config, folder), _kept(records), _batch(records, config.tiers.tiers[-1])]
    found.append(
        _line(
            "all",
            "Routing and both caches",
            together,
            base,
            records,
            f"{_hits(together)}; what a log can replay together: a prompt with an instruction has no logged answer",
        )
    )
    return {"requests": len(records), "lines": [line.as_dict() for line in found]}


def _hits(seen: list[_Seen]) -> str:
    return f"{sum(each.hit for each in seen)} hits, {sum(each.wrong_hit for each in seen)} of them wrong"


def _config(folder: Path, tables: str) -> Config:
    path = folder / "sample.toml"
    path.write_text(f'preset = "local"\n[ledger]\nenabled = false\n{tables}', encoding="utf-8")
    return load(path)


def _bound(queries: Sequence[Query]) -> int:
    """The tokens that nine of ten of the strongest tier's answers fit."""
    lengths = sorted(_usage(query, -1).output_tokens for query in queries)
    return lengths[min(math.ceil(0.9 * len(lengths)), len(lengths) - 1)]


def _replayed(records: Records, config: Config, *, routed: bool) -> list[_Seen]:
    """Serve every prompt through the pipeline from its logged answers."""
    known = {query.id: query for query in records.queries}
    ladder = config.tiers

    def send(op: Send) -> Completion:
        assert op.request.session is not None
        outcome = known[op.request.session].outcomes[ladder.rank(op.tier.name, where="tier")]
        assert outcome is not None
        return _cut(outcome.completion, op.request.max_tokens)

    clock = Clock()
    stage = Stage(config, plan_of(config), clock, send)
    seen = []
    try:
        for query in records.queries:
            request = replace(query.request, session=query.id, floor=None if routed else STRONGEST)
            seen.append(_outcome(query, stage.route(request, id=query.id), known, config))
            clock.now += 1.0
    finally:
        stage.close()
    return seen


def _outcome(query: Query, response: Response, known: dict[str, Query], config: Config) -> _Seen:
    decision = response.decision
    assert decision.tier is not None
    origin = query if decision.cache is None else known[decision.cache.decision]
    wrong = origin.split_key != query.split_key
    quality = origin.qualities[config.tiers.rank(decision.tier, where="tier")]
    return _Seen(
        cost=decision.cost,
        right=0.0 if wrong else quality,
        hit=decision.cache is not None,
        wrong_hit=wrong,
        calls=sum(attempt.calls for attempt in decision.attempts),
    )


def _cut(answer: Completion, most: int | None) -> Completion:
    """The logged answer as far as ``most`` tokens go: what the same model says at temperature 0 under that bound."""
    assert answer.usage is not None
    if most is None or answer.usage.output_tokens <= most:
        return answer
    tokens = () if answer.logprobs is None else answer.logprobs.tokens
    usage = replace(answer.usage, output_tokens=most)
    return replace(answer, text="".join(tokens[:most]), usage=usage, stop="length", logprobs=None)


def _line(name: str, title: str, seen: list[_Seen], base: list[_Seen], records: Records, note: str) -> Line:
    cost, before = sum(each.cost for each in seen), sum(each.cost for each in base)
    lost = [was.right - now.right for was, now in zip(base, seen, strict=True)]
    hits, wrong = sum(each.hit for each in seen), sum(each.wrong_hit for each in seen)
    return Line(
        name=name,
        title=title,
        cost=usd(cost) / len(seen) * PER,
        saved=1 - cost / before,
        right=statistics.fmean(each.right for each in seen),
        right_lost=statistics.fmean(lost),
        right_lost_interval=_interval(lost, [query.split_key for query in records.queries]),
        hits=hits,
        wrong_hits=wrong,
        wrong_at_most=upper(wrong, hits, confidence=0.95) if hits else None,
        note=note,
    )


def _interval(lost: list[float], keys: list[str]) -> tuple[float, float]:
    """95 %, by a bootstrap over questions, of which several prompts may be wordings."""
    groups: dict[str, list[float]] = {}
    for key, each in zip(keys, lost, strict=True):
        groups.setdefault(key, []).append(each)
    sums = [(sum(each), len(each)) for each in groups.values()]
    chance = random.Random(0)
    means = []
    for _ in range(DRAWS):
        drawn = chance.choices(sums, k=len(sums))
        means.append(sum(each for each, _ in drawn) / sum(count for _, count in drawn))
    means.sort()
    return means[round(0.025 * (DRAWS - 1))], means[round(0.975 * (DRAWS - 1))]


def _shorter(records: Records, config: Config, folder: Path) -> Line:
    """What the stages make of the real prompts; their answers were not asked again here."""
    settings = _config(folder, SHORTEN).shorten
    assessor = plan_of(config).assessor
    before = after = changed = 0
    for query in records.queries:
        short = run(shortened(query.request, settings, assessor), {}).request
        before, after = before + tokens_in(query.request.messages), after + tokens_in(short.messages)
        changed += short.messages != query.request.messages
    untold = "; what the answers would be then, the log does not say" if changed else ", so every answer stays"
    return Line(
        name="shorten",
        title="Shorter prompts",
        cost=None,
        saved=None if changed else 0.0,
        right=None,
        right_lost=None,
        right_lost_interval=None,
        note=f"{changed} prompts change, and {1 - after / before:.1%} of their tokens go{untold}. They are single "
        "lines without documents or history; what shortening costs real answers: "
        "`python benchmarks/bench.py --only shorten_all`",
    )


def _kept(records: Records) -> Line:
    longest = max(tokens_in(query.request.messages) for query in records.queries)
    long = sum(tokens_in(query.request.messages) >= CACHEABLE for query in records.queries)
    return Line(
        name="prompt_cache",
        title="Provider's prompt cache",
        cost=None,
        saved=0.0 if long == 0 else None,
        right=None,
        right_lost=None,
        right_lost_interval=None,
        note=f"{long} prompts have the {CACHEABLE:,} tokens from which a provider keeps anything; the longest has "
        f"{longest}",
    )


def _batch(records: Records, tier: Tier) -> Line:
    usages = [_usage(query, -1) for query in records.queries]
    whole, batched = (sum(tier.cost(usage, batch=batch) for usage in usages) for batch in (False, True))
    priced = tier.price.batch is not None
    return Line(
        name="batch",
        title="Batch prices",
        cost=usd(batched) / len(usages) * PER,
        saved=1 - batched / whole,
        right=None,
        right_lost=None,
        right_lost_interval=None,
        note="" if priced else "models on one's own machine have no batch price",
    )


def _usage(query: Query, rank: int) -> Usage:
    outcome = query.outcomes[rank]
    assert outcome is not None
    assert outcome.completion.usage is not None
    return outcome.completion.usage
