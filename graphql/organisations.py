"""An organisation, as it is at a view's two times."""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry

from ..domain.vocabulary import OrganisationKind
from ..projections.queries.organisations import OrganisationRow
from . import ids
from .nodes import Node
from .view import View, later


@strawberry.type(
    description="An organisation, or a unit of one. Named where it plays a part, even if it was not registered by then."
)
class Organisation(Node):
    """Known by its identifier; the rest is loaded when asked for."""

    identifier: str = strawberry.field(description="Its OIN (twenty digits) or URI.")
    view: strawberry.Private[View]

    @strawberry.field(description="Its global id.")
    def id(self) -> strawberry.ID:
        """Return its global id."""
        return strawberry.ID(ids.global_id(ids.ORGANISATION, self.identifier))

    @strawberry.field(description="What it was called at asOf; null if it was not registered by then.")
    def name(self) -> str | None:
        """Return its name."""
        return self._of(lambda row: row.name if row else None)

    @strawberry.field(description="What sort of organisation it is.")
    def kind(self) -> OrganisationKind | None:
        """Return its kind."""
        return self._of(lambda row: row.kind if row else None)

    @strawberry.field(description="The organisation of which it is a unit.")
    def parent(self) -> "Organisation | None":
        """Return its parent."""
        return self._of(lambda row: Organisation(identifier=row.parent, view=self.view) if row and row.parent else None)

    def _of(self, what: Callable[[OrganisationRow | None], Any]) -> Any:
        known = self.view.organisations.known
        return what(known[self.identifier]) if self.identifier in known else later(self._loaded(what))

    async def _loaded(self, what: Callable[[OrganisationRow | None], Any]) -> Any:
        return what(await self.view.organisations.load(self.identifier))


def organisation(view: View, identifier: str) -> Organisation:
    """Return an organisation by its identifier."""
    return Organisation(identifier=identifier, view=view)


def organisations(view: View, identifiers: Sequence[str]) -> list[Organisation]:
    """Return organisations by their identifiers."""
    return [Organisation(identifier=identifier, view=view) for identifier in identifiers]
