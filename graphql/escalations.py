"""The escalation ladder of a cause as clients see it: who was asked, who answered, and who is next."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from ..domain.cause.rules import Cause as CauseState
from ..domain.cause.rules import Escalation as MadeEscalation
from ..domain.vocabulary import Level, OrganisationKind
from ..projections.derivation.ladder import AnswerState, NextRung, answer_state, next_rung
from ..projections.queries import causes, organisations
from ..projections.queries.organisations import OrganisationChoice
from .events import Event, event_of
from .gaps import text_of
from .organisations import Organisation, organisation
from .organisations import organisations as named
from .view import StreamAt, StreamReading

MINISTRIES_MAX = 20
"""How many ministries are named where none stands above anybody in the chain."""

strawberry.enum(AnswerState, description=AnswerState.__doc__)


@strawberry.type(description="That a cause was brought to an organisation, at a level, and what it answered.")
class Escalation:
    """An escalation."""

    at: strawberry.Private[StreamAt]
    made: strawberry.Private[MadeEscalation]

    @strawberry.field(description="Its id, by which it is answered.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.made.escalation))

    @strawberry.field(description="At which level.")
    def level(self) -> Level:
        """Return its level."""
        return self.made.level

    @strawberry.field(description="Who was asked.")
    def to(self) -> Organisation:
        """Return who was asked."""
        return organisation(self.at.view, self.made.to)

    @strawberry.field(description="Who asked.")
    def asked_by(self) -> Organisation:
        """Return who asked."""
        return organisation(self.at.view, self.made.asked_by)

    @strawberry.field(description="When.")
    def asked_at(self) -> datetime:
        """Return when."""
        return self.made.at

    @strawberry.field(description="By when an answer was asked for.")
    def respond_by(self) -> datetime:
        """Return by when."""
        return self.made.respond_by

    @strawberry.field(description="What has come of it.")
    def answer(self) -> AnswerState:
        """Return what has come of it."""
        return answer_state(self.made, self.at.view.as_of)

    @strawberry.field(description="When it was answered; null while it has not been.")
    def answered_at(self) -> datetime | None:
        """Return when it was answered."""
        return self.made.answered_at

    @strawberry.field(description="Whom it was passed on to.")
    def suggests(self) -> Organisation | None:
        """Return whom it was passed on to."""
        return None if self.made.suggests is None else organisation(self.at.view, self.made.suggests)

    @strawberry.field(description="The event that asked.")
    def event(self) -> Event:
        """Return the event."""
        return self.at.read(lambda reading: event_of(self.at, reading.event(self.made.event)))

    @strawberry.field(description="Why it was asked, in words; null if nobody said.")
    def reason(self) -> str | None:
        """Return why."""

        def find(reading: StreamReading) -> str | None:
            told = reading.event(self.made.event)
            return text_of(self.at.view, told, getattr(told.event.data, "reason", None))

        return self.at.read(find)


@strawberry.type(description="A level of the ladder, and who was asked there.")
class Rung:
    """A rung."""

    level: Level = strawberry.field(description="The level.")
    escalations: list[Escalation] = strawberry.field(description="Who was asked there, in order.")


@strawberry.type(description="Where a cause should go now, because an answer failed to come.")
class NextStep:
    """The next rung."""

    at: strawberry.Private[StreamAt]
    found: strawberry.Private[NextRung]

    @strawberry.field(description="The level; null: the highest has been asked.")
    def level(self) -> Level | None:
        """Return the level."""
        return self.found.level

    @strawberry.field(description="What came of the escalation before.")
    def because(self) -> AnswerState:
        """Return why."""
        return self.found.because

    @strawberry.field(description="The escalation that failed.")
    def after(self) -> Escalation:
        """Return the one before."""
        return Escalation(at=self.at, made=self.found.after)

    @strawberry.field(
        description="Who could be asked: whom the last one named; the organisation above it; who held obstacles of "
        "this cause; or the ministries above those. Empty where the registry knows nobody."
    )
    async def candidates(self) -> list[Organisation]:
        """Return who could be asked."""
        return named(self.at.view, await _candidates(self.at, self.found))


async def _candidates(at: StreamAt, found: NextRung) -> Sequence[str]:
    view = at.view
    if found.named is not None:
        return [found.named]
    match found.level:
        case Level.ORGANISATION:
            row = await view.organisations.load(found.after.to)
            return [row.parent] if row is not None and row.parent is not None else []
        case Level.CHAIN | Level.MINISTRY as level:
            held = [name for (name,) in await view.session.rows(*causes.holders(view.moment, at.id))]
            if level is Level.CHAIN:
                return [name for name in held if name != found.after.to]
            above = await _ministries_above(at, [found.after.to, *held])
            if above:
                return above
            ministries = OrganisationChoice(kinds=[OrganisationKind.MINISTRY], ended=False)
            rows = await view.session.rows(*organisations.page(view.moment, ministries, None, MINISTRIES_MAX))
            return [organisations.row(row).identifier for row in rows]
        case _:
            return []


async def _ministries_above(at: StreamAt, names: Sequence[str]) -> list[str]:
    """Return the ministries under which organisations stand, as the tree stood."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    todo = list(dict.fromkeys(names))
    while todo:
        seen |= set(todo)
        await at.view.organisations.load_all(todo)
        rows = [at.view.organisations.known[name] for name in todo]
        found |= {row.identifier: None for row in rows if row and row.kind is OrganisationKind.MINISTRY}
        above = [row.merged_into or row.parent for row in rows if row is not None]
        todo = [name for name in dict.fromkeys(above) if name is not None and name not in seen]
    return list(found)


def ladder_of(at: StreamAt, cause: CauseState) -> list[Rung]:
    """Return the ladder of a cause, the lowest rung first, those included where nobody was asked."""
    return [
        Rung(
            level=level,
            escalations=[Escalation(at=at, made=one) for one in cause.escalations.values() if one.level is level],
        )
        for level in Level
    ]


def next_of(at: StreamAt, cause: CauseState) -> NextStep | None:
    """Return where a cause should go next."""
    found = next_rung(cause, at.view.as_of)
    return None if found is None else NextStep(at=at, found=found)
