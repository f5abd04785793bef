"""The forgetting of a subject, as the log tells it: that it was done, and what was done, but not who it was.

How it is done is the vault's affair (``infra/forgetting``). The event says it for whoever replays the log, and brings
the fence back where an older copy of the vault is restored.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from .case.decide import Directory
from .command import Command, RefusalCode, Refused
from .event import Event, Fact
from .ids import SubjectId, UserId


class ErasureStep(StrEnum):
    """What erasing a subject consists of, in this order; each leaves a receipt."""

    FENCE = "FENCE"
    """Nothing new is sealed for them, and no key is made."""

    KEYS = "KEYS"
    """Their keys are destroyed."""

    IDENTITY = "IDENTITY"
    """What led from a name or number to their pseudonym is destroyed."""

    CACHES = "CACHES"
    """Every process has let go of the keys and answers that it held."""

    PROJECTIONS = "PROJECTIONS"
    """What the read model and its search held about them is gone."""


class Receipt(Struct, frozen=True, gc=False):
    """A step that was done: when, and how many things it destroyed (keys, identities, rows; for caches, none)."""

    step: ErasureStep
    at: datetime
    count: int


class SubjectErased(Fact, frozen=True, gc=False):
    """A subject was forgotten. Stands alone in a stream named by its request, and holds no identity.

    ``requested_by`` and ``approved_by`` are pseudonyms of two different people.
    """

    topic = "subject-erased"

    request: UUID
    subject: SubjectId
    requested_by: UserId
    approved_by: UserId
    receipts: tuple[Receipt, ...]


def decide_erasure(command: Command, history: Sequence[Event], now: datetime, directory: Directory) -> Fact | Refused:
    """Return the fact to record of an erasure, or why it is refused: it is told once, when all receipts are there."""
    fact = command.data
    assert isinstance(fact, SubjectErased)
    if history:
        return Refused(RefusalCode.ALREADY_EXISTS, "This erasure has been recorded already.")
    if [receipt.step for receipt in fact.receipts] != list(ErasureStep) or fact.requested_by == fact.approved_by:
        message = "An erasure is recorded when two people have agreed to it and every step has its receipt."
        return Refused(RefusalCode.MALFORMED, message)
    return fact
