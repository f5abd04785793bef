"""What an organisation is at a moment, and which of its events have effect.

As in a case, every event is put at its place in time and has effect there or none: what an organisation is said to do
before it was registered, or after it ended, is on record and stands as a conflict. Everything here is told from one
stream alone; what hangs on other organisations (whether a successor has itself ended) is for whoever asks.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from ..case.corrections import mend
from ..case.history import place
from ..case.rules import Objection
from ..command import RefusalCode
from ..event import Event
from ..ids import EventId, StrategyId
from ..vocabulary import OrganisationKind, Origin
from . import facts as f


class Ending(Struct, frozen=True):
    """An organisation ended, by which event; ``into`` is its successor, none if it was dissolved."""

    at: datetime
    event: EventId
    into: str | None


class Transfer(Struct, frozen=True):
    """A task in a theme passed to another organisation at ``since``."""

    event: EventId
    theme: str
    to: str
    since: datetime


class Strategy(Struct, frozen=True):
    """A way of working that the organisation shared, or adopted from ``shared_by``.

    ``themes`` and ``origins`` are the obstacles that it is said to work for by whom it is shared, sorted.
    """

    event: EventId
    strategy: StrategyId
    at: datetime
    shared_by: str | None
    themes: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()


class Standing(Struct, frozen=True):
    """A registered organisation. ``team`` is the event that made it a solution team, if one did.

    ``transfers`` holds the transfers of its tasks, in order; the last one of a theme that has begun is the one that
    stands. One that had not begun when the next was made, or when the organisation ended, is not among them.
    """

    organisation: str
    registered_by: EventId
    name: str
    kind: OrganisationKind
    parent: str | None = None
    ended: Ending | None = None
    transfers: tuple[Transfer, ...] = ()
    team: EventId | None = None
    strategies: Mapping[StrategyId, Strategy] = MappingProxyType({})


def advance(standing: Standing | None, event: Event) -> Standing | Objection:
    """Return what an organisation is after an event, or why the event has no effect.

    ``standing`` is none before the registration. Events must come in the order in which they occurred.
    """
    fact = event.data
    if isinstance(fact, f.OrganisationRegistered):
        if standing is None:
            return Standing(fact.organisation, event.id, fact.name, fact.kind, fact.parent)
        return Objection(
            RefusalCode.ALREADY_EXISTS, "The organisation has been registered already.", (standing.registered_by,)
        )
    if standing is None:
        return Objection(RefusalCode.UNKNOWN_ORGANISATION, "The organisation is not registered at that moment.")
    if standing.ended is not None:
        how = "was dissolved" if standing.ended.into is None else f"went up in {standing.ended.into}"
        message = f"The organisation {how} before that moment."
        return Objection(RefusalCode.ORGANISATION_ENDED, message, (standing.ended.event,))
    return _after(standing, event)


def _after(standing: Standing, event: Event) -> Standing | Objection:
    """Return what a registered organisation that has not ended is after an event."""
    match event.data:
        case f.OrganisationRenamed(name=name):
            return replace(standing, name=name)
        case f.ParentChanged(parent=parent):
            return replace(standing, parent=parent)
        case f.OrganisationMerged(into=into):
            return _ended(standing, event, into)
        case f.OrganisationDissolved():
            return _ended(standing, event, None)
        case f.TaskTransferred(theme=theme, to=to, since=since):
            # A moment before the event itself counts for nothing: commands refuse it.
            began = max(since or event.occurred_at, event.occurred_at)
            kept = _begun(standing.transfers, event.occurred_at, theme)
            return replace(standing, transfers=(*kept, Transfer(event.id, theme, to, began)))
        case f.SolutionTeamEstablished():
            return replace(standing, team=event.id)
        case f.StrategyShared(strategy=strategy, themes=themes, origins=origins):
            suits = tuple(sorted(set(themes))), tuple(sorted(set(origins)))
            return _with_strategy(standing, Strategy(event.id, strategy, event.occurred_at, None, *suits))
        case f.StrategyAdopted(strategy=strategy, shared_by=shared_by):
            return _with_strategy(standing, Strategy(event.id, strategy, event.occurred_at, shared_by))
        case other:
            message = f"{type(other).__name__} is no fact of an organisation."
            raise TypeError(message)


def _ended(standing: Standing, event: Event, into: str | None) -> Standing:
    ending = Ending(event.occurred_at, event.id, into)
    return replace(standing, ended=ending, transfers=_begun(standing.transfers, event.occurred_at, None))


def _begun(transfers: tuple[Transfer, ...], at: datetime, theme: str | None) -> tuple[Transfer, ...]:
    """Return the transfers without those of one theme (none: of any) that have not begun at ``at``."""
    return tuple(one for one in transfers if one.since <= at or theme not in {None, one.theme})


def _with_strategy(standing: Standing, found: Strategy) -> Standing | Objection:
    known = standing.strategies.get(found.strategy)
    if known is not None:
        message = "The organisation has shared or adopted this strategy already."
        return Objection(RefusalCode.ALREADY_EXISTS, message, (known.event,))
    return replace(standing, strategies=MappingProxyType({**standing.strategies, found.strategy: found}))


def told(history: Sequence[Event]) -> Iterator[tuple[Event, Standing | None, Objection | None]]:
    """Yield each event of an organisation's stream in its place, what the organisation is after it, and any objection.

    ``history`` is in order of position. Events come as corrected; those struck come too, and change nothing, while
    corrections and strikings have no place of their own.
    """
    standing: Standing | None = None
    mended = mend(history)
    for event in place(mended.events):
        if event.id in mended.struck:
            yield event, standing, None
            continue
        after = advance(standing, event)
        if isinstance(after, Objection):
            yield event, standing, after
        else:
            standing = after
            yield event, standing, None


def standing_at(history: Sequence[Event], moment: datetime | None = None) -> Standing | None:
    """Return what an organisation is at a moment (none: at the end of its history), by its own stream."""
    standing: Standing | None = None
    for event, after, _ in told(history):
        if moment is not None and event.occurred_at > moment:
            break
        standing = after
    return standing
