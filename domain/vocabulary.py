"""The closed lists that events choose from.

Every enumeration of the registry's vocabulary stands here, under the field's own terms. Values are what is stored,
shown in GraphQL and named in the trail, so a value is never renamed or reused: a new one is added. The module is long
because the lists are many.
"""

from enum import StrEnum


class Precision(StrEnum):
    """How exactly a moment in the world is known; it never changes an event's place in time."""

    SECOND = "SECOND"
    DAY = "DAY"
    MONTH = "MONTH"


class Term(StrEnum):
    """A term of the registry that its administrator may change.

    RESPOND_BY: how long whoever is offered an obstacle has to answer, unless the offer says so.
    STANDSTILL: how long a holder may do nothing.
    CONFIRM_BY: how long custody may rest on another's word.
    NAME_CAUSE: how long after it was resolved an obstacle may be without a cause.
    """

    RESPOND_BY = "RESPOND_BY"
    STANDSTILL = "STANDSTILL"
    CONFIRM_BY = "CONFIRM_BY"
    NAME_CAUSE = "NAME_CAUSE"


class Role(StrEnum):
    """What a user is to the registry; the access rules hang on it."""

    INVESTIGATOR = "INVESTIGATOR"
    SUBJECT = "SUBJECT"
    AGENCY = "AGENCY"
    SOLUTION_TEAM = "SOLUTION_TEAM"
    AUDITOR = "AUDITOR"
    ANALYST = "ANALYST"
    INTAKE = "INTAKE"
    PRIVACY_OFFICER = "PRIVACY_OFFICER"
    ADMINISTRATOR = "ADMINISTRATOR"


class NoticedBy(StrEnum):
    """Who saw first that somebody was stuck."""

    SUBJECT = "SUBJECT"
    PROFESSIONAL = "PROFESSIONAL"
    SOLUTION_TEAM = "SOLUTION_TEAM"
    INVESTIGATOR = "INVESTIGATOR"
    OTHER = "OTHER"


class SubjectRelation(StrEnum):
    """What one subject of a case is to another."""

    REPRESENTS = "REPRESENTS"
    HOUSEHOLD = "HOUSEHOLD"
    COUNTERPART = "COUNTERPART"


class CaseRelation(StrEnum):
    """What one case is to another."""

    SAME_STORY = "SAME_STORY"
    CONTINUES = "CONTINUES"
    RELATED = "RELATED"


class Origin(StrEnum):
    """Where an obstacle came from, as its reporter sees it."""

    SUBJECT_ERROR = "SUBJECT_ERROR"
    PROVIDER_ERROR = "PROVIDER_ERROR"
    NO_CATEGORY = "NO_CATEGORY"
    SUM_OF_ACTIONS = "SUM_OF_ACTIONS"
    UNKNOWN = "UNKNOWN"


class Harm(StrEnum):
    """What an obstacle costs the subject while it lasts."""

    HOME = "HOME"
    INCOME = "INCOME"
    CARE = "CARE"
    SCHOOL = "SCHOOL"
    DEBT = "DEBT"
    SAFETY = "SAFETY"
    OTHER = "OTHER"


class Outcome(StrEnum):
    """What a resolution did for the subject."""

    REMOVED = "REMOVED"
    PARTLY = "PARTLY"
    REJECTED = "REJECTED"


class Confirmation(StrEnum):
    """Whether the subject agrees that an obstacle is resolved."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


class WithdrawalGround(StrEnum):
    """Why an obstacle is no longer pursued."""

    GAVE_UP = "GAVE_UP"
    MOVED_ON = "MOVED_ON"
    MISTAKE = "MISTAKE"
    DIED = "DIED"


class RefusalGround(StrEnum):
    """Why an organisation refuses an obstacle, or lets go of it."""

    NOT_COMPETENT = "NOT_COMPETENT"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    NO_CAPACITY = "NO_CAPACITY"
    INCOMPLETE_FILE = "INCOMPLETE_FILE"
    WAITING_FOR_OTHER = "WAITING_FOR_OTHER"
    OTHER = "OTHER"


class MoveBasis(StrEnum):
    """By what rule responsibility moved without anyone's consent (FORWARDED: article 2:3 Awb)."""

    FORWARDED = "FORWARDED"
    RELOCATION = "RELOCATION"
    TASK_TRANSFER = "TASK_TRANSFER"
    SUCCESSION = "SUCCESSION"
    RULING = "RULING"


class WaitingGround(StrEnum):
    """Why a holder may not or cannot act (SUSPENSION: article 4:15 Awb, which stops the term to decide)."""

    SUSPENSION = "SUSPENSION"
    ADVICE = "ADVICE"
    OTHER_OBSTACLE = "OTHER_OBSTACLE"
    OTHER = "OTHER"


class StepKind(StrEnum):
    """What a holder did; a NOTE is a word in the file, not an act."""

    DECISION = "DECISION"
    INQUIRY = "INQUIRY"
    LETTER = "LETTER"
    VISIT = "VISIT"
    NOTE = "NOTE"
    OTHER = "OTHER"


