"""Which events have effect at their place, and who holds an obstacle: the two tables at the head of gaps.md.

A *story* is the list of the events that have effect, in order. Everything is looked up in it anew each time it is
asked for: an index into the story is an event's place, and "before" means a smaller index. Effects and holders stand in
one file, although it is long, because each is defined by the other.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from knelpunt.domain.case.facts import (
    AccountGiven,
    CaseClosed,
    CaseLinked,
    CaseOpened,
    CaseReopened,
    ContactMade,
    ContestWithdrawn,
    CoordinatorNamed,
    CustodyReleased,
    CustodyTaken,
    GapAcknowledged,
    GapMark,
    HandoffAccepted,
    HandoffOffered,
    HandoffRefused,
    HandoffWithdrawn,
    ObstacleFact,
    ObstacleReopened,
    ObstacleReported,
    ObstacleResolved,
    ObstacleSplit,
    ObstacleWithdrawn,
    RemedyApplied,
    ResolutionContested,
    ResolutionUpheld,
    ResponsibilityMoved,
    RulingGiven,
    StepTaken,
    SubjectReferred,
    SubjectRelated,
    TermSet,
    WaitingBegan,
    WaitingEnded,
)
from knelpunt.domain.event import Event
from knelpunt.domain.settings import Settings
from knelpunt.domain.vocabulary import Initiative, Stance, StepKind

from .answers import OGap
from .told import Told, respond_by

SETTLES = ObstacleResolved | ObstacleWithdrawn | ObstacleSplit
ENDS_CONTEST = ObstacleReopened | ResolutionUpheld | ContestWithdrawn | RulingGiven
ANSWERS = HandoffAccepted | HandoffRefused | HandoffWithdrawn
BEARS_ON_HOLDER = frozenset({
    ObstacleReported, ObstacleReopened, HandoffAccepted, SubjectReferred, ResponsibilityMoved, CustodyTaken, StepTaken,
    CustodyReleased, CaseClosed, ObstacleResolved, ObstacleWithdrawn, ObstacleSplit,
})  # fmt: skip
"""What ``stretches`` tells apart; most of a story is nothing of it, and it is asked for the most."""

GapsAt = Callable[[list[Event], datetime], list[OGap]]
"""Derives the gaps of a story as they stand at a moment: what an account or acknowledgement of a gap is about."""


def judge(told: Told, gaps_at: GapsAt) -> tuple[list[Event], set[UUID]]:
    """Return the story, and the ids of the events that are inert at their place."""
    story: list[Event] = []
    inert: set[UUID] = set()
    for n, e in enumerate(told.placed):
        if e.id in told.struck:
            continue
        if has_effect(e, story, {earlier.id for earlier in told.placed[:n]}, gaps_at):
            story.append(e)
        else:
            inert.add(e.id)
    return story, inert


def has_effect(e: Event, story: list[Event], earlier: set[UUID], gaps_at: GapsAt) -> bool:
    """Whether the precondition of ``e`` holds after ``story``; ``earlier`` are the ids of all events before it."""
    t = e.occurred_at
    match e.data:
        case CaseOpened():
            return not any(isinstance(s.data, CaseOpened) for s in story)
        case CaseClosed():
            return case_is(story) == "open"
        case CaseReopened():
            return case_is(story) == "closed"
        case CoordinatorNamed():
            return case_is(story) != "unopened"
        case SubjectRelated() | CaseLinked():
            return True
        case ObstacleReported(obstacle=o):
            return not reported(story, o)
        case HandoffOffered(obstacle=o, from_=giver, to=to):
            return holder(story, o) == giver and to != giver
        case HandoffAccepted(handoff=h) | HandoffRefused(handoff=h) | HandoffWithdrawn(handoff=h):
            return pending(story, h) is not None
        case SubjectReferred(obstacle=o) | ObstacleWithdrawn(obstacle=o):
            return is_open(story, o)
        case ResponsibilityMoved(obstacle=o, from_=giver):
            return is_open(story, o) and holder(story, o) in {giver, None}
        case CustodyTaken(obstacle=o, organisation=who):
            free = holder(story, o) is None
            return is_open(story, o) and (free or (holder(story, o) == who and segments(story, o)[-1].claimed))
        case CustodyReleased(obstacle=o) | TermSet(obstacle=o):
            return holder(story, o) == speaker(e)
        case WaitingBegan(obstacle=o):
            return holder(story, o) == speaker(e) and running_waiting(story, o, t) is None
        case WaitingEnded(obstacle=o):
            return running_waiting(story, o, t) is not None
        case ObstacleResolved(obstacle=o) | ObstacleSplit(obstacle=o):
            return is_open(story, o) and holder(story, o) in {speaker(e), None}
        case ResolutionContested(obstacle=o):
            settled = settlement(story, o)
            return settled is not None and isinstance(settled.data, ObstacleResolved) and not contested(story, o)
        case ResolutionUpheld(obstacle=o) | ContestWithdrawn(obstacle=o):
            return contested(story, o)
        case ObstacleReopened(obstacle=o):
            return settlement(story, o) is not None
        case ContactMade(obstacles=named):
            return all(reported(story, o) for o in named)
        case AccountGiven(gap=None, event=event):
            return event in earlier
        case AccountGiven(subject=UUID() as subject) | GapAcknowledged(subject=UUID() as subject):
            return any(isinstance(s.data, CaseOpened) and subject in s.data.subjects for s in story)
        case AccountGiven(gap=GapMark() as mark) | GapAcknowledged(gap=mark):
            return any(is_meant(mark, g, t, story) for g in gaps_at(story, t))
        case ObstacleFact(obstacle=o):  # steps, remedies, harms, rulings
            return reported(story, o)
    raise AssertionError(e)


def is_meant(mark: GapMark, gap: OGap, t: datetime, story: list[Event]) -> bool:
    """Whether a gap is the one that a mark made at ``t`` is about (R13)."""
    if (gap.obstacle, gap.kind) != (mark.obstacle, mark.kind):
        return False
    overlaps = gap.from_ <= t and (gap.until is None or gap.until > mark.since or gap.from_ >= mark.since)
    return gap.id_in(story[0].stream) == mark.id or overlaps


def case_is(story: list[Event]) -> str:
    """Whether the case is unopened, open or closed."""
    last = [s.data for s in story if isinstance(s.data, CaseOpened | CaseClosed | CaseReopened)][-1:]
    if not last:
        return "unopened"
    return "closed" if isinstance(last[0], CaseClosed) else "open"


def reported(story: list[Event], obstacle: UUID) -> bool:
    """Whether an obstacle has been reported."""
    return any(isinstance(s.data, ObstacleReported) and s.data.obstacle == obstacle for s in story)


def speaker(e: Event) -> str | None:
    """Return the organisation whose act an event is: the one it names or, if it names none, its actor's (R17)."""
    match e.data:
        case HandoffOffered(from_=who) | SubjectReferred(from_=who):
            return who
        case TermSet() | ObstacleSplit() | WaitingEnded():
            return e.actor.organisation
    return getattr(e.data, "organisation", None)


