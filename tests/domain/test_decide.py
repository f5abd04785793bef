"""Every command of a case: when it is accepted, and each reason for which one is refused."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.given import CASE, DAY, GEM, HOUR, OTHER_CASE, START, STRANGER, SVB, UWV, Told, event_id, given, some_id
from domain.stories import (
    ANOTHER_HANDOFF,
    CLOSED,
    CONTEST,
    CONTESTED,
    FREE,
    HANDOFF,
    HELD,
    HELD_REPORT,
    LATER,
    OBSTACLE,
    OFFER,
    OFFERED,
    OPEN_CASE,
    OPENED,
    REFUSED,
    RELATIVE,
    RESOLUTION,
    SECOND,
    SETTLED,
    SUBJECT,
    THIRD,
    TWO,
    WAITING,
    WAITING_CASE,
)
from knelpunt.domain.case import decide as deciding
from knelpunt.domain.case import facts as f
from knelpunt.domain.case.facts import CaseFact, GapMark, Party
from knelpunt.domain.command import COMMANDS, RefusalCode
from knelpunt.domain.event import Fact, Knower
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import (
    CaseRelation,
    Channel,
    GapKind,
    Harm,
    Initiative,
    MoveBasis,
    NoticedBy,
    Origin,
    Outcome,
    RefusalGround,
    Role,
    Stance,
    StepKind,
    StrikeReason,
    SubjectRelation,
    WaitingGround,
    WithdrawalGround,
)

NEVER_TAKEN = GapMark(
    gap_id_of(OBSTACLE, GapKind.NEVER_TAKEN.value, event_id(1)), GapKind.NEVER_TAKEN, OBSTACLE, START + HOUR
)
"""The gap that lies on an obstacle which nobody received."""

ACCEPTED: list[tuple[tuple, Fact, str]] = [
    ((), OPENED, GEM),
    (OPEN_CASE, f.SubjectRelated(RELATIVE, SUBJECT, SubjectRelation.REPRESENTS), GEM),
    (OPEN_CASE, f.CaseLinked(OTHER_CASE, CaseRelation.SAME_STORY), GEM),
    (OPEN_CASE, f.CoordinatorNamed(SVB, until=LATER), GEM),
    (HELD, f.CaseClosed(SVB, clear("Afgehandeld.")), SVB),
    (CLOSED, f.CaseReopened(UWV), UWV),
    (OPEN_CASE, HELD_REPORT, GEM),
    (HELD, f.ObstacleReported(SECOND, Origin.UNKNOWN, UWV, triggered_by=OBSTACLE), GEM),
    (HELD, f.ObstacleReported(SECOND, Origin.UNKNOWN, UWV, triggered_by=some_id("obstacle of another case")), GEM),
    (TWO, f.ObstacleSplit(OBSTACLE, (SECOND,)), GEM),
    (HELD, f.HarmStated(OBSTACLE, Harm.DEBT, START, LATER), UWV),
    (SETTLED, f.HarmStated(OBSTACLE, Harm.HOME, START), UWV),
    (HELD, RESOLUTION, GEM),
    (FREE, f.ObstacleResolved(OBSTACLE, SVB, Outcome.PARTLY), SVB),
    (HELD, f.ObstacleWithdrawn(OBSTACLE, WithdrawalGround.GAVE_UP, SUBJECT), UWV),
    (SETTLED, f.ObstacleReopened(OBSTACLE), UWV),
    (HELD, OFFER, GEM),
    (OFFERED, f.HandoffOffered(ANOTHER_HANDOFF, OBSTACLE, GEM, SVB), GEM),
    (OFFERED, f.HandoffAccepted(HANDOFF, subject_present=True), UWV),
    (OFFERED, f.HandoffAccepted(HANDOFF), SVB),  # another may record that it did: a claim
    (OFFERED, f.HandoffRefused(HANDOFF, RefusalGround.NOT_COMPETENT, suggests=SVB), UWV),
    (OFFERED, f.HandoffWithdrawn(HANDOFF), GEM),
    (HELD, f.SubjectReferred(OBSTACLE, GEM, UWV, released=True), GEM),
    (HELD, f.SubjectReferred(OBSTACLE, SVB, UWV), SVB),  # anyone may refer
    (FREE, f.CustodyTaken(OBSTACLE, UWV), UWV),
    ((OPENED, Told(HELD_REPORT, UWV)), f.CustodyTaken(OBSTACLE, GEM), GEM),  # confirms what another said
    (HELD, f.CustodyReleased(OBSTACLE, GEM, RefusalGround.NO_CAPACITY), GEM),
    (HELD, f.ResponsibilityMoved(OBSTACLE, GEM, UWV, MoveBasis.RELOCATION), GEM),
    (FREE, f.ResponsibilityMoved(OBSTACLE, SVB, UWV, MoveBasis.FORWARDED), GEM),
    (HELD, f.TermSet(OBSTACLE, LATER, "awb:4:13"), GEM),
    (HELD, WAITING, GEM),
    (TWO, f.WaitingBegan(OBSTACLE, GEM, WaitingGround.OTHER_OBSTACLE, for_obstacle=SECOND), GEM),
    (WAITING_CASE, f.WaitingEnded(OBSTACLE), GEM),
    (HELD, f.StepTaken(OBSTACLE, GEM, StepKind.DECISION), GEM),
    (SETTLED, f.StepTaken(OBSTACLE, UWV, StepKind.NOTE), UWV),  # aftercare
    (TWO, f.ContactMade((OBSTACLE, SECOND), GEM, Initiative.SUBJECT, Channel.PHONE, story_retold=True), GEM),
    (HELD, f.RemedyApplied(OBSTACLE, GEM, "pw:18"), GEM),
    (SETTLED, CONTEST, UWV),
    (CONTESTED, f.ResolutionUpheld(OBSTACLE, GEM), GEM),
    (CONTESTED, f.ContestWithdrawn(OBSTACLE), GEM),
    (SETTLED, f.RulingGiven(OBSTACLE, SVB, binding=True, annuls=True), SVB),
    (HELD, f.AccountGiven(Party(organisation=UWV), Stance.DISPUTES, event=event_id(1)), UWV),
    (HELD, f.AccountGiven(Party(subject=SUBJECT), Stance.CONFIRMS, event=event_id(0)), GEM),
    (FREE, f.AccountGiven(Party(organisation=UWV), Stance.CONFIRMS, gap=NEVER_TAKEN), UWV),
    (FREE, f.GapAcknowledged(NEVER_TAKEN, UWV, clear("Wij nemen het op."), LATER), UWV),
    (HELD, f.FactCorrected(event_id(1), "experienced_at", SVB), GEM),
    (HELD, f.FactCorrected(event_id(1), "story", content=clear("Anders.")), GEM),
    (OFFERED, f.EventStruck(event_id(2), StrikeReason.WRONG_PARTY), GEM),
]


@pytest.mark.parametrize(("before", "fact", "by"), ACCEPTED, ids=lambda value: getattr(value, "topic", ""))
def test_a_command_that_fits_is_recorded(before, fact, by) -> None:
    """Given a case as it should be, the command becomes the event that it asks for."""
    given(*before).when(fact, by=by).then_recorded()


def test_every_command_of_a_case_is_accepted_somewhere() -> None:
    """No command of a case goes untested."""
    wanted = {fact for fact in COMMANDS.values() if issubclass(fact, CaseFact)}
    assert {type(fact) for _, fact, _ in ACCEPTED} == wanted


@dataclass(frozen=True)
class No:
    """A command that is refused."""

    code: RefusalCode
    before: tuple
    fact: Fact
    by: str = GEM
    at: datetime | None = None
    contradicted_by: tuple[UUID, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


R = RefusalCode
NAIVE = datetime(2024, 3, 4, 9)  # noqa: DTZ001  a moment without an offset is what is tested
UNKNOWN = some_id("what nobody knows")
LINKED = (*OPEN_CASE, f.CaseLinked(OTHER_CASE, CaseRelation.SAME_STORY))
RELATED = (*OPEN_CASE, f.SubjectRelated(RELATIVE, SUBJECT, SubjectRelation.HOUSEHOLD))
AS_SUBJECT = {"role": Role.SUBJECT}

ALWAYS: list[No] = [
    No(R.MALFORMED, HELD, RESOLUTION, at=NAIVE),
    No(R.MALFORMED, HELD, f.TermSet(OBSTACLE, NAIVE)),
    No(R.MALFORMED, (), f.CaseOpened(OPENED.reference, (), "schulden", NoticedBy.SUBJECT)),
    No(R.MALFORMED, HELD, f.ContactMade((), GEM, Initiative.SUBJECT, Channel.PHONE)),
    No(R.MALFORMED, HELD, f.HandoffOffered(HANDOFF, OBSTACLE, GEM, UWV, delivered_at=START)),
    No(R.MALFORMED, HELD, f.HandoffOffered(HANDOFF, OBSTACLE, GEM, UWV, respond_by=START)),
    No(R.MALFORMED, HELD, f.WaitingBegan(OBSTACLE, GEM, WaitingGround.ADVICE, until=START)),
    No(R.MALFORMED, HELD, f.HarmStated(OBSTACLE, Harm.HOME, LATER, START)),
    No(R.MALFORMED, OPEN_CASE, f.SubjectRelated(RELATIVE, SUBJECT, SubjectRelation.HOUSEHOLD, LATER, START)),
    No(R.MALFORMED, OPEN_CASE, f.CoordinatorNamed(SVB, until=START - DAY)),
    No(R.MALFORMED, SETTLED, f.ResolutionContested(OBSTACLE, Party(subject=SUBJECT), START)),
    No(R.FUTURE, HELD, RESOLUTION, at=LATER, more={"now": LATER - timedelta(minutes=2)}),
    No(R.UNKNOWN_CASE, (), HELD_REPORT),
    No(R.UNKNOWN_CASE, OPEN_CASE, f.CaseLinked(UNKNOWN, CaseRelation.RELATED)),
    No(R.UNKNOWN_OBSTACLE, OPEN_CASE, f.TermSet(OBSTACLE, LATER)),
    No(R.UNKNOWN_OBSTACLE, OPEN_CASE, OFFER),
    No(R.UNKNOWN_OBSTACLE, HELD, f.ObstacleSplit(OBSTACLE, (SECOND,))),
    No(R.UNKNOWN_OBSTACLE, HELD, f.ContactMade((OBSTACLE, SECOND), GEM, Initiative.SUBJECT, Channel.PHONE)),
    No(R.UNKNOWN_OBSTACLE, OPEN_CASE, f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV, triggered_by=UNKNOWN)),
    No(R.UNKNOWN_OBSTACLE, HELD, f.WaitingBegan(OBSTACLE, GEM, WaitingGround.OTHER_OBSTACLE, for_obstacle=UNKNOWN)),
    No(R.UNKNOWN_HANDOFF, HELD, f.HandoffAccepted(HANDOFF), UWV),
    No(R.UNKNOWN_HANDOFF, HELD, f.HandoffRefused(HANDOFF, RefusalGround.OTHER), UWV),
    No(R.UNKNOWN_HANDOFF, HELD, f.HandoffWithdrawn(HANDOFF)),
    No(R.UNKNOWN_ORGANISATION, HELD, f.HandoffOffered(HANDOFF, OBSTACLE, GEM, STRANGER)),
    No(R.UNKNOWN_ORGANISATION, OPEN_CASE, f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV, told=(STRANGER,))),
    No(R.UNKNOWN_ORGANISATION, HELD, f.AccountGiven(Party(organisation=STRANGER), Stance.CONFIRMS, event_id(1))),
    No(R.UNKNOWN_ORGANISATION, HELD, RESOLUTION, more={"known_to": (Knower(STRANGER, START),)}),
    No(R.UNKNOWN_SUBJECT, HELD, f.ObstacleWithdrawn(OBSTACLE, WithdrawalGround.DIED, UNKNOWN)),
    No(R.UNKNOWN_SUBJECT, OPEN_CASE, f.SubjectRelated(RELATIVE, UNKNOWN, SubjectRelation.HOUSEHOLD)),
    No(R.UNKNOWN_SUBJECT, SETTLED, f.ResolutionContested(OBSTACLE, Party(subject=UNKNOWN), LATER)),
    No(R.UNKNOWN_EVENT, HELD, f.AccountGiven(Party(organisation=GEM), Stance.CONFIRMS, event=UNKNOWN)),
    No(R.UNKNOWN_EVENT, HELD, f.EventStruck(UNKNOWN, StrikeReason.DUPLICATE)),
    No(R.UNKNOWN_EVENT, HELD, f.FactCorrected(UNKNOWN, "told", ())),
    No(R.ALREADY_EXISTS, OPEN_CASE, OPENED),
    No(R.ALREADY_EXISTS, HELD, HELD_REPORT),
    No(R.ALREADY_EXISTS, OFFERED, OFFER),
    No(
        R.ALREADY_EXISTS,
        OPEN_CASE,
        f.ObstacleReported(some_id("obstacle of another case"), Origin.UNKNOWN, UWV),
    ),
    No(R.WRONG_PARTY, HELD, f.HandoffOffered(HANDOFF, OBSTACLE, GEM, GEM)),
    No(R.WRONG_PARTY, HELD, f.SubjectReferred(OBSTACLE, GEM, GEM)),
    No(R.WRONG_PARTY, HELD, f.AccountGiven(Party(organisation=UWV), Stance.CONFIRMS, event=event_id(1)), GEM),
    No(R.WRONG_PARTY, FREE, f.GapAcknowledged(NEVER_TAKEN, UWV), GEM),
    No(R.WRONG_PARTY, HELD, f.WaitingBegan(OBSTACLE, GEM, WaitingGround.OTHER_OBSTACLE, for_obstacle=OBSTACLE)),
    No(R.WRONG_PARTY, HELD, f.ObstacleSplit(OBSTACLE, (OBSTACLE,))),
    No(R.WRONG_PARTY, HELD, f.ObstacleSplit(OBSTACLE, ())),
    No(R.WRONG_PARTY, OPEN_CASE, f.CaseLinked(CASE, CaseRelation.RELATED)),
    No(R.NOT_CORRECTABLE, OPEN_CASE, f.EventStruck(event_id(0), StrikeReason.WRONG_CASE)),
    No(R.NOT_CORRECTABLE, LINKED, f.FactCorrected(event_id(1), "case", str(OTHER_CASE))),
    No(R.NOT_PERMITTED, RELATED, f.FactCorrected(event_id(1), "relation", "REPRESENTS"), more=AS_SUBJECT),
    No(R.NOT_PERMITTED, RELATED, f.EventStruck(event_id(1), StrikeReason.NEVER_HAPPENED), more=AS_SUBJECT),
    No(R.NOT_PERMITTED, OPEN_CASE, f.FactCorrected(event_id(0), "subjects", (str(RELATIVE),)), more=AS_SUBJECT),
    No(R.NOT_CORRECTABLE, HELD, f.FactCorrected(event_id(1), "colour", "red")),
    No(R.NOT_CORRECTABLE, HELD, f.FactCorrected(event_id(1), "origin", "DANCE")),
    No(R.NOT_CORRECTABLE, CONTESTED, f.FactCorrected(event_id(3), "by", GEM)),
    No(
        R.NOT_CORRECTABLE,
        (*OFFERED, f.EventStruck(event_id(2), StrikeReason.DUPLICATE)),
        f.EventStruck(event_id(2), StrikeReason.DUPLICATE),
    ),
    No(
        R.NOT_CORRECTABLE,
        (*OFFERED, f.EventStruck(event_id(2), StrikeReason.DUPLICATE)),
        f.FactCorrected(event_id(3), "reason", "WRONG_CASE"),
    ),
    No(R.UNKNOWN_ORGANISATION, HELD, f.FactCorrected(event_id(1), "experienced_at", STRANGER)),
    No(R.FUTURE, HELD, f.FactCorrected(event_id(1), "occurred_at", "2031-01-01T09:00:00Z")),
    No(R.MALFORMED, OFFERED, f.FactCorrected(event_id(2), "respond_by", "2020-01-01T09:00:00Z")),
    No(R.VERSION_CONFLICT, HELD, RESOLUTION, more={"expected_version": 1}),
]
"""What is refused however late it comes."""

BY_STATE: list[No] = [
    No(R.NOT_OPEN, SETTLED, OFFER, contradicted_by=(event_id(2),)),
    No(R.NOT_OPEN, SETTLED, f.SubjectReferred(OBSTACLE, GEM, UWV), contradicted_by=(event_id(2),)),
    No(R.NOT_OPEN, SETTLED, f.CustodyTaken(OBSTACLE, GEM)),
    No(R.NOT_OPEN, SETTLED, f.ObstacleWithdrawn(OBSTACLE, WithdrawalGround.GAVE_UP, SUBJECT)),
    No(R.NOT_OPEN, SETTLED, f.ResponsibilityMoved(OBSTACLE, GEM, UWV, MoveBasis.RULING)),
    No(R.NOT_OPEN, SETTLED, WAITING),
    No(R.NOT_OPEN, SETTLED, f.WaitingEnded(OBSTACLE)),
    No(R.NOT_OPEN, SETTLED, f.CustodyReleased(OBSTACLE, GEM)),
    No(R.NOT_OPEN, SETTLED, f.TermSet(OBSTACLE, LATER)),
    No(R.NOT_OPEN, SETTLED, RESOLUTION),
    No(R.NOT_OPEN, (*SETTLED, f.ObstacleReported(SECOND, Origin.UNKNOWN, UWV)), f.ObstacleSplit(OBSTACLE, (SECOND,))),
    No(R.NOT_HOLDER, HELD, f.HandoffOffered(HANDOFF, OBSTACLE, UWV, SVB), UWV, contradicted_by=(event_id(1),)),
    No(R.NOT_HOLDER, FREE, f.CustodyReleased(OBSTACLE, GEM), contradicted_by=(event_id(1),)),
    No(R.NOT_HOLDER, CLOSED, f.CustodyReleased(OBSTACLE, GEM), contradicted_by=(event_id(1),)),
    No(R.NOT_HOLDER, HELD, f.CustodyReleased(OBSTACLE, UWV), UWV),
    No(R.NOT_HOLDER, HELD, f.TermSet(OBSTACLE, LATER), UWV),
    No(R.NOT_HOLDER, HELD, f.WaitingBegan(OBSTACLE, UWV, WaitingGround.ADVICE), UWV),
    No(R.NOT_HOLDER, HELD, f.ObstacleResolved(OBSTACLE, UWV, Outcome.REMOVED), UWV),
    No(R.NOT_HOLDER, TWO, f.ObstacleSplit(OBSTACLE, (SECOND,)), UWV),
    No(R.NOT_HOLDER, HELD, f.ResponsibilityMoved(OBSTACLE, UWV, SVB, MoveBasis.RELOCATION), UWV),
    No(R.HELD, HELD, f.CustodyTaken(OBSTACLE, UWV), UWV, contradicted_by=(event_id(1),)),
    No(R.HELD, HELD, f.CustodyTaken(OBSTACLE, GEM), contradicted_by=(event_id(1),)),  # it holds it already
    No(R.NOT_PENDING, REFUSED, f.HandoffAccepted(HANDOFF), UWV, contradicted_by=(event_id(3),)),
    No(R.NOT_PENDING, REFUSED, f.HandoffRefused(HANDOFF, RefusalGround.OTHER), UWV),
    No(R.NOT_PENDING, REFUSED, f.HandoffWithdrawn(HANDOFF)),
    No(R.NOT_PENDING, (*OFFERED, RESOLUTION), f.HandoffAccepted(HANDOFF), UWV, contradicted_by=(event_id(3),)),
    No(R.ALREADY_WAITING, WAITING_CASE, WAITING, contradicted_by=(event_id(2),)),
    No(R.NOT_WAITING, HELD, f.WaitingEnded(OBSTACLE)),
    No(R.NOT_SETTLED, HELD, CONTEST, contradicted_by=(event_id(1),)),
    No(R.NOT_SETTLED, (*HELD, f.ObstacleWithdrawn(OBSTACLE, WithdrawalGround.MISTAKE, SUBJECT)), CONTEST),
    No(R.NOT_SETTLED, HELD, f.ObstacleReopened(OBSTACLE)),
    No(R.ALREADY_CONTESTED, CONTESTED, CONTEST, contradicted_by=(event_id(3),)),
    No(R.NOT_CONTESTED, SETTLED, f.ResolutionUpheld(OBSTACLE, GEM)),
    No(R.NOT_CONTESTED, HELD, f.ContestWithdrawn(OBSTACLE)),
    No(R.CASE_CLOSED, CLOSED, f.CaseClosed(SVB), contradicted_by=(event_id(2),)),
    No(R.CASE_OPEN, HELD, f.CaseReopened(SVB)),
    No(R.UNKNOWN_GAP, HELD, f.GapAcknowledged(NEVER_TAKEN, GEM)),
    No(R.UNKNOWN_GAP, HELD, f.AccountGiven(Party(organisation=GEM), Stance.DISPUTES, gap=NEVER_TAKEN)),
]
"""What only the state of the case forbids."""


def name(no: No) -> str:
    return f"{no.code}-{no.fact.topic}"


@pytest.mark.parametrize("no", [*ALWAYS, *BY_STATE], ids=name)
def test_a_command_that_does_not_fit_is_refused(no) -> None:
    """It leaves no event, and gets a code, one sentence, and the events that contradict it."""
    given(*no.before).when(no.fact, by=no.by, at=no.at, **no.more).then_refused(no.code, *no.contradicted_by)


@pytest.mark.parametrize("no", BY_STATE, ids=name)
def test_told_late_it_is_kept(no) -> None:
    """The same command, told two days after what it tells of, is recorded: a fact found late is never turned away."""
    before = given(*no.before)
    before.when(no.fact, by=no.by, now=before.next_hour + 2 * DAY).then_recorded()


@pytest.mark.parametrize("no", [no for no in ALWAYS if no.code != R.FUTURE and no.at is None], ids=name)
def test_what_is_wrong_in_itself_is_refused_however_late(no) -> None:
    """Unknown ids, a party that is not the command's and times that cannot be are no matter of order."""
    before = given(*no.before)
    before.when(no.fact, by=no.by, now=before.next_hour + 2 * DAY, **no.more).then_refused(no.code)


