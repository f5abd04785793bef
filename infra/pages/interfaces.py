"""The interfaces: who passes people to whom, what becomes of them there, and where they get lost."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.responses import Response

from .gaps import lens_of
from .rendering import link
from .visit import PageProblem, Visit

INTERFACE: Final = """
fragment Interface on Interface {
  from { identifier name } to { identifier name }
  offers accepted refused withdrawn lapsed unanswered pending referrals arrived
  responseTimeMedianDays responseTimeP90Days cameBackShare
  refusalGrounds { ground count }
}
"""

INTERFACES: Final = f"""
query Interfaces($asOf: DateTime, $knownAt: DateTime, $filter: InterfaceFilter, $first: Int!, $skip: Int!) {{
  registry(asOf: $asOf, knownAt: $knownAt) {{
    asOf position
    interfaces(filter: $filter, orderBy: LOST, first: $first, skip: $skip) {{ ...Interface }}
    organisations(first: 200) {{ nodes {{ identifier name }} }}
  }}
}}
{INTERFACE}
"""

PERIOD: Final = timedelta(days=90)
"""Over how long interfaces are compared if nobody says: what went wrong then can be mended, and is little of all."""

PERIODS: Final = {
    "30": timedelta(days=30), "": PERIOD, "365": timedelta(days=365), "1825": timedelta(days=1825), "all": None,
}  # fmt: skip
"""Over how long, by the address's word for it; none means over all time."""

LONG: Final = frozenset({"1825", "all"})
"""Periods over which handoffs are compared only where there are few: each of them is gone through."""

LONG_EVENTS_MAX: Final = 100_000
"""The largest registry in which that takes less than a tenth of a second, whatever the period."""

LONGEST: Final = "365"
"""The longest period in larger ones; its last day may be any."""

ROWS: Final = 40
"""Interfaces on one page, those that lose the most people first."""

PAGES_MAX: Final = 10_000
"""A page beyond this is that of nobody who reads."""

FIELDS: Final = ("organisation", "period", "rolledUp", "asOf", "knownAt")

MATRIX_MAX: Final = 16
"""Organisations along each side of the matrix: more names than that nobody can read; the table has them."""

Interface = Mapping[str, Any]


async def page(visit: Visit) -> Response:
    """Answer GET /interfaces."""
    number = _number(visit)
    # One more than is shown tells whether there is another page.
    period = await period_of(visit)
    found = await asked(visit, period, ROWS + 1, ROWS * (number - 1))
    rows = with_lost(found["interfaces"])
    chosen = {name: visit.query.get(name, "") for name in FIELDS}
    shortened = chosen["period"] in LONG and chosen["period"] != period
    chosen["period"] = period
    following = link("/interfaces", chosen, page=number + 1) if len(rows) > ROWS else None
    return await visit.page(
        "interfaces.html", registry=found, rows=rows[:ROWS], chosen=chosen, number=number, following=following,
        shortened=shortened, long=found["position"] < LONG_EVENTS_MAX, matrix=matrix(rows[:ROWS]),
    )  # fmt: skip


def _number(visit: Visit) -> int:
    given = visit.query.get("page", "1")
    if not (given.isascii() and given.isdecimal() and len(given) <= len(str(PAGES_MAX)) and int(given) >= 1):
        raise PageProblem(404, visit.words.say("There is no such page."))
    return min(int(given), PAGES_MAX)


async def period_of(visit: Visit) -> str:
    """Return the address's word for the period that is shown: the one asked for, where that is not too much."""
    given = visit.query.get("period", "")
    if given in LONG:
        registry = (await visit.ask("{ registry { position } }"))["registry"]
        return given if registry["position"] < LONG_EVENTS_MAX else LONGEST
    return given if given in PERIODS else ""


async def asked(visit: Visit, period: str, first: int = ROWS, skip: int = 0) -> dict[str, Any]:
    """Return the interfaces that an address asks for, over one of ``PERIODS``. Raises ``PageProblem``."""
    lens = lens_of(visit)
    chosen: dict[str, Any] = {}
    if visit.query.get("organisation"):
        chosen["organisation"] = visit.query["organisation"]
    length = PERIODS[period]
    if length is not None:
        until = datetime.fromisoformat(lens["asOf"]) if "asOf" in lens else datetime.now(UTC)
        chosen["period"] = {"from": (until - length).isoformat()}
    if visit.query.get("rolledUp"):
        chosen["rolledUp"] = True
    return (await visit.ask(INTERFACES, **lens, filter=chosen, first=first, skip=skip))["registry"]


def lost(interface: Interface) -> int:
    """Return how often somebody who was passed on here was not taken on.

    These are offers refused, lapsed or left unanswered, and referrals that did not arrive.
    """
    offers = interface["refused"] + interface["lapsed"] + interface["unanswered"]
    return offers + interface["referrals"] - interface["arrived"]


def with_lost(interfaces: Sequence[Interface]) -> list[dict[str, Any]]:
    """Return interfaces with how many people each lost."""
    return [{**one, "lost": lost(one)} for one in interfaces]


def matrix(rows: Sequence[Interface]) -> dict[str, Any]:
    """Return who loses people to whom: the organisations that lose the most and those that they lose them to."""
    sums: dict[str, int] = {}
    names: dict[str, str] = {}
    for row in rows:
        for side in (row["from"], row["to"]):
            sums[side["identifier"]] = sums.get(side["identifier"], 0) + row["lost"]
            names[side["identifier"]] = side["name"] or side["identifier"]
    shown = sorted((one for one in sums if sums[one]), key=lambda one: -sums[one])[:MATRIX_MAX]
    cells = {(row["from"]["identifier"], row["to"]["identifier"]): row for row in rows}
    tops = [one for one in shown if any((other, one) in cells for other in shown)]
    sides = [one for one in shown if any((one, other) in cells for other in shown)]
    most = max((row["lost"] for row in rows), default=0)
    return {"sides": sides, "tops": tops, "names": names, "cells": cells, "most": most}
