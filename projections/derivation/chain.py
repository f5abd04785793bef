"""One obstacle's chain as it grows: its segments, its clocks and the gaps that lie on it.

``Chain.observe`` takes each event that had effect on the obstacle, in order, with the obstacle's state before and
after; what happened is read off the two states, so that the domain's rules stay the only ones. Gaps that have ended
stand in ``closed``; those that run, or will begin by time alone, are given by ``live``. The module is long because the
kinds of gap share their clocks: apart they would each have to keep the others' state.
"""

from copy import copy
from datetime import datetime
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from ...domain.case import facts as f
from ...domain.case.state import Obstacle, Open, Settled
from ...domain.event import Event
from ...domain.ids import EventId, ObstacleId
from ...domain.settings import Course
from ...domain.vocabulary import GapKind, WithdrawalGround
from .commitments import Commitment, end_commitments
from .custody import Clock, Held, Run, Unheld
from .doings import HANDLERS
from .live import carousel, standstill
from .shapes import Gap, GapKey, Segment, SegmentKind, StatedHarm, graced
from .stretches import Stretch, clip
from .terms import Term, ended


def _now(event: Event) -> Clock:
    """Return a clock that the event itself starts."""
    return event.occurred_at, event.position, event.id


LEAVING: Final = frozenset({f.SubjectReferred, f.ResponsibilityMoved, f.CaseClosed})
"""What begins a new stretch held by nobody even if nobody held it before."""


