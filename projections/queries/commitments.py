"""Promises kept, at two times: what organisations took upon themselves, when it was due, and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import LearningKind
from ..derivation.answer_facets import CommitmentKind
from .lens import AT, Conditions, Moment, Query


class Standing(StrEnum):
    """How a commitment stands at asOf.

    KEPT: done by the time it was due. KEPT_LATE: done, but later. OVERDUE: due, and not done. PENDING: not due yet.
    GIVEN_UP: given up, with a reason. LAPSED: the cause that it was about ended first.
    """

    KEPT = "KEPT"
    KEPT_LATE = "KEPT_LATE"
    OVERDUE = "OVERDUE"
    PENDING = "PENDING"
    GIVEN_UP = "GIVEN_UP"
    LAPSED = "LAPSED"


class CommitmentRow(Struct, frozen=True):
    """A commitment; ``case`` is a learning stream's id if ``stream_kind`` says so, and a subject's with ``cases``."""

    case: UUID
    event: UUID
    kind: CommitmentKind
    organisation: str
    made_at: datetime
    due_at: datetime
    ended_at: datetime | None
    standing: Standing
    cases: Sequence[UUID]
    stream_kind: LearningKind | None


class CommitmentChoice(Struct, frozen=True):
    """Which commitments a list holds; what is none does not matter. ``network`` is one of whose members they are."""

    kinds: Sequence[CommitmentKind] | None = None
    organisations: Sequence[str] | None = None
    standings: Sequence[Standing] | None = None
    network: UUID | None = None


class KeeperRow(Struct, frozen=True):
    """What an organisation, or the members of a network, promised: how many in all, and how many stand how.

    ``who`` is the organisation's identifier, or the network's id.
    """

    who: str
    made: int
    kept: int
    kept_late: int
    overdue: int
    pending: int
    given_up: int
    lapsed: int


_STANDING: Final[LiteralString] = (
    "CASE outcome WHEN 'DONE' THEN CASE WHEN ended_at <= due_at THEN 'KEPT' ELSE 'KEPT_LATE' END "
    "WHEN 'RUNNING' THEN CASE WHEN due_at < %(as_of)s THEN 'OVERDUE' ELSE 'PENDING' END ELSE outcome END"
)

_MEMBERS: Final[LiteralString] = (
    "SELECT stream_id, substr(mark, 8) AS member FROM read.stream_state, unnest(marks) AS mark "  # noqa: S608
    f"WHERE kind = 'NETWORK' AND starts_with(mark, 'member=') AND {AT}"
)

# An investigation is known of from its publication on, also by what was planned in it before.
_KNOWN: Final[LiteralString] = (
    "(stream_kind IS DISTINCT FROM 'INVESTIGATION' OR case_id IN (SELECT stream_id FROM read.stream_state "  # noqa: S608
    f"WHERE kind = 'INVESTIGATION' AND {AT}))"
)

_FIGURES: Final[LiteralString] = (
    "count(*) AS made, count(*) FILTER (WHERE standing = 'KEPT') AS kept, "
    "count(*) FILTER (WHERE standing = 'KEPT_LATE') AS kept_late, "
    "count(*) FILTER (WHERE standing = 'OVERDUE') AS overdue, count(*) FILTER (WHERE standing = 'PENDING') AS pending, "
    "count(*) FILTER (WHERE standing = 'GIVEN_UP') AS given_up, count(*) FILTER (WHERE standing = 'LAPSED') AS lapsed"
)


Place = tuple[int, int, str]
"""Where a page of those who promised ended: how much is overdue and was made, and who."""

_PAGE: Final[LiteralString] = (
    "SELECT * FROM keepers WHERE %(after_overdue)s::bigint IS NULL OR overdue < %(after_overdue)s "
    "OR (overdue = %(after_overdue)s AND (made < %(after_made)s "
    "OR (made = %(after_made)s AND who > %(after_who)s::text))) "
    "ORDER BY overdue DESC, made DESC, who LIMIT %(limit)s"
)


def page(moment: Moment, choice: CommitmentChoice, after: tuple[datetime, UUID] | None, limit: int) -> Query:
    """Return the query for commitments beyond the one due at a moment and made by an event, the first due first."""
    conditions = _conditions(moment, choice)
    if after is not None:
        conditions.add(
            "(due_at, event_id) > (%(after_due)s, %(after_event)s)", after_due=after[0], after_event=after[1]
        )
    return (
        "SELECT case_id, event_id, kind, organisation, made_at, due_at, ended_at, "  # noqa: S608
        f"{_STANDING}, cases, stream_kind FROM read.commitment_state WHERE {conditions.text()} "
        "ORDER BY due_at, event_id LIMIT %(limit)s"
    ), conditions.values | {"limit": limit}


def count(moment: Moment, choice: CommitmentChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.commitment_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def by_organisation(moment: Moment, choice: CommitmentChoice, after: Place | None, limit: int) -> Query:
    """Return the query for what organisations promised and kept, beyond a place, most that is overdue first."""
    keepers, values = _organisations(moment, choice)
    return f"{keepers} {_PAGE}", values | _after(after) | {"limit": limit}


def by_network(moment: Moment, choice: CommitmentChoice, after: Place | None, limit: int) -> Query:
    """Return the query for what the members of networks promised and kept, in the same order."""
    keepers, values = _networks(moment, choice)
    return f"{keepers} {_PAGE}", values | _after(after) | {"limit": limit}


def count_organisations(moment: Moment, choice: CommitmentChoice) -> Query:
    """Return the query for how many organisations promised something."""
    keepers, values = _organisations(moment, choice)
    return f"{keepers} SELECT count(*) FROM keepers", values  # noqa: S608


def count_networks(moment: Moment, choice: CommitmentChoice) -> Query:
    """Return the query for of how many networks a member promised something."""
    keepers, values = _networks(moment, choice)
    return f"{keepers} SELECT count(*) FROM keepers", values  # noqa: S608


def _organisations(moment: Moment, choice: CommitmentChoice) -> Query:
    conditions = _conditions(moment, choice)
    return (
        f"WITH keepers AS (SELECT organisation AS who, {_FIGURES} FROM (SELECT organisation, {_STANDING} AS standing "  # noqa: S608
        f"FROM read.commitment_state WHERE {conditions.text()}) c GROUP BY organisation)"
    ), conditions.values


def _networks(moment: Moment, choice: CommitmentChoice) -> Query:
    conditions = _conditions(moment, choice)
    one: LiteralString = "" if choice.network is None else "WHERE m.stream_id = %(network)s "
    return (
        f"WITH keepers AS (SELECT m.stream_id::text AS who, {_FIGURES} "  # noqa: S608
        f"FROM (SELECT organisation, {_STANDING} AS standing FROM read.commitment_state WHERE {conditions.text()}) c "
        f"JOIN ({_MEMBERS}) m ON m.member = c.organisation {one}GROUP BY m.stream_id)"
    ), conditions.values


def _after(after: Place | None) -> dict[str, Any]:
    overdue, made, who = (None, None, None) if after is None else after
    return {"after_overdue": overdue, "after_made": made, "after_who": who}


def row(columns: tuple[Any, ...]) -> CommitmentRow:
    """Return the row that ``page`` found."""
    case, event, kind, organisation, made_at, due_at, ended_at, standing, cases, stream_kind = columns
    return CommitmentRow(
        case,
        event,
        CommitmentKind(kind),
        organisation,
        made_at,
        due_at,
        ended_at,
        Standing(standing),
        cases or (),
        None if stream_kind is None else LearningKind(stream_kind),
    )


def keeper(columns: tuple[Any, ...]) -> KeeperRow:
    """Return the row that ``by_organisation`` or ``by_network`` found."""
    return KeeperRow(*columns)


def place(keeper: KeeperRow) -> Place:
    """Return the place of an organisation or network in its list."""
    return keeper.overdue, keeper.made, keeper.who


def _conditions(moment: Moment, choice: CommitmentChoice) -> Conditions:
    conditions = Conditions(moment)
    conditions.add(_KNOWN)
    conditions.add_any("kind = ANY(%(kinds)s)", "kinds", choice.kinds)
    conditions.add_any("organisation = ANY(%(organisations)s)", "organisations", choice.organisations)
    conditions.add_any(f"{_STANDING} = ANY(%(standings)s)", "standings", choice.standings)
    if choice.network is not None:
        conditions.add(
            f"organisation IN (SELECT member FROM ({_MEMBERS}) m WHERE m.stream_id = %(network)s)",  # noqa: S608
            network=choice.network,
        )
    return conditions
