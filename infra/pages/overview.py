"""The overview: what is open, what has been for the longest, where people get lost, what changed, and the search."""

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response

from .gaps import GAP
from .interfaces import INTERFACE, PERIOD, with_lost
from .visit import SignedOut, Visit
from .words import COUNTED

LONGEST: Final = 8
WORST: Final = 8
CHANGED: Final = 8
FOUND: Final = 20
"""How many lines each list of the overview has: what fits before one has to scroll far."""

WEEK: Final = timedelta(days=7)

BRIEF: Final = """
fragment Brief on Gap { kind from until open days cases { reference title } }
"""
"""What a line says of a gap."""

OVERVIEW: Final = f"""
query Overview($week: DateTime!, $since: DateTime!) {{
  registry {{
    asOf position
    gapCounts(filter: {{open: true}}) {{ kind count }}
    longest: gaps(filter: {{open: true}}, orderBy: DAYS, first: {LONGEST}) {{ nodes {{ ...Gap }} }}
    began: gaps(filter: {{overlaps: {{from: $week}}}}, orderBy: NEWEST, first: {CHANGED}) {{ nodes {{ ...Brief }} }}
    ended: gaps(filter: {{endedSince: $week}}, orderBy: ENDED, first: {CHANGED}) {{
      countUpTo(most: {COUNTED}) nodes {{ ...Brief }}
    }}
    cases(filter: {{opened: {{from: $week}}}}, first: {CHANGED}) {{
      countUpTo(most: {COUNTED}) nodes {{ reference title theme openedAt }}
    }}
    interfaces(filter: {{period: {{from: $since}}}}, orderBy: LOST, first: {WORST}) {{ ...Interface }}
  }}
}}
{GAP}
{BRIEF}
{INTERFACE}
"""

COUNTS: Final = "{ registry { gapCounts(filter: {open: true}) { kind count } } }"

SEARCH: Final = f"""
query Search($text: String!) {{
  registry {{
    search(text: $text, first: {FOUND}) {{
      pageInfo {{ hasNextPage }}
      edges {{
        field value closeness
        node {{
          __typename
          ... on Case {{ reference title theme openedAt }}
          ... on Gap {{ ...Brief }}
          ... on Obstacle {{ id case {{ reference title }} }}
          ... on Organisation {{ identifier name }}
        }}
      }}
    }}
  }}
}}
{BRIEF}
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
    registry = (await visit.ask(OVERVIEW, week=week, since=(now - PERIOD).isoformat()))["registry"]
    registry["began"] = [gap for gap in registry["began"]["nodes"] if datetime.fromisoformat(gap["from"]) >= now - WEEK]
    worst = with_lost(registry["interfaces"])
    return await visit.page("overview.html", registry=registry, worst=worst, week=week)
