"""The commands of an organisation: from its registration to its end."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.given import DAY, GEM, HOUR, START, STRANGER, SVB, UWV, Known, some_id
from knelpunt.domain.command import COMMANDS, Command, RefusalCode, Refused
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import event_id_of, organisation_stream_of
from knelpunt.domain.organisation.decide import decide_organisation
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationEventStruck,
    OrganisationFact,
    OrganisationFactCorrected,
    OrganisationMerged,
    OrganisationRegistered,
    OrganisationRenamed,
    ParentChanged,
    SolutionTeamEstablished,
    StrategyAdopted,
    StrategyShared,
    TaskTransferred,
)
from knelpunt.domain.organisation.standing import standing_at, told
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import OrganisationKind, Role, StrikeReason, TeamMotive

NEW, UNIT = "urn:org:NEW", "urn:org:UNIT"
STRATEGY, OTHER_STRATEGY = some_id("strategy"), some_id("other strategy")
REGISTERED = OrganisationRegistered(NEW, "Nieuwe Gemeente", OrganisationKind.MUNICIPALITY)
RENAMED = OrganisationRenamed(NEW, "Gemeente Nieuw")
PLACED = ParentChanged(NEW, UWV)
MERGED = OrganisationMerged(NEW, UWV)
DISSOLVED = OrganisationDissolved(NEW)
TRANSFERRED = TaskTransferred(NEW, "jeugdhulp", UWV)
TEAM = SolutionTeamEstablished(NEW, (TeamMotive.SENSE_OF_JUSTICE,), clear("Mag afwijken."), clear("Bel de balie."))
SHARED = StrategyShared(NEW, STRATEGY, clear("Samen aan tafel"))
ADOPTED = StrategyAdopted(NEW, OTHER_STRATEGY, UWV)
SHARED_BY_UWV = StrategyShared(UWV, OTHER_STRATEGY, clear("Een gezicht"))
RENAMED_AS = event_id_of(some_id(f"{NEW}/1"))
CORRECTED = OrganisationFactCorrected(NEW, RENAMED_AS, "name", "Nieuw")
STRUCK = OrganisationEventStruck(NEW, RENAMED_AS, StrikeReason.NEVER_HAPPENED)
ACTOR = Actor(GEM, Role.ADMINISTRATOR, "somebody")


def stream(facts: Sequence[OrganisationFact], days: Sequence[int] | None = None) -> list[Event]:
    """An organisation's events as recorded, each so many days after the start (at the start, if not said)."""
    return [
        Event(
            id=event_id_of(some_id(f"{fact.organisation}/{n}")),
            stream=organisation_stream_of(fact.organisation),
            version=n + 1,
            position=n,
            occurred_at=START + DAY * (days[n] if days else 0),
            recorded_at=START,
            actor=ACTOR,
            command_id=some_id(f"{fact.organisation}/{n}"),
            data=fact,
        )
        for n, fact in enumerate(facts)
    ]


def registered(organisation: str, parent: str | None = None) -> OrganisationRegistered:
    return OrganisationRegistered(organisation, organisation, OrganisationKind.OTHER, parent)


OTHERS: Mapping[str, Sequence[Event]] = {
    UWV: stream([registered(UWV), SHARED_BY_UWV]),
    SVB: stream([registered(SVB), OrganisationDissolved(SVB)]),
    UNIT: stream([registered(UNIT, NEW)]),
}


def corrected(n: int, field: str, value: Any, *, struck: bool = False) -> OrganisationFact:
    """A correction, or a striking, of the event of the organisation's stream with a place from 0."""
    event = event_id_of(some_id(f"{NEW}/{n}"))
    if struck:
        return OrganisationEventStruck(NEW, event, StrikeReason.DUPLICATE)
    return OrganisationFactCorrected(NEW, event, field, value)


def decided(
    before: tuple[OrganisationFact, ...], fact: OrganisationFact, stream_of: str = NEW, **more
) -> Fact | Refused:
    known = Known(frozenset({GEM, UWV, SVB, UNIT, *([NEW] if before else [])}), OTHERS)
    command = Command(
        some_id("this"), organisation_stream_of(stream_of), ACTOR, fact, **{"occurred_at": START + HOUR, **more}
    )
    return decide_organisation(command, stream(before), START + HOUR, known)


