"""``knelpunt gaps``: where people are between the cracks, as a table, JSON or CSV."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from ...domain.vocabulary import GapKind
from .asking import Asking, asking, raw_id
from .failure import WrongUsage
from .session import settings
from .terminal import Format, all_plain, notices, people, progress, show, write_csv, write_json
from .times import day, moment

PAGE: Final = 100
"""How many gaps to ask for at a time: each brings its case's whole story into reach, and an answer has 5 s."""

GAPS: Final = """
query Gaps($asOf: DateTime, $knownAt: DateTime, $filter: GapFilter, $first: Int, $after: String,
           $counted: Boolean!) {
  registry(asOf: $asOf, knownAt: $knownAt) {
    gaps(filter: $filter, first: $first, after: $after) {
      totalCount @include(if: $counted)
      pageInfo { hasNextPage endCursor }
      edges { node {
        id kind from until open counts days
        toAct { identifier name }
        involved { identifier name }
        selfNoticed
        cases { id reference }
        subject
        obstacle { id }
        cause { id }
        about { __typename id }
        length
        evidence { id }
      } }
    }
  }
}
"""

COLUMNS: Final = (
    *("id", "kind", "from", "until", "open", "counts", "days", "toAct", "involved", "selfNoticed"),
    *("case", "obstacle", "length", "evidence", "cases", "subject", "cause"),
)
"""The fields of a gap as programs get it, in their order."""

Gap = Mapping[str, Any]
"""A gap as GraphQL answers it."""

AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", parser=moment, metavar="T", help="The moment in the world.", show_default="now"),
]
KnownAt = Annotated[
    datetime | None,
    typer.Option("--known-at", parser=moment, metavar="T", help="What was recorded by then.", show_default="now"),
]


def gaps(
    every: Annotated[bool, typer.Option("--all", help="Every gap derived: ended, or within its grace, too.")] = False,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    organisation: Annotated[
        str | None, typer.Option("--organisation", metavar="O", help="Those in which it has to act or is involved.")
    ] = None,
    rolled_up: Annotated[
        bool, typer.Option("--rolled-up", help="With --organisation: those of all below it too, as the tree stood.")
    ] = False,
    kind: Annotated[
        list[GapKind] | None, typer.Option("--kind", metavar="K", help="Those of this kind; may be repeated.")
    ] = None,
    as_: Annotated[Format, typer.Option("--format", help="How to print them.")] = Format.TABLE,
) -> None:
    """List the gaps that count and are open."""
    if rolled_up and organisation is None:
        raise WrongUsage("--rolled-up says how far --organisation reaches: name one.")
    chosen = chosen_by(every=every, kinds=kind or ()) | ({"rolledUp": True} if rolled_up else {})
    with asking(settings()) as ask:
        found = list_gaps(ask, chosen, as_of, known_at, organisation)
    match as_:
        case Format.JSON:
            write_json([for_programs(gap) for gap in found])
        case Format.CSV:
            write_csv(COLUMNS, (for_programs(gap) for gap in found))
        case Format.TABLE:
            print_gaps(people(), found)


def chosen_by(*, every: bool, kinds: Sequence[GapKind]) -> dict[str, Any]:
    """Return the filter for the gaps that count and are open, or for all, of some kinds or any."""
    chosen: dict[str, Any] = {"counts": None, "open": None} if every else {"counts": True, "open": True}
    if kinds:
        chosen["kinds"] = [kind.value for kind in kinds]
    return chosen


def list_gaps(
    ask: Asking,
    chosen: Mapping[str, Any],
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    organisation: str | None = None,
) -> list[Gap]:
    """Return the gaps that a filter chooses, in the order in which lists show them."""
    lens = ask.lens(as_of, known_at)
    if organisation is None:
        return list(_pages(ask, lens, chosen))
    ask.expect_organisation(organisation, lens)
    # Having to act comes first: that is what an agency opens the list for.
    to_act = list(_pages(ask, lens, {**chosen, "toAct": [organisation]}))
    listed = {gap["id"] for gap in to_act}
    involved = _pages(ask, lens, {**chosen, "involved": [organisation]})
    return to_act + [gap for gap in involved if gap["id"] not in listed]


