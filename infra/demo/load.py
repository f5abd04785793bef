"""Takes the demo story into a registry: as history, with its own moments of recording, into an empty log."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import cast
from uuid import UUID

from msgspec import structs

from ...domain.case.facts import CaseOpened
from ...domain.case.named import about_by_default
from ...domain.command import Command, Refused
from ...domain.event import Event
from ...domain.ids import SubjectId, event_id_of
from ..store.bulk import HistoryRefused, append_history
from ..store.connection import REGISTRY, DatabaseRole, acting_for, connect
from ..store.registry import Registry
from ..vault.sealing import Place
from ..vault.vault import ToSeal, Vault
from .story import story


class StoryRefused(Exception):  # noqa: N818  named for what it is
    """The registry cannot take the story in; the message is one sentence."""


class Loaded(StrEnum):
    """What became of the demo story."""

    NOW = "NOW"
    BEFORE = "BEFORE"
    NOT_EMPTY = "NOT_EMPTY"


def load_story(registry: Registry, vault: Vault) -> Loaded:
    """Record the story if the log is empty, and say whether it now is there.

    Of two programs that load it at once, one does. Raises ``StoryRefused`` for a text that cannot be sealed.
    """
    told = story()
    first = told[0][1].id
    if registry.event_recorder.max_notification_id() is not None:
        return _found(registry, first)
    events = _sealed([_event(*entry, version) for entry, version in zip(told, _versions(told), strict=True)], vault)
    with connect(registry.url, DatabaseRole.OWNER) as owner:
        try:
            append_history(owner, events, [vault.request_hash(command) for _, command in told])
        except HistoryRefused:
            # Somebody else was first: with the story, or with something of their own.
            return _found(registry, first)
    return Loaded.NOW


def _found(registry: Registry, first: UUID) -> Loaded:
    with acting_for(registry.reader, REGISTRY) as connection:
        row = connection.execute(
            "SELECT FROM knelpunt.event WHERE position = 0 AND event_id = %s", (event_id_of(first),)
        )
        return Loaded.BEFORE if row.fetchone() is not None else Loaded.NOT_EMPTY


def _versions(told: Sequence[tuple[datetime, Command]]) -> list[int]:
    counts: Counter[UUID] = Counter()
    versions: list[int] = []
    for _, command in told:
        counts[command.stream] += 1
        versions.append(counts[command.stream])
    return versions


def _event(recorded_at: datetime, command: Command, version: int) -> Event:
    assert command.occurred_at is not None, "the story says when each of its entries happened"
    return Event(
        id=event_id_of(command.id),
        stream=command.stream,
        version=version,
        position=0,  # the log gives it its own
        occurred_at=command.occurred_at,
        recorded_at=recorded_at,
        actor=command.actor,
        command_id=command.id,
        data=command.data,
        precision=command.precision,
        source=command.source,
        inferred=command.inferred,
        known_to=command.known_to,
    )


def _sealed(events: Sequence[Event], vault: Vault) -> list[Event]:
    """Return the events with their texts sealed, each about whom its kind of stream means unless it says otherwise."""
    first_subjects: dict[UUID, SubjectId] = {
        event.stream: event.data.subjects[0] for event in events if isinstance(event.data, CaseOpened)
    }
    facts = vault.seal(
        [
            ToSeal(
                event.data,
                Place(event.id, event.stream, event.version, event.data.topic),
                about_by_default(event, first_subjects.get(event.stream)),
            )
            for event in events
        ]
    )
    for fact in facts:
        if isinstance(fact, Refused):
            raise StoryRefused(f"The demo story cannot be recorded: {fact.message}")
    return [structs.replace(event, data=fact) for event, fact in zip(events, cast("list[object]", facts), strict=True)]
