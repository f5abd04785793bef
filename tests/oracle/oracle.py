"""The oracle: what is derived of one case, slow and obvious, written from gaps.md alone.

It recomputes everything at every question and shares no code with the derivation that it judges. Where gaps.md leaves
room, the readings are these; R1 to R16 were fixed beforehand, R17 and on were chosen here.

R1  A term's gap also ends when another TermSet replaces it. Suspensions move ``due`` by their whole length, from the
    setting on; one beginning exactly at the moved due does not count.
R2  A step recorded by another restarts no clock and confirms nothing; otherwise it is a step.
R3  What confirms: see ``story.confirms``.
R4  A run ends at a settlement; it begins with the report if its first segment of any length does.
R5  A contest runs until a reopening, an upholding, its withdrawal or a ruling.
R6  Segments of one holder with only an instant between are one, confirmed if any part was.
R7  CAROUSEL looks at the latest earlier segment of the same holder; clipped away, it has no length where j starts.
R8  NOBODYS_JOB, DECISION_OVERDUE: who held it just before the gap's end, or holds it at the question.
R9  DEADLOCK: circles of at least two obstacles, each by its set of obstacles; it lies on the case.
R10 What began a gap: see each kind.
R11 The last correction of a field wins; a struck one has no effect; one that does not fit is a conflict.
R12 Who knew what: see ``told.known``.
R13 An account or acknowledgement needs its event or gap: see ``story.has_effect`` and ``story.is_meant``.
R14 Acts: see ``story.is_act``.
R15 A waiting does not run at its very end; a second CaseOpened is inert; obstacles need no open case.
R16 A gap counts when it lasted longer than its grace, which for most kinds is nothing.
R17 Where a fact names no organisation (TermSet, ObstacleSplit), "the organisation" is its actor's.
R18 What an importer deduced (``inferred``) is the own word of whoever the fact names, whoever the actor is.
R19 A settlement also breaks a row of refusals: after a reopening a new row begins.
R20 The step that gives ``to`` custody after a move is a step of the holder: it ends DECISION_OVERDUE as a DECISION.
R21 CoordinatorNamed needs the case to have been opened; SubjectRelated and CaseLinked need nothing.
R22 Only a *step* recorded by another restarts no clock; its offer, remedy or waiting does.
R23 A step by nobody is no act of anybody; it ends nothing and GAVE_UP does not count from it.
R24 REFERRED_ROUND: the last holder is the last one before the run, settled stretches passed over as for RELEASED.
R25 The holder's own release does not confirm its custody, but its own releasing referral does.
R26 A deadline stated earlier than the event that states it is taken at its word, save that it stops no clock.
R27 Figures: "organisations" are the different holders; a DEADLOCK lies on no obstacle.
R28 A correction that does not fit is a conflict wherever its target is shown, and nothing where it is not: else the
    answer would not be that of a registry that holds only the events shown.
R29 A field is corrected by its name in domain.md (``from``, not ``from_``).
R30 A struck event makes nobody know the report.
R31 A plan is completed when none of the gaps that it was about is open any more: those that the acknowledgement speaks
    of by id, or else by obstacle, kind and time. What is not open after the acknowledgement itself is complete. A plan
    that was given after it was due is overdue from when it was given.
R32 A commitment that is overdue does not make an obstacle fall between the cracks by itself.
R33 What was said of a gap is said of the gap that was named, if it still is one; else of every gap of that obstacle and
    kind that lasted at some time between the beginning that was spoken of and the moment of speaking.
R34 A plan for a deadlock within the case lies on the case, as the deadlock does, and so is clipped by no obstacle.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from knelpunt.domain.case.facts import (
    AccountGiven,
    ContactMade,
    GapAcknowledged,
    GapMark,
    HandoffAccepted,
    HandoffOffered,
    HandoffRefused,
    ObstacleReported,
    SubjectReferred,
)
from knelpunt.domain.event import Event
from knelpunt.domain.settings import DEFAULTS, Settings
from knelpunt.domain.vocabulary import GapKind

from .answers import OAnswer, OFigures, OGap, OSegment
from .gaps import Chain, Found, gaps_of
from .story import is_meant, judge, offer_of, segments, stretches
from .told import told

__all__ = ["OAnswer", "OFigures", "OGap", "OSegment", "answer"]


def answer(
    events: Sequence[Event],
    as_of: datetime,
    known_at: datetime | None = None,
    known_to: str | None = None,
    settings: Settings = DEFAULTS,
) -> OAnswer:
    """Return what is derived of one case; ``events`` in the order in which they were recorded."""
    shown = told(events, as_of, known_at, known_to)
    story, inert = judge(shown, lambda past, t: [f.gap for f in gaps_of(past, t, settings)])
    obstacles = sorted((s.data.obstacle for s in story if isinstance(s.data, ObstacleReported)), key=str)
    found = gaps_of(story, as_of, settings)
    return OAnswer(
        segments=[segment for o in obstacles for segment in _chain(story, o)],
        gaps=[f.gap for f in found],
        conflicts=inert | shown.unfit,
        figures={o: figures_of(story, o, as_of, settings, found) for o in obstacles},
        said={(e.id, target) for e in story for target in _about(e, story, [f.gap for f in found])},
    )


def _about(e: Event, story: list[Event], gaps: list[OGap]) -> list[UUID]:
    """Return what an account or acknowledgement is about: an event, or gaps as they stand now (R33)."""
    match e.data:
        case AccountGiven(event=UUID() as event):
            return [event]
        case AccountGiven(subject=UUID()) | GapAcknowledged(subject=UUID()):
            return []  # it is about nothing that lies in this case alone
        case AccountGiven(gap=GapMark() as mark) | GapAcknowledged(gap=mark):
            meant = [gap.id_in(e.stream) for gap in gaps if is_meant(mark, gap, e.occurred_at, story)]
            return [mark.id] if mark.id in meant else meant
    return []


def _chain(story: list[Event], obstacle: UUID) -> list[OSegment]:
    """Return the segments of one obstacle."""
    return [
        OSegment(
            obstacle=obstacle,
            kind="UNHELD" if s.holder is None else "HELD",
            organisation=s.holder,
            claimed=s.claimed,
            from_=s.from_,
            until=s.until,
            entered_by=s.entered.id,
            left_by=None if s.left is None else s.left.id,
        )
        for s in segments(story, obstacle)
    ]


def figures_of(story: list[Event], obstacle: UUID, as_of: datetime, settings: Settings, found: list[Found]) -> OFigures:
    """Return the figures of one obstacle; days in a gap are the union of the gaps that count, not their sum."""
    chain = Chain(story, obstacle, as_of, settings, stretches(story, obstacle), segments(story, obstacle))
    contacts = [s.data for s in story if isinstance(s.data, ContactMade) and obstacle in s.data.obstacles]
    counting = [f for f in found if f.gap.obstacle == obstacle and f.gap.counts]

    def answered(kind: type) -> int:
        answers = [(n, s.data) for n, s in enumerate(story) if isinstance(s.data, kind)]
        return sum(story[offer_of(story, d.handoff, n)].data.obstacle == obstacle for n, d in answers)

    return OFigures(
        organisations=len({s.holder for s in chain.segments} - {None}),
        offered=len(chain.places(HandoffOffered)),
        accepted=answered(HandoffAccepted),
        refused=answered(HandoffRefused),
        referrals=len(chain.places(SubjectReferred)),
        contacts=len(contacts),
        story_retold=sum(c.story_retold for c in contacts),
        days_open=total(chain.open_times(), as_of),
        days_in_gap=total([piece for f in counting for piece in f.pieces], as_of),
        longest_gap=max((f.gap.lasted for f in counting), default=timedelta()),
        fell=any(f.gap.kind != GapKind.COMMITMENT_OVERDUE for f in counting),
    )


def total(times: Sequence[tuple[datetime, datetime | None]], as_of: datetime) -> timedelta:
    """Return how long at least one of these times lasted up to ``as_of``."""
    total, reached = timedelta(), datetime.min.replace(tzinfo=as_of.tzinfo)
    for begin, end in sorted((begin, end or as_of) for begin, end in times):
        total += max(timedelta(), end - max(begin, reached))
        reached = max(reached, end)
    return total