@pytest.mark.parametrize(
    ("before", "fact"),
    [
        ((), REGISTERED),
        ((), OrganisationRegistered(NEW, "Afdeling Zorg", OrganisationKind.UNIT, parent=UWV)),
        ((REGISTERED,), RENAMED),
        ((REGISTERED, RENAMED), RENAMED),
        ((REGISTERED,), PLACED),
        ((REGISTERED, PLACED), ParentChanged(NEW)),
        ((REGISTERED,), MERGED),
        ((REGISTERED,), DISSOLVED),
        ((REGISTERED,), TRANSFERRED),
        ((REGISTERED, TRANSFERRED), TaskTransferred(NEW, "jeugdhulp", GEM, START + DAY * 400, "BWBR0034925")),
        ((REGISTERED,), TEAM),
        ((REGISTERED, TEAM), TEAM),
        ((REGISTERED,), SHARED),
        ((REGISTERED,), ADOPTED),
        ((REGISTERED, RENAMED), CORRECTED),
        ((REGISTERED, RENAMED), STRUCK),
        ((REGISTERED, MERGED), STRUCK),
        ((REGISTERED, RENAMED, STRUCK), corrected(2, "reason", "x", struck=True)),
        ((REGISTERED,), corrected(0, "name", "Nieuw")),
        ((REGISTERED, MERGED), corrected(1, "into", GEM)),
        ((REGISTERED, MERGED), corrected(1, "occurred_at", (START - DAY).isoformat())),
    ],
)
def test_what_fits_is_recorded(before, fact) -> None:
    """What an organisation can do is recorded as it was asked for; a task may pass on at a moment still to come."""
    assert decided(before, fact) == fact


