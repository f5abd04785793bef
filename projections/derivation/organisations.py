"""What an organisation is over time: the facets of an organisation's stream."""

from collections.abc import Sequence

from ...domain.case.rules import Objection
from ...domain.event import Event
from ...domain.ids import EventId
from ...domain.organisation.standing import Standing, Transfer, advance
from .facets import Key, Turns, note_todos
from .organisation_facets import OrganisationFacet, StrategyFacet, TaskFacet
from .timelines import Timelines
from .todos import todo_of_conflict


class OrganisationFacets:
    """An organisation at the moment of the last event that it was shown."""

    __slots__ = ("_inert", "_standing")

    def __init__(self) -> None:
        """Start with an organisation that is not registered."""
        self._standing: Standing | None = None
        self._inert: dict[EventId, list[Event]] = {}

    def mended(self, inert: Sequence[tuple[Event, EventId]]) -> None:
        """Take note of the corrections and strikings that cannot be applied, each with the event that it names."""
        for event, target in inert:
            self._inert.setdefault(target, []).append(event)

    def show(self, event: Event, *, struck: bool = False) -> dict[Key, Turns]:
        """Advance by one event; return what it changed, from its moment on. Most of what it is, it stays."""
        at = event.occurred_at
        changed: dict[Key, Turns] = {}
        note_todos(changed, (todo_of_conflict(mending, at, None) for mending in self._inert.get(event.id, ())))
        if struck:
            return changed
        before, after = self._standing, advance(self._standing, event)
        if isinstance(after, Objection):
            note_todos(changed, (todo_of_conflict(event, at, None),))
            return changed
        self._standing = after
        now = facet_of(after)
        if before is None or now != facet_of(before):
            changed[after.organisation] = [(event.occurred_at, None, now)]
        transfers = before.transfers if before else ()
        for theme in {one.theme for one in {*transfers, *after.transfers}}:
            if _of(transfers, theme) != _of(after.transfers, theme):
                changed[f"task/{theme}"] = _turns(after.organisation, _of(after.transfers, theme))
        for strategy in after.strategies.keys() - (before.strategies.keys() if before else ()):
            found = after.strategies[strategy]
            facet = StrategyFacet(
                *(after.organisation, strategy, found.at, found.shared_by, found.event, found.themes, found.origins)
            )
            changed[strategy.int] = [(found.at, None, facet)]
        return changed

    @property
    def standing(self) -> Standing | None:
        """What the organisation is now; none before its registration."""
        return self._standing


def facet_of(standing: Standing) -> OrganisationFacet:
    """Return what the read model keeps of an organisation as it stands."""
    ended = standing.ended
    return OrganisationFacet(
        standing.organisation,
        standing.name,
        standing.kind,
        standing.parent,
        ended.at if ended else None,
        ended.into if ended else None,
        standing.team,
    )


def _of(transfers: Sequence[Transfer], theme: str) -> list[Transfer]:
    return [one for one in transfers if one.theme == theme]


def _turns(organisation: str, transfers: Sequence[Transfer]) -> Turns:
    """Return the transfers of one theme, each until the next one begins."""
    # The last one has no next one, which is why zip may stop short of it.
    ends = (*(one.since for one in transfers[1:]), None)
    return [
        (one.since, until, TaskFacet(organisation, one.theme, one.to, one.since, one.event))
        for one, until in zip(transfers, ends, strict=False)
    ]


def organisation_timelines(recorded: Sequence[Event] = ()) -> Timelines:
    """Return the timelines of an organisation, started from the events whose rows are stored already."""
    return Timelines(OrganisationFacets, recorded)
