"""The identifiers of the registry, and how the ones that can be derived are derived.

Derived ids are UUIDv5 (RFC 9562, section 5.5): the same input always names the same thing, so a retried command, a
file imported twice and a gap derived anew keep their names.
"""

from functools import lru_cache
from hashlib import sha1, sha256
from typing import Annotated, Final
from uuid import UUID, SafeUUID, uuid5

from msgspec import Meta

NAMESPACE = UUID("5f0c4b6e-8a0d-5d0e-9d5e-6b6e656c7075")
"""The registry's own namespace; fixed for ever, since every derived id hangs on it."""

EventId = UUID
CaseId = UUID
ObstacleId = UUID
HandoffId = UUID
CommandId = UUID
GapId = UUID
SubjectId = UUID
StrategyId = UUID
CauseId = UUID
DialogueId = UUID
InvestigationId = UUID
FindingId = UUID
FollowUpId = UUID
EscalationId = UUID
MeasureId = UUID
BottleneckId = UUID
OptionId = UUID
StepId = UUID
PolicyDossierId = UUID
PromiseId = UUID
NetworkId = UUID
SignalId = UUID
ChallengeId = UUID
HelpId = UUID
ExperimentId = UUID

OrganisationId = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^(\d{20}|[a-z][a-z0-9+.-]*:[!-~]+)\Z")]
"""An OIN (twenty digits, the Dutch register of organisations) or an absolute URI (RFC 3986)."""

RuleReference = Annotated[str, Meta(min_length=2, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9:._/-]+\Z")]
"""A rule by its identifier, such as ``BWBR0005537:4:13`` or ``awb:4:15``: countable, and no room for a story."""

Theme = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*\Z")]
"""A theme of the field as a slug, such as ``jeugdhulp`` or ``schulden``."""

Programme = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*\Z")]
"""A programme of investigations as a slug, such as ``kafka-jeugd``."""

BarrierSlug = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*\Z")]
"""A barrier of the catalogue, such as ``performance-indicators``."""

PromiseSlug = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*\Z")]
"""A promise of the catalogue, such as ``formal-structure``."""

Reference = Annotated[str, Meta(min_length=6, max_length=40, pattern=r"^[A-Z0-9][A-Z0-9-]+\Z")]
"""The code by which people name a case; made by the registry, never by a user."""

UserId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[!-~]+\Z")]
"""A pseudonym of the person who acts; the issuer of tokens knows who it is, the registry does not."""


_UUID_FREE: Final = (1 << 128) - 1 ^ (0xF << 76 | 0x3 << 62)
"""The bits of a UUID beside its version and variant (RFC 9562, sections 4.1 and 4.2)."""

_UUID_VERSION_5: Final = 5 << 76 | 0x2 << 62
"""The version and variant of a UUID made from a name by SHA-1."""


_new_uuid: Final = UUID.__new__
# The slots of a UUID, which refuses to be given anything by name.
_set_int: Final = UUID.__dict__["int"].__set__
_set_is_safe: Final = UUID.__dict__["is_safe"].__set__
_UNKNOWN: Final = SafeUUID.unknown


def uuid_of(number: int) -> UUID:
    """Return the UUID of a number of 128 bits that is known to be one.

    By hand instead of with ``UUID(int=number)``, which looks at each of five arguments and checks the range first: an
    import makes three ids an event, and takes a tenth of its time for that.
    """
    made = _new_uuid(UUID)
    _set_int(made, number)
    _set_is_safe(made, _UNKNOWN)
    return made


def name_based(digest: bytes) -> UUID:
    """Return the UUIDv5 of the SHA-1 of a name (RFC 9562, section 5.5)."""
    return uuid_of(int.from_bytes(digest[:16]) & _UUID_FREE | _UUID_VERSION_5)


@lru_cache(maxsize=1024)  # asked for twice of each command under way: to decide, and to record
def event_id_of(command: CommandId) -> EventId:
    """Return the id of the event that a command leads to, its UUIDv5 of "event": one command, at most one event."""
    return name_based(sha1(command.int.to_bytes(16) + b"event", usedforsecurity=False).digest())


def gap_id_of(lies_on: UUID, kind: str, begun_by: EventId) -> GapId:
    """Return a gap's id from what it lies on (an obstacle, or a case for a deadlock), its kind and what began it."""
    return UUID(bytes=gap_name_of(lies_on, kind, begun_by))


def gap_name_of(lies_on: UUID, kind: str, begun_by: EventId) -> bytes:
    """Return a gap's id as its sixteen bytes.

    By hand instead of with ``uuid.uuid5``, which takes several times as long: a rebuild names millions of gaps.
    """
    name = lies_on.int.to_bytes(16) + kind.encode() + b"/" + begun_by.int.to_bytes(16)
    number = int.from_bytes(sha1(name, usedforsecurity=False).digest()[:16])
    return (number & _UUID_FREE | _UUID_VERSION_5).to_bytes(16)


def organisation_stream_of(organisation: str) -> UUID:
    """Return the stream in which an organisation's own events stand."""
    return uuid5(NAMESPACE, f"organisation/{organisation}")


_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without the letters that look like digits (Crockford)."""


def reference_of(case: CaseId) -> str:
    """Return the code by which people name a case: ten characters of 50 bits that say nothing, such as 7Q2K9-XMB4T."""
    number = int.from_bytes(sha256(case.bytes).digest()[:8])
    letters = "".join(_CROCKFORD[number >> 5 * place & 31] for place in range(10))
    return f"{letters[:5]}-{letters[5:]}"
