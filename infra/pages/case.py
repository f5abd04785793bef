"""One case, replayed: its swimlanes, its events one by one, and how it stood at each."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import vl_convert
from starlette.responses import Response

from ...projections.gap_kinds import Group
from .charts import LIGHT, PNG_SCALE, TYPES
from .gaps import lens_of, moment_of
from .graph import graph_of
from .lanes import drawing_of
from .refusals import refusal
from .rendering import link, rendered
from .replay import END, Replay, names_of, replay_of, state_of, whole_of
from .visit import PageProblem, Visit

LOOKS: Final[Mapping[str, str]] = {
    **{group: str(LIGHT[group]) for group in Group},
    "held": "#39743d", "claimed": "#e4f1e4", "yes": "#39743d", "no": "#b3261e", "contact": "#154273", "void": "#9aa1a9",
}  # fmt: skip
"""The colours of the swimlanes for whoever takes them along; on the page the style sheet says them."""

TEXTS: Final = ("story", "need", "reason", "note", "plan", "account", "content", "statement", "contact", "mandate")
"""The fields of an event's data in which people speak in their own words."""

FIELDS: Final = ("asOf", "knownAt", "knownTo")


async def page(visit: Visit) -> Response:
    """Answer GET /cases/REFERENCE; with ``whole``, all events of a long case stand on the one page."""
    reference, lens = asked(visit)
    step = step_of(visit)
    if visit.query.get("whole"):
        replay = await whole_of(visit, reference, lens)
    else:
        replay = await replay_of(visit, reference, lens, visit.recorded(), step)
    if step is not None:
        step = min(max(step, replay.first), replay.last) if replay.events else None
    shown = (
        replay.case if step is None else (await state_of(visit, reference, lens | {"asOf": replay.at(step)}))["case"]
    )
    drawing = drawing_of(replay, visit.words)
    given = {name: visit.query.get(name, "") for name in FIELDS}
    return await visit.page(
        "case.html", replay=replay, case=replay.case, step=step, given=given, texts=TEXTS,
        state=_stated(replay, shown, step), d=drawing, looks=LOOKS,
        here=drawing.width if step is None else drawing.xs[step - replay.first],
        recorded=visit.recorded(), now=datetime.now(UTC), whole=visit.query.get("whole"),
        refusal=refusal, graphs=[graph_of(one, replay) for one in replay.case["crossChains"]],
        steps=lambda number: link(f"/cases/{reference}", given, step=number),  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    )  # fmt: skip


async def moment(visit: Visit) -> Response:
    """Answer GET /cases/REFERENCE/moment: how it stood at one step, which the page's script puts in its place."""
    reference, lens = asked(visit)
    at = moment_of(visit, visit.query.get("at", "")).isoformat()
    found = (await state_of(visit, reference, lens | {"asOf": at}))["case"]
    names = {} if found is None else names_of(found, [])
    numbers = {} if found is None else {one["id"]: number for number, one in enumerate(found["obstacles"], 1)}
    state = {"case": found, "at": at, "names": names, "numbers": numbers, "reference": reference, "then": True}
    return await visit.page("moment.html", state=state, reference=reference)


async def taken_along(visit: Visit) -> Response:
    """Answer GET /cases/REFERENCE/lanes.FORM: the swimlanes as a drawing of their own."""
    reference, lens = asked(visit)
    form = visit.request.path_params["form"]
    if form not in TYPES:
        raise PageProblem(404, visit.words.say("There is no such chart."))
    drawing = drawing_of(await whole_of(visit, reference, lens), visit.words)
    values = {"d": drawing, "looks": LOOKS, "label": reference, "xs": False, "here": 0}
    text = rendered("lanes.svg", visit.words, values)
    return Response(await asyncio.to_thread(_formed, text, form), media_type=TYPES[form])


def _formed(text: str, form: str) -> bytes:
    match form:
        case "svg":
            return text.encode()
        case "png":
            return vl_convert.svg_to_png(text, scale=PNG_SCALE)
        case _:
            return vl_convert.svg_to_pdf(text)


def asked(visit: Visit) -> tuple[str, dict[str, str]]:
    """Return the case's reference and the times and the organisation through whose eyes it is looked at."""
    lens = lens_of(visit)
    if visit.query.get("knownTo"):
        lens["knownTo"] = visit.query["knownTo"]
    return visit.request.path_params["reference"], lens


def step_of(visit: Visit) -> int | None:
    """Return the number of the event that an address names. Raises ``PageProblem`` for what is no number."""
    given = visit.query.get("step", "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < len(str(END))):
        raise PageProblem(404, visit.words.say("There is no such step."))
    return max(int(given), 1)


def _stated(replay: Replay, case: Any, step: int | None) -> dict[str, Any]:
    at = replay.as_of if step is None else replay.at(step)
    return {
        "case": case, "at": at, "names": replay.names, "numbers": replay.obstacles,
        "reference": replay.case["reference"], "then": step is not None,
    }  # fmt: skip
