"""The histories worked out by hand, asked through GraphQL on PostgreSQL: exactly the file's answers."""

from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest

from graph.given import Asked
from histories import hand_worked
from histories.hand_worked import HandWorked, Question
from knelpunt.graphql.ids import parse_global

pytestmark = pytest.mark.skipif(not hand_worked.available(), reason="shared/data/histories lies beside the checkout")

ANSWER = """
query Answer($asOf: DateTime!, $knownAt: DateTime, $knownTo: ID, $case: ID!) {
  registry(asOf: $asOf, knownAt: $knownAt) {
    case(id: $case, knownTo: $knownTo) {
      gaps(counts: null) {
        kind from until open counts length
        toAct { identifier } involved { identifier } obstacle { id }
      }
      conflicts { event { id } }
      obstacles { id chain { segments { kind organisation { identifier } claimed from until } } }
    }
  }
}"""

LISTED = """
query Listed($asOf: DateTime!, $knownAt: DateTime, $case: ID!) {
  registry(asOf: $asOf, knownAt: $knownAt) {
    gaps(filter: {case: $case, counts: null}, first: 200) {
      totalCount
      nodes { id kind from until open counts days length toAct { identifier } involved { identifier } evidence { id } }
    }
    case(id: $case) {
      gaps(counts: null) {
        id kind from until open counts days length toAct { identifier } involved { identifier } evidence { id }
      }
    }
  }
}"""


@dataclass
class Together:
    """Histories that share one log: no two of their events were recorded at one moment."""

    members: list[HandWorked]
    moments: set[datetime]


def groups() -> list[list[HandWorked]]:
    """All histories, in as few logs as their moments of recording allow."""
    found: list[Together] = []
    for history in hand_worked.load() if hand_worked.available() else []:
        moments = {event.recorded_at for event in history.events}
        for group in found:
            if not group.moments & moments:
                group.members.append(history)
                group.moments |= moments
                break
        else:
            found.append(Together([history], moments))
    return [group.members for group in found]


def names(group: list[HandWorked]) -> str:
    return "+".join(history.name.split("-")[0] for history in group)


@pytest.fixture
def told(asked: Asked, request: pytest.FixtureRequest) -> tuple[Asked, list[HandWorked]]:
    """A registry that holds some of the histories."""
    members: list[HandWorked] = request.param
    events = sorted((event for history in members for event in history.events), key=lambda event: event.recorded_at)
    asked.history([msgspec.structs.replace(event, source="hand-worked") for event in events])
    return asked, members


def by_group(test: Any) -> Any:
    return pytest.mark.parametrize("told", groups(), ids=names, indirect=True)(test)


def segment(obstacle: UUID, raw: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(
        obstacle=obstacle,
        kind=raw["kind"],
        organisation=raw["organisation"] and raw["organisation"]["identifier"],
        claimed=raw["claimed"],
        from_=moment(raw["from"]),
        until=moment(raw["until"]),
    )


def gap(raw: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(
        obstacle=raw["obstacle"] and bare(raw["obstacle"]["id"]),
        kind=raw["kind"],
        from_=moment(raw["from"]),
        until=moment(raw["until"]),
        to_act=[one["identifier"] for one in raw["toAct"]],
        involved=[one["identifier"] for one in raw["involved"]],
        open=raw["open"],
        counts=raw["counts"],
        length=raw["length"],
    )


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def bare(text: str) -> UUID:
    named = parse_global(text)
    assert named is not None
    return named.id


def variables(history: HandWorked, question: Question) -> dict[str, Any]:
    return {
        "asOf": question.as_of.isoformat(),
        "knownAt": question.known_at and question.known_at.isoformat(),
        "case": str(history.events[0].stream),
    }


@by_group
def test_the_file_s_answers(told):
    """Every question of every history gets exactly the answer that was worked out by hand."""
    asked, members = told
    for history in members:
        for question in history.questions:
            data = asked.ask(ANSWER, **variables(history, question), knownTo=question.known_to)
            case = data["registry"]["case"] or {"gaps": [], "conflicts": [], "obstacles": []}
            filed = history.filed(
                [segment(bare(one["id"]), raw) for one in case["obstacles"] for raw in one["chain"]["segments"]],
                [gap(raw) for raw in case["gaps"]],
                [bare(conflict["event"]["id"]) for conflict in case["conflicts"]],
            )
            assert filed == question.answer, (history.name, question)


@by_group
def test_lists_say_what_the_case_says(told):
    """The read model's gaps at two times are those derived from the case's events, to the last field."""
    asked, members = told
    for history in members:
        for question in history.questions:
            registry = asked.ask(LISTED, **variables(history, question))["registry"]
            derived = registry["case"]["gaps"] if registry["case"] else []
            listed = registry["gaps"]["nodes"]
            assert registry["gaps"]["totalCount"] == len(listed)
            assert sorted(listed, key=lambda one: one["id"]) == sorted(derived, key=lambda one: one["id"])
