"""The same ledger on a real PostgreSQL server."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from router.analytics import Costs
from router.decision import Decision
from router.errors import LedgerError
from router.ledger import Entry, Ledger, migrations
from tests.ledger import samples
from tests.ledger.conftest import PASSWORD, Server
from tests.ledger.samples import ask, attempt, decision

pytestmark = pytest.mark.postgres


COUNTER = itertools.count()


def execute(server: Server, *statements: str) -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def ledger(postgres: Server) -> Iterator[Ledger]:
    execute(postgres, "DROP TABLE IF EXISTS labels, attempts, decisions, tierwise_meta")
    with Ledger(postgres.url) as opened:
        yield opened


def sums(server: Server) -> tuple[object, ...]:
    (found,) = execute(
        server,
        "SELECT (SELECT count(*) FROM decisions), (SELECT count(*) FROM attempts),"
        " (SELECT coalesce(sum(cost_nano), 0)::bigint FROM decisions),"
        " (SELECT coalesce(sum(cost_nano), 0)::bigint FROM attempts)",
    )
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(made=samples.decisions(), request=samples.requests)
def test_a_decision_and_its_request_come_back_exactly(ledger: Ledger, made: Decision, request: object) -> None:
    made = replace(made, id=f"{next(COUNTER)}")
    ledger.append(made, request)  # type: ignore[arg-type]
    (entry,) = [each for each in ledger.decisions(since=made.created) if each.decision.id == made.id]
    assert entry == Entry(decision=made, request=request)  # type: ignore[arg-type]


def test_nan_infinity_and_nul_are_stored(ledger: Ledger) -> None:
    made = decision(
        latency=math.inf,
        tags={"feature": "a\0b"},
        attempts=(attempt(confidence=math.nan, text="\0", signals={"x": math.nan}),),
    )
    ledger.append(made)
    found = ledger.find("d1")
    assert found is not None
    assert (found.latency, found.tags, found.attempts[0].text) == (math.inf, {"feature": "a\ufffdb"}, "\ufffd")
    assert found.attempts[0].confidence is None
    assert [row.key for row in Costs(ledger).by("feature")] == ["a\ufffdb"]


def test_an_id_that_is_there_already_changes_nothing(ledger: Ledger, postgres: Server) -> None:
    ledger.append(decision(), ask())
    ledger.append(decision(attempts=(attempt(cost=9), attempt("large", cost=99))))
    assert sums(postgres) == (1, 1, 1_250, 1_250)


def test_one_bad_row_leaves_nothing_and_the_next_is_stored(ledger: Ledger, postgres: Server) -> None:
    with pytest.raises(LedgerError, match="out of range"):
        ledger.append(decision("bad", attempts=(attempt(), attempt("large", cost=2**63))))
    ledger.append(decision("after"))
    assert sums(postgres) == (1, 1, 1_250, 1_250)


def test_first_opens_and_appends_race_and_lose_nothing(postgres: Server, ledger: Ledger) -> None:
    """Eight ledgers, as eight processes would have them, on an empty database."""
    failures: list[Exception] = []
    start = threading.Barrier(8)

    def work(process: int) -> None:
        try:
            with Ledger(postgres.url) as own:
                start.wait(30)
                for place in range(20):
                    own.append(decision(f"{process}-{place}"))
                    own.append(decision(f"shared-{place}"))
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    workers = [threading.Thread(target=work, args=(process,)) for process in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert sums(postgres) == (180, 180, 180 * 1_250, 180 * 1_250)
    assert execute(postgres, "SELECT value FROM tierwise_meta") == [(str(len(migrations.MIGRATIONS)),)]


def test_sixteen_threads_share_one_connection(ledger: Ledger, postgres: Server) -> None:
    def work(thread: int) -> None:
        for place in range(25):
            ledger.append(decision(f"{thread}-{place}"), ask())

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sums(postgres) == (400, 400, 400 * 1_250, 400 * 1_250)


def test_a_restarted_server_loses_nothing(ledger: Ledger, postgres: Server) -> None:
    ledger.append(decision("a"))
    postgres.stop()
    with pytest.raises(LedgerError) as caught:
        ledger.append(decision("b"))
    assert "the server cannot be reached" in str(caught.value)
    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r}"
    postgres.start()
    ledger.append(decision("c"))
    assert [entry.decision.id for entry in ledger.decisions()] == ["a", "c"]


def test_a_dropped_connection_is_made_again_within_an_append(ledger: Ledger, postgres: Server) -> None:
    ledger.append(decision("a"))
    execute(
        postgres,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL",
    )
    ledger.append(decision("b"))
    assert ledger.count() == 2


def test_a_wrong_password_is_not_shown(postgres: Server) -> None:
    url = postgres.url.replace(PASSWORD, "hunter2")
    with pytest.raises(LedgerError) as caught:
        Ledger(url).open()
    assert "hunter2" not in str(caught.value)
    assert "password" in str(caught.value)


def test_a_database_that_does_not_exist(postgres: Server) -> None:
    with pytest.raises(LedgerError, match="/missing: "):
        Ledger(postgres.url.replace("/postgres", "/missing")).open()


def test_a_user_without_rights(postgres: Server, ledger: Ledger) -> None:
    ledger.open()
    execute(postgres, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = postgres.url.replace(f"tierwise:{PASSWORD}", "guest:guest")
    with Ledger(url) as guest, pytest.raises(LedgerError, match="may not create or write its tables; grant it"):
        guest.append(decision())


def test_a_server_that_is_read_only(postgres: Server, ledger: Ledger) -> None:
    with Ledger(f"{postgres.url}?options=-c%20default_transaction_read_only%3Don") as standby:
        ledger.append(decision())
        for use in (standby.open, lambda: standby.append(decision("b"))):
            with pytest.raises(LedgerError, match="the server is read-only, perhaps a standby; give the primary's URL"):
                use()
        assert standby.count() == 1


def test_reading_makes_no_tables(postgres: Server, ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="there is no ledger in postgresql://tierwise@127"):
        ledger.count()
    assert execute(postgres, "SELECT 1 FROM pg_tables WHERE tablename = 'decisions'") == []


def test_a_newer_ledger_is_refused(postgres: Server, ledger: Ledger) -> None:
    ledger.open()
    execute(postgres, "UPDATE tierwise_meta SET value = '99'")
    with Ledger(postgres.url) as other, pytest.raises(LedgerError, match="upgrade tierwise"):
        other.append(decision())


def test_power_durability_overrules_a_lax_server(postgres: Server, ledger: Ledger) -> None:
    url = f"{postgres.url}?options=-c%20synchronous_commit%3Doff"
    with Ledger(url, durability="power") as strict:
        strict.open()
        cursor = strict._opened().database._writer._cursor  # type: ignore[union-attr]
        assert cursor.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_sums_are_those_of_sqlite(ledger: Ledger, tmp_path: object) -> None:
    made = [
        decision("a", tags={"feature": "x", "0": "y"}),
        decision("b", user=None, tags={}, attempts=(attempt(verdict="escalated"), attempt("large", cost=9_000))),
        decision("c", created=1_795_100_000.0, attempts=(attempt(verdict="failed", usage=None, cost=0),), error="no"),
        decision("d", attempts=(attempt(cost=2**61), attempt("large", "outvoted", cost=2**61 - 1)), strong_cost=None),
    ]
    with Ledger(f"{tmp_path}/l.db") as other:
        for each in made:
            ledger.append(each)
            other.append(each)
        one, two = Costs(ledger), Costs(other)
        assert one.total() == two.total()
        for key in ("tier", "model", "user", "day", "feature", "0", "$.feature", "tag:user"):
            assert one.by(key, zone="Asia/Kathmandu") == two.by(key, zone="Asia/Kathmandu"), key
        assert one.most_expensive(2) == two.most_expensive(2)
