"""The facts of a case: every event that its stream can hold, typed to the last field.

Names and fields are the registry's contract. Texts are of type ``Text``; moments are aware datetimes in UTC; whoever
is named is named by an identifier. A field that is none was not known, or does not apply. The module is long because
it is the catalogue: whoever wants to know what a case can say reads it from top to bottom.
"""

from datetime import datetime

from msgspec import Struct

from ..event import Fact
from ..ids import (
    CaseId,
    EventId,
    GapId,
    HandoffId,
    ObstacleId,
    OrganisationId,
    Reference,
    RuleReference,
    SubjectId,
    Theme,
)
from ..text import Text
from ..vocabulary import (
    CaseRelation,
    Channel,
    Confirmation,
    GapKind,
    Harm,
    Initiative,
    MoveBasis,
    NoticedBy,
    Origin,
    Outcome,
    RefusalGround,
    Stance,
    StepKind,
    StrikeReason,
    SubjectRelation,
    WaitingGround,
    WithdrawalGround,
)


class Party(Struct, frozen=True, gc=False, omit_defaults=True):
    """An organisation or a subject: exactly one of the two."""

    organisation: OrganisationId | None = None
    subject: SubjectId | None = None

    def __post_init__(self) -> None:
        """Refuse neither and both."""
        if (self.organisation is None) == (self.subject is None):
            message = "A party is either an organisation or a subject."
            raise ValueError(message)


class GapMark(Struct, frozen=True, gc=False):
    """A gap as it stood when somebody spoke of it, so that their word can follow it if a late fact moves it.

    ``since`` is the gap's beginning as then derived; ``obstacle`` is none for a gap that lies on several: a deadlock
    within the case, and what lies over several cases of one subject.
    """

    id: GapId
    kind: GapKind
    obstacle: ObstacleId | None
    since: datetime


class CaseFact(Fact, frozen=True, gc=False):
    """A fact that stands in a case's stream."""


class ObstacleFact(CaseFact, frozen=True, gc=False):
    """A fact about one obstacle, which it names."""

    obstacle: ObstacleId


class HandoffFact(CaseFact, frozen=True, gc=False):
    """A fact about one handoff, which it names; the handoff's offer names the obstacle."""

    handoff: HandoffId


# Opening


class CaseOpened(CaseFact, frozen=True, gc=False):
    """A story became a case. The first subject is the one whom texts are about unless they say otherwise."""

    topic = "case-opened"

    reference: Reference
    subjects: tuple[SubjectId, ...]
    theme: Theme
    noticed_by: NoticedBy
    title: Text | None = None


class SubjectRelated(CaseFact, frozen=True, gc=False, rename={"from_": "from"}):
    """One subject of the case stands in a relation to another, for a time."""

    topic = "subject-related"

    subject: SubjectId
    to: SubjectId
    relation: SubjectRelation
    from_: datetime | None = None
    until: datetime | None = None


class CaseLinked(CaseFact, frozen=True, gc=False):
    """The case belongs with another one."""

    topic = "case-linked"

    case: CaseId
    relation: CaseRelation


class CoordinatorNamed(CaseFact, frozen=True, gc=False):
    """An organisation took it upon itself to keep the overview."""

    topic = "coordinator-named"

    organisation: OrganisationId
    until: datetime | None = None


class CaseClosed(CaseFact, frozen=True, gc=False):
    """An organisation closed the case; obstacles still open are from then on held by nobody."""

    topic = "case-closed"

    organisation: OrganisationId
    ground: Text | None = None


class CaseReopened(CaseFact, frozen=True, gc=False):
    """An organisation opened the case again; nobody's custody comes back by that."""

    topic = "case-reopened"

    organisation: OrganisationId


# The obstacle


class ObstacleReported(ObstacleFact, frozen=True, gc=False):
    """Something blocks the subject. ``told`` heard of it; ``received_by`` took it in and holds it."""

    topic = "obstacle-reported"

    origin: Origin
    experienced_at: OrganisationId
    story: Text | None = None
    need: Text | None = None
    told: tuple[OrganisationId, ...] = ()
    received_by: OrganisationId | None = None
    triggered_by: ObstacleId | None = None


