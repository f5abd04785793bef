"""The eight import rules of gaps.md, each as rows given and commands that follow.

A row is (activity, organisation); activities are called as their roles. What follows is told in short words, handoffs
by the number of the event that began them.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knelpunt.domain.case import facts as f
from knelpunt.domain.command import Command
from knelpunt.domain.ids import OrganisationId, Reference
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.domain.vocabulary import Outcome, Precision, RefusalGround, Role, StepKind
from knelpunt.infra.importing.identity import CaseNames, case_id_of, reference_of
from knelpunt.infra.importing.mapping import Columns, ImportRole, Mapping, Terms
from knelpunt.infra.importing.packing import events_of
from knelpunt.infra.importing.rows import LogRow, Trace
from knelpunt.infra.importing.rules import events_of_trace, registration_of
from knelpunt.infra.importing.validation import objection_to

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
MAPPING = Mapping(
    source="log",
    columns=Columns("case", "activity", "time", "organisation"),
    roles={role.value: role for role in ImportRole},
)
Row = tuple[str, str | None]


def trace_of(*rows: Row) -> Trace:
    return Trace(
        "case 1",
        [LogRow(BEGIN + timedelta(days=day), activity, who, day + 2) for day, (activity, who) in enumerate(rows)],
    )


def commands_of(*rows: Row, mapping: Mapping = MAPPING) -> list[Command]:
    return events_of_trace(trace_of(*rows), mapping)


def told(commands: list[Command]) -> list[str]:
    """Tell each command in a few words."""
    handoffs: dict[UUID, int] = {CaseNames("log", "case 1").handoff(number): number for number in range(1, 20)}
    words: list[str] = []
    for command in commands:
        match command.data:
            case f.CaseOpened():
                words.append("opened")
            case f.ObstacleReported(experienced_at=at, received_by=by):
                words.append(f"reported at {short(at)}, received by {by}")
            case f.CustodyTaken(organisation=who):
                words.append(f"{who} takes custody")
            case f.StepTaken(organisation=who):
                words.append(f"step of {who}")
            case f.HandoffOffered(handoff=handoff, from_=from_, to=to):
                words.append(f"offer {handoffs[handoff]}: {from_} to {to}")
            case f.HandoffAccepted(handoff=handoff):
                words.append(f"{handoffs[handoff]} accepted")
            case f.HandoffRefused(handoff=handoff):
                words.append(f"{handoffs[handoff]} refused")
            case f.HandoffWithdrawn(handoff=handoff):
                words.append(f"{handoffs[handoff]} withdrawn")
            case f.ObstacleResolved(organisation=who):
                words.append(f"resolved by {short(who)}")
            case f.ObstacleReopened(organisation=who):
                words.append(f"reopened for {who}")
            case f.CaseClosed(organisation=who):
                words.append(f"closed by {short(who)}")
            case f.CaseReopened(organisation=who):
                words.append(f"case reopened by {short(who)}")
            case other:
                words.append(repr(other))
    return words


def short(organisation: str) -> str:
    return "the source" if organisation == "urn:knelpunt:log" else organisation


def after(*rows: Row) -> list[str]:
    """Tell what the last of the rows leads to, and check that the domain agrees with all of it."""
    commands = commands_of(*rows)
    assert objection_to(events_of(commands)) is None
    return told(commands[len(commands_of(*rows[:-1])) :])


def test_rule_1_the_first_event_opens_reports_and_then_has_its_own_effect():
    """The first event opens the case, reports the obstacle to X, and is a step of X, who holds it by then."""
    assert after(("work", "A")) == ["opened", "reported at A, received by A", "step of A"]


def test_rule_1_without_an_organisation_nobody_receives_it():
    """A first event of nobody reports an obstacle that nobody holds, met at the source, and is a step by nobody."""
    assert after(("work", None)) == ["opened", "reported at the source, received by None", "step of None"]


@pytest.mark.parametrize(
    ("rows", "then"),
    [
        pytest.param([("resolve", "A"), ("close", "B")], ["closed by B"], id="close closes an open case"),
        pytest.param([("resolve", "A"), ("close", None)], ["closed by the source"], id="close of nobody"),
        pytest.param([("close", "A"), ("close", "B")], ["step of B"], id="close of a closed case is aftercare"),
        pytest.param([("resolve", "A"), ("resolve", "B")], ["step of B"], id="resolve again is aftercare"),
        pytest.param([("close", "A"), ("resolve", None)], ["step of None"], id="aftercare of nobody"),
        pytest.param([("resolve", "A"), ("work", "B")], ["reopened for B", "step of B"], id="work reopens for X"),
        pytest.param(
            [("resolve", "A"), ("work", None)], ["reopened for A", "step of A"], id="X missing: for the last holder"
        ),
        pytest.param(
            [("close", "A"), ("offer", "B")],
            ["reopened for B", "case reopened by B", "step of B"],
            id="and the case, if closed",
        ),
        pytest.param(
            [("close", None), ("work", None)],
            ["reopened for None", "case reopened by the source", "step of None"],
            id="nobody ever held it",
        ),
        pytest.param(
            [("resolve", "A"), ("work", "B"), ("resolve", "B"), ("work", None)],
            ["reopened for B", "step of B"],
            id="the last holder is the last one",
        ),
    ],
)
def test_rule_2_a_settled_obstacle_is_closed_followed_up_or_reopened(rows, then):
    """What comes after a settlement closes the case, is aftercare, or reopens the obstacle and goes on."""
    assert after(*rows) == then


def test_rule_3_an_event_of_nobody_is_one_of_the_holder():
    """Where X is missing, the holder is X, whatever the role."""
    assert after(("work", "A"), ("work", None)) == ["step of A"]
    assert after(("work", "A"), ("resolve", None)) == ["step of A", "resolved by A"]
    assert after(("work", "A"), ("offer", "B"), ("work", None)) == ["2 withdrawn", "step of A"]


def test_rule_4_whoever_comes_first_takes_what_nobody_holds():
    """X takes custody of what nobody holds and takes a step as its holder."""
    assert after(("work", None), ("work", "A")) == ["A takes custody", "step of A"]
    assert after(("work", None), ("offer", "A")) == ["A takes custody", "step of A"]


def test_rule_5_the_holder_goes_on_and_a_pending_offer_is_withdrawn():
    """An event of the holder withdraws its pending offer and is a step; without one it is a step."""
    assert after(("work", "A"), ("work", "A")) == ["step of A"]
    assert after(("work", "A"), ("offer", "B"), ("work", "A")) == ["2 withdrawn", "step of A"]
    assert after(("work", "A"), ("offer", "B"), ("refuse", "A")) == ["2 withdrawn", "step of A"]


@pytest.mark.parametrize(
    ("activity", "then"),
    [
        ("offer", ["step of B"]),
        ("refuse", ["2 refused"]),
        ("accept", ["2 accepted"]),
        ("work", ["2 accepted"]),
        ("resolve", ["2 accepted", "resolved by B"]),
        ("close", ["2 accepted", "resolved by B", "closed by B"]),
    ],
)
def test_rule_6_the_one_asked_answers(activity, then):
    """The target of the pending offer takes a step, refuses, or else accepts."""
    assert after(("work", "A"), ("offer", "B"), (activity, "B")) == then


@pytest.mark.parametrize(
    ("activity", "then"),
    [
        ("offer", ["offer 2: A to B"]),
        ("refuse", ["offer 2: A to B", "2 refused"]),
        ("accept", ["offer 2: A to B", "2 accepted"]),
        ("work", ["offer 2: A to B", "2 accepted"]),
        ("resolve", ["offer 2: A to B", "2 accepted", "resolved by B"]),
    ],
)
def test_rule_7_anyone_else_was_offered_it_by_the_holder(activity, then):
    """Another organisation's event means that the holder offered, and by role that it accepted or refused at once."""
    assert after(("work", "A"), (activity, "B")) == then


