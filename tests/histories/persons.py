"""The machine that makes the cases of one person, in which what happens in one case bears on the others.

Each case is a ``World`` of its own, with its own desks, and all of them share one clock. In between what happens within
a case by itself come the plots that take several: obstacles that wait for each other, too many holders at once, and
what one organisation's handling sets off at another.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final
from uuid import UUID

from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.vocabulary import CaseRelation, GapKind, Stance, WaitingGround

from .plots import PLOTS, anything, something
from .recording import record
from .world import DAY, ORGANISATIONS, Obstacle, World, moment

CASES: Final = (1, 2, 2, 2, 3, 3, 4)
"""How many cases a person may have."""

EVENTS_A_CASE: Final = (4, 16)

UNENDED: Final = 0.6
"""The share of persons with several cases with whom something that lies over them is not over in the end."""


class Person:
    """Somebody with several cases; their second subject, if any, is another person who stands in some of them too."""

    def __init__(self, rng: Random, count: int) -> None:
        """Open the first case, and report something in it; the others come later."""
        self.rng = rng
        self.subject = UUID(int=rng.getrandbits(128), version=4)
        self.partner = UUID(int=rng.getrandbits(128), version=4)
        self.now = 0
        self.count = count
        self.worlds: list[World] = []
        self.case()

    def chance(self, share: float) -> bool:
        """Decide something that is so in a share of the cases."""
        return self.rng.random() < share

    def case(self) -> World:
        """Open another case, in which one or two things are reported, mostly received by somebody."""
        both = (self.subject, self.partner) if self.chance(0.5) else (self.partner, self.subject)
        subjects = (self.subject,) if self.chance(0.7) else both
        world = World(self.rng, subjects, self.now)
        world.mistaken = ((self.subject,), (self.partner,), both)
        self.worlds.append(world)
        for _ in range(self.rng.choice((1, 1, 2))):
            world.report(world.other() if self.chance(0.75) else None)
        return world

    def go_on_in(self, world: World) -> World:
        """Let the clock of one case be everybody's."""
        self.now = world.now = max(w.now for w in self.worlds)
        return world

    def pass_time(self, days: int | None = None) -> None:
        """Let time pass for all cases."""
        world = self.go_on_in(self.rng.choice(self.worlds))
        world.pass_time(days)
        for other in self.worlds:
            other.now = world.now
        self.now = world.now

    def some(self, count: int) -> list[tuple[World, Obstacle]]:
        """Return as many obstacles as there may be, of different cases first, each now open and held."""
        worlds = self.rng.sample(self.worlds, len(self.worlds))
        chosen: list[tuple[World, Obstacle]] = []
        while len(chosen) < count:
            world = self.go_on_in(worlds[len(chosen) % len(worlds)])
            rest = [o for o in world.obstacles if all(o is not other for _, other in chosen)]
            o = self.rng.choice(rest) if rest else world.report(world.other())
            if not o.open:
                world.reopen(o)
            if o.holder is None:
                world.take(o)
            chosen.append((world, o))
        return chosen


def waits_across(p: Person) -> None:
    """Obstacles of different cases wait for each other in a circle, or nearly."""
    circle = p.some(p.rng.choice((2, 2, 3)))
    for n, (world, o) in enumerate(circle):
        p.go_on_in(world)
        if o.holder is None:
            world.take(o)
        if o.waits:
            world.stop_waiting(o)
        if n or p.chance(0.95):
            world.strangers, strangers = 0.0, world.strangers
            world.wait(o, circle[(n + 1) % len(circle)][1], WaitingGround.OTHER_OBSTACLE)
            world.strangers = strangers
        p.pass_time(p.rng.choice((0, 0, 1, 7)))
    if p.chance(0.6):
        p.pass_time()
        world, o = circle[0]
        world.stop_waiting(o)
        if p.chance(0.5):
            world.wait(o, circle[1][1], WaitingGround.OTHER_OBSTACLE)


def held_by_many(p: Person) -> list[tuple[World, Obstacle]]:
    """Three or four different ones come to hold something."""
    found = p.some(p.rng.choice((3, 3, 4)))
    for (world, o), who in zip(found, p.rng.sample(ORGANISATIONS, len(found)), strict=True):
        p.go_on_in(world)
        if o.holder != who:
            if o.holder is not None:
                world.release(o)
            world.take(o, who)
        p.pass_time(p.rng.choice((0, 0, 0, 1, 7)))
    return found


