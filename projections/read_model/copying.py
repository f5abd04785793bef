"""Rows of the read model in PostgreSQL's binary COPY format.

A rebuild writes some three rows an event, so what a row costs decides what a rebuild costs: packing it by hand takes a
fraction of what a driver takes that must find out each value's type. Every function returns one row as bytes, in the
order of the columns of ``tables.sql`` (``COLUMNS``). Format: PostgreSQL manual, COPY, "Binary Format"; moments are
microseconds since 2000-01-01, as int8.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct as Layout
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from ...domain.ids import gap_name_of
from ...domain.settings import GRACES
from ...domain.vocabulary import GapKind
from ..derivation.facets import (
    FOR_EVER,
    CaseFacet,
    ChainFacet,
    Facet,
    GapFacet,
    HandoffFacet,
    OrganisationFacet,
    PartyFacet,
)
from ..derivation.shapes import NO_TIME
from ..derivation.timelines import Row

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What a binary COPY begins with: a signature, no flags, no extension."""

END: Final = b"\xff\xff"
"""What a binary COPY ends with."""

WINDOWS: Final = "as_of_from, as_of_until, known_from, known_until"

COLUMNS: Final = MappingProxyType(
    {
        "case_state": f"{WINDOWS}, opened_at, closed_at, case_id, reference, theme",
        "case_party": f"{WINDOWS}, case_id, organisation",
        "chain_state": (
            f"{WINDOWS}, reported_at, settled_at, harm_until, case_id, obstacle_id, claimed, holder, theme, "
            "organisations, harms"
        ),
        "gap_state": (
            f"{WINDOWS}, from_at, until_at, lasting_since, counts_after, harm_until, lasted, case_id, gap_id, "
            "obstacle_id, begun_by, length, open, kind, theme, to_act, involved, harms, evidence"
        ),
        "handoff_state": (
            f"{WINDOWS}, made_at, delivered_at, respond_by, ended_at, case_id, handoff_id, obstacle_id, kind, outcome, "
            "ground, from_organisation, to_organisation"
        ),
        "organisation_state": f"{WINDOWS}, organisation, name, kind, parent",
    }
)
"""The columns of each table, in the order in which rows give them."""

