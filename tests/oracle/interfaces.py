"""The figures of every interface, slow and obvious, written from gaps.md alone ("An interface is an ordered pair").

What passed between organisations is read off each case's story, as ``story`` reads it; the tree off the organisations'
events. Where gaps.md leaves room:

I1  Each offer is one thing at a moment: accepted, refused, withdrawn, lapsed, unanswered or still within its time.
    It is unanswered from its ``respond_by`` on, not a moment later; what was answered late was answered.
I2  A response is an acceptance or refusal. It took from the delivery to the answer, and no less than nothing: who
    answered had it by then, whatever is on record of the delivery.
I3  A referral arrived when the receiver came to hold that obstacle by an event after it, in whatever way and whether or
    not it confirmed so. Who held it already received nothing.
I4  What went across is what was accepted or arrived. It came back if a carousel that counts lies on that obstacle in
    which the one comes to stand right after the other.
I5  Rolled up, each organisation is replaced by its top in all of this, but a carousel is one of units still. What stays
    within one organisation is no interface, nor is a referral to oneself.
I6  A period is that in which the offer or referral was made.
I7  Median and ninetieth percentile lie between two values where no value does, by their distance.
I8  Above an organisation stands its successor, or else its parent. Its top is the last in line that is registered; in a
    circle, and for whoever stands below one, there is none, and everyone stands for itself.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from knelpunt.domain.case.facts import (
    HandoffAccepted,
    HandoffOffered,
    HandoffRefused,
    HandoffWithdrawn,
    ObstacleReported,
    SubjectReferred,
)
from knelpunt.domain.event import Event
from knelpunt.domain.organisation.facts import (
    OrganisationDissolved,
    OrganisationMerged,
    OrganisationRegistered,
    ParentChanged,
)
from knelpunt.domain.settings import DEFAULTS, Settings
from knelpunt.domain.vocabulary import RefusalGround

from .gaps import Chain, carousel, gaps_of
from .story import judge, offer_end, segments, stretches
from .told import delivered_at, mend, respond_by, told

Pair = tuple[str, str]


@dataclass(frozen=True)
class Passage:
    """An offer or a referral and what became of it; ``neighbours``: who came after whom in its carousels."""

    from_: str
    to: str
    made: datetime
    became: str
    took: timedelta | None
    ground: RefusalGround | None
    neighbours: frozenset[Pair]


@dataclass(frozen=True)
class OInterface:
    """The figures of one ordered pair; times in days."""

    offers: int
    accepted: int
    refused: int
    withdrawn: int
    lapsed: int
    unanswered: int
    pending: int
    referrals: int
    arrived: int
    median: float | None
    p90: float | None
    grounds: Mapping[RefusalGround, int]
    came_back: float | None


def story_of(case: Sequence[Event], as_of: datetime, known_at: datetime, settings: Settings = DEFAULTS) -> list[Event]:
    """Return the events of one case that have effect; ``case`` in the order in which they were recorded."""
    shown = told(case, as_of, known_at, None)
    return judge(shown, lambda past, t: [f.gap for f in gaps_of(past, t, settings)])[0]


def passages(story: list[Event], as_of: datetime, settings: Settings = DEFAULTS) -> list[Passage]:
    """Return all that was offered or referred in one case."""
    obstacles = [e.data.obstacle for e in story if isinstance(e.data, ObstacleReported)]
    neighbours = {o: _neighbours(story, o, as_of, settings) for o in obstacles}
    found: list[Passage] = []
    for n, e in enumerate(story):
        if isinstance(e.data, HandoffOffered):
            end = offer_end(story, n)
            became, took, ground = _offered(e, None if end is None else story[end], as_of, settings)
        elif isinstance(e.data, SubjectReferred):
            later = [s.holder for s in stretches(story, e.data.obstacle) if s.begin > n]
            became, took, ground = "arrived" if e.data.to in later else "referred", None, None
        else:
            continue
        found.append(Passage(e.data.from_, e.data.to, e.occurred_at, became, took, ground, neighbours[e.data.obstacle]))
    return found


def _offered(
    offer: Event, end: Event | None, as_of: datetime, settings: Settings
) -> tuple[str, timedelta | None, RefusalGround | None]:
    """Return what became of an offer, how long its response took and on what ground it was refused."""
    if end is None:
        return "unanswered" if respond_by(offer, settings) <= as_of else "pending", None, None
    if getattr(end.data, "handoff", None) != offer.data.handoff:
        return "lapsed", None, None
    took = max(end.occurred_at - delivered_at(offer), timedelta())
    match end.data:
        case HandoffAccepted():
            return "accepted", took, None
        case HandoffRefused(ground=ground):
            return "refused", took, ground
        case HandoffWithdrawn():
            return "withdrawn", None, None
    raise AssertionError(end)


def _neighbours(story: list[Event], obstacle: UUID, as_of: datetime, settings: Settings) -> frozenset[Pair]:
    """Return who came right after whom in a carousel that counts."""
    chain = Chain(story, obstacle, as_of, settings, stretches(story, obstacle), segments(story, obstacle))
    rings = [f.gap.involved for f in carousel(chain) if f.gap.counts]
    return frozenset(pair for ring in rings for pair in pairwise(ring))


def tops(organisations: Iterable[Event], as_of: datetime, known_at: datetime) -> dict[str, str]:
    """Return under whom each registered organisation stands, by the organisations' events."""
    streams: dict[UUID, list[Event]] = {}
    for e in organisations:
        if e.recorded_at <= known_at:
            streams.setdefault(e.stream, []).append(e)
    mended = [mend(recorded) for recorded in streams.values()]
    seen = [e for events, struck, _ in mended for e in events if e.id not in struck and e.occurred_at <= as_of]
    above: dict[str, str | None] = {}
    ended: set[str] = set()
    for e in sorted(seen, key=lambda e: (e.occurred_at, e.position)):
        who = e.data.organisation
        match e.data:
            case OrganisationRegistered(parent=parent) if who not in above:
                above[who] = parent
            case ParentChanged(parent=parent) if who in above and who not in ended:
                above[who] = parent
            case OrganisationMerged(into=into) if who in above and who not in ended:
                above[who] = into
                ended.add(who)
            case OrganisationDissolved() if who in above:
                ended.add(who)
    return {who: _top(above, who) for who in above}


