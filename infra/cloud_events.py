"""An event as a CloudEvent: what webhooks send and exports write.

CloudEvents 1.0 in the NL GOV profile 1.1 (Logius). Attributes hold ids, times and the kind of event, nothing that leads
to a person or a case; ``data`` is the event's entry in the log for auditors (``trail.entry``), which holds no text and
no subject, and whose bytes a receiver can check against the published tree; but for what may not be shown to them.
"""

import re
from collections.abc import Collection, Iterable
from datetime import UTC
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from ..domain.case.facts import FactCorrected
from .store.codec import Row
from .trail.entry import entry

SPECIFICATION: Final = "1.0"
"""The version of CloudEvents; the profile's own version is told nowhere in an event."""

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
"""Of one event in the structured JSON mode of the HTTP binding."""

TYPE_PREFIX: Final = "nl.knelpunt."
"""Types are in reverse domain notation and name the source of the data, not an organisation, which may change."""

SEQUENCE_DIGITS: Final = 16
"""As many digits as the largest position has (``POSITION_MAX``), so that sequences sort as text."""

ELSEWHERE: Final = MappingProxyType({"obstacle-reported": "triggered_by", "waiting-began": "for_obstacle"})
"""Which events may name an obstacle of another case, and in which field; corrections name one as its new value."""

SEEN: Final = "SELECT obstacle_id FROM knelpunt.known_obstacle WHERE obstacle_id = ANY(%s)"
"""Those of some obstacles that the transaction's principal may see."""

OIN: Final = re.compile(r"[0-9]{20}")
"""The number of an organisation in the Dutch register of organisations."""


def source_of(oin: str | None, origin: str) -> str:
    """Return the ``source`` of a registry's events: by the OIN of who runs it, or by the name that it has anyway.

    ``origin`` is the registry's own, ``knelpunt/`` and a UUID. A registry without an OIN deviates from the profile,
    which recommends one, and from nothing that CloudEvents asks.
    """
    return f"urn:nld:oin:{oin}:systeem:knelpunt" if oin else f"urn:uuid:{origin.rpartition('/')[2]}"


def obstacles_named(rows: Iterable[Row]) -> set[UUID]:
    """Return the obstacles that events name and that may lie in a case which not everybody sees who sees the event."""
    naming = {*ELSEWHERE, FactCorrected.topic}
    told = ((row.topic, _entry(row)["data"]) for row in rows if row.topic in naming)
    named = ((data, _field_elsewhere(topic, data)) for topic, data in told)
    return {UUID(one[field]) for one, field in named if field and one.get(field)}


def cloud_event(row: Row, source: str, seen: Collection[UUID]) -> dict[str, Any]:
    """Return the CloudEvent of a stored event, ready to be written as JSON. Raises ``EntryError``.

    ``seen`` are those of ``obstacles_named`` that whoever gets it may see. Another one is left out of ``data``, which
    then is not the entry any more: the attribute ``withheld`` names the field.

    ``time`` is when the registry recorded it, as the profile recommends; when it happened is ``data.at``. ``sequence``
    is its position in the log, with zeros before it. There is no ``subject``: it would tell whoever passes the event on
    which events are about one case. The stream, which for most is the case, is ``data.stream``.
    """
    data = _entry(row)
    field = _field_elsewhere(row.topic, data["data"])
    hidden = data["data"].get(field) is not None and UUID(data["data"][field]) not in seen
    if hidden:
        data["data"][field] = None
    return {
        "specversion": SPECIFICATION,
        "id": data["id"],
        "source": source,
        "type": f"{TYPE_PREFIX}{row.topic}.v{row.topic_version}",
        "time": row.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "sequence": f"{row.position:0{SEQUENCE_DIGITS}}",
        "datacontenttype": "application/json",
        **({"withheld": field} if hidden else {}),
        "data": data,
    }


def _field_elsewhere(topic: str, data: dict[str, Any]) -> str:
    """Return in which field an event may name an obstacle of another case; in none, if empty."""
    if topic == FactCorrected.topic:
        return "value" if data["field"] in ELSEWHERE.values() else ""
    return ELSEWHERE.get(topic, "")


def _entry(row: Row) -> dict[str, Any]:
    """Return the entry of a stored event. Raises ``EntryError``."""
    made = entry(row.position, row.recorded_at, row.stream, row.version, row.topic, row.topic_version, row.state)
    return msgspec.json.decode(made)
