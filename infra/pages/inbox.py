"""An organisation's inbox: what it was asked, what it holds, which gaps it can close, what the record wants of it."""

from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from .labels import COMMANDS
from .visit import Visit
from .words import COUNTED

DOING: Final = tuple(
    (name, COMMANDS[name])
    for name in ("takeStep", "makeContact", "offerHandoff", "beginWaiting", "resolveObstacle", "releaseCustody")
)
"""What whoever has an obstacle does with it."""

LINES: Final = 15
"""Lines of each list: what can be worked through in a sitting. What has been answered makes room for the next."""

INBOX: Final = f"""
query Inbox($own: ID!, $all: [ID!]!, $language: Language!, $atLeast: Position) {{
  registry(atLeast: $atLeast) {{
    asOf
    organisation(id: $own) {{ identifier name }}
    waiting(organisation: $own, first: {LINES + 1}) {{
      handoff madeAt respondBy from {{ identifier name }} obstacle {{ id }} case {{ id reference title }}
    }}
    held: chains(filter: {{holder: $all, status: OPEN}}, orderBy: REPORTED_OLDEST, first: {LINES}) {{
      countUpTo(most: {COUNTED})
      nodes {{ obstacle {{ id case {{ id reference title }} }} segments {{ from }} }}
    }}
    gaps(filter: {{toAct: $all, open: true}}, first: {LINES}) {{
      countUpTo(most: {COUNTED})
      nodes {{
        id kind from days case {{ id }} cases {{ reference title }} obstacle {{ id }}
        about {{ __typename id begunBy {{ data }} }}
        acknowledgements {{ due organisation {{ identifier }} }}
      }}
    }}
    todos(filter: {{organisations: $all}}, first: {LINES}) {{
      nodes {{ kind since case {{ id reference title }} event {{ summary(language: $language) }} }}
    }}
  }}
}}
"""


async def page(visit: Visit) -> Response:
    """Answer GET /inbox."""
    own = (await visit.asker()).organisation
    if own is None:
        return await visit.page("inbox.html", own=None)
    found = await visit.ask(
        INBOX,
        own=own,
        all=[own],
        language=visit.words.language.value,
        atLeast=visit.recorded(),
    )
    registry: dict[str, Any] = found["registry"]
    now = datetime.now(UTC)
    more = len(registry["waiting"]) > LINES
    registry["waiting"] = registry["waiting"][:LINES]
    late = [one for one in registry["waiting"] if one["respondBy"] and datetime.fromisoformat(one["respondBy"]) < now]
    still = {
        gap["obstacle"]["id"] for gap in registry["gaps"]["nodes"] if gap["kind"] == "STANDSTILL" and gap["obstacle"]
    }
    return await visit.page(
        "inbox.html",
        own=own,
        doing=DOING,
        registry=registry,
        more=more,
        late=[one["handoff"] for one in late],
        still=still,
        recorded=visit.recorded(),
    )
