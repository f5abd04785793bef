"""The description of the REST interface (OpenAPI 3.1), made from what answers it.

``python -m knelpunt.infra.rest.openapi`` prints it, as it is committed in ``infra/rest/openapi.json``.
"""

import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ...domain.vocabulary import GapKind, Precision, Role
from ...graphql.enumerations import CaseStatus, EventType, ObstacleStatus
from .openapi_exports import SCHEMAS as EXPORT_SCHEMAS
from .openapi_exports import export_paths
from .parameters import Parameter
from .problems import MEDIA_TYPE, VERSION
from .resources import BASE, RESOURCES, Resource

DESCRIPTION: Final = (
    "Cases, the gaps that people fell through, and events, read-only; and exports, to take them along. Every answer is "
    "at two times: asOf, when it was so in the world, and knownAt, by when it had been recorded. What you see is what "
    "your token's role may see. GraphQL, at /graphql, answers the same questions and many more."
)

TEXT: Final = {"type": "string"}
MOMENT: Final = {"type": "string", "format": "date-time"}
NUMBER: Final = {"type": "integer"}
TRUTH: Final = {"type": "boolean"}


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _several(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _object(description: str, fields: Mapping[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": dict(fields),
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
    }


def _values(names: Any) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)}


LINK: Final = _named("Link")
ORGANISATIONS: Final = _several(_named("Organisation"))
TIMES: Final = {"asOf": MOMENT, "knownAt": MOMENT, "position": NUMBER}

CASE: Final = {
    "id": TEXT, "reference": TEXT, "title": _maybe(TEXT), "theme": TEXT,
    "status": _values(one.name for one in CaseStatus), "openedAt": MOMENT, "closedAt": _maybe(MOMENT),
    "organisations": ORGANISATIONS, "coordinator": _maybe(_named("Organisation")),
    "_links": _object("Where to go on.", {"self": LINK, "events": LINK, "gaps": LINK}),
}  # fmt: skip


def _page(description: str, item: str, **more: Any) -> dict[str, Any]:
    links = _object("Where this page is, and the next if there is one.", {"self": LINK, "next": LINK}, ("next",))
    return _object(description, {**TIMES, **more, "items": _several(_named(item)), "_links": links})


SCHEMAS: Final[Mapping[str, Any]] = {
    "Link": _object("An address.", {"href": {"type": "string", "format": "uri-reference"}}),
    "Organisation": _object("An organisation, by its OIN or URI.", {"identifier": TEXT, "name": _maybe(TEXT)}),
    "Obstacle": _object(
        "What blocks somebody, and who holds it.",
        {
            "id": TEXT, "status": _values(one.name for one in ObstacleStatus), "reportedAt": MOMENT,
            "settledAt": _maybe(MOMENT), "experiencedAt": _named("Organisation"),
            "holder": _maybe(_named("Organisation")),
        },
    ),
    "Case": _object("A case. Its title is null where it is not for you to read.", CASE),
    "CaseAt": _object(
        "A case with its obstacles, at two times.", {**TIMES, **CASE, "obstacles": _several(_named("Obstacle"))}
    ),
    "Gap": _object(
        "A gap. Days are as of asOf; obstacle and cause are ids.",
        {
            "id": TEXT, "kind": _values(one.value for one in GapKind), "from": MOMENT, "until": _maybe(MOMENT),
            "open": TRUTH, "counts": TRUTH, "days": {"type": "number"}, "selfNoticed": TRUTH,
            "toAct": ORGANISATIONS, "involved": ORGANISATIONS, "cases": _several(TEXT), "obstacle": _maybe(TEXT),
            "cause": _maybe(TEXT),
            "_links": _object("Where to go on.", {"self": LINK, "cases": _several(LINK)}),
        },
    ),
    "Actor": _object(
        "Who recorded an event: a person by pseudonym.",
        {"organisation": _named("Organisation"), "role": _values(one.value for one in Role), "user": TEXT},
    ),
    "Event": _object(
        'An event. In data, a text that is not for you is {"withheld": true}, and one of somebody who was erased '
        '{"erased": true}. The summary is one plain sentence in Dutch.',
        {
            "id": TEXT, "position": NUMBER, "type": _values(one.name for one in EventType), "stream": TEXT,
            "version": NUMBER, "occurredAt": MOMENT, "precision": _values(one.value for one in Precision),
            "recordedAt": MOMENT, "inferred": TRUTH, "source": TEXT, "actor": _named("Actor"),
            "data": {"type": "object"}, "summary": TEXT, "case": _maybe(TEXT),
            "_links": _object("Where to go on.", {"self": LINK, "case": LINK}, ("case",)),
        },
    ),
    "CasePage": _page("A page of cases.", "Case"),
    "GapPage": _page("A page of gaps.", "Gap"),
    "EventPage": _page("A page of a case's events.", "Event"),
    "RecordedPage": _page("A page of events as they were recorded.", "Event", until=NUMBER),
    "Problem": _object(
        "Problem details (RFC 9457): detail is one sentence that says what to do.",
        {"type": TEXT, "title": TEXT, "status": NUMBER, "detail": TEXT},
    ),
}  # fmt: skip

