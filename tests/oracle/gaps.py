"""The kinds of gap, each a function of about a dozen lines: the table of gaps.md, read aloud.

A function is given the chain of one obstacle as it stands at the question and yields what it finds. The file is long
because the table is: to be held against it row by row, it has to stand in one place.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import UnionType
from uuid import UUID

from knelpunt.domain.case.facts import (
    CaseClosed,
    ContestWithdrawn,
    CustodyReleased,
    CustodyTaken,
    GapAcknowledged,
    GapMark,
    HandoffAccepted,
    HandoffOffered,
    HandoffRefused,
    ObstacleReopened,
    ObstacleReported,
    ObstacleResolved,
    ObstacleSplit,
    ObstacleWithdrawn,
    ResolutionContested,
    ResolutionUpheld,
    ResponsibilityMoved,
    RulingGiven,
    StepTaken,
    SubjectReferred,
    TermSet,
    WaitingBegan,
)
from knelpunt.domain.event import Event
from knelpunt.domain.settings import GRACES, Settings
from knelpunt.domain.vocabulary import GapKind, RefusalGround, StepKind, WaitingGround, WithdrawalGround

from .answers import OGap
from .story import (
    ENDS_CONTEST,
    SETTLES,
    Run,
    Segment,
    Stretch,
    holder_before,
    is_act,
    is_act_of,
    offer_clock,
    offer_end,
    offer_of,
    own_word,
    segments,
    stretches,
    waiting,
)
from .told import respond_by

Pieces = tuple[tuple[datetime, datetime | None], ...]
NOT_REALLY_REFUSED = {RefusalGround.INCOMPLETE_FILE, RefusalGround.WAITING_FOR_OTHER}


@dataclass(frozen=True)
class Found:
    """A gap, and the pieces that settled stretches left of it."""

    gap: OGap
    pieces: Pieces


@dataclass(frozen=True)
class Chain:
    """One obstacle's story up to the question."""

    story: list[Event]
    obstacle: UUID
    as_of: datetime
    settings: Settings
    stretches: list[Stretch]
    segments: list[Segment]

    def at(self, n: int | None) -> datetime | None:
        """Return when the event at a place occurred."""
        return None if n is None else self.story[n].occurred_at

    def places(self, kind: type | UnionType, after: int = -1) -> list[int]:
        """Return the places after ``after`` of the events about this obstacle whose fact is of a kind."""
        found = (n for n in range(after + 1, len(self.story)) if isinstance(self.story[n].data, kind))
        return [n for n in found if self.story[n].data.obstacle == self.obstacle]

    def open_times(self) -> list[tuple[datetime, datetime | None]]:
        """Return the times that the obstacle is open."""
        times: list[tuple[datetime, datetime | None]] = []
        begin: datetime | None = None
        for s in self.stretches:
            begin = begin or self.story[s.begin].occurred_at
            if s.end is None or isinstance(self.story[s.end].data, SETTLES):
                times.append((begin, self.at(s.end)))
                begin = None
        return times

    def gap(
        self,
        kind: GapKind,
        begun_by: Event,
        from_: datetime,
        until: datetime | None,
        to_act: Iterable[str | None] = (),
        involved: Iterable[str] = (),
    ) -> Iterator[Found]:
        """Yield a gap clipped to the time that the obstacle is open, if anything of it exists."""
        pieces = []
        for opened, settled in self.open_times():
            begin = max(from_, opened)
            end = min((t for t in (until, settled) if t is not None), default=None)
            pieces.append((begin, end))
        yield from self.unclipped(kind, begun_by, pieces, to_act, involved)

    def unclipped(
        self,
        kind: GapKind,
        begun_by: Event,
        pieces: Iterable[tuple[datetime, datetime | None]],
        to_act: Iterable[str | None] = (),
        involved: Iterable[str] = (),
    ) -> Iterator[Found]:
        """Yield a gap of these pieces; empty ones do not exist, but what begins exactly at the question does."""
        real = tuple((f, u) for f, u in pieces if f <= self.as_of and (u is None or f < u))
        if not real:
            return
        until = real[-1][1]
        lasted = sum(((u or self.as_of) - f for f, u in real), timedelta())
        yield Found(
            OGap(
                obstacle=self.obstacle,
                kind=kind,
                from_=real[0][0],
                until=until,
                open=until is None,
                counts=lasted > GRACES.get(kind, timedelta()),
                lasted=lasted,
                to_act=tuple(sorted({who for who in to_act if who is not None})),
                involved=tuple(sorted(set(involved))),
                length=None,
                begun_by=begun_by.id,
            ),
            real,
        )