TABLES: Final = MappingProxyType(
    {
        CaseFacet: "case_state",
        PartyFacet: "case_party",
        ChainFacet: "chain_state",
        GapFacet: "gap_state",
        HandoffFacet: "handoff_state",
        OrganisationFacet: "organisation_state",
    }
)
"""Where each kind of facet is kept."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LENGTH: Final = Layout(">i").pack
_MOMENT: Final = Layout(">iq").pack
_NULL: Final = _LENGTH(-1)
_INFINITY: Final = _MOMENT(8, 2**63 - 1)
_MINUS_INFINITY: Final = _MOMENT(8, -(2**63))
_RUNNING: Final = _MOMENT(8, -1)
_TRUE: Final = _LENGTH(1) + b"\x01"
_FALSE: Final = _LENGTH(1) + b"\x00"
_SIXTEEN: Final = _LENGTH(16)
_TEXT_OID: Final = 25
_UUID_OID: Final = 2950
_FIELDS: Final = {count: Layout(">h").pack(count) for count in range(32)}
_GRACES: Final = {kind: GRACES.get(kind, NO_TIME) // _MICROSECOND for kind in GapKind}


def _microseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


# A case's rows name the same few moments, texts and organisations over and over.
@lru_cache(maxsize=50_000)
def _moment(at: datetime) -> bytes:
    return _MOMENT(8, _microseconds(at))


def _until(at: datetime | None) -> bytes:
    """Return the end of a window: none has no end."""
    return _INFINITY if at is None else _moment(at)


def _moment_or_null(at: datetime | None) -> bytes:
    return _NULL if at is None else _moment(at)


@lru_cache(maxsize=100_000)
def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _text_or_null(value: str | None) -> bytes:
    return _NULL if value is None else _text(value)


def _uuid(value: UUID) -> bytes:
    return _SIXTEEN + value.int.to_bytes(16)


def _array(oid: int, items: list[bytes]) -> bytes:
    """Return an array of items that each stand with their length."""
    if not items:
        data = Layout(">iii").pack(0, 0, oid)
    else:
        data = Layout(">iiiii").pack(1, 0, oid, len(items), 1) + b"".join(items)
    return _LENGTH(len(data)) + data


_UUID_HEADS: Final = {
    count: _LENGTH(20 + 20 * count) + Layout(">iiiii").pack(1, 0, _UUID_OID, count, 1) for count in range(1, 9)
}
"""What short arrays of ids begin with, by their length: nearly all of them."""


@lru_cache(maxsize=100_000)
def _texts(values: tuple[str, ...]) -> bytes:
    return _array(_TEXT_OID, [_text(value) for value in values])


def _uuids(values: tuple[UUID, ...]) -> bytes:
    head = _UUID_HEADS.get(len(values))
    if head is None:
        return _array(_UUID_OID, [_uuid(value) for value in values])
    return head + b"".join([_SIXTEEN + value.int.to_bytes(16) for value in values])


def _harm_until(at: datetime | None) -> bytes:
    if at is None:
        return _MINUS_INFINITY
    return _INFINITY if at == FOR_EVER else _moment(at)


def encode(case: UUID, rows: Sequence[Row]) -> Iterator[tuple[str, bytes]]:
    """Yield each row of a case as the table in which it is kept, and its bytes in the binary format of COPY."""
    # One state often stands in several rows, whose windows alone differ.
    bodies: dict[int, tuple[str, bytes, bytes]] = {}
    for row in rows:
        state = row.state
        found = bodies.get(id(state))
        if found is None:
            count, body = _BODIES[type(state)]
            found = bodies[id(state)] = TABLES[type(state)], _FIELDS[count], b"".join(body(case, state))
        table, fields, rest = found
        yield (
            table,
            fields
            + _moment(row.as_of_from)
            + _until(row.as_of_until)
            + _moment(row.known_from)
            + _until(row.known_until)
            + rest,
        )


def _case(case: UUID, state: CaseFacet) -> tuple[bytes, ...]:
    return (
        _moment(state.opened_at),
        _moment_or_null(state.closed_at),
        _uuid(case),
        _text(state.reference),
        _text(state.theme),
    )


def _party(case: UUID, state: PartyFacet) -> tuple[bytes, ...]:
    return _uuid(case), _text(state.organisation)


def _chain(case: UUID, state: ChainFacet) -> tuple[bytes, ...]:
    return (
        _moment(state.reported_at),
        _moment_or_null(state.settled_at),
        _harm_until(state.harm_until),
        _uuid(case),
        _uuid(state.obstacle),
        _TRUE if state.claimed else _FALSE,
        _text_or_null(state.holder),
        _text(state.theme),
        _texts(state.organisations),
        _texts(state.harms),
    )


def _gap(case: UUID, state: GapFacet) -> tuple[bytes, ...]:
    # Two rows in five are gaps, so what can be written once for several fields is.
    gap = state.gap
    kind, begun_at, lies_on = gap.kind, _moment(gap.from_), _uuid(gap.lies_on)
    grace = _GRACES[kind]
    if gap.running_from is None:
        lasted = gap.pieces // _MICROSECOND
        since = _MINUS_INFINITY
        counts_after = _MINUS_INFINITY if lasted > grace else _INFINITY
        length = _MOMENT(8, lasted)
    elif gap.running_from is gap.from_:
        since = begun_at
        counts_after = since if not grace else _MOMENT(8, _microseconds(gap.from_) + grace)
        length = _RUNNING
    else:
        begun = _microseconds(gap.running_from) - gap.pieces // _MICROSECOND
        since = _MOMENT(8, begun)
        counts_after = _MOMENT(8, begun + grace)
        length = _RUNNING
    return (
        begun_at,
        _moment_or_null(gap.until),
        since,
        counts_after,
        _harm_until(state.harm_until),
        length,
        _uuid(case),
        _SIXTEEN,
        gap_name_of(gap.lies_on, kind, gap.begun_by),
        _NULL if kind is GapKind.DEADLOCK else lies_on,
        _uuid(gap.begun_by),
        _NULL if gap.length is None else _LENGTH(4) + _LENGTH(gap.length),
        _TRUE if gap.open else _FALSE,
        _words(kind, state.theme, gap.to_act, gap.involved, state.harms),
        _uuids(gap.evidence),
    )


@lru_cache(maxsize=100_000)
def _words(
    kind: GapKind, theme: str, to_act: tuple[str, ...], involved: tuple[str, ...], harms: tuple[str, ...]
) -> bytes:
    """Return the fields of a gap that hold words: many gaps share all of them."""
    return _text(kind) + _text(theme) + _texts(to_act) + _texts(involved) + _texts(harms)


def _handoff(case: UUID, state: HandoffFacet) -> tuple[bytes, ...]:
    return (
        _moment(state.made_at),
        _moment(state.delivered_at),
        _moment_or_null(state.respond_by),
        _moment_or_null(state.ended_at),
        _uuid(case),
        _uuid(state.id),
        _uuid(state.obstacle),
        _text(state.kind),
        _text(state.outcome),
        _text_or_null(state.ground),
        _text(state.from_),
        _text(state.to),
    )


def _organisation(_: UUID, state: OrganisationFacet) -> tuple[bytes, ...]:
    return _text(state.organisation), _text(state.name), _text(state.kind), _text_or_null(state.parent)


_BODIES: Final[Mapping[type, tuple[int, Callable[[UUID, Any], tuple[bytes, ...]]]]] = MappingProxyType(
    {
        CaseFacet: (9, _case),
        PartyFacet: (6, _party),
        ChainFacet: (14, _chain),
        GapFacet: (22, _gap),
        HandoffFacet: (16, _handoff),
        OrganisationFacet: (8, _organisation),
    }
)
"""How each kind of facet is written: how many fields a row has, and those beyond its windows."""


def name_of(state: Facet) -> UUID | str | None:
    """Return what names the thing within its case, in the column that ``NAMES`` gives; none for the case itself."""
    match state:
        case GapFacet():
            return state.gap.id
        case ChainFacet():
            return state.obstacle
        case HandoffFacet():
            return state.id
        case PartyFacet() | OrganisationFacet():
            return state.organisation
        case CaseFacet():
            return None


def table_of(state: Facet) -> str:
    """Return the table in which a state is kept."""
    return TABLES[type(state)]
