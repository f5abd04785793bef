"""``knelpunt replay``: one case, event by event, and what its chains and gaps amount to."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...projections.summaries import Language
from .asking import Asking, asking, is_id, raw_id
from .failure import Failure
from .gaps import AsOf, KnownAt, print_gaps_of_case
from .session import settings
from .terminal import PIPE_COLUMNS, ReplayFormat, people, show, write_json
from .times import day, minute

PAGE: Final = 200
"""The most that a page of a list may hold."""

CASE: Final = """
query Replay($asOf: DateTime, $knownAt: DateTime, $knownTo: ID, $id: ID, $reference: String,
             $language: Language!, $first: Int, $after: String) {
  registry(asOf: $asOf, knownAt: $knownAt) {
    asOf
    knownAt
    case(id: $id, reference: $reference, knownTo: $knownTo) {
      id reference title theme status openedAt closedAt
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
      obstacles {
        id status reportedAt settledAt
        holder { identifier name }
        chain { segments { kind organisation { identifier name } claimed from until } }
      }
      gaps {
        id kind from until open counts days
        toAct { identifier name }
        involved { identifier name }
        obstacle { id }
      }
    }
  }
}
"""

FOUND_LATE: Final = timedelta(days=1)
"""From when on an event's moment of recording is worth a line."""

WHO_COLUMNS_MAX: Final = 28
"""How wide the column of organisations may grow where lines have to fit; longer names go on below."""

Case = Mapping[str, Any]
"""A case as GraphQL answers it, with all of its timeline as ``events``."""


class Replay:
    """A case at two times: what is printed of it."""

    def __init__(
        self, case: Case, events: Sequence[Mapping[str, Any]], lens: Mapping[str, str], known_to: str | None
    ) -> None:
        """Hold what was asked for, and with which lens."""
        self.case = case
        self.events = events
        self.as_of: str = lens["asOf"]
        self.known_at: str = lens["knownAt"]
        self.known_to = known_to
        self.numbers = {event["id"]: number for number, event in enumerate(events, 1)}


def replay(
    case: Annotated[str, typer.Argument(help="Its reference, or its id.", show_default=False)],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    known_to: Annotated[
        str | None, typer.Option("--known-to", metavar="O", help="As this organisation knew it then.")
    ] = None,
    step: Annotated[bool, typer.Option("--step", help="On a terminal, wait after each event.")] = False,
    language: Annotated[
        Language, typer.Option("--language", help="The language of the sentences.", case_sensitive=False)
    ] = Language.EN,
    as_: Annotated[ReplayFormat, typer.Option("--format", help="How to print it.")] = ReplayFormat.TABLE,
) -> None:
    """Replay one case, event by event."""
    with asking(settings()) as ask:
        found = replay_of(ask, case, as_of, known_at, known_to, language)
    if found is None:
        raise Failure(f"No case {case} is known at that moment: knelpunt gaps --all lists cases by their references.")
    if as_ is ReplayFormat.JSON:
        write_json([for_programs(event, raw_id(found.case["id"])) for event in found.events])
        return
    print_replay(people(), found, stepping=step and sys.stdin.isatty() and sys.stdout.isatty())


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
    events: list[Mapping[str, Any]] = []
    after: str | None = None
    while True:
        registry = ask(CASE, {**asked, "after": after})["registry"]
        found = registry["case"]
        if found is None:
            return None
        page = found["timeline"]
        events += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return Replay(found, events, registry, known_to)
        after = page["pageInfo"]["endCursor"]


def for_programs(event: Mapping[str, Any], case: str) -> dict[str, Any]:
    """Return an event as programs get it: cases and events as ids, organisations as identifiers."""
    conflict = event["conflict"]
    return {
        **event,
        "id": raw_id(event["id"]),
        "case": case,
        "actor": {**event["actor"], "organisation": event["actor"]["organisation"]["identifier"]},
        "knownTo": [{**knower, "organisation": knower["organisation"]["identifier"]} for knower in event["knownTo"]],
        "conflict": conflict
        and {**conflict, "contradictedBy": [raw_id(one["id"]) for one in conflict["contradictedBy"]]},
        "struckBy": event["struckBy"] and raw_id(event["struckBy"]["id"]),
        "correctedBy": [raw_id(one["id"]) for one in event["correctedBy"]],
    }


