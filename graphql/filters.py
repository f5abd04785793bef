"""What clients choose by in lists: filters as inputs, and what they mean to the queries.

The module is long because every list is chosen from in its own way.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import strawberry

from ..domain.vocabulary import CauseStatus, GapKind, Harm, LearningKind, Level, Locus, OrganisationKind
from ..projections.derivation.todos import TodoKind
from ..projections.queries.cases import CaseChoice, CaseOrder
from ..projections.queries.chains import ChainChoice, ChainOrder
from ..projections.queries.gaps import GapChoice, GapOrder
from ..projections.queries.interfaces import InterfaceChoice, InterfaceOrder
from ..projections.queries.openings import OpeningChoice
from ..projections.queries.organisations import OrganisationChoice
from ..projections.queries.rules import RuleChoice
from ..projections.queries.streams import StreamChoice
from ..projections.queries.todos import TodoChoice, TodoOrder
from . import ids
from .enumerations import CaseStatus, ObstacleStatus
from .problems import bad_input

__all__ = ["CaseFilter", "CaseOrder", "CauseFilter", "ChainFilter", "ChainOrder", "GapFilter", "GapOrder",
           "InterfaceFilter", "InterfaceOrder", "OrganisationFilter", "Period", "TodoFilter", "TodoOrder"]  # fmt: skip

strawberry.enum(
    GapOrder,
    description=(
        "In which order gaps are listed. HARM: those whose harm lasts or looms first, then the longest. "
        "DAYS: the longest. NEWEST, OLDEST: by when they began. ENDED: those that ended, the last one first."
    ),
)
strawberry.enum(
    InterfaceOrder,
    description=(
        "In which order interfaces are listed. BUSIEST: those with the most offers and referrals. LOST: those where "
        "most were not taken on: offers refused, lapsed or unanswered, and referrals that did not arrive."
    ),
)
strawberry.enum(CaseOrder, description="In which order cases are listed: by when they were opened.")
strawberry.enum(ChainOrder, description="In which order chains are listed: by when their obstacles were reported.")
strawberry.enum(TodoOrder, description="In which order to-dos are listed: by when they came up.")

CHOICES_MAX: Final = 200
"""How many values one condition may name."""

DAYS_MAX: Final = 1_000_000
"""The longest length that can be asked for: longer ago than any record."""


_ROLLED_UP: Final = (
    "Each organisation named stands for all below it too: its units at every level, and those that went up in it, as "
    "the tree stood at asOf."
)


@strawberry.input(description="A stretch of time [from, until).")
class Period:
    """Half-open; an end that is not given lies nowhere."""

    from_: datetime | None = strawberry.field(default=None, name="from", description="From this moment on.")
    until: datetime | None = strawberry.field(default=None, description="Before this moment.")


@strawberry.input(description="Which gaps a list holds: all conditions must hold, and of several values any.")
class GapFilter:
    """Conditions on gaps."""

    kinds: list[GapKind] | None = strawberry.field(default=None, description="Of these kinds.")
    to_act: list[strawberry.ID] | None = strawberry.field(
        default=None, description="In which one of these organisations has to act."
    )
    involved: list[strawberry.ID] | None = strawberry.field(
        default=None, description="In which one of these organisations is involved."
    )
    open: bool | None = strawberry.field(default=None, description="Still open, or ended; null: both.")
    counts: bool | None = strawberry.field(
        default=True, description="Those that count (default), those within their grace; null: both."
    )
    overlaps: Period | None = strawberry.field(default=None, description="That lie, at least partly, in this period.")
    ended_since: datetime | None = strawberry.field(default=None, description="That ended at this moment or later.")
    min_days: float | None = strawberry.field(default=None, description="That have lasted at least so many days.")
    harms: list[Harm] | None = strawberry.field(default=None, description="With one of these harms stated.")
    themes: list[str] | None = strawberry.field(default=None, description="In cases of one of these themes.")
    case: strawberry.ID | None = strawberry.field(default=None, description="In this case.")
    causes: list[strawberry.ID] | None = strawberry.field(
        default=None, description="About one of these causes, or on obstacles that come from one."
    )
    self_noticed: bool | None = strawberry.field(
        default=None,
        description="That an organisation that has to act acknowledged or confirmed itself, or did not; null: both.",
    )
    rolled_up: bool = strawberry.field(default=False, description=_ROLLED_UP)


@strawberry.input(description="Which cases a list holds: all conditions must hold, and of several values any.")
class CaseFilter:
    """Conditions on cases."""

    status: CaseStatus | None = strawberry.field(default=None, description="Open, or closed.")
    themes: list[str] | None = strawberry.field(default=None, description="Of one of these themes.")
    organisations: list[strawberry.ID] | None = strawberry.field(
        default=None, description="In which one of these organisations has a part."
    )
    reference: str | None = strawberry.field(default=None, description="With this reference.")
    opened: Period | None = strawberry.field(default=None, description="Opened in this period.")
    causes: list[strawberry.ID] | None = strawberry.field(
        default=None, description="With an obstacle that comes from one of these causes."
    )
    rolled_up: bool = strawberry.field(default=False, description=_ROLLED_UP)


@strawberry.input(description="Which chains a list holds: all conditions must hold, and of several values any.")
class ChainFilter:
    """Conditions on chains."""

    status: ObstacleStatus | None = strawberry.field(default=None, description="Of open obstacles, or of settled ones.")
    holder: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Held by one of these organisations."
    )
    held: bool | None = strawberry.field(default=None, description="Open and held by somebody, or by nobody.")
    organisations: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That one of these organisations has held."
    )
    fell_between_the_cracks: bool | None = strawberry.field(
        default=None, description="On which a gap that counts lies, or none."
    )
    themes: list[str] | None = strawberry.field(default=None, description="In cases of one of these themes.")
    harms: list[Harm] | None = strawberry.field(default=None, description="With one of these harms stated.")
    case: strawberry.ID | None = strawberry.field(default=None, description="In this case.")
    causes: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Of obstacles that come from one of these causes."
    )
    rolled_up: bool = strawberry.field(default=False, description=_ROLLED_UP)


@strawberry.input(description="Which causes a list holds: all conditions must hold, and of several values any.")
class CauseFilter:
    """Conditions on causes."""

    statuses: list[CauseStatus] | None = strawberry.field(default=None, description="That have come so far.")
    loci: list[Locus] | None = strawberry.field(default=None, description="That sit in one of these places.")
    barriers: list[str] | None = strawberry.field(default=None, description="With one of these barriers, by slug.")
    themes: list[str] | None = strawberry.field(default=None, description="Of one of these themes.")
    levels: list[Level] | None = strawberry.field(
        default=None, description="That were brought to one of these levels, and no higher."
    )
    owners: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That one of these organisations owns."
    )
    organisations: list[strawberry.ID] | None = strawberry.field(
        default=None, description="In which one of these organisations has a part."
    )
    obstacles: list[strawberry.ID] | None = strawberry.field(
        default=None, description="From which one of these obstacles comes."
    )
    begun: Period | None = strawberry.field(default=None, description="Identified in this period.")


@strawberry.input(description="Which remedies count: all conditions must hold, and of several values any.")
class RuleFilter:
    """Conditions on remedies."""

    organisations: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That one of these organisations applied."
    )
    parties: list[strawberry.ID] | None = strawberry.field(
        default=None, description="In cases in which one of these organisations has a part."
    )
    themes: list[str] | None = strawberry.field(default=None, description="In cases of one of these themes.")


@strawberry.input(description="Which to-dos a list holds: all conditions must hold, and of several values any.")
class TodoFilter:
    """Conditions on to-dos."""

    kinds: list[TodoKind] | None = strawberry.field(default=None, description="Of these kinds.")
    organisations: list[strawberry.ID] | None = strawberry.field(
        default=None, description="That are up to one of these organisations."
    )
    case: strawberry.ID | None = strawberry.field(default=None, description="In this case.")
    rolled_up: bool = strawberry.field(default=False, description=_ROLLED_UP)


@strawberry.input(description="Which organisations a list holds: all conditions must hold, and of several values any.")
class OrganisationFilter:
    """Conditions on organisations."""

    kinds: list[OrganisationKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    parent: list[strawberry.ID] | None = strawberry.field(default=None, description="Units of one of these.")
    name: str | None = strawberry.field(default=None, description="With this in their name, whatever its case.")
    ended: bool | None = strawberry.field(default=None, description="That have ended, or that have not; null: both.")
    solution_team: bool | None = strawberry.field(
        default=None, description="That are solution teams, or are not; null: both."
    )


@strawberry.input(description="Which interfaces an answer holds: all conditions must hold.")
class InterfaceFilter:
    """Conditions on interfaces."""

    organisation: strawberry.ID | None = strawberry.field(default=None, description="To or from this organisation.")
    from_: strawberry.ID | None = strawberry.field(default=None, name="from", description="From this organisation.")
    to: strawberry.ID | None = strawberry.field(default=None, description="To this organisation.")
    period: Period | None = strawberry.field(
        default=None,
        description="Of what was offered or referred in this period; what had become of that at asOf counts, "
        "whenever it did.",
    )
    rolled_up: bool = strawberry.field(
        default=False,
        description="Between top parents, each standing for all its units and for those that went up in it, as the "
        "tree stood at asOf; what stays within one is left out. A unit named stands for its top parent.",
    )


def gap_choice(chosen: GapFilter | None) -> GapChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return GapChoice()
    overlaps = period_of(chosen.overlaps, "overlaps")
    if chosen.min_days is not None and not 0 <= chosen.min_days <= DAYS_MAX:
        raise bad_input(f"minDays: {chosen.min_days} is not between 0 and {DAYS_MAX}.")
    return GapChoice(
        kinds=chosen.kinds,
        to_act=organisations_of(chosen.to_act, "toAct"),
        involved=organisations_of(chosen.involved, "involved"),
        open=chosen.open,
        counts=chosen.counts,
        overlaps_from=overlaps.from_,
        overlaps_until=overlaps.until,
        ended_from=chosen.ended_since,
        lasted_at_least=None if chosen.min_days is None else timedelta(days=chosen.min_days),
        harms=chosen.harms,
        themes=texts_of(chosen.themes, "themes"),
        case=None if chosen.case is None else ids.parse(chosen.case, ids.CASE, "case").id,
        causes=ids_of(chosen.causes, ids.CAUSE, "causes"),
        self_noticed=chosen.self_noticed,
    )


def case_choice(chosen: CaseFilter | None) -> CaseChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return CaseChoice()
    opened = chosen.opened or Period()
    return CaseChoice(
        open=None if chosen.status is None else chosen.status is CaseStatus.OPEN,
        themes=texts_of(chosen.themes, "themes"),
        organisations=organisations_of(chosen.organisations, "organisations"),
        reference=chosen.reference,
        opened_from=opened.from_,
        opened_until=opened.until,
        causes=ids_of(chosen.causes, ids.CAUSE, "causes"),
    )


def chain_choice(chosen: ChainFilter | None) -> ChainChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return ChainChoice()
    return ChainChoice(
        open=None if chosen.status is None else chosen.status is ObstacleStatus.OPEN,
        holders=organisations_of(chosen.holder, "holder"),
        held=chosen.held,
        organisations=organisations_of(chosen.organisations, "organisations"),
        fell_between_the_cracks=chosen.fell_between_the_cracks,
        themes=texts_of(chosen.themes, "themes"),
        harms=chosen.harms,
        causes=ids_of(chosen.causes, ids.CAUSE, "causes"),
        case=None if chosen.case is None else ids.parse(chosen.case, ids.CASE, "case").id,
    )


def cause_choice(chosen: CauseFilter | None) -> StreamChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return StreamChoice(LearningKind.CAUSE)
    begun = period_of(chosen.begun, "begun")
    marks = (
        marks_of("locus", chosen.loci),
        marks_of("barrier", texts_of(chosen.barriers, "barriers")),
        marks_of("level", chosen.levels),
        marks_of("owner", organisations_of(chosen.owners, "owners")),
    )
    obstacles = ids_of(chosen.obstacles, ids.OBSTACLE, "obstacles")
    return StreamChoice(
        LearningKind.CAUSE,
        statuses=chosen.statuses,
        themes=texts_of(chosen.themes, "themes"),
        organisations=organisations_of(chosen.organisations, "organisations"),
        begun_from=begun.from_,
        begun_until=begun.until,
        marks=tuple(one for one in marks if one is not None),
        links=() if obstacles is None else (obstacles,),
    )


def rule_choice(chosen: RuleFilter | None) -> RuleChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return RuleChoice()
    return RuleChoice(
        parties=organisations_of(chosen.parties, "parties"),
        organisations=organisations_of(chosen.organisations, "organisations"),
        themes=texts_of(chosen.themes, "themes"),
    )


def marks_of(name: str, values: Sequence[str] | None) -> list[str] | None:
    """Return the marks with a name and one of several values, none where none was chosen."""
    return None if values is None else [f"{name}={value}" for value in values]


def ids_of(chosen: list[strawberry.ID] | None, kind: str, field: str) -> list[UUID] | None:
    """Return what ids of one kind name, none where none were chosen. Raises ``Problem``."""
    named = texts_of(None if chosen is None else [str(one) for one in chosen], field)
    return None if named is None else [ids.parse(one, kind, field).id for one in named]


def todo_choice(chosen: TodoFilter | None) -> TodoChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return TodoChoice()
    return TodoChoice(
        kinds=chosen.kinds,
        organisations=organisations_of(chosen.organisations, "organisations"),
        case=None if chosen.case is None else ids.parse(chosen.case, ids.CASE, "case").id,
    )


def organisation_choice(chosen: OrganisationFilter | None) -> OrganisationChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return OrganisationChoice()
    return OrganisationChoice(
        kinds=chosen.kinds,
        parents=organisations_of(chosen.parent, "parent"),
        name=chosen.name,
        ended=chosen.ended,
        solution_team=chosen.solution_team,
    )


def interface_choice(chosen: InterfaceFilter | None) -> InterfaceChoice:
    """Return what a filter means. Raises ``Problem``."""
    if chosen is None:
        return InterfaceChoice()
    period = period_of(chosen.period, "period")
    return InterfaceChoice(
        organisation=_organisation(chosen.organisation, "organisation"),
        from_=_organisation(chosen.from_, "from"),
        to=_organisation(chosen.to, "to"),
        period_from=period.from_,
        period_until=period.until,
        rolled_up=chosen.rolled_up,
    )


def opening_choice(organisations: list[strawberry.ID] | None, kinds: list[GapKind] | None) -> OpeningChoice:
    """Return which openings are told to who named these. Raises ``Problem``."""
    return OpeningChoice(organisations=organisations_of(organisations, "organisations"), kinds=kinds)


def period_of(chosen: Period | None, field: str) -> Period:
    """Return a period, without an end where none was chosen. Raises ``Problem``."""
    period = chosen or Period()
    if period.from_ is not None and period.until is not None and period.until < period.from_:
        raise bad_input(f"{field}: it ends before it begins.")
    return period


def _organisation(chosen: str | None, field: str) -> str | None:
    return None if chosen is None else ids.organisation_identifier(chosen, field)


def organisations_of(chosen: list[strawberry.ID] | None, field: str) -> list[str] | None:
    """Return the identifiers of organisations, none where none were chosen. Raises ``Problem``."""
    named = None if chosen is None else [ids.organisation_identifier(one, field) for one in chosen]
    return texts_of(named, field)


def texts_of(chosen: list[str] | None, field: str) -> list[str] | None:
    """Return the values of a condition as they can be asked for. Raises ``Problem``."""
    if chosen is not None and len(chosen) > CHOICES_MAX:
        raise bad_input(f"{field}: {len(chosen)} values are too many; name {CHOICES_MAX} at most.")
    if chosen is not None and any("\0" in one for one in chosen):
        raise bad_input(f"{field}: a value may not hold a null character.")
    return chosen