def _pages(ask: Asking, lens: Mapping[str, Any], chosen: Mapping[str, Any]) -> Iterable[Gap]:
    after: str | None = None
    with progress(notices()) as bar:
        task = bar.add_task("Reading", total=None)
        while True:
            asked = {**lens, "filter": chosen, "first": PAGE, "after": after, "counted": after is None}
            page = ask(GAPS, asked)["registry"]["gaps"]
            if after is None:
                bar.update(task, total=page["totalCount"])
            yield from (edge["node"] for edge in page["edges"])
            bar.advance(task, len(page["edges"]))
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


def for_programs(gap: Gap) -> dict[str, Any]:
    """Return a gap as programs get it: cases, obstacles and events as ids, organisations as identifiers."""
    return {
        **{name: gap.get(name) for name in COLUMNS},
        "id": raw_id(gap["id"]),
        "toAct": [organisation["identifier"] for organisation in gap["toAct"]],
        "involved": [organisation["identifier"] for organisation in gap["involved"]],
        # Null for what lies over several cases, as in GraphQL; they stand in "cases".
        "case": raw_id(gap["cases"][0]["id"]) if len(gap["cases"]) == 1 else None,
        "cases": [raw_id(case["id"]) for case in gap["cases"]],
        "obstacle": raw_id(gap["obstacle"]["id"]) if gap["obstacle"] else None,
        "cause": raw_id(gap["cause"]["id"]) if gap["cause"] else None,
        "evidence": [raw_id(event["id"]) for event in gap["evidence"]],
    }


def print_gaps(console: Console, found: Sequence[Gap]) -> None:
    """Print gaps of many cases for people, and how many there are."""
    if not found:
        console.print("No gaps.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("kind", "case", "from", "until"):
        table.add_column(heading, no_wrap=True)
    table.add_column("days", justify="right", no_wrap=True)
    table.add_column("to act", overflow="fold")
    table.add_column("involved", overflow="fold")
    for gap in map(all_plain, found):
        table.add_row(gap["kind"], _references(gap), *_times(gap), *_parties(gap), style=_style(gap))
    show(console, table)
    cases = len({case["id"] for gap in found for case in gap["cases"]})
    elsewhere = sum(gap["about"] is not None for gap in found)
    told = f"{len(found)} gap{'s' if len(found) > 1 else ''} in {cases} case{'' if cases == 1 else 's'}"
    console.print(f"{told}, {elsewhere} of them about causes and their like." if elsewhere else f"{told}.")


def print_gaps_of_case(console: Console, found: Sequence[Gap]) -> None:
    """Print the gaps of one obstacle or case for people."""
    table = Table.grid(padding=(0, 2))
    for gap in found:
        to_act, involved = _parties(gap)
        table.add_row(
            "  ", *_times(gap)[:2], gap["kind"], f"{_times(gap)[2]} days", _said(to_act, involved), style="red"
        )
    show(console, table)


def _references(gap: Gap) -> str:
    """Return by what people name the case of a gap; of several, the first and how many more; else what it is about."""
    if gap["about"]:
        return f"{gap['about']['__typename']} {raw_id(gap['about']['id'])[:8]}"
    first, *more = gap["cases"]
    return f"{first['reference']} +{len(more)}" if more else first["reference"]


def _said(to_act: str, involved: str) -> str:
    return f"to act: {to_act}" if to_act != NOBODY else f"involved: {involved}"


def _times(gap: Gap) -> tuple[str, str, str]:
    """Return when it began, when it ended, and its whole days."""
    return day(gap["from"]), day(gap["until"]), f"{int(gap['days']):,}"


def _parties(gap: Gap) -> tuple[str, str]:
    return _named(gap["toAct"]), _named(gap["involved"])


def _style(gap: Gap) -> str | None:
    """Return how a gap is shown: one within its grace stands back."""
    return None if gap["counts"] else "dim"


NOBODY: Final = "-"


def _named(organisations: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(organisation["name"] or organisation["identifier"] for organisation in organisations) or NOBODY
