"""Commands: what somebody asks the registry to record, and the refusal they may get instead.

A command is the imperative twin of an event: it carries the fact that it asks to record, who says so, and when it
happened. ``COMMANDS`` gives each its name (``OfferHandoff`` asks for ``HandoffOffered``).
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from .case import facts as case
from .cause import facts as cause
from .dialogue import facts as dialogue
from .dossier import facts as dossier
from .event import API, Actor, Fact, Knower
from .experiment import facts as experiment
from .ids import CommandId
from .investigation import facts as investigation
from .network import facts as network
from .organisation import facts as organisation
from .registry import facts as registry
from .vocabulary import Precision


class Command(Struct, frozen=True):
    """A request to record one fact in one stream.

    The same ``id`` twice has one effect and gets the first answer again. ``occurred_at`` is when it happened in the
    world (UTC; none: now); ``expected_version`` refuses the command if the stream has moved on since it was read.
    """

    id: CommandId
    stream: UUID
    actor: Actor
    data: Fact
    occurred_at: datetime | None = None
    precision: Precision = Precision.SECOND
    expected_version: int | None = None
    known_to: tuple[Knower, ...] = ()
    source: str = API
    inferred: bool = False


class RefusalCode(StrEnum):
    """Why a command was refused; programs may rely on these."""

    MALFORMED = "MALFORMED"
    FUTURE = "FUTURE"
    TOO_LARGE = "TOO_LARGE"
    UNKNOWN_CASE = "UNKNOWN_CASE"
    UNKNOWN_OBSTACLE = "UNKNOWN_OBSTACLE"
    UNKNOWN_HANDOFF = "UNKNOWN_HANDOFF"
    UNKNOWN_ORGANISATION = "UNKNOWN_ORGANISATION"
    UNKNOWN_SUBJECT = "UNKNOWN_SUBJECT"
    UNKNOWN_EVENT = "UNKNOWN_EVENT"
    UNKNOWN_GAP = "UNKNOWN_GAP"
    UNKNOWN_STRATEGY = "UNKNOWN_STRATEGY"
    UNKNOWN_INVESTIGATION = "UNKNOWN_INVESTIGATION"
    UNKNOWN_DIALOGUE = "UNKNOWN_DIALOGUE"
    UNKNOWN_CAUSE = "UNKNOWN_CAUSE"
    UNKNOWN_FOLLOW_UP = "UNKNOWN_FOLLOW_UP"
    UNKNOWN_ESCALATION = "UNKNOWN_ESCALATION"
    UNKNOWN_MEASURE = "UNKNOWN_MEASURE"
    UNKNOWN_BARRIER = "UNKNOWN_BARRIER"
    UNKNOWN_PROMISE = "UNKNOWN_PROMISE"
    UNKNOWN_POLICY_DOSSIER = "UNKNOWN_POLICY_DOSSIER"
    UNKNOWN_NETWORK = "UNKNOWN_NETWORK"
    UNKNOWN_EXPERIMENT = "UNKNOWN_EXPERIMENT"
    UNKNOWN_PART = "UNKNOWN_PART"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    WRONG_PARTY = "WRONG_PARTY"
    NOT_OPEN = "NOT_OPEN"
    NOT_SETTLED = "NOT_SETTLED"
    NOT_HOLDER = "NOT_HOLDER"
    HELD = "HELD"
    NOT_PENDING = "NOT_PENDING"
    ALREADY_WAITING = "ALREADY_WAITING"
    NOT_WAITING = "NOT_WAITING"
    ALREADY_CONTESTED = "ALREADY_CONTESTED"
    NOT_CONTESTED = "NOT_CONTESTED"
    CASE_CLOSED = "CASE_CLOSED"
    CASE_OPEN = "CASE_OPEN"
    ORGANISATION_ENDED = "ORGANISATION_ENDED"
    CIRCULAR = "CIRCULAR"
    NOT_OWNER = "NOT_OWNER"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    CAUSE_ENDED = "CAUSE_ENDED"
    FIRST_PART_OPEN = "FIRST_PART_OPEN"
    FIRST_PART_CLOSED = "FIRST_PART_CLOSED"
    CONCLUDED = "CONCLUDED"
    NO_ACTION_TEAM = "NO_ACTION_TEAM"
    STEP_SETTLED = "STEP_SETTLED"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    NOT_SHOWN_TO_WORK = "NOT_SHOWN_TO_WORK"
    NOT_CORRECTABLE = "NOT_CORRECTABLE"
    NOT_ASSIGNED = "NOT_ASSIGNED"
    LAST_INVESTIGATOR = "LAST_INVESTIGATOR"
    NO_CONCLUDED_DIALOGUE = "NO_CONCLUDED_DIALOGUE"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    COMMAND_REUSED = "COMMAND_REUSED"
    SUBJECT_ERASED = "SUBJECT_ERASED"
    NOT_PERMITTED = "NOT_PERMITTED"


class Refused(Struct, frozen=True):
    """A refusal: a code for programs, a sentence for people, and the facts it rests on (name and value as text).

    A refusal leaves no event and is not stored: the same command may be sent again when things have changed.
    """

    code: RefusalCode
    message: str
    facts: tuple[tuple[str, str], ...] = ()


COMMANDS: Final[dict[str, type[Fact]]] = {
    "OpenCase": case.CaseOpened,
    "RelateSubject": case.SubjectRelated,
    "LinkCase": case.CaseLinked,
    "NameCoordinator": case.CoordinatorNamed,
    "CloseCase": case.CaseClosed,
    "ReopenCase": case.CaseReopened,
    "ReportObstacle": case.ObstacleReported,
    "SplitObstacle": case.ObstacleSplit,
    "StateHarm": case.HarmStated,
    "ResolveObstacle": case.ObstacleResolved,
    "WithdrawObstacle": case.ObstacleWithdrawn,
    "ReopenObstacle": case.ObstacleReopened,
    "OfferHandoff": case.HandoffOffered,
    "AcceptHandoff": case.HandoffAccepted,
    "RefuseHandoff": case.HandoffRefused,
    "WithdrawHandoff": case.HandoffWithdrawn,
    "ReferSubject": case.SubjectReferred,
    "TakeCustody": case.CustodyTaken,
    "ReleaseCustody": case.CustodyReleased,
    "MoveResponsibility": case.ResponsibilityMoved,
    "SetTerm": case.TermSet,
    "BeginWaiting": case.WaitingBegan,
    "EndWaiting": case.WaitingEnded,
    "TakeStep": case.StepTaken,
    "MakeContact": case.ContactMade,
    "ApplyRemedy": case.RemedyApplied,
    "ContestResolution": case.ResolutionContested,
    "UpholdResolution": case.ResolutionUpheld,
    "WithdrawContest": case.ContestWithdrawn,
    "GiveRuling": case.RulingGiven,
    "GiveAccount": case.AccountGiven,
    "AcknowledgeGap": case.GapAcknowledged,
    "CorrectFact": case.FactCorrected,
    "StrikeEvent": case.EventStruck,
    "RegisterOrganisation": organisation.OrganisationRegistered,
    "RenameOrganisation": organisation.OrganisationRenamed,
    "ChangeParent": organisation.ParentChanged,
    "MergeOrganisation": organisation.OrganisationMerged,
    "DissolveOrganisation": organisation.OrganisationDissolved,
    "TransferTask": organisation.TaskTransferred,
    "EstablishSolutionTeam": organisation.SolutionTeamEstablished,
    "ShareStrategy": organisation.StrategyShared,
    "AdoptStrategy": organisation.StrategyAdopted,
    "CorrectOrganisationFact": organisation.OrganisationFactCorrected,
    "StrikeOrganisationEvent": organisation.OrganisationEventStruck,
    "OpenInvestigation": investigation.InvestigationOpened,
    "AssignInvestigator": investigation.InvestigatorAssigned,
    "ReleaseInvestigator": investigation.InvestigatorReleased,
    "IncludeCase": investigation.CaseIncluded,
    "AttachDialogue": investigation.DialogueAttached,
    "RecordFinding": investigation.FindingRecorded,
    "PublishReport": investigation.ReportPublished,
    "PlanFollowUp": investigation.FollowUpPlanned,
    "DoFollowUp": investigation.FollowUpDone,
    "CorrectInvestigationFact": investigation.InvestigationFactCorrected,
    "StrikeInvestigationEvent": investigation.InvestigationEventStruck,
    **cause.COMMANDS,
    **dialogue.COMMANDS,
    **dossier.COMMANDS,
    **network.COMMANDS,
    **experiment.COMMANDS,
    "ChangeTerm": registry.TermChanged,
    "ChangeGrace": registry.GraceChanged,
    "AddBarrier": registry.BarrierAdded,
    "AddPromise": registry.PromiseAdded,
}
"""Every command by its name, and the fact that it asks to record."""