def test_rule_7_a_third_one_makes_the_pending_offer_withdrawn():
    """An offer pending with one is withdrawn when another appears."""
    assert after(("work", "A"), ("offer", "B"), ("work", "C")) == ["2 withdrawn", "offer 3: A to C", "3 accepted"]


def test_rule_7_after_a_refusal_the_holder_may_offer_to_the_same_again():
    """A refusal leaves the holder; the refuser's next event is a new offer."""
    assert after(("work", "A"), ("refuse", "B"), ("work", "B")) == ["offer 3: A to B", "3 accepted"]


def test_rule_8_resolve_settles_and_close_settles_and_closes():
    """Role resolve settles with outcome REMOVED; role close settles and closes the case."""
    assert after(("work", "A"), ("resolve", "A")) == ["step of A", "resolved by A"]
    assert after(("work", "A"), ("close", "A")) == ["step of A", "resolved by A", "closed by A"]
    assert after(("close", None)) == [
        "opened",
        "reported at the source, received by None",
        "step of None",
        "resolved by the source",
        "closed by the source",
    ]
    resolved = [c.data for c in commands_of(("resolve", "A")) if isinstance(c.data, f.ObstacleResolved)]
    assert [fact.outcome for fact in resolved] == [Outcome.REMOVED]


def test_ignored_rows_are_as_if_not_there_but_keep_their_number():
    """An ignored row leads to nothing, opens nothing, and leaves the ids of the rows after it as they are."""
    assert commands_of(("ignore", "A")) == []
    commands = commands_of(("ignore", "A"), ("work", "B"))
    assert told(commands) == ["opened", "reported at B, received by B", "step of B"]
    assert commands[0].id == CaseNames("log", "case 1").command(2, 1)


