"""Somebody whom cases are about, by a pseudonym: their cases, and what lies over them."""

from uuid import UUID

import strawberry

from .across import across
from .cases import Case, case_of
from .chains import CrossChain
from .gaps import Counts, Gap, gap_of_row
from .view import CaseAt, View


@strawberry.type(description="A person, a family or a small business, known by a pseudonym only.")
class Subject:
    """A subject at the view's two times; only what lies in cases that the asker may see."""

    view: strawberry.Private[View]
    subject: strawberry.Private[UUID]

    @strawberry.field(description="The pseudonym.")
    def id(self) -> strawberry.ID:
        """Return the pseudonym."""
        return strawberry.ID(str(self.subject))

    @strawberry.field(description="The cases that are about them, the first opened first.")
    async def cases(self) -> list[Case]:
        """Return their cases."""
        cases = await across(self.view).cases_of.load(self.subject)
        return [case_of(CaseAt(self.view, case)) for case in cases]

    @strawberry.field(
        description="The gaps over their cases: obstacles that wait for each other across cases, and many at work whom "
        "nobody coordinates. Those of others who have all these cases too are among them."
    )
    async def gaps(self, counts: Counts = True) -> list[Gap]:  # noqa: FBT002  an argument of GraphQL
        """Return the gaps over their cases."""
        found = await across(self.view).gaps_of_subject(self.subject)
        return [gap_of_row(self.view, row) for row in found if counts is None or row.counts is counts]

    @strawberry.field(description="Their obstacles that set each other off, taken together, over all their cases.")
    async def cross_chains(self) -> list[CrossChain]:
        """Return the cross-chains over their cases."""
        found = await across(self.view).chains_of_subject(self.subject)
        return [CrossChain(view=self.view, known_to=None, derived=derived) for derived in found]
