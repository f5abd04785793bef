"""The import rules where a log names several obstacles of a case: each goes its own way, and closing is the case's.

A row is (activity, organisation, obstacles); activities are called as their roles.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knelpunt.domain.case import facts as f
from knelpunt.domain.command import Command
from knelpunt.infra.importing.identity import CaseNames
from knelpunt.infra.importing.mapping import Columns, ImportRole, Mapping
from knelpunt.infra.importing.packing import events_of
from knelpunt.infra.importing.rows import LogRow, Trace
from knelpunt.infra.importing.rules import events_of_trace
from knelpunt.infra.importing.validation import objection_to

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
MAPPING = Mapping(
    source="log",
    columns=Columns("Zaak", organisation="Team", obstacle="Hulpvraag"),
    roles={role.value: role for role in ImportRole},
)
NAMES = {CaseNames("log", "c").named_obstacle(name): name for name in "ABC"}
Row = tuple[str, str | None, str]


def commands_of(*rows: Row, idle: list[LogRow] | None = None) -> list[Command]:
    logged = [
        LogRow(BEGIN + timedelta(days=day), activity, who, 0, event=f"e{day}", obstacles=tuple(obstacles))
        for day, (activity, who, obstacles) in enumerate(rows)
    ]
    return events_of_trace(Trace("c", logged), MAPPING, [].append if idle is None else idle.append)


def after(*rows: Row) -> list[str]:
    """Tell what the last of the rows leads to, as fact and obstacle, and check that the domain agrees with it all."""
    commands = commands_of(*rows)
    assert objection_to(events_of(commands)) is None
    handed: dict = {c.data.handoff: c.data.obstacle for c in commands if isinstance(c.data, f.HandoffOffered)}
    told: list[str] = []
    for command in commands[len(commands_of(*rows[:-1])) :]:
        fact = command.data
        obstacle = getattr(fact, "obstacle", None) or handed.get(getattr(fact, "handoff", None))
        told.append(" ".join([type(fact).__name__, *([NAMES[obstacle]] if obstacle else [])]))
    return told


def test_each_obstacle_is_reported_by_its_first_event():
    """The case is opened once, by the first; a later event reports what it names first, received by who acted."""
    assert after(("work", "X", "A")) == ["CaseOpened", "ObstacleReported A", "StepTaken A"]
    assert after(("work", "X", "A"), ("work", "Y", "B")) == ["ObstacleReported B", "StepTaken B"]


def test_custody_is_each_obstacles_own():
    """Whoever holds one holds nothing of another by that."""
    assert after(("work", "X", "A"), ("work", "Y", "B"), ("work", "Y", "AB")) == [
        "HandoffOffered A",
        "HandoffAccepted A",
        "StepTaken B",
    ]


def test_an_event_that_names_none_is_about_those_that_are_open():
    """What is settled is left alone, so that a letter about the case reopens nothing."""
    begin = [("work", "X", "AB"), ("resolve", "X", "A")]
    assert after(*begin, ("work", "X", "")) == ["StepTaken B"]


def test_an_event_that_names_none_while_none_is_open_is_told():
    """Before the first obstacle and after the last one it has nothing to be about, but opens and closes the case."""
    idle: list[LogRow] = []
    commands = commands_of(
        ("work", "X", ""), ("work", "X", ""), ("resolve", "X", "A"), ("work", "X", ""), ("close", "X", ""), idle=idle
    )
    assert [row.event for row in idle] == ["e1", "e3"]
    assert [type(command.data) for command in commands] == [
        f.CaseOpened,
        f.ObstacleReported,
        f.StepTaken,
        f.ObstacleResolved,
        f.CaseClosed,
    ]
    assert objection_to(events_of(commands)) is None


def test_closing_the_case_resolves_what_the_event_is_about():
    """Named or not, each of them is resolved, and the case is closed once, after them."""
    resolved = ["StepTaken A", "ObstacleResolved A", "StepTaken B", "ObstacleResolved B", "CaseClosed"]
    assert after(("work", "X", "AB"), ("close", "X", "AB")) == resolved
    assert after(("work", "X", "AB"), ("close", "X", "")) == resolved


def test_closing_over_one_obstacle_lets_go_of_the_others():
    """What stays open in a closed case is held by nobody; when it goes on, the case does too."""
    begin = [("work", "X", "AB"), ("close", "X", "A")]
    assert after(*begin) == ["StepTaken A", "ObstacleResolved A", "CaseClosed"]
    assert after(*begin, ("work", "Y", "B")) == ["CaseReopened", "CustodyTaken B", "StepTaken B"]
    assert after(*begin, ("work", "Y", "C")) == ["CaseReopened", "ObstacleReported C", "StepTaken C"]


def test_handoffs_of_one_event_differ():
    """An event that passes on several obstacles begins a handoff for each."""
    commands = commands_of(("work", "X", "ABC"), ("offer", "Y", "ABC"))
    assert len({command.data.handoff for command in commands if isinstance(command.data, f.HandoffOffered)}) == 3
    assert len({command.id for command in commands}) == len(commands)


@pytest.mark.parametrize("name", ["", "A"])
def test_a_named_obstacle_is_not_the_one_of_a_case_without_names(name):
    """Ids of both kinds differ."""
    names = CaseNames("log", "c")
    assert names.named_obstacle(name) != names.obstacle


@given(
    st.lists(
        st.tuples(
            st.sampled_from([role.value for role in ImportRole]),
            st.sampled_from([None, "urn:x:1", "urn:x:2", "urn:x:3"]),
            st.sampled_from(["", "A", "B", "C", "AB", "ABC"]),
        ),
        max_size=12,
    ),
    st.data(),
)
def test_any_trace_is_valid_and_its_beginning_is_a_beginning(rows, data):
    """The domain objects to nothing, and a trace cut short leads to the first commands of the whole."""
    commands = commands_of(*rows)
    assert objection_to(events_of(commands)) is None
    cut = data.draw(st.integers(0, len(rows)))
    part = commands_of(*rows[:cut])
    assert part == commands[: len(part)]
