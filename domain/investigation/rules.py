"""The rules of investigations as learning streams; who may command them is for their own decider (``decide``)."""

from collections.abc import Sequence
from typing import Final

from ..case.decide import Directory
from ..case.rules import Objection
from ..command import Command, Refused
from ..event import Event
from ..learning.rules import Rules
from ..settings import Course
from ..vocabulary import LearningKind
from .facts import InvestigationOpened
from .standing import Investigation
from .standing import advance as after


def begins(event: Event) -> Investigation:
    """Return an investigation as it is when it has been opened."""
    begun = after(None, event)
    assert isinstance(begun, Investigation), "it is opened by its opening"
    return begun


def advance(investigation: Investigation, event: Event, _: Course) -> Investigation | Objection:
    """Return an investigation after an event, or why the event has no effect."""
    return after(investigation, event)


def refuse(command: Command, history: Sequence[Event], directory: Directory) -> Refused | None:
    """Refuse nothing: investigations have a decider of their own, which asks first who commands."""
    return None


RULES: Final = Rules(LearningKind.INVESTIGATION, InvestigationOpened, begins, advance, refuse)
"""The rules of investigations."""
