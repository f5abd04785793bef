"""The roots of every question: the registry at two times, the log, who asks, and a thing by its id."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from ..domain.access import may_record
from ..domain.command import COMMANDS
from ..domain.vocabulary import Role
from . import ids
from .across import across
from .asking import Asking
from .cases import case_of
from .chains import Obstacle
from .events import event_of
from .gaps import gap_of, gap_of_row
from .learning_types import TYPES
from .log import Log
from .nodes import Node
from .organisations import Organisation
from .problems import bad_input
from .registry import Registry
from .scalars import Position
from .view import CaseAt, StreamAt, View, later

AsOf = Annotated[datetime | None, strawberry.argument(description="When it was so in the world; now if not given.")]
KnownAt = Annotated[datetime | None, strawberry.argument(description="By when it had been recorded; now if not given.")]
AtLeast = Annotated[
    Position | None,
    strawberry.argument(
        description="Waits until the answer takes in this position, at most 5 s; then the error NOT_YET."
    ),
]


@strawberry.type(description="Who the token says you are, and what you may do.")
class Viewer:
    """The one who asks."""

    asking: strawberry.Private[Asking]

    @strawberry.field(description="Your organisation; null: you act for none, and may only read.")
    async def organisation(self) -> Organisation | None:
        """Return the asker's organisation."""
        identifier = self.asking.asker.organisation
        return None if identifier is None else Organisation(identifier=identifier, view=await self.asking.view())

    @strawberry.field(description="Your role.")
    def role(self) -> Role:
        """Return the asker's role."""
        return self.asking.asker.role

    @strawberry.field(description="Your pseudonym.")
    def user(self) -> str:
        """Return the asker's pseudonym."""
        return self.asking.asker.user

    @strawberry.field(description="When your token expires; null for the owner of an embedded registry.")
    def expires_at(self) -> datetime | None:
        """Return when the token expires."""
        return self.asking.asker.expires_at

    @strawberry.field(description="The mutations that you may ask for.")
    def may_record(self) -> list[str]:
        """Return the mutations open to the asker: those of their role, if they act for an organisation."""
        asker = self.asking.asker
        if asker.organisation is None:
            return []
        return [
            name[0].lower() + name[1:] for name, fact in COMMANDS.items() if asker.owns or may_record(asker.role, fact)
        ]


@strawberry.type(description="What can be asked.")
class Query:
    """The roots of every question."""

    @strawberry.field(description="The registry at two times: everything below answers at them.")
    def registry(
        self,
        info: strawberry.Info[Asking, None],
        as_of: AsOf = None,
        known_at: KnownAt = None,
        at_least: AtLeast = None,
    ) -> Registry:
        """Return the registry at two times."""
        asking = info.context
        # Noted before any field reads: all fields of a request see one moment of the database.
        asking.wants(at_least)
        return later(_registry(asking, as_of, known_at))

    @strawberry.field(description="The log for auditors: what is published, and proofs of it.")
    async def log(self, info: strawberry.Info[Asking, None]) -> Log:
        """Return the log."""
        return Log(trail=await info.context.session.trail())

    @strawberry.field(description="Who the token says you are, and what you may do.")
    def viewer(self, info: strawberry.Info[Asking, None]) -> Viewer:
        """Return the one who asks."""
        return Viewer(asking=info.context)

    @strawberry.field(description="A thing by its global id, at two times; null if there was no such thing.")
    async def node(
        self,
        info: strawberry.Info[Asking, None],
        id: Annotated[strawberry.ID, strawberry.argument(description="Its global id.")],  # noqa: A002
        as_of: AsOf = None,
        known_at: KnownAt = None,
    ) -> Node | None:
        """Return a thing by its id."""
        identifier = ids.organisation_of_global(id)
        named = ids.parse_global(id)
        if identifier is None and named is None:
            raise bad_input("node: this is no global id.")
        view = await info.context.view(as_of, known_at)
        if named is None:
            assert identifier is not None
            return Organisation(identifier=identifier, view=view) if await view.organisations.load(identifier) else None
        return await _node(view, named)


async def _registry(asking: Asking, as_of: datetime | None, known_at: datetime | None) -> Registry:
    return Registry(view=await asking.view(as_of, known_at))


async def _node(view: View, named: ids.Named) -> Node | None:
    if named.case is None:
        return None
    kind = ids.STREAMS.get(named.kind or "")
    if kind is not None:
        return None if await view.stream(named.id, kind) is None else TYPES[kind](at=StreamAt(view, named.id))
    at = CaseAt(view, named.case)
    reading = await view.read(named.case, None)
    if reading is None:
        # What lies over several cases is named by its subject, what is about a learning stream by that.
        row = await across(view).one(named.case, named.id) if named.kind == ids.GAP else None
        return None if row is None else gap_of_row(view, row)
    match named.kind:
        case ids.CASE:
            return case_of(at)
        case ids.OBSTACLE:
            return Obstacle(at=at, obstacle=named.id) if named.id in reading.obstacles else None
        case ids.GAP:
            return next((gap_of(at, gap) for gap in reading.answer.gaps if gap.id == named.id), None)
        case _:
            return event_of(at, reading.event(named.id)) if _holds(reading.recorded, named.id) else None


def _holds(recorded: dict[UUID, Any], event: UUID) -> bool:
    return event in recorded
