"""For whom a transaction reads on behalf of somebody who asks."""

from ...graphql.ports import Asker
from .connection import OWNER_ROLE, Principal


def principal_of(asker: Asker) -> Principal:
    """Return for whom a transaction reads on behalf of somebody."""
    return Principal(
        OWNER_ROLE if asker.owns else asker.role.value,
        asker.organisation,
        asker.user,
        None if asker.subject is None else str(asker.subject),
    )
