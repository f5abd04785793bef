"""What happens in a world: anything plausible, anything at all, and the plots by which people get stuck.

Left to chance alone, circles, rows of refusals and contests would be rare; a plot brings one about, and chance goes on
in between and afterwards.
"""

from typing import Final

from knelpunt.domain.case import facts as f
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.vocabulary import GapKind, StepKind, WaitingGround, WithdrawalGround

from .world import Draft, Happening, Obstacle, World, moment

HELD: Final[dict[Happening, int]] = {
    World.step: 10,
    World.offer: 9,
    World.refer: 6,
    World.release: 4,
    World.move: 3,
    World.set_term: 3,
    World.contact: 3,
    World.remedy: 3,
    World.resolve: 5,
    World.withdraw: 2,
    World.split: 1,
    World.close: 1,
    World.account: 2,
    World.harm: 1,
    World.acknowledge: 2,
    World.coordinate: 1,
    World.relate: 1,
}
UNHELD: Final[dict[Happening, int]] = {
    World.take: 10,
    World.refer: 7,
    World.move: 2,
    World.step: 5,
    World.resolve: 2,
    World.withdraw: 2,
    World.close: 2,
    World.contact: 2,
    World.account: 1,
    World.harm: 1,
    World.acknowledge: 2,
}
SETTLED: Final[dict[Happening, int]] = {
    World.rule: 2,
    World.reopen: 6,
    World.step: 2,
    World.account: 1,
    World.harm: 1,
    World.contact: 1,
}
LATER: Final[dict[Happening, int]] = {
    World.accept: 8,
    World.refuse: 7,
    World.take_back: 2,
    World.wait: 4,
    World.stop_waiting: 8,
    World.contest: 5,
    World.answer_contest: 6,
    World.reopen_case: 6,
}
"""What needs more than a holder, or none: an offer, a waiting, a contest, a closed case."""

ANYTHING: Final = tuple(HELD | UNHELD | SETTLED | LATER)


def something(w: World) -> None:
    """Let time pass and something plausible happen."""
    w.pass_time()
    o = w.rng.choice(w.obstacles)
    options = dict(UNHELD if o.holder is None else HELD) if o.open else dict(SETTLED)
    possible = {
        World.accept: bool(o.offers),
        World.refuse: bool(o.offers),
        World.take_back: bool(o.offers),
        World.wait: o.holder is not None and not o.waits,
        World.stop_waiting: o.waits,
        World.contest: o.resolved and not o.contested,
        World.answer_contest: o.contested,
        World.reopen_case: w.closed,
    }
    options |= {happening: LATER[happening] for happening, is_so in possible.items() if is_so}
    if o.claimed:
        options |= {World.take: 4, World.account: 5}
    if o.moved_to is not None:
        options |= {World.step: 12}
    if w.closed:
        options.pop(World.close, None)
    (happening,) = w.rng.choices(list(options), list(options.values()))
    happening(w, o)


def anything(w: World) -> None:
    """Let something happen that may well be impossible: it will be inert."""
    w.pass_time()
    w.rng.choice(ANYTHING)(w, w.rng.choice(w.obstacles))


def held(w: World) -> Obstacle:
    """Return an obstacle that somebody holds."""
    o = w.rng.choice(w.obstacles)
    if not o.open:
        w.reopen(o)
        w.pass_time()
    if o.holder is None:
        w.take(o)
    w.pass_time()
    return o


def referred_round(w: World) -> None:
    """The subject is sent from one to the next and back."""
    o = held(w)
    first = o.holder
    w.release(o) if w.chance(0.3) else w.refer(o, giver=first)
    w.pass_time()
    second = w.other(first)
    w.refer(o, to=second, giver=first)
    w.pass_time()
    w.refer(o, to=first if w.chance(0.7) else None, giver=second)
    w.pass_time(w.rng.choice((0, 1, 7, 8)))


def nobodys_job(w: World) -> None:
    """Two or more refuse in a row."""
    o = held(w)
    for _ in range(w.rng.choice((2, 2, 3, 4))):
        w.offer(o)
        w.pass_time(w.rng.choice((0, 0, 3, 14)))
        if w.chance(0.1):
            w.step(o)
        w.refuse(o)
    w.pass_time(w.rng.choice((0, 1, 7)))


def carousel(w: World) -> None:
    """It goes around and comes back."""
    o = held(w)
    first = o.holder
    for _ in range(w.rng.choice((1, 1, 2, 3))):
        w.offer(o, w.other(first, o.holder))
        w.pass_time(w.rng.choice((0, 1, 14, 15)))
        w.accept(o)
        w.pass_time()
    if w.chance(0.5):
        w.offer(o, first)
        w.accept(o)
    else:
        w.release(o)
        w.pass_time(w.rng.choice((0, 7, 8)))
        w.take(o, first)
    if w.chance(0.3):
        w.resolve(o)
        w.pass_time()
        w.reopen(o)


