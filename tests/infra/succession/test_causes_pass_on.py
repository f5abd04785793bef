"""Causes whose owner ended: the registry writes who owns them now, once, and takes it back where that proves wrong."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import pytest

from infra.succession.registries import DAY, HEIR, MERGED_AT, OLD, OTHER, about, record, registered
from knelpunt.domain.cause import facts as c
from knelpunt.domain.command import Command
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import NAMESPACE, event_id_of
from knelpunt.domain.organisation.facts import OrganisationDissolved, OrganisationEventStruck, OrganisationMerged
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import GapKind, Level, Locus, Role, StrikeReason
from knelpunt.infra.bootstrap import Parts, bootstrap
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.store.connection import REGISTRY
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.succession.reactor import Reactor
from knelpunt.projections.derivation.learning import LearningAnswer
from knelpunt.projections.derivation.learning_kinds import answer_of_stream

CAUSE = uuid5(NAMESPACE, "a cause that passes on")
LATER = MERGED_AT + 400 * DAY


@pytest.fixture
def parts(registry_url: str) -> Iterator[Parts]:
    """A registry of three organisations, in which the first owns a cause, with a measure that is late."""
    with bootstrap(registry_url, b"m" * 32) as found:
        record(found.url, registered())
        tell(found, c.CauseIdentified(Locus.LAW, clear("Twee regels"), "jeugdhulp"), -300)
        tell(found, c.OwnerProposed(OLD), -290)
        tell(found, c.OwnerAccepted(OLD), -280, OLD)
        tell(found, c.MeasureCommitted(uuid5(CAUSE, "measure"), OLD, MERGED_AT - 10 * DAY), -270, OLD)
        yield found


def tell(parts: Parts, fact: c.CauseFact, day: float, by: str = OTHER) -> None:
    """Something happens to the cause, so many days after the merger."""
    at = MERGED_AT + timedelta(days=day)
    command = Command(uuid5(CAUSE, f"{fact.topic}/{day}"), CAUSE, Actor(by, Role.AGENCY, "clerk"), fact, at)
    assert isinstance(parts.writer.submit(command).result(30), Recorded)


def became(
    parts: Parts, fact: OrganisationMerged | OrganisationDissolved | OrganisationEventStruck, at: datetime
) -> UUID:
    """Something becomes of an organisation; the event that tells of it."""
    command = about(fact, at)
    assert isinstance(parts.writer.submit(command).result(30), Recorded)
    return event_id_of(command.id)


def follow(parts: Parts) -> int:
    """Have all written that is due, until nothing is; how many events the cause has then."""
    with closing(Projector(parts.url)) as projector, closing(Reactor(parts.url, parts.writer.submit)) as reactor:
        for _ in range(5):
            projector.catch_up()
            reactor.catch_up()
    return len(history(parts))


def history(parts: Parts) -> list[Event]:
    return events_of(parts.registry.reader, REGISTRY, [CAUSE])


def at(parts: Parts, moment: datetime) -> LearningAnswer:
    return answer_of_stream(history(parts), moment)


def gaps(found: LearningAnswer, kind: GapKind) -> list[tuple[datetime, datetime | None, tuple[str, ...]]]:
    return [(gap.from_, gap.until, gap.to_act) for gap in found.gaps if gap.kind is kind]


def test_whom_the_owner_went_up_in_owns_its_causes(parts: Parts) -> None:
    """From the merger on the heir does, and has to act on what is late; written once, and by the registry."""
    assert follow(parts) == 4
    became(parts, OrganisationMerged(OLD, HEIR), MERGED_AT)
    assert follow(parts) == 5
    assert follow(parts) == 5
    (passed,) = (one for one in history(parts) if isinstance(one.data, c.OwnershipPassed))
    assert (passed.data, passed.occurred_at) == (c.OwnershipPassed(OLD, HEIR), MERGED_AT)
    before, after = at(parts, MERGED_AT - DAY), at(parts, LATER)
    assert (before.state.owner, after.state.owner) == (OLD, HEIR)
    (overdue,) = gaps(after, GapKind.MEASURE_OVERDUE)
    assert overdue == (MERGED_AT - 10 * DAY, None, (HEIR,))
    assert after.organisations == tuple(sorted({OLD, HEIR, OTHER}))
    assert after.conflicts == ()
    tell(parts, c.MeasureImplemented(uuid5(CAUSE, "measure"), HEIR), 20, HEIR)
    assert follow(parts) == 6


def test_what_a_dissolved_owner_leaves_is_unowned_until_somebody_accepts(parts: Parts) -> None:
    """Nobody owns it any more: the gap begins anew, and ends with the next acceptance."""
    became(parts, OrganisationDissolved(OLD), MERGED_AT)
    assert follow(parts) == 5
    assert at(parts, LATER).state.owner is None
    first, second = gaps(at(parts, LATER), GapKind.CAUSE_UNOWNED)
    assert (first[0], second) == (MERGED_AT - 300 * DAY, (MERGED_AT, None, ()))
    tell(parts, c.CauseEscalated(uuid5(CAUSE, "escalation"), OTHER, Level.CHAIN), 30)
    tell(parts, c.OwnerProposed(OTHER), 40)
    tell(parts, c.OwnerAccepted(OTHER), 60)
    assert follow(parts) == 8
    found = at(parts, LATER)
    assert gaps(found, GapKind.CAUSE_UNOWNED)[1] == (MERGED_AT, MERGED_AT + 60 * DAY, ())
    assert found.state.owner == OTHER


def test_an_heir_that_ended_too_passes_on_what_came_to_it(parts: Parts) -> None:
    """Along the line, each step an event of its own; an acceptance of who had ended, found late, is followed too."""
    became(parts, OrganisationMerged(OLD, HEIR), MERGED_AT)
    became(parts, OrganisationMerged(HEIR, OTHER), MERGED_AT + 30 * DAY)
    assert follow(parts) == 6
    owners = [at(parts, MERGED_AT + day * DAY).state.owner for day in (-1, 0, 29, 30)]
    assert owners == [OLD, HEIR, HEIR, OTHER]
    tell(parts, c.OwnerProposed(HEIR), 50)
    tell(parts, c.OwnerAccepted(HEIR), 51, HEIR)
    assert follow(parts) == 9
    assert at(parts, LATER).state.owner == OTHER


def test_what_proves_wrong_is_taken_back(parts: Parts) -> None:
    """A merger that is struck never was: who owned the cause owns it still. What people struck is left to them."""
    merged = became(parts, OrganisationMerged(OLD, HEIR), MERGED_AT)
    assert follow(parts) == 5
    became(parts, OrganisationEventStruck(OLD, merged, StrikeReason.NEVER_HAPPENED), MERGED_AT + DAY)
    assert follow(parts) == 6
    assert at(parts, LATER).state.owner == OLD
    again = OrganisationMerged(OLD, HEIR)
    became(parts, again, MERGED_AT + 2 * DAY)
    assert follow(parts) == 7
    passed = history(parts)[-1]
    assert at(parts, LATER).state.owner == HEIR
    tell(parts, c.CauseEventStruck(passed.id, StrikeReason.WRONG_PARTY), 100)
    assert follow(parts) == 8
    assert at(parts, LATER).state.owner == OLD
