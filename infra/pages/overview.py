"""The overview: what is open, what has been for the longest, where people get lost, what changed, and the search."""

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response

from .gaps import GAP
from .interfaces import INTERFACE, worst_first
from .visit import SignedOut, Visit

LONGEST: Final = 8
WORST: Final = 8
CHANGED: Final = 8
FOUND: Final = 20
"""How many lines each list of the overview has: what fits before one has to scroll far."""

WEEK: Final = timedelta(days=7)
YEAR: Final = timedelta(days=365)
"""Over which stretch interfaces are compared: long enough for the rare ones, and what happened before can be mended."""

OVERVIEW: Final = f"""
query Overview($week: DateTime!, $year: DateTime!) {{
  registry {{
    asOf position
    gapCounts(filter: {{open: true}}) {{ kind count }}
    longest: gaps(filter: {{open: true}}, orderBy: DAYS, first: {LONGEST}) {{ nodes {{ ...Gap }} }}
    began: gaps(filter: {{overlaps: {{from: $week}}}}, orderBy: NEWEST, first: {CHANGED}) {{ nodes {{ ...Gap }} }}
    ended: gaps(filter: {{open: false, overlaps: {{from: $week}}}}, orderBy: NEWEST, first: {CHANGED}) {{
      totalCount nodes {{ ...Gap }}
    }}
    cases(filter: {{opened: {{from: $week}}}}, first: {CHANGED}) {{
      totalCount nodes {{ reference title theme openedAt }}
    }}
    interfaces(filter: {{period: {{from: $year}}}}) {{ ...Interface }}
  }}
}}
{GAP}
{INTERFACE}
"""

COUNTS: Final = "{ registry { gapCounts(filter: {open: true}) { kind count } } }"

SEARCH: Final = f"""
query Search($text: String!) {{
  registry {{
    search(text: $text, first: {FOUND}) {{
      totalCount
      edges {{
        field value closeness
        node {{
          __typename
          ... on Case {{ reference title theme openedAt }}
          ... on Gap {{ ...Gap }}
          ... on Obstacle {{ id case {{ reference title }} }}
          ... on Organisation {{ identifier name }}
        }}
      }}
    }}
  }}
}}
{GAP}
"""


async def page(visit: Visit) -> Response:
    """Answer GET /: the overview, or what this is for who is not signed in."""
    try:
        await visit.asker()
    except SignedOut:
        base = f"{visit.request.url.scheme}://{visit.request.url.netloc}"
        development = visit.running.services.development
        return await visit.page("welcome.html", base=base, development=development)
    text = visit.query.get("q", "").strip()
    if text:
        found = (await visit.ask(SEARCH, text=text))["registry"]["search"]
        return await visit.page("search.html", text=text, found=found)
    now = datetime.now(UTC)
    week = (now - WEEK).isoformat()
    registry = (await visit.ask(OVERVIEW, week=week, year=(now - YEAR).isoformat()))["registry"]
    registry["began"] = [gap for gap in registry["began"]["nodes"] if datetime.fromisoformat(gap["from"]) >= now - WEEK]
    worst = worst_first(registry["interfaces"])[:WORST]
    return await visit.page("overview.html", registry=registry, worst=worst, week=week)
