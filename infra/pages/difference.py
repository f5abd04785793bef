"""A case at two moments, side by side: what changed in between, or what was learned in between about the same time.

Who had what and which gaps came and went is told of all the case; which events came, of one stretch of a long one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from .case import FIELDS, asked, step_of
from .gaps import moment_of
from .rendering import link
from .replay import Event, Replay, all_of, count_of, replay_of
from .visit import Visit

THEN: Final = {"asOf": "thenAsOf", "knownAt": "thenKnownAt"}
"""The fields of the address that name the earlier moment."""


async def page(visit: Visit) -> Response:
    """Answer GET /cases/REFERENCE/difference."""
    reference, lens = asked(visit)
    given = {name: visit.query.get(name, "") for name in (*FIELDS, *THEN.values())}
    then = {name: moment_of(visit, given[field]) for name, field in THEN.items() if given[field]}
    earlier = lens | {name: moment.isoformat() for name, moment in then.items()}
    before: Mapping[str, Any] = (await all_of(visit, reference, earlier))["case"] or {"gaps": [], "obstacles": []}
    step = step_of(visit)
    if step is None:
        # What had not happened yet follows what had; what was not known yet may lie anywhere.
        step = 1 if "knownAt" in then else await count_of(visit, reference, earlier) + 1
    replay = await replay_of(visit, reference, lens, step=step)
    at = lens | {"asOf": replay.as_of, "knownAt": replay.known_at}
    known, now = _counted(before), _counted((await all_of(visit, reference, at))["case"])
    return await visit.page(
        "difference.html",
        replay=replay,
        case=replay.case,
        given=given,
        held={one["id"]: one for one in before["obstacles"]},
        began=[gap for id_, gap in now.items() if id_ not in known],
        ended=[gap for id_, gap in now.items() if id_ in known and known[id_]["open"] and not gap["open"]],
        gone=[gap for id_, gap in known.items() if id_ not in now],
        new=_new(replay, then.get("asOf"), then.get("knownAt")),
        holding=_Holding(visit, replay),
        steps=lambda number: link(f"/cases/{reference}/difference", given, step=number),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    )


def _counted(case: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {gap["id"]: gap for gap in case["gaps"]}


class _Holding:
    """Says who has an obstacle, in words."""

    def __init__(self, visit: Visit, replay: Replay) -> None:
        self._say = visit.words.say
        self._names = replay.names

    def __call__(self, obstacle: Mapping[str, Any]) -> str:
        if obstacle["status"] == "SETTLED":
            return self._say("settled")
        if obstacle["holder"] is None:
            return self._say("nobody")
        identifier: str = obstacle["holder"]["identifier"]
        return self._names.get(identifier, identifier)


def _new(replay: Replay, as_of: datetime | None, known_at: datetime | None) -> list[Event]:
    """Return the events of a stretch that had not happened by a moment, or were not known by one."""
    return [
        event
        for event in replay.events
        if (as_of is not None and datetime.fromisoformat(event["occurredAt"]) > as_of)
        or (known_at is not None and datetime.fromisoformat(event["recordedAt"]) > known_at)
    ]
