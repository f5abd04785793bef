"""The gaps: filtered by what the address says, so that whoever gets the link sees the same."""

from datetime import datetime, time, timedelta
from typing import Any, Final

from starlette.responses import Response

from ...domain.vocabulary import GapKind, Harm
from .rendering import link
from .visit import PageProblem, Visit
from .words import COUNTED, ZONE

PAGE: Final = 40
"""Gaps on one page."""

GAP: Final = """
fragment Gap on Gap {
  id kind from until open counts days
  toAct { identifier name }
  involved { identifier name }
  cases { reference title }
  obstacle { id causes { id begunBy { data } } }
  about { __typename id begunBy { data } }
}
"""

GAPS: Final = f"""
query Gaps($asOf: DateTime, $knownAt: DateTime, $filter: GapFilter, $order: GapOrder!, $after: String) {{
  registry(asOf: $asOf, knownAt: $knownAt) {{
    asOf knownAt
    gaps(filter: $filter, orderBy: $order, first: {PAGE}, after: $after) {{
      countUpTo(most: {COUNTED}) pageInfo {{ hasNextPage endCursor }} nodes {{ ...Gap }}
    }}
    organisations(first: 200) {{ nodes {{ identifier name }} }}
  }}
}}
{GAP}
"""

STATES: Final = {"open": True, "ended": False, "all": None}
ORDERS: Final = ("HARM", "DAYS", "NEWEST", "OLDEST", "ENDED")
PARTS: Final = ("either", "toAct", "involved")
FIELDS: Final = ("case", "cause", "state", "organisation", "part", "theme", "minDays", "order", "asOf", "knownAt")


async def page(visit: Visit) -> Response:
    """Answer GET /gaps."""
    chosen: dict[str, Any] = {name: visit.query.get(name, "") for name in FIELDS}
    chosen |= {"kind": visit.several("kind"), "harm": visit.several("harm")}
    order = chosen["order"] if chosen["order"] in ORDERS else "HARM"
    lens = lens_of(visit)
    found = await visit.ask(GAPS, **lens, filter=filter_of(visit, chosen), order=order, after=visit.query.get("after"))
    registry = found["registry"]
    return await visit.page(
        "gaps.html", registry=registry, chosen=chosen, kinds=list(GapKind), harms=list(Harm), order=order,
        following=link("/gaps", chosen, after=registry["gaps"]["pageInfo"]["endCursor"]),
    )  # fmt: skip


def filter_of(visit: Visit, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return the filter that an address asks for. Raises ``PageProblem``."""
    state = chosen["state"] if chosen["state"] in STATES else "open"
    asked: dict[str, Any] = {"open": STATES[state]}
    if chosen["kind"]:
        asked["kinds"] = [kind for kind in chosen["kind"] if kind in set(GapKind)]
    if chosen["harm"]:
        asked["harms"] = [harm for harm in chosen["harm"] if harm in set(Harm)]
    if chosen["case"]:
        asked["case"] = chosen["case"]
    if chosen["cause"]:
        asked["causes"] = [chosen["cause"]]
    if chosen["theme"]:
        asked["themes"] = [chosen["theme"]]
    if chosen["organisation"]:
        asked["involved" if chosen["part"] == "involved" else "toAct"] = [chosen["organisation"]]
        asked["rolledUp"] = True
    if chosen["minDays"]:
        try:
            asked["minDays"] = float(chosen["minDays"])
        except ValueError:
            raise PageProblem(400, visit.words.say("The number of days is not a number.")) from None
    return asked


def lens_of(visit: Visit) -> dict[str, str]:
    """Return the two times that an address names, as variables. Raises ``PageProblem``."""
    lens: dict[str, str] = {}
    for name in ("asOf", "knownAt"):
        given = visit.query.get(name)
        if given:
            lens[name] = moment_of(visit, given).isoformat()
    return lens


def moment_of(visit: Visit, text: str) -> datetime:
    """Return the moment that a field says, in Dutch time; a day alone means its end. Raises ``PageProblem``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = visit.words.say("'{text}' is no date: write it as 2026-03-31.", text=text[:40])
        raise PageProblem(400, message) from None
    if len(text) == len("2026-03-31"):
        moment = datetime.combine(moment.date(), time()) + timedelta(days=1) - timedelta(seconds=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
