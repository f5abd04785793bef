"""A registry's log as the oracle reads it: told apart into cases and organisations, remembering what it has judged."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from knelpunt.domain.event import Event
from knelpunt.domain.organisation.facts import OrganisationFact
from knelpunt.domain.settings import DEFAULTS

from .interfaces import Passage, passages, story_of
from .told import told


class Log:
    """A log, in order of recording."""

    def __init__(self, log: Sequence[Event]) -> None:
        """Take a log, and judge nothing yet."""
        self.organisations = [event for event in log if isinstance(event.data, OrganisationFact)]
        self.cases: dict[UUID, list[Event]] = {}
        for event in log:
            if not isinstance(event.data, OrganisationFact):
                self.cases.setdefault(event.stream, []).append(event)
        self._stories: dict[tuple[UUID, int, int], list[Event]] = {}

    def stories(self, as_of: datetime, known_at: datetime) -> dict[UUID, list[Event]]:
        """Return what has effect in each case at two times."""
        return {case: self._story(case, as_of, known_at) for case in self.cases}

    def passages(self, as_of: datetime, known_at: datetime) -> list[Passage]:
        """Return what went between organisations in all cases."""
        stories = self.stories(as_of, known_at)
        return [passage for story in stories.values() for passage in passages(story, as_of, DEFAULTS)]

    def _story(self, case: UUID, as_of: datetime, known_at: datetime) -> list[Event]:
        # A story hangs on which events are shown, and of those recorded first the ones that occurred first are.
        events = self.cases[case]
        recorded = sum(event.recorded_at <= known_at for event in events)
        shown = told(events, as_of, known_at, None)
        key = case, recorded, len(shown.placed)
        if key not in self._stories:
            self._stories[key] = story_of(events, as_of, known_at)
        return self._stories[key]
