"""The ledger's schema, as the list of steps that made it.

A step is never edited once released: a new one is added at the end. The SQL is what SQLite and PostgreSQL share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

META = "tierwise_meta"


def _m001_decisions_and_attempts(connection: Connection) -> None:
    connection.exec_driver_sql("""
        CREATE TABLE decisions (
            id TEXT NOT NULL PRIMARY KEY,
            created DOUBLE PRECISION NOT NULL,
            prompt_hash TEXT NOT NULL,
            start TEXT NOT NULL,
            tier TEXT,
            reason TEXT NOT NULL,
            cost_nano BIGINT NOT NULL,
            strong_cost_nano BIGINT,
            best_single_cost_nano BIGINT,
            escalated INTEGER NOT NULL,
            latency DOUBLE PRECISION,
            "user" TEXT,
            session TEXT,
            tags TEXT NOT NULL,
            suffices TEXT NOT NULL,
            expected_cost TEXT NOT NULL,
            propensity DOUBLE PRECISION,
            policy_version TEXT NOT NULL,
            config_version TEXT NOT NULL,
            upgraded_from TEXT,
            error TEXT,
            request TEXT
        )""")
    connection.exec_driver_sql("CREATE INDEX decisions_by_created ON decisions (created, id)")
    connection.exec_driver_sql("""
        CREATE TABLE attempts (
            decision_id TEXT NOT NULL REFERENCES decisions (id),
            seq INTEGER NOT NULL,
            tier TEXT NOT NULL,
            model TEXT NOT NULL,
            verdict TEXT NOT NULL,
            reason TEXT NOT NULL,
            confidence DOUBLE PRECISION,
            threshold DOUBLE PRECISION,
            input_tokens BIGINT,
            cached_input_tokens BIGINT,
            cache_write_tokens BIGINT,
            output_tokens BIGINT,
            reasoning_tokens BIGINT,
            cost_nano BIGINT NOT NULL,
            latency DOUBLE PRECISION,
            calls BIGINT NOT NULL,
            propensity DOUBLE PRECISION,
            stop TEXT,
            text TEXT,
            request_id TEXT,
            signals TEXT NOT NULL,
            PRIMARY KEY (decision_id, seq)
        )""")


def _m002_labels(connection: Connection) -> None:
    connection.exec_driver_sql("""
        CREATE TABLE labels (
            decision_id TEXT NOT NULL REFERENCES decisions (id),
            tier TEXT NOT NULL,
            source TEXT NOT NULL,
            judge TEXT NOT NULL,
            quality DOUBLE PRECISION NOT NULL,
            weight DOUBLE PRECISION NOT NULL,
            created DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (decision_id, tier, source, judge)
        )""")
    connection.exec_driver_sql("CREATE INDEX labels_by_created ON labels (created, decision_id, tier, source, judge)")


def _m003_profiles_and_audits(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE decisions ADD COLUMN profile TEXT NOT NULL DEFAULT 'default'")
    connection.exec_driver_sql("ALTER TABLE decisions ADD COLUMN audit DOUBLE PRECISION NOT NULL DEFAULT 0")
    connection.exec_driver_sql("ALTER TABLE decisions ADD COLUMN audit_of TEXT")


def _m004_levers(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE decisions ADD COLUMN cache TEXT")
    connection.exec_driver_sql("ALTER TABLE decisions ADD COLUMN levers TEXT NOT NULL DEFAULT '{}'")


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _m001_decisions_and_attempts,
    _m002_labels,
    _m003_profiles_and_audits,
    _m004_levers,
)


def version(connection: Connection) -> int | None:
    """Read the schema version of the ledger there, None when there is none yet.

    Raises:
        ValueError: the database holds something else than a ledger.
    """
    from sqlalchemy import inspect

    tables = set(inspect(connection).get_table_names())
    if META not in tables:
        if tables & {"decisions", "attempts", "labels"}:
            raise ValueError("it has tables of the ledger's names that are not the ledger's")
        return None
    value = connection.exec_driver_sql(f"SELECT value FROM {META} WHERE key = 'schema_version'").scalar()  # noqa: S608
    if value is None:
        raise ValueError(f"its table {META} has no schema_version")
    return int(value)


def migrate(connection: Connection, *, at: int | None) -> None:
    """Bring the schema from version ``at`` to this release's, inside the caller's transaction."""
    if at is None:
        connection.exec_driver_sql(f"CREATE TABLE {META} (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
        connection.exec_driver_sql(f"INSERT INTO {META} (key, value) VALUES ('schema_version', '0')")  # noqa: S608
    for step in MIGRATIONS[at or 0 :]:
        step(connection)
    connection.exec_driver_sql(
        f"UPDATE {META} SET value = '{len(MIGRATIONS)}' WHERE key = 'schema_version'"  # noqa: S608
    )
