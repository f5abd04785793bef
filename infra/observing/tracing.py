"""Traces: spans of requests, commands, appends, queries and batches, sent by OTLP where one setting says whereto.

Without it a span is an object that does nothing, and OpenTelemetry is not even imported: it is an extra
(``knelpunt[telemetry]``). Spans hold kinds, counts and durations. What they may hold is listed here, so that no text
and no pseudonym comes in by mistake; errors are told by their type, since a message may quote what was sent.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, Tracer

ATTRIBUTES: Final = frozenset(
    {"method", "route", "status", "operation", "outcome", "topic", "events", "commands", "about", "rows", "position"}
)
"""What a span may say: each is a kind, a count or a position of the log."""

TRACES_PATH: Final = "/v1/traces"

FLUSH_MS_MAX: Final = 2_000
"""How long a process that ends may take to send its last spans; a collector that is away must not keep it."""


class TelemetryMissing(Exception):  # noqa: N818  named for what it is
    """Traces are asked for and OpenTelemetry is not installed; the message is one sentence that says what to do."""


class Noted(Protocol):
    """A span under way, to which something can be added."""

    def set_attribute(self, key: str, value: str | float) -> object:
        """Note something of ``ATTRIBUTES``."""
        ...


class _Nothing:
    """A span that nobody asked for."""

    def set_attribute(self, key: str, value: str | float) -> None:
        """Do nothing."""


_NOTHING: Final = nullcontext[Noted](_Nothing())
_tracer: "Tracer | None" = None


def span(name: str, **attributes: str | float) -> AbstractContextManager[Noted]:
    """Return a span of what happens in a block, within whatever span is under way."""
    return _NOTHING if _tracer is None else _span(_tracer, name, attributes)


def request_span(name: str, traceparent: str | None, **attributes: str | float) -> AbstractContextManager[Noted]:
    """Return the span of a request; it goes on from that of its caller where they name one (W3C Trace Context)."""
    if _tracer is None:
        return _NOTHING
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier = {} if traceparent is None else {"traceparent": traceparent}
    return _span(_tracer, name, attributes, TraceContextTextMapPropagator().extract(carrier), served=True)


def joint_span(
    name: str, causes: Sequence["SpanContext | None"], **attributes: str | float
) -> AbstractContextManager[Noted]:
    """Return a span of what is done for several at once, linked to the span of each."""
    return _NOTHING if _tracer is None else _span(_tracer, name, attributes, causes=causes)


def here() -> "SpanContext | None":
    """Return the span that is under way, if any; for who hands on work to another thread."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    found = get_current_span().get_span_context()
    return found if found.is_valid else None


def expect_installed(endpoint: str | None) -> None:
    """Raise ``TelemetryMissing`` where spans are to be sent and OpenTelemetry is missing."""
    if endpoint is not None and not all(
        map(find_spec, ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter"))
    ):
        message = "Traces are asked for and OpenTelemetry is missing: pip install 'knelpunt[telemetry]'."
        raise TelemetryMissing(message)


def begin(endpoint: str | None, part: str) -> Callable[[], None]:
    """Send spans of this process, a ``part`` of the registry; return what ends that. Raises ``TelemetryMissing``.

    ``endpoint`` is the address of a collector, as ``http://host:4318``; none for no traces.
    """
    if endpoint is None:
        return _end
    expect_installed(endpoint)
    global _tracer  # noqa: PLW0603  one process has one tracer, as it has one standard error
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": "knelpunt", "service.namespace": part})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    # Sent by a thread of its own, from a queue that drops what it cannot hold: nobody waits for a collector.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint.rstrip("/") + TRACES_PATH)))
    _tracer = provider.get_tracer("knelpunt")

    def end() -> None:
        _end()
        provider.force_flush(FLUSH_MS_MAX)
        provider.shutdown()

    return end


def _end() -> None:
    global _tracer  # noqa: PLW0603  as above
    _tracer = None


@contextmanager
def _span(
    tracer: "Tracer",
    name: str,
    attributes: Mapping[str, str | float],
    context: "Context | None" = None,
    causes: Sequence["SpanContext | None"] = (),
    *,
    served: bool = False,
) -> Generator[Noted]:
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode  # noqa: PLC0415

    assert attributes.keys() <= ATTRIBUTES, f"a span may not tell {set(attributes) - ATTRIBUTES}"
    given: dict[str, Any] = dict(attributes)
    with tracer.start_as_current_span(
        name,
        context,
        SpanKind.SERVER if served else SpanKind.INTERNAL,
        given,
        [Link(cause) for cause in causes if cause is not None],
        record_exception=False,
        set_status_on_exception=False,
    ) as under_way:
        try:
            yield _Guarded(under_way)
        except BaseException as error:
            under_way.set_status(Status(StatusCode.ERROR, type(error).__qualname__))
            raise


class _Guarded:
    """A span that takes what spans may tell and nothing else."""

    def __init__(self, under_way: "Span") -> None:
        self._span = under_way

    def set_attribute(self, key: str, value: str | float) -> None:
        """Note something of ``ATTRIBUTES``."""
        assert key in ATTRIBUTES, f"a span may not tell {key}"
        self._span.set_attribute(key, value)
