"""Which rules had to be departed from to help somebody, at two times: one that often has to be is a finding."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from msgspec import Struct

from .lens import AT, Conditions, Moment, Query

RULES_MAX: Final = 100
"""How many rules are told at most, those departed from most often."""

_IN_CASES_OF: Final = (
    "case_id IN (SELECT case_id FROM read.case_party "  # noqa: S608 - constants
    f"WHERE organisation = ANY(%(parties)s) AND {AT})"
)


class RuleRow(Struct, frozen=True):
    """A rule, and in how many remedies and cases and by how many organisations it was departed from."""

    rule: str
    remedies: int
    cases: int
    organisations: int


class RuleChoice(Struct, frozen=True):
    """Which remedies count; what is none does not matter. ``parties`` have a part in the case of the remedy."""

    parties: Sequence[str] | None = None
    organisations: Sequence[str] | None = None
    themes: Sequence[str] | None = None


def departed_from(moment: Moment, choice: RuleChoice) -> Query:
    """Return the query for the rules that were departed from, the one that was most often first."""
    conditions = _conditions(moment, choice)
    query: LiteralString = (
        "SELECT rule, count(*), count(DISTINCT case_id), count(DISTINCT organisation) FROM read.remedy_state "  # noqa: S608
        f"WHERE {conditions.text('rule IS NOT NULL')} GROUP BY rule ORDER BY 2 DESC, 3 DESC, rule LIMIT %(limit)s"
    )
    return query, conditions.values | {"limit": RULES_MAX}


def remedies(moment: Moment, choice: RuleChoice) -> Query:
    """Return the query for how many remedies there are, whether or not the rule was named."""
    conditions = _conditions(moment, choice)
    return f"SELECT count(*) FROM read.remedy_state WHERE {conditions.text()}", conditions.values  # noqa: S608


def _conditions(moment: Moment, choice: RuleChoice) -> Conditions:
    conditions = Conditions(moment)
    conditions.add_any(_IN_CASES_OF, "parties", choice.parties)
    conditions.add_any("organisation = ANY(%(organisations)s)", "organisations", choice.organisations)
    conditions.add_any(
        f"case_id IN (SELECT case_id FROM read.case_state WHERE theme = ANY(%(themes)s) AND {AT})",  # noqa: S608
        "themes",
        choice.themes,
    )
    return conditions


def row(columns: tuple[Any, ...]) -> RuleRow:
    """Return the row that a query here found."""
    return RuleRow(*columns)
