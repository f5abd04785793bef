"""The answers over many cases, slow and obvious, as docs/answers.md defines them.

Each is told anew, at every question, from the stories of all cases and of all that is learnt from; of the same stories
the oracles of cases, causes, subjects and commitments say what gaps there are. Nothing is shared with what is judged.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import permutations
from uuid import UUID

from knelpunt.domain.case import facts as f
from knelpunt.domain.cause import facts as c
from knelpunt.domain.dialogue import facts as d
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.investigation import facts as i
from knelpunt.domain.learning.facts import LearningFact, LearningGapAcknowledged
from knelpunt.domain.network import facts as n
from knelpunt.domain.organisation.facts import OrganisationFact
from knelpunt.domain.settings import DEFAULTS
from knelpunt.domain.vocabulary import GapKind, Stance

from . import causes, commitments, subjects
from .gaps import Chain, Then, gaps_of
from .gaps import plans as gap_plans
from .interfaces import story_of
from .oracle import figures_of
from .registry import Log
from .story import segments, stretches
from .told import told


@dataclass(frozen=True)
class Promised:
    """What an organisation took upon itself: by which event, when, by when, and when it ended, if it has."""

    event: UUID
    kind: str
    organisation: str
    made: datetime
    due: datetime
    ended: datetime | None
    outcome: str

    def standing(self, as_of: datetime) -> str:
        """Return how it stands at a moment."""
        if self.outcome == "DONE":
            return "KEPT" if self.ended is not None and self.ended <= self.due else "KEPT_LATE"
        if self.outcome == "RUNNING":
            return "OVERDUE" if self.due < as_of else "PENDING"
        return self.outcome


@dataclass(frozen=True)
class Offender:
    """A cause: the time that people spent in gaps because of it, over which obstacles, and how many people."""

    time: timedelta
    spent: frozenset[tuple[UUID, timedelta]]
    obstacles: int
    people: int


@dataclass(frozen=True)
class Lying:
    """A gap, by every name that it may have: on what it lies, since when and until when, and who has to act."""

    names: frozenset[UUID]
    lies_on: UUID
    kind: str
    from_: datetime
    until: datetime | None
    counts: bool
    to_act: tuple[str, ...]


def plans(case: Sequence[Event], as_of: datetime, known_at: datetime) -> Iterator[Promised]:
    """Yield what was promised about gaps of one case."""
    yield from plans_in(story_of(case, as_of, known_at), as_of)


def plans_in(story: list[Event], as_of: datetime) -> Iterator[Promised]:
    """Yield what was promised about gaps in a story: those of its obstacles, and those of the case as a whole."""
    if not any(isinstance(e.data, f.GapAcknowledged) for e in story):
        return
    then: Then = {}
    found = gaps_of(story, as_of, DEFAULTS, then=then)
    obstacles = [e.data.obstacle for e in story if isinstance(e.data, f.ObstacleReported)]
    for lies_on in (*obstacles, *([None] if obstacles else [])):
        obstacle = lies_on or obstacles[0]
        chain = Chain(story, obstacle, as_of, DEFAULTS, stretches(story, obstacle), segments(story, obstacle))
        for e, due, done in gap_plans(chain, lies_on, found, story, then):
            yield promised(e, "PLAN", due, done)


def promised(
    e: Event,
    kind: str,
    due: datetime,
    done: datetime | None,
    *,
    outcome: str = "DONE",
    organisation: str | None = None,
) -> Promised:
    """Return a commitment that an event made, and that has ended if there is a moment at which it did."""
    by = organisation or e.data.organisation
    became = "RUNNING" if done is None else outcome
    return Promised(e.id, kind, by, e.occurred_at, max(due, e.occurred_at), done, became)


class Everything:
    """All that was recorded, told apart by what it is about."""

    def __init__(self, log: Sequence[Event]) -> None:
        """Take a log, and judge nothing yet."""
        of_cases = [e for e in log if isinstance(e.data, f.CaseFact | OrganisationFact)]
        self.cases = Log(of_cases)
        self.learnt: dict[UUID, list[Event]] = {}
        for e in log:
            if isinstance(e.data, LearningFact):
                self.learnt.setdefault(e.stream, []).append(e)

    def at(self, as_of: datetime, known_at: datetime) -> "Asked":
        """Ask at two times."""
        return Asked(self, as_of, known_at)


class Asked:
    """The answers at two times."""

    def __init__(self, of: Everything, as_of: datetime, known_at: datetime) -> None:
        """Read every story as it stands at the two times."""
        self.of, self.as_of, self.known_at = of, as_of, known_at
        self.stories = of.cases.stories(as_of, known_at)
        self.causes: dict[UUID, list[Event]] = {}
        self.others: dict[UUID, list[Event]] = {}
        self.networks: dict[UUID, list[Event]] = {}
        for stream, events in of.learnt.items():
            seen = told(events, as_of, known_at, None)
            if isinstance(events[0].data, c.CauseFact):
                self.causes[stream] = causes.judged(events, as_of, known_at)[0]
            elif isinstance(events[0].data, n.NetworkFact | i.InvestigationFact):
                self.networks[stream] = [e for e in seen.placed if e.id not in seen.struck]
            else:
                self.others[stream] = commitments.judged(seen)[0]

    # Repeat offenders

    def offenders(self) -> dict[UUID, Offender]:
        """Return every cause because of which somebody was in a gap."""
        found: dict[UUID, Offender] = {}
        for cause, story in self.causes.items():
            linked = {e.data.obstacle for e in story if isinstance(e.data, c.ObstacleLinked)} & self.reported.keys()
            spent = {obstacle: self.figures[obstacle].days_in_gap for obstacle in linked}
            people = {
                subject
                for obstacle in linked
                for e in self.stories[self.reported[obstacle]]
                if isinstance(e.data, f.CaseOpened)
                for subject in e.data.subjects
            }
            longer = frozenset((obstacle, time) for obstacle, time in spent.items() if time)
            if longer:
                found[cause] = Offender(sum(spent.values(), timedelta()), longer, len(linked), len(people))
        return found

    @cached_property
    def reported(self) -> dict[UUID, UUID]:
        """The case of each obstacle."""
        return {
            e.data.obstacle: case
            for case, story in self.stories.items()
            for e in story
            if isinstance(e.data, f.ObstacleReported)
        }

    @cached_property
    def found(self):
        """The gaps of each case."""
        return {case: gaps_of(story, self.as_of, DEFAULTS) for case, story in self.stories.items()}

    @cached_property
    def figures(self):
        """The figures of each obstacle."""
        return {
            obstacle: figures_of(self.stories[case], obstacle, self.as_of, DEFAULTS, self.found[case])
            for obstacle, case in self.reported.items()
        }

    # Who is waiting for whom

    def waits(self) -> dict[UUID, tuple[str, str, datetime]]:
        """Return each escalation that waits for an answer in vain: who waits for whom, since when."""
        return {
            gap.begun_by: (asked.actor.organisation, asked.data.to, gap.from_)
            for story in self.causes.values()
            for gap in causes.gaps(story, self.as_of)
            if gap.kind is GapKind.ESCALATION_UNANSWERED and gap.open and gap.counts
            for asked in story
            if asked.id == gap.begun_by
        }

    # Solved for one, not for all

    def remedies(self) -> dict[UUID, frozenset[UUID]]:
        """Return each remedy behind which nothing was done for all others, with the causes of its obstacle."""
        found: dict[UUID, frozenset[UUID]] = {}
        for e in (e for story in self.stories.values() for e in story if isinstance(e.data, f.RemedyApplied)):
            own = {
                cause: story
                for cause, story in self.causes.items()
                if any(isinstance(s.data, c.ObstacleLinked) and s.data.obstacle == e.data.obstacle for s in story)
            }
            done = (c.MeasureCommitted, c.CauseRemoved)
            if not any(isinstance(s.data, done) for story in own.values() for s in story):
                found[e.id] = frozenset(own)
        return found

    def happened(self, event: UUID) -> datetime:
        """Return when an event of a case happened."""
        return next(e.occurred_at for story in self.stories.values() for e in story if e.id == event)

    # Promises kept

    def promises(self) -> Iterator[Promised]:
        """Yield all that organisations took upon themselves."""
        for story in self.stories.values():
            yield from plans_in(story, self.as_of)
        yield from self.plans_over_cases()
        for story in self.causes.values():
            yield from self._measures(story)
            for said, over in causes.planned(story):
                yield promised(said, "PLAN", said.data.due, over.occurred_at if over else None)
        for story in self.others.values():
            for e, done in commitments.taken_on(story):
                kind = "STEP" if isinstance(e.data, d.FirstStepChosen) else "PROMISE"
                kind = "PLAN" if isinstance(e.data, LearningGapAcknowledged) else kind
                given_up = done is not None and isinstance(done.data, d.StepGivenUp) and kind == "STEP"
                outcome = "GIVEN_UP" if given_up else "DONE"
                over = done.occurred_at if done else None
                assert e.data.due is not None, "whoever promises says by when"
                yield promised(e, kind, e.data.due, over, outcome=outcome)
        for story in self.networks.values():
            yield from _follow_ups(story)

    def plans_over_cases(self) -> Iterator[Promised]:
        """Yield what was promised about gaps over several cases."""
        for subject, (own, over) in self.over_cases.items():
            for e, _, until in subjects.planned(own, subject, over):
                yield promised(e, "PLAN", e.data.due, until)

    @cached_property
    def over_cases(self) -> dict[UUID, tuple[subjects.Stories, list[subjects.OSubjectGap]]]:
        """What lies over the cases of each subject, but for promises that were not kept; with those cases."""
        found: dict[UUID, tuple[subjects.Stories, list[subjects.OSubjectGap]]] = {}
        for subject, own in subjects.told_of(self.stories).items():
            gaps = subjects.subject_gaps(own, self.as_of, self.known_at, self.of.cases.organisations)
            found[subject] = own, [gap for gap in gaps if gap.kind != "DEADLOCK" or len(gap.cases) > 1]
        return found

    def _measures(self, story: Sequence[Event]) -> Iterator[Promised]:
        end = next((e for e in story if isinstance(e.data, causes.ENDS)), None)
        for e in story:
            if isinstance(e.data, c.MeasureCommitted):
                done = causes.measured(story, c.MeasureImplemented, e.data.measure)
                over = done or end
                at = over.occurred_at if over else None
                yield promised(e, "MEASURE", e.data.due, at, outcome="DONE" if done else "LAPSED")

    def published(self, event: UUID) -> bool:
        """Return whether the investigation of an event has been published."""
        own = next(story for story in self.networks.values() if any(e.id == event for e in story))
        return any(isinstance(e.data, i.ReportPublished) for e in own)

    def kept_by(self) -> dict[str, Counter[str]]:
        """Return how the promises of each organisation stand."""
        found: dict[str, Counter[str]] = {}
        for one in self.promises():
            found.setdefault(one.organisation, Counter())[one.standing(self.as_of)] += 1
        return found

    def kept_in(self) -> dict[UUID, Counter[str]]:
        """Return how the promises of the members of each network stand, if there are any."""
        by = self.kept_by()
        found: dict[UUID, Counter[str]] = {}
        for network, story in self.networks.items():
            if any(isinstance(e.data, n.NetworkFact) for e in story):
                whole = sum((by.get(member, Counter()) for member in _members(story)), Counter[str]())
                if whole:
                    found[network] = whole
        return found

    # The story retold

    def tellings(self) -> dict[UUID, tuple[int, int]]:
        """Return how often there was contact about each obstacle, and how often its story was told again."""
        return {
            obstacle: (figures.contacts, figures.story_retold)
            for obstacle, figures in self.figures.items()
            if figures.contacts
        }

    # What honesty costs

    def honesty(self) -> dict[str, tuple[int, int]]:
        """Return in how many gaps that count each organisation has to act, and how many it noticed itself."""
        there = list(self._lying())
        gaps: Counter[str] = Counter()
        noticed: Counter[str] = Counter()
        said = list(self._said())
        names = {name for gap in there for name in gap.names}
        for gap in there:
            if gap.counts:
                gaps.update(gap.to_act)
                by = {who for who, e, lies_on in said if _is_about(e, lies_on, gap, names)}
                noticed.update(by & set(gap.to_act))
        return {who: (gaps[who], noticed[who]) for who in gaps}

    def _lying(self) -> Iterator[Lying]:
        """Yield every gap that there is."""
        for case, found in self.found.items():
            for gap in (one.gap for one in found):
                yield _lying(gap, gap.obstacle or case)
        for stream, story in self.causes.items():
            for gap in causes.gaps(story, self.as_of):
                yield _lying(gap, stream)
        for stream, story in self.others.items():
            for late in commitments.owed(story):
                if late.from_ <= self.as_of:
                    name = gap_id_of(stream, GapKind.COMMITMENT_OVERDUE, late.begun_by)
                    counts = (late.until or self.as_of) > late.from_
                    kind = GapKind.COMMITMENT_OVERDUE.value
                    yield Lying(frozenset({name}), stream, kind, late.from_, late.until, counts, (late.whose,))
        for subject, (own, over) in self.over_cases.items():
            for gap in (*over, *subjects.promises(own, self.as_of, subject, over)):
                names = frozenset(gap_id_of(subject, gap.kind, by) for by in gap.begun_by)
                yield Lying(names, subject, gap.kind, gap.from_, gap.until, gap.counts, tuple(gap.to_act))

    def _said(self) -> Iterator[tuple[str, Event, UUID]]:
        """Yield who said of a gap that it is so, by which event, and on what that gap lies."""
        for e in (e for story in self.stories.values() for e in story):
            match e.data:
                case f.GapAcknowledged(organisation=who, gap=mark, subject=subject):
                    yield who, e, subject or mark.obstacle or e.stream
                case f.AccountGiven(stance=Stance.CONFIRMS, gap=f.GapMark() as mark, subject=subject) as fact:
                    if fact.by.organisation is not None:
                        yield fact.by.organisation, e, subject or mark.obstacle or e.stream
                case _:
                    pass
        for e in (e for story in (*self.causes.values(), *self.others.values()) for e in story):
            if isinstance(e.data, LearningGapAcknowledged):
                yield e.data.organisation, e, e.stream


def _lying(gap: causes.OGap, lies_on: UUID) -> Lying:
    names = frozenset({gap_id_of(lies_on, gap.kind.value, gap.begun_by)})
    return Lying(names, lies_on, gap.kind.value, gap.from_, gap.until, gap.counts, gap.to_act)


def _is_about(e: Event, lies_on: UUID, gap: Lying, names: set[UUID]) -> bool:
    """Whether what was said is of this gap: the one named; if that is none any more, all of its kind in its place."""
    mark = e.data.gap
    if mark.id in names:
        return mark.id in gap.names
    same = (gap.lies_on, gap.kind) == (lies_on, mark.kind.value) and gap.from_ <= e.occurred_at
    return same and (gap.until is None or gap.until > mark.since or gap.from_ >= mark.since)


def _members(story: Sequence[Event]) -> set[str]:
    """Return who is a member of a network at the end of a story, by the last word about each."""
    present: set[str] = set()
    founded = False
    for e in story:
        match e.data:
            case n.NetworkFounded() if not founded:
                founded = True
                present |= set(e.data.members)
            case n.MemberJoined(organisation=who) if founded:
                present.add(who)
            case n.MemberLeft(organisation=who) if founded:
                present.discard(who)
            case _:
                pass
    return present


def _follow_ups(story: Sequence[Event]) -> Iterator[Promised]:
    """Yield the follow-ups of an investigation, each as it was planned first."""
    opened = [e for e in story if isinstance(e.data, i.InvestigationOpened)]
    story = story[story.index(opened[0]) :] if opened else []
    seen: set[UUID] = set()
    for place, e in enumerate(story):
        if isinstance(e.data, i.FollowUpPlanned) and e.data.follow_up not in seen:
            seen.add(e.data.follow_up)
            rest = [s for s in story[place:] if isinstance(s.data, i.FollowUpDone)]
            done = next((s for s in rest if s.data.follow_up == e.data.follow_up), None)
            by = e.data.organisation or e.actor.organisation
            yield promised(e, "FOLLOW_UP", e.data.due, done.occurred_at if done else None, organisation=by)


def circles(waits: set[tuple[str, str]]) -> set[tuple[str, ...]]:
    """Return for each wait the shortest circle on which it lies, found by trying every order of every few of them."""
    everybody = sorted({who for wait in waits for who in wait})
    rings = [
        ring
        for size in range(2, len(everybody) + 1)
        for ring in permutations(everybody, size)
        if all(pair in waits for pair in zip(ring, (*ring[1:], ring[0]), strict=True))
    ]
    found: set[tuple[str, ...]] = set()
    for wait in waits:
        # Each ring stands there from every one of its members on: here from who is waited for, back to who waits.
        through = [ring for ring in rings if (ring[-1], ring[0]) == wait]
        if through:
            ring = min(through, key=lambda ring: (len(ring), ring))
            first = ring.index(min(ring))
            found.add((*ring[first:], *ring[:first]))
    return found