def own_word(e: Event, organisation: str) -> bool:
    """Whether an organisation recorded an event itself; what was imported counts as its own word (R18)."""
    return e.actor.organisation == organisation or e.inferred


# Holders


@dataclass(frozen=True)
class Stretch:
    """A stretch held by one organisation, or by nobody, from the event at ``begin`` to the one at ``end``."""

    holder: str | None
    begin: int
    end: int | None

    def covers(self, n: int) -> bool:
        """Whether the event at ``n`` comes after the stretch began and not after it ended."""
        return self.begin <= n and (self.end is None or n < self.end)


def stretches(story: list[Event], obstacle: UUID) -> list[Stretch]:
    """Return who held an obstacle from event to event, stretches of no length included."""
    out: list[Stretch] = []
    opened, held, moved_to = False, None, None

    def end(n: int) -> None:
        if out and out[-1].end is None:
            out[-1] = Stretch(out[-1].holder, out[-1].begin, n)

    for n, e in enumerate(story):
        if type(e.data) not in BEARS_ON_HOLDER:
            continue
        next_holder: tuple[str | None] | None = None  # none: as it was
        match e.data:
            case ObstacleReported(obstacle=o, received_by=who) if o == obstacle:
                next_holder = (who,)
            case ObstacleReopened(obstacle=o, organisation=who) if o == obstacle:
                next_holder = (who,)
            case HandoffAccepted(handoff=h):
                offer = story[offer_of(story, h, n)].data
                if offer.obstacle == obstacle:
                    next_holder = (offer.to,)
            case SubjectReferred(obstacle=o, from_=who, released=released) if o == obstacle:
                if held is None or (released and who == held):
                    next_holder = (None,)
            case ResponsibilityMoved(obstacle=o, to=to) if o == obstacle:
                next_holder, moved_to = (None,), to
            case CustodyTaken(obstacle=o, organisation=who) if o == obstacle and held is None:
                next_holder = (who,)
            case StepTaken(obstacle=o, organisation=who, kind=kind) if o == obstacle and opened and held is None:
                if kind != StepKind.NOTE and who is not None and who == moved_to:
                    next_holder = (who,)
            case CustodyReleased(obstacle=o) if o == obstacle:
                next_holder = (None,)
            case CaseClosed() if opened:
                next_holder = (None,)
            case ObstacleResolved(obstacle=o) | ObstacleWithdrawn(obstacle=o) | ObstacleSplit(obstacle=o) if (
                o == obstacle
            ):
                end(n)
                opened, held, moved_to = False, None, None
        if next_holder is not None:
            end(n)
            (held,) = next_holder
            opened = True
            out.append(Stretch(held, n, None))
            if held is not None:
                moved_to = None
    return out


