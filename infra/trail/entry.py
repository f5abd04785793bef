"""The log entry of an event: what of it is published for ever, as bytes that anybody can hash.

An entry is RFC 8785 JSON made from the stored bytes alone, by a table frozen for each topic and version, so that it
never changes with the code. It holds ids, enumerations, numbers and times; of a text its SHA-256; of subjects nothing.

Version 1 of the entry: ``{"actor": {"organisation", "role", "user"}, "at", "command", "data", "entry": 1, "id",
"inferred", "known_to", "position", "precision", "recorded_at", "source", "stream", "topic", "topic_version",
"version"}``. What holds its default is left out, as it is in the stored bytes, and so is the user where the actor is a
subject. ``recorded_at`` is in UTC with six decimals; other times and the content of fields are as stored.

The module is long because of its table, whose lines stay for ever.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, cast
from uuid import UUID

import msgspec

ENTRY_BYTES_MAX: Final = 8192
"""The largest entry. A larger event is refused before it is recorded."""

POSITION_MAX: Final = 2**53 - 1
"""The largest position that JSON carries exactly everywhere (RFC 7493, I-JSON)."""


class EntryError(Exception):
    """Stored bytes of which no entry can be made: they hold what the frozen table does not know."""


# Each field of a fact is published as its mark says:
#   (none)  as it stands: an id that is no subject's, an enumeration, a number, a time
#   -       not at all: subjects' ids
#   *       a sealed text: the SHA-256 of its box
#   #       a name in clear that is public, but no id: the SHA-256 of its UTF-8
#   @       a party: its organisation; nothing if it is a subject
#   =       the value of a correction: as it stands, unless it may be a subject's id
#   +       the value of an organisation's correction: as it stands, but a name as its SHA-256
# A line never changes once events of its version have been recorded. A new version of a topic gets a line of its own.
_FROZEN: Final[Mapping[tuple[str, int], str]] = MappingProxyType(
    {
        ("account-given", 1): "by@ stance event gap account*",
        ("account-given", 2): "by@ stance event gap account* subject-",
        ("action-team-formed", 1): "organisations participants- options plan*",
        ("barrier-added", 1): "slug place dutch# english#",
        ("barrier-met", 1): "barrier note*",
        ("bottleneck-named", 1): "bottleneck statement* causes",
        ("case-closed", 1): "organisation ground*",
        ("case-included", 1): "case",
        ("case-linked", 1): "case relation",
        ("case-opened", 1): "reference subjects- theme noticed_by title*",
        ("case-reopened", 1): "organisation",
        ("cause-accepted-as-is", 1): "organisation reason*",
        ("cause-escalated", 1): "escalation to level respond_by reason*",
        ("cause-event-struck", 1): "event reason",
        ("cause-fact-corrected", 1): "event field value= content* reason*",
        ("cause-gap-acknowledged", 1): "gap organisation plan* due",
        ("cause-identified", 1): "locus statement* theme barrier",
        ("cause-removed", 1): "organisation",
        ("challenge-set", 1): "challenge organisation description*",
        ("challenge-taken-up", 1): "challenge organisation note*",
        ("citizens-involved", 1): "stage how influence note*",
        ("contact-made", 1): "obstacles organisation initiated_by channel story_retold note*",
        ("contest-withdrawn", 1): "obstacle",
        ("coordinator-named", 1): "organisation until",
        ("custody-released", 1): "obstacle organisation ground",
        ("custody-taken", 1): "obstacle organisation",
        ("dialogue-attached", 1): "dialogue",
        ("dialogue-concluded", 1): "lesson*",
        ("dialogue-convened", 1): "organisation theme problem* investigation",
        ("dialogue-event-struck", 1): "event reason",
        ("dialogue-fact-corrected", 1): "event field value= content* reason*",
        ("dialogue-gap-acknowledged", 1): "gap organisation plan* due",
        ("dossier-linked", 1): "cause dialogue network signal",
        ("escalation-answered", 1): "escalation organisation answer suggests reason*",
        ("event-struck", 1): "event reason",
        ("experience-shared", 1): "participant- experience*",
        ("experiment-adopted", 1): "organisation strategy shared_by",
        ("experiment-concluded", 1): "finding lesson*",
        ("experiment-event-struck", 1): "event reason",
        ("experiment-fact-corrected", 1): "event field value= content* reason*",
        ("experiment-started", 1): "organisations theme hypothesis* place* professionals citizens causes",
        ("fact-corrected", 1): "event field value= content* reason*",
        ("failure-cost-estimated", 1): "organisation euros per basis*",
        ("finding-recorded", 1): "finding statement* causes",
        ("first-part-closed", 1): "",
        ("first-step-chosen", 1): "step organisation due description* expected_effect* experiment",
        ("follow-up-done", 1): "follow_up note*",
        ("follow-up-planned", 1): "follow_up due organisation plan*",
        ("gap-acknowledged", 1): "gap organisation plan* due",
        ("gap-acknowledged", 2): "gap organisation plan* due subject-",
        ("grace-changed", 1): "kind days",
        ("handoff-accepted", 1): "handoff subject_present file_received",
        ("handoff-offered", 1): "handoff obstacle from to reason* delivered_at respond_by",
        ("handoff-refused", 1): "handoff ground suggests",
        ("handoff-withdrawn", 1): "handoff",
        ("harm-stated", 1): "obstacle harm since until note*",
        ("help-asked", 1): "help organisation question*",
        ("help-offered", 1): "organisation asked offer*",
        ("investigation-event-struck", 1): "event reason",
        ("investigation-fact-corrected", 1): "event field value content* reason*",
        ("investigation-opened", 1): "question* programme",
        ("investigator-assigned", 1): "user",
        ("investigator-released", 1): "user",
        ("measure-committed", 1): "measure organisation due plan*",
        ("measure-evaluated", 1): "measure organisation stopped partners findings*",
        ("measure-implemented", 1): "measure organisation",
        ("member-joined", 1): "organisation",
        ("member-left", 1): "organisation",
        ("network-event-struck", 1): "event reason",
        ("network-fact-corrected", 1): "event field value+ content* reason*",
        ("network-founded", 1): "name# members purpose*",
        ("observation-made", 1): "observation*",
        ("obstacle-linked", 1): "obstacle reason*",
        ("obstacle-reopened", 1): "obstacle organisation",
        ("obstacle-reported", 1): "obstacle origin experienced_at story* need* told received_by triggered_by",
        ("obstacle-resolved", 1): "obstacle organisation outcome confirmed_by_subject",
        ("obstacle-split", 1): "obstacle into",
        ("obstacle-withdrawn", 1): "obstacle ground on_word_of- statement*",
        ("option-proposed", 1): "option proposal* bottlenecks participant-",
        ("organisation-dissolved", 1): "organisation",
        ("organisation-event-struck", 1): "organisation event reason",
        ("organisation-fact-corrected", 1): "organisation event field value+ content* reason*",
        ("organisation-merged", 1): "organisation into",
        ("organisation-registered", 1): "organisation name# kind parent",
        ("organisation-renamed", 1): "organisation name#",
        ("owner-accepted", 1): "organisation",
        ("owner-declined", 1): "organisation ground reason*",
        ("owner-proposed", 1): "owner reason*",
        ("ownership-passed", 1): "organisation to",
        ("parent-changed", 1): "organisation parent",
        ("participant-joined", 1): "participant- role organisation name*",
        ("policy-dossier-event-struck", 1): "event reason",
        ("policy-dossier-fact-corrected", 1): "event field value= content* reason*",
        ("policy-dossier-gap-acknowledged", 1): "gap organisation plan* due",
        ("policy-dossier-opened", 1): "organisation theme title*",
        ("promise-added", 1): "slug dutch# english#",
        ("promise-kept", 1): "promise note*",
        ("promise-made", 1): "promise organisation due kind promised*",
        ("question-answered", 1): "question answer* behaviour*",
        ("remedy-applied", 1): "obstacle organisation rule_departed_from note*",
        ("report-published", 1): "title* location*",
        ("resolution-contested", 1): "obstacle by@ answer_due note*",
        ("resolution-upheld", 1): "obstacle organisation",
        ("responsibility-moved", 1): "obstacle from to basis first_received subject_told",
        ("ruling-given", 1): "obstacle body binding annuls due note*",
        ("signal-answered", 1): "signal organisation reply answer*",
        ("signal-raised", 1): "signal to members causes message* respond_by",
        ("solution-team-established", 1): "organisation motives mandate* contact*",
        ("step-done", 1): "step effect*",
        ("step-given-up", 1): "step reason*",
        ("step-progressed", 1): "step note*",
        ("step-taken", 1): "obstacle organisation kind note*",
        ("strategy-adopted", 1): "organisation strategy shared_by",
        ("strategy-shared", 1): "organisation strategy title* description*",
        ("strategy-shared", 2): "organisation strategy title* description* themes origins",
        ("subject-erased", 1): "request subject- requested_by approved_by receipts",
        ("subject-referred", 1): "obstacle from to released",
        ("subject-related", 1): "subject- to- relation from until",
        ("task-transferred", 1): "organisation theme to since basis",
        ("term-changed", 1): "term days",
        ("term-set", 1): "obstacle due basis",
        ("theme-adopted", 1): "theme",
        ("view-given", 1): "participant- view*",
        ("waiting-began", 1): "obstacle organisation ground for@ for_obstacle until",
        ("waiting-ended", 1): "obstacle",
    }
)

_UUIDS_OF_NO_SUBJECT: Final = frozenset(
    {
        *("obstacle", "obstacles", "into", "triggered_by", "for_obstacle", "case", "event"),
        *("escalation", "measure", "bottleneck", "bottlenecks", "option", "options", "step", "promise", "signal"),
        *("challenge", "help", "asked", "strategy", "cause", "causes", "dialogue", "investigation", "network"),
        "experiment",
    }
)
"""Fields that a correction may change and that hold UUIDs, in every version, but never a subject's."""