def _top(above: Mapping[str, str | None], who: str) -> str:
    line = [who]
    while (up := above[line[-1]]) is not None and up in above:
        if up in line:
            return who
        line.append(up)
    return line[-1]


def interfaces(
    found: Iterable[Passage],
    period: tuple[datetime | None, datetime | None] = (None, None),
    top_of: Mapping[str, str] | None = None,
) -> dict[Pair, OInterface]:
    """Return every interface; with ``top_of`` rolled up."""
    begin, end = period
    tree = top_of or {}
    pairs: dict[Pair, list[Passage]] = {}
    for one in found:
        pair = tree.get(one.from_, one.from_), tree.get(one.to, one.to)
        if pair[0] != pair[1] and (begin is None or one.made >= begin) and (end is None or one.made < end):
            pairs.setdefault(pair, []).append(one)
    return {pair: _figures(pair, across, tree) for pair, across in pairs.items()}


def _figures(pair: Pair, across: list[Passage], tree: Mapping[str, str]) -> OInterface:
    became = Counter(one.became for one in across)
    referrals = became["referred"] + became["arrived"]
    took = sorted(one.took / timedelta(days=1) for one in across if one.took is not None)
    went = [one for one in across if one.became in {"accepted", "arrived"}]
    back = [one for one in went if pair in {(tree.get(a, a), tree.get(b, b)) for a, b in one.neighbours}]
    return OInterface(
        offers=len(across) - referrals,
        accepted=became["accepted"],
        refused=became["refused"],
        withdrawn=became["withdrawn"],
        lapsed=became["lapsed"],
        unanswered=became["unanswered"],
        pending=became["pending"],
        referrals=referrals,
        arrived=became["arrived"],
        median=_percentile(took, 0.5),
        p90=_percentile(took, 0.9),
        grounds=dict(Counter(one.ground for one in across if one.ground is not None)),
        came_back=len(back) / len(went) if went else None,
    )


def _percentile(values: Sequence[float], share: float) -> float | None:
    """Return below which value a share of these (sorted) lies."""
    if not values:
        return None
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])