def too_many_holders(p: Person) -> None:
    """They hold it for about as long as may be."""
    found = held_by_many(p)
    if p.chance(0.2):
        coordinated(p)
    p.pass_time(p.rng.choice((27, 28, 28, 29, 35, 56)))
    world, o = p.rng.choice(found)
    p.go_on_in(world)
    p.rng.choice((World.release, World.resolve, World.offer, World.accept, World.coordinate, World.close))(world, o)


def coordinated(p: Person) -> None:
    """Somebody keeps the overview of one of the cases, for a time or until further notice."""
    world = p.go_on_in(p.rng.choice(p.worlds))
    who = world.other()
    until = moment(world.later()) if p.chance(0.7) else None
    world.tell(f.CoordinatorNamed(who, until), who, world.opening)


def sets_off(p: Person) -> None:
    """What is done about one obstacle sets off another, most often in another case."""
    (_, first), (world, _) = p.some(2)
    p.go_on_in(world).report(world.other() if p.chance(0.6) else None, first.id)


def split_across(p: Person) -> None:
    """An obstacle proves to be two, one of them known already, perhaps in another case."""
    (world, o), (_, other) = p.some(2)
    p.go_on_in(world)
    part = world.report(o.holder if p.chance(0.5) else None)
    world.split_into(o, [part, other])


def linked(p: Person) -> None:
    """Two cases are said to belong together."""
    world, other = p.rng.choice(p.worlds), p.rng.choice(p.worlds)
    p.go_on_in(world)
    relation = p.rng.choice(tuple(CaseRelation))
    world.tell(f.CaseLinked(other.case, relation), world.other(), world.opening)


def owned_up_to(p: Person) -> None:
    """An organisation owns up to a gap over several cases, most often with a plan; it may be off about which gap."""
    world = p.go_on_in(p.rng.choice(p.worlds))
    subject = p.subject if p.chance(0.9) else p.partner
    kind = GapKind.UNCOORDINATED if p.chance(0.7) else GapKind.DEADLOCK
    begun_by = p.rng.choice([draft for other in p.worlds for draft in other.drafts[-4:]])
    id_ = gap_id_of(subject, kind.value, begun_by.id) if p.chance(0.6) else world.new_id()
    mark = f.GapMark(id_, kind, None, moment(world.now - p.rng.choice((0, 0, 1, 7, 60)) * DAY))
    plan = world.text() if p.chance(0.9) else None
    due = None if plan is None or p.chance(0.1) else moment(world.later())
    who = world.other()
    if p.chance(0.9):
        world.tell(f.GapAcknowledged(mark, who, plan, due, subject), who, world.opening)
    else:
        stance = p.rng.choice(tuple(Stance))
        world.tell(f.AccountGiven(f.Party(organisation=who), stance, gap=mark, subject=subject), who, world.opening)


def late_promise(p: Person) -> None:
    """What nobody coordinates is owned up to while it lasts, and what was promised comes late or not at all."""
    found = held_by_many(p)
    for _ in range(p.rng.choice((1, 1, 2))):
        owned_up_to(p)
    p.pass_time(p.rng.choice((7, 30, 60)))
    if p.chance(0.5):
        world, o = p.rng.choice(found)
        p.go_on_in(world).release(o)


ACROSS: Final[Sequence[Callable[[Person], None]]] = (
    *(waits_across,) * 4,
    *(too_many_holders,) * 3,
    *(late_promise,) * 2,
    owned_up_to,
    coordinated,
    sets_off,
    split_across,
    linked,
)


def make_person(rng: Random, count: int | None = None, size: int | None = None) -> list[list[Event]]:
    """Return the histories of a person's cases, each in its order of recording; ``size``: events in all, roughly."""
    person = Person(rng, count or rng.choice(CASES))
    wanted = size or person.count * rng.randint(*EVENTS_A_CASE)
    oddity = rng.choice((0.0, 0.0, 0.05, 0.2))
    while sum(len(world.drafts) for world in person.worlds) < wanted or len(person.worlds) < person.count:
        draw = rng.random()
        if len(person.worlds) < person.count and draw < 0.3:
            person.pass_time()
            person.case()
        elif draw < 0.5 and len(person.worlds) > 1:
            person.pass_time()
            rng.choice(ACROSS)(person)
        else:
            world = person.go_on_in(rng.choice(person.worlds))
            if rng.random() < oddity:
                anything(world)
            elif rng.random() < 0.15:
                rng.choice(PLOTS)(world)
            else:
                something(world)
        person.go_on_in(person.worlds[0])
    if len(person.worlds) > 1 and rng.random() < UNENDED:
        rng.choice((waits_across, late_promise))(person)
    return [record(world, rng) for world in person.worlds]
