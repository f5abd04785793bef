"""A case as it is replayed: the questions that fetch it, and the words that stand beside its events.

What is printed and what is stepped through both start from a ``Replay``; the state at one step is the same question
again, asked at that moment. Nothing is worked out here that the registry does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from ...projections.summaries import Language
from .asking import Asking, is_id
from .times import day, minute

PAGE: Final = 200
"""The most that a page of a list may hold."""

FOUND_LATE: Final = timedelta(days=1)
"""From when on an event's moment of recording is worth a line."""

# Each organisation's name is asked for once, in its case: those of every gap and segment would take seconds.
STATE: Final = """
fragment State on Case {
  status closedAt
  organisations { identifier name }
  obstacles {
    id status claimed reportedAt settledAt
    holder { identifier }
    chain { segments { kind organisation { identifier } claimed from until } }
  }
  gaps(counts: null) {
    id kind from until open counts days
    toAct { identifier }
    involved { identifier }
    obstacle { id }
    case { id }
  }
}
"""

NAME: Final = """
query Named($asOf: DateTime, $knownAt: DateTime, $identifier: String!) {
  registry(asOf: $asOf, knownAt: $knownAt) { organisation(identifier: $identifier) { name } }
}
"""

CASE: Final = (
    STATE
    + """
query Replay($asOf: DateTime, $knownAt: DateTime, $knownTo: ID, $id: ID, $reference: String,
             $language: Language!, $first: Int, $after: String, $state: Boolean!) {
  registry(asOf: $asOf, knownAt: $knownAt) {
    asOf
    knownAt
    case(id: $id, reference: $reference, knownTo: $knownTo) {
      id reference title theme openedAt
      timeline(first: $first, after: $after) {
        pageInfo { hasNextPage endCursor }
        edges { node {
          id position type stream version occurredAt precision recordedAt inferred source
          actor { organisation { identifier name } role user }
          knownTo { organisation { identifier } since }
          data
          summary(language: $language)
          conflict { code message contradictedBy { id } }
          struckBy { id }
          correctedBy { id }
        } }
      }
      ...State @include(if: $state)
    }
  }
}
"""
)

MOMENT: Final = (
    STATE
    + """
query Moment($asOf: DateTime!, $knownAt: DateTime!, $knownTo: ID, $id: ID!) {
  registry(asOf: $asOf, knownAt: $knownAt) { case(id: $id, knownTo: $knownTo) { ...State } }
}
"""
)

CAUSES: Final = """
query Causes($asOf: DateTime!, $knownAt: DateTime!, $id: ID!) {
  registry(asOf: $asOf, knownAt: $knownAt) { case(id: $id) { obstacles {
    id causes { statement status owner { identifier name } measures { due implementedAt evaluations { stopped } } }
  } } }
}
"""

Case = Mapping[str, Any]
"""A case as GraphQL answers it."""

Event = Mapping[str, Any]
"""An event as GraphQL answers it."""

Gap = Mapping[str, Any]
"""A gap as GraphQL answers it."""


class Replay:
    """A case at two times, with its whole timeline as ``events``."""

    def __init__(self, case: Case, events: Sequence[Event], lens: Mapping[str, str], known_to: str | None) -> None:
        """Hold what was asked for, and with which lens."""
        self.case = case
        self.events = events
        self.lens = lens
        self.as_of: str = lens["asOf"]
        self.known_at: str = lens["knownAt"]
        self.known_to = known_to
        self.numbers = {event["id"]: number for number, event in enumerate(events, 1)}

    @property
    def names(self) -> dict[str, str | None]:
        """What the organisations are called that have a part in it or in its gaps, or recorded something."""
        parties = (one for gap in self.case["gaps"] for field in ("toAct", "involved") for one in gap[field])
        recorders = (event["actor"]["organisation"] for event in self.events)
        return {one["identifier"]: one["name"] for one in (*parties, *recorders, *self.case["organisations"])}

    @property
    def gaps(self) -> list[Gap]:
        """The gaps that count, by obstacle, beginning and kind."""
        return [gap for gap in self.case["gaps"] if gap["counts"]]


