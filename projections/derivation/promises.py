"""What an organisation took on when it acknowledged a gap over several cases with a plan, and the gap if it is late.

Within one case ``commitments`` keeps count as events come. Over several, the past may change as a case is opened that
had begun before; so it is read off what there is, each time anew.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ...domain.case.facts import GapAcknowledged, GapMark
from ...domain.event import Event
from ...domain.ids import CaseId, EventId
from ...domain.vocabulary import GapKind
from .shapes import Gap, GapKey, follows


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


def overdue(promises: Sequence[Promise], gaps: Sequence[Gap]) -> Iterator[tuple[datetime, datetime | None, Gap]]:
    """Yield each promise that is late as a gap, in each of its states, with the moments for which it is that state's.

    ``gaps`` are those over the cases of the subject, each in its states in order. A promise is kept when none of the
    gaps that it was about is open any more: the one that it names, or those that have come in its place.
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
            yield from _late(one, meant)


def _late(promise: Promise, meant: Sequence[Gap]) -> Iterator[tuple[datetime, datetime | None, Gap]]:
    """Yield a promise about gaps in its states; none if it was kept in time."""
    from_ = max(promise.due, promise.at)
    ends = [gap.until for gap in meant if gap.until is not None]
    until = max(ends) if len(ends) == len(meant) else None
    if until is not None and until <= from_:
        return
    gap = Gap(
        kind=GapKind.COMMITMENT_OVERDUE,
        lies_on=meant[0].lies_on,
        begun_by=promise.event,
        from_=from_,
        until=None,
        open=True,
        to_act=(promise.organisation,),
        involved=(),
        evidence=(promise.event,),
        running_from=from_,
        cases=tuple(dict.fromkeys((*(case for gap in meant for case in gap.cases), promise.case))),
    )
    yield from_, until, gap
    if until is not None:
        yield until, None, replace(gap, until=until, open=False, pieces=until - from_, running_from=None)
