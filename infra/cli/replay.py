"""``knelpunt replay``: one case, event by event, and what its chains and gaps amount to."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...projections.summaries import Language
from .asking import asking, raw_id
from .failure import Failure
from .gaps import AsOf, KnownAt, print_gaps_of_case
from .learnt import measures_of, words
from .replayed import Replay, became, named, replay_of, titled, when, who
from .session import settings
from .terminal import PIPE_COLUMNS, ReplayFormat, all_plain, can_move_cursor, notices, people, show, write_json
from .times import day, minute

WHO_COLUMNS_MAX: Final = 28
"""How wide the column of organisations may grow where lines have to fit; longer names go on below."""


def replay(
    case: Annotated[str, typer.Argument(help="Its reference, or its id.", show_default=False)],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    known_to: Annotated[
        str | None, typer.Option("--known-to", metavar="O", help="As this organisation knew it then.")
    ] = None,
    step: Annotated[
        bool, typer.Option("--step", help="On a terminal, walk through it step by step, forwards and back.")
    ] = False,
    language: Annotated[
        Language, typer.Option("--language", help="The language of the sentences.", case_sensitive=False)
    ] = Language.EN,
    as_: Annotated[ReplayFormat, typer.Option("--format", help="How to print it.")] = ReplayFormat.TABLE,
) -> None:
    """Replay one case, event by event."""
    stepping = step and as_ is ReplayFormat.TABLE and sys.stdin.isatty() and sys.stdout.isatty()
    with asking(settings()) as ask:
        found = replay_of(ask, case, as_of, known_at, known_to, language)
        if found is None:
            message = f"No case {case} is known at that moment: knelpunt gaps --all lists cases by their references."
            raise Failure(message)
        if stepping and can_move_cursor():
            # Here and not above: commands that never walk need not wait for what reads keys.
            from .stepping.asked import Lens  # noqa: PLC0415
            from .stepping.walk import Walk  # noqa: PLC0415

            Walk(ask, found, language, Lens(as_of, known_at, known_to)).run()
            return
    if as_ is ReplayFormat.JSON:
        write_json([for_programs(event, raw_id(found.case["id"])) for event in found.events])
        return
    print_replay(people(), found, stepping=stepping)
    if sys.stdout.isatty() and can_move_cursor():
        notices().print(f"knelpunt replay {case} --step walks through it, step by step.", style="dim")


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
    found = Replay(all_plain(found.case), all_plain(found.events), found.lens, found.known_to)
    _print_head(console, found)
    who_columns = max((len(who(event)) for event in found.events), default=0)
    if console.width < PIPE_COLUMNS:
        who_columns = min(who_columns, WHO_COLUMNS_MAX)
    for event in found.events:
        _print_event(console, found, event, who_columns)
        if stepping and console.input("Enter: next; q: stop ").strip().lower() == "q":
            return
    for number, obstacle in enumerate(found.case["obstacles"], 1):
        _print_chain(console, number, obstacle, found.gaps)
    of_no_obstacle = [gap for gap in found.gaps if gap["obstacle"] is None]
    if of_no_obstacle:
        console.print("\nOn the case as a whole", style="bold")
        print_gaps_of_case(console, of_no_obstacle)


def _print_head(console: Console, found: Replay) -> None:
    case = found.case
    console.print(f"{case['reference']}  {titled(case)}", style="bold")
    closed = f", closed {day(case['closedAt'])}" if case["closedAt"] else ""
    console.print(f"{case['theme']}; opened {day(case['openedAt'])}{closed}")
    known = "" if found.known_at == found.as_of else f", as known at {minute(found.known_at)} UTC"
    known_to = f", to {found.known_to}" if found.known_to else ""
    console.print(f"as of {minute(found.as_of)} UTC{known}{known_to}")
    console.print()


def _print_event(console: Console, found: Replay, event: Mapping[str, Any], who_columns: int) -> None:
    line = Table.grid(padding=(0, 2))
    line.add_column(justify="right", width=4)
    line.add_column(width=16, no_wrap=True)
    line.add_column(width=who_columns, overflow="fold")
    line.add_column(overflow="fold")
    without_effect = event["conflict"] is not None or event["struckBy"] is not None
    what = Text(event["summary"], style="strike dim" if event["struckBy"] else "dim" if without_effect else "")
    line.add_row(str(found.numbers[event["id"]]), when(event), who(event), what)
    for note, style in became(found, event):
        line.add_row("", "", "", Text(note, style=style))
    show(console, line)


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
    for cause in obstacle["causes"]:
        _print_cause(console, cause)


def _print_cause(console: Console, cause: Mapping[str, Any]) -> None:
    """Say what an obstacle comes from, whose that is, and what was done about it."""
    status = words(cause["status"])
    owner = f"owned by {named(cause['owner'])}" if cause["owner"] else ""
    stands = owner if status == "owned" else ", ".join(filter(None, (status, owner)))
    console.print(Text(f"  comes from: {cause['statement'] or '(no words)'} ({stands})"))
    for line in measures_of(cause):
        console.print(Text(line))


def _held_by(segment: Mapping[str, Any]) -> str:
    organisation = segment["organisation"]
    claimed = " (as another says)" if segment["claimed"] else ""
    return f"{named(organisation)}{claimed}"