class Initiative(StrEnum):
    """Who sought a contact."""

    SUBJECT = "SUBJECT"
    ORGANISATION = "ORGANISATION"


class Channel(StrEnum):
    """How a contact was made."""

    PHONE = "PHONE"
    LETTER = "LETTER"
    EMAIL = "EMAIL"
    PORTAL = "PORTAL"
    COUNTER = "COUNTER"
    VISIT = "VISIT"
    OTHER = "OTHER"


class Stance(StrEnum):
    """Whether an account confirms what it is about, or disputes it."""

    CONFIRMS = "CONFIRMS"
    DISPUTES = "DISPUTES"


class StrikeReason(StrEnum):
    """Why an event should never have been recorded."""

    WRONG_PARTY = "WRONG_PARTY"
    WRONG_CASE = "WRONG_CASE"
    DUPLICATE = "DUPLICATE"
    NEVER_HAPPENED = "NEVER_HAPPENED"


class OrganisationKind(StrEnum):
    """What sort of organisation it is."""

    MUNICIPALITY = "MUNICIPALITY"
    EXECUTING_AGENCY = "EXECUTING_AGENCY"
    MINISTRY = "MINISTRY"
    PROVINCE = "PROVINCE"
    WATER_AUTHORITY = "WATER_AUTHORITY"
    COURT = "COURT"
    POLICE = "POLICE"
    SUPERVISOR = "SUPERVISOR"
    CARE_PROVIDER = "CARE_PROVIDER"
    SCHOOL = "SCHOOL"
    HOUSING_ASSOCIATION = "HOUSING_ASSOCIATION"
    INITIATIVE = "INITIATIVE"
    UNIT = "UNIT"
    OTHER = "OTHER"


class TeamMotive(StrEnum):
    """Why a solution team was set up."""

    SENSE_OF_JUSTICE = "SENSE_OF_JUSTICE"
    OPERATIONAL_NECESSITY = "OPERATIONAL_NECESSITY"
    FAILURE_COSTS = "FAILURE_COSTS"
    LEARNING_AND_INNOVATION = "LEARNING_AND_INNOVATION"


class LearningKind(StrEnum):
    """What a learning stream is about: how what fails many is found, told and mended.

    CAUSE: what produces obstacles of a kind.
    DIALOGUE: a moderated conversation about one problem.
    INVESTIGATION: an inquiry over a set of cases.
    POLICY_DOSSIER: the answers to the questions that a policy has to answer, and how citizens were involved.
    NETWORK: organisations that learn and speak together.
    EXPERIMENT: a trial in the field of something that may work.
    """

    CAUSE = "CAUSE"
    DIALOGUE = "DIALOGUE"
    INVESTIGATION = "INVESTIGATION"
    POLICY_DOSSIER = "POLICY_DOSSIER"
    NETWORK = "NETWORK"
    EXPERIMENT = "EXPERIMENT"


class CauseStatus(StrEnum):
    """How far a cause has come.

    UNOWNED: nobody has accepted to own it. OWNED: somebody owns it. REMOVED: it is gone. ACCEPTED_AS_IS: it is let be.
    """

    UNOWNED = "UNOWNED"
    OWNED = "OWNED"
    REMOVED = "REMOVED"
    ACCEPTED_AS_IS = "ACCEPTED_AS_IS"


class Locus(StrEnum):
    """Where a cause sits."""

    LAW = "LAW"
    POLICY = "POLICY"
    EXECUTION = "EXECUTION"
    SYSTEM = "SYSTEM"
    MONEY = "MONEY"
    CULTURE = "CULTURE"
    CHAIN = "CHAIN"


class Level(StrEnum):
    """A rung of the ladder by which a cause is brought to who can remove it, the lowest first."""

    TEAM = "TEAM"
    ORGANISATION = "ORGANISATION"
    CHAIN = "CHAIN"
    MINISTRY = "MINISTRY"
    LEGISLATOR = "LEGISLATOR"


class EscalationReply(StrEnum):
    """What an organisation answers to whom escalates a cause to it.

    TAKES_UP: it sees to it. PASSES_ON: another should, whom it names. REFUSES: it does neither.
    """

    TAKES_UP = "TAKES_UP"
    PASSES_ON = "PASSES_ON"
    REFUSES = "REFUSES"


class CostPer(StrEnum):
    """For what an amount of failure costs was estimated."""

    OBSTACLE = "OBSTACLE"
    YEAR = "YEAR"
    ONCE = "ONCE"


class Stopped(StrEnum):
    """Whether obstacles of a cause stopped by a measure, as its evaluation finds."""

    YES = "YES"
    PARTLY = "PARTLY"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


class BarrierPlace(StrEnum):
    """Where a barrier stands: in policy and execution alike, or in one of the two."""

    SHARED = "SHARED"
    POLICY = "POLICY"
    EXECUTION = "EXECUTION"


class IdentityKind(StrEnum):
    """What somebody is known by."""

    BSN = "BSN"
    """The Dutch citizen's number: nine digits, one person."""

    NAME = "NAME"
    """A name, which several people may have."""


