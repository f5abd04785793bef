"""The commands that the kill tests send: case after case of one clerk, each step known by its number alone.

A clerk's steps follow each other, so every one of them is accepted if the one before it was recorded. Their ids and
contents hang on nothing but the registry's seed, the clerk and the number: any program can send them again.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from knelpunt.domain.case import facts as f
from knelpunt.domain.command import Command
from knelpunt.domain.event import Actor, Fact
from knelpunt.domain.ids import event_id_of, organisation_stream_of, reference_of
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import (
    NoticedBy,
    OrganisationKind,
    Origin,
    Outcome,
    RefusalGround,
    Role,
    StepKind,
    StrikeReason,
)

OFFICE, AGENCY, BANK = "urn:org:OFFICE", "urn:org:AGENCY", "urn:org:BANK"
CLERKS: Final = 4
CASE_STEPS: Final = 15
BEGAN: Final = datetime(2023, 1, 2, 9, tzinfo=UTC)


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
        for organisation in (OFFICE, AGENCY, BANK)
    ]


def actor(organisation: str) -> Actor:
    return Actor(organisation, Role.AGENCY, "clerk")


def command_id(seed: UUID, clerk: int, number: int) -> UUID:
    return uuid5(seed, f"{clerk}/{number}")


def step(seed: UUID, clerk: int, number: int) -> Command:
    """Return a clerk's command of a number."""
    case = uuid5(seed, f"case {clerk}/{number // CASE_STEPS}")
    place = number % CASE_STEPS
    fact, organisation = _facts(seed, case, clerk, number - place)[place]
    at = BEGAN + timedelta(days=9 * place)
    return Command(command_id(seed, clerk, number), case, actor(organisation), fact, at)


def _facts(seed: UUID, case: UUID, clerk: int, first: int) -> list[tuple[Fact, str]]:
    """Return the facts of one case, in order, and who tells each: gaps, a correction and a striking among them."""
    obstacle, one, two = (uuid5(case, name) for name in ("obstacle", "one", "two"))
    subject = uuid5(case, "subject")
    due = BEGAN + timedelta(days=40)

    def event(place: int) -> UUID:
        return event_id_of(command_id(seed, clerk, first + place))

    return [
        (f.CaseOpened(reference_of(case), (subject,), "schulden", NoticedBy.PROFESSIONAL, clear("Schulden")), OFFICE),
        (f.ObstacleReported(obstacle, Origin.UNKNOWN, BANK, clear("Loopt vast."), received_by=OFFICE), OFFICE),
        (f.TermSet(obstacle, due), OFFICE),
        (f.HandoffOffered(one, obstacle, OFFICE, AGENCY), OFFICE),
        (f.StepTaken(obstacle, OFFICE, StepKind.LETTER), OFFICE),
        (f.HandoffRefused(one, RefusalGround.NOT_COMPETENT), AGENCY),
        (f.HandoffOffered(two, obstacle, OFFICE, BANK), OFFICE),
        (f.HandoffRefused(two, RefusalGround.NO_CAPACITY), BANK),
        (f.SubjectReferred(obstacle, OFFICE, AGENCY, released=True), OFFICE),
        (f.CustodyTaken(obstacle, AGENCY), AGENCY),
        (f.FactCorrected(event(6), "occurred_at", (BEGAN + timedelta(days=50)).isoformat()), OFFICE),
        (f.ObstacleResolved(obstacle, AGENCY, Outcome.PARTLY), AGENCY),
        (f.ObstacleReopened(obstacle), OFFICE),
        (f.EventStruck(event(4), StrikeReason.DUPLICATE), OFFICE),
        (f.SubjectReferred(obstacle, AGENCY, OFFICE), AGENCY),
    ]
