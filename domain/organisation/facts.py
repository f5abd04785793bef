"""The facts of an organisation: what it is called, where it belongs, what becomes of it and of its tasks.

What a merger, a dissolution or the transfer of a task does to obstacles is not here: the registry writes it into each
case (``succession``). Texts are about no person; they are sealed under a key of the organisation's own.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from ..event import Fact
from ..ids import EventId, OrganisationId, RuleReference, StrategyId, Theme
from ..text import Text
from ..vocabulary import OrganisationKind, Origin, StrikeReason, TeamMotive

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


class ParentChanged(OrganisationFact, frozen=True, gc=False):
    """The organisation is a unit of ``parent`` from now on, or of none."""

    topic = "parent-changed"

    parent: OrganisationId | None = None


class OrganisationMerged(OrganisationFact, frozen=True, gc=False):
    """The organisation went up in ``into``, which succeeds it in everything."""

    topic = "organisation-merged"

    into: OrganisationId


class OrganisationDissolved(OrganisationFact, frozen=True, gc=False):
    """The organisation is no more, and nobody succeeds it."""

    topic = "organisation-dissolved"


class TaskTransferred(OrganisationFact, frozen=True, gc=False):
    """The organisation's task in a theme is another's from ``since`` on (none: from when this occurred)."""

    topic = "task-transferred"

    theme: Theme
    to: OrganisationId
    since: datetime | None = None
    basis: RuleReference | None = None


class SolutionTeamEstablished(OrganisationFact, frozen=True, gc=False):
    """The organisation is a solution team from now on, or is given another mandate.

    ``mandate`` says what it may do, ``contact`` how to reach it.
    """

    topic = "solution-team-established"

    motives: tuple[TeamMotive, ...]
    mandate: Text | None = None
    contact: Text | None = None


class StrategyShared(OrganisationFact, frozen=True, gc=False):
    """The organisation shares a way of working with others. It has a title: commands without one are refused.

    ``themes`` and ``origins`` say for what kind of obstacles it worked: about what, and where they came from.
    """

    topic = "strategy-shared"

    strategy: StrategyId
    title: Text | None = None
    description: Text | None = None
    themes: tuple[Theme, ...] = ()
    origins: tuple[Origin, ...] = ()


class StrategyAdopted(OrganisationFact, frozen=True, gc=False):
    """The organisation works in the way that another one shared."""

    topic = "strategy-adopted"

    strategy: StrategyId
    shared_by: OrganisationId


class OrganisationFactCorrected(OrganisationFact, frozen=True, gc=False):
    """A field of an earlier event of the organisation was wrong.

    As in a case (``case.facts.FactCorrected``); which organisation an event is about cannot be corrected.
    """

    topic = "organisation-fact-corrected"
    mends = True

    event: EventId
    field: str
    value: str | int | bool | tuple[str, ...] | None = None
    content: Text | None = None
    reason: Text | None = None


class OrganisationEventStruck(OrganisationFact, frozen=True, gc=False):
    """An earlier event of the organisation should never have been recorded; it stays in the log, without effect."""

    topic = "organisation-event-struck"
    mends = True

    event: EventId
    reason: StrikeReason
