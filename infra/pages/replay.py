"""A case as pages replay it: asked for in GraphQL, its timeline page by page, and how it stood at a step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ..cli.asking import raw_id
from .rendering import called
from .visit import PageProblem, Visit

PAGE: Final = 200
"""Events that one answer may hold."""

EVENTS_MAX: Final = 5_000
"""A case with more is cut there, and the page says so: nobody reads more in one piece, and no browser likes it."""

EVENT: Final = """
fragment Told on Event {
  id position type occurredAt precision recordedAt inferred
  actor { organisation { identifier } role }
  data
  summary(language: $language)
  conflict { message contradictedBy { id } }
  struckBy { id }
  correctedBy { id }
}
"""

# Each organisation's name is asked for once, in its case: those of every gap and segment would take long.
STATE: Final = """
fragment State on Case {
  status closedAt
  organisations { identifier name }
  coordinator { identifier name }
  obstacles {
    id status claimed reportedAt settledAt
    origin
    holder { identifier }
    harms { harm since until }
    chain { segments { kind organisation { identifier } claimed from until } daysOpen daysInGap }
    triggeredBy { id }
  }
  gaps(counts: null) {
    id kind from until open counts days length
    toAct { identifier name } involved { identifier name }
    obstacle { id }
    case { id }
  }
}
"""

CASE: Final = f"""
query Replay(
  $asOf: DateTime, $knownAt: DateTime, $knownTo: ID, $reference: String!, $language: Language!, $atLeast: Position
) {{
  registry(asOf: $asOf, knownAt: $knownAt, atLeast: $atLeast) {{
    asOf knownAt
    case(reference: $reference, knownTo: $knownTo) {{
      id reference title theme openedAt subjects
      linkedCases {{ relation case {{ reference title }} }}
      timeline(first: {PAGE}) {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ ...Told }} }}
      proven: gaps(counts: null) {{ id evidence {{ id }} }}
      crossChains {{
        daysOpen daysInGap
        obstacles {{ id status holder {{ identifier name }} case {{ reference }} triggeredBy {{ id }} report {{ id }} }}
      }}
      ...State
    }}
  }}
}}
{EVENT}
{STATE}
"""

MORE: Final = f"""
query More($asOf: DateTime!, $knownAt: DateTime!, $knownTo: ID, $id: ID!, $language: Language!, $after: String!) {{
  registry(asOf: $asOf, knownAt: $knownAt) {{
    case(id: $id, knownTo: $knownTo) {{
      timeline(first: {PAGE}, after: $after) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...Told }} }}
    }}
  }}
}}
{EVENT}
"""

MOMENT: Final = f"""
query Moment($asOf: DateTime, $knownAt: DateTime, $knownTo: ID, $reference: String!) {{
  registry(asOf: $asOf, knownAt: $knownAt) {{
    asOf knownAt
    case(reference: $reference, knownTo: $knownTo) {{ id ...State }}
  }}
}}
{STATE}
"""

Case = dict[str, Any]
Event = Mapping[str, Any]


class Replay:
    """A case at two times, with its timeline; ``numbers`` are the events' places in it, from 1."""

    def __init__(self, registry: Mapping[str, Any], case: Case, events: list[Event], *, cut: bool) -> None:
        self.as_of: str = registry["asOf"]
        self.known_at: str = registry["knownAt"]
        self.case = case
        self.events = events
        self.cut = cut
        self.numbers: dict[str, int] = {event["id"]: number for number, event in enumerate(events, 1)}
        self.names = names_of(case, events)
        self.obstacles: dict[str, int] = {one["id"]: number for number, one in enumerate(case["obstacles"], 1)}
        self._bare = {raw_id(id_): number for id_, number in self.obstacles.items()}
        offers = (event["data"] for event in events if event["type"] == "HandoffOffered")
        self._offered: dict[str, str] = {offer["handoff"]: offer["obstacle"] for offer in offers}
        self.evidence: dict[str, list[int]] = {
            gap["id"]: sorted(self.numbers[one["id"]] for one in gap["evidence"] if one["id"] in self.numbers)
            for gap in case["proven"]
        }

    def obstacle_of(self, event: Event) -> int | None:
        """Return the number of the obstacle that an event is about, if it is about one."""
        data = event["data"]
        found = data.get("obstacle") or self._offered.get(data.get("handoff", ""))
        return self._bare.get(found or "")

    def at(self, step: int) -> str:
        """Return the moment of a step: its event's, but none beyond the moment asked for.

        Corrections count from when they are known, so that theirs may lie beyond it.
        """
        return min(self.events[step - 1]["occurredAt"], self.as_of, key=datetime.fromisoformat)


def names_of(case: Case, events: list[Event]) -> dict[str, str]:
    """Return what every organisation is called, those with a part in the case first, in the order of their coming in.

    Who only recorded something goes by its identifier.
    """
    gaps = (one for gap in case["gaps"] for field in ("toAct", "involved") for one in gap[field])
    names = {one["identifier"]: called(one) for one in case["organisations"]}
    for one in gaps:
        names.setdefault(one["identifier"], called(one))
    for event in events:
        recorder: str = event["actor"]["organisation"]["identifier"]
        names.setdefault(recorder, recorder)
    return names


async def replay_of(visit: Visit, reference: str, lens: Mapping[str, str], at_least: int | None = None) -> Replay:
    """Return a case with its timeline, which takes in what was recorded up to the position ``at_least``.

    Raises ``PageProblem`` if there is none that the visitor may see.
    """
    language = visit.words.language.value
    registry = (await visit.ask(CASE, **lens, reference=reference, language=language, atLeast=at_least))["registry"]
    case = registry["case"]
    if case is None:
        raise no_case(visit, reference)
    events: list[Event] = case["timeline"]["nodes"]
    page = case["timeline"]["pageInfo"]
    fixed = {**lens, "asOf": registry["asOf"], "knownAt": registry["knownAt"], "id": case["id"]}
    while page["hasNextPage"] and len(events) < EVENTS_MAX:
        more = await visit.ask(MORE, **fixed, language=language, after=page["endCursor"])
        found = more["registry"]["case"]["timeline"]
        events += found["nodes"]
        page = found["pageInfo"]
    return Replay(registry, case, events, cut=page["hasNextPage"])


async def state_of(visit: Visit, reference: str, lens: Mapping[str, str]) -> Mapping[str, Any]:
    """Return how a case stood at two times, under ``case``; that is none while it was not known."""
    return (await visit.ask(MOMENT, **lens, reference=reference))["registry"]


def no_case(visit: Visit, reference: str) -> PageProblem:
    """Return the answer where there is no such case: not whether there is none, or none that the visitor may see."""
    message = "There is no case {reference} at that moment, or none that you may see."
    return PageProblem(404, visit.words.say(message, reference=reference[:40]))
