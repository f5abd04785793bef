"""Given what happened to a cause, when a command comes, then it is recorded or refused; every refusal once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from domain.given import GEM, START, STRANGER, SVB, UWV, Told, some_id
from histories.organisations import streams_of
from knelpunt.domain.case.facts import GapMark
from knelpunt.domain.cause import facts as c
from knelpunt.domain.command import Command, Refused
from knelpunt.domain.command import RefusalCode as R
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import event_id_of, gap_id_of
from knelpunt.domain.learning.decide import decide_learning
from knelpunt.domain.organisation.facts import OrganisationDissolved, OrganisationMerged
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import (
    CostPer,
    EscalationReply,
    GapKind,
    LearningKind,
    Level,
    Locus,
    RefusalGround,
    Role,
    Stopped,
    StrikeReason,
)
from knelpunt.projections.derivation.learning_kinds import answer_of_stream
from knelpunt.projections.derivation.shapes import follows

CAUSE, OBSTACLE, ESCALATION, MEASURE = map(some_id, ("cause", "obstacle", "escalation", "measure"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE = START + 30 * DAY
WHY = clear("omdat")

IDENTIFIED = c.CauseIdentified(Locus.LAW, clear("Twee regels"))
PROPOSED, ACCEPTED = c.OwnerProposed(UWV), Told(c.OwnerAccepted(UWV), UWV)
OWNED = (IDENTIFIED, PROPOSED, ACCEPTED)
ESCALATED = c.CauseEscalated(ESCALATION, SVB, Level.CHAIN, DUE)
ANSWERED = Told(c.EscalationAnswered(ESCALATION, SVB, EscalationReply.TAKES_UP), SVB)
COMMITTED = Told(c.MeasureCommitted(MEASURE, UWV, DUE), UWV)
IMPLEMENTED = Told(c.MeasureImplemented(MEASURE, UWV), UWV)
PASSED = c.OwnershipPassed(UWV, SVB)
EVALUATED = c.MeasureEvaluated(MEASURE, GEM, Stopped.NO, (UWV,))
REMOVED = Told(c.CauseRemoved(UWV), UWV)


@dataclass(frozen=True)
class Known:
    """What the registry knows beside the cause."""

    organisations: frozenset[str] = frozenset({GEM, UWV, SVB})
    histories: dict[UUID, Sequence[Event]] = field(default_factory=dict)

    def organisation(self, organisation: str) -> bool:
        return organisation in self.organisations

    def organisation_history(self, organisation: str) -> Sequence[Event]:
        """UWV went up in SVB, which was dissolved later."""
        ended = {UWV: OrganisationMerged(UWV, SVB), SVB: OrganisationDissolved(SVB)}
        return streams_of((ended[organisation], START)) if organisation in ended else ()

    def case(self, case: UUID) -> bool:
        return False

    def obstacle(self, obstacle: UUID) -> bool:
        return obstacle == OBSTACLE

    def concluded(self, dialogue: UUID) -> bool | None:
        return None

    def stream(self, stream: UUID, kind: LearningKind) -> bool:
        return False

    def history(self, stream: UUID) -> Sequence[Event]:
        return ()

    def gap(self, history: Sequence[Event], mark: GapMark, moment) -> bool:
        return any(follows(mark, gap, moment) for gap in answer_of_stream(history, moment).gaps)


def history(*told: Fact | Told) -> list[Event]:
    """These things happened to the cause, an hour apart, and were recorded at once."""
    found: list[Event] = []
    for number, one in enumerate(told):
        each = one if isinstance(one, Told) else Told(one)
        at = each.at or START + number * HOUR
        id_ = some_id(f"command {number}")
        actor = Actor(each.by, Role.AGENCY, "somebody")
        found.append(Event(event_id_of(id_), CAUSE, number + 1, number, at, at, actor, id_, each.fact))
    return found


def when(given: Sequence[Event], told: Fact | Told, *, late: timedelta = timedelta(0), **more) -> Fact | Refused:
    """A command comes an hour after the last event, or so much later."""
    each = told if isinstance(told, Told) else Told(told)
    at = each.at or START + len(given) * HOUR
    actor = Actor(each.by, Role.AGENCY, "somebody")
    command = Command(some_id("the command"), CAUSE, actor, each.fact, at, **more)
    return decide_learning(command, given, at + late, Known())


ACCEPTABLE = [
    ((), IDENTIFIED),
    ((IDENTIFIED,), c.ObstacleLinked(OBSTACLE, WHY)),
    ((IDENTIFIED,), PROPOSED),
    ((IDENTIFIED, PROPOSED), ACCEPTED),
    ((IDENTIFIED, PROPOSED), Told(c.OwnerDeclined(UWV, RefusalGround.NOT_COMPETENT), UWV)),
    ((*OWNED,), c.OwnerProposed(SVB)),
    ((*OWNED,), PASSED),
    ((*OWNED, PASSED), c.OwnershipPassed(SVB)),
    ((*OWNED, COMMITTED, PASSED), Told(c.MeasureImplemented(MEASURE, SVB), SVB)),
    ((*OWNED, PASSED, c.OwnershipPassed(SVB)), c.OwnerProposed(GEM)),
    ((IDENTIFIED,), ESCALATED),
    ((IDENTIFIED, ESCALATED), ANSWERED),
    ((IDENTIFIED, ESCALATED, ANSWERED), c.CauseEscalated(some_id("more"), SVB, Level.CHAIN)),
    ((IDENTIFIED,), c.FailureCostEstimated(GEM, 1000, CostPer.YEAR)),
    ((*OWNED,), COMMITTED),
    ((*OWNED, COMMITTED), IMPLEMENTED),
    ((*OWNED, COMMITTED, IMPLEMENTED), EVALUATED),
    ((*OWNED, COMMITTED, IMPLEMENTED, EVALUATED), EVALUATED),
    ((IDENTIFIED,), c.CauseRemoved(GEM)),
    ((*OWNED,), REMOVED),
    ((*OWNED,), Told(c.CauseAcceptedAsIs(UWV, WHY), UWV)),
    ((IDENTIFIED, ESCALATED), Told(c.CauseAcceptedAsIs(SVB, WHY), SVB)),
    ((*OWNED, COMMITTED, IMPLEMENTED, REMOVED), EVALUATED),
    ((*OWNED, REMOVED), c.ObstacleLinked(OBSTACLE)),
    ((*OWNED,), c.CauseFactCorrected(event_id_of(some_id("command 1")), "owner", SVB)),
    ((*OWNED,), c.CauseEventStruck(event_id_of(some_id("command 2")), StrikeReason.DUPLICATE)),
]


@pytest.mark.parametrize(("before", "told"), ACCEPTABLE, ids=range(len(ACCEPTABLE)))
def test_what_the_rules_allow_is_recorded(before, told) -> None:
    """Each command is recorded as it was given where nothing stands in its way."""
    decided = when(history(*before), told)
    assert decided == (told.fact if isinstance(told, Told) else told)


REFUSED_ALWAYS = [
    ((), PROPOSED, R.UNKNOWN_CAUSE),
    ((IDENTIFIED,), IDENTIFIED, R.ALREADY_EXISTS),
    ((), c.CauseIdentified(Locus.LAW), R.MALFORMED),
    ((), c.CauseIdentified(Locus.LAW, WHY, barrier="nothing-of-the-kind"), R.UNKNOWN_BARRIER),
    ((IDENTIFIED,), c.ObstacleLinked(some_id("nobody's")), R.UNKNOWN_OBSTACLE),
    ((IDENTIFIED,), c.OwnerProposed(STRANGER), R.UNKNOWN_ORGANISATION),
    ((IDENTIFIED, PROPOSED), Told(c.OwnerAccepted(UWV), GEM), R.WRONG_PARTY),
    ((IDENTIFIED, PROPOSED), Told(c.OwnerDeclined(UWV, RefusalGround.OTHER), GEM), R.WRONG_PARTY),
    ((IDENTIFIED, ESCALATED), Told(c.EscalationAnswered(ESCALATION, SVB, EscalationReply.REFUSES), GEM), R.WRONG_PARTY),
    (
        (IDENTIFIED, ESCALATED),
        Told(c.EscalationAnswered(ESCALATION, SVB, EscalationReply.PASSES_ON, SVB), SVB),
        R.WRONG_PARTY,
    ),
    ((IDENTIFIED,), ANSWERED, R.UNKNOWN_ESCALATION),
    ((IDENTIFIED,), c.CauseEscalated(ESCALATION, SVB, Level.TEAM, START - DAY), R.MALFORMED),
    ((*OWNED,), Told(c.MeasureCommitted(MEASURE, UWV, START - DAY), UWV), R.MALFORMED),
    ((*OWNED,), Told(c.MeasureCommitted(MEASURE, UWV, DUE), GEM), R.WRONG_PARTY),
    ((*OWNED,), c.OwnershipPassed(UWV), R.WRONG_PARTY),
    ((*OWNED,), c.OwnershipPassed(UWV, GEM), R.WRONG_PARTY),
    ((*OWNED, PASSED), c.OwnershipPassed(SVB, GEM), R.WRONG_PARTY),
    ((*OWNED,), c.OwnershipPassed(GEM, SVB), R.WRONG_PARTY),
    ((*OWNED,), c.OwnershipPassed(STRANGER), R.UNKNOWN_ORGANISATION),
    ((*OWNED,), IMPLEMENTED, R.UNKNOWN_MEASURE),
    ((*OWNED,), EVALUATED, R.UNKNOWN_MEASURE),
    ((*OWNED,), Told(c.CauseAcceptedAsIs(UWV), UWV), R.MALFORMED),
    ((*OWNED,), c.CauseEventStruck(some_id("nothing"), StrikeReason.DUPLICATE), R.UNKNOWN_EVENT),
    ((*OWNED,), c.CauseEventStruck(event_id_of(some_id("command 0")), StrikeReason.DUPLICATE), R.NOT_CORRECTABLE),
    ((*OWNED,), c.CauseFactCorrected(event_id_of(some_id("command 1")), "nothing", 1), R.NOT_CORRECTABLE),
    ((*OWNED,), c.CauseFactCorrected(event_id_of(some_id("command 1")), "owner", STRANGER), R.UNKNOWN_ORGANISATION),
    (
        (IDENTIFIED, c.ObstacleLinked(OBSTACLE)),
        c.CauseFactCorrected(event_id_of(some_id("command 1")), "obstacle", str(MEASURE)),
        R.NOT_CORRECTABLE,
    ),
]


@pytest.mark.parametrize(("before", "told", "code"), REFUSED_ALWAYS, ids=range(len(REFUSED_ALWAYS)))
@pytest.mark.parametrize("late", [timedelta(0), 400 * DAY], ids=["at once", "late"])
def test_what_is_refused_however_late_it_is_told(before, told, code, late) -> None:
    """Unknown ids, another's word and what cannot be are refused at once and late alike, in one sentence."""
    refused = when(history(*before), told, late=late)
    assert isinstance(refused, Refused)
    assert refused.code is code, refused
    assert refused.message.endswith(".")