def is_open(story: list[Event], obstacle: UUID) -> bool:
    """Whether an obstacle is open after the story."""
    chain = stretches(story, obstacle)
    return bool(chain) and chain[-1].end is None


def holder(story: list[Event], obstacle: UUID) -> str | None:
    """Return who holds an obstacle after the story; none if nobody does, or it is not open."""
    chain = stretches(story, obstacle)
    return chain[-1].holder if chain and chain[-1].end is None else None


def holder_before(story: list[Event], obstacle: UUID, n: int | None) -> str | None:
    """Return who held an obstacle just before the event at ``n``; none: after the whole story."""
    return holder(story[:n], obstacle)


def settlement(story: list[Event], obstacle: UUID) -> Event | None:
    """Return the event that settled an obstacle, if it is settled after the story."""
    chain = stretches(story, obstacle)
    return story[chain[-1].end] if chain and chain[-1].end is not None else None


def contested(story: list[Event], obstacle: UUID) -> bool:
    """Whether a contest of an obstacle's resolution runs after the story (R5)."""
    mine = [s.data for s in story if getattr(s.data, "obstacle", None) == obstacle]
    last = [d for d in mine if isinstance(d, ResolutionContested | ENDS_CONTEST)][-1:]
    return bool(last) and isinstance(last[0], ResolutionContested)


# Offers and waitings


@dataclass(frozen=True)
class Run:
    """While something ran: a waiting, or an offer in so far as it stops the clock; ``ended_by``: all on ties."""

    begin: datetime
    end: datetime | None
    ended_by: tuple[Event, ...]

    def at(self, t: datetime) -> bool:
        """Whether it ran at ``t``."""
        return self.begin <= t and (self.end is None or t < self.end)


def offer_of(story: list[Event], handoff: UUID, n: int) -> int:
    """Return the place of the last offer of a handoff before ``n``."""
    return next(
        i
        for i in range(n - 1, -1, -1)
        if isinstance(story[i].data, HandoffOffered) and story[i].data.handoff == handoff
    )


def offer_end(story: list[Event], n: int) -> int | None:
    """Return the place of what ended the offer at ``n``: its answer, its withdrawal or its lapse."""
    offer = story[n].data
    answers = (
        i
        for i in range(n + 1, len(story))
        if isinstance(story[i].data, ANSWERS) and story[i].data.handoff == offer.handoff
    )
    lapse = next(s.end for s in stretches(story, offer.obstacle) if s.covers(n))
    return min((i for i in (next(answers, None), lapse) if i is not None), default=None)


def pending(story: list[Event], handoff: UUID) -> Event | None:
    """Return the offer of a handoff, if it is pending after the story."""
    places = [i for i, s in enumerate(story) if isinstance(s.data, HandoffOffered) and s.data.handoff == handoff]
    return story[places[-1]] if places and offer_end(story, places[-1]) is None else None


def offer_clock(story: list[Event], n: int, settings: Settings) -> Run:
    """Return while the offer at ``n`` stops the holder's clock: to its end or its ``respond_by``, whichever first."""
    offer, end = story[n], offer_end(story, n)
    deadline = max(respond_by(offer, settings), offer.occurred_at)
    return _first(offer.occurred_at, [(deadline, offer)] + [(story[i].occurred_at, story[i]) for i in (end,) if i])


def waiting(story: list[Event], n: int) -> Run:
    """Return while the waiting that began at ``n`` ran: to its end, its ``until``, or the end of the custody (R15)."""
    began, data = story[n], story[n].data
    ends = (
        i
        for i in range(n + 1, len(story))
        if isinstance(story[i].data, WaitingEnded) and story[i].data.obstacle == data.obstacle
    )
    custody = next(s.end for s in stretches(story, data.obstacle) if s.covers(n))
    found = [(story[i].occurred_at, story[i]) for i in (next(ends, None), custody) if i is not None]
    if data.until is not None:
        found.append((max(data.until, began.occurred_at), began))
    return _first(began.occurred_at, found)


