"""What the service tells Prometheus: docs/monitoring/ draws it and says when to wake people.

Labels are kinds and routes, never anybody's: a measure is kept for months and read by many.
"""

import os
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from ..observing.shared import FOLDER, forget_dead

TOGETHER: Final = os.environ.get(FOLDER)
"""The folder in which the processes of one service share their measures, if they do; as Prometheus' client found it."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""From an append that shares its commit to what nobody waits for any more."""

COUNTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


LISTS: Final = MappingProxyType({"gaps": "gap_state", "chains": "chain_state", "cases": "case_state"})
"""The lists whose queries are measured by name, with the table that tells them."""


def about(query: str) -> str:
    """Return what a query over the read model lists: the lists that operators watch, and all others as ``other``."""
    return next((name for name, table in LISTS.items() if table in query), "other")


class Measures:
    """The measures of one process. Each app has its own, so that two in one process do not add up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        counter = partial(Counter, registry=self._registry)
        seconds = partial(Histogram, registry=self._registry, buckets=SECONDS)
        counts = partial(Histogram, registry=self._registry, buckets=COUNTS)
        self.requests = seconds("knelpunt_http_seconds", "How long requests took.", ["route", "status"])
        self.answers = counter("knelpunt_graphql_answers", "Answers to GraphQL documents.", ["outcome"])
        self.seconds = seconds("knelpunt_graphql_seconds", "How long answering took.")
        self.subscriptions = _now("knelpunt_graphql_subscriptions", "Subscriptions that run.", self._registry)
        self.dropped = counter("knelpunt_graphql_dropped", "Answers of subscriptions that no client took.")
        self.unauthenticated = counter("knelpunt_http_unauthenticated", "Requests without a token that counts.")
        self.queries = seconds(
            "knelpunt_query_seconds", "How long statements over the read model took, by what they list.", ["about"]
        )
        self.rounds = seconds(
            "knelpunt_append_seconds", "How long commands that share a commit took, from the first look to the disk."
        )
        self.round_commands = counts("knelpunt_append_commands", "How many commands shared a commit.")
        self.commands = counter(
            "knelpunt_commands", "Commands: recorded, refused, or failed for the registry's sake.", ["outcome"]
        )
        self.waiting = _now("knelpunt_commands_waiting", "Commands that wait for their turn.", self._registry)
        self.pool = _now(
            "knelpunt_pool_connections", "Connections that answer questions.", self._registry, labels=["state"]
        )
        self.queue = _now("knelpunt_pool_waiting", "Requests that wait for a connection.", self._registry)
        self.questions = counter(
            "knelpunt_questions", "Questions that might go to a replica, by who answered them.", ["by"]
        )
        self.lag = _latest("knelpunt_projection_lag_events", "Events recorded and not projected.", self._registry)
        self.lag_seconds = _latest(
            "knelpunt_projection_lag_seconds", "How long ago the first of them was recorded.", self._registry
        )
        self.position = _latest("knelpunt_log_position", "The last position of the log.", self._registry)
        self.trail_lag = _latest(
            "knelpunt_trail_lag_events", "Events that no published checkpoint covers.", self._registry
        )
        self.batches = seconds("knelpunt_projection_batch_seconds", "How long batches of the projector took.")
        self.batch_events = counts("knelpunt_projection_batch_events", "How many events they held.")

        # From the start, so that the first of each is a rise from nothing and not a measure that appears.
        for outcome in ("data", "errors", "refused"):
            self.answers.labels(outcome)
        for outcome in ("recorded", "refused", "failed"):
            self.commands.labels(outcome)
        for by in ("replica", "primary"):
            self.questions.labels(by)
        for about in (*LISTS, "other"):
            self.queries.labels(about)

    def queried(self, query: str, seconds: float) -> None:
        """Note how long a statement over the read model took."""
        self.queries.labels(about(query)).observe(seconds)

    def appended(self, commands: int, seconds: float) -> None:
        """Note a round of commands."""
        self.rounds.observe(seconds)
        self.round_commands.observe(commands)

    def answered(self, outcome: str) -> None:
        """Note what came of a command."""
        self.commands.labels(outcome).inc()

    def projected(self, events: int, seconds: float) -> None:
        """Note a batch of the projector."""
        self.batches.observe(seconds)
        self.batch_events.observe(events)

    def text(self) -> bytes:
        """Return all measures in Prometheus' text format; those of a process are of the one that answers."""
        shown = self._registry
        if TOGETHER is not None:
            forget_dead(Path(TOGETHER))
            shown = CollectorRegistry()
            MultiProcessCollector(shown, TOGETHER)
        process = CollectorRegistry()
        ProcessCollector(registry=process)
        PlatformCollector(registry=process)
        return generate_latest(shown) + generate_latest(process)


def _now(name: str, says: str, registry: CollectorRegistry, labels: list[str] | None = None) -> Gauge:
    """Return a measure of a process, of which a service has as much as all that live together."""
    return Gauge(name, says, labels or (), registry=registry, multiprocess_mode="livesum")


def _latest(name: str, says: str, registry: CollectorRegistry) -> Gauge:
    """Return a measure of the registry, of which all processes see the same: whoever looked last is right."""
    return Gauge(name, says, registry=registry, multiprocess_mode="mostrecent")
