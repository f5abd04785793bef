"""The eight import rules: the rows of one trace in, the commands for one case out. Pure.

A trace is one case, and what was never in a log (who offered, who accepted, when custody began) is deduced from who
worked when: every command is marked as inferred. It has one obstacle, unless its rows name several; the rules then go
for each of them by itself. What a row leads to depends only on the rows before it, so the commands of a trace that was
cut short are the first commands of the whole.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from uuid import UUID

from ...domain.case.facts import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CustodyTaken,
    HandoffAccepted,
    HandoffOffered,
    HandoffRefused,
    HandoffWithdrawn,
    ObstacleReopened,
    ObstacleReported,
    ObstacleResolved,
    StepTaken,
)
from ...domain.command import Command
from ...domain.event import Actor, Fact
from ...domain.ids import organisation_stream_of
from ...domain.organisation.facts import OrganisationRegistered
from ...domain.vocabulary import NoticedBy, OrganisationKind, Origin, Outcome, RefusalGround, Role, StepKind
from .identity import CaseNames, reference_of, registration_id_of
from .mapping import ImportRole, Mapping
from .rows import LogRow, Trace

IMPORT_USER: Final = "import"
"""The user that imported commands name: no person stands behind a row."""

SINCE_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When imported organisations count as registered. A log does not say since when one exists; a fixed moment before all
logs names them in every answer about the past, whichever part of a log came first."""

_THE_ONLY: Final = ("",)  # the obstacle of a case whose log names none
_SETTLING: Final = frozenset({ImportRole.RESOLVE, ImportRole.CLOSE})


def registration_of(organisation: str, mapping: Mapping) -> Command:
    """Return the command that makes an organisation of the log, or the source itself, known to the registry."""
    return Command(
        registration_id_of(mapping.source, organisation),
        organisation_stream_of(organisation),
        Actor(mapping.source_organisation, Role.AGENCY, IMPORT_USER),
        OrganisationRegistered(organisation, mapping.name_of(organisation), OrganisationKind.OTHER),
        occurred_at=SINCE_EVER,
        source=mapping.source,
        inferred=True,
    )


def events_of_trace(trace: Trace, mapping: Mapping, idle: Callable[[LogRow], None] = lambda _: None) -> list[Command]:
    """Return the commands that a trace leads to, in the order in which they happened; none if all rows are ignored.

    ``idle`` is told of each row that leads to nothing though the mapping does not ignore it.
    """
    story = _Case(trace.case, mapping)
    roles = mapping.roles
    for number, row in enumerate(trace.rows, 1):
        role = roles.get(row.activity, ImportRole.WORK)
        if role is not ImportRole.IGNORE and not story.happened(number, row, role):
            idle(row)
    return story.commands


class _Case:
    """One trace on its way to becoming a case: the commands so far, and what they have made of its obstacles."""

    __slots__ = (
        "_actors",
        "_by_name",
        "_case",
        "_obstacles",
        "_ordinal",
        "_row",
        "commands",
        "mapping",
        "names",
        "number",
        "open",
        "respond_by",
    )

    def __init__(self, case: str, mapping: Mapping) -> None:
        self.commands: list[Command] = []
        self.mapping = mapping
        self.names = CaseNames(mapping.source, case)
        self.number = 0
        self.open = False
        days = mapping.terms.respond_by_days
        self.respond_by = None if days is None else timedelta(days=days)
        self._case = self.names.case
        self._by_name = mapping.columns.obstacle is not None
        self._obstacles: dict[str, _Obstacle] = {}
        self._actors: dict[str | None, Actor] = {}
        self._ordinal = 0

    def happened(self, number: int, row: LogRow, role: ImportRole) -> bool:
        """Apply the rules, in their order, to event ``number`` of the trace; return whether it led to anything."""
        self.number, self._row, self._ordinal = number, row, 0
        who = row.organisation
        if not self.commands:
            # Rule 1: the first event opens the case …
            opened = CaseOpened(reference_of(self._case), (self.names.subject,), self.mapping.theme, NoticedBy.OTHER)
            self.record(who, opened)
            self.open = True
        closes_by = who
        for obstacle in self._concerned(row):
            closes_by = obstacle.happened(row, role)
        if role is ImportRole.CLOSE and self.open:
            self._close(closes_by)
        return self._ordinal > 0

    def reopen(self, who: str | None) -> None:
        """Record that the case goes on."""
        self.record(who, CaseReopened(who or self.mapping.source_organisation))
        self.open = True

    def record(self, who: str | None, fact: Fact) -> None:
        """Add the command that asks for ``fact``, at the row's moment, as X or else as the source."""
        self._ordinal += 1
        actor = self._actors.get(who)
        if actor is None:
            actor = Actor(who or self.mapping.source_organisation, Role.AGENCY, IMPORT_USER)
            self._actors[who] = actor
        row = self._row
        self.commands.append(
            Command(
                self.names.command(self.number, self._ordinal),
                self._case,
                actor,
                fact,
                row.at,
                row.precision,
                source=self.mapping.source,
                inferred=True,
            )
        )

    def _concerned(self, row: LogRow) -> list["_Obstacle"]:
        """Return the obstacles that a row is about: those it names, or all that are open; or the case's only one."""
        known = self._obstacles
        names = row.obstacles if self._by_name else _THE_ONLY
        if not names:
            return [obstacle for obstacle in known.values() if not obstacle.settled]
        for name in names:
            if name not in known:
                if not self.open:
                    self.reopen(row.organisation)
                known[name] = _Obstacle(self, name, row)  # … and each obstacle's first reports it
        return [known[name] for name in names]

    def _close(self, who: str | None) -> None:
        self.record(who, CaseClosed(who or self.mapping.source_organisation))
        self.open = False
        for obstacle in self._obstacles.values():
            obstacle.let_go()


