"""The commands of an organisation: registering and renaming."""

from datetime import timedelta

import pytest

from domain.given import GEM, START, STRANGER, UWV, Known, some_id
from knelpunt.domain.command import COMMANDS, Command, RefusalCode, Refused
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import event_id_of, organisation_stream_of
from knelpunt.domain.organisation.decide import decide_organisation
from knelpunt.domain.organisation.facts import OrganisationFact, OrganisationRegistered, OrganisationRenamed
from knelpunt.domain.vocabulary import OrganisationKind, Role

NEW = "urn:org:NEW"
REGISTERED = OrganisationRegistered(NEW, "Nieuwe Gemeente", OrganisationKind.MUNICIPALITY)
RENAMED = OrganisationRenamed(NEW, "Gemeente Nieuw")


def decided(before: tuple[Fact, ...], fact: Fact, stream: str = NEW, **more) -> Fact | Refused:
    actor = Actor(GEM, Role.ADMINISTRATOR, "somebody")
    history = [
        Event(
            id=event_id_of(some_id(str(n))),
            stream=organisation_stream_of(NEW),
            version=n + 1,
            position=n,
            occurred_at=START,
            recorded_at=START,
            actor=actor,
            command_id=some_id(str(n)),
            data=earlier,
        )
        for n, earlier in enumerate(before)
    ]
    command = Command(some_id("this"), organisation_stream_of(stream), actor, fact, **{"occurred_at": START, **more})
    return decide_organisation(command, history, START, Known())


@pytest.mark.parametrize(
    ("before", "fact"),
    [
        ((), REGISTERED),
        ((), OrganisationRegistered(NEW, "Afdeling Zorg", OrganisationKind.UNIT, parent=UWV)),
        ((REGISTERED,), RENAMED),
        ((REGISTERED, RENAMED), RENAMED),
    ],
)
def test_what_fits_is_recorded(before, fact) -> None:
    """An organisation is registered once, perhaps as a unit of a known one, and renamed any number of times."""
    assert decided(before, fact) == fact


@pytest.mark.parametrize(
    ("code", "before", "fact", "more"),
    [
        (RefusalCode.ALREADY_EXISTS, (REGISTERED,), REGISTERED, {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (), RENAMED, {}),
        (
            RefusalCode.UNKNOWN_ORGANISATION,
            (),
            OrganisationRegistered(NEW, "Afdeling", OrganisationKind.UNIT, parent=STRANGER),
            {},
        ),
        (RefusalCode.WRONG_PARTY, (), REGISTERED, {"stream": UWV}),
        (RefusalCode.FUTURE, (), REGISTERED, {"occurred_at": START + timedelta(minutes=2)}),
        (RefusalCode.VERSION_CONFLICT, (REGISTERED,), RENAMED, {"expected_version": 0}),
    ],
)
def test_what_does_not_fit_is_refused(code, before, fact, more) -> None:
    """Each refusal has its code and one sentence."""
    refusal = decided(before, fact, **more)
    assert isinstance(refusal, Refused)
    assert refusal.code is code
    assert refusal.message.endswith(".")


def test_every_command_of_an_organisation_is_here() -> None:
    """There are two, and both are tested above."""
    assert {fact for fact in COMMANDS.values() if issubclass(fact, OrganisationFact)} == {
        OrganisationRegistered,
        OrganisationRenamed,
    }
