"""What the service says while it runs: plain lines, or by one setting a line of JSON for each thing that happens.

Nobody is in it. What we say ourselves names kinds, numbers and times; what came as an error of somebody else's is told
by its type and the places in the code alone, since its message may quote what was sent.
"""

import logging
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Final

import msgspec

from . import tracing

OURS: Final = "knelpunt"
"""The packages whose lines are told in full: all others fill in what they were given."""

TEXT: Final = "%(levelname)s %(name)s: %(message)s"

FIELDS: Final = "fields"
"""What a line of JSON holds besides its sentence: an attribute of the record, made by ``tell``."""

_write = msgspec.json.Encoder(enc_hook=str).encode


class LogFormat(StrEnum):
    """How lines are written: for people, who are told what goes wrong; or for programs, which are told all."""

    TEXT = "text"
    JSON = "json"


def begin(form: LogFormat) -> None:
    """Have this process write its lines to standard error in a form, from now on."""
    if form is LogFormat.TEXT:
        logging.basicConfig(level=logging.WARNING, format=TEXT)  # which leaves it as it is where --debug asked for more
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(OURS).setLevel(logging.INFO)


def tell(logger: logging.Logger, event: str, /, **fields: str | float | None) -> None:
    """Say that something happened in the course of things: heard by programs, which are told all, and not by people.

    ``fields`` are numbers and names of kinds, and never of anybody.
    """
    if logger.isEnabledFor(logging.INFO):
        logger.info(event, extra={FIELDS: fields})


class JsonLines(logging.Formatter):
    """Writes each record as one object: ``time``, ``level``, ``from``, ``event``, and what else there is."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON, in one line."""
        ours = record.name.partition(".")[0] == OURS
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            # What another library fills in is not ours to judge; asyncio quotes whole exceptions without that.
            "event": _sentence(record) if ours else str(record.msg).partition("\n")[0],
            "process": record.process,
        }
        trace = tracing.here()
        if trace is not None:
            line["trace"] = f"{trace.trace_id:032x}"
        line |= getattr(record, FIELDS, {})
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, at = record.exc_info
            line |= {"error": kind.__qualname__, "at": _places(at)}
        return _write(line).decode()


def _sentence(record: logging.LogRecord) -> str:
    """Return what a record says, errors that are not ours told by their type."""
    match record.args:
        case tuple() as given:
            return str(record.msg) % tuple(map(_plain, given)) if given else str(record.msg)
        case _:
            return str(record.msg)


def _plain(given: object) -> object:
    if isinstance(given, BaseException) and type(given).__module__.partition(".")[0] != OURS:
        return type(given).__name__
    return given


def _places(at: TracebackType | None) -> list[str]:
    """Return where an error came from, innermost last: file, line and function of each call."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(at)]
