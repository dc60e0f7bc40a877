"""Prompts and answers of a wanted length, put together of logged ones."""

from __future__ import annotations

import random
from collections.abc import Sequence

from router.errors import InputError
from router.types import Completion, Logprobs, Usage
from training.records import Query, Records

_NEAR = 0.2
_ENOUGH = 0.95


def sized_prompts(records: Records, *, tokens: int, n: int, seed: int) -> list[str]:
    """``n`` prompts that are ``tokens`` long give or take a fifth: single ones where there are enough, else several
    joined by blank lines.

    Raises:
        InputError: there is no prompt whose tokens were counted.
    """
    rng = random.Random(seed)
    queries = list(records.queries)
    rng.shuffle(queries)
    sizes = {query.id: _tokens(query) for query in queries}
    single = [query for query in queries if abs(sizes[query.id] - tokens) <= _NEAR * tokens]
    if len(single) >= n:
        return [query.request.text for query in single[:n]]
    queries = [query for query in queries if sizes[query.id] > 0]
    if not queries:
        raise InputError("no prompt's tokens were counted, so none of a wanted length can be made; log the usage")
    joined = []
    for _ in range(n):
        parts, size = [], 0.0
        while size < _ENOUGH * tokens:
            query = rng.choice(queries)
            parts.append(query.request.text)
            size += sizes[query.id]
        joined.append("\n\n".join(parts))
    return joined


def sized_answers(records: Records, *, rank: int, tokens: int, n: int, seed: int) -> list[Completion]:
    """``n`` answers of exactly ``tokens`` tokens: logged ones of the tier ``rank`` one after the other, with their
    log-probabilities and those of the likeliest tokens where all of them have these.

    Raises:
        InputError: that tier has no answers with log-probabilities.
    """
    rng = random.Random(seed)
    logged = [
        outcome.completion.logprobs
        for query in records.queries
        if (outcome := query.outcomes[rank]) is not None
        and outcome.completion.logprobs is not None
        and outcome.completion.logprobs.tokens
    ]
    if not logged:
        raise InputError(f"tier {records.tiers[rank]!r} has no answers with log-probabilities to put together")
    return [_joined(logged, tokens, rng) for _ in range(n)]


def _joined(logged: Sequence[Logprobs], size: int, rng: random.Random) -> Completion:
    parts: list[Logprobs] = []
    while sum(len(part.tokens) for part in parts) < size:
        parts.append(rng.choice(logged))
    tokens = tuple(token for part in parts for token in part.tokens)[:size]
    top = all(len(part.top) == len(part.tokens) for part in parts)
    return Completion(
        text="".join(tokens),
        usage=Usage(input_tokens=size, output_tokens=size),
        stop="end",
        logprobs=Logprobs(
            tokens=tokens,
            values=tuple(value for part in parts for value in part.values)[:size],
            top=tuple(row for part in parts for row in part.top)[:size] if top else (),
        ),
    )


def _tokens(query: Query) -> float:
    """How long the prompt is, as the first tier that says so counted it; 0 where none did."""
    for outcome in query.outcomes:
        if outcome is not None and outcome.completion.usage is not None:
            return float(outcome.completion.usage.prompt_tokens)
    return 0.0
