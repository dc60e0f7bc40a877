"""Public benchmarks as records: other people's answers and labels, read from where they were put.

The files are not part of the package. They are looked for in ``$TIERWISE_BENCHMARKS``, else in ``../shared/data``
beside the checkout.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from router.errors import InputError
from router.pricing import Price, per_million
from router.tiers import Ladder, Tier
from router.types import Completion, Logprobs, Request, Usage, as_messages
from training.long_format import write_records
from training.records import Outcome, Query, Records
from training.splits import resplit

__all__ = ["NAMES", "folder", "load", "resplit", "routellm", "rows", "write", "zellinger"]

Pool = Literal["llama3", "gpt4o"]
Task = Literal["gsm8k", "mmlu", "mt_bench"]

CHARACTERS_PER_TOKEN = 4
"""By which tokens are estimated where the source has none; said in the records' facts."""

LEAST_LOGPROB = -30.0
"""Where log-probabilities are clipped; some sources have minus infinity."""

_TASKS = frozenset({"mmlu", "medmcqa", "triviaqa", "truthfulqa"})
_ZELLINGER: Mapping[Pool, Mapping[str, tuple[str, str]]] = {
    "llama3": {"llama3.1-8b": ("0.2", "0.2"), "llama3.1-70b": ("0.9", "0.9"), "llama3.1-405b": ("3", "3")},
    "gpt4o": {"gpt-4o-mini": ("0.15", "0.6"), "qwen2.5-72b-instruct": ("0.9", "0.9"), "gpt-4o": ("2.5", "10")},
}
_ROUTELLM = {"mistralai/Mixtral-8x7B-Instruct-v0.1": ("0.6", "0.6"), "gpt-4-1106-preview": ("10", "30")}


_NOWHERE = "https://benchmark.invalid"
"""Where the tiers are said to be: a model that its vendor has shut down can still be judged."""


def folder() -> Path:
    """Return where the public files are looked for."""
    return Path(os.environ.get("TIERWISE_BENCHMARKS") or Path(__file__).parents[2] / "shared" / "data")


def zellinger(pool: Pool) -> tuple[Records, Ladder]:
    """Return the 5,233 queries of "Rational Tuning of LLM Cascades" (arXiv 2501.09345) with three models' answers.

    Tasks: MMLU, MedMCQA, TriviaQA and TruthfulQA, every query at every tier, all in split "train": see
    :func:`resplit`. The confidence log-probability becomes the one of a single token, clipped at -30. On TriviaQA and
    TruthfulQA it comes from a second call in which the model checks itself, and the logged cost includes that call
    while the logged tokens do not. So the input tokens are reckoned back from the cost, which makes price times
    tokens equal to the logged cost to half a token. No licence is stated: evaluate only, ship nothing trained on it.

    Raises:
        InputError: the pool is unknown, or the file is not there.
    """
    if pool not in _ZELLINGER:
        raise InputError(f"pool={pool!r} is none of {', '.join(_ZELLINGER)}")
    prices = _ZELLINGER[pool]
    logged = [row for row in rows("zellinger_cascades") if row["model"] in prices and row["task"] in _TASKS]
    facts = {
        "kind": "full",
        "source": "zellinger_cascades",
        "use": "evaluate only",
        "tokens": "input tokens reckoned back from the logged cost, which includes the self-check call",
    }
    return _records(logged, prices, tokens=partial(_logged, prices), facts=facts)


def routellm(task: Task) -> tuple[Records, Ladder]:
    """Return RouteLLM's evaluation set of ``task`` (arXiv 2406.18665) without the contaminated prompts.

    Mixtral 8x7B against GPT-4 Turbo: 1,307 queries of GSM8K with both answers, 14,037 of MMLU with labels alone, or the
    72 two-turn conversations of MT-Bench, each one query: its request is the first turn, by which it is routed, its
    answer the one to that, its quality the mean of both turns' judge scores, a tenth of what they are out of 10, and
    its tokens those of both calls. All are in split "train": see :func:`resplit`. The source counts no tokens: they
    are estimated at four characters a token, and where there is no answer its length is taken to be one token.

    Raises:
        InputError: the task is unknown, or the file is not there.
    """
    if task not in get_args(Task):
        raise InputError(f"task={task!r} is none of {', '.join(get_args(Task))}")
    kept = [row for row in rows("routellm", task=task) if not row["contaminated"]]
    facts = {"kind": "full", "source": "routellm", "tokens": "estimated at four characters a token"}
    if task == "mt_bench":
        return _records(_conversations(kept), _ROUTELLM, tokens=_counted, facts=facts)
    return _records(kept, _ROUTELLM, tokens=_estimated, facts=facts)


NAMES: Mapping[str, Callable[[], tuple[Records, Ladder]]] = MappingProxyType(
    {
        "zellinger-llama3": partial(zellinger, "llama3"),
        "zellinger-gpt4o": partial(zellinger, "gpt4o"),
        "routellm-gsm8k": partial(routellm, "gsm8k"),
        "routellm-mmlu": partial(routellm, "mmlu"),
    }
)


def load(name: str) -> tuple[Records, Ladder]:
    """Return the benchmark of that name: see ``NAMES``.

    Raises:
        InputError: there is none, or its file is not there.
    """
    if name not in NAMES:
        raise InputError(f"there is no public data {name!r}; there is {', '.join(NAMES)}")
    return NAMES[name]()