VERSION_HEADER: Final = {"API-Version": {"$ref": "#/components/headers/API-Version"}}

PROBLEMS: Final = {
    "400": "Something in the address cannot be what it is.",
    "401": "There is no token, or one that does not count.",
    "403": "It is not for your role.",
    "404": "There is no such thing, or it is not for you to know of.",
    "405": "That cannot be done here; Allow says what can.",
    "406": "There is nothing here but JSON.",
    "429": "You have asked for a great deal; Retry-After says when to ask again.",
    "503": "It cannot be answered now; Retry-After says when to ask again.",
}


def _parameter(parameter: Parameter, where: str) -> dict[str, Any]:
    schema = _several(parameter.schema) if parameter.several else dict(parameter.schema)
    said = {"name": parameter.name, "in": where, "description": parameter.description, "schema": schema}
    return {**said, "required": True} if where == "path" else said


def _problems() -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": _named("Problem")}}
    return {
        status: {"description": said, "headers": VERSION_HEADER, "content": content}
        for status, said in PROBLEMS.items()
    }


def _operation(resource: Resource) -> dict[str, Any]:
    etag = {"ETag": {"description": "Send it back in If-None-Match; 304 says that nothing changed.", "schema": TEXT}}
    content = {"application/json": {"schema": _named(resource.answer)}}
    answers = {
        "200": {"description": "What was asked for.", "headers": VERSION_HEADER | etag, "content": content},
        "304": {"description": "Nothing changed since the ETag that was sent.", "headers": VERSION_HEADER},
    }
    return {
        "operationId": resource.operation,
        "summary": resource.summary,
        "description": resource.description,
        "tags": [resource.path.split("/")[1]],
        "parameters": [
            *(_parameter(each, "path") for each in resource.path_parameters),
            *(_parameter(each, "query") for each in resource.parameters),
        ],
        "responses": answers | _problems(),
    }


def document() -> dict[str, Any]:
    """Return the description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "knelpunt",
            "version": VERSION,
            "description": DESCRIPTION,
            "contact": {"name": "Whoever runs this registry", "url": "/.well-known/security.txt"},
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": BASE}],
        "security": [{"bearer": []}],
        "paths": {
            **{resource.path: {"get": _operation(resource)} for resource in RESOURCES},
            **export_paths(_problems(), VERSION_HEADER),
        },
        "components": {
            "schemas": {**SCHEMAS, **EXPORT_SCHEMAS},
            "headers": {"API-Version": {"description": "The version of this interface.", "schema": TEXT}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def written() -> bytes:
    """Return the description as it is committed and served."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(written())
