"""Spreads the read model over the machines of a Citus cluster, where the server has that extension.

The statements follow the lists of ``projections/read_model/distribution.py``; all of them take effect or none. What
Citus itself refuses of this registry, and why, is in docs/scale.md: no server with Citus was at hand to try it on.
"""

from collections.abc import Iterator
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from ...projections.read_model.distribution import EVERYWHERE, SPREAD
from ..store.connection import REGISTRY, SET_PRINCIPAL, DatabaseRole, principal_text
from .schema import LIVE

FIRST: Final = "case_state"
"""The table that the others lie with."""

AVAILABLE: Final = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus')"

REFUSED_POLICIES: Final = """
SELECT DISTINCT c.relname::text FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
 WHERE c.relnamespace = 'read'::regnamespace AND concat(p.polqual::text, p.polwithcheck::text) LIKE '%{SUBLINK %'
 ORDER BY 1
"""
"""Tables with a policy that asks another table: Citus takes no subqueries in the policies of tables that it spreads."""


class NotDistributed(Exception):  # noqa: N818  named for what it is
    """The read model stays on one machine; the message is one sentence that says why."""


def statements() -> Iterator[sql.Composed]:
    """Yield what spreads the tables, in order; to be executed in one transaction."""
    yield sql.SQL("CREATE EXTENSION IF NOT EXISTS citus").format()
    # Tables are made and asked in one transaction, which Citus does by one connection to each machine alone.
    yield sql.SQL("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'").format()
    for table in sorted(EVERYWHERE):
        yield sql.SQL("SELECT create_reference_table({})").format(_name(table))
    spread = "SELECT create_distributed_table({}, {}, colocate_with => {})"
    yield _spread(spread, FIRST, sql.Literal("none"))
    for table in sorted(SPREAD.keys() - {FIRST}):
        yield _spread(spread, table, _name(FIRST))


def refused(connection: psycopg.Connection) -> list[str]:
    """Return the tables whose row security Citus will not take as it is."""
    return [table for (table,) in connection.execute(REFUSED_POLICIES)]


def distribute(url: str) -> None:
    """Spread the read model at ``url``, which logs in as a superuser. Raises ``NotDistributed`` and changes nothing."""
    with psycopg.connect(url) as connection:
        if connection.execute(AVAILABLE).fetchone() != (True,):
            message = (
                "The server does not have the extension citus, so the read model stays on one machine: install Citus "
                "on it, or leave out --distributed."
            )
            raise NotDistributed(message)
        before = _counted(connection)
        try:
            for statement in statements():
                connection.execute(statement)
            after = _counted(connection)
        except psycopg.Error as error:
            reason = ": ".join(filter(None, (error.diag.message_primary, error.diag.message_detail))) or error
            message = f"Citus refused ({reason}), so nothing was changed: docs/scale.md says what it does not take."
            raise NotDistributed(message) from error
        if after != before:
            table = next(table for table in before if before[table] != after[table])
            message = (
                f"Spread, {table} showed {after[table]} rows to who sees all, instead of {before[table]}, so nothing "
                "was changed: docs/scale.md says what Citus does not take."
            )
            raise NotDistributed(message)


def _counted(connection: psycopg.Connection) -> dict[str, int]:
    """Return how many rows of each table a reader sees who may see all, asking as the service asks."""
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(DatabaseRole.READER)))
    connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
    found: dict[str, int] = {}
    for table in sorted(SPREAD.keys() | EVERYWHERE):
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(LIVE, table))).fetchone()
        assert row is not None
        found[table] = row[0]
    connection.execute("RESET ROLE")
    return found


def _spread(text: LiteralString, table: str, with_: sql.Composable) -> sql.Composed:
    return sql.SQL(text).format(_name(table), sql.Literal(SPREAD[table]), with_)


def _name(table: str) -> sql.Literal:
    return sql.Literal(f"{LIVE}.{table}")
