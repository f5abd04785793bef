"""The catalogue of barriers and promises: what keeps government from involving citizens, and what answers it.

Those that a registry begins with come from a workshop of some seventy practitioners. Its administrator adds others by
events of the registry's own (``registry.facts``); none is ever taken away, since causes and dossiers name them. What
they are called in Dutch and English stands in clear: it is about nobody.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from .event import Event
from .registry.facts import BarrierAdded, PromiseAdded
from .vocabulary import BarrierPlace


class Barrier(Struct, frozen=True):
    """Something that keeps government from involving citizens, where it stands, and its names."""

    slug: str
    place: BarrierPlace
    dutch: str
    english: str


class Promise(Struct, frozen=True):
    """A kind of promise that answers a barrier, and its names."""

    slug: str
    dutch: str
    english: str


_SHARED, _POLICY, _EXECUTION = BarrierPlace.SHARED, BarrierPlace.POLICY, BarrierPlace.EXECUTION

BARRIERS: Final = (
    Barrier("time-and-timing", _SHARED, "te weinig tijd en een slecht moment", "too little time, and bad timing"),
    Barrier(
        "policy-and-execution-apart",
        _SHARED,
        "beleid en uitvoering weten te weinig van elkaar",
        "policy and execution are too far apart",
    ),
    Barrier(
        "room-in-own-organisation",
        _SHARED,
        "te weinig ruimte in de eigen organisatie",
        "too little room in one's own organisation",
    ),
    Barrier(
        "trust-in-expertise",
        _POLICY,
        "te weinig vertrouwen in wat burgers weten",
        "too little trust in what citizens know",
    ),
    Barrier("how-and-whom", _POLICY, "niet weten hoe en wie te betrekken", "not knowing how and whom to involve"),
    Barrier(
        "motivation",
        _POLICY,
        "te weinig motivatie en twijfel over de eigen rol",
        "too little motivation, and doubts about one's role",
    ),
    Barrier(
        "grip-on-outcome",
        _POLICY,
        "te weinig grip op kosten en uitkomst",
        "too little grip on costs and outcome",
    ),
    Barrier(
        "performance-indicators",
        _EXECUTION,
        "prestatie-indicatoren die betrekken tegenwerken",
        "performance indicators that work against it",
    ),
    Barrier("culture-of-efficiency", _EXECUTION, "een cultuur van efficiëntie", "a culture of efficiency"),
    Barrier("staff-resistance", _EXECUTION, "weerstand bij medewerkers", "resistance among staff"),
    Barrier("perverse-incentives", _EXECUTION, "verkeerde prikkels", "perverse incentives"),
    Barrier(
        "system-too-complex",
        _EXECUTION,
        "een stelsel dat er te ingewikkeld voor is",
        "a system of execution too complex for it",
    ),
    Barrier("empathy", _EXECUTION, "te weinig inleving", "too little empathy"),
)

PROMISES: Final = (
    Promise(
        "formal-structure",
        "de formele structuur veranderen: indicatoren, jaargesprekken, bestaande standaarden",
        "change the formal structure: indicators, annual reviews, existing standards",
    ),
    Promise(
        "informal-culture",
        "de informele cultuur veranderen: ervaringen delen, tegenspraak organiseren, steun van leiders",
        "change the informal culture: share experience, organise dissent, have leaders' support",
    ),
    Promise(
        "execution-in-design",
        "de uitvoering betrekken bij het ontwerp van beleid",
        "involve execution in the design of policy",
    ),
    Promise("like-minded", "samen optrekken met gelijkgestemde collega's", "join with like-minded colleagues"),
    Promise("good-stories", "de goede verhalen en werkwijzen vertellen", "tell the good stories and practices"),
)


class Catalogue(Struct, frozen=True):
    """Barriers and promises by their slugs: those that every registry begins with, then those added."""

    barriers: Mapping[str, Barrier]
    promises: Mapping[str, Promise]

    @classmethod
    def of(cls, history: Iterable[Event]) -> "Catalogue":
        """Return what the events of the registry's own stream, in order of position, make of it."""
        barriers = {one.slug: one for one in BARRIERS}
        promises = {one.slug: one for one in PROMISES}
        for event in history:
            match event.data:
                case BarrierAdded(slug=slug, place=place, dutch=dutch, english=english):
                    barriers.setdefault(slug, Barrier(slug, place, dutch, english))
                case PromiseAdded(slug=slug, dutch=dutch, english=english):
                    promises.setdefault(slug, Promise(slug, dutch, english))
                case _:
                    pass
        return cls(barriers, promises)

    def has_barrier(self, slug: str) -> bool:
        """Return whether there is such a barrier."""
        return slug in self.barriers

    def has_promise(self, slug: str) -> bool:
        """Return whether there is such a promise."""
        return slug in self.promises