class ObstacleSplit(ObstacleFact, frozen=True, gc=False):
    """One obstacle proved to be several, each with a report of its own; this one is settled by it."""

    topic = "obstacle-split"

    into: tuple[ObstacleId, ...]


class HarmStated(ObstacleFact, frozen=True, gc=False):
    """What the obstacle costs, or will cost, from ``since`` until ``until``."""

    topic = "harm-stated"

    harm: Harm
    since: datetime
    until: datetime | None = None
    note: Text | None = None


class ObstacleResolved(ObstacleFact, frozen=True, gc=False):
    """An organisation settled the obstacle, whatever the outcome."""

    topic = "obstacle-resolved"

    organisation: OrganisationId
    outcome: Outcome
    confirmed_by_subject: Confirmation = Confirmation.UNKNOWN


class ObstacleWithdrawn(ObstacleFact, frozen=True, gc=False):
    """The subject, or who represents them, no longer pursues it; ``on_word_of`` says whose word that is."""

    topic = "obstacle-withdrawn"

    ground: WithdrawalGround
    on_word_of: SubjectId
    statement: Text | None = None


class ObstacleReopened(ObstacleFact, frozen=True, gc=False):
    """A settled obstacle is open again, held by the organisation named or by nobody."""

    topic = "obstacle-reopened"

    organisation: OrganisationId | None = None


# Custody


class HandoffOffered(HandoffFact, frozen=True, gc=False, rename={"from_": "from"}):
    """The holder asked another organisation to take the obstacle over."""

    topic = "handoff-offered"

    obstacle: ObstacleId
    from_: OrganisationId
    to: OrganisationId
    reason: Text | None = None
    delivered_at: datetime | None = None
    respond_by: datetime | None = None


class HandoffAccepted(HandoffFact, frozen=True, gc=False):
    """The organisation asked took the obstacle over."""

    topic = "handoff-accepted"

    subject_present: bool = False
    file_received: bool = False


class HandoffRefused(HandoffFact, frozen=True, gc=False):
    """The organisation asked said no, and perhaps who else it thinks should be asked."""

    topic = "handoff-refused"

    ground: RefusalGround
    suggests: OrganisationId | None = None


class HandoffWithdrawn(HandoffFact, frozen=True, gc=False):
    """The offer was taken back."""

    topic = "handoff-withdrawn"


class SubjectReferred(ObstacleFact, frozen=True, gc=False, rename={"from_": "from"}):
    """The subject was told to go elsewhere. ``released``: whoever refers lets go by it."""

    topic = "subject-referred"

    from_: OrganisationId
    to: OrganisationId
    released: bool = False


class CustodyTaken(ObstacleFact, frozen=True, gc=False):
    """An organisation took the obstacle on when nobody held it, or confirmed that it holds it."""

    topic = "custody-taken"

    organisation: OrganisationId


class CustodyReleased(ObstacleFact, frozen=True, gc=False):
    """The holder let go, to nobody."""

    topic = "custody-released"

    organisation: OrganisationId
    ground: RefusalGround = RefusalGround.OTHER


class ResponsibilityMoved(ObstacleFact, frozen=True, gc=False, rename={"from_": "from"}):
    """The law moved the obstacle; nobody holds it until ``to`` takes custody or acts."""

    topic = "responsibility-moved"

    from_: OrganisationId
    to: OrganisationId
    basis: MoveBasis
    first_received: datetime | None = None
    subject_told: bool = False


# Time


class TermSet(ObstacleFact, frozen=True, gc=False):
    """The obstacle must be decided on by ``due``; ``basis`` names the rule."""

    topic = "term-set"

    due: datetime
    basis: RuleReference | None = None


class WaitingBegan(ObstacleFact, frozen=True, gc=False, rename={"for_": "for"}):
    """The holder may not or cannot act, because of somebody or of another obstacle."""

    topic = "waiting-began"

    organisation: OrganisationId
    ground: WaitingGround
    for_: Party | None = None
    for_obstacle: ObstacleId | None = None
    until: datetime | None = None


