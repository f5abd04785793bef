"""Rules that had to be departed from to help somebody, as clients see them."""

import strawberry

from ..projections.queries import rules
from ..projections.queries.rules import RuleChoice
from .view import View


@strawberry.type(description="A rule that remedies departed from: often enough, it is a finding about the rule.")
class RuleDepartedFrom:
    """A rule, counted."""

    rule: str = strawberry.field(description="The rule, by its identifier: 'awb:4:15'.")
    remedies: int = strawberry.field(description="In how many remedies.")
    cases: int = strawberry.field(description="In how many cases.")
    organisations: int = strawberry.field(description="By how many organisations.")


async def rules_departed_from(view: View, choice: RuleChoice) -> list[RuleDepartedFrom]:
    """Return the rules that remedies departed from, the one that most did first."""
    rows = map(rules.row, await view.session.rows(*rules.departed_from(view.moment, choice)))
    return [
        RuleDepartedFrom(rule=one.rule, remedies=one.remedies, cases=one.cases, organisations=one.organisations)
        for one in rows
    ]
