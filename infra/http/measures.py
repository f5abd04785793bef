"""What the service tells Prometheus: answers by outcome and how long they took, subscriptions, and its lag."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


class Measures:
    """The measures of one process. Each app has its own, so that two in one process do not add up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.answers = Counter(
            "knelpunt_graphql_answers", "Answers to GraphQL documents.", ["outcome"], registry=self._registry
        )
        self.seconds = Histogram(
            "knelpunt_graphql_seconds",
            "How long answering took.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self._registry,
        )
        self.subscriptions = Gauge("knelpunt_graphql_subscriptions", "Subscriptions that run.", registry=self._registry)
        self.dropped = Counter(
            "knelpunt_graphql_dropped", "Answers of subscriptions that no client took in time.", registry=self._registry
        )
        self.unauthenticated = Counter(
            "knelpunt_http_unauthenticated", "Requests without a token that counts.", registry=self._registry
        )
        self.lag = Gauge(
            "knelpunt_projection_lag_events", "Events that are recorded and not projected.", registry=self._registry
        )
        self.position = Gauge("knelpunt_log_position", "The last position of the log.", registry=self._registry)

    def text(self) -> bytes:
        """Return all measures in Prometheus' text format."""
        return generate_latest(self._registry)
