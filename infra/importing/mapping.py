"""The mapping file: how the columns of another system's log become cases.

A mapping is TOML (docs/importing.md has the keys and examples). It is read into one frozen value and checked to the
last key, so that a wrong word is found before a row is read, and named with its file and key.
"""

import tomllib
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, cast
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from ...domain.ids import OrganisationId, Theme
from .errors import ImportRefusedError
from .places import Place, misfit

MAPPING_BYTES_MAX: Final = 1 << 20
"""A mapping names activities and organisations: a mebibyte holds some ten thousand of them."""

SOURCE_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}\Z"
"""No slash and no colon, so that ids and identifiers made from a source's name cannot run into each other."""


class ImportRole(StrEnum):
    """What an activity does to the obstacle of its case."""

    WORK = "work"
    OFFER = "offer"
    ACCEPT = "accept"
    REFUSE = "refuse"
    RESOLVE = "resolve"
    CLOSE = "close"
    IGNORE = "ignore"


ColumnName = Annotated[str, Meta(min_length=1, max_length=255)]


class Columns(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a row says what: an attribute of an XES trace or event, a column of a CSV file, a place in an OCEL log.

    In an OCEL log no activity means the event's type, no timestamp its time, and no obstacle that a case has one.
    """

    case: Place
    activity: ColumnName | None = None
    timestamp: ColumnName | None = None
    organisation: Place | None = None
    missing: tuple[str, ...] = ()
    obstacle: Place | None = None


class ToldColumns(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a log that a registry exported says what was told there: the fact, its event, whether that was inferred."""

    fact: ColumnName = "fact"
    event: ColumnName = "event"
    inferred: ColumnName = "inferred"


class RowColumns(Struct, frozen=True):
    """The columns of a log of rows, XES or CSV, by their names; ``told`` are those of ``ToldColumns``, if any."""

    case: str
    activity: str
    timestamp: str
    organisation: str
    told: tuple[str, ...] = ()


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """The terms that the log's offers were made under; none: the registry's own term applies."""

    respond_by_days: Annotated[int, Meta(ge=0, le=3650)] | None = None


class CsvForm(Struct, frozen=True, forbid_unknown_fields=True):
    """How a CSV file is written; what is none is found out from the file."""

    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] | None = None
    encoding: str | None = None


class Times(Struct, frozen=True, forbid_unknown_fields=True):
    """How moments are written: the zone of those that name none, and their ``strptime`` format if not ISO 8601."""

    timezone: str = "UTC"
    format: str | None = None