def test_every_refusal_that_a_decision_can_give_is_here() -> None:
    """Each code that the rules of a case name is refused with above."""
    folder = Path(deciding.__file__).parent
    named = {code for path in folder.glob("*.py") for code in re.findall(r"RefusalCode\.([A-Z_]+)", path.read_text())}
    assert {no.code.value for no in (*ALWAYS, *BY_STATE)} == named


def test_a_moment_just_ahead_is_taken() -> None:
    """A caller's clock may run a minute ahead of the registry's, and no more."""
    before = given(*HELD)
    before.when(RESOLUTION, at=LATER, now=LATER - timedelta(minutes=1)).then_recorded()
    before.when(RESOLUTION, at=LATER, now=LATER - timedelta(seconds=61)).then_refused(R.FUTURE)


def test_the_version_that_was_read_is_taken() -> None:
    """A command that names the version at which the case stands is judged as any other."""
    given(*HELD).when(RESOLUTION, expected_version=2).then_recorded()


def test_a_command_is_judged_at_its_own_moment() -> None:
    """What was allowed when it happened is recorded, though it no longer would be now; and it has its effect."""
    late = given(*SETTLED).when(OFFER, at=START + HOUR + timedelta(minutes=30))
    late.then_recorded()


def test_an_event_of_the_same_obstacle_makes_a_command_late() -> None:
    """Within a day a command is late only if something that occurred later about the same obstacle was told before."""
    between = START + HOUR + timedelta(minutes=30)
    forbidden = f.CustodyTaken(OBSTACLE, UWV)
    now = START + 6 * HOUR
    given(*HELD).when(forbidden, by=UWV, at=between, now=now).then_refused(R.HELD)
    later_here = (*HELD, Told(f.StepTaken(OBSTACLE, GEM, StepKind.LETTER), at=START + 3 * HOUR))
    given(*later_here).when(forbidden, by=UWV, at=between, now=now).then_recorded()
    later_elsewhere = (*TWO[:2], Told(TWO[2], at=START + 3 * HOUR))
    given(*later_elsewhere).when(forbidden, by=UWV, at=between, now=now).then_refused(R.HELD)


def test_a_waiting_that_has_run_out_is_over() -> None:
    """A waiting ends by itself at its until: then another may begin, and it can no longer be ended."""
    until = f.WaitingBegan(OBSTACLE, GEM, WaitingGround.ADVICE, until=START + 3 * HOUR)
    before = given(*HELD, until)
    before.when(WAITING, at=START + 3 * HOUR - timedelta(seconds=1)).then_refused(R.ALREADY_WAITING)
    before.when(WAITING, at=START + 3 * HOUR).then_recorded()
    before.when(f.WaitingEnded(OBSTACLE), at=START + 3 * HOUR).then_refused(R.NOT_WAITING, event_id(2))


def test_a_third_obstacle_of_nobody_is_not_known() -> None:
    """An id that no case has reported is unknown, whatever else is."""
    given(*TWO).when(f.HarmStated(THIRD, Harm.CARE, START)).then_refused(R.UNKNOWN_OBSTACLE)
