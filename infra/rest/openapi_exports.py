"""The part of the description that tells of exports: the one thing of REST that is asked for, and fetched later."""

from collections.abc import Mapping
from typing import Any, Final

from ..exporting.export import Format
from ..exporting.jobs import Stage
from ..http.exports import KINDS
from .exports import PATH

TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "integer"}
MOMENT: Final = {"type": "string", "format": "date-time"}
LINK: Final = {"$ref": "#/components/schemas/Link"}
EXPORT: Final = {"$ref": "#/components/schemas/Export"}

FILE: Final = {
    "mediaType": TEXT, "bytes": NUMBER, "sha256": TEXT, "cases": NUMBER, "events": NUMBER, "unreadable": NUMBER,
    "upto": NUMBER, "keptUntil": MOMENT,
}  # fmt: skip
LINKS: Final = {
    "type": "object",
    "description": "Where to go on; the file is there when it is ready.",
    "properties": {"self": LINK, "file": LINK},
    "required": ["self"],
    "additionalProperties": False,
}

SCHEMAS: Final[Mapping[str, Any]] = {
    "ExportFile": {
        "type": "object",
        "description": "A finished file: its length and digest, and the log up to which position it holds.",
        "properties": FILE,
        "required": list(FILE),
        "additionalProperties": False,
    },
    "Export": {
        "type": "object",
        "description": "An export that you asked for: share of it is done, from 0 to 1; message says why it failed.",
        "properties": {
            "format": {"type": "string", "enum": list(Format)},
            "stage": {"type": "string", "enum": list(Stage)},
            "askedAt": MOMENT,
            "share": {"type": "number"},
            "message": {"anyOf": [TEXT, {"type": "null"}]},
            "file": {"anyOf": [{"$ref": "#/components/schemas/ExportFile"}, {"type": "null"}]},
            "_links": LINKS,
        },
        "required": ["format", "stage", "askedAt", "share", "message", "file", "_links"],
        "additionalProperties": False,
    },
    "Exports": {
        "type": "object",
        "description": "All exports that you asked for and that are still kept.",
        "properties": {"items": {"type": "array", "items": EXPORT}, "_links": LINKS},
        "required": ["items", "_links"],
        "additionalProperties": False,
    },
}


def export_paths(problems: Mapping[str, Any], version: Mapping[str, Any]) -> dict[str, Any]:
    """Return the paths; ``problems`` are all that can be answered otherwise, ``version`` the header of every answer."""
    format_ = {
        "name": "format", "in": "path", "required": True, "description": "As docs/exporting.md describes them.",
        "schema": {"type": "string", "enum": list(Format)},
    }  # fmt: skip
    usual = {status: said for status, said in problems.items() if status not in {"400", "403", "406"}}

    def operation(name: str, summary: str, answers: Mapping[str, Any], parameters: list[Any]) -> dict[str, Any]:
        return {
            "operationId": name, "summary": summary, "tags": ["exports"], "parameters": parameters,
            "responses": {**answers, **usual},
        }  # fmt: skip

    def json(description: str, schema: Mapping[str, Any], **headers: Any) -> dict[str, Any]:
        return {
            "description": description, "headers": {**version, **headers},
            "content": {"application/json": {"schema": schema}},
        }  # fmt: skip

    digest = {"ETag": {"description": "The file's SHA-256. Send it in If-Range with a Range.", "schema": TEXT}}
    contents: dict[str, dict[str, Any]] = {kind.media_type.partition(";")[0]: {} for kind in KINDS.values()}
    file = {"description": "The file, whole.", "headers": {**version, **digest}, "content": contents}
    part = {"description": "The part of it that Range named.", "headers": {**version, **digest}, "content": contents}
    begun = {"Location": {"description": "Where to ask what has become of it.", "schema": TEXT}}
    exports = json("What you asked for.", {"$ref": "#/components/schemas/Exports"})
    return {
        PATH: {"get": operation("exports", "Your exports", {"200": exports}, [])},
        f"{PATH}/{{format}}": {
            "get": operation("export", "One export of yours", {"200": json("How it is with it.", EXPORT)}, [format_]),
            "put": operation(
                "askForExport", "Have an export made", {"202": json("It is being made.", EXPORT, **begun)}, [format_]
            ),
            "delete": operation(
                "dropExport",
                "Throw an export away",
                {"204": {"description": "It is gone.", "headers": version}},
                [format_],
            ),
        },
        f"{PATH}/{{format}}/file": {
            "get": operation(
                "exportFile",
                "Fetch a finished export",
                {
                    "200": file,
                    "206": part,
                    "400": {"description": "The Range cannot be read."},
                    "416": {"description": "The Range lies beyond the file's end."},
                },
                [format_],
            )
        },
    }