def print_replay(console: Console, found: Replay, *, stepping: bool = False) -> None:
    """Print a case for people; ``stepping`` waits after each event for Enter, and stops at q."""
    _print_head(console, found)
    who_columns = max((len(_who(event)) for event in found.events), default=0)
    if console.width < PIPE_COLUMNS:
        who_columns = min(who_columns, WHO_COLUMNS_MAX)
    for event in found.events:
        _print_event(console, found, event, who_columns)
        if stepping and console.input("Enter: next; q: stop ").strip().lower() == "q":
            return
    for number, obstacle in enumerate(found.case["obstacles"], 1):
        _print_chain(console, number, obstacle, found.case["gaps"])
    of_no_obstacle = [gap for gap in found.case["gaps"] if gap["obstacle"] is None]
    if of_no_obstacle:
        console.print("\nOn the case as a whole", style="bold")
        print_gaps_of_case(console, of_no_obstacle)


def _print_head(console: Console, found: Replay) -> None:
    case = found.case
    console.print(f"{case['reference']}  {_title(case['title'])}", style="bold")
    closed = f", closed {day(case['closedAt'])}" if case["closedAt"] else ""
    console.print(f"{case['theme']}; opened {day(case['openedAt'])}{closed}")
    known = "" if found.known_at == found.as_of else f", as known at {minute(found.known_at)} UTC"
    known_to = f", to {found.known_to}" if found.known_to else ""
    console.print(f"as of {minute(found.as_of)} UTC{known}{known_to}")
    console.print()


def _title(title: Any) -> str:
    return title if isinstance(title, str) else "(no title)"


def _print_event(console: Console, found: Replay, event: Mapping[str, Any], who_columns: int) -> None:
    line = Table.grid(padding=(0, 2))
    line.add_column(justify="right", width=4)
    line.add_column(width=16, no_wrap=True)
    line.add_column(width=who_columns, overflow="fold")
    line.add_column(overflow="fold")
    without_effect = event["conflict"] is not None or event["struckBy"] is not None
    what = Text(event["summary"], style="strike dim" if event["struckBy"] else "dim" if without_effect else "")
    line.add_row(str(found.numbers[event["id"]]), _when(event), _who(event), what)
    for note, style in _became(found, event):
        line.add_row("", "", "", Text(note, style=style))
    show(console, line)


def _when(event: Mapping[str, Any]) -> str:
    at = minute(event["occurredAt"])
    return {"DAY": at[:10], "MONTH": at[:7]}.get(event["precision"], at)


def _who(event: Mapping[str, Any]) -> str:
    organisation = event["actor"]["organisation"]
    return organisation["name"] or organisation["identifier"]


def _became(found: Replay, event: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
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


def _number(found: Replay, event: Mapping[str, Any]) -> str:
    return str(found.numbers.get(event["id"], "of another moment"))


def _print_chain(console: Console, number: int, obstacle: Mapping[str, Any], gaps: Sequence[Mapping[str, Any]]) -> None:
    settled = f", settled {day(obstacle['settledAt'])}" if obstacle["settledAt"] else ", open"
    console.print(f"\nObstacle {number}, reported {day(obstacle['reportedAt'])}{settled}", style="bold")
    segments = Table.grid(padding=(0, 2))
    for segment in obstacle["chain"]["segments"]:
        nobody = segment["organisation"] is None
        holder = Text("nobody", style="red") if nobody else Text(_held_by(segment))
        segments.add_row("  ", day(segment["from"]), day(segment["until"]), holder)
    show(console, segments)
    print_gaps_of_case(console, [gap for gap in gaps if gap["obstacle"] and gap["obstacle"]["id"] == obstacle["id"]])


def _held_by(segment: Mapping[str, Any]) -> str:
    organisation = segment["organisation"]
    claimed = " (as another says)" if segment["claimed"] else ""
    return f"{organisation['name'] or organisation['identifier']}{claimed}"
