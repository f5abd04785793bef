"""What the read model keeps of a cause, and the gaps about it: unowned, an escalation unanswered, a measure overdue.

What ends the cause ends all of them: nobody is late with what is no longer asked.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from ...domain.cause.rules import RULES, Cause
from ...domain.ids import EventId
from ...domain.settings import Course
from ...domain.vocabulary import CauseStatus, GapKind, LearningKind
from .answer_facets import CommitmentFacet, CommitmentKind, CommitmentOutcome, EscalationFacet
from .learning import Derivation, Header, stream_gap
from .learning_facets import StreamLinkFacet
from .shapes import Gap

OBSTACLE: Final = "OBSTACLE"
"""The relation of a cause with an obstacle that comes from it."""

MEASURED: Final = "measure=COMMITTED"
"""The mark of a cause for which somebody committed themselves to a measure."""


def status_of(cause: Cause) -> CauseStatus:
    """Return how far a cause has come."""
    if cause.ended is not None:
        return CauseStatus.REMOVED if cause.ended.removed else CauseStatus.ACCEPTED_AS_IS
    return CauseStatus.UNOWNED if cause.owner is None else CauseStatus.OWNED


def header(cause: Cause) -> Header:
    """Return what lists choose a cause by."""
    marks = [f"locus={cause.fact.locus}"]
    if cause.fact.barrier is not None:
        marks.append(f"barrier={cause.fact.barrier}")
    if cause.owner is not None:
        marks.append(f"owner={cause.owner}")
    if cause.level is not None:
        marks.append(f"level={cause.level}")
    if cause.measures:
        marks.append(MEASURED)
    return Header(status_of(cause), cause.fact.theme, tuple(marks))


def links(cause: Cause) -> Iterator[StreamLinkFacet]:
    """Yield the obstacles that come from a cause."""
    for one in cause.obstacles.values():
        yield StreamLinkFacet(OBSTACLE, one.obstacle, one.at, one.event)


def gaps(stream: UUID, cause: Cause, _: Course) -> Iterator[Gap]:
    """Yield the gaps about a cause: ended, running and foreseen."""
    on = (LearningKind.CAUSE, stream)
    end = (cause.ended.at, cause.ended.event) if cause.ended else None
    owned = (cause.first_owned_at, cause.first_owned_by)
    proposed = [one for one in cause.proposals if not _beyond(one.at, owned[0])]
    yield from stream_gap(
        on,
        GapKind.CAUSE_UNOWNED,
        cause.begun.id,
        cause.begun.occurred_at,
        _first((owned, end)),
        involved=(one.owner for one in proposed),
        evidence=tuple(one.event for one in proposed),
    )
    for vacancy in cause.vacancies:
        until = _first((vacancy.until, end))
        asked = [one for one in cause.proposals if one.at >= vacancy.at and not _beyond(one.at, until and until[0])]
        yield from stream_gap(
            on,
            GapKind.CAUSE_UNOWNED,
            vacancy.event,
            vacancy.at,
            until,
            involved=(one.owner for one in asked),
            evidence=tuple(one.event for one in asked),
        )
    for one in cause.escalations.values():
        until = _first(((one.answered_at, one.answered_by), end))
        yield from stream_gap(on, GapKind.ESCALATION_UNANSWERED, one.event, one.respond_by, until, to_act=(one.to,))
    for one in cause.measures.values():
        until = _first(((one.implemented_at, one.implemented_by), end))
        # Whoever owned it when that ended; an owner that comes later is not to act in what was over by then.
        owner = cause.owner if one.implemented_at is None else one.owner_then
        yield from stream_gap(on, GapKind.MEASURE_OVERDUE, one.event, one.due, until, to_act=(owner,) if owner else ())


def asked(cause: Cause) -> Iterator[CommitmentFacet | EscalationFacet]:
    """Yield the measures that were committed to, and the answers that were asked for."""
    end = (cause.ended.at, cause.ended.event) if cause.ended else None
    for one in cause.escalations.values():
        until = _first(((one.answered_at, one.answered_by), end))
        yield EscalationFacet(
            one.event, one.asked_by, one.to, one.level, one.at, one.respond_by, until[0] if until else None
        )
    for one in cause.measures.values():
        until = _first(((one.implemented_at, one.implemented_by), end))
        outcome = CommitmentOutcome.RUNNING
        if until is not None:
            done = until[1] == one.implemented_by
            outcome = CommitmentOutcome.DONE if done else CommitmentOutcome.LAPSED
        yield CommitmentFacet(
            one.event,
            CommitmentKind.MEASURE,
            one.organisation,
            one.at,
            one.due,
            until[0] if until else None,
            outcome,
            LearningKind.CAUSE,
        )


def _beyond(at: datetime, moment: datetime | None) -> bool:
    return moment is not None and at > moment


def _first(
    ends: Iterable[tuple[datetime | None, EventId | None] | None],
) -> tuple[datetime, EventId] | None:
    """Return the first of the ends that came; of two at one moment the one named first."""
    came = [(at, event) for at, event in filter(None, ends) if at is not None and event is not None]
    return min(came, key=lambda one: one[0], default=None)


DERIVATION: Final = Derivation(RULES, header, links, gaps, asked)
"""How causes are derived."""
