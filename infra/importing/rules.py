"""The eight import rules of gaps.md: the rows of one trace in, the commands for one case out. Pure.

A trace is one case with one obstacle, and what was never in a log (who offered, who accepted, when custody began) is
deduced from who worked when: every command is marked as inferred. What a row leads to depends only on the rows before
it, so the commands of a trace that was cut short are the first commands of the whole.
"""

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


def events_of_trace(trace: Trace, mapping: Mapping) -> list[Command]:
    """Return the commands that a trace leads to, in the order in which they happened; none if all rows are ignored."""
    story = _Story(trace.case, mapping)
    roles = mapping.roles
    for number, row in enumerate(trace.rows, 1):
        role = roles.get(row.activity, ImportRole.WORK)
        if role is not ImportRole.IGNORE:
            story.happened(number, row, role)
    return story.commands


class _Story:
    """One trace on its way to becoming a case: the commands so far, and what they have made of the obstacle."""

    __slots__ = (
        "_actors",
        "_case",
        "_case_open",
        "_holder",
        "_last_holder",
        "_mapping",
        "_names",
        "_number",
        "_obstacle",
        "_ordinal",
        "_pending",
        "_respond_by",
        "_row",
        "_settled",
        "_target",
        "commands",
    )

    def __init__(self, case: str, mapping: Mapping) -> None:
        self.commands: list[Command] = []
        self._mapping = mapping
        self._names = CaseNames(mapping.source, case)
        self._case = self._names.case
        self._obstacle = self._names.obstacle
        days = mapping.terms.respond_by_days
        self._respond_by = None if days is None else timedelta(days=days)
        self._actors: dict[str | None, Actor] = {}
        self._case_open = False
        self._settled = False
        self._holder: str | None = None
        self._last_holder: str | None = None
        self._pending: UUID | None = None  # the handoff offered and not answered, and …
        self._target: str | None = None  # … whom it was offered to
        self._number = 0
        self._ordinal = 0

    def happened(self, number: int, row: LogRow, role: ImportRole) -> None:
        """Apply the rules, in their order, to event ``number`` of the trace."""
        self._number, self._row, self._ordinal = number, row, 0
        who = row.organisation
        if not self.commands:
            self._open(who)  # rule 1
        if self._settled and not self._reopened(who, role):  # rule 2
            return
        if who is None:
            who = self._holder  # rule 3
        if self._holder is None and who is not None:
            self._record(who, CustodyTaken(self._obstacle, who))  # rule 4
            self._holder = who
        if who == self._holder:
            self._withdraw(who)  # rule 5
            self._step(who)
        else:
            # Nobody holds it and nobody acts is the case above, and by rule 4 whoever acts has a holder to face.
            self._pass_on(cast("str", who), role)
        if role is ImportRole.RESOLVE:
            self._resolve(who)  # rule 8
        elif role is ImportRole.CLOSE:
            self._resolve(who)
            self._close(who)

    def _open(self, who: str | None) -> None:
        """Rule 1: the first event opens the case and reports the obstacle, received by X."""
        opened = CaseOpened(reference_of(self._case), (self._names.subject,), self._mapping.theme, NoticedBy.OTHER)
        self._record(who, opened)
        experienced_at = who or self._mapping.source_organisation
        self._record(who, ObstacleReported(self._obstacle, Origin.UNKNOWN, experienced_at, received_by=who))
        self._case_open = True
        self._holder = who

    def _reopened(self, who: str | None, role: ImportRole) -> bool:
        """Rule 2, of a settled obstacle: whether the event reopens it, so that the rules go on."""
        if role is ImportRole.CLOSE and self._case_open:
            self._close(who)
            return False
        if role in {ImportRole.CLOSE, ImportRole.RESOLVE}:
            self._step(who)
            return False
        self._holder = who or self._last_holder
        self._record(who, ObstacleReopened(self._obstacle, self._holder))
        self._settled = False
        if not self._case_open:
            self._record(who, CaseReopened(self._holder or self._mapping.source_organisation))
            self._case_open = True
        return True

    def _pass_on(self, who: str, role: ImportRole) -> None:
        """Rules 6 and 7: X is not the holder, but the one asked, or anyone else."""
        if self._pending is not None and who == self._target:
            if role is ImportRole.OFFER:
                self._step(who)
                return
        else:
            self._withdraw(who)
            self._offer(who)
            if role is ImportRole.OFFER:
                return
        handoff = cast("UUID", self._pending)
        self._pending = None
        if role is ImportRole.REFUSE:
            self._record(who, HandoffRefused(handoff, RefusalGround.OTHER))
        else:
            self._record(who, HandoffAccepted(handoff))
            self._holder = who

    def _offer(self, to: str) -> None:
        at = self._row.at
        respond_by = None if self._respond_by is None else at + self._respond_by
        self._pending, self._target = self._names.handoff(self._number), to
        holder = cast("str", self._holder)
        self._record(to, HandoffOffered(self._pending, self._obstacle, holder, to, respond_by=respond_by))

    def _withdraw(self, who: str | None) -> None:
        if self._pending is not None:
            self._record(who, HandoffWithdrawn(self._pending))
            self._pending = None

    def _step(self, who: str | None) -> None:
        self._record(who, StepTaken(self._obstacle, who, StepKind.OTHER))

    def _resolve(self, who: str | None) -> None:
        """Rule 8. Where nobody holds it and nobody is named, the source resolves: a resolution is by someone."""
        by = who or self._mapping.source_organisation
        self._record(who, ObstacleResolved(self._obstacle, by, Outcome.REMOVED))
        self._settled, self._pending = True, None
        self._last_holder, self._holder = self._holder, None

    def _close(self, who: str | None) -> None:
        self._record(who, CaseClosed(who or self._mapping.source_organisation))
        self._case_open = False

    def _record(self, who: str | None, fact: Fact) -> None:
        """Add the command that asks for ``fact``, at the row's moment, as X or else as the source."""
        self._ordinal += 1
        actor = self._actors.get(who)
        if actor is None:
            actor = Actor(who or self._mapping.source_organisation, Role.AGENCY, IMPORT_USER)
            self._actors[who] = actor
        row = self._row
        self.commands.append(
            Command(
                self._names.command(self._number, self._ordinal),
                self._case,
                actor,
                fact,
                row.at,
                row.precision,
                source=self._mapping.source,
                inferred=True,
            )
        )
