"""Gaps about a cause as gaps.md defines them, told the slow way: every question searches the whole story anew."""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from knelpunt.domain.cause import facts as c
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.vocabulary import GapKind

from .answers import OGap
from .told import told

DAY = timedelta(days=1)
ENDS = (c.CauseRemoved, c.CauseAcceptedAsIs)


def of(story: Iterable[Event], *kinds: type) -> list[Event]:
    return [e for e in story if isinstance(e.data, kinds)]


def owner(story: Sequence[Event]) -> str | None:
    told = of(story, c.OwnerAccepted, c.OwnershipPassed)
    if not told:
        return None
    last = told[-1].data
    return last.to if isinstance(last, c.OwnershipPassed) else last.organisation


def is_asked(story: Sequence[Event], organisation: str) -> bool:
    asked = sum(e.data.owner == organisation for e in of(story, c.OwnerProposed))
    return asked > sum(e.data.organisation == organisation for e in of(story, c.OwnerAccepted, c.OwnerDeclined))


def answer_to(story: Sequence[Event], escalation: UUID) -> Event | None:
    return next((e for e in of(story, c.EscalationAnswered) if e.data.escalation == escalation), None)


def measured(story: Sequence[Event], kind: type, measure: UUID) -> Event | None:
    return next((e for e in of(story, kind) if e.data.measure == measure), None)


def has_effect(event: Event, story: Sequence[Event]) -> bool:
    """Return whether an event has effect after a story of events that all have."""
    fact = event.data
    if isinstance(fact, c.CauseIdentified):
        return not story
    if not story:
        return False
    match fact:
        case c.ObstacleLinked():
            return all(e.data.obstacle != fact.obstacle for e in of(story, c.ObstacleLinked))
        case c.FailureCostEstimated():
            return True
        case c.MeasureEvaluated():
            return measured(story, c.MeasureImplemented, fact.measure) is not None
        case c.CauseGapAcknowledged():
            return bool(meant(event, gaps(story, event.occurred_at)))
        case _ if of(story, *ENDS):
            return False
        case c.OwnerProposed():
            return owner(story) != fact.owner and not is_asked(story, fact.owner)
        case c.OwnerAccepted() | c.OwnerDeclined():
            return is_asked(story, fact.organisation)
        case c.OwnershipPassed():
            return owner(story) == fact.organisation
        case c.CauseEscalated():
            return not any(
                e.data.escalation == fact.escalation
                or ((e.data.to, e.data.level) == (fact.to, fact.level) and not answer_to(story, e.data.escalation))
                for e in of(story, c.CauseEscalated)
            )
        case c.EscalationAnswered():
            asked = [e.data.to for e in of(story, c.CauseEscalated) if e.data.escalation == fact.escalation]
            return asked == [fact.organisation] and answer_to(story, fact.escalation) is None
        case c.MeasureCommitted():
            return owner(story) == fact.organisation and measured(story, c.MeasureCommitted, fact.measure) is None
        case c.MeasureImplemented():
            committed = measured(story, c.MeasureCommitted, fact.measure)
            again = measured(story, c.MeasureImplemented, fact.measure)
            return committed is not None and again is None and owner(story) in {None, fact.organisation}
        case c.CauseRemoved():
            return owner(story) in {None, fact.organisation}
        case c.CauseAcceptedAsIs():
            asked = {owner(story), *(e.data.owner for e in of(story, c.OwnerProposed))}
            return fact.organisation in asked | {e.data.to for e in of(story, c.CauseEscalated)}
        case _:
            raise AssertionError(fact)


def meant(said: Event, there: Sequence[OGap]) -> list[OGap]:
    """Return the gaps of some that an acknowledgement is about: the one named, or those of its kind that overlap."""
    stream, mark = said.stream, said.data.gap
    exact = [g for g in there if gap_id_of(stream, g.kind.value, g.begun_by) == mark.id]
    same = [g for g in there if g.kind is mark.kind]
    return exact or [g for g in same if g.until is None or g.until > mark.since or g.from_ >= mark.since]


def gaps(story: Sequence[Event], as_of: datetime) -> list[OGap]:
    """Return the gaps of a story of events with effect, none later than ``as_of``."""
    return [*own_gaps(story, as_of), *commitments(story, as_of)]