def test_commands_say_where_they_come_from():
    """Every command is inferred, names its source, and acts as X, or as the source where X is missing."""
    commands = commands_of(("work", None), ("work", "A"))
    assert {(c.source, c.inferred, c.actor.role, c.actor.user) for c in commands} == {
        ("log", True, Role.AGENCY, "import")
    }
    assert [short(c.actor.organisation) for c in commands] == ["the source"] * 3 + ["A"] * 2
    assert all(c.data.kind is StepKind.OTHER for c in commands if isinstance(c.data, f.StepTaken))
    refused = [c.data for c in commands_of(("work", "A"), ("refuse", "B")) if isinstance(c.data, f.HandoffRefused)]
    assert [fact.ground for fact in refused] == [RefusalGround.OTHER]


def test_moment_and_precision_are_the_rows():
    """All that a row leads to occurred at the row's moment, as exactly as the row says."""
    row = LogRow(BEGIN, "work", "A", 2, Precision.DAY)
    commands = events_of_trace(Trace("case 1", [row]), MAPPING)
    assert {(c.occurred_at, c.precision) for c in commands} == {(BEGIN, Precision.DAY)}


def test_offers_carry_the_mappings_term():
    """respond_by is the offer's moment plus the mapping's days, and absent without them."""
    rows = (("work", "A"), ("offer", "B"))
    termed = msgspec.structs.replace(MAPPING, terms=Terms(respond_by_days=14))
    (offer,) = [c.data for c in commands_of(*rows, mapping=termed) if isinstance(c.data, f.HandoffOffered)]
    assert offer.respond_by == BEGIN + timedelta(days=15)
    (offer,) = [c.data for c in commands_of(*rows) if isinstance(c.data, f.HandoffOffered)]
    assert offer.respond_by is None


def test_fast_ids_are_uuid5():
    """The ids of a case's parts are what the standard library's uuid5 gives."""
    names = CaseNames("log", "case 1")
    case = case_id_of("log", "case 1")
    assert names.case == case
    assert names.obstacle == uuid5(case, "obstacle")
    assert names.subject == uuid5(case, "subject")
    assert names.handoff(7) == uuid5(case, "handoff/7")
    assert names.command(12, 3) == uuid5(case, "event/12/3")


def test_reference_fits_and_differs():
    """A case's reference fits the registry's pattern, and other cases have others."""
    references = {reference_of(case_id_of("log", str(number))) for number in range(1000)}
    assert len(references) == 1000
    for reference in references:
        msgspec.convert(reference, Reference)


def test_registration_names_the_organisation():
    """A registration carries the identifier, the value's own text as its name, and comes out the same every time."""
    identifier = MAPPING.identifier_of("Bureau Zorg & Jeugd, 's-Hertogenbosch")
    assert identifier is not None
    msgspec.convert(identifier, OrganisationId)
    command = registration_of(identifier, MAPPING)
    assert isinstance(command.data, OrganisationRegistered)
    assert command.data.name == "Bureau Zorg & Jeugd, 's-Hertogenbosch"
    assert command == registration_of(identifier, MAPPING)
    source = registration_of("urn:knelpunt:log", MAPPING).data
    assert isinstance(source, OrganisationRegistered)
    assert source.name == "log"


rows_of_anything = st.lists(
    st.tuples(st.sampled_from([role.value for role in ImportRole]), st.sampled_from([None, "A", "B", "C"])),
    min_size=1,
    max_size=12,
)


@given(rows_of_anything, st.data())
def test_any_trace_is_valid_and_its_beginning_is_a_beginning(rows, data):
    """Whatever the rows, the domain objects to nothing, ids differ, and a part's commands begin the whole's."""
    whole = commands_of(*rows)
    assert objection_to(events_of(whole)) is None
    assert len({command.id for command in whole}) == len(whole)
    part = commands_of(*rows[: data.draw(st.integers(0, len(rows)))])
    assert whole[: len(part)] == part
