"""Organisations at two times: by identifier, and as a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from ...domain.vocabulary import OrganisationKind
from .lens import AT, Conditions, Moment, Query

COLUMNS: Final = "organisation, name, kind, parent, ended_at, merged_into, team"


class OrganisationRow(Struct, frozen=True):
    """An organisation as it is at the two times; ``team`` is the event that made it a solution team."""

    identifier: str
    name: str
    kind: OrganisationKind
    parent: str | None
    ended_at: datetime | None
    merged_into: str | None
    team: UUID | None


class OrganisationChoice(Struct, frozen=True):
    """Which organisations a list holds; what is none does not matter."""

    kinds: Sequence[OrganisationKind] | None = None
    parents: Sequence[str] | None = None
    name: str | None = None
    ended: bool | None = None
    solution_team: bool | None = None


NAMED: Final = f"SELECT {COLUMNS} FROM read.organisation_state WHERE organisation = ANY(%(organisations)s) AND {AT}"  # noqa: S608


def named(moment: Moment, identifiers: Sequence[str]) -> Query:
    """Return the query for organisations by identifier."""
    return NAMED, moment.values() | {"organisations": list(identifiers)}


def row(columns: tuple[Any, ...]) -> OrganisationRow:
    """Return the row that a query here found."""
    identifier, name, kind, *rest = columns
    return OrganisationRow(identifier, name, OrganisationKind(kind), *rest)


def page(moment: Moment, choice: OrganisationChoice, after: tuple[str, str] | None, limit: int) -> Query:
    """Return the query for organisations by name, beyond the one with a (name, identifier)."""
    conditions = _conditions(moment, choice)
    if after is not None:
        conditions.add("(name, organisation) > (%(after_name)s, %(after_organisation)s)",
                       after_name=after[0], after_organisation=after[1])  # fmt: skip
    query: LiteralString = (
        f"SELECT {COLUMNS} FROM read.organisation_state WHERE {conditions.text()} "  # noqa: S608
        "ORDER BY name, organisation LIMIT %(limit)s"
    )
    return query, conditions.values | {"limit": limit}


def count(moment: Moment, choice: OrganisationChoice) -> Query:
    """Return the query for how many there are."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.organisation_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def _conditions(moment: Moment, choice: OrganisationChoice) -> Conditions:
    conditions = Conditions(moment)
    conditions.add_any("kind = ANY(%(kinds)s)", "kinds", choice.kinds)
    conditions.add_any("parent = ANY(%(parents)s)", "parents", choice.parents)
    if choice.name is not None:
        conditions.add("strpos(lower(name), lower(%(name)s)) > 0", name=choice.name)
    if choice.ended is not None:
        conditions.add("ended_at IS NOT NULL" if choice.ended else "ended_at IS NULL")
    if choice.solution_team is not None:
        conditions.add("team IS NOT NULL" if choice.solution_team else "team IS NULL")
    return conditions