_LEFT_OUT: Final = object()


def entry(
    position: int, recorded_at: datetime, stream: UUID, version: int, topic: str, topic_version: int, state: bytes
) -> bytes:
    """Return the log entry of an event, from its columns and stored bytes. Raises ``EntryError``.

    The result may be longer than ``ENTRY_BYTES_MAX`` only for an event that was never recorded: see ``fits``.
    """
    table = _TABLES.get((topic, topic_version))
    if table is None:
        message = f"There is no entry for version {topic_version} of {topic}."
        raise EntryError(message)
    try:
        stored = msgspec.json.decode(state)
        published: dict[str, Any] = {
            "entry": 1,
            "position": position,
            "recorded_at": recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "stream": str(stream),
            "version": version,
            "topic": topic,
            "topic_version": topic_version,
            "id": stored.pop("id"),
            "at": stored.pop("at"),
            "command": stored.pop("command"),
            "actor": _actor(stored.pop("actor")),
            "data": _data(table, stored.pop("data")),
        }
        for name in ("precision", "source", "inferred", "known_to"):
            if name in stored:
                published[name] = stored.pop(name)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        message = f"The event at position {position} is not stored as version {topic_version} of {topic} is."
        raise EntryError(message) from error
    if stored:
        message = f"The event at position {position} holds what no entry knows: {', '.join(sorted(stored))}."
        raise EntryError(message)
    # Keys are ASCII and no number is a fraction, and then this is RFC 8785; tests compare it with another encoder.
    return msgspec.json.encode(published, order="sorted")


