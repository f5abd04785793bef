"""The vault in a database of its own: made ready, tied to its registry, and given what a shared database held of it.

There a login of its own reaches it and nothing else, and its backup is another one. A vault that shares the registry's
database works in the same way.
"""

from typing import Final, LiteralString

import psycopg
from psycopg import sql

from ..store.connection import DatabaseRole, connect, connect_as_registry
from ..store.migrate import CONNECT_SECONDS_MAX, LOCK, MigrationError, for_vault, migrate, pending
from .vault import Vault, VaultError

VAULT_LOGIN: Final = "knelpunt_keeper"
"""The vault's own login on our own PostgreSQL: a member of the roles that have to do with it and with the logbook."""

ORIGIN: Final = "SELECT origin FROM knelpunt.registry"
USED: Final = (
    "SELECT EXISTS (SELECT FROM vault.secret) OR EXISTS (SELECT FROM vault.key) OR EXISTS (SELECT FROM vault.fence)"
)
IS_REGISTRY: Final = "SELECT to_regclass('knelpunt.event') IS NOT NULL"
TABLES: Final = (
    "SELECT relnamespace::regnamespace::text, relname::text FROM pg_class "
    "WHERE relnamespace IN ('vault'::regnamespace, 'logbook'::regnamespace) AND relkind = 'r' ORDER BY 1, 2"
)

FENCED_KEYS: Final = "DELETE FROM vault.key k USING vault.fence f WHERE f.subject_id = k.subject_id"
FENCED_IDENTITIES: Final = "DELETE FROM vault.identity i USING vault.fence f WHERE f.subject_id = i.subject_id"

ANOTHERS: Final = "KNELPUNT_VAULT_URL names the vault of another registry: name that of this one."
NOT_APART: Final = (
    "KNELPUNT_VAULT_URL names a database that holds a registry: leave it unset if the vault is to be there, "
    "or name a database of the vault's own."
)


def pending_apart(admin_url: str) -> list[str]:
    """Return the names of migrations that the vault's database lacks. Raises ``MigrationError``."""
    missing = pending(admin_url, select=for_vault)
    _expect_apart(admin_url)
    return missing


def left_behind(url: str) -> bool:
    """Return whether the registry's database still holds what belongs in the vault's own."""
    with connect(url, DatabaseRole.OWNER) as registry:
        return registry.execute(USED).fetchone() == (True,)


def set_apart(url: str, admin_url: str, password: str | None) -> list[str]:
    """Bring the vault's database up to date, and return the names of the migrations that it lacked.

    A new one is tied to the registry at ``url``, and gets what that database held of the vault before there was this
    one. With a password the vault's own login is made. Both URLs log in as who migrates. Raises ``MigrationError``.
    """
    _expect_apart(admin_url)
    ran = migrate(admin_url, select=for_vault)
    with connect(url, DatabaseRole.OWNER) as registry, connect(admin_url, DatabaseRole.OWNER) as vault:
        _tie(registry, vault)
        _move(registry, vault)
    if password is not None:
        _make_login(admin_url, password)
    return ran


def expect_same_registry(url: str, vault: Vault) -> None:
    """Raise ``VaultError`` if the vault is not that of the registry at ``url``."""
    with connect_as_registry(url, DatabaseRole.READER) as connection:
        if connection.execute(ORIGIN).fetchone() != (vault.origin,):
            raise VaultError(ANOTHERS)


def _tie(registry: psycopg.Connection, vault: psycopg.Connection) -> None:
    """Note of which registry it is the vault, unless it is another's."""
    origin = registry.execute(ORIGIN).fetchone()
    if vault.execute(ORIGIN).fetchone() == origin:
        return
    if vault.execute(USED).fetchone() != (False,):
        raise MigrationError(ANOTHERS)
    vault.execute("UPDATE knelpunt.registry SET origin = %s", origin)


def _expect_apart(admin_url: str) -> None:
    with psycopg.connect(admin_url, connect_timeout=CONNECT_SECONDS_MAX) as connection:
        if connection.execute(IS_REGISTRY).fetchone() == (True,):
            raise MigrationError(NOT_APART)


def _move(registry: psycopg.Connection, vault: psycopg.Connection) -> None:
    """Move what is in the registry's database: gone here when it is there. Killed in between, it is done again."""
    if registry.execute(USED).fetchone() != (True,):
        return
    with registry.transaction():
        tables = [sql.Identifier(schema, name) for schema, name in registry.execute(TABLES)]
        for table in tables:
            # Whoever still makes a key here makes it before, or finds nothing to make it in.
            registry.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
        with vault.transaction():
            _note(tables, "DISABLE", registry, vault)
            for table in tables:
                _copy(registry, vault, table)
            # Somebody may have been erased since an earlier attempt, and must not come back.
            vault.execute(FENCED_KEYS)
            vault.execute(FENCED_IDENTITIES)
            _note(tables, "ENABLE", vault)
        for table in tables:
            registry.execute(sql.SQL("DELETE FROM {}").format(table))
        _note(tables, "ENABLE", registry)


def _note(tables: list[sql.Identifier], whether: LiteralString, *connections: psycopg.Connection) -> None:
    """Have the security log tell of changes to tables, or not: what is moved is neither made nor destroyed."""
    for connection in connections:
        for table in tables:
            connection.execute(sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(table, sql.SQL(whether)))


def _copy(registry: psycopg.Connection, vault: psycopg.Connection, table: sql.Identifier) -> None:
    rows = registry.execute(sql.SQL("SELECT * FROM {}").format(table)).fetchall()
    if rows:
        places = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
        statement = sql.SQL("INSERT INTO {} VALUES ({}) ON CONFLICT DO NOTHING").format(table, places)
        vault.cursor().executemany(statement, rows)


def _make_login(admin_url: str, password: str) -> None:
    """Make the login that reaches the vault's database, and let nobody else in but whoever owns the server."""
    with psycopg.connect(admin_url) as admin:
        # Two programs that start at once would change the same role, which PostgreSQL refuses the second.
        admin.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        login, database = sql.Identifier(VAULT_LOGIN), sql.Identifier(admin.info.dbname)
        if admin.execute("SELECT FROM pg_roles WHERE rolname = %s", (VAULT_LOGIN,)).fetchone() is None:
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(login))
        admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(login, sql.Literal(password)))
        admin.execute(
            sql.SQL("GRANT knelpunt_vault, knelpunt_eraser, knelpunt_logger, knelpunt_overseer TO {}").format(login)
        )
        admin.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
        admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, login))