class Mapping(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A whole mapping file."""

    source: Annotated[str, Meta(pattern=SOURCE_PATTERN)]
    columns: Columns
    organisations: dict[str, OrganisationId] = {}
    roles: dict[str, ImportRole] = {}
    terms: Terms = Terms()
    theme: Theme = "import"
    csv: CsvForm = CsvForm()
    times: Times = Times()
    told: ToldColumns | None = None

    @property
    def told_columns(self) -> tuple[str, ...]:
        """The columns of what was told, fact, event, inferred; none for a log of another system."""
        return () if self.told is None else (self.told.fact, self.told.event, self.told.inferred)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of moments that name none."""
        return ZoneInfo(self.times.timezone)

    def row_columns(self, path: Path) -> RowColumns:
        """Return the columns of the log of rows at ``path``; raises ``ImportRefusedError`` if they are none of such."""
        columns = self.columns
        named: dict[str, str] = {}
        for key in ("case", "activity", "timestamp", "organisation"):
            place: Place | None = getattr(columns, key)
            if not isinstance(place, str):
                what = "does not say it" if place is None else "names objects for it"
                message = f"{path}: a log of rows needs the name of a column for {key}, and the mapping {what}."
                raise ImportRefusedError(message)
            named[key] = place
        if columns.obstacle is not None:
            message = f"{path}: a log of rows has one obstacle a case; [columns] obstacle is for OCEL logs."
            raise ImportRefusedError(message)
        return RowColumns(**named, told=self.told_columns)

    @cached_property
    def source_organisation(self) -> str:
        """The identifier under which the source itself acts where a row names no organisation."""
        return f"urn:knelpunt:{self.source}"

    def identifier_of(self, value: str) -> str | None:
        """Return the organisation that a row's ``value`` means, or none; it may be longer than an identifier may be."""
        if not value or value in self.columns.missing:
            return None
        # What a registry exported names organisations as this one does.
        otherwise = value if self.told is not None else f"{self.source_organisation}:{quote(value, safe='')}"
        return self.organisations.get(value) or otherwise

    def name_of(self, identifier: str) -> str:
        """Return what the source calls an organisation; of several values for one, the first in the mapping."""
        if identifier == self.source_organisation:
            return self.source
        return self._names.get(identifier) or unquote(identifier.removeprefix(f"{self.source_organisation}:"))

    @cached_property
    def _names(self) -> dict[str, str]:
        return {identifier: value for value, identifier in reversed(self.organisations.items())}


def read_mapping(path: Path) -> Mapping:
    """Read and check the mapping at ``path``; raises ``ImportRefusedError`` with the file and the key that is wrong."""
    try:
        with path.open("rb") as file:
            content = file.read(MAPPING_BYTES_MAX + 1)
        if len(content) > MAPPING_BYTES_MAX:
            raise ImportRefusedError(f"{path}: a mapping may be at most {MAPPING_BYTES_MAX} bytes long.")
        raw = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise ImportRefusedError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ImportRefusedError(f"{path}: a mapping is TOML, which is UTF-8, and this file is not.") from None
    except tomllib.TOMLDecodeError as error:
        raise ImportRefusedError(f"{path}: is not TOML: {_lowered(str(error))}.") from None
    try:
        mapping = msgspec.convert(raw, Mapping)
    except msgspec.ValidationError as error:
        raise ImportRefusedError(f"{path}: {_explained(raw, str(error))}.") from None
    _check_beyond_types(path, mapping)
    return mapping


_PLACE_NEEDS: Final = (
    "a column's name or, for an OCEL log, a type of object or one or more tables of type, qualifier, inverse, via "
    "and attribute"
)
_NEEDS: Final = {
    "source": "1 to 64 lower-case letters, digits, dots, dashes or underscores, beginning with a letter or digit",
    "theme": "1 to 64 lower-case letters, digits or dashes, beginning with a letter or digit",
    "columns.case": _PLACE_NEEDS,
    "columns.obstacle": _PLACE_NEEDS,
    "columns.activity": "a column's name",
    "columns.timestamp": "a column's name",
    "columns.organisation": _PLACE_NEEDS,
    "columns.missing": 'a list of texts, such as ["EMPTY"]',
    "terms.respond_by_days": "a whole number of days, from 0 to 3650",
    "csv.delimiter": 'one character, such as ";"',
    "csv.encoding": 'the name of an encoding, such as "windows-1252"',
    "told.fact": "a column's name",
    "told.event": "a column's name",
    "told.inferred": "a column's name",
    "times.timezone": 'the name of a time zone, such as "Europe/Amsterdam"',
    "times.format": 'a format such as "%d-%m-%Y %H:%M"',
}
_ROLE_NEEDS: Final = "one of " + ", ".join(ImportRole)
_ORGANISATION_NEEDS: Final = "an OIN (twenty digits) or an absolute URI of at most 255 characters"


def _explained(raw: dict[str, object], error: str) -> str:
    """Return in plain words what msgspec says is wrong, naming the key, which msgspec leaves out for free ones."""
    what, _, where = error.partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    if "missing required field" in what or "unknown field" in what:
        name = what.split("`")[-2]
        full = _written(f"{key}.{name}" if key else name)
        return f"{full} is missing" if "missing" in what else f"{full} is no key of a mapping"
    for table, kind, needs in (
        ("roles", ImportRole, _ROLE_NEEDS),
        ("organisations", OrganisationId, _ORGANISATION_NEEDS),
    ):
        if key.startswith(f"{table}["):
            return f"[{table}] {_first_misfit(raw[table], kind)} must be {needs}"
    for known, needs in _NEEDS.items():
        if key == known or key.startswith((f"{known}[", f"{known}.")):
            return f"{_written(known)} must be {needs}"
    return f"{_written(key)} must be a table of keys and values"


def _first_misfit(table: object, kind: object) -> str:
    """Return the first key of ``table`` whose value is not of ``kind``, quoted as in TOML."""
    assert isinstance(table, dict), "msgspec pointed into this table"
    for key, value in cast("dict[str, object]", table).items():
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return f'"{key}"'
    raise AssertionError("msgspec refused a value of this table")


def _check_beyond_types(path: Path, mapping: Mapping) -> None:
    """Refuse what is of the right type and cannot be meant."""
    if mapping.source == "api":
        raise ImportRefusedError(f'{path}: source may not be "api", which stands for commands; name the log instead.')
    columns = mapping.columns
    if columns.organisation is None:
        raise ImportRefusedError(f"{path}: [columns] organisation is missing.")
    for key in ("case", "obstacle", "organisation"):
        place: Place | None = getattr(columns, key)
        wrong = None if place is None else misfit(place)
        if wrong is not None:
            raise ImportRefusedError(f"{path}: [columns] {key}: {wrong}.")
    named = [name for name in (columns.activity, columns.timestamp, columns.organisation) if name is not None]
    if len(set(named)) < len(named):
        raise ImportRefusedError(f"{path}: [columns] activity, timestamp and organisation must be different columns.")
    try:
        _ = mapping.zone
    except (KeyError, ValueError, OSError):  # zoneinfo raises each of them for one kind of wrong name
        message = f"{path}: [times] timezone: there is no time zone {mapping.times.timezone!r}."
        raise ImportRefusedError(message) from None
    encoding = mapping.csv.encoding
    if encoding is not None:
        try:
            "".encode(encoding)
        except (LookupError, ValueError):  # ValueError: a name with a NUL in it
            raise ImportRefusedError(f"{path}: [csv] encoding: there is no encoding {encoding!r}.") from None
    if mapping.csv.delimiter in {'"', "\n", "\r"}:
        raise ImportRefusedError(f"{path}: [csv] delimiter may be neither a quotation mark nor a line end.")


def _written(key: str) -> str:
    """Return a key's path as it is written in TOML: ``columns.case`` is ``[columns] case``."""
    table, dot, name = key.partition(".")
    return f"[{table}] {name}" if dot else key


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
