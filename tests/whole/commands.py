"""The commands that the kill tests send: person after person of one clerk, each step known by its number alone.

Each person has three cases, which a clerk brings on in turn: their obstacles wait for each other, several organisations
hold them, and what is foreseen for long after today goes by a term that each clerk changes on the way. A clerk's steps
follow each other, so every one of them is accepted if the one before it was recorded. Their ids and contents hang on
nothing but the registry's seed, the clerk and the number: any program can send them again.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from knelpunt.domain.case import facts as f
from knelpunt.domain.command import Command
from knelpunt.domain.event import Actor, Fact
from knelpunt.domain.ids import event_id_of, gap_id_of, organisation_stream_of, reference_of
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.domain.registry.facts import STREAM, GraceChanged, RegistryFact, TermChanged
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import (
    GapKind,
    NoticedBy,
    OrganisationKind,
    Origin,
    Outcome,
    RefusalGround,
    Role,
    StepKind,
    StrikeReason,
    Term,
    WaitingGround,
)

OFFICE, AGENCY, BANK = ORGANISATIONS = ("urn:org:OFFICE", "urn:org:AGENCY", "urn:org:BANK")
CLERKS: Final = 4
CASE_STEPS: Final = 20
CASES: Final = len(ORGANISATIONS)
"""Cases of a person, each begun by another organisation."""

SETTING_AT: Final = 4 * CASES
"""After how many steps with a person a setting is changed: by then something is foreseen."""

PERSON_STEPS: Final = CASE_STEPS * CASES + 1
BEGAN: Final = datetime(2023, 1, 2, 9, tzinfo=UTC)
LONG_AFTER: Final = datetime(2045, 1, 2, 9, tzinfo=UTC)
"""When waitings and the coordinator's task end: clocks that start then go by settings that are changed today."""

SETTINGS: Final = (
    Term.STANDSTILL,
    GapKind.UNCOORDINATED,
    Term.RESPOND_BY,
    GapKind.STANDSTILL,
    Term.CONFIRM_BY,
    GapKind.RELEASED,
    GapKind.LOST_REFERRAL,
    GapKind.DEADLOCK,
)
"""What each clerk changes: no two the same, so that none is told that it is so already."""


def registrations(seed: UUID) -> list[Command]:
    """Return the commands that make the organisations known."""
    return [
        Command(
            uuid5(seed, organisation),
            organisation_stream_of(organisation),
            actor(OFFICE),
            OrganisationRegistered(organisation, organisation, OrganisationKind.OTHER),
            BEGAN,
        )
        for organisation in ORGANISATIONS
    ]


def actor(organisation: str, role: Role = Role.AGENCY) -> Actor:
    return Actor(organisation, role, "clerk")


def command_id(seed: UUID, clerk: int, number: int) -> UUID:
    return uuid5(seed, f"{clerk}/{number}")


def step(seed: UUID, clerk: int, number: int) -> Command:
    """Return a clerk's command of a number."""
    person, within = divmod(number, PERSON_STEPS)
    if within == SETTING_AT:
        fact = _setting(clerk, 100 + person)
        return Command(command_id(seed, clerk, number), STREAM, actor(OFFICE, Role.ADMINISTRATOR), fact)
    place, which = divmod(within - (within > SETTING_AT), CASES)
    fact, organisation = _facts(seed, clerk, person, which)[place]
    at = BEGAN + timedelta(days=9 * place)
    return Command(command_id(seed, clerk, number), _case(seed, clerk, person, which), actor(organisation), fact, at)


def _setting(clerk: int, days: int) -> RegistryFact:
    """Return the change of the setting that is a clerk's."""
    what = SETTINGS[clerk]
    return TermChanged(what, days) if isinstance(what, Term) else GraceChanged(what, days)


def _case(seed: UUID, clerk: int, person: int, which: int) -> UUID:
    return uuid5(seed, f"case {clerk}/{person}/{which % CASES}")


def _facts(seed: UUID, clerk: int, person: int, which: int) -> list[tuple[Fact, str]]:
    """Return the facts of one case, in order, and who tells each: gaps, a correction and a striking among them."""
    case = _case(seed, clerk, person, which)
    obstacle, later, one, two = (uuid5(case, name) for name in ("obstacle", "later", "one", "two"))
    next_ones = uuid5(_case(seed, clerk, person, which + 1), "obstacle")
    subject = uuid5(seed, f"subject {clerk}/{person}")
    holder, other, third = (ORGANISATIONS[(which + turn) % CASES] for turn in range(CASES))
    due = BEGAN + timedelta(days=60)

    def event(place: int, in_case: int = which) -> UUID:
        within = place * CASES + in_case
        number = person * PERSON_STEPS + within + (within >= SETTING_AT)
        return event_id_of(command_id(seed, clerk, number))

    # The third of the waitings closes the circle.
    deadlock = gap_id_of(subject, GapKind.DEADLOCK.value, event(4, CASES - 1))
    mark = f.GapMark(deadlock, GapKind.DEADLOCK, None, BEGAN + timedelta(days=36))
    return [
        (f.CaseOpened(reference_of(case), (subject,), "schulden", NoticedBy.PROFESSIONAL, clear("Schulden")), holder),
        (f.ObstacleReported(obstacle, Origin.UNKNOWN, third, clear("Loopt vast."), received_by=holder), holder),
        (f.ObstacleReported(later, Origin.UNKNOWN, third, clear("Komt later."), received_by=holder), holder),
        (f.WaitingBegan(later, holder, WaitingGround.OTHER, until=LONG_AFTER), holder),
        (f.WaitingBegan(obstacle, holder, WaitingGround.OTHER_OBSTACLE, for_obstacle=next_ones), holder),
        (f.TermSet(obstacle, due), holder),
        (f.HandoffOffered(one, obstacle, holder, other), holder),
        (f.StepTaken(obstacle, holder, StepKind.LETTER), holder),
        (f.HandoffRefused(one, RefusalGround.NOT_COMPETENT), other),
        (f.GapAcknowledged(mark, holder, clear("Wij bellen elkaar."), BEGAN + timedelta(days=90), subject), holder),
        (f.HandoffOffered(two, obstacle, holder, third), holder),
        (f.HandoffRefused(two, RefusalGround.NO_CAPACITY), third),
        (f.SubjectReferred(obstacle, holder, other, released=True), holder),
        (f.CustodyTaken(obstacle, other), other),
        (f.FactCorrected(event(10), "occurred_at", (BEGAN + timedelta(days=85)).isoformat()), holder),
        (f.CoordinatorNamed(holder, LONG_AFTER), holder),
        (f.ObstacleResolved(obstacle, other, Outcome.PARTLY), other),
        (f.ObstacleReopened(obstacle), holder),
        (f.EventStruck(event(7), StrikeReason.DUPLICATE), holder),
        (f.SubjectReferred(obstacle, other, holder), other),
    ]
