"""The gaps of a chain that run, or will begin by time alone, and those that a new stretch of custody closes.

Nothing has to fire when a deadline passes: what has been observed says from when on
a gap is so if nothing more happens.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from ...domain.case.state import Contest, Obstacle, Open, Settled
from ...domain.ids import EventId
from ...domain.vocabulary import GapKind
from .custody import Held, Unheld
from .shapes import NO_TIME, Gap, graced
from .stretches import clip

if TYPE_CHECKING:
    from .chain import Chain

# A word looked up in its list each time costs more than the gap that it names.
CAROUSEL: Final = GapKind.CAROUSEL
COMMITMENT_OVERDUE: Final = GapKind.COMMITMENT_OVERDUE
CONTESTED: Final = GapKind.CONTESTED
DECISION_OVERDUE: Final = GapKind.DECISION_OVERDUE
NOBODYS_JOB: Final = GapKind.NOBODYS_JOB
REFERRED_ROUND: Final = GapKind.REFERRED_ROUND
STANDSTILL: Final = GapKind.STANDSTILL
UNANSWERED: Final = GapKind.UNANSWERED
UNCONFIRMED: Final = GapKind.UNCONFIRMED


def live(chain: Chain) -> list[tuple[datetime, Gap]]:
    """Return the gaps that run, or will begin by time alone, each with the moment from which it exists."""
    found: list[tuple[datetime, Gap]] = []
    state = chain.state
    if type(state) is Open:
        _live_while_open(chain, state, found)
    elif type(state) is Settled and state.contest is not None:
        found.append(_live_contest(chain, state.contest, state.resolved_by))
    if not chain.settings.has_changed:
        return found
    return [(from_, graced(gap, chain.settings)) for from_, gap in found]


def _live_while_open(chain: Chain, state: Open, found: list[tuple[datetime, Gap]]) -> None:
    """Add the gaps of an obstacle that is open to those found."""
    current = chain.current
    holder: tuple[str, ...] = ()
    if type(current) is Held:
        holder = (current.organisation,)
        if current.carousel is not None:
            found.append((current.begun_at, current.carousel))
        if current.claimed:
            from_, by = current.begun_at + chain.settings.at(current.begun_at).confirm_by, current.entered_by
            _run_on(chain, found, UNCONFIRMED, by, from_, (current.actor,), holder, (by,))
        still = standstill(chain, current, state)
        if still is not None:
            _run_on(chain, found, STANDSTILL, still[1], still[0], holder, (), (still[1],))
    elif type(current) is Unheld:
        by, from_ = current.entered_by, current.begun_at
        _run_on(chain, found, current.kind, by, from_, current.to_act, current.involved, (by,))
        round_ = chain.run.round() if chain.run else None
        if round_ is not None:
            first, standing, referrals = round_
            _run_on(chain, found, REFERRED_ROUND, first.id, first.occurred_at, (), standing, referrals)
    for offer in state.offers:
        by = offer.event
        _run_on(chain, found, UNANSWERED, by, offer.respond_by, (offer.to,), (offer.from_,), (by,))
    if chain.row_begun is not None:
        from_, by = chain.row_begun
        refused_by = tuple(sorted(chain.row))
        _run_on(chain, found, NOBODYS_JOB, by, from_, holder, refused_by, tuple(chain.row.values()))
    if chain.term is not None:
        overdue, by = chain.term.overdue_from(), chain.term.event
        if overdue is not None:
            _run_on(chain, found, DECISION_OVERDUE, by, overdue, holder, (), (by,))
    for one in chain.commitments:
        _run_on(chain, found, COMMITMENT_OVERDUE, one.event, one.due, (one.organisation,), (), (one.event,))


def _live_contest(chain: Chain, contest: Contest, resolved_by: str | None) -> tuple[datetime, Gap]:
    """Return the gap that runs, or will, while a contest waits for its answer."""
    due = contest.answer_due
    gap = Gap(
        kind=CONTESTED,
        lies_on=chain.obstacle,
        begun_by=contest.event,
        from_=due,
        until=None,
        open=True,
        to_act=(resolved_by,) if resolved_by else (),
        involved=(),
        evidence=(contest.event,),
        running_from=due,
    )
    return due, gap


def _run_on(
    chain: Chain,
    found: list[tuple[datetime, Gap]],
    kind: GapKind,
    begun_by: EventId,
    from_: datetime,
    to_act: tuple[str, ...],
    involved: tuple[str, ...],
    evidence: tuple[EventId, ...],
) -> None:
    """Add a gap that has no end yet to those found."""
    if from_ >= chain.stretches[-1][0]:
        # Nearly always: it lies wholly in the time that the obstacle has been open now, so there is nothing to clip.
        obstacle = chain.obstacle
        gap = Gap(
            kind,
            obstacle,
            begun_by,
            from_,
            None,
            True,
            to_act,
            involved,
            evidence,
            NO_TIME,
            from_,
        )
        found.append((from_, gap))
        return
    clipped = chain.gap_of(kind, begun_by, from_, None, to_act, involved, evidence)
    if clipped is not None:
        found.append((clipped.from_, clipped))


def standstill(chain: Chain, held: Held, state: Obstacle | None) -> tuple[datetime, EventId] | None:
    """Return from when a confirmed holder stands still if nothing happens, and what set its clock.

    ``state`` is the obstacle with what it waits for and what is pending; none while a waiting has no end in sight.
    """
    if held.claimed or not isinstance(state, Open):
        return None
    clock = held.clock
    waiting = state.waiting
    if waiting is not None:
        if waiting.until is None:
            return None
        clock = max(clock, (max(waiting.until, waiting.began_at), waiting.position, waiting.event))
    for offer in state.offers:
        clock = max(clock, (max(offer.respond_by, offer.offered_at), offer.position, offer.event))
    return clock[0] + chain.settings.at(clock[0]).standstill, clock[2]


def carousel(chain: Chain, held: Held) -> Gap | None:
    """Return the carousel that a new stretch closes: its holder held before, with another in between."""
    for index in range(len(chain.held_before) - 1, -1, -1):
        earlier, ended_at = chain.held_before[index]
        if earlier.organisation == held.organisation:
            break
    else:
        return None
    between = [other for other, _ in chain.held_before[index + 1 :]]
    if all(other.organisation == held.organisation for other in between):
        return None
    ring = (earlier, *between, held)
    clipped = clip(ended_at, held.begun_at, chain.stretches)
    if clipped is not None:
        from_, until, pieces = (
            clipped.from_,
            held.begun_at if clipped.until is None else clipped.until,
            clipped.pieces,
        )
    else:
        # Nothing of it lies in the open time: it stands at the moment that the obstacle came back.
        from_, until, pieces = held.begun_at, held.begun_at, NO_TIME
    return Gap(
        kind=CAROUSEL,
        lies_on=chain.obstacle,
        begun_by=held.entered_by,
        from_=from_,
        until=until,
        open=True,
        to_act=(),
        involved=tuple(one.organisation for one in ring),
        evidence=tuple(one.entered_by for one in ring),
        pieces=pieces,
        length=len({one.organisation for one in ring[:-1]}),
    )
