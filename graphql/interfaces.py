"""An interface: an ordered pair of organisations, in figures."""

import strawberry

from ..domain.vocabulary import RefusalGround
from ..projections.queries.interfaces import InterfaceRow
from .gaps import DAY_DIGITS
from .organisations import Organisation, organisation
from .view import View


@strawberry.type(description="A ground for refusing, and how often it was given.")
class GroundCount:
    """One ground of refusal."""

    ground: RefusalGround = strawberry.field(description="The ground.")
    count: int = strawberry.field(description="How often it was given.")


@strawberry.type(
    description="What went from one organisation to another, and what became of it. To an analyst a count that rests "
    "on fewer than ten persons is null."
)
class Interface:
    """An interface at the view's two times."""

    from_: Organisation = strawberry.field(name="from", description="The organisation that offered or referred.")
    to: Organisation = strawberry.field(description="The organisation that was asked, or referred to.")
    offers: int | None = strawberry.field(
        description="How many offers were made. Each is one of the next six: what had become of it at asOf."
    )
    accepted: int | None = strawberry.field(description="How many of them were accepted.")
    refused: int | None = strawberry.field(description="How many of them were refused.")
    withdrawn: int | None = strawberry.field(description="How many of them were withdrawn.")
    lapsed: int | None = strawberry.field(
        description="How many of them lapsed: the obstacle was settled or changed hands."
    )
    unanswered: int | None = strawberry.field(
        description="How many of them wait for an answer that is overdue. What was answered late was answered."
    )
    pending: int | None = strawberry.field(description="How many of them wait for an answer that is not overdue yet.")
    referrals: int | None = strawberry.field(description="How many times the subject was told to go there.")
    arrived: int | None = strawberry.field(
        description="How many of those arrived: whoever was referred to came to hold the obstacle by a later event."
    )
    response_time_median_days: float | None = strawberry.field(
        description="From delivery to acceptance or refusal, in days: half took no longer. An answer before the "
        "delivery that is on record took none. Null: none was accepted or refused."
    )
    response_time_p90_days: float | None = strawberry.field(
        name="responseTimeP90Days", description="The same: nine in ten took no longer."
    )
    refusal_grounds: list[GroundCount] = strawberry.field(description="Why it was refused, the most frequent first.")
    came_back_share: float | None = strawberry.field(
        description="Of what was accepted or arrived, the share whose obstacle came back: a carousel that counts, in "
        "which the second of this pair held it next after the first. Null: nothing was accepted or arrived."
    )


def interface(view: View, row: InterfaceRow) -> Interface:
    """Return an interface as clients see it."""
    return Interface(
        from_=organisation(view, row.from_),
        to=organisation(view, row.to),
        offers=row.offers,
        accepted=row.accepted,
        refused=row.refused,
        withdrawn=row.withdrawn,
        lapsed=row.lapsed,
        unanswered=row.unanswered,
        pending=row.pending,
        referrals=row.referrals,
        arrived=row.arrived,
        response_time_median_days=None if row.median_days is None else round(row.median_days, DAY_DIGITS),
        response_time_p90_days=None if row.p90_days is None else round(row.p90_days, DAY_DIGITS),
        refusal_grounds=[GroundCount(ground=ground, count=count) for ground, count in row.grounds],
        came_back_share=row.came_back_share,
    )
