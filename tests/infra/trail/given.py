"""A registry with events, its trail, and what the events' entries are, asked apart from the publisher."""

from pathlib import Path
from uuid import uuid4

import psycopg

from infra.store.given import append, event
from knelpunt.infra.store.connection import DatabaseRole, connect, connect_as_registry
from knelpunt.infra.trail.entry import entry
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.note import ED25519, PrivateKey, new_key
from knelpunt.infra.trail.publisher import Publisher

KEY = new_key("registry.example/events", ED25519, bytes(range(32)))

LAST = "(SELECT max(position) FROM knelpunt.event)"
TAMPERINGS = {
    "replaced": (
        "UPDATE knelpunt.event SET state = replace(convert_from(state, 'UTF8'), 'LETTER', 'VISIT')::bytea "
        f"WHERE position = {LAST}"
    ),
    "back-dated": (
        f"UPDATE knelpunt.event SET recorded_at = recorded_at - interval '1 microsecond' WHERE position = {LAST}"
    ),
    "dropped": f"DELETE FROM knelpunt.event WHERE position = {LAST}",
    "dropped and closed up": (
        "DELETE FROM knelpunt.event WHERE position = 3; "
        "UPDATE knelpunt.event SET position = position - 1 WHERE position > 3; "
        "UPDATE knelpunt.log_head SET next_position = next_position - 1"
    ),
    "inserted": (
        "INSERT INTO knelpunt.event SELECT position, occurred_at, recorded_at, event_id, stream_id, event_id, version, "
        "topic_version, topic, state FROM knelpunt.event WHERE position = 3"
    ),
    "inserted and moved up": (
        "UPDATE knelpunt.event SET position = -1 - position WHERE position > 3; "
        "UPDATE knelpunt.event SET position = -position WHERE position < 0; "
        "INSERT INTO knelpunt.event SELECT 4, occurred_at, recorded_at, case_id, stream_id, event_id, version, "
        "topic_version, topic, state FROM knelpunt.event WHERE position = 3; "
        "UPDATE knelpunt.log_head SET next_position = next_position + 1"
    ),
    "reordered": (
        "UPDATE knelpunt.event SET position = -1 WHERE position = 3; "
        "UPDATE knelpunt.event SET position = 3 WHERE position = 4; "
        "UPDATE knelpunt.event SET position = 4 WHERE position = -1"
    ),
}
"""What somebody who may do anything in the database can do to a log of ten events, and what it takes."""


def fill(url: str, count: int) -> None:
    """Record events in a stream of their own, in one commit."""
    stream = uuid4()
    with connect(url, DatabaseRole.APPENDER) as connection:
        append(connection, [event(stream, version) for version in range(1, count + 1)])


def entries(url: str) -> list[bytes]:
    """The entries of all events, in order."""
    with connect_as_registry(url, DatabaseRole.READER) as connection:
        rows = connection.execute(
            "SELECT position, recorded_at, stream_id, version, topic, topic_version, state FROM knelpunt.event "
            "ORDER BY position"
        ).fetchall()
    return [entry(*row) for row in rows]


def tampered(url: str, *statements: str) -> None:
    """Do what a superuser can do."""
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def files_in(folder: TrailFolder) -> dict[str, bytes]:
    """Every file that is served, by its name."""
    return {
        str(path.relative_to(folder.public)): path.read_bytes()
        for path in sorted(Path(folder.public).rglob("*"))
        if path.is_file()
    }


class Trail:
    """A registry at ``url`` and its trail in ``folder``."""

    def __init__(self, url: str, path: Path, key: PrivateKey = KEY) -> None:
        self.url = url
        self.folder = TrailFolder(path)
        self.key = key
        self._publishers: list[Publisher] = []

    def publisher(self) -> Publisher:
        """A publisher, as a program makes one when it starts."""
        self._publishers.append(Publisher(self.folder, self.key, self.url))
        return self._publishers[-1]

    def close(self) -> None:
        for publisher in self._publishers:
            publisher.close()

    def grown(self, count: int) -> "Trail":
        """The trail after so many events more."""
        fill(self.url, count)
        self.publisher().publish()
        return self

    def files(self) -> dict[str, bytes]:
        return files_in(self.folder)
