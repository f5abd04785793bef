"""The registry as the HTTP service has it while it runs: its connections, its engine, its measures."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from graphql import OperationType
from psycopg_pool import AsyncConnectionPool

from ...graphql.asking import Asking
from ...graphql.engine import Engine, Prepared, Refusal, failed, operation_type
from ...graphql.ports import Asker
from ...graphql.problems import Problem, ProblemCode
from ..identity.tokens import BadToken, Viewer
from ..logbook.security import Action, SecurityEvent
from ..observing import tracing
from ..store import patience
from .admission import Admission
from .allowance import Allowance
from .horizon import Horizon
from .measures import Measures
from .origin import Origin
from .pulse import pulse
from .reading import PostgresSession, reading_pool
from .replicas import Floors, Replica, Replicas, floor_of, name_of
from .services import Services
from .tail import Tail

COMMAND_LINE: Final = "command line"
"""Whence comes what is asked in this process itself."""

ANSWERS_MAX: Final = 3
"""How often a question is answered anew because somebody was erased meanwhile; commands have their effect once."""


class RunningRegistry:
    """What a process answers with, from start to stop."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.engine = Engine(services.schema, introspection=services.introspection)
        self.admission = Admission(self.engine, Allowance(services.cost_per_minute), services.documents)
        self.measures = Measures()
        services.writer.watched_by(self.measures)
        self.tail: Tail
        self.pool: AsyncConnectionPool[patience.AsyncConnection]
        self.horizon: Horizon
        self.replicas: Replicas | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Hold connections until the end of the block; the service starts without a database that is away."""
        self.tail = Tail(self.services.url)
        self.pool = reading_pool(self.services.url, self.services.readers_max)
        self.horizon = Horizon(self.pool, self.tail)
        await self.pool.open(wait=False)
        if self.services.replica_urls:
            self.replicas = self._replicas()
            await self.replicas.open()
        self.tail.start()
        self.horizon.start()
        beating = asyncio.get_running_loop().create_task(pulse(self.measures, self.pool, self.services.writer))
        try:
            yield
        finally:
            beating.cancel()
            await self.horizon.stop()
            await self.tail.stop()
            if self.replicas is not None:
                await self.replicas.close()
            await self.pool.close()

    def _replicas(self) -> Replicas:
        """Return the replicas that the settings name."""
        size = self.services.readers_max
        asked = [Replica(name_of(url), reading_pool(url, size)) for url in self.services.replica_urls]
        return Replicas(asked, Floors(lambda: floor_of(self.pool)))

    async def asker(self, token: str) -> Asker:
        """Return who a token says asks. Raises ``BadToken``."""
        verifier = self.services.verifier
        # A real issuer's keys may have to be fetched, which nobody else shall wait for.
        quick = self.services.development
        return asker_of(verifier.viewer(token) if quick else await asyncio.to_thread(verifier.viewer, token))

    def turned_away(self, what: str, origin: Origin, error: BadToken) -> None:
        """Count and record that somebody asked for something without a token that counts."""
        self.measures.unauthenticated.inc()
        self.services.security.note(SecurityEvent(Action.SIGN_IN, what, f"REFUSED {error}", origin.address))

    def refused(self, action: Action, what: str, why: str, origin: Origin, who: Asker) -> None:
        """Record that something was refused to somebody."""
        event = SecurityEvent(action, what, f"REFUSED {why}", origin.address, who.signature)
        self.services.security.note(event)

    def watch(self, found: dict[str, Any], origin: Origin, who: Asker) -> None:
        """Record what an answer refuses for want of a right."""
        for error in found.get("errors", ()):
            code = error.get("extensions", {}).get("code")
            if code == ProblemCode.FORBIDDEN:
                self.refused(Action.ACCESS, "graphql", code, origin, who)

    @asynccontextmanager
    async def session(
        self, asker: Asker, origin: Origin, replicas: Replicas | None = None
    ) -> AsyncGenerator[PostgresSession]:
        """Give a session for somebody who asks from somewhere, closed afterwards. ``replicas`` may answer, if any."""
        session = PostgresSession(
            self.pool, asker, self.services, self.tail, self.horizon, origin, self.measures, replicas
        )
        try:
            yield session
        finally:
            await session.close()

    async def ask(
        self, asker: Asker, text: str, variables: dict[str, Any] | None = None, operation: str | None = None
    ) -> dict[str, Any]:
        """Return GraphQL's response to a document of our own, asked on the command line: admitted without asking."""
        try:
            prepared = self.engine.prepare(text, variables or {})
        except Refusal as refusal:
            return {"errors": refusal.errors}
        return await self.answer(asker, prepared, operation, Origin(COMMAND_LINE))

    async def answer(self, asker: Asker, prepared: Prepared, operation: str | None, origin: Origin) -> dict[str, Any]:
        """Return GraphQL's response to a question, none of whose texts are about anybody erased by now.

        Of whom it shows texts is on record then; if that cannot be, an error is all there is.
        """
        changes = operation_type(prepared, operation) is OperationType.MUTATION
        replicas = None if changes else self.replicas
        for _ in range(ANSWERS_MAX):
            async with self.session(asker, origin, replicas) as session:
                with tracing.span("operation", operation=_kind(prepared, operation)) as span:
                    found = await self.engine.answer(prepared, operation, Asking(session, asker))
                    span.set_attribute("outcome", "errors" if "errors" in found else "data")
                if session.replica_failed:
                    # The main database answers, whatever became of the replica.
                    replicas = None
                    continue
                self.watch(found, origin, asker)
                try:
                    await session.note()
                except Problem as problem:
                    return failed(problem)
                if not await session.outdated():
                    return found
                if changes:
                    break
        message = "Somebody whom this is about is being erased: ask again (a command with the same commandId)."
        return failed(Problem(ProblemCode.UNAVAILABLE, message))


def _kind(prepared: Prepared, operation: str | None) -> str:
    """Return what kind of operation a document holds, by GraphQL's own names."""
    found = operation_type(prepared, operation)
    return "none" if found is None else found.value


def asker_of(viewer: Viewer) -> Asker:
    """Return who asks, as a verified token says."""
    expires_at = datetime.fromtimestamp(viewer.expires_at, UTC)
    return Asker(viewer.organisation, viewer.role, viewer.user, expires_at, viewer.subject)
