"""Brings the fences of a vault up to what the log tells: an older copy of the vault does not bring anybody back.

Every program that opens texts does this before it opens one, and so does whoever restores.
"""

from ..projecting.forgetting import erased_subjects
from ..store.connection import DatabaseRole, connect_as_registry
from ..vault.vault import Vault


def keep_erased(url: str, vault: Vault) -> int:
    """Fence in the vault all whom the log at ``url`` tells to be erased; return how many it did not know of.

    What the vault still had of those is destroyed.
    """
    with connect_as_registry(url, DatabaseRole.READER) as connection:
        erased = erased_subjects(connection)
    if not erased:
        return 0
    unknown = set(erased) - vault.erased_among(erased)
    return vault.fence_again(unknown) if unknown else 0