class _Obstacle:
    """One obstacle of a trace: who holds it by now, and whom it has been offered to."""

    __slots__ = ("_case", "_holder", "_last_holder", "_name", "_obstacle", "_pending", "_target", "settled")

    def __init__(self, case: _Case, name: str, row: LogRow) -> None:
        """Rule 1: the obstacle is reported, received by X."""
        self._case = case
        self._name = name
        self._obstacle = case.names.named_obstacle(name) if name else case.names.obstacle
        self.settled = False
        self._holder = who = row.organisation
        self._last_holder: str | None = None
        self._pending: UUID | None = None  # the handoff offered and not answered, and …
        self._target: str | None = None  # … whom it was offered to
        experienced_at = who or case.mapping.source_organisation
        case.record(who, ObstacleReported(self._obstacle, Origin.UNKNOWN, experienced_at, received_by=who))

    def happened(self, row: LogRow, role: ImportRole) -> str | None:
        """Apply rules 2 to 8 to an event about this obstacle; return whom its closing of the case would be by."""
        case, who = self._case, row.organisation
        if self.settled:
            if not self._reopened(who, role):  # rule 2
                return who
        elif not case.open:
            case.reopen(who)  # another obstacle's closing closed it, and this one goes on
        if who is None:
            who = self._holder  # rule 3
        if self._holder is None and who is not None:
            case.record(who, CustodyTaken(self._obstacle, who))  # rule 4
            self._holder = who
        if who == self._holder:
            self._withdraw(who)  # rule 5
            self._step(who)
        else:
            # Nobody holds it and nobody acts is the case above, and by rule 4 whoever acts has a holder to face.
            self._pass_on(cast("str", who), row, role)
        if role in _SETTLING:
            self._resolve(who)  # rule 8
        return who

    def let_go(self) -> None:
        """Take in that the case was closed: what is open in it has no holder then, and what was offered lapses."""
        if not self.settled:
            self._last_holder, self._holder, self._pending = self._holder, None, None

    def _reopened(self, who: str | None, role: ImportRole) -> bool:
        """Rule 2, of a settled obstacle: whether the event reopens it, so that the rules go on."""
        case = self._case
        if role is ImportRole.CLOSE and case.open:
            return False  # the closing itself is the case's
        if role in _SETTLING:
            self._step(who)
            return False
        self._holder = who or self._last_holder
        case.record(who, ObstacleReopened(self._obstacle, self._holder))
        self.settled = False
        if not case.open:
            case.record(who, CaseReopened(self._holder or case.mapping.source_organisation))
            case.open = True
        return True

    def _pass_on(self, who: str, row: LogRow, role: ImportRole) -> None:
        """Rules 6 and 7: X is not the holder, but the one asked, or anyone else."""
        if self._pending is not None and who == self._target:
            if role is ImportRole.OFFER:
                self._step(who)
                return
        else:
            self._withdraw(who)
            self._offer(who, row)
            if role is ImportRole.OFFER:
                return
        handoff = cast("UUID", self._pending)
        self._pending = None
        if role is ImportRole.REFUSE:
            self._case.record(who, HandoffRefused(handoff, RefusalGround.OTHER))
        else:
            self._case.record(who, HandoffAccepted(handoff))
            self._holder = who

    def _offer(self, to: str, row: LogRow) -> None:
        case = self._case
        respond_by = None if case.respond_by is None else row.at + case.respond_by
        self._pending, self._target = case.names.handoff(case.number, self._name), to
        holder = cast("str", self._holder)
        case.record(to, HandoffOffered(self._pending, self._obstacle, holder, to, respond_by=respond_by))

    def _withdraw(self, who: str | None) -> None:
        if self._pending is not None:
            self._case.record(who, HandoffWithdrawn(self._pending))
            self._pending = None

    def _step(self, who: str | None) -> None:
        self._case.record(who, StepTaken(self._obstacle, who, StepKind.OTHER))

    def _resolve(self, who: str | None) -> None:
        """Rule 8. Where nobody holds it and nobody is named, the source resolves: a resolution is by someone."""
        by = who or self._case.mapping.source_organisation
        self._case.record(who, ObstacleResolved(self._obstacle, by, Outcome.REMOVED))
        self.settled, self._pending = True, None
        self._last_holder, self._holder = self._holder, None
