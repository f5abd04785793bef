"""What makes a kind of learning stream what it is: how it begins, what each event does to it, what is always refused.

A kind is described by one ``Rules``. Deciding (``decide``) and deriving both go by it, so that what is refused today
and what has no effect in a history told afterwards are the same thing.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from ..case.corrections import mend
from ..case.decide import Directory
from ..case.history import place
from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event
from ..settings import UNCHANGED, Course
from ..vocabulary import LearningKind
from .facts import LearningFact, LearningGapAcknowledged


class Rules(Struct, frozen=True):
    """The rules of one kind of stream, whose state is whatever ``advance`` makes of it; it has none before it begins.

    ``advance`` returns the state after an event, or why the event has no effect; ``begins`` makes the first state.
    Neither sees corrections, strikings or acknowledgements of gaps. ``refuse`` says what is refused in any state: that
    something named is unknown, or that somebody speaks for another. Moments in ``times`` may not lie before the event.
    """

    kind: LearningKind
    opening: type[LearningFact]
    begins: Callable[[Event], Any]
    advance: Callable[[Any, Event, Course], Any]
    refuse: Callable[[Command, Sequence[Event], Directory], Refused | None]
    times: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        """What people call such a stream."""
        return self.kind.lower().replace("_", " ")

    def next(self, state: Any, event: Event, settings: Course) -> Any:
        """Return the state after an event, or an ``Objection``; events come in the order in which they occurred."""
        if isinstance(event.data, self.opening):
            if state is None:
                return self.begins(event)
            return Objection(RefusalCode.ALREADY_EXISTS, f"The {self.noun} has begun already.")
        if state is None:
            code = RefusalCode(f"UNKNOWN_{self.kind}")
            return Objection(code, f"The {self.noun} has not begun at that moment.")
        return self.advance(state, event, settings)

    def told(
        self, history: Sequence[Event], settings: Course = UNCHANGED
    ) -> Iterator[tuple[Event, Any, Objection | None]]:
        """Yield each event of a stream in its place, the state after it, and any objection to it.

        ``history`` is in order of position. Struck events come too, and change nothing, as do acknowledgements; what
        corrects or strikes has no place of its own.
        """
        state: Any = None
        mended = mend(history)
        for event in place(mended.events):
            if event.id in mended.struck or not self.governs(event):
                yield event, state, None
                continue
            after = self.next(state, event, settings)
            if isinstance(after, Objection):
                yield event, state, after
            else:
                state = after
                yield event, state, None

    def governs(self, event: Event) -> bool:
        """Return whether the rules of the kind say what an event does; of acknowledged gaps only a derivation can."""
        return isinstance(event.data, LearningFact) and not isinstance(event.data, LearningGapAcknowledged)

    def state_at(self, history: Sequence[Event], moment: datetime | None = None, settings: Course = UNCHANGED) -> Any:
        """Return the state at a moment (none: at the end of the history); none where it has not begun."""
        state: Any = None
        for event, after, _ in self.told(history, settings):
            if moment is not None and event.occurred_at > moment:
                break
            state = after
        return state
