"""Who stands under whom, from the organisations' own streams, at the moment of the last event shown.

An organisation stands under its successor once it has gone up in one, and else under its parent, as in every figure
that is rolled up.
"""

from ...domain.case.rules import Objection
from ...domain.event import Event
from ...domain.organisation.facts import OrganisationFact
from ...domain.organisation.standing import Standing, advance


class Tree:
    """The organisations as they stand; events must come in the order in which they occurred."""

    __slots__ = ("_standings",)

    def __init__(self) -> None:
        """Start with no organisation registered."""
        self._standings: dict[str, Standing] = {}

    def show(self, event: Event) -> bool:
        """Advance by one event of an organisation; return whether who stands under whom may have changed."""
        fact = event.data
        assert isinstance(fact, OrganisationFact)
        before = self._standings.get(fact.organisation)
        after = advance(before, event)
        if isinstance(after, Objection):
            return False
        self._standings[fact.organisation] = after
        return before is None or _above(before) != _above(after)

    def top(self, organisation: str) -> str:
        """Return the last in line that is registered; whoever stands in a circle, or below one, stands for itself."""
        here, passed = organisation, {organisation}
        while (standing := self._standings.get(here)) is not None:
            above = _above(standing)
            if above is None or above not in self._standings:
                return here
            if above in passed:
                return organisation
            passed.add(above)
            here = above
        return organisation


def _above(standing: Standing) -> str | None:
    """Return what an organisation stands under."""
    ended = standing.ended
    return (ended.into if ended is not None else None) or standing.parent