Then = dict[int, list[OGap]]
"""The gaps at the moment of an event, by its place in the story, as they have been found so far.

A later promise asks for those at every earlier one, and those in turn for the ones before."""


def gaps_of(
    story: list[Event], as_of: datetime, settings: Settings, promises: int | None = None, then: Then | None = None
) -> list[Found]:
    """Return every gap of a case as it stands at ``as_of``, in the order in which answers list them.

    With ``promises``, of the promises made only those before that place are held to.
    """
    then = {} if then is None else then
    obstacles = [s.data.obstacle for s in story if isinstance(s.data, ObstacleReported)]
    chains = [Chain(story, o, as_of, settings, stretches(story, o), segments(story, o)) for o in obstacles]
    found = [f for chain in chains for kind in KINDS for f in kind(chain)]
    found += list(deadlock(chains))
    for chain in chains:
        commitments_overdue(chain, found, chain.story[:promises], then)
    if chains:
        commitments_on_case_overdue(chains[0], found, story[:promises], then)
    place = {s.id: n for n, s in enumerate(story)}
    return sorted(found, key=lambda f: _order(f.gap, place))


def _order(gap: OGap, place: dict[UUID, int]) -> tuple[bool, str, datetime, str, int]:
    """Sort by obstacle (none last), beginning, kind; then by what began it."""
    return gap.obstacle is None, str(gap.obstacle), gap.from_, gap.kind.value, place[gap.begun_by]


def unheld(c: Chain) -> Iterator[Found]:
    """NEVER_TAKEN, LOST_REFERRAL, RELEASED, MOVED, CLOSED_UNRESOLVED: an UNHELD segment, by what it begins with."""
    last_holder = None
    for s in c.segments:
        if s.holder is not None:
            last_holder = s.holder
            continue
        match s.entered.data:
            case ObstacleReported(experienced_at=there, told=others):
                kind, to_act, involved = GapKind.NEVER_TAKEN, (), (there, *others)
            case SubjectReferred(from_=giver, to=to):
                kind, to_act, involved = GapKind.LOST_REFERRAL, (giver,), (to,)
            case CustodyReleased() | ObstacleReopened():
                kind, to_act, involved = GapKind.RELEASED, (last_holder,), ()
            case ResponsibilityMoved(from_=giver, to=to):
                kind, to_act, involved = GapKind.MOVED, (to,), (giver,)
            case CaseClosed(organisation=who):
                kind, to_act, involved = GapKind.CLOSED_UNRESOLVED, (who,), ()
            case _:
                raise AssertionError(s)
        yield from c.gap(kind, s.entered, s.from_, s.until, to_act, involved)


def referred_round(c: Chain) -> Iterator[Found]:
    """REFERRED_ROUND: the first referral of a run to one that stands in it before, to the end of the run (R4)."""
    for before, run in _runs(c.stretches):
        there = [s for s in run if c.at(s.begin) != c.at(s.end)][:1]
        if not there:
            continue
        standing = {before} if before is not None else set()
        report = c.story[there[0].begin].data
        if isinstance(report, ObstacleReported):
            standing.add(report.experienced_at)
        round_ = None
        for s in run:
            referral = c.story[s.begin]
            if isinstance(referral.data, SubjectReferred):
                if round_ is None and referral.data.to in standing:
                    round_ = referral
                standing |= {referral.data.from_, referral.data.to}
        if round_ is not None:
            yield from c.gap(GapKind.REFERRED_ROUND, round_, round_.occurred_at, c.at(run[-1].end), involved=standing)


