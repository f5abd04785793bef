"""Who has to do with a case beside its parties and subjects: who recorded something in it, and who represents whom.

Those that derivations keep rows of (``PartyFacet``, ``SubjectFacet``) are not told here again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from ...domain.case.corrections import is_mending, mend
from ...domain.case.facts import CaseFact, SubjectRelated
from ...domain.event import Event
from ...domain.ids import CaseId, SubjectId
from ...domain.vocabulary import Role, SubjectRelation

RECORDED = "recorded"
"""Why somebody sees a case who recorded something in it: it stays theirs, whatever becomes of what they said."""

_PREFIXES = {Role.AGENCY: "O", Role.SOLUTION_TEAM: "O", Role.INTAKE: "N"}


class Viewer(Struct, frozen=True):
    """Somebody by the name under which they see a case, why, and from when until when (none: without end).

    ``subject`` is who they are, and ``represents`` on whose behalf, where they represent a subject.
    """

    case: CaseId
    name: str
    source: str
    from_: datetime | None = None
    until: datetime | None = None
    subject: SubjectId | None = None
    represents: SubjectId | None = None


def recorders(events: Sequence[Event]) -> Iterator[Viewer]:
    """Yield who sees cases because they recorded one of these events."""
    seen: set[tuple[int, str, str]] = set()  # by numbers: ids are slow to compare, and this looks at every event
    for event in events:
        prefix = _PREFIXES.get(event.actor.role)
        if prefix is None or not isinstance(event.data, CaseFact):
            continue
        key = (event.stream.int, prefix, event.actor.organisation)
        if key not in seen:
            seen.add(key)
            yield Viewer(event.stream, f"{prefix}:{event.actor.organisation}", RECORDED)


def may_change_representatives(event: Event) -> bool:
    """Return whether after an event others may represent a subject."""
    return isinstance(event.data, SubjectRelated) or is_mending(event)


def representatives(history: Sequence[Event]) -> Iterator[Viewer]:
    """Yield who sees a case on behalf of a subject, from its whole history."""
    if not any(isinstance(event.data, SubjectRelated) for event in history):
        return  # Nearly always; a correction makes no event another kind of event.
    mended = mend(history)
    for event in mended.events:
        fact = event.data
        if (
            isinstance(fact, SubjectRelated)
            and fact.relation is SubjectRelation.REPRESENTS
            and event.id not in mended.struck
        ):
            name = f"S:{fact.subject}"
            yield Viewer(event.stream, name, f"{event.id}", fact.from_, fact.until, fact.subject, fact.to)
