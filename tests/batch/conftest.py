"""A vendor with batch APIs on loopback, and routers whose tiers are there."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from router.config import Config
from router.decision import Response
from router.engine import Router
from router.plan import Plan
from router.policy import Thresholds
from router.pricing import price_of
from router.providers.clients import Clients
from router.tiers import Api, Ladder, Tier
from tests.kit import Book, Scripted, plan

_SOURCE = Path(__file__).parents[2] / "benchmarks" / "batch_vendor.py"
_SPEC = importlib.util.spec_from_file_location("batch_vendor", _SOURCE)
assert _SPEC is not None
assert _SPEC.loader is not None
batch_vendor = importlib.util.module_from_spec(_SPEC)
sys.modules["batch_vendor"] = batch_vendor
_SPEC.loader.exec_module(batch_vendor)

FAST = {"poll": 0.01, "window": 0, "grace": 0}
PRICE = price_of({"input": 1, "output": 2, "batch_input": 0.5, "batch_output": 1})


class BySureness(Scripted):
    """An answer that says that it is sure is good, another is not."""

    def observe(self, evidence, rank, completion):
        quality = tuple(
            (0.95 if completion.text.startswith("sure") else 0.1) if place == rank else chance
            for place, chance in enumerate(evidence.quality)
        )
        observed = super().observe(evidence, rank, completion)
        return type(observed)(request=observed.request, quality=quality, cost=observed.cost, answers=observed.answers)


def ladder_at(url: str, api: Api = "openai-chat", **changes: Any) -> Ladder:
    """Two tiers at the vendor."""
    base = url if api == "anthropic" else f"{url}/v1"
    return Ladder(
        tuple(
            Tier(name=name, api=api, model=f"m-{name}", price=PRICE, base_url=base, **changes)
            for name in ("small", "large")
        )
    )


def plan_of(ladder: Ladder) -> Plan:
    """Begins at the small tier, and escalates what it is not sure of."""
    return plan(ladder, Thresholds(start=(0.5, 0.5), accept=(0.8, 0.8)), BySureness((0.6, 0.9)))


def router_at(
    ladder: Ladder, *, book: Book | None = None, provider: Any = None, batch: dict[str, Any] | None = None, **more: Any
) -> Router:
    """A router with real clients; both tiers have a batch API unless ``batch`` says otherwise."""
    settings = {**FAST, "tiers": list(ladder.names), **(batch or {})}
    config = Config.of(ladder.tiers, batch={k: v for k, v in settings.items() if v is not None}, **more)
    made = plan_of(ladder)
    gates = {name: getattr(config, name) for name in ("budgets", "limits")}
    if any(gates.values()) or config.cache is not None:
        from dataclasses import replace

        from router.gates import Gates

        made = replace(made, gates=Gates(**gates) if any(gates.values()) else None, cache=config.cache)
    return Router(config, plan=made, provider=provider or Clients(environ={}), ledger=book or Book())  # type: ignore[arg-type]


@pytest.fixture
def vendor() -> Iterator[Any]:
    with batch_vendor.serving() as made:
        yield made


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a batch file of rows, each a mapping or the text of a line."""

    def written(*rows: Any, name: str = "in.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
        return path

    return written


def answers(path: Path) -> list[dict[str, Any]]:
    """The lines of an output."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(router: Router, source: Path, **options: Any) -> Any:
    """Run a file and close the router."""
    with closing(router):
        return router.batch(source, out=source.with_name("out.jsonl"), **options)


__all__ = ["Response", "answers", "batch_vendor", "ladder_at", "plan_of", "router_at", "run"]
