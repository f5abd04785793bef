"""The catalogue of barriers and promises, as clients see it."""

from typing import Annotated

import strawberry

from ..domain.catalogue import Barrier as ListedBarrier
from ..domain.catalogue import Catalogue
from ..domain.catalogue import Promise as ListedPromise
from ..domain.registry.facts import STREAM as REGISTRY_STREAM
from ..domain.vocabulary import BarrierPlace
from ..projections.summaries import Language
from .view import View, later

InLanguage = Annotated[Language, strawberry.argument(description="In which language.")]


@strawberry.type(description="Something of the catalogue that keeps government from involving citizens.")
class Barrier:
    """A barrier of the catalogue."""

    listed: strawberry.Private[ListedBarrier]

    @strawberry.field(description="Its name in the catalogue, by which causes name it.")
    def slug(self) -> str:
        """Return its slug."""
        return self.listed.slug

    @strawberry.field(description="Where it stands.")
    def place(self) -> BarrierPlace:
        """Return where it stands."""
        return self.listed.place

    @strawberry.field(description="What it is called.")
    def name(self, language: InLanguage = Language.NL) -> str:
        """Return its name."""
        return self.listed.dutch if language is Language.NL else self.listed.english


@strawberry.type(description="A kind of promise of the catalogue that answers a barrier.")
class Promise:
    """A promise of the catalogue."""

    listed: strawberry.Private[ListedPromise]

    @strawberry.field(description="Its name in the catalogue.")
    def slug(self) -> str:
        """Return its slug."""
        return self.listed.slug

    @strawberry.field(description="What it is called.")
    def name(self, language: InLanguage = Language.NL) -> str:
        """Return its name."""
        return self.listed.dutch if language is Language.NL else self.listed.english


async def catalogue(view: View) -> Catalogue:
    """Return the catalogue as it stood at a view."""
    history = await view.histories.load(REGISTRY_STREAM)
    return Catalogue.of(event for event in history if event.occurred_at <= view.as_of)


def barrier(view: View, slug: str) -> Barrier:
    """Return a barrier that was in the catalogue when something named it."""
    return later(_barrier(view, slug))


def promise(view: View, slug: str) -> Promise:
    """Return a kind of promise that was in the catalogue when something named it."""
    return later(_promise(view, slug))


async def _promise(view: View, slug: str) -> Promise:
    return Promise(listed=Catalogue.of(await view.histories.load(REGISTRY_STREAM)).promises[slug])


async def _barrier(view: View, slug: str) -> Barrier:
    # Whatever names it may have been told late: the catalogue is asked for at any moment.
    return Barrier(listed=Catalogue.of(await view.histories.load(REGISTRY_STREAM)).barriers[slug])