@pytest.mark.parametrize(
    ("code", "before", "fact", "more"),
    [
        (RefusalCode.ALREADY_EXISTS, (REGISTERED,), REGISTERED, {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (), RENAMED, {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (), MERGED, {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (), registered(NEW, STRANGER), {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (REGISTERED,), ParentChanged(NEW, STRANGER), {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (REGISTERED,), OrganisationMerged(NEW, STRANGER), {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (REGISTERED,), TaskTransferred(NEW, "zorg", STRANGER), {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (REGISTERED,), StrategyAdopted(NEW, STRATEGY, STRANGER), {}),
        (RefusalCode.UNKNOWN_STRATEGY, (REGISTERED,), StrategyAdopted(NEW, STRATEGY, UWV), {}),
        (RefusalCode.WRONG_PARTY, (), REGISTERED, {"stream_of": UWV}),
        (RefusalCode.WRONG_PARTY, (), registered(NEW, NEW), {}),
        (RefusalCode.WRONG_PARTY, (REGISTERED,), ParentChanged(NEW, NEW), {}),
        (RefusalCode.WRONG_PARTY, (REGISTERED,), OrganisationMerged(NEW, NEW), {}),
        (RefusalCode.WRONG_PARTY, (REGISTERED,), TaskTransferred(NEW, "zorg", NEW), {}),
        (RefusalCode.WRONG_PARTY, (REGISTERED, SHARED), StrategyAdopted(NEW, STRATEGY, NEW), {}),
        (RefusalCode.CIRCULAR, (REGISTERED,), ParentChanged(NEW, UNIT), {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED,), ParentChanged(NEW, SVB), {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED,), OrganisationMerged(NEW, SVB), {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED,), TaskTransferred(NEW, "zorg", SVB), {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED, MERGED), DISSOLVED, {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED, DISSOLVED), MERGED, {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED, DISSOLVED), RENAMED, {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED, MERGED), TRANSFERRED, {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED, MERGED), TEAM, {}),
        (RefusalCode.ALREADY_EXISTS, (REGISTERED, SHARED), SHARED, {}),
        (RefusalCode.ALREADY_EXISTS, (REGISTERED, ADOPTED), ADOPTED, {}),
        (RefusalCode.MALFORMED, (REGISTERED,), SolutionTeamEstablished(NEW, ()), {}),
        (RefusalCode.MALFORMED, (REGISTERED,), StrategyShared(NEW, STRATEGY), {}),
        (RefusalCode.MALFORMED, (REGISTERED,), TaskTransferred(NEW, "zorg", UWV, START), {}),
        (RefusalCode.MALFORMED, (REGISTERED,), TaskTransferred(NEW, "zorg", UWV, START.replace(tzinfo=None)), {}),
        (RefusalCode.MALFORMED, (REGISTERED,), RENAMED, {"occurred_at": START.replace(tzinfo=None)}),
        (RefusalCode.FUTURE, (), REGISTERED, {"occurred_at": START + HOUR + timedelta(minutes=2)}),
        (RefusalCode.VERSION_CONFLICT, (REGISTERED,), RENAMED, {"expected_version": 0}),
        (RefusalCode.UNKNOWN_EVENT, (REGISTERED,), CORRECTED, {}),
        (RefusalCode.UNKNOWN_EVENT, (REGISTERED,), STRUCK, {}),
        (RefusalCode.NOT_CORRECTABLE, (REGISTERED,), corrected(0, "", None, struck=True), {}),
        (RefusalCode.NOT_CORRECTABLE, (REGISTERED, RENAMED, STRUCK), STRUCK, {}),
        (RefusalCode.NOT_CORRECTABLE, (REGISTERED, RENAMED, STRUCK), corrected(2, "reason", "DUPLICATE"), {}),
        (RefusalCode.NOT_CORRECTABLE, (REGISTERED,), corrected(0, "kind", "CASTLE"), {}),
        (RefusalCode.NOT_CORRECTABLE, (REGISTERED,), corrected(0, "organisation", UWV), {}),
        (RefusalCode.NOT_CORRECTABLE, (REGISTERED, SHARED), corrected(1, "strategy", str(OTHER_STRATEGY)), {}),
        (RefusalCode.UNKNOWN_ORGANISATION, (REGISTERED, MERGED), corrected(1, "into", STRANGER), {}),
        (RefusalCode.WRONG_PARTY, (REGISTERED, MERGED), corrected(1, "into", NEW), {}),
        (RefusalCode.ORGANISATION_ENDED, (REGISTERED, MERGED), corrected(1, "into", SVB), {}),
        (RefusalCode.CIRCULAR, (REGISTERED,), corrected(0, "parent", UNIT), {}),
        (RefusalCode.FUTURE, (REGISTERED,), corrected(0, "occurred_at", "2031-01-01T09:00:00Z"), {}),
        (RefusalCode.MALFORMED, (REGISTERED, TRANSFERRED), corrected(1, "since", "2001-01-01T09:00:00Z"), {}),
    ],
)
def test_what_does_not_fit_is_refused(code, before, fact, more) -> None:
    """Each refusal has its code and one sentence."""
    refusal = decided(before, fact, **more)
    assert isinstance(refusal, Refused), fact
    assert refusal.code is code
    assert refusal.message.endswith(".")
    assert "\n" not in refusal.message


def test_every_command_of_an_organisation_is_tested() -> None:
    """None is missing from the tests above."""
    tested = {REGISTERED, RENAMED, PLACED, MERGED, DISSOLVED, TRANSFERRED, TEAM, SHARED, ADOPTED, CORRECTED, STRUCK}
    assert {fact for fact in COMMANDS.values() if issubclass(fact, OrganisationFact)} == {type(fact) for fact in tested}


@pytest.mark.parametrize("before", [(REGISTERED, MERGED), (REGISTERED, DISSOLVED)])
def test_what_is_told_late_is_kept(before) -> None:
    """What only the state forbids is kept if it is told late, stands as a conflict, and has no effect."""
    known = Known(frozenset({GEM, UWV, SVB, NEW}), OTHERS)
    command = Command(some_id("this"), organisation_stream_of(NEW), ACTOR, RENAMED, START + HOUR)
    assert decide_organisation(command, stream(before), START + DAY * 9, known) == RENAMED
    history = stream((*before, RENAMED), [0, 1, 2])
    assert [objection is None for _, _, objection in told(history)] == [True, True, False]
    found = standing_at(history)
    assert found is not None
    assert found.name == "Nieuwe Gemeente"


def test_a_standing_is_told_at_a_moment() -> None:
    """An organisation is at a moment what its events up to then made of it."""
    history = stream((REGISTERED, RENAMED, PLACED, TRANSFERRED, MERGED), [0, 10, 20, 30, 40])
    assert standing_at(history, START - HOUR) is None
    early, late = standing_at(history, START + 25 * DAY), standing_at(history)
    assert early is not None
    assert late is not None
    assert (early.name, early.parent, early.ended, early.transfers) == ("Gemeente Nieuw", UWV, None, ())
    assert late.ended is not None
    assert (late.ended.at, late.ended.into) == (START + 40 * DAY, UWV)
    assert [(one.theme, one.to, one.since) for one in late.transfers] == [("jeugdhulp", UWV, START + 30 * DAY)]


FACTS: tuple[OrganisationFact, ...] = (
    RENAMED,
    PLACED,
    ParentChanged(NEW),
    MERGED,
    DISSOLVED,
    TRANSFERRED,
    TEAM,
    SHARED,
    ADOPTED,
)


@given(
    st.lists(st.tuples(st.sampled_from(FACTS), st.integers(-2, 30)), max_size=8, unique_by=lambda pair: pair[1]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_recording_makes_no_difference(
    told_facts: list[tuple[OrganisationFact, int]], rng: Random
) -> None:
    """Whatever is told in whatever order, an organisation is the same in the end, and ends at most once."""
    pairs = [(REGISTERED, -1 if any(day == 0 for _, day in told_facts) else 0), *told_facts]
    pairs = [*{day: (fact, day) for fact, day in pairs}.values()]
    shuffled = rng.sample(pairs, len(pairs))
    one, other = (stream([fact for fact, _ in each], [day for _, day in each]) for each in (pairs, shuffled))
    for history in (one, other):
        effects = [event for event, _, objection in told(history) if objection is None]
        ends = [event for event in effects if isinstance(event.data, OrganisationMerged | OrganisationDissolved)]
        assert len(ends) <= 1
        assert all(event.occurred_at <= ends[0].occurred_at for event in effects if ends)
    assert [(e.occurred_at, e.data, o is None) for e, _, o in told(one)] == [
        (e.occurred_at, e.data, o is None) for e, _, o in told(other)
    ]


@given(st.lists(st.tuples(st.sampled_from(FACTS), st.integers(0, 30)), max_size=8), st.sampled_from(FACTS))
def test_what_is_accepted_in_time_has_effect(
    before: list[tuple[OrganisationFact, int]], fact: OrganisationFact
) -> None:
    """A command that is not late has an effect if it is accepted, and is refused if it would have none."""
    ordered = sorted(before, key=lambda pair: pair[1])
    facts = [REGISTERED, *(one for one, _ in ordered)]
    history = stream(facts, [0, *(day for _, day in ordered)])
    now = START + DAY * 31
    known = Known(frozenset({GEM, UWV, SVB, NEW}), OTHERS)
    answer = decide_organisation(Command(some_id("x"), history[0].stream, ACTOR, fact, now), history, now, known)
    after = stream([*facts, fact], [0, *(day for _, day in ordered), 31])
    assert (answer == fact) == (list(told(after))[-1][2] is None)


def test_what_was_corrected_or_struck_is_told_as_it_should_have_been() -> None:
    """A mending works at the place of the event that it names; one that was itself struck works no more."""

    def after(*facts):
        """What the organisation is once these were told too."""
        found = standing_at(stream((REGISTERED, RENAMED, MERGED, *facts), days=(0, 10, 20, *(30 for _ in facts))))
        assert found is not None
        return found

    def ending(*facts):
        """How it ended."""
        found = after(*facts).ended
        assert found is not None
        return found

    assert after().name == "Gemeente Nieuw"
    assert after(CORRECTED).name == "Nieuw"
    assert after(STRUCK).name == "Nieuwe Gemeente"
    assert after(STRUCK, corrected(3, "", None, struck=True)).name == "Gemeente Nieuw"
    assert after(corrected(2, "", None, struck=True)).ended is None
    assert ending(corrected(2, "into", GEM)).into == GEM
    assert ending(corrected(2, "occurred_at", (START + 15 * DAY).isoformat())).at == START + 15 * DAY
    assert after(corrected(1, "occurred_at", (START + 25 * DAY).isoformat())).name == "Nieuwe Gemeente"
