"""Histories that a writer keeps at hand, so that a command about a case it knows loads and folds nothing anew.

What is kept may be behind: another process may have appended since. Nothing rests on it unchecked. An event is recorded
only if its stream's version is still the one decided on, under the lock of the log; a refusal is given only after the
same check. Where either fails the history is let go, and the command decided again on what is loaded. A stream only
grows, so a history of the right version is the right history.
"""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from ...domain.case.history import History

EVENTS_KEPT_MAX: Final = 50_000
"""How many events are kept at hand, at a kilobyte each: the cases that are being worked on in a busy hour."""


class KeptHistories:
    """Histories by stream; those that were used least recently are let go first. For one thread."""

    def __init__(self, events_max: int = EVENTS_KEPT_MAX) -> None:
        self._events_max = events_max
        self._events = 0
        self._histories: OrderedDict[UUID, History] = OrderedDict()

    def take(self, stream: UUID) -> History | None:
        """Return a stream's history, and keep it no longer: whoever changes it gives it back when it is true again."""
        history = self._histories.pop(stream, None)
        if history is not None:
            self._events -= len(history)
        return history

    def keep(self, stream: UUID, history: History) -> None:
        """Keep a history that holds just what is recorded. One without events is not worth it."""
        if not history:
            return
        self.take(stream)
        self._histories[stream] = history
        self._events += len(history)
        while self._events > self._events_max:
            _, oldest = self._histories.popitem(last=False)
            self._events -= len(oldest)

    def clear(self) -> None:
        """Let everything go."""
        self._histories.clear()
        self._events = 0