class Chain(Struct, eq=False):
    """The chain of one obstacle, at the moment of the last event that it observed; the first must be its report."""

    obstacle: ObstacleId
    settings: Course
    state: Obstacle | None = None
    previous: Obstacle | None = None
    """The obstacle before the event that is being observed."""
    report: f.ObstacleReported | None = None
    report_event: EventId | None = None
    reported_at: datetime | None = None
    stretches: list[Stretch] = []
    segments: list[Segment] = []
    held_before: list[tuple[Held, datetime]] = []
    """Ended stretches that somebody held, with their ends, in order."""
    current: Held | Unheld | None = None
    run: Run | None = None
    last_holder: str | None = None
    closed: dict[GapKey, Gap] = {}
    dirty: set[GapKey] = set()
    """Closed gaps that came, went or changed since whoever follows the chain last looked."""
    just_closed: list[GapKey] = []
    ended_with_custody: list[GapKey] = []
    commitments: list[Commitment] = []
    done_with_custody: list[Commitment] = []
    """Commitments done at the moment at which custody was let go last, or since."""
    acted: tuple[datetime, EventId] | None = None
    term: Term | None = None
    row: dict[str, EventId] = {}
    row_begun: tuple[datetime, EventId] | None = None
    harms: list[StatedHarm] = []
    organisations: dict[str, None] = {}
    """Who held it, in order."""
    offered: int = 0
    accepted: int = 0
    refused: int = 0
    referrals: int = 0
    contacts: int = 0
    retold: int = 0

    def copy(self) -> Self:
        """Return a chain that goes on by itself from here; stretches that have ended are shared, for they stay."""
        other = copy(self)
        other.stretches = self.stretches.copy()
        other.segments = self.segments.copy()
        other.held_before = self.held_before.copy()
        other.current = self.current.copy() if isinstance(self.current, Held) else self.current
        other.run = self.run.copy() if self.run else None
        other.closed = self.closed.copy()
        other.dirty = self.dirty.copy()
        other.just_closed = self.just_closed.copy()
        # What ends after custody did, in its wake, ended with it: often the two are one list.
        together = self.ended_with_custody is self.just_closed
        other.ended_with_custody = other.just_closed if together else self.ended_with_custody.copy()
        other.commitments = self.commitments.copy()
        other.done_with_custody = self.done_with_custody.copy()
        other.row = self.row.copy()
        other.harms = self.harms.copy()
        other.organisations = self.organisations.copy()
        return other

    @property
    def turned(self) -> bool:
        """Whether the event observed last changed who holds the obstacle or on whose word, or whether it is open.

        An offer, or a waiting, changes neither.
        """
        before, after = self.previous, self.state
        return type(before) is not Open or type(after) is not Open or before.custody is not after.custody

    # What happens

    def observe(self, event: Event, before: Obstacle | None, after: Obstacle) -> None:
        """Take in an event that had effect on this obstacle, or is about it."""
        self.previous, self.state = before, after
        fact = event.data
        # The states are of exactly two types; asking for the type is the quicker way to tell them apart.
        if type(before) is Open:
            if before is not after:
                self._end_offers(event, before, after)
                self._end_waiting(event, before, after)
            if type(after) is not Open:
                self._settle(event, before)
            elif before.custody is not after.custody:
                self._pass_custody(event, before, after)
            elif after.custody is None and type(fact) in LEAVING:
                self._leave_with_nobody(event)
        else:
            if before is None:
                self._report(event, fact)
            if type(after) is Open:
                self._open(event, before if type(before) is Settled else None, after)
            if type(before) is Settled:
                self._end_contest(event, before, after)
        handler = HANDLERS.get(type(fact))
        if handler is not None:
            handler(self, event, fact, before, after)
        if self.commitments:
            end_commitments(self, event)

    def _report(self, event: Event, fact: object) -> None:
        assert isinstance(fact, f.ObstacleReported)
        self.report, self.report_event = fact, event.id
        self.reported_at = event.occurred_at
        self.acted = (event.occurred_at, event.id)

    def _open(self, event: Event, before: Settled | None, after: Open) -> None:
        """Begin a stretch of being open."""
        if before is not None and before.at < event.occurred_at and (before.annulled or before.unanswered):
            to_act = (before.resolved_by,) if before.resolved_by else ()
            evidence = (before.event, before.annulled or before.unanswered[0], event.id)
            self._settled_gap(GapKind.WRONGLY_SETTLED, event.id, before.at, event.occurred_at, to_act, evidence)
        self.stretches.append((event.occurred_at, None))
        if after.custody is None:
            self._leave_with_nobody(event)
        else:
            self._take(event, after.custody.organisation, claimed=after.custody.claimed)

    def _settle(self, event: Event, before: Open) -> None:
        """End the stretch of being open, and all that runs in it."""
        at = event.occurred_at
        self.end_row(event, before.holder)
        self.end_term(event, before.holder)
        self._end_custody(event)
        self._end_run(event)
        self.current = None
        self.stretches[-1] = (self.stretches[-1][0], at)
        if isinstance(event.data, f.ObstacleWithdrawn) and event.data.ground is WithdrawalGround.GAVE_UP:
            assert self.acted is not None
            to_act = (before.holder,) if before.holder else ()
            evidence = (self.acted[1], event.id)
            self.close(GapKind.GAVE_UP, event.id, self.acted[0], at, to_act, (), evidence)

    def _pass_custody(self, event: Event, before: Open, after: Open) -> None:
        """Custody changed: it passed to somebody or nobody, or what was claimed was confirmed."""
        held = self.current
        if after.custody is None:
            self._end_custody(event)
            self._leave_with_nobody(event)
        elif before.custody is not None and before.custody.event == after.custody.event:
            assert isinstance(held, Held)
            self._confirm(event, held)
        elif after.custody.event != event.id:
            self._resume(event, claimed=after.custody.claimed)
        else:
            self._end_custody(event)
            self._take(event, after.custody.organisation, claimed=after.custody.claimed)

    def _take(self, event: Event, organisation: str, *, claimed: bool) -> None:
        """Begin a stretch held by an organisation."""
        self._end_run(event)
        held = Held.begun(organisation, event, claimed=claimed)
        self.ended_with_custody = []
        self.done_with_custody = []
        self.last_holder = organisation
        self.organisations[organisation] = None
        self.current = held
        held.carousel = carousel(self, held)

    def _resume(self, event: Event, *, claimed: bool) -> None:
        """Take custody back at the instant at which it was let go: the stretch goes on as if nothing had happened."""
        held = self.held_before.pop()[0].copy()
        self.segments.pop()
        for gap in self.ended_with_custody:
            self.closed.pop(gap, None)
            self.dirty.add(gap)
        self.commitments += self.done_with_custody
        self.done_with_custody = []
        self._end_run(event)
        self.current = held
        self.last_holder = held.organisation
        if held.claimed and not claimed:
            self._confirm(event, held)

    def _confirm(self, event: Event, held: Held) -> None:
        """Make a claimed custody a confirmed one; the standstill clock starts."""
        self._end_unconfirmed(event, held)
        held.claimed = False
        held.restart(_now(event))

    def _leave_with_nobody(self, event: Event) -> None:
        """Begin a stretch held by nobody."""
        fact = event.data
        begins_run = self.run is None
        if isinstance(self.current, Unheld):
            begins_run = (
                self._end_unheld(event, self.current)
                and self.run is not None
                and (self.run.begun_at == event.occurred_at)
            )
        if self.run is None:
            reported = fact.experienced_at if isinstance(fact, f.ObstacleReported) else None
            self.run = Run(event.occurred_at, reported, self.last_holder)
        elif begins_run:
            # What began the run had no length, so the run begins with this event instead.
            self.run.experienced_at = None
        to_act: tuple[str, ...] = ()
        involved: tuple[str, ...] = ()
        match fact:
            case f.ObstacleReported():
                involved = tuple(sorted({fact.experienced_at, *fact.told}))
            case f.SubjectReferred():
                self.run.referrals.append((event, fact))
                to_act, involved = (fact.from_,), (fact.to,)
            case f.ResponsibilityMoved():
                to_act, involved = (fact.to,), (fact.from_,)
            case f.CaseClosed():
                to_act = (fact.organisation,)
            case _:
                to_act = (self.last_holder,) if self.last_holder else ()
        self.current = Unheld.begun(event, to_act, involved)

    # What ends

    def _end_offers(self, event: Event, before: Open, after: Obstacle) -> None:
        """End the offers that are no longer pending; the standstill clock starts at their end or deadline."""
        left = after.offers if isinstance(after, Open) else ()
        if left is before.offers:
            return
        at = event.occurred_at
        for offer in before.offers:
            if offer not in left:
                evidence = (offer.event, event.id)
                if offer.respond_by < at:
                    kind = GapKind.UNANSWERED
                    self.close(kind, offer.event, offer.respond_by, at, (offer.to,), (offer.from_,), evidence)
                if isinstance(self.current, Held):
                    deadline = max(offer.respond_by, offer.offered_at)
                    if deadline <= at:
                        self.current.restart((deadline, offer.position, offer.event))
                    if at <= deadline:
                        self.current.restart(_now(event))

    def _end_waiting(self, event: Event, before: Open, after: Obstacle) -> None:
        """End a waiting that no longer runs; the standstill clock starts at its end."""
        waiting = before.waiting
        if waiting is None or (isinstance(after, Open) and after.waiting is waiting):
            return
        at = event.occurred_at
        if self.term is not None and self.term.suspensions:
            self.term = Term(
                self.term.event, self.term.set_at, self.term.due, ended(self.term.suspensions, waiting.event, at)
            )
        if isinstance(self.current, Held):
            ran_out = max(waiting.until, waiting.began_at) if waiting.until is not None else None
            if ran_out is not None and ran_out <= at:
                self.current.restart((ran_out, waiting.position, waiting.event))
            if ran_out is None or at <= ran_out:
                self.current.restart(_now(event))

    def _end_custody(self, event: Event) -> None:
        """End the stretch that runs, whoever holds it or not."""
        current = self.current
        if isinstance(current, Unheld):
            self._end_unheld(event, current)
        if not isinstance(current, Held):
            return
        at = event.occurred_at
        if isinstance(event.data, f.SubjectReferred):
            # A releasing referral is first an act of the holder, and confirms its custody if it is its own word.
            assert isinstance(self.state, Open)
            assert self.state.let_go is not None
            if current.claimed and not self.state.let_go[0].claimed:
                self._confirm(event, current)
            self.act(event, event.data.from_)
        claimed = current.claimed
        self.just_closed = []
        self.done_with_custody = []
        self.end_standstill(event, current)
        self._end_unconfirmed(event, current)
        if current.carousel is not None:
            self.add(replace(current.carousel, open=False))
        self.ended_with_custody = self.just_closed
        self.held_before.append((current, at))
        self.segments.append(
            Segment(
                self.obstacle,
                SegmentKind.HELD,
                current.organisation,
                claimed,
                current.begun_at,
                at,
                current.entered_by,
                event.id,
            )
        )

    def _end_unheld(self, event: Event, unheld: Unheld) -> bool:
        """End a stretch held by nobody; return whether it had no length, and so never was."""
        at = event.occurred_at
        if unheld.begun_at == at:
            return True
        evidence = (unheld.entered_by, event.id)
        self.close(unheld.kind, unheld.entered_by, unheld.begun_at, at, unheld.to_act, unheld.involved, evidence)
        self.segments.append(
            Segment(self.obstacle, SegmentKind.UNHELD, None, False, unheld.begun_at, at, unheld.entered_by, event.id)
        )
        return False

    def _end_run(self, event: Event) -> None:
        """End the run of stretches held by nobody."""
        run, self.run = self.run, None
        round_ = run.round() if run else None
        if round_ is not None and round_[0].occurred_at < event.occurred_at:
            first, standing, referrals = round_
            evidence = (*referrals, event.id)
            self.close(GapKind.REFERRED_ROUND, first.id, first.occurred_at, event.occurred_at, (), standing, evidence)

    def end_standstill(self, event: Event, held: Held) -> None:
        """End a standstill, if the holder stands still."""
        begun = standstill(self, held, self.previous)
        if begun is not None and begun[0] < event.occurred_at:
            evidence = (begun[1], event.id)
            to_act = (held.organisation,)
            self.close(GapKind.STANDSTILL, begun[1], begun[0], event.occurred_at, to_act, (), evidence)

    def _end_unconfirmed(self, event: Event, held: Held) -> None:
        from_ = held.begun_at + self.settings.at(held.begun_at).confirm_by
        if held.claimed and from_ < event.occurred_at:
            evidence = (held.entered_by, event.id)
            to_act, involved = (held.actor,), (held.organisation,)
            self.close(GapKind.UNCONFIRMED, held.entered_by, from_, event.occurred_at, to_act, involved, evidence)

    def end_row(self, event: Event, holder: str | None) -> None:
        """End a row of refusals."""
        if self.row_begun is not None:
            from_, second = self.row_begun
            to_act = (holder,) if holder else ()
            evidence = (*self.row.values(), event.id)
            self.close(GapKind.NOBODYS_JOB, second, from_, event.occurred_at, to_act, tuple(sorted(self.row)), evidence)
        self.row, self.row_begun = {}, None

    def end_term(self, event: Event, holder: str | None) -> None:
        """End a term: decided on, settled, or replaced by another."""
        term, self.term = self.term, None
        from_ = term.overdue_from() if term else None
        if term is not None and from_ is not None and from_ < event.occurred_at:
            to_act = (holder,) if holder else ()
            evidence = (term.event, event.id)
            self.close(GapKind.DECISION_OVERDUE, term.event, from_, event.occurred_at, to_act, (), evidence)

    def _end_contest(self, event: Event, before: Settled, after: Obstacle) -> None:
        contest = before.contest
        if contest is None or (isinstance(after, Settled) and after.contest is contest):
            return
        due, at = contest.answer_due, event.occurred_at
        if due < at:
            to_act = (before.resolved_by,) if before.resolved_by else ()
            evidence = (contest.event, event.id)
            self._settled_gap(GapKind.CONTESTED, contest.event, due, at, to_act, evidence)

    def act(self, event: Event, organisation: str | None) -> None:
        """Note an act about the obstacle; the holder's own ends a standstill and restarts its clock."""
        self.acted = (event.occurred_at, event.id)
        held = self.current
        if isinstance(held, Held) and held.organisation == organisation:
            if not held.claimed:
                self.end_standstill(event, held)
            held.restart(_now(event))

    # Gaps

    def add(self, gap: Gap) -> None:
        """Keep a gap that has ended."""
        key = gap.key
        self.closed[key] = graced(gap, self.settings)
        self.just_closed.append(key)
        self.dirty.add(key)

    def close(
        self,
        kind: GapKind,
        begun_by: EventId,
        from_: datetime,
        until: datetime | None,
        to_act: tuple[str, ...],
        involved: tuple[str, ...],
        evidence: tuple[EventId, ...],
    ) -> None:
        """Keep a gap that has ended, as far as it lies in the time that the obstacle was open."""
        gap = self.gap_of(kind, begun_by, from_, until, to_act, involved, evidence)
        if gap is not None:
            self.add(gap)

    def _settled_gap(
        self,
        kind: GapKind,
        begun_by: EventId,
        from_: datetime,
        until: datetime,
        to_act: tuple[str, ...],
        evidence: tuple[EventId, ...],
    ) -> None:
        """Keep an ended gap that lies in the time that the obstacle was settled."""
        lasted = until - from_
        self.add(
            Gap(
                kind=kind,
                lies_on=self.obstacle,
                begun_by=begun_by,
                from_=from_,
                until=until,
                open=False,
                to_act=to_act,
                involved=(),
                evidence=evidence,
                pieces=lasted,
            )
        )

    def gap_of(
        self,
        kind: GapKind,
        begun_by: EventId,
        from_: datetime,
        until: datetime | None,
        to_act: tuple[str, ...],
        involved: tuple[str, ...],
        evidence: tuple[EventId, ...],
    ) -> Gap | None:
        """Return a gap clipped to the time that the obstacle is open, or none if nothing is left of it."""
        clipped = clip(from_, until, self.stretches)
        if clipped is None:
            return None
        return Gap(
            kind=kind,
            lies_on=self.obstacle,
            begun_by=begun_by,
            from_=clipped.from_,
            until=clipped.until,
            open=clipped.until is None,
            to_act=to_act,
            involved=involved,
            evidence=evidence,
            pieces=clipped.pieces,
            running_from=clipped.running_from,
        )

    def current_segment(self) -> Segment | None:
        """Return the segment that runs, or none while the obstacle is settled."""
        current = self.current
        if current is None:
            return None
        if isinstance(current, Unheld):
            return Segment(
                self.obstacle, SegmentKind.UNHELD, None, False, current.begun_at, None, current.entered_by, None
            )
        return Segment(
            self.obstacle,
            SegmentKind.HELD,
            current.organisation,
            current.claimed,
            current.begun_at,
            None,
            current.entered_by,
            None,
        )
