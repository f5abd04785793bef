"""A case as pages replay it: asked for in GraphQL, with the stretch of its timeline in which a step lies."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ..cli.asking import raw_id
from .mending_links import Mender
from .rendering import called
from .visit import PageProblem, Visit

WINDOW: Final = 100
"""Events that the page of a case shows at once: no page of a longer case takes longer to make, load or step through."""

PAGE: Final = 200
"""Events that one answer may hold: where a case is asked for as a whole."""

EVENTS_MAX: Final = 5_000
"""A case with more is cut there when asked for as a whole: nobody reads more in one piece, and no browser likes it."""

END: Final = 1_000_000_000
"""A number that no event has: from there on lie the last ones."""

EVENT: Final = """
fragment Told on Event {
  id position number type occurredAt precision recordedAt inferred
  actor { organisation { identifier name } }
  data
  summary(language: $language)
  offer { data }
  conflict { message }
  struckBy { number }
  correctedBy { number }
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
    chain { segments { kind organisation { identifier } claimed from until } }
    triggeredBy { id }
    causes { id begunBy { data } }
  }
  gaps(first: $first, startAt: $startAt) {
    id kind from until open days
    toAct { identifier name }
    obstacle { id }
  }
}
"""

CASE: Final = f"""
query Replay(
  $asOf: DateTime, $knownAt: DateTime, $knownTo: ID, $reference: String!, $language: Language!, $atLeast: Position,
  $first: Int!, $startAt: Int
) {{
  registry(asOf: $asOf, knownAt: $knownAt, atLeast: $atLeast) {{
    asOf knownAt
    case(reference: $reference, knownTo: $knownTo) {{
      id reference title theme openedAt subjects
      opening: timeline(first: 1, startAt: 1) {{ nodes {{ data }} }}
      linkedCases {{ relation case {{ reference title }} }}
      timeline(first: $first, startAt: $startAt) {{ totalCount pageInfo {{ hasNextPage }} nodes {{ ...Told }} }}
      proven: gaps(first: $first, startAt: $startAt) {{ id evidence {{ number stream }} }}
      crossChains {{
        obstacles {{
          id status holder {{ identifier name }} case {{ reference }} report {{ id }}
          triggeredBy {{ id }} splitFrom {{ id }}
        }}
      }}
      ...State
    }}
  }}
  viewer {{ mayRecord }}
}}
{EVENT}
{STATE}
"""

MORE: Final = f"""
query More($asOf: DateTime!, $knownAt: DateTime!, $knownTo: ID, $id: ID!, $language: Language!, $startAt: Int!) {{
  registry(asOf: $asOf, knownAt: $knownAt) {{
    case(id: $id, knownTo: $knownTo) {{
      timeline(first: {PAGE}, startAt: $startAt) {{ pageInfo {{ hasNextPage }} nodes {{ ...Told }} }}
    }}
  }}
}}
{EVENT}
"""

MOMENT: Final = f"""
query Moment(
  $asOf: DateTime, $knownAt: DateTime, $knownTo: ID, $reference: String!, $first: Int!, $startAt: Int
) {{
  registry(asOf: $asOf, knownAt: $knownAt) {{
    asOf knownAt
    case(reference: $reference, knownTo: $knownTo) {{ id ...State }}
  }}
}}
{STATE}
"""

COUNT: Final = """
query Count($asOf: DateTime, $knownAt: DateTime, $knownTo: ID, $reference: String!) {
  registry(asOf: $asOf, knownAt: $knownAt) {
    case(reference: $reference, knownTo: $knownTo) { timeline(first: 1) { totalCount } }
  }
}
"""

Case = dict[str, Any]
Event = Mapping[str, Any]


class Replay:
    """A case at two times, with a stretch of its timeline: ``events``, the first of which is number ``first`` of all.

    ``count`` is how many there are in all.
    """

    def __init__(self, registry: Mapping[str, Any], case: Case, events: list[Event]) -> None:
        self.as_of: str = registry["asOf"]
        self.known_at: str = registry["knownAt"]
        self.case = case
        self.mender = Mender("case", case["reference"], registry["may"])
        self.events = events
        self.count: int = case["timeline"]["totalCount"]
        self.first: int = events[0]["number"] if events else 1
        self.last: int = self.first + len(events) - 1
        self.names = names_of(case, events)
        self.obstacles: dict[str, int] = {one["id"]: number for number, one in enumerate(case["obstacles"], 1)}
        self._bare = {raw_id(id_): number for id_, number in self.obstacles.items()}
        own = raw_id(case["id"])
        self.evidence: dict[str, list[int]] = {
            gap["id"]: sorted(one["number"] for one in gap["evidence"] if one["stream"] == own and one["number"])
            for gap in case["proven"]
        }
        """The numbers of the events of this case that prove a gap, by the gap's id."""

    @property
    def is_whole(self) -> bool:
        """Whether all events of the case are here."""
        return len(self.events) == self.count

    @property
    def begin(self) -> datetime:
        """When the stretch that is shown begins."""
        moments = [datetime.fromisoformat(event["occurredAt"]) for event in self.events]
        return min(moments, default=datetime.fromisoformat(self.case["openedAt"]))

    @property
    def end(self) -> datetime:
        """When it ends: at the moment asked for if nothing follows it, a day after it began at the least."""
        follows = self.last < self.count
        end = datetime.fromisoformat(self.events[-1]["occurredAt"] if follows else self.as_of)
        return max(end, self.begin + timedelta(days=1))

    def event(self, step: int) -> Event:
        """Return the event of a number. Raises ``IndexError`` for one that is not here."""
        return self.events[step - self.first]

    def obstacle_of(self, event: Event) -> int | None:
        """Return the number of the obstacle that an event is about, if it is about one."""
        offer = event["offer"]
        found = event["data"].get("obstacle") or (offer and offer["data"]["obstacle"])
        return self._bare.get(found or "")

    def at(self, step: int) -> str:
        """Return the moment of a step: its event's, but none beyond the moment asked for.

        Corrections count from when they are known, so that theirs may lie beyond it.
        """
        return min(self.event(step)["occurredAt"], self.as_of, key=datetime.fromisoformat)