def _runs(all_stretches: list[Stretch]) -> Iterator[tuple[str | None, list[Stretch]]]:
    """Yield each stretch of consecutive unheld stretches, with the last holder before it."""
    last_holder, run = None, []
    for s in all_stretches:
        if run and (s.holder is not None or s.begin != run[-1].end):
            yield last_holder, run
            run = []
        if s.holder is None:
            run.append(s)
        else:
            last_holder = s.holder
    if run:
        yield last_holder, run


def unconfirmed(c: Chain) -> Iterator[Found]:
    """UNCONFIRMED: from the claim plus its term to the confirmation or the segment's end."""
    for s in c.segments:
        if s.holder is not None:
            until = s.until if s.confirmed is None else s.confirmed.occurred_at
            claimant = s.entered.actor.organisation
            from_ = s.from_ + c.settings.confirm_by
            yield from c.gap(GapKind.UNCONFIRMED, s.entered, from_, until, (claimant,), (s.holder,))


def unanswered(c: Chain) -> Iterator[Found]:
    """UNANSWERED: from an offer's respond_by to its answer, withdrawal or lapse."""
    for n in c.places(HandoffOffered):
        offer, until = c.story[n], c.at(offer_end(c.story, n))
        deadline = respond_by(offer, c.settings)
        yield from c.gap(GapKind.UNANSWERED, offer, deadline, until, (offer.data.to,), (offer.data.from_,))


def nobodys_job(c: Chain) -> Iterator[Found]:
    """NOBODYS_JOB: from the second refusal in a row, by different organisations, until somebody takes it on."""
    row: list[str] = []
    second: Event | None = None
    for n, e in enumerate([*c.story, None]):
        if e is not None and not _breaks_row(c, n):
            if isinstance(e.data, HandoffRefused) and e.data.ground not in NOT_REALLY_REFUSED:
                offer = c.story[offer_of(c.story, e.data.handoff, n)].data
                if offer.obstacle == c.obstacle:
                    row.append(offer.to)
                    second = e if second is None and len(set(row)) > 1 else second
            continue
        if second is not None:
            until = None if e is None else e.occurred_at
            to_act = (holder_before(c.story, c.obstacle, n),)
            yield from c.gap(GapKind.NOBODYS_JOB, second, second.occurred_at, until, to_act, row)
        row, second = [], None


def _breaks_row(c: Chain, n: int) -> bool:
    """Whether the event at ``n`` is an acceptance, taking or step of the holder, or a settlement (R19)."""
    match c.story[n].data:
        case HandoffAccepted(handoff=h):
            return c.story[offer_of(c.story, h, n)].data.obstacle == c.obstacle
        case StepTaken(obstacle=o, kind=kind):
            return o == c.obstacle and kind != StepKind.NOTE and _by_holder(c, n)
        case (
            CustodyTaken(obstacle=o)
            | ObstacleResolved(obstacle=o)
            | ObstacleWithdrawn(obstacle=o)
            | ObstacleSplit(obstacle=o)
        ):
            return o == c.obstacle
    return False


def _by_holder(c: Chain, n: int) -> bool:
    """Whether the step at ``n`` is one of the holder, or makes a holder of who took it (R20)."""
    who = c.story[n].data.organisation
    return who is not None and holder_before(c.story, c.obstacle, n + 1) == who