REFUSED_BY_STATE = [
    ((IDENTIFIED, c.ObstacleLinked(OBSTACLE)), c.ObstacleLinked(OBSTACLE), R.ALREADY_EXISTS),
    ((IDENTIFIED, PROPOSED), PROPOSED, R.ALREADY_EXISTS),
    ((*OWNED,), PROPOSED, R.ALREADY_EXISTS),
    ((IDENTIFIED,), ACCEPTED, R.NOT_PENDING),
    ((*OWNED,), Told(c.OwnerDeclined(UWV, RefusalGround.OTHER), UWV), R.NOT_PENDING),
    ((IDENTIFIED, ESCALATED), c.CauseEscalated(some_id("more"), SVB, Level.CHAIN), R.ALREADY_EXISTS),
    ((IDENTIFIED, ESCALATED), c.CauseEscalated(ESCALATION, GEM, Level.TEAM), R.ALREADY_EXISTS),
    ((IDENTIFIED, ESCALATED, ANSWERED), ANSWERED, R.NOT_PENDING),
    (
        (IDENTIFIED, ESCALATED),
        Told(c.EscalationAnswered(ESCALATION, UWV, EscalationReply.REFUSES), UWV),
        R.WRONG_PARTY,
    ),
    ((IDENTIFIED,), COMMITTED, R.NOT_OWNER),
    ((*OWNED,), c.MeasureCommitted(MEASURE, GEM, DUE), R.NOT_OWNER),
    ((*OWNED, COMMITTED), COMMITTED, R.ALREADY_EXISTS),
    ((*OWNED, COMMITTED), c.MeasureImplemented(MEASURE, GEM), R.NOT_OWNER),
    ((*OWNED, COMMITTED, IMPLEMENTED), IMPLEMENTED, R.ALREADY_EXISTS),
    ((*OWNED, COMMITTED), EVALUATED, R.NOT_IMPLEMENTED),
    ((*OWNED,), c.CauseRemoved(GEM), R.NOT_OWNER),
    ((IDENTIFIED,), PASSED, R.NOT_OWNER),
    ((*OWNED, PASSED), PASSED, R.NOT_OWNER),
    ((*OWNED, COMMITTED, PASSED), IMPLEMENTED, R.NOT_OWNER),
    ((*OWNED,), c.CauseAcceptedAsIs(GEM, WHY), R.NOT_OWNER),
    *(
        ((*OWNED, COMMITTED, REMOVED), told, R.CAUSE_ENDED)
        for told in (c.OwnerProposed(SVB), PASSED, ESCALATED, COMMITTED, IMPLEMENTED, REMOVED)
    ),
]


