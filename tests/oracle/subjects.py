"""What is derived over the cases of one subject, slow and obvious, written from gaps.md alone.

Each case is judged by itself, as ``story`` does; what lies over the cases is then read off moment by moment, by looking
at everything anew at every moment at which anything happens. Where gaps.md leaves room:

S1  A case is a subject's if the opening that has effect names that subject, as corrected. An opening that is not shown
    or is struck makes the case nobody's: a registry that held only what is shown could not tell whose it is.
S2  At a moment counts what stands after all that happened at that moment. So custody or waiting of no length is none
    here, and what is broken and mended at one instant is not broken.
S3  UNCOORDINATED: *those cases* are the ones in which the obstacles lie that are open and held at that moment. Custody
    that is only claimed is custody. Involved are all who hold an open obstacle of the subject at some moment of it, as
    they are called themselves, not their tops.
S4  A top parent is that of the moment, not of the question: the tree changes, and the past does not with it.
S5  The coordinator is the one named last (R21), until the moment stated with it.
S6  DEADLOCK: as in one case (R9), but each obstacle may lie in any of the cases. A circle within one case is found too;
    ``cases`` tells them apart.
S7  A cross-chain has at least two obstacles, each of them reported in a case of the subject. What is not there joins
    nothing: two that were set off by the same obstacle of somebody else are not one chain.
S8  In the figures of a cross-chain nothing counts twice: one contact about two of its obstacles is one contact, and
    the days on which two of them were open, or in a gap, are days once.
S9  What begins an UNCOORDINATED may be any of several events at one moment, in several cases: ``begun_by`` holds them
    all. It may also be an event long before, if time alone ended a coordinator's mandate.
S11 What is said of a gap over the cases of a subject names the subject, and has effect once the case is theirs. A plan
    is late from its due time, or from when it was given if that is later, until none of the gaps that it was about is
    open any more: the one that it names, or else those of its kind that overlap the time since which it says that
    there is one; of those, as things stand now, that were open when it was given.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from knelpunt.domain.case.facts import (
    CaseLinked,
    CaseOpened,
    ContactMade,
    CoordinatorNamed,
    GapAcknowledged,
    HarmStated,
    ObstacleReported,
    ObstacleSplit,
    WaitingBegan,
)
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.settings import DEFAULTS, Settings
from knelpunt.domain.text import Clear, Sealed
from knelpunt.domain.vocabulary import CaseRelation, Harm

from .answers import OFigures
from .gaps import Chain, Found, gaps_of
from .interfaces import story_of, tops
from .oracle import figures_of, total
from .story import Run, Stretch, segments, stretches, waiting

GRACES = {"UNCOORDINATED": timedelta(days=28), "DEADLOCK": timedelta(), "COMMITMENT_OVERDUE": timedelta()}
MANY = 3
"""Of how many different top parents the holders are, if nobody coordinates them."""

Stories = Mapping[UUID, list[Event]]
"""What has effect in each case, by case."""


@dataclass(frozen=True)
class OSubjectGap:
    """A gap over the cases of a subject; ``lasted`` up to ``until`` or the question, the rest in no order."""

    kind: str
    from_: datetime
    until: datetime | None
    counts: bool
    lasted: timedelta
    to_act: frozenset[str]
    involved: frozenset[str]
    obstacles: frozenset[UUID]
    cases: frozenset[UUID]
    begun_by: frozenset[UUID]


@dataclass(frozen=True)
class OCrossChain:
    """Obstacles joined to each other, and the figures over all of them; harms as (obstacle, harm, since, until)."""

    obstacles: frozenset[UUID]
    cases: frozenset[UUID]
    figures: OFigures
    harms: frozenset[tuple[UUID, Harm, datetime, datetime | None]]


def stories_of(
    histories: Mapping[UUID, Sequence[Event]], as_of: datetime, known_at: datetime, settings: Settings = DEFAULTS
) -> dict[UUID, list[Event]]:
    """Return what has effect in each case, asked at two times."""
    return {case: story_of(events, as_of, known_at, settings) for case, events in histories.items()}


def by_subject(stories: Stories) -> dict[UUID, dict[UUID, list[Event]]]:
    """Return the stories of each subject's cases (S1)."""
    found: dict[UUID, dict[UUID, list[Event]]] = {}
    for case, story in stories.items():
        for e in story:
            if isinstance(e.data, CaseOpened):
                for subject in e.data.subjects:
                    found.setdefault(subject, {})[case] = story
    return found


