"""Follows a mapping's routes: from an event, along its relations and those of objects, to what the mapping asks for."""

from bisect import bisect_right
from functools import lru_cache
from operator import itemgetter
from typing import Final

from ..places import Route, Step
from ..rows import RowInterpreter, UnreadableRowError
from .intake import canonical
from .log import LoggedEvent, ObjectLog

OBJECTS_MAX: Final = 10_000
"""How many objects one step may lead to: more are no cases or obstacles of one event."""

_CACHED: Final = 10_000
"""How many answers of the tables are kept: events in a row are often about the same objects."""


class Routes:
    """The routes through one log, which must have been read to its end."""

    def __init__(self, log: ObjectLog, interpreter: RowInterpreter) -> None:
        self._log = log
        self._interpreter = interpreter
        self._event_kinds = log.event_attribute_kinds()
        self._object_kinds = {name: log.attribute_kinds(name) for name in log.object_types()}
        self._related = lru_cache(_CACHED)(log.related)
        self._values = lru_cache(_CACHED)(log.values)
        self.linked = lru_cache(_CACHED)(log.linked)
        """Whether either of two objects names the other."""

    def ends(self, routes: tuple[Route, ...], event: LoggedEvent, at: int) -> list[str]:
        """Return what a place's routes lead to, each once, sorted; values as they were ``at`` a moment (microseconds).

        The first route that leads anywhere counts. Raises ``UnreadableRowError`` for more than ``OBJECTS_MAX``.
        """
        for route in routes:
            if found := self._followed(route, event, at):
                return sorted(found)
        return []

    def attribute(self, name: str, event: LoggedEvent) -> str:
        """Return the value of an event's own attribute, as all formats write it; none is the empty text."""
        text = event.attributes.get(name, "")
        return canonical(text, self._event_kinds.get((event.activity, name), "string"), self._interpreter)

    def _followed(self, route: Route, event: LoggedEvent, at: int) -> set[str]:
        first, last = route[0], route[-1]
        if first.type is None:
            return {self.attribute(str(first.attribute), event)} - {""}
        how = first.qualifier
        reached = {id_ for id_, by, type_ in event.objects if type_ == first.type and (how is None or by == how)}
        for step in route[1:]:
            _check_number(reached, step)
            related = (self._related(object_, str(step.type), step.qualifier, step.inverse) for object_ in reached)
            reached = {id_ for ids in related for id_ in ids}
        _check_number(reached, last)
        if last.attribute is None:
            return reached
        kind = self._object_kinds.get(str(last.type), {}).get(last.attribute, "string")
        texts = {self._value_at(object_, last.attribute, at) for object_ in reached}
        return {canonical(text, kind, self._interpreter) for text in texts} - {""}

    def _value_at(self, object_: str, name: str, at: int) -> str:
        """Return the value that an attribute of an object had at a moment; none is the empty text."""
        values = self._values(object_, name)
        later = bisect_right(values, at, key=itemgetter(0))
        return values[later - 1][1] if later else ""


def _check_number(reached: set[str], step: Step) -> None:
    if len(reached) > OBJECTS_MAX:
        raise UnreadableRowError(f"it leads to more than {OBJECTS_MAX} objects, on the way to type {step.type!r}")
