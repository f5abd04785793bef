"""As whom a command on the vault acts, whether they may, and the record of what it does."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import psycopg

from ...domain.ids import SubjectId
from ...domain.vocabulary import Role
from ...graphql.ports import Asker
from ..bootstrap import Database, Parts
from ..identity.tokens import BadToken
from ..logbook.processing import Activity, Reading
from ..logbook.security import DONE, Action, SecurityEvent, SecurityLog, machine_user
from ..settings import TOKEN, Settings
from .asking import OWNER
from .failure import Failure, WrongUsage, not_set_up
from .terminal import notices

COMMAND_LINE: Final = "command line"
"""Whence the security log has what is done here."""


def acting_as(given: Settings, found: Database, what: str, may: Collection[Role], otherwise: str) -> Asker:
    """Return who acts. Raises ``Failure`` for somebody in another role than those who may do ``what``, and records it.

    On our own database, without a token, that is its owner, who may all: whoever reads its files has the master key.
    """
    if given.token is None:
        if found.embedded is None:
            raise Failure(f"Say who acts: set {TOKEN} to a token (knelpunt token signs one for development).")
        notices().print(f"Acting as the owner of this registry, since {TOKEN} is not set.", style="dim")
        return OWNER
    log = SecurityLog(found.vault_url)
    try:
        viewer = given.verifier().viewer(given.token)
    except BadToken as error:
        log.record(SecurityEvent(Action.SIGN_IN, what, f"REFUSED {error}", COMMAND_LINE))
        raise
    who = Asker(viewer.organisation, viewer.role, viewer.user, subject=viewer.subject)
    if who.role not in may:
        log.record(SecurityEvent(Action.ACCESS, what, f"REFUSED to {who.role}", COMMAND_LINE, who.signature))
        raise Failure(f"{who.role} may not do this: {otherwise}.")
    return who


def note_reading(parts: Parts, who: Asker, name: str, activity: Activity, subjects: Collection[SubjectId]) -> None:
    """Record that something of subjects is about to be shown. Raises ``NotNoted``: then it must not be."""
    reading = Reading(actor=who.user, role=who.role.value, organisation=who.organisation, name=name, activity=activity)
    parts.processing.note(reading, subjects)


def note_operation(found: Database, what: str) -> None:
    """Record that a user of this machine administers. Raises ``psycopg.Error`` where it cannot be.

    A database of before there was a security log, which a backup may be made of, records nothing.
    """
    event = SecurityEvent(Action.OPERATION, what, DONE, COMMAND_LINE, machine_user())
    try:
        SecurityLog(found.vault_url).record(event)
    except psycopg.Error as error:
        if not not_set_up(error):
            raise


def uuid_of(text: str, what: str) -> UUID:
    """Return the id that somebody typed. Raises ``WrongUsage``."""
    try:
        return UUID(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is no id of {what}: those are UUIDs.") from None
