"""Global ids: base64 of what kind of thing it is, the case where it needs one to be found, and its own id.

Wherever the schema takes an id it also takes the bare UUID (of an organisation: its identifier), as the command line
prints them.
"""

import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from ..domain.ids import OrganisationId
from ..domain.vocabulary import LearningKind
from .problems import bad_input

CASE: Final = "Case"
OBSTACLE: Final = "Obstacle"
GAP: Final = "Gap"
EVENT: Final = "Event"
INVESTIGATION: Final = "Investigation"
CAUSE: Final = "Cause"
DIALOGUE: Final = "Dialogue"
POLICY_DOSSIER: Final = "PolicyDossier"
NETWORK: Final = "Network"
EXPERIMENT: Final = "Experiment"
ORGANISATION: Final = "Organisation"

STREAMS: Final[Mapping[str, LearningKind]] = MappingProxyType(
    {
        CAUSE: LearningKind.CAUSE,
        DIALOGUE: LearningKind.DIALOGUE,
        INVESTIGATION: LearningKind.INVESTIGATION,
        POLICY_DOSSIER: LearningKind.POLICY_DOSSIER,
        NETWORK: LearningKind.NETWORK,
        EXPERIMENT: LearningKind.EXPERIMENT,
    }
)
"""What kinds of learning streams are called in their ids."""


class Named(Struct, frozen=True):
    """What an id names. ``case`` is none for a bare id and for what needs none.

    Of an event it is the stream, and of a learning stream that itself.
    """

    kind: str | None
    case: UUID | None
    id: UUID


def global_id(kind: str, *parts: UUID | str) -> str:
    """Return the global id of a thing: its kind, its case where it stands in one, and its own id."""
    return base64.b64encode(":".join((kind, *map(str, parts))).encode()).decode()


def parse(text: str, kind: str, field: str) -> Named:
    """Return what an id of one kind names, be it global or bare. Raises ``Problem``, naming ``field``."""
    bare = _uuid(text)
    if bare is not None:
        return Named(None, None, bare)
    named = parse_global(text)
    if named is None or named.kind != kind:
        raise bad_input(f"{field}: {_shown(text)} is no id of {_article(kind)}.")
    return named


def stream_name(kind: LearningKind) -> str:
    """Return what a kind of learning stream is called in its ids."""
    return next(name for name, one in STREAMS.items() if one is kind)


def bare(text: str, field: str) -> UUID:
    """Return what a bare id names. Raises ``Problem``, naming ``field``."""
    found = _uuid(text)
    if found is None:
        raise bad_input(f"{field}: {_shown(text)} is no UUID.")
    return found


def parse_global(text: str) -> Named | None:
    """Return what a global id of anything but an organisation names, or none if it is no such id."""
    decoded = _decoded(text)
    kind, *parts = decoded.split(":") if decoded else [""]
    ids = [_uuid(part) for part in parts]
    match ids:
        case [UUID() as case] if kind == CASE:
            return Named(kind, case, case)
        case [UUID() as case, UUID() as part] if kind in {OBSTACLE, GAP, EVENT}:
            return Named(kind, case, part)
        case [UUID() as stream] if kind in STREAMS:
            return Named(kind, stream, stream)
        case _:
            return None


def organisation_identifier(text: str, field: str) -> str:
    """Return the identifier that an organisation's id, global or bare, stands for. Raises ``Problem``."""
    found = organisation_of_global(text) or text
    try:
        return msgspec.convert(found, OrganisationId)
    except msgspec.ValidationError:
        message = f"{field}: {_shown(text)} names no organisation; give an OIN (twenty digits) or a URI."
        raise bad_input(message) from None


def organisation_of_global(text: str) -> str | None:
    """Return the identifier within an organisation's global id, or none if it is no such id."""
    decoded = _decoded(text)
    if decoded and decoded.startswith(f"{ORGANISATION}:"):
        return decoded.removeprefix(f"{ORGANISATION}:")
    return None


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")  # noqa: PLR2004  as much as helps to find the mistake


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIO' else 'a'} {kind.lower()}"
