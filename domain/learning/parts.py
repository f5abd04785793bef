"""What a stream consists of, by ids of its own: what names a part that it never had is refused, in whatever state.

That a part was not there yet at a moment is another matter: that hangs on when it is told.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event, Fact

Parts = Mapping[str, type[Fact]]
"""The name of the field that holds a part's id, and the fact that brings the part in. Where a fact names several, its
field has that name with an s."""


def refuse_parts(noun: str, parts: Parts, fact: Fact, history: Sequence[Event]) -> Refused | None:
    """Refuse what names a part that the stream never had, and what brings in one that it has already."""
    for part, brought_in_by in parts.items():
        known = {getattr(event.data, part) for event in history if isinstance(event.data, brought_in_by)}
        if isinstance(fact, brought_in_by):
            brought = getattr(fact, part)
            if brought in known:
                message = f"The {noun} has a {part} with this id already."
                return Refused(RefusalCode.ALREADY_EXISTS, message, ((part, str(brought)),))
            continue
        for each in _named(fact, part):
            if each not in known:
                message = f"The {noun} has no such {part}: {each}."
                return Refused(RefusalCode.UNKNOWN_PART, message, ((part, str(each)),))
    return None


def _named(fact: Fact, part: str) -> tuple[UUID, ...]:
    one: UUID | None = getattr(fact, part, None)
    several: tuple[UUID, ...] = getattr(fact, f"{part}s", ())
    return several if one is None else (one, *several)


def refuse_other_speaker(command: Command, organisation: str, what: str) -> Refused | None:
    """Refuse a word that only the organisation itself can give; ``what`` begins the sentence that says so."""
    own: Any = command.actor.organisation
    if organisation == own:
        return None
    message = f"{what} is an organisation's own word: only the organisation itself can give it."
    return Refused(RefusalCode.WRONG_PARTY, message, (("organisation", organisation), ("actor", own)))


def brought_in_before(known: Mapping[UUID, Event], part: UUID) -> Objection | None:
    """Object to a part that was brought in already, by an event of ``known``; commands never come so far."""
    event = known.get(part)
    if event is None:
        return None
    return Objection(RefusalCode.ALREADY_EXISTS, "Something with this id was brought in before.", (event.id,))
