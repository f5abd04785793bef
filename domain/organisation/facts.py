"""The facts of an organisation: that it is registered, and what it is called."""

from typing import Annotated

from msgspec import Meta

from ..event import Fact
from ..ids import OrganisationId
from ..vocabulary import OrganisationKind

OrganisationName = Annotated[str, Meta(min_length=1, max_length=200)]
"""An organisation's own name: public, and so not sealed."""


class OrganisationFact(Fact, frozen=True, gc=False):
    """A fact that stands in an organisation's stream."""

    organisation: OrganisationId


class OrganisationRegistered(OrganisationFact, frozen=True, gc=False):
    """The registry knows an organisation from now on; ``parent`` is the one it is a unit of."""

    topic = "organisation-registered"

    name: OrganisationName
    kind: OrganisationKind
    parent: OrganisationId | None = None


class OrganisationRenamed(OrganisationFact, frozen=True, gc=False):
    """The organisation goes by another name."""

    topic = "organisation-renamed"

    name: OrganisationName