def names_of(case: Case, events: list[Event]) -> dict[str, str]:
    """Return what every organisation is called, those with a part in the case first, in the order of their coming in.

    Whoever only recorded something comes after them.
    """
    names = {one["identifier"]: called(one) for one in case["organisations"]}
    for event in events:
        recorder: Mapping[str, Any] = event["actor"]["organisation"]
        names.setdefault(recorder["identifier"], called(recorder))
    return names


async def replay_of(
    visit: Visit, reference: str, lens: Mapping[str, str], at_least: int | None = None, step: int | None = None
) -> Replay:
    """Return a case with the stretch of its timeline in which a step lies, or with the last one.

    It takes in what was recorded up to the position ``at_least``. Raises ``PageProblem`` if there is no such case that
    the visitor may see.
    """
    begin = END if step is None else (step - 1) // WINDOW * WINDOW + 1
    registry = await _asked(visit, reference, lens, first=WINDOW, startAt=begin, atLeast=at_least)
    case = registry["case"]
    return Replay(registry, case, case["timeline"]["nodes"])


async def whole_of(visit: Visit, reference: str, lens: Mapping[str, str]) -> Replay:
    """Return a case with all its timeline, up to ``EVENTS_MAX``. Raises ``PageProblem``."""
    registry = await _asked(visit, reference, lens, first=PAGE)
    case = registry["case"]
    page: Mapping[str, Any] = case["timeline"]
    events: list[Event] = [*page["nodes"]]
    fixed = {**lens, "asOf": registry["asOf"], "knownAt": registry["knownAt"], "id": case["id"]}
    while page["pageInfo"]["hasNextPage"] and len(events) < EVENTS_MAX:
        more = await visit.ask(MORE, **fixed, language=visit.words.language.value, startAt=len(events) + 1)
        page = more["registry"]["case"]["timeline"]
        # The last page begins earlier, so that it is full.
        events += [event for event in page["nodes"] if event["number"] > len(events)]
    return Replay(registry, case, events)


async def _asked(visit: Visit, reference: str, lens: Mapping[str, str], **more: int | None) -> Mapping[str, Any]:
    found = await visit.ask(CASE, **lens, reference=reference, language=visit.words.language.value, **more)
    if found["registry"]["case"] is None:
        raise no_case(visit, reference)
    return {**found["registry"], "may": found["viewer"]["mayRecord"]}


async def state_of(visit: Visit, reference: str, lens: Mapping[str, str]) -> Mapping[str, Any]:
    """Return how a case stood at two times, under ``case``; that is none while it was not known.

    Of its gaps those that were open are there, and any that had ended since the last event.
    """
    return (await visit.ask(MOMENT, **lens, reference=reference, first=1, startAt=END))["registry"]


async def all_of(visit: Visit, reference: str, lens: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the same with all its gaps."""
    return (await visit.ask(MOMENT, **lens, reference=reference, first=1))["registry"]


async def count_of(visit: Visit, reference: str, lens: Mapping[str, str]) -> int:
    """Return how many events a case has at two times, none while it is not known."""
    case = (await visit.ask(COUNT, **lens, reference=reference))["registry"]["case"]
    return 0 if case is None else case["timeline"]["totalCount"]


def no_case(visit: Visit, reference: str) -> PageProblem:
    """Return the answer where there is no such case: not whether there is none, or none that the visitor may see."""
    message = "There is no case {reference} at that moment, or none that you may see."
    return PageProblem(404, visit.words.say(message, reference=reference[:40]))
