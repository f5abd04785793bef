"""Which texts of events somebody may read. The database says so, by event; here it is carried through to each text."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from ...domain.case.facts import CaseFact, FactCorrected
from ...domain.event import Event
from ...domain.text import Sealed, Withheld
from ..vault.texts import sealed_texts

OPENED_TO: Final = "SELECT position, own, about FROM read.opened_to(%s::bigint[])"
"""The events of which somebody may read texts: whether they recorded it, and about whom alone (none: whoever)."""

NOTES: Final = frozenset({"note"})
"""Fields of cases in which an organisation writes for itself: a subject does not read those, though about them."""


def entitled(
    events: Sequence[Event], by_position: Mapping[int, tuple[bool, Sequence[UUID] | None]]
) -> tuple[list[Event], dict[Sealed, Withheld]]:
    """Return events with the texts that may be opened, and without the others, and what stands for those.

    ``by_position`` is what ``OPENED_TO`` found.
    """
    may_open: list[Event] = []
    withheld: dict[Sealed, Withheld] = {}
    for event in events:
        own, about = by_position.get(event.position, (False, ()))
        hidden = {
            name: text
            for name, text in sealed_texts(event.data)
            if about is not None and not own and (text.about not in about or _is_note(event, name))
        }
        withheld |= {text: Withheld(text.about) for text in hidden.values()}
        data = replace(event.data, **dict.fromkeys(hidden)) if hidden else event.data
        may_open.append(replace(event, data=data) if hidden else event)
    return may_open, withheld


def _is_note(event: Event, name: str) -> bool:
    """Return whether a text is such a note, or what one should have said: a correction has it as its content."""
    fact = event.data
    if isinstance(fact, FactCorrected):
        return name == "content" and fact.field in NOTES
    return name in NOTES and isinstance(fact, CaseFact)
