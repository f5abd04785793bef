"""What the facts of all learning streams have in common: causes, dialogues and what else the registry learns by.

Such a stream has a random id, begins with one kind of fact, and is corrected, struck and acknowledged as a case is.
Each kind of stream has its own classes, so that every fact keeps a topic of its own and tells which stream it stands
in. Texts in them are sealed under a key of the stream's own, unless they name the subject whom they are about.
"""

from datetime import datetime
from typing import ClassVar

from ..case.facts import GapMark
from ..event import Fact
from ..ids import EventId, OrganisationId, SubjectId
from ..text import Text
from ..vocabulary import LearningKind, StrikeReason


class LearningFact(Fact, frozen=True, gc=False):
    """A fact that stands in a learning stream."""

    stream_kind: ClassVar[LearningKind]
    """What its stream is about."""

    @property
    def speaker(self) -> SubjectId | None:
        """The person whose words its texts are, none where they are nobody's in particular."""
        return None

    @property
    def persons(self) -> tuple[SubjectId, ...]:
        """Every person that it names, by pseudonym."""
        return ()


class LearningFactCorrected(LearningFact, frozen=True, gc=False):
    """A field of an earlier event of the stream was wrong, as in a case (``case.facts.FactCorrected``)."""

    mends = True

    event: EventId
    field: str
    value: str | int | bool | tuple[str, ...] | None = None
    content: Text | None = None
    reason: Text | None = None


class LearningEventStruck(LearningFact, frozen=True, gc=False):
    """An earlier event of the stream should never have been recorded; it stays in the log, without effect."""

    mends = True

    event: EventId
    reason: StrikeReason


class LearningGapAcknowledged(LearningFact, frozen=True, gc=False):
    """An organisation owns up to a gap of the stream, perhaps with a plan to close it by ``due``."""

    gap: GapMark
    organisation: OrganisationId
    plan: Text | None = None
    due: datetime | None = None
