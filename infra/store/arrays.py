"""PostgreSQL arrays in their binary form, written whole.

psycopg turns a list into an array value by value, in Python, as text: for a batch of commands that takes longer than
storing them. Here each array is one ``bytes.join``, and the server reads it without parsing. The form is that of
``array_recv`` in PostgreSQL's source: five 32-bit numbers, then each element's length and bytes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from struct import Struct
from typing import Final
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from .moments import microseconds

_HEAD: Final = Struct(">iiIii").pack
_LENGTH: Final = Struct(">i").pack
_INT2: Final = Struct(">ih").pack
_INT4: Final = Struct(">ii").pack
_INT8: Final = Struct(">iq").pack
_NULL: Final = _LENGTH(-1)
_UUID: Final = _LENGTH(16)

# Object ids of types are the same in every PostgreSQL (src/include/catalog/pg_type.dat).
_ELEMENT_OIDS: Final = {"bytea": 17, "int2": 21, "int4": 23, "text": 25, "timestamptz": 1184, "uuid": 2950}


class Array(bytes):
    """An array in binary form; its subclasses are the types of array."""


class ByteaArray(Array):
    """``bytea[]``."""


class Int2Array(Array):
    """``smallint[]``."""


class Int4Array(Array):
    """``integer[]``."""


class TextArray(Array):
    """``text[]``."""


class TimestamptzArray(Array):
    """``timestamptz[]``."""


class UuidArray(Array):
    """``uuid[]``."""


_ARRAY_OIDS: Final[dict[type[Array], int]] = {
    ByteaArray: 1001,
    Int2Array: 1005,
    Int4Array: 1007,
    TextArray: 1009,
    TimestamptzArray: 1185,
    UuidArray: 2951,
}


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


def register(connection: psycopg.Connection) -> None:
    """Teach a connection the arrays of this module."""
    for array, array_oid in _ARRAY_OIDS.items():
        dumper = type(f"{array.__name__}Dumper", (_ArrayDumper,), {"oid": array_oid})
        connection.adapters.register_dumper(array, dumper)


def bytea_array(values: Iterable[bytes]) -> ByteaArray:
    """Return byte strings as an array."""
    return ByteaArray(_array("bytea", [_LENGTH(len(value)) + value for value in values]))


def int2_array(values: Iterable[int]) -> Int2Array:
    """Return 16-bit numbers as an array."""
    return Int2Array(_array("int2", [_INT2(2, value) for value in values]))


def int4_array(values: Iterable[int]) -> Int4Array:
    """Return 32-bit numbers as an array."""
    return Int4Array(_array("int4", [_INT4(4, value) for value in values]))


def text_array(values: Iterable[str]) -> TextArray:
    """Return texts as an array."""
    encoded = [value.encode() for value in values]
    return TextArray(_array("text", [_LENGTH(len(value)) + value for value in encoded]))


def timestamptz_array(values: Iterable[datetime]) -> TimestamptzArray:
    """Return aware moments as an array."""
    return TimestamptzArray(_array("timestamptz", [_INT8(8, microseconds(value)) for value in values]))


def uuid_array(values: Iterable[UUID | None]) -> UuidArray:
    """Return UUIDs, or nulls, as an array."""
    return UuidArray(_array("uuid", [_NULL if value is None else _UUID + value.bytes for value in values]))


def _array(element: str, items: Sequence[bytes]) -> bytes:
    if not items:
        return _HEAD(0, 0, _ELEMENT_OIDS[element], 0, 0)[:12]
    has_null = int(_NULL in items)
    return b"".join((_HEAD(1, has_null, _ELEMENT_OIDS[element], len(items), 1), *items))
