"""The registry's terms and graces, as clients see them."""

from datetime import timedelta
from typing import Final

import strawberry

from ..domain import settings
from ..domain.vocabulary import GapKind, Term

_DAY: Final = timedelta(days=1)


@strawberry.type(description="How long a gap of a kind must last before it counts.")
class Grace:
    """A kind of gap and its grace."""

    kind: GapKind = strawberry.field(description="The kind of gap.")
    days: int = strawberry.field(description="Longer than so many days.")


@strawberry.type(description="How long a term is.")
class TermLength:
    """A term and its length."""

    term: Term = strawberry.field(description="The term.")
    days: int = strawberry.field(description="In days.")


@strawberry.type(
    description="The terms and graces of the registry. A clock goes by those that were in force when it started."
)
class Settings:
    """The terms and graces in force."""

    terms: list[TermLength] = strawberry.field(description="Every term.")
    graces: list[Grace] = strawberry.field(description="The grace of every kind of gap.")


def settings_shown(given: settings.Settings) -> Settings:
    """Return settings as clients see them."""
    return Settings(
        terms=[TermLength(term=term, days=given.term(term) // _DAY) for term in Term],
        graces=[Grace(kind=kind, days=given.grace(kind) // _DAY) for kind in GapKind],
    )
