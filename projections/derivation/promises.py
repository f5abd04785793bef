"""What an organisation took on when it acknowledged a gap that lies on no one obstacle, and the gap if it is late.

On an obstacle, ``commitments`` keeps count as events come. A deadlock may end by time alone, and over several cases the
past may change as a case is opened that had begun before; so here it is read off what there is, each time anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ...domain.case.facts import GapAcknowledged, GapMark
from ...domain.event import Event
from ...domain.ids import CaseId, EventId
from ...domain.vocabulary import GapKind
from .answer_facets import CommitmentFacet, CommitmentKind, CommitmentOutcome
from .commitments import Commitment
from .shapes import Gap, GapKey, GapTurn, follows

CommitmentTurn = tuple[datetime, datetime | None, CommitmentFacet]
"""A commitment in one of its states, and the moments ``[from, until)`` for which it is that state's turn."""


class Promise(Struct, frozen=True, gc=False):
    """A plan, given at ``at`` by an event of a case, to end a gap by ``due``."""

    event: EventId
    case: CaseId
    at: datetime
    mark: GapMark
    organisation: str
    due: datetime


def promise_of(event: Event, fact: GapAcknowledged) -> Promise | None:
    """Return what an acknowledgement takes on; none if it has no plan or no time."""
    if fact.plan is None or fact.due is None:
        return None
    return Promise(event.id, event.stream, event.occurred_at, fact.gap, fact.organisation, fact.due)


def overdue(promises: Sequence[Promise], gaps: Sequence[Gap]) -> Iterator[GapTurn]:
    """Yield each promise that is late as a gap, in each of its states, with the moments for which it is that state's.

    ``gaps`` are those over the cases of the subject, each in its states in order.
    """
    for one, meant in _meant(promises, gaps):
        gap = _late(meant[0].lies_on, one.event, one.organisation, max(one.due, one.at))
        yield from _turns(replace(gap, cases=_cases(one, meant)), [gap.until for gap in meant])


def taken_on(promises: Sequence[Promise], gaps: Sequence[Gap]) -> Iterator[CommitmentTurn]:
    """Yield what was taken on with each promise, kept or not, in each of its states, as ``overdue`` does."""
    for one, meant in _meant(promises, gaps):
        due, cases = max(one.due, one.at), _cases(one, meant)
        made = CommitmentFacet(one.event, CommitmentKind.PLAN, one.organisation, one.at, due, cases=cases)
        yield from _states(made, [gap.until for gap in meant])


def _meant(promises: Sequence[Promise], gaps: Sequence[Gap]) -> Iterator[tuple[Promise, list[Gap]]]:
    """Yield each promise with the gaps that it was about: the one that it names, or those that have come in its place.

    It is kept when none of them is open any more. One that was about none that was open took nothing on.
    """
    last: dict[GapKey, Gap] = {gap.key: gap for gap in gaps}
    for one in promises:
        then = [
            gap
            for gap in last.values()
            if gap.from_ <= one.at and (gap.until is None or one.at < gap.until) and follows(one.mark, gap, one.at)
        ]
        meant = [gap for gap in then if gap.id == one.mark.id] or then
        if meant:
            yield one, meant


def _cases(promise: Promise, meant: Sequence[Gap]) -> tuple[CaseId, ...]:
    """Return the cases that a promise about gaps lies in: theirs, and the one in which it was given."""
    return tuple(dict.fromkeys((*(case for gap in meant for case in gap.cases), promise.case)))


def overdue_on_case(case: CaseId, commitments: Sequence[Commitment], turns: Iterable[GapTurn]) -> Iterator[GapTurn]:
    """Yield each commitment about gaps that lie on a case as a whole, if it is late, as a gap in each of its states.

    ``turns`` are those gaps, each in its states in order. A commitment may be about an earlier one that is late.
    """
    for _, _, late in _on_case(case, commitments, turns):
        yield from late


def taken_on_case(
    case: CaseId, commitments: Sequence[Commitment], turns: Iterable[GapTurn]
) -> Iterator[CommitmentTurn]:
    """Yield each of these commitments, kept or not, in each of its states."""
    for one, about, _ in _on_case(case, commitments, turns):
        made = CommitmentFacet(one.event, CommitmentKind.PLAN, one.organisation, one.at, one.due)
        yield from _states(made, about)


def _on_case(
    case: CaseId, commitments: Sequence[Commitment], turns: Iterable[GapTurn]
) -> Iterator[tuple[Commitment, list[datetime | None], list[GapTurn]]]:
    """Yield each commitment with the ends of what it is about, and the gap that it is if it is late."""
    ends: dict[GapKey, datetime | None] = {gap.key: gap.until for _, _, gap in turns}
    for one in commitments:
        # What is not there any more by what is known now has ended with the words that were spoken of it.
        about = [ends[key] for key in one.gaps if key in ends]
        gap = replace(_late(case, one.event, one.organisation, one.due), on_case=True)
        late = list(_turns(gap, about))
        if late:
            ends[gap.key] = late[-1][2].until
        yield one, about, late


def _late(lies_on: UUID, event: EventId, organisation: str, from_: datetime) -> Gap:
    """Return the gap that a promise is from ``from_`` on, for as long as it is not kept."""
    return Gap(
        kind=GapKind.COMMITMENT_OVERDUE,
        lies_on=lies_on,
        begun_by=event,
        from_=from_,
        until=None,
        open=True,
        to_act=(organisation,),
        involved=(),
        evidence=(event,),
        running_from=from_,
    )


def _states(made: CommitmentFacet, ends: Sequence[datetime | None]) -> Iterator[CommitmentTurn]:
    """Yield a commitment in its states, given the ends of what it was about."""
    known = [end for end in ends if end is not None]
    until = max(known, default=made.made_at) if len(known) == len(ends) else None
    yield made.made_at, until, made
    if until is not None:
        yield until, None, replace(made, ended_at=until, outcome=CommitmentOutcome.DONE)


def _turns(gap: Gap, ends: Sequence[datetime | None]) -> Iterator[GapTurn]:
    """Yield a late promise in its states, given the ends of what it was about; none if that had ended in time."""
    from_ = gap.from_
    known = [end for end in ends if end is not None]
    until = max(known, default=from_) if len(known) == len(ends) else None
    if until is None:
        yield from_, None, gap
    elif until > from_:
        yield from_, until, gap
        yield until, None, replace(gap, until=until, open=False, pieces=until - from_, running_from=None)
