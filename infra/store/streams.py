"""The streams of one round of commands: their histories, found at hand or in the database, and kept afterwards."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct

from ...domain.case.facts import CaseOpened
from ...domain.case.history import History
from ...domain.command import Command
from . import codec, reading
from .arrays import uuid_array
from .codec import UnreadableEvent
from .kept import KeptHistories

HEADS: Final = "SELECT stream_id, version FROM knelpunt.stream_head WHERE stream_id = ANY(%s)"


class Stream(Struct, eq=False):
    """A stream in a round. Its history grows by what is proposed."""

    id: UUID
    history: History
    unverified: int | None
    """The version that it is taken to have; none if it was read in this round."""
    unreadable: UnreadableEvent | None = None
    pending: bool = False
    """Something is proposed."""
    behind: bool = False
    """It has another version than it was taken to have."""
    broken: bool = False
    """Its history holds what is not recorded, or lacks what is."""


def streams_of(
    connection: psycopg.Connection, kept: KeptHistories, commands: Sequence[Command], *, doubted: Collection[UUID]
) -> list[Stream]:
    """Return the stream of each command; several commands may share one.

    The stream of a case that is to be opened is taken to be new: as a rule it is, and otherwise append will say so.
    Nothing is taken for granted about ``doubted`` streams.
    """
    found: dict[UUID, Stream] = {}
    unknown: dict[UUID, Stream] = {}
    streams: list[Stream] = []
    for command in commands:
        stream = found.get(command.stream)
        if stream is None:
            history = kept.take(command.stream)
            if doubted and command.stream in doubted:
                history = None
            elif history is None and isinstance(command.data, CaseOpened):
                history = History()
            if history is None:
                stream = unknown[command.stream] = Stream(command.stream, History(), None)
            else:
                stream = Stream(command.stream, history, len(history))
            found[command.stream] = stream
        streams.append(stream)
    if unknown:
        _load(connection, unknown)
    return streams


def _load(connection: psycopg.Connection, streams: dict[UUID, Stream]) -> None:
    """Read streams; one with an event that cannot be read gets that error."""
    for row in reading.stream_rows(connection, streams):
        stream = streams[row.stream]
        if stream.unreadable is None:
            try:
                stream.history.append(codec.decode(row))
            except UnreadableEvent as error:
                stream.unreadable = error


def verify(connection: psycopg.Connection, streams: Collection[Stream]) -> None:
    """Look whether streams that were not read in this round still have the version they are taken to have."""
    asked = {stream.id: stream for stream in streams if stream.unverified is not None}
    if asked:
        cursor = connection.cursor(binary=True).execute(HEADS, (uuid_array(asked),), prepare=True)
        heads: dict[UUID, int] = dict(cursor.fetchall())
        for id_, stream in asked.items():
            if heads.get(id_, 0) != stream.unverified:
                stream.behind = stream.broken = True