def replay_of(
    ask: Asking,
    case: str,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    known_to: str | None = None,
    language: Language = Language.EN,
) -> Replay | None:
    """Return a case by its reference or id, or none if there is no such case at these moments."""
    lens = ask.lens(as_of, known_at)
    if known_to is not None:
        ask.expect_organisation(known_to, lens)
    named = {"id": case} if is_id(case) else {"reference": case}
    asked = {**lens, **named, "knownTo": known_to, "language": language.value, "first": PAGE}
    registry = ask(CASE, {**asked, "state": True})["registry"]
    found = registry["case"]
    if found is None:
        return None
    page = found["timeline"]
    events: list[Event] = [edge["node"] for edge in page["edges"]]
    while page["pageInfo"]["hasNextPage"]:
        after = page["pageInfo"]["endCursor"]
        page = ask(CASE, {**asked, "after": after, "state": False})["registry"]["case"]["timeline"]
        events += [edge["node"] for edge in page["edges"]]
    recorders = {one["identifier"]: one["name"] for one in (event["actor"]["organisation"] for event in events)}
    # What lies over several cases may name organisations that have no part in this one: few, and each asked for alone.
    named_here = recorders.keys() | {one["identifier"] for one in found["organisations"]}
    parties = {one["identifier"] for gap in found["gaps"] for field in ("toAct", "involved") for one in gap[field]}
    elsewhere: dict[str, str | None] = {}
    for one in sorted(parties - named_here):
        organisation: dict[str, str] | None = ask(NAME, {**lens, "identifier": one})["registry"]["organisation"]
        elsewhere[one] = organisation["name"] if organisation is not None else None
    shown = _with_names(found, recorders | elsewhere)
    # What organisations learnt of the case is nothing that the case itself told any of them.
    learnt = {} if known_to is not None else _causes(ask, registry, found["id"])
    obstacles = [{**one, "causes": learnt.get(one["id"], [])} for one in shown["obstacles"]]
    return Replay({**shown, "obstacles": obstacles}, events, registry, known_to)


def _causes(ask: Asking, lens: Mapping[str, str], case: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return what the obstacles of a case were said to come from, by obstacle."""
    found = ask(CAUSES, {"asOf": lens["asOf"], "knownAt": lens["knownAt"], "id": case})["registry"]["case"]
    return {one["id"]: one["causes"] for one in found["obstacles"]} if found else {}


def state_of(ask: Asking, replay: Replay, at: str) -> Case | None:
    """Return how a replayed case stood at a moment of it, seen through the same lens; none before it is known of."""
    asked = {"asOf": at, "knownAt": replay.known_at, "knownTo": replay.known_to, "id": replay.case["id"]}
    found = ask(MOMENT, asked)["registry"]["case"]
    return found and _with_names(found, replay.names)


def _with_names(case: Case, names: Mapping[str, str | None]) -> Case:
    """Return a case with the name of each organisation at all its places; ``names`` has those of who only recorded."""
    known = {**names, **{one["identifier"]: one["name"] for one in case["organisations"]}}

    def called(organisation: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        return organisation and {**organisation, "name": known.get(organisation["identifier"])}

    def segments(chain: Mapping[str, Any]) -> dict[str, Any]:
        return {"segments": [{**one, "organisation": called(one["organisation"])} for one in chain["segments"]]}

    obstacles = [{**one, "holder": called(one["holder"]), "chain": segments(one["chain"])} for one in case["obstacles"]]
    gaps = [
        {**gap, **{field: list(map(called, gap[field])) for field in ("toAct", "involved")}} for gap in case["gaps"]
    ]
    return {**case, "obstacles": obstacles, "gaps": gaps}


def titled(case: Case) -> str:
    """Return what a case is called."""
    return case["title"] if isinstance(case["title"], str) else "(no title)"


def when(event: Event) -> str:
    """Return when an event happened, as exactly as that is known."""
    at = minute(event["occurredAt"])
    return {"DAY": at[:10], "MONTH": at[:7]}.get(event["precision"], at)


def named(organisation: Mapping[str, Any]) -> str:
    """Return what an organisation is called; one without a name goes by its identifier."""
    return organisation["name"] or organisation["identifier"]


def who(event: Event) -> str:
    """Return who recorded an event."""
    return named(event["actor"]["organisation"])


def became(found: Replay, event: Event) -> Iterable[tuple[str, str]]:
    """Yield what is to be known of an event beside itself, each with a style."""
    late = datetime.fromisoformat(event["recordedAt"]) - datetime.fromisoformat(event["occurredAt"])
    if late > FOUND_LATE:
        yield f"recorded {day(event['recordedAt'])}, {late.days} day{'s' if late.days > 1 else ''} later", "dim"
    if event["struckBy"] is not None:
        yield f"struck by event {_number(found, event['struckBy'])}", "red"
    if event["correctedBy"]:
        yield f"corrected by event {', '.join(_number(found, one) for one in event['correctedBy'])}", "yellow"
    conflict = event["conflict"]
    if conflict is not None:
        against = ", ".join(_number(found, one) for one in conflict["contradictedBy"])
        yield f"without effect: {conflict['message']}" + (f" (see event {against})" if against else ""), "red"


def _number(found: Replay, event: Event) -> str:
    return str(found.numbers.get(event["id"], "of another moment"))
