"""The ledger's tables as SQLAlchemy sees them, and the statements that write them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Dialect, Double, Integer, TableClause, Text, column, table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from router.ledger.codec import ATTEMPT_COLUMNS, DECISION_COLUMNS
from router.types import Usage

_REALS = {"created", "latency", "propensity", "confidence", "threshold"}
_COUNTS = {"cost_nano", "strong_cost_nano", "best_single_cost_nano", "calls", *Usage.__slots__}
_SMALL = {"escalated", "seq"}


def _type(name: str) -> TypeEngine[float] | TypeEngine[int] | TypeEngine[str]:
    return Double() if name in _REALS else BigInteger() if name in _COUNTS else Integer() if name in _SMALL else Text()


decisions = table("decisions", *(column(name, _type(name)) for name in DECISION_COLUMNS))
attempts = table("attempts", *(column(name, _type(name)) for name in ATTEMPT_COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inserts:
    """The two insert statements as SQL text, with a placeholder for each column in order.

    Inserting a decision whose id is there already changes nothing and reports no row.
    """

    decision: str
    attempt: str


def inserts(dialect: Dialect) -> Inserts:
    """Compile the insert statements once, since compiling costs more than running them."""
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert

    def compiled(into: TableClause) -> str:
        return str(insert(into).values(dict.fromkeys(into.c.keys())).compile(dialect=dialect))

    return Inserts(
        decision=compiled(decisions) + " ON CONFLICT (id) DO NOTHING",
        attempt=compiled(attempts),
    )
