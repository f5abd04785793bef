"""The interfaces: who passes people to whom, what becomes of them there, and where they get lost."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.responses import Response

from .visit import Visit

INTERFACE: Final = """
fragment Interface on Interface {
  from { identifier name } to { identifier name }
  offers accepted refused withdrawn lapsed unanswered pending referrals arrived
  responseTimeMedianDays responseTimeP90Days cameBackShare
  refusalGrounds { ground count }
}
"""

INTERFACES: Final = f"""
query Interfaces($filter: InterfaceFilter) {{
  registry {{
    asOf
    interfaces(filter: $filter) {{ ...Interface }}
    organisations(first: 200) {{ nodes {{ identifier name }} }}
  }}
}}
{INTERFACE}
"""

PERIODS: Final = {"30": timedelta(days=30), "365": timedelta(days=365), "1825": timedelta(days=1825)}
"""Over how long, in days, by the address's word for it; any other word means over all time."""

MATRIX_MAX: Final = 16
"""Organisations along each side of the matrix: more names than that nobody can read; the table has them all."""

Interface = Mapping[str, Any]


async def page(visit: Visit) -> Response:
    """Answer GET /interfaces."""
    found = await asked(visit)
    rows = worst_first(found["interfaces"])
    chosen = {name: visit.query.get(name, "") for name in ("organisation", "period", "rolledUp")}
    return await visit.page(
        "interfaces.html", registry=found, rows=rows, chosen=chosen, periods=PERIODS, matrix=matrix(rows)
    )


async def asked(visit: Visit) -> dict[str, Any]:
    """Return the interfaces that an address asks for."""
    chosen: dict[str, Any] = {}
    if visit.query.get("organisation"):
        chosen["organisation"] = visit.query["organisation"]
    period = PERIODS.get(visit.query.get("period", ""))
    if period is not None:
        chosen["period"] = {"from": (datetime.now(UTC) - period).isoformat()}
    if visit.query.get("rolledUp"):
        chosen["rolledUp"] = True
    return (await visit.ask(INTERFACES, filter=chosen))["registry"]


def lost(interface: Interface) -> int:
    """Return how often somebody who was passed on here was not taken on.

    These are offers refused, lapsed or left unanswered, and referrals that did not arrive.
    """
    offers = interface["refused"] + interface["lapsed"] + interface["unanswered"]
    return offers + interface["referrals"] - interface["arrived"]


def worst_first(interfaces: Sequence[Interface]) -> list[dict[str, Any]]:
    """Return interfaces with how many people each lost, the most first."""
    rows = [{**one, "lost": lost(one), "passed": one["offers"] + one["referrals"]} for one in interfaces]
    return sorted(rows, key=lambda row: (-row["lost"], -row["passed"]))


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
