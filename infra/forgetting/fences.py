"""Brings the fences of a vault up to what the log tells: an older copy of the vault does not bring anybody back.

Every program that opens texts does this before it opens one, and so does whoever restores.
"""

from psycopg_pool import ConnectionPool

from ..projecting.forgetting import erased_subjects
from ..store.connection import REGISTRY, acting_for
from ..vault.vault import Vault


def keep_erased(reader: ConnectionPool, vault: Vault) -> int:
    """Fence in the vault all whom the log tells to be erased; return how many it did not know of.

    What the vault still had of those is destroyed. ``reader`` reads the registry's events.
    """
    with acting_for(reader, REGISTRY) as connection:
        erased = erased_subjects(connection)
    if not erased:
        return 0
    unknown = set(erased) - vault.erased_among(erased)
    return vault.fence_again(unknown) if unknown else 0
