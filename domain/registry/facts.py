"""The facts of the registry itself: its terms and graces and its catalogue, as they change in the course of time.

They are about no case and no organisation, and stand in one stream of their own.
"""

from typing import Annotated, Final
from uuid import UUID, uuid5

from msgspec import Meta

from ..event import Fact
from ..ids import NAMESPACE, BarrierSlug, PromiseSlug
from ..vocabulary import BarrierPlace, GapKind, Term

STREAM: Final[UUID] = uuid5(NAMESPACE, "registry")
"""The one stream in which they stand."""

DAYS_MAX: Final = 3_650
"""The longest term or grace, in days: ten years. Longer is a mistake of typing."""

Days = Annotated[int, Meta(ge=0, le=DAYS_MAX)]
"""A number of whole days."""


class RegistryFact(Fact, frozen=True, gc=False):
    """A fact that stands in the registry's own stream."""


class SettingFact(RegistryFact, frozen=True, gc=False):
    """A fact that changes how long is long, and so what is derived of clocks that start from then on."""


class TermChanged(SettingFact, frozen=True, gc=False):
    """A term of the registry is so many days for every clock that starts from now on."""

    topic = "term-changed"

    term: Term
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)]


class GraceChanged(SettingFact, frozen=True, gc=False):
    """A gap of a kind that begins from now on counts once it has lasted longer than so many days."""

    topic = "grace-changed"

    kind: GapKind
    days: Days


CatalogueName = Annotated[str, Meta(min_length=1, max_length=200)]
"""What something of the catalogue is called: public, and so not sealed."""


class BarrierAdded(RegistryFact, frozen=True, gc=False):
    """The catalogue has one more barrier: what keeps government from involving citizens."""

    topic = "barrier-added"

    slug: BarrierSlug
    place: BarrierPlace
    dutch: CatalogueName
    english: CatalogueName


class PromiseAdded(RegistryFact, frozen=True, gc=False):
    """The catalogue has one more kind of promise that answers a barrier."""

    topic = "promise-added"

    slug: PromiseSlug
    dutch: CatalogueName
    english: CatalogueName
