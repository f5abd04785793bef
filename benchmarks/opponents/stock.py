"""The stock way: the eventsourcing library's own Application, PostgreSQL recorder and ProjectionRunner.

A case is an aggregate whose events carry the same content as ours, as JSON. The recorder is as it comes, with a pool of
connections; ``tuned`` also turns on its option to append by a function of the database, in one round trip.
"""

from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

WRITERS: Final = 8
"""Connections in the recorder's pool; more make it no faster, since each insert locks the table."""

WAIT_SECONDS_MAX: Final = 600.0


class StockCase(Aggregate):
    """A case: it knows how many facts it has and the last one, and judges nothing."""

    @event("Opened")
    def __init__(self, case: UUID, body: dict[str, Any]) -> None:
        self.case = case
        self.facts = 1
        self.last = body

    @staticmethod
    def create_id(case: UUID) -> UUID:
        return case

    @event("Recorded")
    def record(self, body: dict[str, Any]) -> None:
        self.facts += 1
        self.last = body


class StockCases(Application[UUID]):
    """Opens cases and records facts about them."""

    def open(self, case: UUID, body: dict[str, Any]) -> None:
        self.save(StockCase(case, body))

    def record(self, case: UUID, body: dict[str, Any]) -> None:
        """Load the aggregate from its events, trigger another, and save it."""
        aggregate: StockCase = self.repository.get(case)
        aggregate.record(body)
        self.save(aggregate)


class FactsOfCases(PostgresTrackingRecorder):
    """A view with a row a case, upserted with each of its events, in one transaction with the position."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        schema = sql.Identifier(datastore.schema)
        self.sql_create_statements.append(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {}.facts_of_case "
                "(case_id uuid PRIMARY KEY, facts bigint NOT NULL, organisation text, occurred_at text, last_id text)"
            ).format(schema)
        )
        self.upsert = sql.SQL(
            "INSERT INTO {}.facts_of_case AS f VALUES (%s, 1, %s, %s, %s) ON CONFLICT (case_id) DO UPDATE "
            "SET facts = f.facts + 1, organisation = excluded.organisation, occurred_at = excluded.occurred_at, "
            "last_id = excluded.last_id"
        ).format(schema)

    def count(self, case: UUID, body: dict[str, Any], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self.upsert, (case, body["actor"]["organisation"], body["at"], body["id"]), prepare=True)


class CountFacts(Projection[FactsOfCases]):
    """Keeps the view."""

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.count(domain_event.originator_id, domain_event.body, tracking)


def environment(url: str) -> dict[str, str]:
    """Return the environment of a stock application on the database at ``url``."""
    given = conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given.get("port") or 5432),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": str(given["password"]),
        "POSTGRES_POOL_SIZE": str(WRITERS),
        "POSTGRES_CONNECT_TIMEOUT": "60",
        # Five seconds otherwise, which a busy machine may take between two statements.
        "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "60",
    }


def tuned(url: str) -> dict[str, str]:
    """Return the environment of one whose recorder appends by a function of the database."""
    return {**environment(url), "POSTGRES_ENABLE_DB_FUNCTIONS": "yes"}


def project(url: str) -> None:
    """Project all events of the stock application at ``url`` into its view, from nothing."""
    settings = environment(url)
    with ProjectionRunner(
        application_class=StockCases, projection_class=CountFacts, view_class=FactsOfCases, env=settings
    ) as runner:
        runner.wait(runner.app.recorder.max_notification_id(), timeout=WAIT_SECONDS_MAX)
    with suppress(AttributeError):
        runner.view.datastore.close()
