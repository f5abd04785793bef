"""My case, for the subject or who represents them: who has it now, what it waits for, what one can say about it."""

from typing import Any, Final
from uuid import UUID

import msgspec
from starlette.responses import Response

from .visit import PageProblem, Visit

MINE: Final = """
query Mine($subject: ID!, $language: Language!) {
  registry {
    asOf
    subject(id: $subject) {
      id
      gaps { id kind from days toAct { identifier name } }
      cases {
        id reference title theme status openedAt closedAt
        coordinator { identifier name }
        obstacles {
          id status claimed reportedAt settledAt
          report { data }
          holder { identifier name }
          chain { segments { kind from until organisation { identifier name } } daysOpen storyRetold contacts }
        }
        gaps { id kind from until open days toAct { identifier name } obstacle { id } }
        timeline(first: 200) {
          totalCount
          nodes { type occurredAt precision summary(language: $language) data conflict { code } struckBy { id } }
        }
      }
    }
  }
}
"""


ENDING: Final = frozenset({
    "WaitingEnded", "ObstacleResolved", "ObstacleWithdrawn", "HandoffAccepted", "CustodyReleased",
})  # fmt: skip
"""Events after which nothing is waited for any more."""


async def page(visit: Visit) -> Response:
    """Answer GET /mine."""
    subject = await _subject(visit)
    if subject is None:
        return await visit.page("mine.html", subject=None, wanted=visit.query.get("subject", ""))
    found = await _found(visit, subject)
    waiting = {case["id"]: _waiting(case["timeline"]["nodes"]) for case in found["cases"]}
    return await visit.page("mine.html", subject=found, waiting=waiting, wanted=str(subject))


async def download(visit: Visit) -> Response:
    """Answer GET /mine/download: all of it as JSON, to take along."""
    subject = await _subject(visit)
    if subject is None:
        raise PageProblem(404, visit.words.say("Say whose case it is."))
    content = msgspec.json.format(msgspec.json.encode(await _found(visit, subject)), indent=2)
    return Response(
        content, headers={"Content-Disposition": 'attachment; filename="knelpunt.json"'}, media_type="application/json"
    )


async def _found(visit: Visit, subject: UUID) -> dict[str, Any]:
    asked = await visit.ask(MINE, subject=str(subject), language=visit.words.language.value)
    found = asked["registry"]["subject"]
    if found is None:
        raise PageProblem(404, visit.words.say("No case is about them, or none that you may see."))
    return found


async def _subject(visit: Visit) -> UUID | None:
    """Return whose page it is: whom the address names, or else whom the token is about."""
    given = visit.query.get("subject")
    if not given:
        return (await visit.asker()).subject
    try:
        return UUID(given)
    except ValueError:
        raise PageProblem(400, visit.words.say("A pseudonym is a UUID.")) from None


def _waiting(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what each obstacle was last said to wait for, by its bare id, if that has not ended."""
    waiting: dict[str, dict[str, Any]] = {}
    for event in events:
        obstacle = event["data"].get("obstacle")
        if event["conflict"] or event["struckBy"] or obstacle is None:
            continue
        if event["type"] == "WaitingBegan":
            waiting[obstacle] = event
        elif event["type"] in ENDING:
            waiting.pop(obstacle, None)
    return waiting