def in_clear(topic: str, topic_version: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry shows as it stands of a fact's stored fields. Raises ``KeyError`` for an unknown version.

    That is no text, no name and no hash of one, and of subjects nothing.
    """
    table, stored = _TABLES[topic, topic_version], dict(data)
    published = {name: value for name, value in stored.items() if table[name] not in _HASHED}
    return {name: shown for name in published if (shown := table[name](stored[name], stored)) is not _LEFT_OUT}


def fits(stream: UUID, version: int, topic: str, topic_version: int, state: bytes) -> bool:
    """Return whether the entry of an event still to be recorded will be at most ``ENTRY_BYTES_MAX`` long."""
    if len(state) <= ENTRY_BYTES_MAX - _GROWTH_MAX:
        return True
    longest = entry(POSITION_MAX, datetime.max.replace(tzinfo=UTC), stream, version, topic, topic_version, state)
    return len(longest) <= ENTRY_BYTES_MAX


_GROWTH_MAX: Final = 1024
"""By how much an entry can be longer than its stored bytes: what the columns add takes some 300, and a name in clear
becomes 64 digits. Everything else stays as long as it is, or gets shorter."""


def _actor(stored: dict[str, Any]) -> dict[str, Any]:
    organisation, role, user = stored["organisation"], stored["role"], stored["user"]
    published = {"organisation": organisation, "role": role}
    # The pseudonym of a subject who acts for themselves leads to the subject.
    return published if role == "SUBJECT" else {**published, "user": user}


def _data(table: Mapping[str, Callable[[Any, dict[str, Any]], object]], stored: dict[str, Any]) -> dict[str, Any]:
    published: dict[str, Any] = {}
    for name, value in stored.items():
        shown = table[name](value, stored)
        if shown is not _LEFT_OUT:
            published[name] = shown
    return published


def _as_it_stands(value: Any, _: dict[str, Any]) -> object:
    return value


def _nothing(_: Any, __: dict[str, Any]) -> object:
    return _LEFT_OUT


def _sealed(value: Any, _: dict[str, Any]) -> object:
    return None if value is None else sha256(base64.b64decode(value["box"], validate=True)).hexdigest()


def _hashed(value: Any, _: dict[str, Any]) -> object:
    return sha256(value.encode()).hexdigest()


def _party(value: Any, _: dict[str, Any]) -> object:
    return {"organisation": value["organisation"]} if value and "organisation" in value else _LEFT_OUT


def _corrected(value: Any, stored: dict[str, Any]) -> object:
    if stored["field"] in _UUIDS_OF_NO_SUBJECT:
        return value
    several = cast("list[Any]", value) if isinstance(value, list) else [value]
    return _LEFT_OUT if any(_is_uuid(one) for one in several) else cast("object", value)


def _corrected_of_organisation(value: Any, stored: dict[str, Any]) -> object:
    return _hashed(value, stored) if stored["field"] == "name" else value


def _is_uuid(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        UUID(value)
    except ValueError:
        return False
    return True


_MARKS: Final[Mapping[str, Callable[[Any, dict[str, Any]], object]]] = MappingProxyType(
    {"-": _nothing, "*": _sealed, "#": _hashed, "@": _party, "=": _corrected, "+": _corrected_of_organisation}
)

_HASHED: Final = frozenset({_sealed, _hashed})
"""Marks of what stands in an entry as its SHA-256."""


def _table(line: str) -> dict[str, Callable[[Any, dict[str, Any]], object]]:
    return {word.rstrip("-*#@=+"): _MARKS.get(word[-1], _as_it_stands) for word in line.split()}


_TABLES: Final = MappingProxyType({version: _table(line) for version, line in _FROZEN.items()})