def deadlock(w: World) -> None:
    """Obstacles wait for each other in a circle."""
    count = w.rng.choice((2, 2, 2, 3))
    while len(w.obstacles) < count:
        w.report(w.other())
    w.strangers, strangers = 0.0, w.strangers
    circle = w.rng.sample(w.obstacles, count)
    began = w.drafts[-1]
    for n, o in enumerate(circle):
        if not o.open:
            w.reopen(o)
        if o.holder is None:
            w.take(o)
        if o.waits:
            w.stop_waiting(o)
        w.wait(o, circle[(n + 1) % count], WaitingGround.OTHER_OBSTACLE)
        began = w.drafts[-1]
        w.pass_time(w.rng.choice((0, 0, 1, 7)))
    w.strangers = strangers
    while w.chance(0.4):  # somebody in it means to break it, in time or not
        plan = _plan(w, w.rng.choice(circle), GapKind.DEADLOCK, began)
        if w.chance(0.2):
            w.pass_time(70)
            _plan(w, circle[0], GapKind.COMMITMENT_OVERDUE, plan)
        w.pass_time(w.rng.choice((0, 1, 30)))
    if w.chance(0.5):
        w.pass_time()
        w.stop_waiting(circle[0])
        if w.chance(0.5):
            w.wait(circle[0], circle[1], WaitingGround.OTHER_OBSTACLE)


def _plan(w: World, o: Obstacle, kind: GapKind, began: Draft) -> Draft:
    """The holder of an obstacle gives a plan for what lies on the case; its id, or only its time, may be off."""
    who = o.holder or w.other()
    id_ = gap_id_of(w.case, kind.value, began.id) if w.chance(0.6) else w.new_id()
    since = moment(began.at if kind is GapKind.DEADLOCK else w.now)
    mark = f.GapMark(id_, kind, None, since)
    return w.tell(f.GapAcknowledged(mark, who, w.text(), moment(w.later())), who, o.report, began)


def overdue(w: World) -> None:
    """A term passes, perhaps suspended on the way."""
    o = held(w)
    w.strangers, strangers = 0.0, w.strangers
    w.set_term(o)
    if w.chance(0.5):
        w.pass_time(w.rng.choice((0, 1, 3, 7)))
        w.wait(o, ground=WaitingGround.SUSPENSION)
        if w.chance(0.7):
            w.pass_time()
            w.stop_waiting(o)
    w.strangers = strangers
    w.pass_time(w.rng.choice((7, 14, 28, 56)))
    if w.chance(0.6):
        w.step(o, StepKind.DECISION)


def contested(w: World) -> None:
    """A resolution is contested, perhaps annulled, perhaps undone."""
    o = held(w)
    w.resolve(o)
    w.pass_time(w.rng.choice((0, 1, 7)))
    w.contest(o)
    w.pass_time()
    if w.chance(0.5):
        w.rule(o) if w.chance(0.6) else w.answer_contest(o)
    w.pass_time(w.rng.choice((0, 14, 56)))
    if w.chance(0.6):
        w.reopen(o)


def gives_up(w: World) -> None:
    """Nothing is done until the subject gives up."""
    o = held(w) if w.chance(0.7) else w.rng.choice(w.obstacles)
    if w.chance(0.5):
        w.step(o)
    w.pass_time(w.rng.choice((1, 7, 14, 28)))
    w.withdraw(o, WithdrawalGround.GAVE_UP)


def claimed(w: World) -> None:
    """Somebody is said to hold it, and may say so itself, later."""
    o = held(w)
    w.strangers, strangers = 1.0, w.strangers
    w.release(o)
    w.take(o, w.other())
    w.strangers = strangers
    w.pass_time(w.rng.choice((7, 14, 15, 28)))
    if w.chance(0.7):
        w.rng.choice((World.take, World.account, World.step, World.offer, World.contact, World.remedy))(w, o)


def moved(w: World) -> None:
    """The law moves it, and it takes a while to arrive."""
    o = held(w)
    w.move(o)
    w.pass_time()
    if w.chance(0.3):
        w.refer(o)
    if w.chance(0.7):
        w.step(o)


def stands_still(w: World) -> None:
    """Nothing happens for very long."""
    o = held(w)
    w.pass_time(w.rng.choice((55, 56, 56, 57, 84)))
    if w.chance(0.5):
        w.rng.choice((World.step, World.wait, World.offer, World.acknowledge))(w, o)


def dropped_with_the_case(w: World) -> None:
    """The case is closed while obstacles are open."""
    if w.closed:
        w.reopen_case(w.obstacles[0])
    held(w)
    w.close(w.obstacles[0])
    w.pass_time()
    if w.chance(0.5):
        w.reopen_case(w.obstacles[0])


def promised(w: World) -> None:
    """Somebody owns up to what nobody does, perhaps with a plan, and time goes by."""
    o = held(w)
    w.release(o)
    w.pass_time(w.rng.choice((7, 14, 15)))
    w.acknowledge(o)
    w.pass_time(w.rng.choice((14, 28, 56)))
    if w.chance(0.5):
        w.rng.choice((World.take, World.step, World.acknowledge, World.resolve))(w, o)


PLOTS: Final = (
    referred_round,
    nobodys_job,
    carousel,
    deadlock,
    overdue,
    contested,
    gives_up,
    claimed,
    moved,
    stands_still,
    dropped_with_the_case,
    promised,
)
