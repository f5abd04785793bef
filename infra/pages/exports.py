"""Take it along: exports that a visitor has made in the formats of other programs, and fetches when they are done."""

from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from ..exporting.export import Format
from ..exporting.jobs import Export, Stage
from ..http import exports
from ..http.exports import ExportProblem
from ..http.origin import origin_of
from .visit import PageProblem, Visit

TITLES: Final = {
    Format.OCEL2: "OCEL 2.0, with cases, obstacles, handoffs and organisations as objects",
    Format.XES: "XES, with a trace for each case",
    Format.CSV: "CSV, with a row for each event",
    Format.PARQUET: "Parquet, the same table with types",
    Format.CLOUDEVENTS: "CloudEvents, the log itself, an event on each line",
}


async def page(visit: Visit) -> Response:
    """Answer GET /exports."""
    return await _shown(visit)


async def send(visit: Visit) -> Response:
    """Answer POST /exports: have one made, or throw one away."""
    fields = dict(await visit.form())
    who, format_ = await visit.asker(), _format(visit, fields.get("format", ""))
    try:
        if fields.get("do") == "drop":
            await exports.dropped(visit.running, who, format_)
        else:
            await exports.begun(visit.running, who, format_, origin_of(visit.request))
    except ExportProblem as problem:
        return await _shown(visit, problem)
    return RedirectResponse("/exports", 303)


async def file(visit: Visit) -> Response:
    """Answer GET /exports/{format}/file: a finished export, whole or the part that the browser goes on with."""
    format_ = _format(visit, visit.request.path_params["format"])
    try:
        return await exports.file_of(visit.running, await visit.asker(), format_, origin_of(visit.request))
    except ExportProblem as problem:
        raise PageProblem(problem.status, visit.words.say(problem.message)) from None


async def _shown(visit: Visit, problem: ExportProblem | None = None) -> Response:
    who = await visit.asker()
    try:
        found = {export.format: export for export in await exports.all_of(visit.running, who)}
    except ExportProblem as none:
        raise PageProblem(none.status, visit.words.say(none.message)) from None
    rows = [_row(format_, found.get(format_)) for format_ in Format]
    making = any(export.stage is Stage.MAKING for export in found.values())
    said = None if problem is None else visit.words.say(problem.message)
    return await visit.page("exports.html", problem.status if problem else 200, rows=rows, making=making, said=said)


def _row(format_: Format, export: Export | None) -> dict[str, Any]:
    return {
        "format": format_.value,
        "title": TITLES[format_],
        "stage": None if export is None else export.stage.value,
        "percent": 0 if export is None else int(export.share * 100),
        "message": None if export is None else export.message,
        "made": None if export is None else export.made,
        "until": None if export is None or export.kept_until is None else export.kept_until.isoformat(),
        "name": exports.KINDS[format_].suffix,
    }


def _format(visit: Visit, given: str) -> Format:
    try:
        return Format(given)
    except ValueError:
        raise PageProblem(404, visit.words.say("There is no such format.")) from None
