"""A service does not start with rights over events that it must not have."""

import psycopg
import pytest

from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.rights import UnsafeRights, check_rights


@pytest.mark.parametrize(
    "role", [role for role in DatabaseRole if role not in {DatabaseRole.OWNER, DatabaseRole.VAULT}]
)
def test_the_roles_are_safe(registry_url, role) -> None:
    """The roles that services use are as they should be."""
    with connect(registry_url, role) as connection:
        check_rights(connection)


def test_the_owner_is_not(registry_url) -> None:
    """The owner of the events is refused, and so is a superuser."""
    with connect(registry_url, DatabaseRole.OWNER) as owner, pytest.raises(UnsafeRights, match="owns the events"):
        check_rights(owner)
    with psycopg.connect(registry_url) as login, pytest.raises(UnsafeRights, match="is a superuser"):
        check_rights(login)


@pytest.mark.parametrize("right", ["INSERT", "UPDATE", "DELETE", "TRUNCATE"])
def test_one_grant_too_many(registry_url, right) -> None:
    """A single right to write events is noticed."""
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute(f"GRANT {right} ON knelpunt.event TO knelpunt_reader".encode())
    with connect(registry_url, DatabaseRole.READER) as reader, pytest.raises(UnsafeRights, match=right):
        check_rights(reader)


def test_row_security_switched_off(registry_url) -> None:
    """Row security that was switched off is noticed."""
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute("ALTER TABLE knelpunt.event NO FORCE ROW LEVEL SECURITY")
    with connect(registry_url, DatabaseRole.READER) as reader, pytest.raises(UnsafeRights, match="forced row security"):
        check_rights(reader)
