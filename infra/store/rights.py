"""Whether a connection holds more rights than a program of the registry may have, and which.

The service asks at its start, for every role that it uses, and refuses to run otherwise; ``knelpunt doctor`` tells all
of it. A mistake in a grant would show nowhere else until it is used. Whatever is not listed here as meant is too much.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import psycopg

from .connection import DatabaseRole

SCHEMAS: Final = ("knelpunt", "vault", "logbook")
"""What is the owner's. The read model is the projector's, and can be thrown away."""

READS: Final = frozenset({"SELECT"})
ADDS: Final = frozenset({"INSERT"})
SWEEPS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})

MEANT: Final[Mapping[str, Mapping[str, frozenset[str]]]] = MappingProxyType(
    {
        DatabaseRole.APPENDER: {
            "knelpunt.succession": SWEEPS,
            "knelpunt.succession_sweep": SWEEPS,
            "knelpunt.webhook": SWEEPS,
            "knelpunt.webhook_delivery": SWEEPS,
        },
        DatabaseRole.VAULT: {
            "vault.key": READS,
            "vault.fence": READS,
            "vault.identity": READS,
            "vault.erasure": READS,
            "vault.secret": READS | ADDS,
        },
        DatabaseRole.ERASER: dict.fromkeys(
            ("vault.erasure", "vault.fence", "vault.hold", "vault.receipt", "vault.refusal"), READS
        ),
        DatabaseRole.LOGGER: {"logbook.processing": ADDS, "logbook.security": ADDS},
        DatabaseRole.OVERSEER: {"logbook.processing": READS, "logbook.security": READS},
    }
)
"""The rights on tables that each role is meant to have, beside reading what is in the schema ``knelpunt``: there row
security says what each may see."""

CALLED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        DatabaseRole.APPENDER: frozenset({"knelpunt"}),
        DatabaseRole.READER: frozenset({"knelpunt.settle"}),
        DatabaseRole.VAULT: frozenset({"vault.keys_for", "vault.keep_identity", "vault.fence_again"}),
        DatabaseRole.ERASER: frozenset({"vault"}),
    }
)
"""The functions that change something as the owner and that each role is meant to call, or all of a schema."""

ROLE: Final = """
SELECT current_user::text, rolsuper, rolbypassrls, rolcreaterole,
       pg_has_role(current_user, 'knelpunt_owner', 'USAGE'),
       ARRAY(SELECT g.rolname::text FROM pg_roles g
              WHERE pg_has_role(current_user, g.oid, 'MEMBER') AND g.rolname NOT IN (current_user, 'knelpunt_owner')
              ORDER BY 1),
       has_parameter_privilege(current_user, 'session_replication_role', 'SET'),
       ARRAY(SELECT nspname::text FROM pg_namespace
              WHERE nspname = ANY (%(schemas)s) AND has_schema_privilege(current_user, oid, 'CREATE') ORDER BY 1)
  FROM pg_roles WHERE rolname = current_user
"""
TABLES: Final = """
SELECT n.nspname || '.' || c.relname,
       ARRAY(SELECT held FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS held
              WHERE has_table_privilege(current_user, c.oid, held)
                 OR held NOT IN ('DELETE', 'TRUNCATE', 'TRIGGER')
                    AND has_any_column_privilege(current_user, c.oid, held)),
       c.relrowsecurity AND c.relforcerowsecurity
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') ORDER BY 1
"""
FUNCTIONS: Final = """
SELECT n.nspname || '.' || p.proname
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = ANY (%(schemas)s) AND p.prosecdef AND p.provolatile = 'v'
   AND has_function_privilege(current_user, p.oid, 'EXECUTE') ORDER BY 1
"""
"""Those that only read (STABLE) see no more than their own text lets them, and are looked at by tests."""


class UnsafeRights(Exception):  # noqa: N818  named for what it is
    """A role could change or see what it must not; the message is one sentence that says what to do."""


def check_rights(connection: psycopg.Connection) -> None:
    """Raise ``UnsafeRights`` if a connection's role holds any right that it is not meant to have.

    Whoever may INSERT, UPDATE, DELETE or TRUNCATE may also lock the table against others, so that is covered.
    """
    role, excess = excess_rights(connection)
    if excess:
        message = (
            f"The database role {role} {' and '.join(excess)}: give the registry a login that is only a member of the "
            "roles in migrations 0001 and 0050, and restore their rights."
        )
        raise UnsafeRights(message)


def excess_rights(connection: psycopg.Connection) -> tuple[str, list[str]]:
    """Return a connection's role, and each right too many, in words."""
    schemas = {"schemas": list(SCHEMAS)}
    row = connection.execute(ROLE, schemas).fetchone()
    assert row is not None, "a session has a role"
    role, superuser, bypasses, makes_roles, owns, member_of, replicates, creates = row
    if superuser:
        return role, ["is a superuser"]
    excess = [
        *(["bypasses row security"] if bypasses else []),
        *(["may make roles"] if makes_roles else []),
        *([f"is a member of {', '.join(member_of)}"] if member_of else []),
        *(["may switch triggers off (session_replication_role)"] if replicates else []),
    ]
    if owns:
        return role, [*excess, "owns the events"]
    excess += [f"may make things in the schema {name}" for name in creates]
    meant = MEANT.get(role, {})
    for table, held, forced in connection.execute(TABLES, schemas):
        reading = READS if table.startswith("knelpunt.") else frozenset[str]()
        too_many = [right for right in held if right not in meant.get(table, reading)]
        excess += [f"may {', '.join(too_many)} {table}"] if too_many else []
        excess += [] if forced else [f"meets no forced row security on {table}"]
    called = CALLED.get(role, frozenset[str]())
    for (function,) in connection.execute(FUNCTIONS, schemas):
        if function not in called and function.partition(".")[0] not in called:
            excess.append(f"may call {function}")
    return role, excess
