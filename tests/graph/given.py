"""A registry to ask: real events, a real projector, and questions in GraphQL as somebody."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.graphql.schema import SCHEMA
from knelpunt.infra.bootstrap import DECIDERS, derived
from knelpunt.infra.http.registry import RunningRegistry
from knelpunt.infra.http.services import Services
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.logbook.processing import ProcessingLog
from knelpunt.infra.logbook.security import SecurityLog
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store import bulk
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.writer import Writer
from knelpunt.infra.vault.vault import Vault

GEMEENTE = "urn:org:gemeente"
SVB = "urn:org:svb"
ZORG = "urn:org:zorg"
LONG_AGO = "2019-01-01T00:00:00Z"


class Asked:
    """One registry, asked in one event loop."""

    def __init__(self, url: str, issuer: DevelopmentIssuer, runner: asyncio.Runner) -> None:
        self.url = url
        self.issuer = issuer
        self.vault = Vault(url, b"m" * 32)
        self.writer = Writer(url, self.vault, DECIDERS, derived)
        self.projector = Projector(url)
        self.projector.catch_up()
        services = Services(
            schema=SCHEMA,
            url=url,
            writer=self.writer,
            vault=self.vault,
            processing=ProcessingLog(url, self.vault),
            security=SecurityLog(url),
            verifier=issuer.verifier(),
            development=True,
            readers_max=4,
        )
        self.running = RunningRegistry(services)
        self._runner = runner
        self._open = AsyncExitStack()
        self.run(self._open.enter_async_context(self.running.running()))

    def close(self) -> None:
        self.run(self._open.aclose())
        self.running.services.processing.close()
        self.running.services.security.close()
        self.projector.close()
        self.writer.close()
        self.vault.close()

    def run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    def asker(self, organisation: str | None = GEMEENTE, role: Role = Role.AGENCY) -> Asker:
        """Somebody who acts in a role, and sees all there is: most tests are about other things than who sees what."""
        return Asker(organisation, role, "somebody", datetime.now(UTC) + timedelta(hours=1), owns=True)

    def response(self, query: str, asker: Asker | None = None, **variables: Any) -> dict[str, Any]:
        return self.run(self.running.ask(asker or self.asker(), query, variables))

    def ask(self, query: str, asker: Asker | None = None, **variables: Any) -> Any:
        """The data of an answer without errors."""
        found = self.response(query, asker, **variables)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def error(self, query: str, asker: Asker | None = None, **variables: Any) -> dict[str, Any]:
        """The one error of an answer."""
        found = self.response(query, asker, **variables)
        assert len(found["errors"]) == 1, found
        return found["errors"][0]

    def registry(self, selection: str, lens: str = "", **variables: Any) -> Any:
        """What the registry says, projected up to now."""
        self.project()
        declared = variables.pop("declared", "")
        return self.ask(f"query {declared} {{ registry{lens} {{ {selection} }} }}", **variables)["registry"]

    def do(self, mutation: str, input_: dict[str, Any], selection: str = "", asker: Asker | None = None) -> Any:
        """What a mutation came to: its payload's position, and what else was selected, or its refusal."""
        name = mutation[0].upper() + mutation[1:]
        query = f"""mutation M($input: {name}Input!) {{ {mutation}(input: $input) {{
            __typename ... on {name}Payload {{ position commandId {selection} }}
            ... on Refused {{ code message facts {{ name value }} }} }} }}"""
        return self.ask(query, asker, input=input_)[mutation]

    def done(self, mutation: str, input_: dict[str, Any], selection: str = "", asker: Asker | None = None) -> Any:
        """What a mutation came to that is not refused."""
        found = self.do(mutation, input_, selection, asker)
        assert found["__typename"] != "Refused", found
        return found

    def refused(self, mutation: str, input_: dict[str, Any], asker: Asker | None = None) -> Any:
        """The refusal of a mutation."""
        found = self.do(mutation, input_, asker=asker)
        assert found["__typename"] == "Refused", found
        return found

    def project(self) -> int:
        return self.projector.catch_up()

    def destroy_keys(self) -> None:
        """Destroy every subject's key, as erasing them will."""
        with connect(self.url, DatabaseRole.OWNER) as connection:
            connection.execute("DELETE FROM vault.key")

    def organisations(self) -> None:
        """Register the organisations that stories here are about, long ago."""
        for identifier, name, kind in (
            (GEMEENTE, "Gemeente Ergens", "MUNICIPALITY"),
            (SVB, "Sociale Verzekeringsbank", "EXECUTING_AGENCY"),
            (ZORG, "Zorgkantoor", "CARE_PROVIDER"),
        ):
            given = {"organisation": identifier, "name": name, "kind": kind, "occurredAt": LONG_AGO}
            self.done("registerOrganisation", given)

    def history(self, events: Sequence[Event]) -> None:
        """Take in history that was recorded elsewhere, once, and project it."""
        with connect(self.url, DatabaseRole.OWNER) as connection:
            bulk.append_history(connection, events, [b"h" * 32] * len(events))
        self.project()


class Story:
    """A case with an obstacle at the municipality, told step by step."""

    def __init__(self, asked: Asked, days_ago: int = 100, opener: Asker | None = None, **opening: Any) -> None:
        self.asked = asked
        self.start = datetime.now(UTC) - timedelta(days=days_ago)
        opened = asked.done(
            "openCase",
            {"theme": "schulden", "noticedBy": "SUBJECT", "title": "Een brief te veel", "occurredAt": self.day(0)}
            | opening,
            "case { id reference subjects }",
            opener,
        )
        self.case = opened["case"]["id"]
        self.reference = opened["case"]["reference"]
        self.subject = opened["case"]["subjects"][0]
        self.position = opened["position"]

    def day(self, days: float) -> str:
        return (self.start + timedelta(days=days)).isoformat()

    def done(self, mutation: str, day: float, selection: str = "", asker: Asker | None = None, **given: Any) -> Any:
        found = self.asked.done(mutation, {"case": self.case, "occurredAt": self.day(day)} | given, selection, asker)
        self.position = found["position"]
        return found

    def report(self, day: float = 1, **given: Any) -> str:
        """Report an obstacle that the municipality takes in; return its id."""
        said: dict[str, Any] = {"origin": "UNKNOWN", "experiencedAt": GEMEENTE, "receivedBy": GEMEENTE} | given
        return self.done("reportObstacle", day, "obstacle { id }", **said)["obstacle"]["id"]
