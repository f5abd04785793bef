"""What an organisation took on when it acknowledged a gap with a plan, and the gap that opens if it is late with it.

An acknowledgement with a plan and a time by which it is due is a promise to end what was acknowledged. It is done when
none of the gaps that it was about is open any more; there is no other event that says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from ...domain.case.facts import GapAcknowledged
from ...domain.event import Event
from ...domain.ids import EventId
from ...domain.learning.facts import LearningGapAcknowledged
from ...domain.vocabulary import GapKind
from .live import live
from .shapes import Gap, GapKey, follows

if TYPE_CHECKING:
    from .chain import Chain


class Commitment(Struct, frozen=True, gc=False):
    """A promise to end gaps by ``due``; given later than that, it is overdue from the moment at which it was given."""

    event: EventId
    at: datetime
    organisation: str
    due: datetime
    gaps: frozenset[GapKey]


def commitment(
    running: Iterable[tuple[datetime, Gap]], event: Event, fact: GapAcknowledged | LearningGapAcknowledged
) -> Commitment | None:
    """Return what an acknowledgement takes on: to end the gap that it names, or those that have come in its place.

    ``running`` are the gaps that have not ended, each with the moment from which it exists. None if it has no plan or
    no time, or if nothing of it is open: what ended, or ends by this very word, is done.
    """
    if fact.plan is None or fact.due is None:
        return None
    at = event.occurred_at
    meant = [gap for from_, gap in running if from_ <= at and follows(fact.gap, gap, at)]
    named = [gap for gap in meant if gap.id == fact.gap.id]
    gaps = frozenset(gap.key for gap in named or meant)
    return Commitment(event.id, at, fact.organisation, max(fact.due, at), gaps) if gaps else None


def end_commitments(chain: Chain, event: Event) -> None:
    """End the commitments of which nothing is left to do after ``event``."""
    running = {gap.key for _, gap in live(chain)}
    left: list[Commitment] = []
    for one in chain.commitments:
        if running.isdisjoint(one.gaps):
            evidence = (one.event, event.id)
            at = event.occurred_at
            chain.close(GapKind.COMMITMENT_OVERDUE, one.event, one.due, at, (one.organisation,), (), evidence)
            chain.done_with_custody.append(one)
        else:
            left.append(one)
    chain.commitments = left