def _first(begin: datetime, ends: list[tuple[datetime, Event]]) -> Run:
    """Return the run from ``begin`` to the first of its possible ends."""
    end = min((t for t, _ in ends), default=None)
    return Run(begin, end, tuple(e for t, e in ends if t == end))


def running_waiting(story: list[Event], obstacle: UUID, t: datetime) -> int | None:
    """Return the place of the waiting that runs at ``t``, after the story."""
    began = [i for i, s in enumerate(story) if isinstance(s.data, WaitingBegan) and s.data.obstacle == obstacle]
    return next((i for i in began if waiting(story, i).at(t)), None)


# Segments


@dataclass(frozen=True)
class Segment:
    """A segment as gaps.md defines it: one stretch, or several of one holder with nothing but empty ones between."""

    holder: str | None
    parts: tuple[Stretch, ...]
    from_: datetime
    until: datetime | None
    entered: Event
    left: Event | None
    confirmed: Event | None
    """The holder's own word or act from which its custody is confirmed; none while it is only claimed."""

    @property
    def claimed(self) -> bool:
        """Whether somebody holds it on another's word alone."""
        return self.holder is not None and self.confirmed is None


def segments(story: list[Event], obstacle: UUID) -> list[Segment]:
    """Return an obstacle's chain: no empty ``UNHELD`` segment, and consecutive ``HELD`` ones of one holder as one."""
    times = [s.occurred_at for s in story]
    merged: list[list[Stretch]] = []
    for s in stretches(story, obstacle):
        if s.holder is None and s.end is not None and times[s.begin] == times[s.end]:
            continue
        if merged and s.holder is not None and merged[-1][-1].holder == s.holder:
            end = merged[-1][-1].end
            between = story[len(story) if end is None else end : s.begin]
            if not any(isinstance(e.data, SETTLES) and e.data.obstacle == obstacle for e in between):
                merged[-1].append(s)
                continue
        merged.append([s])
    return [_segment(story, obstacle, tuple(parts)) for parts in merged]


def _segment(story: list[Event], obstacle: UUID, parts: tuple[Stretch, ...]) -> Segment:
    """Return one segment, and by what its holder confirmed it."""
    begun_by = {story[p.begin].id for p in parts}
    within = [n for p in parts for n in range(p.begin, len(story) if p.end is None else p.end + 1)]
    confirming = [story[n] for n in within if confirms(story[n], obstacle, parts[0].holder, begun_by)]
    first, last = story[parts[0].begin], None if parts[-1].end is None else story[parts[-1].end]
    return Segment(
        holder=parts[0].holder,
        parts=parts,
        from_=first.occurred_at,
        until=None if last is None else last.occurred_at,
        entered=first,
        left=last,
        confirmed=confirming[0] if confirming else None,
    )


def confirms(e: Event, obstacle: UUID, who: str | None, begun_by: Iterable[UUID]) -> bool:
    """Whether an event within a segment held by ``who`` is its own word or act that it holds the obstacle (R3)."""
    if who is None or not own_word(e, who):
        return False
    match e.data:
        case AccountGiven(by=by, stance=Stance.CONFIRMS, event=event):
            return by.organisation == who and event is not None and event in begun_by
        case HandoffAccepted() | ObstacleReported() | ObstacleReopened():  # that it began with: own_word says enough
            return e.id in begun_by
        case StepTaken(obstacle=o, organisation=organisation):
            return (o, organisation) == (obstacle, who)
        case CustodyTaken(obstacle=o, organisation=organisation):
            return (o, organisation) == (obstacle, who)
    return is_act_of(e, obstacle, who)


def is_act(e: Event, obstacle: UUID) -> bool:
    """Whether an event is an act about an obstacle, whosoever (R14)."""
    match e.data:
        case StepTaken(obstacle=o, organisation=who, kind=kind):
            return o == obstacle and who is not None and kind != StepKind.NOTE
        case ContactMade(obstacles=named, initiated_by=initiative):
            return obstacle in named and initiative == Initiative.ORGANISATION
        case GapAcknowledged(gap=mark, plan=plan):
            return mark.obstacle == obstacle and plan is not None
        case HandoffOffered(obstacle=o) | SubjectReferred(obstacle=o) | RemedyApplied(obstacle=o):
            return o == obstacle
        case WaitingBegan(obstacle=o) | WaitingEnded(obstacle=o):
            return o == obstacle
    return False


def is_act_of(e: Event, obstacle: UUID, who: str) -> bool:
    """Whether an event is an act of ``who``, which holds the obstacle: whoever ends a waiting ends the holder's."""
    return is_act(e, obstacle) and (isinstance(e.data, WaitingEnded) or speaker(e) == who)