def carousel(c: Chain) -> Iterator[Found]:
    """CAROUSEL: an obstacle that came back to one that had it, after another had it (R7)."""
    held = [s for s in c.segments if s.holder is not None]
    for j, back in enumerate(held):
        i = max((i for i in range(j) if held[i].holder == back.holder), default=None)
        if i is None or all(s.holder == back.holder for s in held[i:j]):
            continue
        gone = held[i].until
        assert gone is not None
        found = list(c.gap(GapKind.CAROUSEL, back.entered, gone, back.from_))
        pieces: Pieces = found[0].pieces if found else ((back.from_, back.from_),)
        lasted = found[0].gap.lasted if found else timedelta()
        gap = OGap(
            obstacle=c.obstacle,
            kind=GapKind.CAROUSEL,
            from_=pieces[0][0],
            until=pieces[-1][1],
            open=back.until is None,
            counts=lasted > GRACES[GapKind.CAROUSEL],
            lasted=lasted,
            to_act=(),
            involved=tuple(str(s.holder) for s in held[i : j + 1]),
            length=len({s.holder for s in held[i:j]}),
            begun_by=back.entered.id,
        )
        yield Found(gap, pieces)


def standstill(c: Chain) -> Iterator[Found]:
    """STANDSTILL: a confirmed holder does nothing for the standstill term while nothing stops its clock."""
    for s in c.segments:
        if s.holder is None or s.confirmed is None:
            continue
        within = [n for p in s.parts for n in range(p.begin, len(c.story) if p.end is None else p.end)]
        # The event that lets go belongs to it: a releasing referral is the holder's act, should it take custody back.
        upto = [*within, *(p.end for p in s.parts if p.end is not None)]
        acts = [c.story[n] for n in upto if _restarts_clock(c.story[n], c.obstacle, s.holder)]
        stops = [run for n in within for run in _stop(c, n)]
        starts = [(e.occurred_at, e) for e in (s.entered, s.confirmed, *acts)]
        starts += [(run.end, e) for run in stops for e in run.ended_by if run.end is not None]
        starts = [(t, e) for t, e in starts if t >= s.confirmed.occurred_at]
        for start in sorted({t for t, _ in starts}):
            over = start + c.settings.standstill
            if any(start < t <= over for t, _ in starts) or any(run.at(over) for run in stops):
                continue
            ends = [e.occurred_at for e in acts if e.occurred_at > over] + ([] if s.until is None else [s.until])
            begun_by = max((e for t, e in starts if t == start), key=lambda e: e.position)
            yield from c.gap(GapKind.STANDSTILL, begun_by, over, min(ends, default=None), (s.holder,))


def _restarts_clock(e: Event, obstacle: UUID, who: str) -> bool:
    """Whether an event is an act of the holder; a step recorded by another restarts no clock."""
    return is_act_of(e, obstacle, who) and not (isinstance(e.data, StepTaken) and not own_word(e, who))


def _stop(c: Chain, n: int) -> Iterator[Run]:
    """Yield while the offer or waiting that began at ``n`` stops the clock."""
    match c.story[n].data:
        case WaitingBegan(obstacle=o) if o == c.obstacle:
            yield waiting(c.story, n)
        case HandoffOffered(obstacle=o) if o == c.obstacle:
            yield offer_clock(c.story, n, c.settings)


def decision_overdue(c: Chain) -> Iterator[Found]:
    """DECISION_OVERDUE: from a term's moved due to the holder's decision, the settlement or another term (R1)."""
    for n in c.places(TermSet):
        decisions = [
            m for m in c.places(StepTaken, n) if c.story[m].data.kind == StepKind.DECISION and _by_holder(c, m)
        ]
        end = min(decisions + c.places(SETTLES, n) + c.places(TermSet, n), default=None)
        due = _moved_due(c, n)
        if due is not None:
            to_act = (holder_before(c.story, c.obstacle, end),)
            yield from c.gap(GapKind.DECISION_OVERDUE, c.story[n], due, c.at(end), to_act)


def _moved_due(c: Chain, n: int) -> datetime | None:
    """Return a term's due, moved on by the suspensions that ran before it; none while such a one runs."""
    term = c.story[n]
    suspensions = [
        run
        for m in c.places(WaitingBegan)
        if c.story[m].data.ground == WaitingGround.SUSPENSION
        for run in [waiting(c.story, m)]
        if run.end is None or run.end > term.occurred_at
    ]
    due = term.data.due
    while True:
        before = [run for run in suspensions if max(run.begin, term.occurred_at) < due]
        if any(run.at(c.as_of) for run in before):
            return None
        moved = term.data.due + sum(
            ((run.end or c.as_of) - max(run.begin, term.occurred_at) for run in before), timedelta()
        )
        if moved == due:
            return due
        due = moved


