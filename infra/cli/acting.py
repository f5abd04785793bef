"""As whom a command on the vault acts, and whether they may."""

from collections.abc import Collection
from uuid import UUID

from ...domain.vocabulary import Role
from ..bootstrap import Database
from ..settings import TOKEN, Settings
from .asking import OWNER
from .failure import Failure, WrongUsage
from .terminal import notices


def acting_as(given: Settings, found: Database, may: Collection[Role], otherwise: str) -> str:
    """Return the pseudonym of whoever acts. Raises ``Failure`` for somebody in another role than those who may.

    On our own database, without a token, that is its owner, who may all: whoever reads its files has the master key.
    """
    if given.token is None:
        if found.embedded is None:
            raise Failure(f"Say who acts: set {TOKEN} to a token (knelpunt token signs one for development).")
        notices().print(f"Acting as the owner of this registry, since {TOKEN} is not set.", style="dim")
        return OWNER.user
    viewer = given.verifier().viewer(given.token)
    if viewer.role not in may:
        raise Failure(f"{viewer.role} may not do this: {otherwise}.")
    return viewer.user


def uuid_of(text: str, what: str) -> UUID:
    """Return the id that somebody typed. Raises ``WrongUsage``."""
    try:
        return UUID(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is no id of {what}: those are UUIDs.") from None
