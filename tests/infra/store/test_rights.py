"""A service does not start with rights over events that it must not have."""

import psycopg
import pytest

from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.rights import UnsafeRights, check_rights


@pytest.mark.parametrize("role", [role for role in DatabaseRole if role is not DatabaseRole.OWNER])
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


TOO_MUCH = (
    ("GRANT UPDATE (topic) ON knelpunt.event TO knelpunt_reader", "UPDATE knelpunt.event"),
    ("GRANT TRIGGER ON knelpunt.event TO knelpunt_reader", "TRIGGER knelpunt.event"),
    ("GRANT INSERT ON knelpunt.command TO PUBLIC", "INSERT knelpunt.command"),
    ("GRANT SELECT ON vault.key TO knelpunt_reader", "SELECT vault.key"),
    ("GRANT SELECT ON logbook.processing TO knelpunt_reader", "SELECT logbook.processing"),
    ("GRANT EXECUTE ON FUNCTION vault.keys_for TO knelpunt_reader", "call vault.keys_for"),
    ("GRANT EXECUTE ON FUNCTION knelpunt.append TO PUBLIC", "call knelpunt.append"),
    ("GRANT CREATE ON SCHEMA knelpunt TO knelpunt_reader", "make things in the schema knelpunt"),
)


@pytest.mark.parametrize(("grant", "told"), TOO_MUCH, ids=[told for _, told in TOO_MUCH])
def test_other_rights_too_many(registry_url, grant, told) -> None:
    """So is any other that the role is not meant to have: on a column, by way of everybody, or elsewhere."""
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute(grant.encode())
    with connect(registry_url, DatabaseRole.READER) as reader, pytest.raises(UnsafeRights, match=told):
        check_rights(reader)


def test_row_security_switched_off(registry_url) -> None:
    """Row security that was switched off is noticed."""
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute("ALTER TABLE knelpunt.event NO FORCE ROW LEVEL SECURITY")
    with connect(registry_url, DatabaseRole.READER) as reader, pytest.raises(UnsafeRights, match="forced row security"):
        check_rights(reader)
