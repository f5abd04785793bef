"""The registry's terms and graces: how long is long, and since when.

They are settings of the registry, changed by events (``registry/facts``). A clock goes by what was in force when it
started, so whoever derives asks a ``Course`` for the settings at a moment. Those that a registry begins with are its
own conventions; the standstill term is taken from the eight weeks that article 4:13 of the Awb calls reasonable in any
case, though that article counts differently.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .event import Event
from .registry.facts import GraceChanged, TermChanged
from .vocabulary import GapKind, Term

DELIVERY_WINDOW: Final = timedelta(hours=24)
"""An offer recorded later than this after it was made counts as delivered when it was recorded: nobody is late before
they could know."""

GRACES: Final = MappingProxyType(
    {
        GapKind.NEVER_TAKEN: timedelta(days=7),
        GapKind.LOST_REFERRAL: timedelta(days=7),
        GapKind.RELEASED: timedelta(days=7),
        GapKind.MOVED: timedelta(days=14),
        GapKind.CAROUSEL: timedelta(days=7),
        GapKind.UNCOORDINATED: timedelta(days=28),
        GapKind.CAUSE_UNOWNED: timedelta(days=28),
    }
)
"""How long a gap of a kind must last before it counts, in a registry that has not changed it; kinds not named count at
once."""

NO_GRACE: Final = timedelta(0)


class Settings(Struct, frozen=True):
    """The terms and graces in force at a moment."""

    respond_by: timedelta = timedelta(days=14)
    standstill: timedelta = timedelta(days=56)
    confirm_by: timedelta = timedelta(days=14)
    name_cause: timedelta = timedelta(days=28)
    graces: Mapping[GapKind, timedelta] = GRACES

    def term(self, term: Term) -> timedelta:
        """Return a term by its name."""
        return getattr(self, term.lower())

    def grace(self, kind: GapKind) -> timedelta:
        """Return how long a gap of a kind must last before it counts."""
        return self.graces.get(kind, NO_GRACE)


DEFAULTS: Final = Settings()
"""What a registry begins with."""


class Course:
    """The settings in the course of time, as known at one moment of recording.

    It grows by one change after the other, for all that share it: a change says nothing about clocks that had started.
    """

    __slots__ = ("_settings", "_since")

    def __init__(self) -> None:
        """Begin with what a registry begins with."""
        self._since: list[datetime] = []
        self._settings: list[Settings] = [DEFAULTS]

    @classmethod
    def of(cls, history: Iterable[Event]) -> "Course":
        """Return the course that the events of the registry's own stream, in order of position, amount to."""
        course = cls()
        for event in history:
            course.change(event)
        return course

    def copy(self) -> "Course":
        """Return a course that goes on by itself from here."""
        other = Course()
        other._since, other._settings = self._since.copy(), self._settings.copy()
        return other

    def change(self, event: Event) -> None:
        """Take in the next change; it is in force from when it was recorded."""
        now = self.latest
        match event.data:
            case TermChanged(term=term, days=days):
                now = replace(now, **{term.lower(): timedelta(days=days)})
            case GraceChanged(kind=kind, days=days):
                now = replace(now, graces=MappingProxyType({**now.graces, kind: timedelta(days=days)}))
            case _:
                return
        self._since.append(event.recorded_at)
        self._settings.append(now)

    @property
    def latest(self) -> Settings:
        """What is in force in the end."""
        return self._settings[-1]

    @property
    def has_changed(self) -> bool:
        """Whether anything ever changed."""
        return bool(self._since)

    def at(self, moment: datetime) -> Settings:
        """Return what a clock that starts at a moment goes by."""
        if not self._since:
            return DEFAULTS
        return self._settings[bisect_right(self._since, moment)]


UNCHANGED: Final = Course()
"""The course of a registry that never changed a term or grace; nobody may change it."""