def told_of(stories: Stories) -> dict[UUID, dict[UUID, list[Event]]]:
    """Return the stories of those subjects of whom gaps are told (S10)."""
    found: dict[frozenset[UUID], UUID] = {}
    everybody = by_subject(stories)
    for own in everybody.values():
        openings = [e for story in own.values() for e in story if isinstance(e.data, CaseOpened)]
        first = min(openings, key=lambda e: (e.occurred_at, e.position)).data.subjects
        found[frozenset(own)] = next(one for one in first if everybody[one].keys() == own.keys())
    return {subject: everybody[subject] for subject in found.values()}


def linked_cases(stories: Stories) -> set[tuple[UUID, UUID, CaseRelation]]:
    """Return which case was said to stand in what relation to which other."""
    return {
        (case, e.data.case, e.data.relation)
        for case, story in stories.items()
        for e in story
        if isinstance(e.data, CaseLinked)
    }


def subject_gaps(
    stories: Stories,
    as_of: datetime,
    known_at: datetime,
    organisations: Sequence[Event] = (),
    subject: UUID | None = None,
) -> list[OSubjectGap]:
    """Return every gap over the cases of one subject; ``organisations`` are the events of all organisations.

    Of promises, only those about ``subject``, if given.
    """
    found = [*uncoordinated(stories, as_of, known_at, organisations), *deadlocks(stories, as_of)]
    over = [gap for gap in found if gap.kind != "DEADLOCK" or len(gap.cases) > 1]
    return found if subject is None else [*found, *promises(stories, as_of, subject, over)]


def promises(stories: Stories, as_of: datetime, subject: UUID, gaps: Sequence[OSubjectGap]) -> Iterator[OSubjectGap]:
    """COMMITMENT_OVERDUE: from a plan's due time until what it was about is no longer open (S11)."""
    for e, about, until in planned(stories, subject, gaps):
        from_ = max(e.data.due, e.occurred_at)
        if from_ <= as_of and (until is None or from_ < until):
            lasted = (until or as_of) - from_
            yield OSubjectGap(
                kind="COMMITMENT_OVERDUE",
                from_=from_,
                until=until,
                counts=lasted > GRACES["COMMITMENT_OVERDUE"],
                lasted=lasted,
                to_act=frozenset({e.data.organisation}),
                involved=frozenset(),
                obstacles=frozenset[UUID]().union(*(gap.obstacles for gap in about)),
                cases=frozenset({e.stream}).union(*(gap.cases for gap in about)),
                begun_by=frozenset({e.id}),
            )


def planned(
    stories: Stories, subject: UUID, gaps: Sequence[OSubjectGap]
) -> Iterator[tuple[Event, list[OSubjectGap], datetime | None]]:
    """Yield what was promised about gaps over the cases of a subject: by which event, about what, until when (S11)."""
    for e in (e for story in stories.values() for e in story):
        match e.data:
            case GapAcknowledged(subject=about, plan=Clear() | Sealed(), due=datetime()) if about == subject:
                then = [gap for gap in gaps if _spoken_of(e, gap)]
                named = [gap for gap in then if _named(e, gap)]
                ends = [gap.until for gap in named or then]
                if ends:
                    until = None if None in ends else max(t for t in ends if t is not None)
                    yield e, named or then, until
            case _:
                pass


def _named(e: Event, gap: OSubjectGap) -> bool:
    """Whether an acknowledgement names a gap by its id."""
    return e.data.gap.id in {gap_id_of(e.data.subject, gap.kind, begun_by) for begun_by in gap.begun_by}


def _spoken_of(e: Event, gap: OSubjectGap) -> bool:
    """Whether an acknowledgement speaks of a gap that was open when it was given."""
    mark, at = e.data.gap, e.occurred_at
    if gap.from_ > at or (gap.until is not None and gap.until <= at):
        return False
    if _named(e, gap):
        return True
    return mark.kind == gap.kind and (gap.until is None or gap.until > mark.since or gap.from_ >= mark.since)


# UNCOORDINATED


@dataclass(frozen=True)
class Held:
    """An open obstacle that somebody holds."""

    case: UUID
    obstacle: UUID
    holder: str