def contested(c: Chain) -> Iterator[Found]:
    """CONTESTED: from a contest's answer_due to what ends it (R5); not clipped."""
    for n in c.places(ResolutionContested):
        until = c.at(min(c.places(ENDS_CONTEST, n), default=None))
        resolver = c.story[max(m for m in c.places(ObstacleResolved) if m < n)].data.organisation
        contest = c.story[n]
        yield from c.unclipped(GapKind.CONTESTED, contest, [(contest.data.answer_due, until)], (resolver,))


def wrongly_settled(c: Chain) -> Iterator[Found]:
    """WRONGLY_SETTLED: the settled stretch before a reopening that a ruling or a standing contest explains."""
    for n in c.places(ObstacleReopened):
        settled = max(s.end for s in c.stretches if s.end is not None and s.end < n)
        within = [m for m in range(settled, n) if getattr(c.story[m].data, "obstacle", None) == c.obstacle]
        annulled = any(isinstance(d, RulingGiven) and d.annuls for d in (c.story[m].data for m in within))
        contests = [m for m in within if isinstance(c.story[m].data, ResolutionContested)]
        answers = [c.story[min(c.places(ENDS_CONTEST, m))].data for m in contests]
        stood = any(not isinstance(a, ResolutionUpheld | ContestWithdrawn) for a in answers)
        if annulled or stood:
            by = c.story[settled].data
            resolver = by.organisation if isinstance(by, ObstacleResolved) else None
            yield from c.unclipped(
                GapKind.WRONGLY_SETTLED, c.story[n], [(c.story[settled].occurred_at, c.at(n))], (resolver,)
            )


def gave_up(c: Chain) -> Iterator[Found]:
    """GAVE_UP: from the last act about an obstacle, or its report, to its withdrawal on that ground."""
    for n in c.places(ObstacleWithdrawn):
        withdrawal = c.story[n]
        if withdrawal.data.ground == WithdrawalGround.GAVE_UP:
            acts = [e for e in c.story[:n] if is_act(e, c.obstacle)]
            last = acts[-1] if acts else c.story[c.places(ObstacleReported)[0]]
            to_act = (holder_before(c.story, c.obstacle, n),)
            yield from c.gap(GapKind.GAVE_UP, withdrawal, last.occurred_at, withdrawal.occurred_at, to_act)


KINDS = (
    unheld,
    referred_round,
    unconfirmed,
    unanswered,
    nobodys_job,
    carousel,
    standstill,
    decision_overdue,
    contested,
    wrongly_settled,
    gave_up,
)
"""Every kind that lies on one obstacle."""


def commitments_overdue(c: Chain, found: list[Found], until_now: list[Event], then: Then) -> None:
    """COMMITMENT_OVERDUE: from the due time of an acknowledged gap's plan until the gap is no longer open (R31)."""
    for e, from_, done in plans(c, c.obstacle, found, until_now, then):
        found += c.gap(GapKind.COMMITMENT_OVERDUE, e, from_, done, (e.data.organisation,))


def commitments_on_case_overdue(c: Chain, found: list[Found], until_now: list[Event], then: Then) -> None:
    """COMMITMENT_OVERDUE where the acknowledged gap lies on the case: a deadlock, or an overdue plan for one (R34)."""
    for e, from_, done in plans(c, None, found, until_now, then):
        late = c.unclipped(GapKind.COMMITMENT_OVERDUE, e, [(from_, done)], (e.data.organisation,))
        found += [replace(one, gap=replace(one.gap, obstacle=None)) for one in late]


