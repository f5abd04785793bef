"""Who belongs to whom at two times: units, predecessors, tasks received, strategies adopted, and all below somebody.

An organisation stands under its successor once it has gone up in one, and else under its parent: so figures that are
rolled up follow the tree as it stood.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from .lens import AT, Moment, Query

SHOWN_MAX: Final = 200
"""How many of one kind are shown of one organisation, by name; a list pages through all of them."""

UNITS: Final = (
    "SELECT parent, organisation FROM (SELECT parent, organisation, row_number() OVER (PARTITION BY parent "  # noqa: S608
    f"ORDER BY name, organisation) AS place FROM read.organisation_state WHERE parent = ANY(%(keys)s) AND {AT}) u "
    "WHERE place <= %(limit)s ORDER BY parent, place"
)
PREDECESSORS: Final = (
    "SELECT merged_into, organisation FROM (SELECT merged_into, organisation, row_number() OVER (PARTITION BY "  # noqa: S608
    "merged_into ORDER BY ended_at, organisation) AS place FROM read.organisation_state "
    f"WHERE merged_into = ANY(%(keys)s) AND {AT}) u WHERE place <= %(limit)s ORDER BY merged_into, place"
)
TASKS_TO: Final = (
    "SELECT to_organisation, organisation, theme, since FROM (SELECT to_organisation, organisation, theme, since, "  # noqa: S608
    "row_number() OVER (PARTITION BY to_organisation ORDER BY since, theme, organisation) AS place "
    f"FROM read.task_state WHERE to_organisation = ANY(%(keys)s) AND {AT}) u "
    "WHERE place <= %(limit)s ORDER BY to_organisation, place"
)
ADOPTIONS: Final = (
    "SELECT strategy_id, organisation, at FROM (SELECT strategy_id, organisation, at, row_number() OVER (PARTITION BY "  # noqa: S608
    "strategy_id ORDER BY at, organisation) AS place FROM read.strategy_state "
    f"WHERE strategy_id = ANY(%(keys)s) AND shared_by IS NOT NULL AND {AT}) u "
    "WHERE place <= %(limit)s ORDER BY strategy_id, place"
)
BELOW: Final = (
    "WITH RECURSIVE below (organisation) AS (SELECT unnest(%(organisations)s::text[]) "  # noqa: S608
    "UNION SELECT o.organisation FROM read.organisation_state o JOIN below b "
    f"ON coalesce(o.merged_into, o.parent) = b.organisation WHERE {AT}) SELECT organisation FROM below ORDER BY 1"
)


def units(moment: Moment, parents: Sequence[str]) -> Query:
    """Return the query for the units of organisations, each after its parent."""
    return UNITS, _values(moment, parents)


def predecessors(moment: Moment, successors: Sequence[str]) -> Query:
    """Return the query for those that went up in organisations, each after its successor."""
    return PREDECESSORS, _values(moment, successors)


def tasks_to(moment: Moment, organisations: Sequence[str]) -> Query:
    """Return the query for tasks that passed to organisations: to whom, whose, in which theme, since when."""
    return TASKS_TO, _values(moment, organisations)


def adoptions(moment: Moment, strategies: Sequence[UUID]) -> Query:
    """Return the query for who adopted strategies: which, who, when."""
    return ADOPTIONS, _values(moment, strategies)


def below(moment: Moment, organisations: Sequence[str]) -> Query:
    """Return the query for organisations and all that stand under them, at every level."""
    return BELOW, moment.values() | {"organisations": list(organisations)}


def _values(moment: Moment, keys: Sequence[object]) -> dict[str, Any]:
    return moment.values() | {"keys": list(keys), "limit": SHOWN_MAX}
