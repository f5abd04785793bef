"""Where in an OCEL log a mapping finds cases, obstacles and organisations: by which types of object, and how related.

An event of such a log names any number of objects, and objects name each other; each relation may carry a qualifier
(OCEL 2.0 specification, section 3). A place is one or more routes along these relations, each from the event on to the
id of an object or one of its attributes.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

STEPS_MAX: Final = 8
"""The longest route: no log is so roundabout, and each step multiplies the objects that an event leads to."""

Name = Annotated[str, Meta(min_length=1, max_length=255)]


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """The last step of a route: to objects of a type, by a relation with a qualifier (none: by any).

    The relation is one of the event, or with ``via`` one of the objects there, from source to target unless
    ``inverse``. With an ``attribute`` the route ends in its value, as it was at the time of the event; without a type,
    in that attribute of the event itself.
    """

    type: Name | None = None
    qualifier: Name | None = None
    inverse: bool = False
    via: "Name | Step | None" = None
    attribute: Name | None = None


Place = Name | Step | tuple[Name | Step, ...]
"""A name alone is a column or an attribute in a log of rows, and a type of object in an OCEL log. Of several routes,
the first that leads anywhere counts."""

Route = tuple[Step, ...]
"""The steps of a route, that from the event first."""


def routes_of(place: Place | None) -> tuple[Route, ...]:
    """Return the routes of a place in the order in which they are tried."""
    if place is None:
        return ()
    return tuple(_route_to(last) for last in (place if isinstance(place, tuple) else (place,)))


def described(place: Place) -> str:
    """Return a place for a sentence: what its routes end in."""
    ends: list[str] = []
    for *_, last in routes_of(place):
        kind = None if last.type is None else repr(last.type)
        attribute = None if last.attribute is None else repr(last.attribute)
        ends.append(" of ".join(part for part in (attribute, kind) if part is not None))
    return " or ".join(dict.fromkeys(ends))


def misfit(place: Place) -> str | None:
    """Return what is wrong with a place although it is of the right form, or none."""
    routes = routes_of(place)
    if not routes:
        return "a place has at least one route"
    for first, *others in routes:
        if 1 + len(others) > STEPS_MAX:
            return f"a route has at most {STEPS_MAX} steps"
        if first.inverse:
            return "inverse needs a via: a relation of the event itself leads from the event to an object"
        if any(step.attribute is not None for step in (first, *others)[:-1]):
            return "a via is an object, and cannot be an attribute"
        if first.type is None and (others or first.attribute is None or first.qualifier is not None):
            return "a type is missing; only an attribute of the event itself has none, and nothing else beside it"
        if any(step.type is None for step in others):
            return "a type is missing; only an attribute of the event itself has none, and nothing else beside it"
    return None


def _route_to(last: str | Step) -> Route:
    """Return the steps that end in a step."""
    steps: list[Step] = []
    step: str | Step | None = last
    while step is not None:
        steps.append(Step(step) if isinstance(step, str) else step)
        step = steps[-1].via
    return tuple(reversed(steps))
