"""One obstacle's chain as it grows: its segments, its clocks and the gaps that lie on it.

``Chain.observe`` takes each event that had effect on the obstacle, in order, with the obstacle's state before and
after; what happened is read off the two states, so that the domain's rules stay the only ones. Gaps that have ended
stand in ``closed``; those that run, or will begin by time alone, are given by ``live``. The module is long because the
kinds of gap share their clocks: apart they would each have to keep the others' state.
"""

from datetime import datetime

from msgspec.structs import replace

from ...domain.case import facts as f
from ...domain.case.state import Contest, Obstacle, Open, Settled
from ...domain.event import Event
from ...domain.ids import EventId, ObstacleId
from ...domain.settings import Settings
from ...domain.vocabulary import GapKind, Initiative, RefusalGround, StepKind, WaitingGround, WithdrawalGround
from .custody import Clock, Held, Run, Unheld
from .shapes import NO_TIME, Gap, GapKey, Segment, SegmentKind, StatedHarm
from .stretches import Stretch, clip
from .terms import Suspension, Term, ended

PASSED_OVER = frozenset({RefusalGround.INCOMPLETE_FILE, RefusalGround.WAITING_FOR_OTHER})
"""Grounds that say not now rather than not us; such refusals count in no row."""


def _now(event: Event) -> Clock:
    """Return a clock that the event itself starts."""
    return event.occurred_at, event.position, event.id