def uncoordinated(
    stories: Stories, as_of: datetime, known_at: datetime, organisations: Sequence[Event]
) -> Iterator[OSubjectGap]:
    """UNCOORDINATED: three or more of different top parents hold open obstacles, and nobody coordinates their cases."""
    told = [e for e in organisations if e.recorded_at <= known_at and e.occurred_at <= as_of]
    causes = [cause for cause in _causes(stories, told) if cause[0] <= as_of]
    since: datetime | None = None
    there: set[Held] = set()
    for t in [*sorted({t for t, _ in causes}), None]:
        held = [] if t is None else _held(stories, t)
        tree = {} if t is None else tops(told, t, known_at)
        many = len({tree.get(h.holder, h.holder) for h in held}) >= MANY
        alone = t is not None and not any(_coordinated(stories[h.case], t) for h in held)
        if many and alone:
            since = since or t
            there |= set(held)
        elif since is not None:
            begun_by = frozenset(cause for at, cause in causes if at == since)
            yield _gap("UNCOORDINATED", (since, t), as_of, (), there, begun_by)
            since, there = None, set()


def _held(stories: Stories, t: datetime) -> list[Held]:
    """Return every open obstacle that somebody holds at ``t``, and who."""
    return [
        Held(case, obstacle, s.holder)
        for case, story in stories.items()
        for obstacle in _reported(story)
        for s in stretches(story, obstacle)
        if s.holder is not None and _run_of(story, s).at(t)
    ]


def _run_of(story: list[Event], s: Stretch) -> Run:
    """Return while a stretch lasts."""
    return Run(story[s.begin].occurred_at, None if s.end is None else story[s.end].occurred_at, ())


def _coordinated(story: list[Event], t: datetime) -> bool:
    """Whether somebody keeps the overview of a case at ``t`` (S5)."""
    named = [e.data for e in story if isinstance(e.data, CoordinatorNamed) and e.occurred_at <= t]
    return bool(named) and (named[-1].until is None or t < named[-1].until)


def _causes(stories: Stories, organisations: Iterable[Event]) -> Iterator[tuple[datetime, UUID]]:
    """Yield the moments at which anything may change, each with an event that may be why."""
    for story in stories.values():
        for e in story:
            yield e.occurred_at, e.id
            if isinstance(e.data, CoordinatorNamed) and e.data.until is not None:
                yield e.data.until, e.id
    for e in organisations:
        yield e.occurred_at, e.id


# DEADLOCK


@dataclass(frozen=True)
class Wait:
    """A waiting for another obstacle, and while it ran."""

    case: UUID
    event: Event
    run: Run


def deadlocks(stories: Stories, as_of: datetime) -> Iterator[OSubjectGap]:
    """DEADLOCK: obstacles of any of the cases wait for each other in a circle of at least two."""
    waits = [
        Wait(case, e, waiting(story, n))
        for case, story in stories.items()
        for n, e in enumerate(story)
        if isinstance(e.data, WaitingBegan)
    ]
    moments = sorted({t for w in waits for t in (w.run.begin, w.run.end) if t is not None and t <= as_of})
    lasting: dict[frozenset[UUID], tuple[datetime, list[Wait], set[Wait]]] = {}  # since when, who closed it, all in it
    for t in [*moments, None]:
        now = {} if t is None else _circles([w for w in waits if w.run.at(t)])
        for circle in [circle for circle in lasting if circle not in now]:
            since, first, members = lasting.pop(circle)
            begun_by = max(first, key=lambda w: (w.event.occurred_at, w.event.position)).event.id
            held = {Held(w.case, w.event.data.obstacle, w.event.data.organisation) for w in members}
            yield _gap("DEADLOCK", (since, t), as_of, {h.holder for h in held}, held, frozenset({begun_by}))
        for circle, members in now.items():
            if t is not None:
                lasting.setdefault(circle, (t, members, set()))[2].update(members)


def _circles(running: Sequence[Wait]) -> dict[frozenset[UUID], list[Wait]]:
    """Return each circle of waitings, by its set of obstacles."""
    of = {w.event.data.obstacle: w for w in running}
    found: dict[frozenset[UUID], list[Wait]] = {}
    for first in of:
        path = [first]
        while path[-1] in of and of[path[-1]].event.data.for_obstacle not in {None, *path}:
            path.append(of[path[-1]].event.data.for_obstacle)
        if len(path) > 1 and path[-1] in of and of[path[-1]].event.data.for_obstacle == first:
            found[frozenset(path)] = [of[obstacle] for obstacle in path]
    return found