class InvestigationStatus(StrEnum):
    """Whether the report of an investigation came out."""

    OPEN = "OPEN"
    PUBLISHED = "PUBLISHED"


class ParticipantRole(StrEnum):
    """As what somebody takes part in a dialogue."""

    CITIZEN = "CITIZEN"
    PRACTITIONER = "PRACTITIONER"
    POLICYMAKER = "POLICYMAKER"
    EXPERT = "EXPERT"
    MODERATOR = "MODERATOR"


class DialogueStatus(StrEnum):
    """How far a dialogue has come.

    FIRST_PART: citizens and practitioners speak. SECOND_PART: policymakers do too. CONCLUDED: the conversation is over.
    """

    FIRST_PART = "FIRST_PART"
    SECOND_PART = "SECOND_PART"
    CONCLUDED = "CONCLUDED"


class StepStatus(StrEnum):
    """What became of a step that an action team took upon itself; RUNNING: nothing yet."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    GIVEN_UP = "GIVEN_UP"


class PolicyQuestion(StrEnum):
    """The questions of the Beleidskompas, the Dutch government's guide to making policy, in its order."""

    PROBLEM = "PROBLEM"
    STAKEHOLDERS = "STAKEHOLDERS"
    GOAL = "GOAL"
    OPTIONS = "OPTIONS"
    CONSEQUENCES = "CONSEQUENCES"
    PREFERRED_OPTION = "PREFERRED_OPTION"


class DossierStatus(StrEnum):
    """Whether a policy dossier has questions without an answer."""

    INCOMPLETE = "INCOMPLETE"
    COMPLETE = "COMPLETE"


class PolicyStage(StrEnum):
    """A stage of policy at which citizens can be involved."""

    PROBLEM = "PROBLEM"
    GOAL = "GOAL"
    OPTIONS = "OPTIONS"
    CHOICE = "CHOICE"
    EXECUTION = "EXECUTION"
    EVALUATION = "EVALUATION"


class Involvement(StrEnum):
    """How citizens were involved."""

    DIALOGUE = "DIALOGUE"
    INTERVIEWS = "INTERVIEWS"
    WORKSHOP = "WORKSHOP"
    PANEL = "PANEL"
    SURVEY = "SURVEY"
    ONLINE = "ONLINE"
    OTHER = "OTHER"


class Influence(StrEnum):
    """What influence citizens had, from none to a vote of their own; the rungs of the Dutch ladder of participation."""

    NONE = "NONE"
    INFORMED = "INFORMED"
    CONSULTED = "CONSULTED"
    ADVISED = "ADVISED"
    COPRODUCED = "COPRODUCED"
    DECIDED = "DECIDED"


class PromiseStatus(StrEnum):
    """Whether a promise was kept; PENDING: not yet."""

    PENDING = "PENDING"
    KEPT = "KEPT"


class NetworkStatus(StrEnum):
    """Whether anybody is in a network."""

    ACTIVE = "ACTIVE"
    EMPTY = "EMPTY"


class SignalReply(StrEnum):
    """What a policymaker or legislator answers to a signal.

    TAKES_UP: it acts on all of it. PARTLY: on some of it. NOTED: it has heard it. REFUSES: it will not act.
    """

    TAKES_UP = "TAKES_UP"
    PARTLY = "PARTLY"
    NOTED = "NOTED"
    REFUSES = "REFUSES"


class ExperimentStatus(StrEnum):
    """How far an experiment has come."""

    RUNNING = "RUNNING"
    CONCLUDED = "CONCLUDED"


class Finding(StrEnum):
    """What an experiment showed of what was tried."""

    WORKS = "WORKS"
    DOES_NOT_WORK = "DOES_NOT_WORK"
    UNDECIDED = "UNDECIDED"


class GapKind(StrEnum):
    """The ways in which a chain can fail a subject. Declared in the order in which they are explained and listed."""

    NEVER_TAKEN = "NEVER_TAKEN"
    LOST_REFERRAL = "LOST_REFERRAL"
    REFERRED_ROUND = "REFERRED_ROUND"
    RELEASED = "RELEASED"
    MOVED = "MOVED"
    CLOSED_UNRESOLVED = "CLOSED_UNRESOLVED"
    UNCONFIRMED = "UNCONFIRMED"
    UNANSWERED = "UNANSWERED"
    NOBODYS_JOB = "NOBODYS_JOB"
    CAROUSEL = "CAROUSEL"
    STANDSTILL = "STANDSTILL"
    DECISION_OVERDUE = "DECISION_OVERDUE"
    DEADLOCK = "DEADLOCK"
    CONTESTED = "CONTESTED"
    WRONGLY_SETTLED = "WRONGLY_SETTLED"
    GAVE_UP = "GAVE_UP"
    UNCOORDINATED = "UNCOORDINATED"
    CAUSE_UNOWNED = "CAUSE_UNOWNED"
    ESCALATION_UNANSWERED = "ESCALATION_UNANSWERED"
    MEASURE_OVERDUE = "MEASURE_OVERDUE"
    COMMITMENT_OVERDUE = "COMMITMENT_OVERDUE"