class Chain:
    """The chain of one obstacle, at the moment of the last event that it observed."""

    __slots__ = (
        "acted",
        "closed",
        "contacts",
        "current",
        "dirty",
        "ended_with_custody",
        "handoffs",
        "harms",
        "held_before",
        "last_holder",
        "just_closed",
        "obstacle",
        "organisations",
        "previous",
        "referrals",
        "report",
        "report_event",
        "reported_at",
        "retold",
        "row",
        "row_begun",
        "run",
        "segments",
        "settings",
        "state",
        "stretches",
        "term",
    )

    def __init__(self, obstacle: ObstacleId, settings: Settings) -> None:
        """Start a chain of which nothing has been observed; the first event must be its report."""
        self.obstacle = obstacle
        self.settings = settings
        self.state: Obstacle | None = None
        self.previous: Obstacle | None = None
        """The obstacle before the event that is being observed."""
        self.report: f.ObstacleReported | None = None
        self.report_event: EventId | None = None
        self.reported_at: datetime | None = None
        self.stretches: list[Stretch] = []
        self.segments: list[Segment] = []
        self.held_before: list[tuple[Held, datetime]] = []
        """Ended stretches that somebody held, with their ends, in order."""
        self.current: Held | Unheld | None = None
        self.run: Run | None = None
        self.last_holder: str | None = None
        self.closed: dict[GapKey, Gap] = {}
        self.dirty: set[GapKey] = set()
        """Closed gaps that came, went or changed since whoever follows the chain last looked."""
        self.just_closed: list[GapKey] = []
        self.ended_with_custody: list[GapKey] = []
        self.acted: tuple[datetime, EventId] | None = None
        self.term: Term | None = None
        self.row: dict[str, EventId] = {}
        self.row_begun: tuple[datetime, EventId] | None = None
        self.harms: list[StatedHarm] = []
        self.organisations: dict[str, None] = {}
        """Who held it, in order."""
        self.handoffs = [0, 0, 0]
        """Handoffs offered, accepted and refused."""
        self.referrals = 0
        self.contacts = 0
        self.retold = 0

    # What happens

    def observe(self, event: Event, before: Obstacle | None, after: Obstacle) -> None:
        """Take in an event that had effect on this obstacle, or is about it."""
        self.previous, self.state = before, after
        fact = event.data
        if isinstance(before, Open):
            self._end_offers(event, before, after)
            self._end_waiting(event, before, after)
        if before is None:
            self._report(event, fact)
        if isinstance(before, Open) and isinstance(after, Settled):
            self._settle(event, before)
        elif isinstance(after, Open):
            if not isinstance(before, Open):
                self._open(event, before, after)
            elif before.custody is not after.custody:
                self._pass_custody(event, before, after)
            elif after.custody is None and isinstance(fact, f.SubjectReferred | f.ResponsibilityMoved | f.CaseClosed):
                self._leave_with_nobody(event)
        if isinstance(before, Settled):
            self._end_contest(event, before, after)
        handler = _HANDLERS.get(type(fact))
        if handler is not None:
            handler(self, event, fact, before, after)

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
            self._take(event, after.custody.organisation, after.custody.claimed)

    def _settle(self, event: Event, before: Open) -> None:
        """End the stretch of being open, and all that runs in it."""
        at = event.occurred_at
        self._end_row(event, before.holder)
        self._end_term(event, before.holder)
        self._end_custody(event)
        self._end_run(event)
        self.current = None
        self.stretches[-1] = (self.stretches[-1][0], at)
        if isinstance(event.data, f.ObstacleWithdrawn) and event.data.ground is WithdrawalGround.GAVE_UP:
            assert self.acted is not None
            to_act = (before.holder,) if before.holder else ()
            evidence = (self.acted[1], event.id)
            self._close(GapKind.GAVE_UP, event.id, self.acted[0], at, to_act, (), evidence)

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
            self._resume(event, after.custody.claimed)
        else:
            self._end_custody(event)
            self._take(event, after.custody.organisation, after.custody.claimed)

    def _take(self, event: Event, organisation: str, claimed: bool) -> None:
        """Begin a stretch held by an organisation."""
        self._end_run(event)
        held = Held(organisation, event, claimed)
        self.ended_with_custody = []
        self.last_holder = organisation
        self.organisations[organisation] = None
        self.current = held
        held.carousel = self._carousel(held)

    def _resume(self, event: Event, claimed: bool) -> None:
        """Take custody back at the instant at which it was let go: the stretch goes on as if nothing had happened."""
        held, _ = self.held_before.pop()
        self.segments.pop()
        for gap in self.ended_with_custody:
            self.closed.pop(gap, None)
            self.dirty.add(gap)
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
            reported = self.report.experienced_at if isinstance(fact, f.ObstacleReported) else None
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
        self.current = Unheld(event, to_act, involved)

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
                    self._close(kind, offer.event, offer.respond_by, at, (offer.to,), (offer.from_,), evidence)
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
            assert isinstance(self.state, Open) and self.state.let_go is not None
            if current.claimed and not self.state.let_go[0].claimed:
                self._confirm(event, current)
            self._act(event, event.data.from_)
        claimed = current.claimed
        self.just_closed = []
        self._end_standstill(event, current)
        self._end_unconfirmed(event, current)
        if current.carousel is not None:
            self._add(replace(current.carousel, open=False))
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
        self._close(unheld.kind, unheld.entered_by, unheld.begun_at, at, unheld.to_act, unheld.involved, evidence)
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
            self._close(GapKind.REFERRED_ROUND, first.id, first.occurred_at, event.occurred_at, (), standing, evidence)

    def _end_standstill(self, event: Event, held: Held) -> None:
        begun = self._standstill(held, self.previous)
        if begun is not None and begun[0] < event.occurred_at:
            evidence = (begun[1], event.id)
            to_act = (held.organisation,)
            self._close(GapKind.STANDSTILL, begun[1], begun[0], event.occurred_at, to_act, (), evidence)

    def _end_unconfirmed(self, event: Event, held: Held) -> None:
        from_ = held.begun_at + self.settings.confirm_by
        if held.claimed and from_ < event.occurred_at:
            evidence = (held.entered_by, event.id)
            to_act, involved = (held.actor,), (held.organisation,)
            self._close(GapKind.UNCONFIRMED, held.entered_by, from_, event.occurred_at, to_act, involved, evidence)

    def _end_row(self, event: Event, holder: str | None) -> None:
        """End a row of refusals."""
        if self.row_begun is not None:
            from_, second = self.row_begun
            to_act = (holder,) if holder else ()
            evidence = (*self.row.values(), event.id)
            self._close(
                GapKind.NOBODYS_JOB, second, from_, event.occurred_at, to_act, tuple(sorted(self.row)), evidence
            )
        self.row, self.row_begun = {}, None

    def _end_term(self, event: Event, holder: str | None) -> None:
        """End a term: decided on, settled, or replaced by another."""
        term, self.term = self.term, None
        from_ = term.overdue_from() if term else None
        if term is not None and from_ is not None and from_ < event.occurred_at:
            to_act = (holder,) if holder else ()
            evidence = (term.event, event.id)
            self._close(GapKind.DECISION_OVERDUE, term.event, from_, event.occurred_at, to_act, (), evidence)

    def _end_contest(self, event: Event, before: Settled, after: Obstacle) -> None:
        contest = before.contest
        if contest is None or (isinstance(after, Settled) and after.contest is contest):
            return
        due, at = contest.answer_due, event.occurred_at
        if due < at:
            to_act = (before.resolved_by,) if before.resolved_by else ()
            evidence = (contest.event, event.id)
            self._settled_gap(GapKind.CONTESTED, contest.event, due, at, to_act, evidence)

    # What single kinds of events do beside passing custody

    def _refused(self, event: Event, fact: f.HandoffRefused, before: Obstacle | None, after: Obstacle) -> None:
        self.handoffs[2] += 1
        assert isinstance(before, Open)
        if fact.ground in PASSED_OVER:
            return
        refuser = next(offer.to for offer in before.offers if offer.handoff == fact.handoff)
        if refuser not in self.row:
            self.row[refuser] = event.id
            if len(self.row) == 2:
                self.row_begun = (event.occurred_at, event.id)

    def _accepted(self, event: Event, fact: f.HandoffAccepted, before: Obstacle | None, after: Obstacle) -> None:
        self.handoffs[1] += 1
        self._end_row(event, before.holder if isinstance(before, Open) else None)

    def _taken(self, event: Event, fact: f.CustodyTaken, before: Obstacle | None, after: Obstacle) -> None:
        self._end_row(event, before.holder if isinstance(before, Open) else None)

    def _offered(self, event: Event, fact: f.HandoffOffered, before: Obstacle | None, after: Obstacle) -> None:
        self.handoffs[0] += 1
        self._act(event, fact.from_)

    def _referred(self, event: Event, fact: f.SubjectReferred, before: Obstacle | None, after: Obstacle) -> None:
        self.referrals += 1
        self._act(event, fact.from_)

    def _term_set(self, event: Event, fact: f.TermSet, before: Obstacle | None, after: Obstacle) -> None:
        assert isinstance(after, Open)
        self._end_term(event, after.holder)
        running = after.waiting
        suspensions: tuple[Suspension, ...] = ()
        if running and running.ground is WaitingGround.SUSPENSION and running.runs_at(event.occurred_at):
            suspensions = (Suspension(running.event, running.began_at, running.until),)
        self.term = Term(event.id, event.occurred_at, fact.due, suspensions)

    def _waiting_began(self, event: Event, fact: f.WaitingBegan, before: Obstacle | None, after: Obstacle) -> None:
        self._act(event, fact.organisation)
        if self.term is not None and fact.ground is WaitingGround.SUSPENSION:
            term = self.term
            one = Suspension(event.id, event.occurred_at, fact.until)
            self.term = Term(term.event, term.set_at, term.due, (*term.suspensions, one))

    def _waiting_ended(self, event: Event, fact: f.WaitingEnded, before: Obstacle | None, after: Obstacle) -> None:
        assert isinstance(after, Open)
        self._act(event, after.holder)

    def _step(self, event: Event, fact: f.StepTaken, before: Obstacle | None, after: Obstacle) -> None:
        if fact.kind is StepKind.NOTE:
            return
        if fact.organisation is not None:
            self.acted = (event.occurred_at, event.id)
        if fact.organisation is None or not isinstance(after, Open) or after.holder != fact.organisation:
            return
        self._end_row(event, before.holder if isinstance(before, Open) else None)
        if fact.kind is StepKind.DECISION:
            self._end_term(event, before.holder if isinstance(before, Open) else None)
        if event.inferred or event.actor.organisation == fact.organisation:
            # Another's word that the holder did something does not show that it did.
            self._act(event, fact.organisation)

    def _contact(self, event: Event, fact: f.ContactMade, before: Obstacle | None, after: Obstacle) -> None:
        self.contacts += 1
        self.retold += fact.story_retold
        if fact.initiated_by is Initiative.ORGANISATION:
            self._act(event, fact.organisation)

    def _remedy(self, event: Event, fact: f.RemedyApplied, before: Obstacle | None, after: Obstacle) -> None:
        self._act(event, fact.organisation)

    def _acknowledged(self, event: Event, fact: f.GapAcknowledged, before: Obstacle | None, after: Obstacle) -> None:
        if fact.plan is not None:
            self._act(event, fact.organisation)

    def _harm(self, event: Event, fact: f.HarmStated, before: Obstacle | None, after: Obstacle) -> None:
        self.harms.append(StatedHarm(fact.harm, fact.since, fact.until, event.id))

    def _act(self, event: Event, organisation: str | None) -> None:
        """Note an act about the obstacle; the holder's own ends a standstill and restarts its clock."""
        self.acted = (event.occurred_at, event.id)
        held = self.current
        if isinstance(held, Held) and held.organisation == organisation:
            if not held.claimed:
                self._end_standstill(event, held)
            held.restart(_now(event))

    # Gaps

    def _add(self, gap: Gap) -> None:
        """Keep a gap that has ended."""
        key = gap.key
        self.closed[key] = gap
        self.just_closed.append(key)
        self.dirty.add(key)

    def _close(
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
        gap = self._gap(kind, begun_by, from_, until, to_act, involved, evidence)
        if gap is not None:
            self._add(gap)

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
        self._add(
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

    def _gap(
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

    def _carousel(self, held: Held) -> Gap | None:
        """Return the carousel that a new stretch closes: its holder held before, with another in between."""
        for index in range(len(self.held_before) - 1, -1, -1):
            earlier, ended_at = self.held_before[index]
            if earlier.organisation == held.organisation:
                break
        else:
            return None
        between = [other for other, _ in self.held_before[index + 1 :]]
        if all(other.organisation == held.organisation for other in between):
            return None
        ring = (earlier, *between, held)
        clipped = clip(ended_at, held.begun_at, self.stretches)
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
            kind=GapKind.CAROUSEL,
            lies_on=self.obstacle,
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

    def _standstill(self, held: Held, state: Obstacle | None) -> tuple[datetime, EventId] | None:
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
        return clock[0] + self.settings.standstill, clock[2]

    def live(self) -> list[tuple[datetime, Gap]]:
        """Return the gaps that run, or will begin by time alone, each with the moment from which it exists."""
        found: list[tuple[datetime, Gap]] = []
        state = self.state
        if type(state) is not Open:
            if type(state) is Settled and state.contest is not None:
                found.append(self._live_contest(state.contest, state.resolved_by))
            return found
        current = self.current
        holder: tuple[str, ...] = ()
        if type(current) is Held:
            holder = (current.organisation,)
            if current.carousel is not None:
                found.append((current.begun_at, current.carousel))
            if current.claimed:
                from_, by = current.begun_at + self.settings.confirm_by, current.entered_by
                self._run_on(found, GapKind.UNCONFIRMED, by, from_, (current.actor,), holder, (by,))
            still = self._standstill(current, state)
            if still is not None:
                self._run_on(found, GapKind.STANDSTILL, still[1], still[0], holder, (), (still[1],))
        elif type(current) is Unheld:
            by, from_ = current.entered_by, current.begun_at
            self._run_on(found, current.kind, by, from_, current.to_act, current.involved, (by,))
            round_ = self.run.round() if self.run else None
            if round_ is not None:
                first, standing, referrals = round_
                self._run_on(found, GapKind.REFERRED_ROUND, first.id, first.occurred_at, (), standing, referrals)
        for offer in state.offers:
            by = offer.event
            self._run_on(found, GapKind.UNANSWERED, by, offer.respond_by, (offer.to,), (offer.from_,), (by,))
        if self.row_begun is not None:
            from_, by = self.row_begun
            refused_by = tuple(sorted(self.row))
            self._run_on(found, GapKind.NOBODYS_JOB, by, from_, holder, refused_by, tuple(self.row.values()))
        if self.term is not None:
            overdue, by = self.term.overdue_from(), self.term.event
            if overdue is not None:
                self._run_on(found, GapKind.DECISION_OVERDUE, by, overdue, holder, (), (by,))
        return found

    def _live_contest(self, contest: Contest, resolved_by: str | None) -> tuple[datetime, Gap]:
        """Return the gap that runs, or will, while a contest waits for its answer."""
        due = contest.answer_due
        gap = Gap(
            kind=GapKind.CONTESTED,
            lies_on=self.obstacle,
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
        self,
        found: list[tuple[datetime, Gap]],
        kind: GapKind,
        begun_by: EventId,
        from_: datetime,
        to_act: tuple[str, ...],
        involved: tuple[str, ...],
        evidence: tuple[EventId, ...],
    ) -> None:
        """Add a gap that has no end yet to those found."""
        if from_ >= self.stretches[-1][0]:
            # Nearly always: it lies wholly in the time that the obstacle has been open now, so there is nothing to clip.
            obstacle = self.obstacle
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
                from_,  # noqa: FBT003
            )
            found.append((from_, gap))
            return
        clipped = self._gap(kind, begun_by, from_, None, to_act, involved, evidence)
        if clipped is not None:
            found.append((clipped.from_, clipped))

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


_HANDLERS = {
    f.HandoffOffered: Chain._offered,
    f.HandoffAccepted: Chain._accepted,
    f.HandoffRefused: Chain._refused,
    f.SubjectReferred: Chain._referred,
    f.CustodyTaken: Chain._taken,
    f.TermSet: Chain._term_set,
    f.WaitingBegan: Chain._waiting_began,
    f.WaitingEnded: Chain._waiting_ended,
    f.StepTaken: Chain._step,
    f.ContactMade: Chain._contact,
    f.RemedyApplied: Chain._remedy,
    f.GapAcknowledged: Chain._acknowledged,
    f.HarmStated: Chain._harm,
}
