"""The same figures from PostgreSQL as from SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.analytics import Costs, Prices
from router.analytics.summary import summary
from router.attribution import Units
from router.decision import FromCache, Shortened
from router.ledger import Ledger
from tests.ledger.conftest import Server, postgres
from tests.ledger.samples import attempt, decision
from tests.test_analytics_levers import TIERS

__all__ = ["postgres"]

pytestmark = pytest.mark.postgres


def test_a_summary_is_the_same(postgres: Server, tmp_path: Path) -> None:
    import psycopg

    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS labels, attempts, decisions, tierwise_meta")
    hit = {"attempts": (attempt(verdict="cached", usage=None, cost=0, calls=0),)}
    made = [
        *(
            decision(
                f"d{place:02}",
                created=1_795_003_200.0 + place * 40_000,
                tags={"feature": ("search", "chat")[place % 2]} if place % 5 else {},
                user=None if place % 7 == 0 else f"u{place % 3}",
                attempts=(attempt(cost=1_000 + place % 11),),
                shortened=Shortened(before=90, after=40) if place % 4 == 0 else None,
                batch=place % 6 == 0,
            )
            for place in range(60)
        ),
        decision("dear", attempts=(attempt(cost=10**6),), tags={"feature": "chat"}),
        decision("hit", cache=FromCache(kind="exact", decision="d03", age=1.0), **hit),
        decision("near", cache=FromCache(kind="semantic", decision="gone", age=1.0, similarity=0.9), **hit),
    ]
    units = Units(tag="feature", names={"search": "Consumer", "chat": "Consumer"})
    told = []
    for url in (postgres.url, str(tmp_path / "ledger.db")):
        with Ledger(url) as ledger:
            for each in made:
                ledger.append(each)
            costs = Costs(ledger, units=units, prices=Prices.of(TIERS))
            found = summary(costs, zone="Asia/Kathmandu", by=("tier", "model", "unit", "user", "week"), top=3)
            told.append((found, costs.frame().to_dict()))
    assert str(told[0]) == str(told[1])
    assert told[0][0]["outliers"]["rows"][0]["decision"] == "dear"
    assert {each["lever"] for each in told[0][0]["levers"]} >= {"cache exact", "cache semantic", "shortening", "batch"}
