"""The facts of a cause: what produces obstacles of a kind, who is asked to remove it, and what came of it.

Solving one case is not removing its cause, and whoever solves cases is seldom in a position to. So a cause has an owner
of its own, is escalated to levels that can remove it, and is gone only when a measure is shown to have worked.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from ..event import Fact
from ..ids import BarrierSlug, EscalationId, MeasureId, ObstacleId, OrganisationId, Theme
from ..learning.facts import LearningEventStruck, LearningFact, LearningFactCorrected, LearningGapAcknowledged
from ..text import Text
from ..vocabulary import CostPer, EscalationReply, LearningKind, Level, Locus, RefusalGround, Stopped

Euros = Annotated[int, Meta(ge=0, le=10**12)]
"""An amount in whole euros."""


class CauseFact(LearningFact, frozen=True, gc=False):
    """A fact that stands in a cause's stream."""

    stream_kind = LearningKind.CAUSE


class CauseIdentified(CauseFact, frozen=True, gc=False):
    """Somebody says what produces obstacles of a kind, and where that sits. Commands without a statement are refused.

    ``barrier`` is one of the catalogue's (``domain.catalogue``), if one fits.
    """

    topic = "cause-identified"

    locus: Locus
    statement: Text | None = None
    theme: Theme | None = None
    barrier: BarrierSlug | None = None


class ObstacleLinked(CauseFact, frozen=True, gc=False):
    """Somebody judged that an obstacle, of whatever case, comes from this cause. People link; the registry suggests."""

    topic = "obstacle-linked"

    obstacle: ObstacleId
    reason: Text | None = None


class OwnerProposed(CauseFact, frozen=True, gc=False):
    """An organisation is asked to own the cause: to see to it that it goes."""

    topic = "owner-proposed"

    owner: OrganisationId
    reason: Text | None = None


class OwnerAccepted(CauseFact, frozen=True, gc=False):
    """An organisation that was proposed owns the cause from now on; it succeeds whoever did before."""

    topic = "owner-accepted"

    organisation: OrganisationId


class OwnerDeclined(CauseFact, frozen=True, gc=False):
    """An organisation that was proposed will not own the cause."""

    topic = "owner-declined"

    organisation: OrganisationId
    ground: RefusalGround
    reason: Text | None = None


class OwnershipPassed(CauseFact, frozen=True, gc=False):
    """Who owned the cause is no more: whom it went up in owns it from now on, or nobody, where it was dissolved.

    ``organisation`` is the one that ended, ``to`` its successor. The law does that, and nobody is asked.
    """

    topic = "ownership-passed"

    organisation: OrganisationId
    to: OrganisationId | None = None


class CauseEscalated(CauseFact, frozen=True, gc=False):
    """An organisation is asked, at a level, to see to the cause.

    It has until ``respond_by`` to answer; where nobody stated it, as long as whoever is offered an obstacle.
    """

    topic = "cause-escalated"

    escalation: EscalationId
    to: OrganisationId
    level: Level
    respond_by: datetime | None = None
    reason: Text | None = None


class EscalationAnswered(CauseFact, frozen=True, gc=False):
    """The organisation that a cause was escalated to answers; ``suggests`` is whom it passes it on to."""

    topic = "escalation-answered"

    escalation: EscalationId
    organisation: OrganisationId
    answer: EscalationReply
    suggests: OrganisationId | None = None
    reason: Text | None = None


class FailureCostEstimated(CauseFact, frozen=True, gc=False):
    """An organisation estimates what the cause costs, in whole euros: for each obstacle, for a year, or once."""

    topic = "failure-cost-estimated"

    organisation: OrganisationId
    euros: Euros
    per: CostPer
    basis: Text | None = None


class MeasureCommitted(CauseFact, frozen=True, gc=False):
    """The owner commits itself to a change that should remove the cause, by ``due``."""

    topic = "measure-committed"

    measure: MeasureId
    organisation: OrganisationId
    due: datetime
    plan: Text | None = None


class MeasureImplemented(CauseFact, frozen=True, gc=False):
    """The owner has made the change."""

    topic = "measure-implemented"

    measure: MeasureId
    organisation: OrganisationId


class MeasureEvaluated(CauseFact, frozen=True, gc=False):
    """An organisation finds, with partners, whether obstacles of this cause stopped by a measure."""

    topic = "measure-evaluated"

    measure: MeasureId
    organisation: OrganisationId
    stopped: Stopped
    partners: tuple[OrganisationId, ...] = ()
    findings: Text | None = None


class CauseRemoved(CauseFact, frozen=True, gc=False):
    """The cause is gone, as its owner says, or anyone while nobody owns it."""

    topic = "cause-removed"

    organisation: OrganisationId


class CauseAcceptedAsIs(CauseFact, frozen=True, gc=False):
    """An organisation that owns the cause, or was asked to, lets it be, and says why: commands without are refused."""

    topic = "cause-accepted-as-is"

    organisation: OrganisationId
    reason: Text | None = None


class CauseGapAcknowledged(LearningGapAcknowledged, CauseFact, frozen=True, gc=False):
    """An organisation owns up to a gap of the cause, perhaps with a plan to close it by ``due``."""

    topic = "cause-gap-acknowledged"


class CauseFactCorrected(LearningFactCorrected, CauseFact, frozen=True, gc=False):
    """A field of an earlier event of the cause was wrong."""

    topic = "cause-fact-corrected"


class CauseEventStruck(LearningEventStruck, CauseFact, frozen=True, gc=False):
    """An earlier event of the cause should never have been recorded; it stays in the log, without effect."""

    topic = "cause-event-struck"


COMMANDS: dict[str, type[Fact]] = {
    "IdentifyCause": CauseIdentified,
    "LinkObstacle": ObstacleLinked,
    "ProposeOwner": OwnerProposed,
    "AcceptOwnership": OwnerAccepted,
    "DeclineOwnership": OwnerDeclined,
    "PassOwnership": OwnershipPassed,
    "EscalateCause": CauseEscalated,
    "AnswerEscalation": EscalationAnswered,
    "EstimateFailureCost": FailureCostEstimated,
    "CommitMeasure": MeasureCommitted,
    "ImplementMeasure": MeasureImplemented,
    "EvaluateMeasure": MeasureEvaluated,
    "RemoveCause": CauseRemoved,
    "AcceptCauseAsIs": CauseAcceptedAsIs,
    "AcknowledgeCauseGap": CauseGapAcknowledged,
    "CorrectCauseFact": CauseFactCorrected,
    "StrikeCauseEvent": CauseEventStruck,
}
"""The commands about a cause, and the fact that each asks to record."""
