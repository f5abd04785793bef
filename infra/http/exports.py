"""Exports over HTTP, for REST and for the pages: on record before anything of them is read, and before it leaves."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psycopg
from msgspec import Struct
from starlette.responses import FileResponse

from ...graphql.ports import Asker
from ..exporting import errors
from ..exporting.errors import ExportBusyError, ExportRefusedError
from ..exporting.export import Format
from ..exporting.jobs import Export, Exports, Made
from ..logbook.processing import Reading
from ..logbook.security import DONE, Action, SecurityEvent
from ..store.principal import principal_of
from .origin import Origin
from .registry import RunningRegistry

RETRY_SECONDS: Final = 15
"""When to ask again for what is not possible now: exports take seconds to minutes."""

SWEEP_SECONDS: Final = 300.0
"""How often files that nobody came back for are thrown away."""


CANNOT: Final = "No export can be begun at this moment: ask again later."
NOT_ASKED: Final = "You asked for no such export, or it was kept for you as long as it could be."
NOT_DONE: Final = "It is still being made: ask again in a while."
NONE_HERE: Final = "This service makes no exports: run knelpunt export where the registry is."
NOT_ON_RECORD: Final = "That something is taken along is noted first, which is not possible now: ask again."

SAID: Final = (CANNOT, NOT_ASKED, NOT_DONE, NONE_HERE, NOT_ON_RECORD, *errors.SAID)
"""Every sentence that can be the answer."""

_log = logging.getLogger(__name__)


class Kind(Struct, frozen=True):
    """How a format is sent: its media type, and what the end of the file's name is."""

    media_type: str
    suffix: str


KINDS: Final = MappingProxyType(
    {
        Format.OCEL2: Kind("application/json", "ocel2.json"),
        Format.XES: Kind("application/xml", "xes"),
        Format.CSV: Kind("text/csv; charset=utf-8", "csv"),
        Format.PARQUET: Kind("application/vnd.apache.parquet", "parquet"),
        Format.CLOUDEVENTS: Kind("application/x-ndjson", "cloudevents.jsonl"),
    }
)


class ExportProblem(Exception):  # noqa: N818  an answer on its way
    """There is no export to give; ``message`` is one sentence, ``status`` that of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def begun(running: RunningRegistry, who: Asker, format_: Format, origin: Origin) -> Export:
    """Have an export made for somebody, and return it as it is then. Raises ``ExportProblem``."""
    exports = _exports(running)
    await _recorded(running, who, f"export {format_}", origin)
    reading = Reading(
        actor=who.user, role=who.role, organisation=who.organisation, name=f"export {format_}", trace=origin.trace
    )
    try:
        return await asyncio.to_thread(exports.begin, principal_of(who), reading, format_)
    except ExportRefusedError as error:
        raise ExportProblem(404, str(error)) from None
    except ExportBusyError as error:
        raise ExportProblem(429, str(error)) from None
    except OSError:
        # What the system says of it is for whoever runs the registry, and in English.
        _log.warning("No export can be begun.", exc_info=True)
        raise ExportProblem(503, CANNOT) from None


async def all_of(running: RunningRegistry, who: Asker) -> list[Export]:
    """Return what has become of all exports that somebody asked for. Raises ``ExportProblem``."""
    return await asyncio.to_thread(_exports(running).all_of, principal_of(who))


async def found(running: RunningRegistry, who: Asker, format_: Format) -> Export:
    """Return what has become of somebody's export in a format. Raises ``ExportProblem``."""
    export = await asyncio.to_thread(_exports(running).found, principal_of(who), format_)
    if export is None:
        raise ExportProblem(404, NOT_ASKED)
    return export


async def dropped(running: RunningRegistry, who: Asker, format_: Format) -> None:
    """Throw somebody's export in a format away. Raises ``ExportProblem``."""
    try:
        await asyncio.to_thread(_exports(running).drop, principal_of(who), format_)
    except ExportBusyError as error:
        raise ExportProblem(429, str(error)) from None


async def file_of(
    running: RunningRegistry, who: Asker, format_: Format, origin: Origin, headers: dict[str, str] | None = None
) -> FileResponse:
    """Return the file of a finished export, or the part of it that was asked for. Raises ``ExportProblem``.

    Its length is told first, so that one which breaks off cannot be taken for whole; its ETag is made of all of it, so
    that two parts fetched by it are of one file.
    """
    export = await found(running, who, format_)
    if export.made is None or export.path is None:
        raise ExportProblem(404, export.message or NOT_DONE)
    await _recorded(running, who, f"download {format_}", origin)
    return _file(export.path, export.made, format_, headers or {})


@asynccontextmanager
async def swept(exports: Exports | None) -> AsyncGenerator[None]:
    """Throw away what nobody came back for, from time to time, until the end of the block."""

    async def sweep() -> None:
        while exports is not None:
            await asyncio.to_thread(exports.sweep)
            await asyncio.sleep(SWEEP_SECONDS)

    sweeping = asyncio.create_task(sweep())
    try:
        yield
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping


def _file(path: Path, made: Made, format_: Format, headers: dict[str, str]) -> FileResponse:
    kind = KINDS[format_]
    name = f"knelpunt-{made.report.upto}.{kind.suffix}"
    own = {"ETag": f'"{made.digest}"', "Cache-Control": "private, no-store"}
    return FileResponse(path, headers=headers | own, media_type=kind.media_type, filename=name)


def _exports(running: RunningRegistry) -> Exports:
    exports = running.services.exports
    if exports is None:
        raise ExportProblem(404, NONE_HERE)
    return exports


async def _recorded(running: RunningRegistry, who: Asker, what: str, origin: Origin) -> None:
    """Put on record who takes what along. Raises ``ExportProblem``: then nothing of it is read, and nothing leaves."""
    event = SecurityEvent(Action.OPERATION, what, DONE, origin.address, who.signature)
    try:
        await asyncio.to_thread(running.services.security.record, event)
    except psycopg.Error:
        raise ExportProblem(503, NOT_ON_RECORD) from None