class WaitingEnded(ObstacleFact, frozen=True, gc=False):
    """What the holder waited for came, or the waiting was broken off."""

    topic = "waiting-ended"


class StepTaken(ObstacleFact, frozen=True, gc=False):
    """An organisation did something about the obstacle."""

    topic = "step-taken"

    organisation: OrganisationId | None
    kind: StepKind
    note: Text | None = None


class ContactMade(CaseFact, frozen=True, gc=False):
    """An organisation and the subject were in touch about one or more obstacles."""

    topic = "contact-made"

    obstacles: tuple[ObstacleId, ...]
    organisation: OrganisationId
    initiated_by: Initiative
    channel: Channel
    story_retold: bool = False
    note: Text | None = None


class RemedyApplied(ObstacleFact, frozen=True, gc=False):
    """A solution for this one subject that departs from a rule."""

    topic = "remedy-applied"

    organisation: OrganisationId
    rule_departed_from: RuleReference | None = None
    note: Text | None = None


# Dispute


class ResolutionContested(ObstacleFact, frozen=True, gc=False):
    """Somebody does not accept the resolution, and is owed an answer by ``answer_due``."""

    topic = "resolution-contested"

    by: Party
    answer_due: datetime
    note: Text | None = None


class ResolutionUpheld(ObstacleFact, frozen=True, gc=False):
    """The contest was answered: the resolution stands."""

    topic = "resolution-upheld"

    organisation: OrganisationId


class ContestWithdrawn(ObstacleFact, frozen=True, gc=False):
    """Whoever contested the resolution no longer does."""

    topic = "contest-withdrawn"


class RulingGiven(ObstacleFact, frozen=True, gc=False):
    """A court, an objections committee or the like spoke about the obstacle."""

    topic = "ruling-given"

    body: OrganisationId
    binding: bool
    annuls: bool
    due: datetime | None = None
    note: Text | None = None


class AccountGiven(CaseFact, frozen=True, gc=False):
    """An organisation's or subject's own version: it confirms or disputes an event or a gap (exactly one of them).

    ``subject`` is over whose cases the gap lies, this one among them; none if it lies in this case alone.
    """

    topic = "account-given"

    by: Party
    stance: Stance
    event: EventId | None = None
    gap: GapMark | None = None
    account: Text | None = None
    subject: SubjectId | None = None

    def __post_init__(self) -> None:
        """Refuse an account of nothing and of two things."""
        if (self.event is None) == (self.gap is None):
            message = "An account is about either an event or a gap."
            raise ValueError(message)
        if self.gap is None and self.subject is not None:
            message = "An event lies in one case; only a gap can lie over several."
            raise ValueError(message)


class GapAcknowledged(CaseFact, frozen=True, gc=False):
    """An organisation owns up to a gap, perhaps with a plan to close it by ``due``.

    ``subject`` is over whose cases the gap lies, this one among them; none if it lies in this case alone.
    """

    topic = "gap-acknowledged"

    gap: GapMark
    organisation: OrganisationId
    plan: Text | None = None
    due: datetime | None = None
    subject: SubjectId | None = None


# Mending the record


class FactCorrected(CaseFact, frozen=True, gc=False):
    """A field of an earlier event was wrong.

    ``field`` is a field of the event's fact, or ``occurred_at`` or ``precision``. The right content stands in ``value``
    (as JSON, in the field's own type: moments as RFC 3339, ids as text) or, for a field of type ``Text``, in
    ``content``. A field that holds a party or a gap cannot be corrected: strike the event and record it anew.
    """

    topic = "fact-corrected"
    mends = True

    event: EventId
    field: str
    value: str | int | bool | tuple[str, ...] | None = None
    content: Text | None = None
    reason: Text | None = None


class EventStruck(CaseFact, frozen=True, gc=False):
    """An earlier event should never have been recorded; it stays in the log and counts for nothing."""

    topic = "event-struck"
    mends = True

    event: EventId
    reason: StrikeReason
