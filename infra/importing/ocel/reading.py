"""Reads an OCEL 2.0 log, in any of its three formats, into rows: one for each event and each case that it is about.

An event of such a log names objects of several types. The mapping says which of them are cases, obstacles and
organisations; values that change over time are read as they were when the event happened.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import ImportRefusedError
from ..grouping import CaseGroups
from ..mapping import Mapping
from ..places import described, routes_of
from ..rows import LogRow, RowInterpreter, UnreadableRowError
from .intake import Findings, Intake, microseconds
from .json import read_json
from .log import LoggedEvent, ObjectLog
from .routes import Routes
from .sqlite import read_sqlite
from .xml import read_xml

PROGRESS_EVENTS: Final = 1024
"""After how many events progress is told: some dozen times a second."""

Reader = Callable[[Path, Intake], None]

READERS: Final[dict[str, Reader]] = {
    ".json": read_json,
    ".jsonocel": read_json,
    ".xml": read_xml,
    ".xmlocel": read_xml,
    ".sqlite": read_sqlite,
}


def read_ocel(
    path: Path, reader: Reader, mapping: Mapping, interpreter: RowInterpreter, groups: CaseGroups, findings: Findings
) -> int:
    """Read a whole log into ``groups`` and return how many rows it had, those of rejected events included.

    An event is one row in each of its cases; one that is about no case, or cannot be read, is one row as well. Raises
    ``ImportRefusedError`` for a file that cannot be read at all, and for a mapping that names what is nowhere in it.
    """
    columns = mapping.columns
    routes = [route for place in (columns.case, columns.obstacle, columns.organisation) for route in routes_of(place)]
    ends = [(route[-1].type, route[-1].attribute) for route in routes]
    object_attributes = frozenset(name for type_, name in ends if type_ and name)
    own_attributes = (name for type_, name in ends if type_ is None)
    event_attributes = frozenset(
        name for name in (*own_attributes, columns.activity, columns.timestamp, *mapping.told_columns) if name
    )
    with ObjectLog(object_attributes, event_attributes) as log:
        intake = Intake(path, log, interpreter, findings)
        reader(path, intake)
        count = log.events_count()
        if count:
            _check_mapping(path, log, mapping, event_attributes, findings)
        for source, target in log.dangling_relations():
            findings.left_out(0, f"object {source!r} names object {target!r}, which the log does not hold; left out")
        if any(step.inverse for route in routes for step in route):
            log.index_targets()
        rows = intake.events_rejected
        following = _Rows(mapping, interpreter, Routes(log, interpreter), groups, findings)
        for done, event in enumerate(log.events(), 1):
            rows += following.add(event)
            if done % PROGRESS_EVENTS == 0:
                findings.relating(done, count)
        findings.relating(count, count)
    return rows


def _check_mapping(
    path: Path, log: ObjectLog, mapping: Mapping, event_attributes: frozenset[str], findings: Findings
) -> None:
    """Refuse a mapping that names a type or attribute which the log has not; note what it has and never uses."""
    types = log.object_types()
    columns = mapping.columns
    for key in ("case", "obstacle", "organisation"):
        for step in dict.fromkeys(step for route in routes_of(getattr(columns, key)) for step in route):
            if step.type is None:
                continue
            if step.type not in types:
                there = ", ".join(types) or "none"
                message = f"{path}: there is no object type {step.type!r}, which the mapping names for {key}"
                raise ImportRefusedError(f"{message}; the types are: {there}.")
            declared = log.attribute_kinds(step.type)
            if step.attribute and step.attribute not in declared and not log.has_value(step.type, step.attribute):
                there = ", ".join(declared) or "none"
                message = f"{path}: objects of type {step.type!r} have no attribute {step.attribute!r}"
                raise ImportRefusedError(f"{message}, which the mapping names for {key}; theirs are: {there}.")
            if not types[step.type]:
                findings.noted(f"The log declares the object type {step.type!r} ({key}) and holds no object of it.")
            if step.qualifier is not None and not log.has_qualifier(step.qualifier):
                findings.noted(f"No relation in the log has the qualifier {step.qualifier!r} ({key}).")
    declared_for_events = {name for _, name in log.event_attribute_kinds()}
    for name in sorted(event_attributes - declared_for_events):
        if not log.has_event_value(name):
            raise ImportRefusedError(f"{path}: no event has an attribute {name!r}, which the mapping names.")


class _Rows:
    """Makes rows of events and adds them to their cases."""

    def __init__(
        self, mapping: Mapping, interpreter: RowInterpreter, routes: Routes, groups: CaseGroups, findings: Findings
    ) -> None:
        self._columns = columns = mapping.columns
        self._told = mapping.told_columns
        self._case = routes_of(columns.case)
        self._obstacle = routes_of(columns.obstacle)
        self._actor = routes_of(columns.organisation)
        self._interpreter = interpreter
        self._routes = routes
        self._groups = groups
        self._findings = findings

    def add(self, event: LoggedEvent) -> int:
        """Add an event to its cases and return how many rows that are; one that is rejected is one row."""
        dangling = [named.id for named in event.objects if named.type is None]
        try:
            rows = self._rows(event)
        except UnreadableRowError as error:
            lost = f" (it names {dangling[0]!r}, which the log does not hold)" if dangling else ""
            self._findings.rejected(event.line, f"event {event.id!r}: {error}{lost}")
            return 1
        for object_ in dangling:
            reason = f"it names object {object_!r}, which the log does not hold; this relation was left out"
            self._findings.left_out(event.line, f"event {event.id!r}: {reason}")
        for case, row in rows.items():
            self._groups.add(case, row)
        return len(rows)

    def _rows(self, event: LoggedEvent) -> dict[str, LogRow]:
        """Return the row of an event in each case that it is about; raises ``UnreadableRowError``."""
        columns, interpreter, routes = self._columns, self._interpreter, self._routes
        activity = event.activity if columns.activity is None else routes.attribute(columns.activity, event)
        time = event.time if columns.timestamp is None else routes.attribute(columns.timestamp, event)
        activity = interpreter.activity(activity)
        at, precision = interpreter.moment(time)
        moment = microseconds(at)
        cases = routes.ends(self._case, event, moment)
        if not cases:
            raise UnreadableRowError(f"it leads to no case in {described(columns.case)}")
        obstacles = routes.ends(self._obstacle, event, moment)
        organisation = self._organisation(event, moment)
        told = tuple([routes.attribute(name, event) for name in self._told])
        rows: dict[str, LogRow] = {}
        for case, own in self._shared(cases, obstacles).items():
            names = tuple(sorted({interpreter.obstacle(name) for name in own}))
            named = LogRow(at, activity, organisation, event.line, precision, event.id, names, told)
            rows[interpreter.case(case)] = named
        return rows

    def _shared(self, cases: list[str], obstacles: list[str]) -> dict[str, list[str]]:
        """Return the obstacles of an event by case: with several cases, those that are related to a case are its."""
        if len(cases) == 1:
            return {cases[0]: obstacles}
        shared: dict[str, list[str]] = {case: [] for case in cases}
        for obstacle in obstacles:
            owners = [case for case in cases if self._routes.linked(case, obstacle)]
            if not owners:
                raise UnreadableRowError(
                    f"it is about {len(cases)} cases, and obstacle {obstacle!r} is related to none"
                )
            for case in owners:
                shared[case].append(obstacle)
        return shared

    def _organisation(self, event: LoggedEvent, moment: int) -> str | None:
        """Return who acted, or none; raises ``UnreadableRowError`` if that could be several."""
        acted: dict[str, str] = {}
        for value in self._routes.ends(self._actor, event, moment):
            identifier = self._interpreter.organisation(value)
            if identifier is not None:
                acted.setdefault(identifier, value)
        if len(acted) > 1:
            first, second = list(acted.values())[:2]
            several = f"{first!r} and {second!r}" if len(acted) == 2 else f"{first!r}, {second!r} and others"  # noqa: PLR2004 - a pair
            raise UnreadableRowError(f"it leads to several organisations, {several}: a qualifier could tell who acted")
        return next(iter(acted), None)
