"""The facts of the registry itself: its terms and graces, as they are changed in the course of time.

They are about no case and no organisation, and stand in one stream of their own.
"""

from typing import Annotated, Final
from uuid import UUID, uuid5

from msgspec import Meta

from ..event import Fact
from ..ids import NAMESPACE
from ..vocabulary import GapKind, Term

STREAM: Final[UUID] = uuid5(NAMESPACE, "registry")
"""The one stream in which they stand."""

DAYS_MAX: Final = 3_650
"""The longest term or grace, in days: ten years. Longer is a mistake of typing."""

Days = Annotated[int, Meta(ge=0, le=DAYS_MAX)]
"""A number of whole days."""


class RegistryFact(Fact, frozen=True, gc=False):
    """A fact that stands in the registry's own stream."""


class TermChanged(RegistryFact, frozen=True, gc=False):
    """A term of the registry is so many days for every clock that starts from now on."""

    topic = "term-changed"

    term: Term
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)]


class GraceChanged(RegistryFact, frozen=True, gc=False):
    """A gap of a kind that begins from now on counts once it has lasted longer than so many days."""

    topic = "grace-changed"

    kind: GapKind
    days: Days
