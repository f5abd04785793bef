"""The registry as an application of the eventsourcing library: its mapper and recorder are ours, the rest is its own.

``Registry`` is what events are written and read through; it holds the pools of connections to the database.
"""

from typing import Any, Final, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import (
    AggregateRecorder,
    InfrastructureFactory,
    Mapper,
    NotSupportedError,
    ProcessRecorder,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment
from psycopg_pool import ConnectionPool

from .connection import DatabaseRole, pool
from .mapper import EventMapper
from .recorder import EventRecorder

APPENDERS_MAX: Final = 2
"""Connections that append: they would only queue up for the log's head."""

READERS_MAX: Final = 8
"""Connections that read; each subscription keeps one for listening, and takes another to look."""


class RegistryFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes the parts that the library's application is put together from."""

    def __init__(self, env: Environment, appender: ConnectionPool, reader: ConnectionPool) -> None:
        super().__init__(env)
        self._appender = appender
        self._reader = reader

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Mapper[Any]:
        """Return the mapper of our events; there is no other."""
        return EventMapper()

    def application_recorder(self) -> EventRecorder:
        """Return the recorder over the append function."""
        return EventRecorder(self._appender, self._reader)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return the recorder for events. Raises ``NotSupportedError`` for snapshots: histories are short."""
        if purpose != "events":
            message = "The registry takes no snapshots."
            raise NotSupportedError(message)
        return self.application_recorder()

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> TrackingRecorder:
        """Raise ``NotSupportedError``: projections keep their position beside their rows."""
        message = "Projections keep their position with their rows, in a transaction of their own."
        raise NotSupportedError(message)

    def process_recorder(self) -> ProcessRecorder:
        """Raise ``NotSupportedError``: nothing here both projects and records."""
        message = "The registry has no process that both projects and records."
        raise NotSupportedError(message)

    def close(self) -> None:
        """Close the connections."""
        self._appender.close()
        self._reader.close()


class Registry(Application[UUID]):
    """Writes and reads events. ``url`` logs in as a member of the registry's roles."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.appender = pool(url, DatabaseRole.APPENDER, APPENDERS_MAX)
        self.reader = pool(url, DatabaseRole.READER, READERS_MAX)
        super().__init__()

    def construct_env(self, name: str, env: Any = None) -> Environment:
        """Return an empty environment: variables meant for other applications of the library do not concern ours."""
        return Environment(name, {})

    def construct_factory(self, env: Environment) -> RegistryFactory:
        """Return the factory of our parts."""
        return RegistryFactory(env, self.appender, self.reader)

    @property
    def event_recorder(self) -> EventRecorder:
        """The recorder, by its own type."""
        return cast("EventRecorder", self.recorder)
