"""Where to look for gaps in the order of time: in which stretch of it those lie that are the answer at two times.

What is awaited by a day is a gap from that day on, to whoever asks what would be if nothing more were recorded. Mostly
something is, and such a row never was the answer to who asked up to what was known. In a generated registry six in ten
rows are of that kind. So they have indexes of their own, and those of what came true do not hold them:

* Who asks up to ``knownAt`` finds nothing that was only foreseen: what began by ``asOf`` had begun while it was known.
* Who asks for later finds what came true up to ``knownAt``, and beyond it nothing but what was foreseen.

What was foreseen is found by how long ahead it was at most: nothing that begins later than that after ``knownAt`` was
known by then. And what is the answer for a short time only is found close to the two times. So a list passes little
that is not the answer, however many years the registry holds (decisions/0065).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from .lens import Moment

AHEAD: Final = (timedelta(days=64), timedelta(days=128), timedelta(days=256))
"""How long ahead rows of each class were foreseen at most; those of one more class, longer; the table says the same.

Of a class no more is passed in vain than begins within this time, most of which was foreseen in at least half of it.
"""

SHORT: Final = timedelta(days=256)
"""For how long what is not ``long`` is the answer, at most, from when it has lasted; the table says the same.

What runs mostly ends within it. A list whose longest come first would else pass all that ended before ``asOf``.
"""

_CLASSES: Final[Sequence[LiteralString]] = ("ahead = 1", "ahead = 2", "ahead = 3", "ahead = 4")

_EVER: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = UUID(int=2**128 - 1)
"""No gap has this id: it is no UUID of any version (RFC 9562)."""

Place = tuple[datetime, UUID]
"""When a row began, and its id: where a page ended."""


class Arm(Struct, frozen=True):
    """A part of a list that one index has in its order: the condition that picks it, and the values it names."""

    condition: LiteralString
    values: dict[str, Any]


def running(moment: Moment, after: Place | None, name: LiteralString = "") -> Sequence[Arm]:
    """Return the parts of what runs, in the order of since when it has lasted; beyond a place, if there is one.

    What runs is open, and at no moment is one found that has lasted since a later one. Where a statement has these
    parts twice, ``name`` keeps their values apart.
    """
    column: LiteralString = "lasting_since"
    is_: LiteralString = "lasted < 0 AND open"
    true: LiteralString = f"{is_} AND known_until > lasting_since"
    upto = min(moment.as_of, moment.known_at)
    recent = upto - min(SHORT, upto - _EVER)
    parts = (
        _ascending(column, f"{name}_0", f"{true} AND long", _EVER, upto, after),
        _ascending(column, f"{name}_1", f"{true} AND NOT long", recent, upto, after),
    )
    if moment.as_of <= moment.known_at:
        return parts
    seen: LiteralString = f"{is_} AND known_from < lasting_since"
    return (*parts, _ascending(column, f"{name}_2", seen, upto, moment.as_of, after))


def begun(moment: Moment, after: Place | None, *, newest: bool) -> Sequence[Arm]:
    """Return the parts of a list in the order of when gaps began: the newest first, or the oldest."""
    ordered = _descending if newest else _ascending
    true: LiteralString = "known_until > from_at"
    if moment.as_of <= moment.known_at:
        return (ordered("from_at", "_0", true, _EVER, moment.as_of, after),)
    span = moment.as_of - moment.known_at
    ends = (*(moment.known_at + min(span, ahead) for ahead in AHEAD), moment.as_of)
    return (
        ordered("from_at", "_0", true, _EVER, moment.known_at, after),
        *(
            ordered("from_at", name, f"known_from < from_at AND {class_}", moment.known_at, end, after)
            for name, class_, end in zip(_NAMES, _CLASSES, ends, strict=True)
        ),
    )


def ended(moment: Moment, after: Place | None) -> Sequence[Arm]:
    """Return the parts of a list of what has ended, the last ended first."""
    if moment.as_of <= moment.known_at:
        return (_descending("until_at", "_0", "NOT open", _EVER, moment.as_of, after),)
    return (
        _descending("until_at", "_0", "NOT open", _EVER, moment.known_at, after),
        _descending("until_at", "_1", "NOT open AND known_from < until_at", moment.known_at, moment.as_of, after),
    )


_NAMES: Final[Sequence[LiteralString]] = ("_1", "_2", "_3", "_4")


# A search begins at one condition that an index can begin at: of two, PostgreSQL may take the wrong one, and pass all
# that lies between. So the place and the bound are compared here.
def _ascending(
    column: LiteralString,
    name: LiteralString,
    picked: LiteralString,
    beyond: datetime,
    upto: datetime,
    after: Place | None,
) -> Arm:
    """Return what is picked of what lies beyond one moment, up to another, and after a place."""
    begin = (beyond, _LAST) if after is None else max((beyond, _LAST), after)
    return Arm(
        f"{picked} AND ({column}, gap_id) > (%(begin{name})s, %(begin_gap{name})s) AND {column} <= %(end{name})s",
        {f"begin{name}": begin[0], f"begin_gap{name}": begin[1], f"end{name}": upto},
    )


def _descending(
    column: LiteralString,
    name: LiteralString,
    picked: LiteralString,
    beyond: datetime,
    upto: datetime,
    after: Place | None,
) -> Arm:
    """Return the same for a list that goes back in time, from the last moment and before a place."""
    begin = (upto, _LAST) if after is None else min((upto, _LAST), after)
    return Arm(
        f"{picked} AND ({column}, gap_id) < (%(begin{name})s, %(begin_gap{name})s) AND {column} > %(end{name})s",
        {f"begin{name}": begin[0], f"begin_gap{name}": begin[1], f"end{name}": beyond},
    )
