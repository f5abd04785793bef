"""What a reader hands on: one row of a log, and the reasons why a row cannot be one.

All readers have the texts of a row judged here, so that XES, CSV and OCEL mean the same by the same words. Limits keep
what one row can take of memory bounded.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

from msgspec import Struct

from ...domain.vocabulary import Precision
from .errors import ImportRefusedError
from .mapping import Mapping
from .places import described

CASE_CHARS_MAX: Final = 255
ACTIVITY_CHARS_MAX: Final = 255
NAME_CHARS_MAX: Final = 200  # as domain.organisation.facts.OrganisationName
IDENTIFIER_CHARS_MAX: Final = 255  # as domain.ids.OrganisationId

ORGANISATIONS_MAX: Final = 100_000
"""More than all of Dutch government has, units included: a log with more maps a column that names something else."""

CLOCK_SKEW: Final = timedelta(minutes=1)
"""How far a moment may lie in the future, as for a command (domain.md)."""

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LOOSE_OFFSET: Final = re.compile(r" +(?=[+-]\d\d|Z$|UTC$)")
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_TIME_DIRECTIVE: Final = re.compile(r"%[-_]?[HIMSfpTRrcXs]")
_DAY_CHARS: Final = 10  # 2011-10-11; the shortest ISO 8601 moment with a time, 20111011T13, is longer


class LogRow(Struct, frozen=True, array_like=True, gc=False):
    """One readable row: ``at`` in UTC, ``organisation`` an identifier or none, ``line`` where it stands in its file.

    A row of an OCEL log has the id of its ``event``, and the obstacles of its case that it names, sorted. ``told`` is
    what a registry exported beside: the columns of ``mapping.ToldColumns``.
    """

    at: datetime
    activity: str
    organisation: str | None
    line: int
    precision: Precision = Precision.SECOND
    event: str = ""
    obstacles: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


class Trace(Struct, frozen=True):
    """All rows of one case, in order of time; where moments are equal, in order of the file, or of an OCEL log's ids.

    ``left_out`` counts the rows beyond the longest trace that is read: a trace with any cannot be imported.
    """

    case: str
    rows: list[LogRow]
    left_out: int = 0


class Rejection(Struct, frozen=True):
    """A row that cannot be read, or whose case cannot be recorded: where it stands, and why in a few words.

    ``line`` is 0 where a file has no lines.
    """

    file: str
    line: int
    reason: str


class UnreadableRowError(Exception):
    """A row cannot be read; the message says why, without the file and line."""


class RowInterpreter:
    """Makes rows of texts by one mapping. ``now`` is the moment of the import, aware, after which nothing happened."""

    def __init__(self, mapping: Mapping, now: datetime) -> None:
        self._mapping = mapping
        self._latest = now + CLOCK_SKEW
        self._identifiers: dict[str, str | None] = {}
        self._format = mapping.times.format
        has_time = self._format is None or _TIME_DIRECTIVE.search(self._format) is not None
        self._format_precision = Precision.SECOND if has_time else Precision.DAY

    def row(self, activity: str, timestamp: str, organisation: str, line: int, told: tuple[str, ...] = ()) -> LogRow:
        """Return the row; raises ``UnreadableRowError`` for what is missing, malformed, too long or in the future."""
        named = self.activity(activity)
        at, precision = self.moment(timestamp)
        return LogRow(at, named, self.organisation(organisation), line, precision, told=told)

    def activity(self, value: str) -> str:
        """Return the activity's name; raises ``UnreadableRowError`` for none and for one that is too long."""
        activity = value.strip()
        if not 0 < len(activity) <= ACTIVITY_CHARS_MAX:
            self._refuse_length("activity", activity, ACTIVITY_CHARS_MAX)
        return activity

    def organisation(self, value: str) -> str | None:
        """Return an organisation's identifier, or none; raises ``UnreadableRowError`` for a name that cannot be one."""
        try:
            return self._identifiers[value]
        except KeyError:
            identifier = self._identifiers[value] = self._identifier(value.strip())
            return identifier

    def case(self, value: str | None) -> str:
        """Return the case's name; raises ``UnreadableRowError`` for none and for one that is too long."""
        name = (value or "").strip()
        if not 0 < len(name) <= CASE_CHARS_MAX:
            self._refuse_length("case", name, CASE_CHARS_MAX)
        return name

    def obstacle(self, value: str) -> str:
        """Return an obstacle's name; raises ``UnreadableRowError`` for none and for one that is too long."""
        name = value.strip()
        if not 0 < len(name) <= CASE_CHARS_MAX:
            self._refuse_length("obstacle", name, CASE_CHARS_MAX)
        return name

    def _refuse_length(self, column: str, value: str, chars_max: int) -> NoReturn:
        where = self._where(column)
        if not value:
            raise UnreadableRowError(f"there is no {column}{where}")
        raise UnreadableRowError(f"the {column}{where} is longer than {chars_max} characters")

    def _where(self, column: str) -> str:
        """Return where the mapping looks for something, for a sentence; nothing where an OCEL log itself says it."""
        place = getattr(self._mapping.columns, column)
        return "" if place is None else f" in {described(place)}"

    def moment(self, text: str) -> tuple[datetime, Precision]:
        """Return a moment in UTC and how exactly it is known; raises ``UnreadableRowError``, also for the future."""
        at, precision = self.any_moment(text)
        if at > self._latest:
            raise UnreadableRowError(f"{text!r} lies in the future")
        return at, precision

    def any_moment(self, text: str) -> tuple[datetime, Precision]:
        """Return a moment in UTC, also one in the future, and how exactly it is known."""
        precision = Precision.SECOND
        try:
            if self._format is not None:
                at = datetime.strptime(text.strip(), self._format)  # noqa: DTZ007 - its zone is given below
                precision = self._format_precision
            else:
                at = datetime.fromisoformat(text)
                if len(text) <= _DAY_CHARS:
                    precision = Precision.DAY
        except ValueError:
            at, precision = self._loosely(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=self._mapping.zone)
        try:
            return at.astimezone(UTC), precision
        except OverflowError:
            raise UnreadableRowError(f"{text!r} lies outside the years 1 to 9999") from None

    def _loosely(self, text: str) -> tuple[datetime, Precision]:
        """Return a moment from the forms that are near enough to ISO 8601 to leave no doubt."""
        stripped = text.strip()
        if not stripped:
            raise UnreadableRowError(f"there is no moment{self._where('timestamp')}")
        if self._format is None:
            if _MONTH.fullmatch(stripped):
                stripped, precision = f"{stripped}-01", Precision.MONTH
            else:
                # A space before the offset is how several databases print a moment.
                stripped = _LOOSE_OFFSET.sub("", stripped)
                if stripped.endswith("UTC"):
                    stripped = stripped.removesuffix("UTC") + "Z"
                precision = Precision.DAY if len(stripped) <= _DAY_CHARS else Precision.SECOND
            try:
                return datetime.fromisoformat(stripped), precision
            except ValueError:
                pass
        wanted = self._format or "ISO 8601, such as 2024-03-01T09:30:00+01:00; see [times] format"
        raise UnreadableRowError(f"{text[:40]!r} is no moment of the form {wanted}")

    def _identifier(self, value: str) -> str | None:
        """Return an organisation's identifier; called once for each value that the log has."""
        if len(self._identifiers) >= ORGANISATIONS_MAX:
            found = self._where("organisation").removeprefix(" in ")
            message = f"there are more than {ORGANISATIONS_MAX} organisations: does {found} name organisations?"
            raise ImportRefusedError(message)
        if len(value) > NAME_CHARS_MAX:
            raise UnreadableRowError(f"the organisation's name is longer than {NAME_CHARS_MAX} characters")
        if _CONTROLS.search(value):
            raise UnreadableRowError("the organisation's name holds a character that cannot be printed")
        identifier = self._mapping.identifier_of(value)
        if identifier is not None and len(identifier) > IDENTIFIER_CHARS_MAX:
            raise UnreadableRowError(
                "the organisation's name is too long for an identifier; give it one in the mapping"
            )
        return identifier