def _gap(
    kind: str,
    interval: tuple[datetime, datetime | None],
    as_of: datetime,
    to_act: Iterable[str],
    held: Iterable[Held],
    begun_by: frozenset[UUID],
) -> OSubjectGap:
    """Return a gap as it stands at the question."""
    from_, until = interval
    lasted = (until or as_of) - from_
    actors = frozenset(to_act)
    return OSubjectGap(
        kind=kind,
        from_=from_,
        until=until,
        counts=lasted > GRACES[kind],
        lasted=lasted,
        to_act=actors,
        involved=frozenset(h.holder for h in held) if not actors else frozenset(),
        obstacles=frozenset(h.obstacle for h in held),
        cases=frozenset(h.case for h in held),
        begun_by=begun_by,
    )


# Cross-chains


def cross_chains(stories: Stories, as_of: datetime, settings: Settings = DEFAULTS) -> list[OCrossChain]:
    """Return the sets of obstacles of a subject that are joined by triggers and splits, with their figures (S7, S8)."""
    case_of = {obstacle: case for case, story in stories.items() for obstacle in _reported(story)}
    parts = [frozenset({obstacle}) for obstacle in case_of]
    for one, other in _joints(stories):
        if one in case_of and other in case_of:
            joined = [part for part in parts if one in part or other in part]
            parts = [part for part in parts if part not in joined] + [frozenset[UUID]().union(*joined)]
    in_some = {case_of[o] for part in parts if len(part) > 1 for o in part}
    found: dict[UUID, list[Found]] = {case: gaps_of(stories[case], as_of, settings) for case in in_some}
    return [
        OCrossChain(
            obstacles=part,
            cases=frozenset(case_of[obstacle] for obstacle in part),
            figures=_figures({case_of[o]: stories[case_of[o]] for o in part}, found, part, as_of, settings),
            harms=frozenset(_harms(stories, part)),
        )
        for part in parts
        if len(part) > 1
    ]


def _reported(story: Sequence[Event]) -> list[UUID]:
    return [e.data.obstacle for e in story if isinstance(e.data, ObstacleReported)]


def _joints(stories: Stories) -> Iterator[tuple[UUID, UUID]]:
    """Yield which two obstacles are said to belong together."""
    for story in stories.values():
        for e in story:
            match e.data:
                case ObstacleReported(obstacle=obstacle, triggered_by=UUID() as trigger):
                    yield obstacle, trigger
                case ObstacleSplit(obstacle=obstacle, into=into):
                    yield from ((obstacle, part) for part in into)


def _harms(stories: Stories, part: frozenset[UUID]) -> Iterator[tuple[UUID, Harm, datetime, datetime | None]]:
    for story in stories.values():
        for e in story:
            if isinstance(e.data, HarmStated) and e.data.obstacle in part:
                yield e.data.obstacle, e.data.harm, e.data.since, e.data.until


def _figures(
    stories: Stories, found: Mapping[UUID, list[Found]], part: frozenset[UUID], as_of: datetime, settings: Settings
) -> OFigures:
    """Return the figures over all obstacles of a cross-chain, in none of which anything counts twice."""
    where = [(case, o) for case, story in stories.items() for o in _reported(story) if o in part]
    each = [figures_of(stories[case], o, as_of, settings, found[case]) for case, o in where]
    holders = {s.holder for case, o in where for s in segments(stories[case], o)} - {None}
    contacts = [
        e.data
        for story in stories.values()
        for e in story
        if isinstance(e.data, ContactMade) and part & set(e.data.obstacles)
    ]
    open_times = [
        times
        for case, o in where
        for times in Chain(stories[case], o, as_of, settings, stretches(stories[case], o), []).open_times()
    ]
    in_a_gap = [
        piece for case in stories for f in found[case] if f.gap.obstacle in part and f.gap.counts for piece in f.pieces
    ]
    return OFigures(
        organisations=len(holders),
        offered=sum(one.offered for one in each),
        accepted=sum(one.accepted for one in each),
        refused=sum(one.refused for one in each),
        referrals=sum(one.referrals for one in each),
        contacts=len(contacts),
        story_retold=sum(contact.story_retold for contact in contacts),
        days_open=total(open_times, as_of),
        days_in_gap=total(in_a_gap, as_of),
        longest_gap=max(one.longest_gap for one in each),
        fell=any(one.fell for one in each),
    )
