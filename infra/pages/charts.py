"""Charts: Vega-Lite specifications, drawn on the server by vl-convert as SVG, PNG or PDF, and by browsers themselves.

Each shows what a table on the same page says too. Nothing is fetched while drawing: the data are in the specification.
What a browser draws (static/charts.js) also says what is pointed at, and leads to the list behind it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from math import cos, radians, sin
from threading import Lock
from typing import Any, Final, cast

import msgspec
import vl_convert
from starlette.responses import Response

from ...projections.gap_kinds import Group
from . import interfaces, overview
from .rendering import link
from .visit import PageProblem, Visit
from .words import Words

LIGHT: Final = {
    "text": "#1f2328", "quiet": "#57606a", "rule": "#c9cdd2", "paper": "#ffffff", "scale": ["#f4ece6", "#9c1f14"],
    Group.UNHELD: "#b3261e", Group.ROUND: "#7b3ba8", Group.WAITING: "#8a5a00", Group.SETTLED: "#006874",
}  # fmt: skip
DARK: Final = {
    "text": "#e8e6e3", "quiet": "#a9b0b8", "rule": "#444c56", "paper": "#171a1e", "scale": ["#2a2523", "#ff8a7a"],
    Group.UNHELD: "#ff8a7a", Group.ROUND: "#cfa4f2", Group.WAITING: "#f0b849", Group.SETTLED: "#4fc4d3",
}  # fmt: skip
"""The colours of static/style.css, which a test compares."""

VEGA_LITE: Final = "https://vega.github.io/schema/vega-lite/v6.json"
"""Names the language of the specification; nothing is fetched from there."""

SPECIFICATION: Final = "json"
"""The form in which a browser gets a chart that it draws itself."""

TYPES: Final = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}

PNG_SCALE: Final = 2.0
"""Twice the size on a screen, so that it stays sharp in a document."""

LABEL_MAX: Final = 260
"""Pixels beyond which a label is cut short."""

NARROW_LABEL_MAX: Final = 130
"""The same on a telephone, where names beside a matrix leave room for it."""

LABEL_SIZE: Final = 13

LETTER_MAX: Final = 7.2
"""Pixels that a letter of a label takes on average in the widest of the usual fonts (DejaVu Sans, Verdana)."""

LETTER_LEAST: Final = 6.0
"""The same in the narrowest (Liberation Sans, Arial)."""

SLANT: Final = 40
"""Degrees by which names above columns rise."""

NARROW_LABEL_SIZE: Final = 11

BARS: Final = 420

NARROW_BARS: Final = 90
"""How long the longest bar is, in pixels, and on a telephone: with its label and number all of it is in sight there."""

_drawing = Lock()
"""One drawing at a time: vl-convert's engine is one, and a queue in it would hold its threads."""

Colours = Mapping[str, Any]


async def chart(visit: Visit) -> Response:
    """Answer GET /charts/NAME.FORM, with the query of the page that it stands on."""
    name, form = visit.request.path_params["name"], visit.request.path_params["form"]
    make = CHARTS.get(name)
    if make is None or form not in {*TYPES, SPECIFICATION}:
        raise PageProblem(404, visit.words.say("There is no such chart."))
    colours = DARK if visit.query.get("dark") else LIGHT
    specification = await make(visit, colours, bool(visit.query.get("narrow")))
    if form == SPECIFICATION:
        return Response(msgspec.json.encode(answering(specification)), media_type="application/json")
    return Response(await asyncio.to_thread(drawn, specification, form), media_type=TYPES[form])


