"""A router over an instant provider, for the benchmarks that route."""

from __future__ import annotations

from typing import Any

from router import Completion, Config, FakeProvider, Ladder, PolicyBundle, Request, Router, Tier, Usage
from router.pricing import Price, per_million
from router.types import Logprobs


def ladder_for(bundle: PolicyBundle) -> Ladder:
    """The bundle's tiers, each ten times the price of the one before, behind the fake provider."""
    return Ladder(
        tuple(
            Tier(
                name=name, api="fake", model=model, price=Price(rates=per_million(input=10.0**at, output=4 * 10.0**at))
            )
            for at, (name, model) in enumerate(zip(bundle.tiers, bundle.models, strict=True))
        )
    )


def provider_for(names: tuple[str, ...], rows: list[dict[str, Any]]) -> FakeProvider:
    """A provider that answers each prompt at once, as its row says, with log-probabilities of every token."""
    answers = {row["prompt"]: completion(row) for row in rows}

    def reply(request: Request) -> Completion:
        return answers[request.text]

    return FakeProvider(dict.fromkeys(names, reply))


def completion(row: dict[str, Any]) -> Completion:
    """The answer of a row."""
    logprobs = Logprobs(
        tokens=tuple(row["tokens"]), values=tuple(row["logprobs"]), top=tuple(map(tuple, row["top_logprobs"]))
    )
    usage = Usage(input_tokens=row["input_tokens"], output_tokens=len(row["tokens"]))
    return Completion(text=row["answer"], usage=usage, stop="end", logprobs=logprobs)


def router_for(bundle: PolicyBundle, provider: FakeProvider, *, ledger: dict[str, Any]) -> Router:
    """A router over ``provider``; ``ledger`` as it would stand in tierwise.toml."""
    return Router.from_config(Config.of(ladder_for(bundle).tiers, ledger=ledger), provider=provider, bundle=bundle)
