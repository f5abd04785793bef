"""What waits for an organisation to say something, as clients see it."""

from datetime import datetime

import strawberry

from ..projections.queries.waiting import WaitingRow
from .cases import Case, case_of
from .chains import Obstacle
from .organisations import Organisation, organisation
from .view import CaseAt, View


@strawberry.type(description="An offer that has not been answered, or a referral of the subject that has not arrived.")
class WaitingHandover:
    """What went to an organisation, at the view's two times."""

    view: strawberry.Private[View]
    row: strawberry.Private[WaitingRow]

    @strawberry.field(description="The handoff, by which an offer is answered; null for a referral.")
    def handoff(self) -> strawberry.ID | None:
        """Return the handoff's id."""
        return strawberry.ID(str(self.row.handoff)) if self.row.offered else None

    @strawberry.field(name="from", description="Who offered or referred.")
    def from_(self) -> Organisation:
        """Return who passed it on."""
        return organisation(self.view, self.row.from_)

    @strawberry.field(description="When the offer or the referral was made.")
    def made_at(self) -> datetime:
        """Return when it was made."""
        return self.row.made_at

    @strawberry.field(description="By when an answer is asked for; null for a referral, which nobody has to answer.")
    def respond_by(self) -> datetime | None:
        """Return by when."""
        return self.row.respond_by

    @strawberry.field(description="The case.")
    def case(self) -> Case:
        """Return the case."""
        return case_of(CaseAt(self.view, self.row.case))

    @strawberry.field(description="The obstacle that it is about.")
    def obstacle(self) -> Obstacle:
        """Return the obstacle."""
        return Obstacle(at=CaseAt(self.view, self.row.case), obstacle=self.row.obstacle)
