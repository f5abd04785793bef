"""The answers over many cases, slow and obvious, as docs/answers.md defines them.

Each is told anew from the stories of all cases and causes at every question; nothing is shared with what is judged.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from knelpunt.domain.case.facts import ObstacleReported
from knelpunt.domain.event import Event
from knelpunt.domain.settings import DEFAULTS

from .gaps import Chain, gaps_of, planned
from .interfaces import story_of
from .story import segments, stretches


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


def plans(case: Sequence[Event], as_of: datetime, known_at: datetime) -> Iterator[Promised]:
    """Yield what was promised about gaps of the obstacles of one case."""
    story = story_of(case, as_of, known_at)
    found = gaps_of(story, as_of, DEFAULTS)
    for obstacle in [e.data.obstacle for e in story if isinstance(e.data, ObstacleReported)]:
        chain = Chain(story, obstacle, as_of, DEFAULTS, stretches(story, obstacle), segments(story, obstacle))
        for n, e in enumerate(story):
            for done in planned(chain, found, n, e):
                due = max(e.data.due, e.occurred_at)
                outcome = "RUNNING" if done is None else "DONE"
                yield Promised(e.id, "PLAN", e.data.organisation, e.occurred_at, due, done, outcome)