def gap(
    kind: GapKind,
    by: Event,
    from_: datetime,
    ends: Iterable[Event | None],
    as_of: datetime,
    to_act: Iterable[str] = (),
    who: Iterable[str] = (),
) -> Iterator[OGap]:
    """Yield a gap from a moment to the first of its ends; an empty one does not exist."""
    until = min((e.occurred_at for e in ends if e is not None), default=None)
    if from_ > as_of or (until is not None and until <= from_):
        return
    lasted = (until or as_of) - from_
    counts = lasted > (28 * DAY if kind is GapKind.CAUSE_UNOWNED else timedelta(0))
    parts = tuple(sorted(set(to_act))), tuple(sorted(set(who)))
    yield OGap(None, kind, from_, until, until is None, counts, lasted, *parts, None, by.id)


def own_gaps(story: Sequence[Event], as_of: datetime) -> Iterator[OGap]:
    """Yield the gaps of the three kinds that are about a cause alone."""
    end = next(iter(of(story, *ENDS)), None)
    for begun in of(story, c.CauseIdentified):
        accepted = next(iter(of(story, c.OwnerAccepted)), None)
        before = story[: story.index(accepted)] if accepted else story
        also = [e for e in of(story, c.OwnerProposed) if accepted and e.occurred_at == accepted.occurred_at]
        proposed = {e.data.owner for e in (*of(before, c.OwnerProposed), *also)}
        yield from gap(GapKind.CAUSE_UNOWNED, begun, begun.occurred_at, (accepted, end), as_of, (), proposed)
    for left_alone in [e for e in of(story, c.OwnershipPassed) if e.data.to is None]:
        since = story[story.index(left_alone) :]
        accepted = next(iter(of(since, c.OwnerAccepted)), None)
        over = min((e.occurred_at for e in (accepted, end) if e), default=as_of)
        asked = {e.data.owner for e in of(story, c.OwnerProposed) if left_alone.occurred_at <= e.occurred_at <= over}
        ends = (accepted, end)
        yield from gap(GapKind.CAUSE_UNOWNED, left_alone, left_alone.occurred_at, ends, as_of, (), asked)
    for asked in of(story, c.CauseEscalated):
        in_time = asked.inferred or asked.recorded_at - asked.occurred_at <= DAY
        known = asked.occurred_at if in_time else asked.recorded_at
        due = max(asked.data.respond_by or known + 14 * DAY, asked.occurred_at)
        ends = (answer_to(story, asked.data.escalation), end)
        yield from gap(GapKind.ESCALATION_UNANSWERED, asked, due, ends, as_of, (asked.data.to,))
    for made in of(story, c.MeasureCommitted):
        due = max(made.data.due, made.occurred_at)
        done = measured(story, c.MeasureImplemented, made.data.measure)
        then = story[: story.index(done)] if done else story
        yield from gap(GapKind.MEASURE_OVERDUE, made, due, (done, end), as_of, filter(None, (owner(then),)))


def commitments(story: Sequence[Event], as_of: datetime) -> Iterator[OGap]:
    """Yield the gaps of acknowledgements' plans: from their due time to when what they were about is over."""
    for said, over in planned(story):
        due = max(said.data.due, said.occurred_at)
        yield from gap(GapKind.COMMITMENT_OVERDUE, said, due, (over,), as_of, (said.data.organisation,))


def planned(story: Sequence[Event]) -> Iterator[tuple[Event, Event | None]]:
    """Yield the acknowledgements that promise something, each with the event after which that was over."""
    for said in of(story, c.CauseGapAcknowledged):
        place = story.index(said)
        there = [g for g in gaps(story[:place], said.occurred_at) if g.open]
        running = {(g.kind, g.begun_by) for g in meant(said, there)}
        if said.data.plan is None or said.data.due is None or not running:
            continue
        yield said, next((story[n] for n in range(place, len(story)) if not running & left(story[: n + 1])), None)


def left(story: Sequence[Event]) -> set[tuple[GapKind, UUID]]:
    """Return what runs after a story, or will by time alone."""
    ever = story[-1].occurred_at + 10_000 * DAY
    return {(g.kind, g.begun_by) for g in own_gaps(story, ever) if g.until is None}


def answer(history: Sequence[Event], as_of: datetime, known_at: datetime) -> tuple[set[OGap], set[UUID]]:
    """Return the gaps at two times, and the events without effect."""
    story, conflicts = judged(history, as_of, known_at)
    return set(gaps(story, as_of)), conflicts


def judged(history: Sequence[Event], as_of: datetime, known_at: datetime) -> tuple[list[Event], set[UUID]]:
    """Return the events that have effect at two times, in order, and those without."""
    shown = told(history, as_of, known_at, None)
    story: list[Event] = []
    conflicts = set(shown.unfit)
    for event in shown.placed:
        if event.id in shown.struck:
            continue
        if has_effect(event, story):
            story.append(event)
        else:
            conflicts.add(event.id)
    return story, conflicts
