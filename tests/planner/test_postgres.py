"""The same plans from a real PostgreSQL server as from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import Config
from router.ledger import Ledger
from router.planner.audit import audit
from router.planner.load import load_of
from tests.ledger.conftest import Server
from tests.planner.kit import DAY, LADDER, MONDAY, add, asked, book

pytestmark = pytest.mark.postgres


def fill(ledger: Ledger) -> None:
    for place in range(600):  # more than a page
        request = asked(f"question {place % 7}", user=f"u{place % 3}", tags={"feature": "chat"})
        add(ledger, f"d{place}", MONDAY + place % 9 * DAY + place // 2, request=request, written=100 + place % 5)


def test_a_server_is_audited_as_a_file_is(postgres: Server, tmp_path: Path) -> None:
    import psycopg

    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS labels, attempts, decisions, tierwise_meta")
    config = Config.of(LADDER.tiers, ledger={"enabled": False})
    with Ledger(postgres.url) as server, book(tmp_path) as file:
        server.open()
        fill(server)
        fill(file)
        assert audit(server, config).as_dict() == audit(file, config).as_dict()
        assert load_of(server, LADDER).as_dict() == load_of(file, LADDER).as_dict()
