"""Who holds what when organisations merge, end or pass a task on: slow and obvious, written from domain.md.

It takes what people recorded of a case and what became of organisations, walks through both in the order of time, and
puts in what the law did at each moment. It never looks at what the registry wrote: the answer is what has to stand in
the end, in whatever order things became known. Where domain.md leaves room, the readings are those of decision 8:

M1  Responsible for an open obstacle is its holder or, while nobody holds it, whom the law moved it to last in this run.
M2  A task passes on at one moment: it takes what its organisation is responsible for then, in cases of that theme. If
    the organisation ends at the same moment, what is of that theme goes where the task goes.
M3  An end takes everything, and whatever comes to the organisation later, at the moment at which it comes.
M4  The heir is the first in line that exists and from whom nothing passes on at that very moment. That of a dissolved
    organisation is to whom its task had passed last. A line in a circle, or one that stops, has none; then the holder
    lets go, and what nobody held stays as it was.
M5  Of what happened at one moment, the law comes last.
M6  The theme of a case is that of its opening; a case that was never opened has none.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from knelpunt.domain.case.facts import CaseFact, CaseOpened, CustodyReleased, ObstacleReported, ResponsibilityMoved
from knelpunt.domain.event import Event
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationMerged,
    OrganisationRegistered,
    TaskTransferred,
)
from knelpunt.domain.settings import DEFAULTS
from knelpunt.domain.vocabulary import MoveBasis

from .gaps import gaps_of
from .story import SETTLES, has_effect, holder, is_open, stretches
from .told import told


@dataclass(frozen=True)
class Change:
    """What became of an organisation: an end (no theme), or a task of a theme that passed on."""

    at: datetime
    organisation: str
    to: str | None
    theme: str | None


def changes_of(organisations: Sequence[Event]) -> list[Change]:
    """Return what became of organisations, in the order of time; what happened to one after its end did not happen."""
    registered: set[str] = set()
    ended: set[str] = set()
    found: list[Change] = []
    for e in sorted(organisations, key=lambda e: (e.occurred_at, e.position)):
        who = e.data.organisation
        if isinstance(e.data, OrganisationRegistered):
            registered.add(who)
        if who not in registered or who in ended:
            continue
        match e.data:
            case OrganisationMerged(into=into):
                found.append(Change(e.occurred_at, who, into, None))
                ended.add(who)
            case OrganisationDissolved():
                found.append(Change(e.occurred_at, who, None, None))
                ended.add(who)
            case TaskTransferred(theme=theme, to=to, since=since):
                found.append(Change(since or e.occurred_at, who, to, theme))
    return sorted(found, key=lambda change: change.at)


def succeeded(people: Sequence[Event], changes: Sequence[Change], now: datetime) -> list[Event]:
    """Return the story of a case with what the law did in its place; ``people``: what they recorded, in that order."""
    shown = told(people, now, None, None)
    coming = [e for e in shown.placed if e.id not in shown.struck]
    theme = next((e.data.theme for e in coming if isinstance(e.data, CaseOpened)), None)
    moments = {e.occurred_at for e in coming} | {change.at for change in changes if change.at <= now}
    story: list[Event] = []
    earlier: set[UUID] = set()
    for t in sorted(moments):
        for e in coming:
            if e.occurred_at == t:
                if has_effect(e, story, earlier, lambda past, at: [f.gap for f in gaps_of(past, at, DEFAULTS)]):
                    story.append(e)
                earlier.add(e.id)
        for obstacle in [e.data.obstacle for e in story if isinstance(e.data, ObstacleReported)]:
            story += _moved(story, obstacle, theme, changes, t)
    return story


def _moved(
    story: list[Event], obstacle: UUID, theme: str | None, changes: Sequence[Change], t: datetime
) -> list[Event]:
    """Return what the law does to an obstacle at a moment: one event or none."""
    who = responsible(story, obstacle)
    change = None if who is None else _applying(changes, who, theme, t)
    if who is None or change is None:
        return []
    heir = _heir(changes, change, theme, t)
    if heir is not None:
        basis = MoveBasis.SUCCESSION if change.theme is None else MoveBasis.TASK_TRANSFER
        return [_event(story, ResponsibilityMoved(obstacle, who, heir, basis), t)]
    return [] if holder(story, obstacle) is None else [_event(story, CustodyReleased(obstacle, who), t)]


def responsible(story: list[Event], obstacle: UUID) -> str | None:
    """Return who is responsible for an open obstacle after a story (M1)."""
    if not is_open(story, obstacle):
        return None
    for s in reversed(stretches(story, obstacle)):
        if s.end is not None and (s.holder is not None or isinstance(story[s.end].data, SETTLES)):
            return None  # the run began after this
        if s.holder is not None:
            return s.holder
        if isinstance(story[s.begin].data, ResponsibilityMoved):
            return story[s.begin].data.to
    return None


def _applying(changes: Sequence[Change], who: str, theme: str | None, t: datetime) -> Change | None:
    """Return what takes an obstacle away from an organisation at a moment (M2, M3)."""
    mine = [change for change in changes if change.organisation == who]
    passing = [change for change in mine if change.theme is not None and change.theme == theme and change.at == t]
    ended = [change for change in mine if change.theme is None and change.at <= t]
    return next(iter([*reversed(passing), *ended]), None)


def _heir(changes: Sequence[Change], change: Change | None, theme: str | None, t: datetime) -> str | None:
    """Return to whom it goes (M4)."""
    seen: set[str] = set()
    while change is not None:
        if change.organisation in seen:
            return None
        seen.add(change.organisation)
        to = change.to
        if to is None:  # dissolved
            passed = [
                one
                for one in changes
                if one.organisation == change.organisation and one.theme is not None and one.theme == theme
            ]
            to = next((one.to for one in reversed(passed) if one.at <= change.at), None)
        if to is None or to in seen:
            return None
        change = _applying(changes, to, theme, t)
        if change is None:
            return to
    return None


def _event(story: list[Event], fact: CaseFact, t: datetime) -> Event:
    """Return an event of the law, at the end of a story: told by nobody, and like the last event in all else."""
    last = story[-1]
    id_ = uuid5(last.id, f"{len(story)}")
    return msgspec.structs.replace(last, id=id_, position=last.position + 1, occurred_at=t, data=fact, known_to=())