@pytest.mark.parametrize(("before", "told", "code"), REFUSED_BY_STATE, ids=range(len(REFUSED_BY_STATE)))
def test_what_the_state_forbids_is_refused_unless_it_is_told_late(before, told, code) -> None:
    """What contradicts the cause as it stands is refused with what contradicts it; told late it is kept."""
    refused = when(history(*before), told)
    assert isinstance(refused, Refused)
    assert refused.code is code, refused
    assert refused.message.endswith(".")
    fact = told.fact if isinstance(told, Told) else told
    assert when(history(*before), told, late=2 * DAY) == fact


def test_only_a_gap_that_is_there_is_acknowledged() -> None:
    """An organisation owns up to a gap of this cause that exists at that moment, and nobody does so for another."""
    before = history(*OWNED, COMMITTED)
    begun_by = before[3].id
    kind = GapKind.MEASURE_OVERDUE
    mark = GapMark(gap_id_of(CAUSE, kind, begun_by), kind, None, DUE)
    fact = c.CauseGapAcknowledged(mark, UWV, WHY, DUE + 60 * DAY)
    assert when(before, Told(fact, UWV, DUE + DAY)) == fact
    early = when(before, Told(fact, UWV, DUE - DAY))
    assert isinstance(early, Refused)
    assert early.code is R.UNKNOWN_GAP
    other = when(before, Told(fact, GEM, DUE + DAY))
    assert isinstance(other, Refused)
    assert other.code is R.WRONG_PARTY


def test_a_cause_that_has_moved_on_is_read_again() -> None:
    """A command that expects another version is refused, and one for the future too."""
    refused = when(history(*OWNED), c.ObstacleLinked(OBSTACLE), expected_version=2)
    assert isinstance(refused, Refused)
    assert refused.code is R.VERSION_CONFLICT
    future = when(history(*OWNED), c.ObstacleLinked(OBSTACLE), late=-DAY)
    assert isinstance(future, Refused)
    assert future.code is R.FUTURE
