"""The facts of an investigation: an inquiry over a set of cases, and who leads it.

Whoever is on it sees its cases whole, so that to assign an investigator, or to include a case, is to give access, and
stands in the log. Texts are about no person; they are sealed under a key of the investigation's own.
"""

from datetime import datetime

from ..ids import CaseId, CauseId, DialogueId, EventId, FindingId, FollowUpId, OrganisationId, Programme, UserId
from ..learning.facts import LearningFact
from ..text import Text
from ..vocabulary import LearningKind, StrikeReason


class InvestigationFact(LearningFact, frozen=True, gc=False):
    """A fact that stands in an investigation's stream."""

    stream_kind = LearningKind.INVESTIGATION


class InvestigationOpened(InvestigationFact, frozen=True, gc=False):
    """An investigation began. Whoever opened it is on it until they are released."""

    topic = "investigation-opened"

    question: Text | None = None
    programme: Programme | None = None


class InvestigatorAssigned(InvestigationFact, frozen=True, gc=False):
    """Somebody is on the investigation from now on, and sees its cases whole; ``user`` is their pseudonym."""

    topic = "investigator-assigned"

    user: UserId


class InvestigatorReleased(InvestigationFact, frozen=True, gc=False):
    """Somebody is no longer on the investigation."""

    topic = "investigator-released"

    user: UserId


class CaseIncluded(InvestigationFact, frozen=True, gc=False):
    """A case is part of the investigation."""

    topic = "case-included"

    case: CaseId


class DialogueAttached(InvestigationFact, frozen=True, gc=False):
    """A dialogue was held, or will be, within the investigation."""

    topic = "dialogue-attached"

    dialogue: DialogueId


class FindingRecorded(InvestigationFact, frozen=True, gc=False):
    """The investigation found something; ``causes`` are those that it rests on."""

    topic = "finding-recorded"

    finding: FindingId
    statement: Text | None = None
    causes: tuple[CauseId, ...] = ()


class ReportPublished(InvestigationFact, frozen=True, gc=False):
    """The investigation's report came out; ``location`` says where it can be read."""

    topic = "report-published"

    title: Text | None = None
    location: Text | None = None


class FollowUpPlanned(InvestigationFact, frozen=True, gc=False):
    """After the report somebody will see what has become of it, by ``due``."""

    topic = "follow-up-planned"

    follow_up: FollowUpId
    due: datetime
    organisation: OrganisationId | None = None
    plan: Text | None = None


class FollowUpDone(InvestigationFact, frozen=True, gc=False):
    """What was planned after the report was done; ``note`` says what came of it."""

    topic = "follow-up-done"

    follow_up: FollowUpId
    note: Text | None = None


class InvestigationFactCorrected(InvestigationFact, frozen=True, gc=False):
    """A field of an earlier event of the investigation was wrong.

    As in a case (``case.facts.FactCorrected``); whom or what an event names cannot be corrected: strike it instead.
    """

    topic = "investigation-fact-corrected"
    mends = True

    event: EventId
    field: str
    value: str | int | bool | tuple[str, ...] | None = None
    content: Text | None = None
    reason: Text | None = None


class InvestigationEventStruck(InvestigationFact, frozen=True, gc=False):
    """An earlier event of the investigation should never have been recorded; it stays in the log, without effect."""

    topic = "investigation-event-struck"
    mends = True

    event: EventId
    reason: StrikeReason
