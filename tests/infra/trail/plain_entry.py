"""Entries made in a plain way from the frozen table alone: what the program's must equal."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import rfc8785

from knelpunt.infra.trail.frozen import FROZEN, UUIDS_OF_NO_SUBJECT

COPIED = ("id", "at", "command")
OPTIONAL = ("precision", "source", "inferred", "known_to")


def plain_entry(
    position: int, recorded_at: datetime, stream: UUID, version: int, topic: str, topic_version: int, state: bytes
) -> bytes | None:
    """The entry of an event; None where its stored bytes are not as the table says."""
    try:
        stored = json.loads(state.decode(), parse_constant=float)
        actor = {name: stored["actor"][name] for name in ("organisation", "role", "user")}
        if actor["role"] == "SUBJECT":
            del actor["user"]
        if set(stored) - {*COPIED, *OPTIONAL, "actor", "data"}:
            return None
        published = {name: stored[name] for name in COPIED} | {
            name: stored[name] for name in OPTIONAL if name in stored
        }
        published |= {
            "actor": actor,
            "data": fields(FROZEN[topic, topic_version], stored["data"]),
            "entry": 1,
            "position": position,
            "recorded_at": recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "stream": str(stream),
            "topic": topic,
            "topic_version": topic_version,
            "version": version,
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return rfc8785.dumps(published)


def fields(line: str, data: dict[str, Any]) -> dict[str, Any]:
    """What is shown of each field of a fact, by the marks that frozen.py explains."""
    marks = {word.rstrip("-*#@=+"): word[-1] if word[-1] in "-*#@=+" else "" for word in line.split()}
    shown: dict[str, Any] = {}
    for name, value in data.items():
        mark = marks[name]
        if mark == "*":
            shown[name] = None if value is None else sha256(b64decode(value["box"], validate=True)).hexdigest()
        elif mark == "#" or (mark == "+" and data["field"] == "name"):
            shown[name] = sha256(value.encode()).hexdigest()
        elif mark == "@":
            if value and "organisation" in value:
                shown[name] = {"organisation": value["organisation"]}
        elif mark == "=":
            if data["field"] in UUIDS_OF_NO_SUBJECT or not holds_uuid(value):
                shown[name] = value
        elif mark != "-":
            shown[name] = value
    return shown


def holds_uuid(value: Any) -> bool:
    """Whether a value is, or lists, what can be read as a UUID."""
    for one in value if isinstance(value, list) else [value]:
        try:
            UUID(one) if isinstance(one, str) else UUID("")
        except ValueError:
            continue
        return True
    return False
