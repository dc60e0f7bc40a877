"""The ledger's tables as SQLAlchemy sees them, and the statements that write them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Dialect, Double, Integer, TableClause, Text, bindparam, column, select, table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from router.ledger.codec import ATTEMPT_COLUMNS, DECISION_COLUMNS
from router.ledger.label import LABEL_COLUMNS, LABEL_KEY
from router.types import Usage

_REALS = {"created", "latency", "propensity", "audit", "confidence", "threshold", "quality", "weight"}
_COUNTS = {"cost_nano", "strong_cost_nano", "best_single_cost_nano", "calls", *Usage.__slots__}
_SMALL = {"escalated", "seq"}


def _type(name: str) -> TypeEngine[float] | TypeEngine[int] | TypeEngine[str]:
    return Double() if name in _REALS else BigInteger() if name in _COUNTS else Integer() if name in _SMALL else Text()


decisions = table("decisions", *(column(name, _type(name)) for name in DECISION_COLUMNS))
attempts = table("attempts", *(column(name, _type(name)) for name in ATTEMPT_COLUMNS))
labels = table("labels", *(column(name, _type(name)) for name in LABEL_COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What writing needs as SQL text, with a placeholder for each column in order.

    Inserting a decision whose id is there already changes nothing and reports no row. Inserting a label whose key
    is there already replaces it. ``verdicts`` gives tier and verdict of each attempt of the decision whose id it
    takes.
    """

    decision: str
    attempt: str
    label: str
    verdicts: str


def statements(dialect: Dialect) -> Statements:
    """Compile the statements once, since compiling costs more than running them."""
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert

    def compiled(into: TableClause) -> str:
        return str(insert(into).values(dict.fromkeys(into.c.keys())).compile(dialect=dialect))

    replaced = ", ".join(f"{name} = excluded.{name}" for name in LABEL_COLUMNS if name not in LABEL_KEY)
    verdicts = select(attempts.c.tier, attempts.c.verdict).where(attempts.c.decision_id == bindparam("decision_id"))
    return Statements(
        decision=compiled(decisions) + " ON CONFLICT (id) DO NOTHING",
        attempt=compiled(attempts),
        label=compiled(labels) + f" ON CONFLICT ({', '.join(LABEL_KEY)}) DO UPDATE SET {replaced}",
        verdicts=str(verdicts.order_by(attempts.c.seq).compile(dialect=dialect)),
    )
