"""Whether a connection holds more rights over events than a service may have.

The service asks at its start, for every role that it uses, and refuses to run otherwise: a mistake in a grant would
show nowhere else until it is used.
"""

from typing import Final

import psycopg

FORBIDDEN: Final = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")

RIGHTS: Final = """
SELECT current_user,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
       (SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user),
       pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'knelpunt.event'::regclass), 'USAGE'),
       ARRAY(SELECT held FROM unnest(%s::text[]) AS held
              WHERE has_table_privilege(current_user, 'knelpunt.event', held)),
       (SELECT NOT (relrowsecurity AND relforcerowsecurity) FROM pg_class WHERE oid = 'knelpunt.event'::regclass)
"""


class UnsafeRights(Exception):  # noqa: N818  named for what it is
    """A role could change events; the message is one sentence that says what to do."""


def check_rights(connection: psycopg.Connection) -> None:
    """Raise ``UnsafeRights`` if a connection's role could change or lock events, owns them, or sees past row security.

    Whoever may INSERT, UPDATE, DELETE or TRUNCATE may also lock the table against others, so that is covered.
    """
    row = connection.execute(RIGHTS, (list(FORBIDDEN),)).fetchone()
    assert row is not None
    role, superuser, bypasses, owns, held, unforced = row
    excess = [
        *(["is a superuser"] if superuser else []),
        *(["bypasses row security"] if bypasses else []),
        *(["owns the events"] if owns and not superuser else []),
        *([f"may {', '.join(held)} events"] if held and not superuser else []),
        *(["meets no forced row security on events"] if unforced else []),
    ]
    if excess:
        message = (
            f"The database role {role} {' and '.join(excess)}: give the registry a login that is only a member of the "
            "roles in migration 0001, and restore their rights."
        )
        raise UnsafeRights(message)