def answering(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification whose marks say what they are when pointed at, and lead somewhere when clicked."""
    pointing = {"tooltip": {"field": "tip"}, "href": {"field": "to"}}
    return {**specification, "encoding": {**specification["encoding"], **pointing}}


def drawn(specification: Mapping[str, Any], form: str) -> bytes:
    """Return a specification drawn in a form; takes some 100 ms, and a second the first time."""
    given = dict(specification)
    with _drawing:
        match form:
            case "svg":
                return vl_convert.vegalite_to_svg(given, allowed_base_urls=[]).encode()
            case "png":
                return vl_convert.vegalite_to_png(given, scale=PNG_SCALE, allowed_base_urls=[])
            case _:
                return vl_convert.vegalite_to_pdf(given, allowed_base_urls=[])


def _room(labels: Iterable[str], size: int = LABEL_SIZE, most: int = LABEL_MAX) -> int:
    """Return what the longest of some labels takes at most, in pixels.

    Where a visitor's font is wider than the one that a chart was measured with, it would be cut off at the edge.
    """
    return round(min(most, LETTER_MAX * size / LABEL_SIZE * max(map(len, labels), default=0)))


def _framed(colours: Colours, size: int, most: int = LABEL_MAX, **specification: Any) -> dict[str, Any]:
    axis = {
        "labelColor": colours["text"], "titleColor": colours["quiet"], "gridColor": colours["rule"],
        "domainColor": colours["rule"], "tickColor": colours["rule"], "labelLimit": most,
        "titleFontWeight": "normal", "titlePadding": 8,
    }  # fmt: skip
    return {
        "$schema": VEGA_LITE,
        "background": colours["paper"],
        "config": {
            "font": "Liberation Sans, Arial, sans-serif",
            "axis": {**axis, "labelFontSize": size, "titleFontSize": 12},
            "legend": {"labelColor": colours["text"], "titleColor": colours["quiet"]},
            "view": {"stroke": None},
        },
        **specification,
    }


async def _gaps_by_kind(visit: Visit, colours: Colours, narrow: bool) -> dict[str, Any]:  # noqa: FBT001  from the table below
    registry = (await visit.ask(overview.COUNTS))["registry"]
    return gaps_by_kind(registry["gapCounts"], visit.words, colours, narrow=narrow)


def gaps_by_kind(
    counts: Sequence[Mapping[str, Any]], words: Words, colours: Colours, *, narrow: bool = False
) -> dict[str, Any]:
    """Return the chart of how many gaps of each kind are open, in the kinds' colours; a narrow one for telephones."""
    size = NARROW_LABEL_SIZE if narrow else LABEL_SIZE
    values = [
        {
            "kind": words.kind(one["kind"]),
            "count": one["count"],
            "colour": colours[words.group(one["kind"])],
            "tip": f"{words.kind(one['kind'])} ({words.number(one['count'])}): {words.meaning(one['kind'])}",
            "to": link("/gaps", kind=one["kind"]),
        }
        for one in counts
    ]
    room = _room((one["kind"] for one in values), size)
    axis = {"title": None, "domain": False, "ticks": False, "minExtent": room}
    place = {"field": "kind", "type": "nominal", "sort": None, "axis": axis}
    return _framed(
        colours,
        size,
        data={"values": values},
        width=NARROW_BARS if narrow else BARS,
        height={"step": 26},
        encoding={"y": place, "x": {"field": "count", "type": "quantitative", "axis": None}},
        layer=[
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 3, "height": 18},
                "encoding": {"color": {"field": "colour", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": size, "color": colours["text"]},
                "encoding": {"text": {"field": "count", "type": "quantitative"}},
            },
        ],
    )


async def _matrix(visit: Visit, colours: Colours, narrow: bool) -> dict[str, Any]:  # noqa: FBT001  from the table below
    found = await interfaces.asked(visit, await interfaces.period_of(visit))
    shown = interfaces.matrix(interfaces.with_lost(found["interfaces"]))
    return matrix(shown, visit.words, colours, narrow=narrow)


def matrix(shown: Mapping[str, Any], words: Words, colours: Colours, *, narrow: bool = False) -> dict[str, Any]:
    """Return the chart of who loses people to whom, from each row's organisation to each column's.

    A narrow one, for telephones, has short names and small cells.
    """
    size, longest, step = (NARROW_LABEL_SIZE, NARROW_LABEL_MAX, 26) if narrow else (LABEL_SIZE, LABEL_MAX, 34)
    names = cast("Mapping[str, str]", shown["names"])
    values = [
        {
            "side": names[side],
            "top": names[top],
            "lost": lost,
            "tip": words.say("{one} to {other}: {n} lost", one=names[side], other=names[top], n=words.number(lost)),
            "to": link("/gaps", organisation=side),
        }
        for side in shown["sides"]
        for top in shown["tops"]
        if (side, top) in shown["cells"]
        for lost in (shown["cells"][side, top]["lost"],)
    ]
    # Level, and above the names: standing upright beside them it lies over the longest.
    title = {"title": words.say("From"), "titleAngle": 0, "titleAlign": "right", "titleAnchor": "start", "titleY": -8}
    title |= {"minExtent": _room((names[side] for side in shown["sides"]), size, longest)}
    down = {"field": "side", "type": "nominal", "sort": None, "axis": title}
    across = {
        "field": "top",
        "type": "nominal",
        "sort": None,
        "axis": {"title": words.say("To"), "orient": "top", "labelAngle": -SLANT},
    }
    # Slanted names run out to the right and upwards by as much as the visitor's font is wider than the one measured.
    spare = _room((names[top] for top in shown["tops"]), size, longest) * (1 - LETTER_LEAST / LETTER_MAX)
    slant = radians(SLANT)
    room = {"left": 5, "bottom": 5, "right": 5 + round(spare * cos(slant)), "top": 5 + round(spare * sin(slant))}
    most = max(shown["most"], 1)
    # From none at all, so that numbers that are all the same lie at its end, where they can be read.
    scale = {"range": colours["scale"], "domain": [0, most]}
    return _framed(
        colours,
        size,
        longest,
        data={"values": values},
        padding=room,
        width={"step": step},
        height={"step": step - 4},
        encoding={"y": down, "x": across},
        layer=[
            {
                "mark": {"type": "rect", "stroke": colours["paper"], "strokeWidth": 2},
                "encoding": {"color": {"field": "lost", "type": "quantitative", "scale": scale, "legend": None}},
            },
            {
                "mark": {"type": "text", "fontSize": size},
                "encoding": {
                    "text": {"field": "lost", "type": "quantitative"},
                    "color": {
                        "condition": {"test": f"datum.lost > {most / 2}", "value": colours["paper"]},
                        "value": colours["text"],
                    },
                },
            },
        ],
    )


CHARTS: Final[Mapping[str, Callable[[Visit, Colours, bool], Awaitable[dict[str, Any]]]]] = {
    "gaps-by-kind": _gaps_by_kind,
    "interfaces": _matrix,
}