def write(name: str, out: Path, *, seed: int = 0) -> tuple[Path, Path]:
    """Write the benchmark, split by ``seed``, as labels.parquet and tierwise.toml into the folder ``out``.

    The tiers' api is "fake": with this configuration a policy can be trained and judged, and nothing be sent.

    Raises:
        InputError: there is no such benchmark, its file is not there, or ``out`` cannot be written.
    """
    records, ladder = load(name)
    labels, config = out / "labels.parquet", out / "tierwise.toml"
    try:
        out.mkdir(parents=True, exist_ok=True)
        config.write_text(_toml(name, ladder), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out}: it cannot be written ({error.strerror}); choose another folder") from None
    write_records(resplit(records, seed), labels)
    return labels, config


def rows(name: str, *, task: str | None = None, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of one public file, one a query and model (and turn), as they stand there.

    ``task`` and ``columns`` leave the others out.

    Raises:
        InputError: the file is not there.
    """
    from pyarrow import parquet

    path = folder() / f"{name}.parquet"
    if not path.is_file():
        raise InputError(
            f"{path}: the public benchmark data is not there; say in TIERWISE_BENCHMARKS which folder has {path.name}"
        )
    wanted = None if task is None else [("task", "==", task)]
    listed = None if columns is None else list(columns)
    read: list[dict[str, Any]] = parquet.read_table(path, columns=listed, filters=wanted).to_pylist()
    return read


def _ladder(prices: Mapping[str, tuple[str, str]], *, logprobs: bool) -> Ladder:
    return Ladder(
        tuple(
            Tier(
                name=_tier(model),
                api="fake",
                model=model,
                price=Price(rates=per_million(input=input, output=output)),
                base_url=_NOWHERE,
                context=131_072,
                logprobs=logprobs,
            )
            for model, (input, output) in prices.items()
        )
    )


def _tier(model: str) -> str:
    return model.rpartition("/")[2].lower()


def _records(
    rows: Iterable[Mapping[str, Any]],
    prices: Mapping[str, tuple[str, str]],
    *,
    tokens: Callable[[Mapping[str, Any]], Usage],
    facts: Mapping[str, Any],
) -> tuple[Records, Ladder]:
    grouped: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["query_id"], {})[row["model"]] = row
    queries = []
    for id, by_model in grouped.items():
        first = next(iter(by_model.values()))
        request = Request(messages=as_messages(first["prompt"], system=first.get("system_prompt")))
        queries.append(
            Query(
                id=id,
                request=request,
                outcomes=tuple(_outcome(by_model[model], tokens(by_model[model])) for model in prices),
                split="train",
                split_key=request.prompt_hash,
                task=first["task"],
            )
        )
    logprobs = any(
        outcome is not None and outcome.completion.logprobs is not None
        for query in queries
        for outcome in query.outcomes
    )
    ladder = _ladder(prices, logprobs=logprobs)
    return Records(ladder.names, tuple(queries), facts), ladder


def _outcome(row: Mapping[str, Any], usage: Usage) -> Outcome:
    surety = row["conf_logprob"]
    known = surety is not None and not math.isnan(surety)
    values = (min(max(surety, LEAST_LOGPROB), 0.0),) if known else ()
    return Outcome(
        Completion(
            text=row["response"] or "",
            usage=usage,
            stop="end",
            logprobs=Logprobs(tokens=("",), values=values) if known else None,
            latency=(row["latency_ms"] or 0.0) / 1000,
        ),
        quality=float(row["quality"]),
        source="test",
    )


def _logged(prices: Mapping[str, tuple[str, str]], row: Mapping[str, Any]) -> Usage:
    input, output = map(float, prices[row["model"]])
    spoken = row["output_tokens"]
    return Usage(input_tokens=round((row["cost_usd"] * 1e6 - spoken * output) / input), output_tokens=spoken)


def _conversations(turns: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row per conversation and model of a file that has one per turn; the second call carries the first answer."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in sorted(turns, key=lambda row: row["turn"]):
        grouped.setdefault((row["query_id"].rpartition("/")[0], row["model"]), []).append(row)
    for (id, _), (first, second) in grouped.items():
        calls = (_estimated(first), _estimated(second))
        yield {
            **first,
            "query_id": id,
            "quality": (first["quality"] + second["quality"]) / 2,
            "input_tokens": sum(call.input_tokens for call in calls) + calls[0].output_tokens,
            "output_tokens": sum(call.output_tokens for call in calls),
        }


def _counted(row: Mapping[str, Any]) -> Usage:
    return Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"])


def _estimated(row: Mapping[str, Any]) -> Usage:
    return Usage(input_tokens=_count(row["prompt"]), output_tokens=_count(row["response"] or ""))


def _count(text: str) -> int:
    return max(1, math.ceil(len(text) / CHARACTERS_PER_TOKEN))


def _toml(name: str, ladder: Ladder) -> str:
    lines = [f"# The tiers of the public benchmark {name}. Nothing can be sent with them."]
    for tier in ladder.tiers:
        rates = tier.price.rates
        lines += [
            "",
            "[[tiers]]",
            f'name = "{tier.name}"',
            f'model = "{tier.model}"',
            f'api = "{tier.api}"',
            f'base_url = "{tier.base_url}"',
            f"context = {tier.context}",
            f"max_tokens = {tier.max_tokens}",
            f"price = {{ input = {rates.input / 1e6:g}, output = {rates.output / 1e6:g} }}",
            f"logprobs = {str(tier.logprobs).lower()}",
        ]
    return "\n".join(lines) + "\n"
