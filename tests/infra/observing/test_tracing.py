"""Traces: sent to a collector that listens, of everything between a request and the disk, and with nobody in them."""

import asyncio
import gzip
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from graph.given import GEMEENTE, Asked
from infra.http.given import Service, serving
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.observing import tracing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UUID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


class Collector:
    """A collector of OTLP over HTTP that keeps what it is sent."""

    def __init__(self) -> None:
        received = self.received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append((self.path, ExportTraceServiceRequest.FromString(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def spans(self) -> list:
        """All spans that came."""
        return [
            span
            for _, sent in self.received
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on this machine."""
    found = Collector()
    yield found
    found.close()


def attributes(span) -> dict[str, object]:
    """What a span tells."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_request_is_followed_to_the_disk_and_into_the_read_model(
    registry_url: str, tmp_path: Path, collector: Collector
) -> None:
    """Request, operation, command, append, batch and query are spans; none holds a text, a pseudonym or an id."""
    issuer = DevelopmentIssuer.at(tmp_path)
    subject, text = uuid4(), "Zij slaapt in haar auto"
    mutation = """mutation M($input: OpenCaseInput!) { openCase(input: $input) {
        __typename ... on OpenCasePayload { position } ... on Refused { message } } }"""
    end = tracing.begin(collector.endpoint, "web")
    try:
        with asyncio.Runner() as runner:
            asked = Asked(registry_url, issuer, runner)
            asked.organisations()
            with serving(asked) as address:
                service = Service(asked, issuer, address)
                given = {"title": text, "theme": "schulden", "noticedBy": "SUBJECT", "subjects": [str(subject)]}
                parent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
                answer = service.post({"query": mutation, "variables": {"input": given}}, **parent)
                asked.project()
                asked_gaps = service.post({"query": "{ registry { gaps { totalCount nodes { kind } } } }"})
                assert "errors" not in asked_gaps.json()
            asked.close()
    finally:
        end()
    assert {path for path, _ in collector.received} == {"/v1/traces"}
    spans = collector.spans()
    by_name: dict[str, list] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    assert by_name.keys() == {"POST request", "operation", "command", "append", "batch", "query"}, answer.text
    (command,) = [one for one in by_name["command"] if one.trace_id.hex() == TRACE]
    (operation,) = [one for one in by_name["operation"] if one.trace_id.hex() == TRACE]
    (request,) = [one for one in by_name["POST request"] if one.trace_id.hex() == TRACE]
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert operation.parent_span_id == request.span_id
    assert attributes(operation) == {"operation": "mutation", "outcome": "data"}
    assert attributes(request) == {"method": "POST", "route": "/graphql", "status": 200}
    (append,) = [one for one in by_name["append"] if any(link.span_id == command.span_id for link in one.links)]
    assert attributes(append) == {"commands": 1}
    assert "gaps" in {attributes(one).get("about") for one in by_name["query"]}
    assert {name for span in spans for name in attributes(span)} <= tracing.ATTRIBUTES
    told = [value for span in spans for value in attributes(span).values() if isinstance(value, str)]
    assert told
    sent = b"".join(message.SerializeToString() for _, message in collector.received)
    for secret in (text, str(subject), GEMEENTE):
        assert secret.encode() not in sent
    assert not [value for value in told if UUID_FORM.search(value) or " " in value]


def test_errors_are_told_by_their_type(collector: Collector) -> None:
    """Neither message nor traceback leaves, since they may quote what was sent."""
    end = tracing.begin(collector.endpoint, "web")
    with pytest.raises(ValueError, match="Jansen"), tracing.span("command", topic="case-opened"):
        raise ValueError("Jansen")
    end()
    (span,) = collector.spans()
    assert span.status.message == "ValueError"
    assert b"Jansen" not in span.SerializeToString()


def test_a_span_tells_only_what_spans_may(collector: Collector) -> None:
    """Who would tell more is stopped where they write it, not where it is read."""
    end = tracing.begin(collector.endpoint, "web")
    with pytest.raises(AssertionError, match="may not tell"), tracing.span("command", subject="x"):
        pass
    with tracing.span("command") as span, pytest.raises(AssertionError, match="may not tell"):
        span.set_attribute("text", "x")
    end()


def test_without_the_setting_nothing_is_made() -> None:
    """Every span is the one object that does nothing."""
    assert tracing.span("one", topic="a") is tracing.span("two") is tracing.request_span("three", None)
    assert tracing.here() is None