def plans(
    c: Chain, lies_on: UUID | None, found: list[Found], until_now: list[Event], then: Then
) -> Iterator[tuple[Event, datetime, datetime | None]]:
    """Yield each plan for a gap on an obstacle, or on the case: its event, when it is due and when it was completed."""
    for n, e in enumerate(until_now):
        if not isinstance(e.data, GapAcknowledged) or e.data.gap.obstacle != lies_on:
            continue
        if e.data.plan is None or e.data.due is None or e.data.subject is not None:
            continue
        if n not in then:
            then[n] = [f.gap for f in gaps_of(c.story[: n + 1], e.occurred_at, c.settings, n, then)]
        meant = [g for g in then[n] if g.open and g.obstacle == lies_on and _spoken_of(e.data.gap, g)]
        named = [g for g in meant if g.id_in(e.stream) == e.data.gap.id]
        names = {(g.kind, g.begun_by) for g in named or meant}
        if names:
            now = {(f.gap.kind, f.gap.begun_by): f.gap for f in found if f.gap.obstacle == lies_on}
            ends = [_closed_at(c, now[name]) if name in now else e.occurred_at for name in names]
            yield (
                e,
                max(e.data.due, e.occurred_at),
                None if None in ends else max(t for t in ends if t is not None),
            )


def _spoken_of(mark: GapMark, gap: OGap) -> bool:
    """Whether a mark speaks of an open gap: of its kind, and overlapping the time since it is said to have begun."""
    return mark.kind == gap.kind and (gap.until is None or gap.until > mark.since or gap.from_ >= mark.since)


def _closed_at(c: Chain, gap: OGap) -> datetime | None:
    """Return when a gap ceased to be open: a carousel with the stretch of custody that closed it."""
    if gap.open:
        return None
    if gap.kind == GapKind.CAROUSEL:
        return next(s.until for s in c.segments if s.entered.id == gap.begun_by)
    return gap.until


def deadlock(chains: list[Chain]) -> Iterator[Found]:
    """DEADLOCK: while obstacles wait for each other in a circle of at least two (R9)."""
    if not chains:
        return
    c = chains[0]
    waits = [(waiting(c.story, n), n) for n, e in enumerate(c.story) if isinstance(e.data, WaitingBegan)]
    moments = sorted({t for run, _ in waits for t in (run.begin, run.end) if t is not None and t <= c.as_of})
    lasting: dict[frozenset[UUID], list] = {}  # a circle that stood up to the moment: since when, its waitings
    for t in [*moments, None]:
        now = {} if t is None else _circles([n for run, n in waits if run.at(t)], c.story)
        for circle in [circle for circle in lasting if circle not in now]:
            yield from _deadlock(c, t, *lasting.pop(circle))
        for circle, members in now.items():
            lasting.setdefault(circle, [t, max(members), set()])[2].update(members)


def _circles(running: list[int], story: list[Event]) -> dict[frozenset[UUID], list[int]]:
    """Return each circle of waitings, as its set of obstacles and the places of its waitings."""
    waits_for = {story[n].data.obstacle: (story[n].data.for_obstacle, n) for n in running}
    found: dict[frozenset[UUID], list[int]] = {}
    for first in waits_for:
        path = [first]
        while (following := waits_for.get(path[-1], (None, 0))[0]) is not None and following not in path:
            path.append(following)
        if following == first and len(path) > 1:
            found[frozenset(path)] = [waits_for[o][1] for o in path]
    return found


def _deadlock(c: Chain, until: datetime | None, since: datetime, closed_by: int, waits: set[int]) -> Iterator[Found]:
    """Yield the deadlock of one circle, on the case."""
    lasted = (until or c.as_of) - since
    gap = OGap(
        obstacle=None,
        kind=GapKind.DEADLOCK,
        from_=since,
        until=until,
        open=until is None,
        counts=lasted > timedelta(),
        lasted=lasted,
        to_act=tuple(sorted({c.story[n].data.organisation for n in waits})),
        involved=(),
        length=None,
        begun_by=c.story[closed_by].id,
    )
    yield Found(gap, ((since, until),))
