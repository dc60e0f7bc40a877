"""Ledgers with traffic that is written down, for plans to be checked by hand."""

from __future__ import annotations

from pathlib import Path

from router.ledger import Keep, Ledger
from router.tiers import Ladder
from router.types import Message, Request, Usage
from tests.kit import tier
from tests.ledger.samples import attempt, decision

MONDAY = 1_793_577_600.0
"""2026-11-02 00:00 UTC, in seconds since the epoch."""

HOUR, DAY = 3600.0, 86_400.0

LADDER = Ladder((tier("small", input=1.0, output=2.0), tier("large", input=10.0, output=20.0)))


def book(folder: Path, *, keep: str = "text") -> Ledger:
    """An empty ledger."""
    folder.mkdir(exist_ok=True)
    opened = Ledger(folder / "ledger.db", keep=Keep(default=keep))  # type: ignore[arg-type]
    opened.open()
    return opened


def asked(prompt: str = "Which planet is the largest?", *, system: str = "", **changes: object) -> Request:
    """A request, with a system prompt where there is one."""
    head = (Message(role="system", content=system),) if system else ()
    return Request(messages=(*head, Message(role="user", content=prompt)), **changes)  # type: ignore[arg-type]


def add(
    ledger: Ledger,
    id: str,
    created: float,
    *,
    by: str = "large",
    read: int = 1000,
    cached: int = 0,
    written: int = 100,
    cost: int | None = None,
    request: Request | None = None,
    stop: str = "end",
    **changes: object,
) -> None:
    """Write down one request that tier ``by`` answered, at the prices of :data:`LADDER` unless ``cost`` says else."""
    usage = Usage(input_tokens=read, cached_input_tokens=cached, output_tokens=written)
    answered = LADDER[LADDER.rank(by, where="by")]
    paid = answered.cost(usage) if cost is None else cost
    asked_for = request or asked()
    values: dict[str, object] = {
        "attempts": (attempt(by, usage=usage, cost=paid, stop=stop, model=answered.model),),
        "prompt_hash": asked_for.prompt_hash,
        "strong_cost": LADDER[1].cost(usage),
        "best_single_cost": None,
        "user": asked_for.user,
        "session": asked_for.session,
        "tags": dict(asked_for.tags),
    }
    ledger.append(decision(id, created=created, **(values | changes)), asked_for)
