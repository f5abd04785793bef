"""Machine-made registries: ten years of cases, told as commands in the order in which they were recorded.

Shapes follow real logs. A case has as many rows as one of the receipt log (six or seven as a rule, now and then one,
or more than thirty) over half a dozen organisations out of some hundreds, with handoffs, referrals, refusals, waits and
settlements; about one event in twelve is told late. Every command is one that the registry takes. The same seed gives
the same registry, to the byte.
"""

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from msgspec import Struct

from knelpunt.domain.case import facts as f
from knelpunt.domain.command import Command
from knelpunt.domain.event import Actor, Fact, Knower
from knelpunt.domain.ids import organisation_stream_of, reference_of
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.domain.text import Clear, clear
from knelpunt.domain.vocabulary import (
    Channel,
    Confirmation,
    Harm,
    Initiative,
    MoveBasis,
    NoticedBy,
    OrganisationKind,
    Origin,
    Outcome,
    RefusalGround,
    Role,
    StepKind,
    WaitingGround,
    WithdrawalGround,
)

SOURCE: Final = "benchmark"
"""Where these histories say they come from: history with its own moments of recording must name a source."""

BEGIN: Final = datetime(2015, 1, 1, tzinfo=UTC)
SPAN: Final = timedelta(days=3652)
END: Final = BEGIN + SPAN
"""Cases are opened from BEGIN to END; what is recorded last is recorded some months later."""

ORGANISATIONS: Final = 400
"""As many as a province's municipalities, agencies, schools, housing associations and providers of care."""

EVENTS_A_CASE: Final = 11.9
"""Events of a case on average, by which the cases are spread over the years."""

LATE_ALONE: Final = 0.2
"""The share of facts that are told late of those on which nothing else rests: a step, a contact, a harm."""

LATE_FILE: Final = 0.01
"""The share of the other facts that are told late, and with them all that follows in the case until then."""

PAUSE_MAX: Final = timedelta(days=300)
"""How long nothing happens at most, so that no case runs into the future, where nothing can be recorded."""

# Rows of a case: (share, least, most).
_ROWS: Final = ((8, 1, 1), (4, 2, 5), (60, 6, 7), (20, 8, 11), (7, 12, 20), (1, 21, 36))
_THEMES: Final = (
    "schulden",
    "jeugdhulp",
    "wonen",
    "passend-onderwijs",
    "uitkering",
    "vergunning",
    "verhuizing",
    "zorg",
)
_KINDS: Final = tuple(kind for kind in OrganisationKind if kind is not OrganisationKind.UNIT)
_PROSE: Final = (
    "Mevrouw vertelt dat zij de aanvraag vorige maand heeft ingediend en sindsdien bij drie loketten is geweest. Elk "
    "loket verwijst naar het volgende. De brief die zij kreeg noemt een termijn die al voorbij was toen hij kwam. Zij "
    "wil weten wie er nu over gaat, wat er nog ontbreekt en wanneer zij iets hoort. Ondertussen loopt de huur op en is "
    "de begeleiding van haar zoon gestopt, omdat de ene beschikking op de andere wacht. Er is gebeld, gemaild en aan "
    "de balie gestaan; van geen van die keren staat iets in het dossier dat zij mag inzien. "
)


class Told(Struct, frozen=True):
    """A command of a registry's history, and when the registry recorded it (aware, UTC, strictly increasing)."""

    recorded_at: datetime
    command: Command


def registry(events: int, seed: int = 1) -> Iterator[Told]:
    """Yield the first ``events`` commands of a registry of that size, in the order of recording."""
    rng = Random(seed)
    last = BEGIN - timedelta(days=1)
    count = 0
    for command in registrations():
        if count == events:
            return
        count += 1
        last += timedelta(milliseconds=1)
        yield Told(last, command)
    for told in _interleaved(rng, cases=max(1.0, (events - count) / EVENTS_A_CASE)):
        if count == events:
            return
        count += 1
        last = max(told.recorded_at, last + timedelta(microseconds=1))
        yield Told(last, told.command)


def registrations() -> Iterator[Command]:
    """Yield the registration of every organisation."""
    rng = Random(0)
    for number in range(ORGANISATIONS):
        name = _organisation(number)
        yield Command(
            UUID(bytes=rng.randbytes(16), version=4),
            organisation_stream_of(name),
            Actor("urn:bench:registry", Role.ADMINISTRATOR, "beheer"),
            OrganisationRegistered(organisation=name, name=f"Organisatie {number}", kind=rng.choice(_KINDS)),
            BEGIN - timedelta(days=2),
            source=SOURCE,
        )


def case(rng: Random, opened_at: datetime) -> list[Told]:
    """Return one case, opened at a moment, in the order of recording."""
    return _Story(rng, opened_at).told()


def _interleaved(rng: Random, cases: float) -> Iterator[Told]:
    """Yield the commands of case after case as they are recorded; goes on for ever."""
    between = SPAN / cases
    opening = BEGIN
    waiting: list[tuple[datetime, int, Told]] = []
    number = 0
    while True:
        opened_at = opening + between * rng.random()
        # Nothing of this case or of those to come is recorded before the slot in which it is opened.
        while waiting and waiting[0][0] < opening:
            yield heapq.heappop(waiting)[2]
        for told in case(rng, opened_at):
            heapq.heappush(waiting, (told.recorded_at, number, told))
            number += 1
        opening += between


def _organisation(number: int) -> str:
    return f"urn:bench:organisation:{number:03}"


class _Obstacle:
    """What the story knows of an obstacle: enough to tell only what may happen to it."""

    __slots__ = ("holder", "id", "offer", "settled", "waiting")

    def __init__(self, name: UUID, holder: str | None) -> None:
        self.id = name
        self.holder = holder
        self.offer: tuple[UUID, str] | None = None
        self.waiting = False
        self.settled: str | None = None


class _Story:
    """Tells one case from its opening on, row by row, as the world goes."""

    def __init__(self, rng: Random, opened_at: datetime) -> None:
        self._rng = rng
        self._at = opened_at
        self._stream = self._uuid()
        self._subject = self._uuid()
        # A few large organisations meet most people: the smaller of two draws.
        mix = {min(rng.randrange(ORGANISATIONS), rng.randrange(ORGANISATIONS)) for _ in range(rng.randint(6, 11))}
        self._mix = [_organisation(number) for number in sorted(mix)]
        self._obstacles: list[_Obstacle] = []
        self._told: list[tuple[datetime, int, Command]] = []
        self._file_at = opened_at
        """Until when what is told rests on something that the registry did not know yet."""

    def told(self) -> list[Told]:
        rng = self._rng
        self._open()
        for _ in range(1 + (rng.random() < 0.25) + (rng.random() < 0.08)):
            self._report()
        _, least, most = rng.choices(_ROWS, [share for share, _, _ in _ROWS])[0]
        for _ in range(rng.randint(least, most)):
            # Days as a rule, months now and then: what a chain is made of.
            self._at += min(PAUSE_MAX, timedelta(seconds=int(rng.lognormvariate(13.2, 1.5))))
            self._row(rng.choice(self._obstacles))
        self._end()
        self._told.sort(key=lambda entry: entry[:2])
        return [Told(recorded_at, command) for recorded_at, _, command in self._told]

    def _open(self) -> None:
        title = self._text(20, 60)
        opened = f.CaseOpened(
            reference_of(self._stream), (self._subject,), self._rng.choice(_THEMES), NoticedBy.SUBJECT, title
        )
        self._tell(self._one(), opened, self._at)

    def _report(self) -> None:
        rng = self._rng
        self._at += timedelta(seconds=rng.randint(60, 86_400))
        holder = self._one() if rng.random() < 0.8 else None
        obstacle = _Obstacle(self._uuid(), holder)
        where = self._one()
        self._tell(
            holder or where,
            f.ObstacleReported(
                obstacle=obstacle.id,
                origin=rng.choice(tuple(Origin)),
                experienced_at=where,
                story=self._text(120, 560),
                need=self._text(40, 160) if rng.random() < 0.3 else None,
                told=(where,),
                received_by=holder,
            ),
            self._at,
        )
        self._obstacles.append(obstacle)

    def _row(self, obstacle: _Obstacle) -> None:
        """Tell what one row of a log amounts to: one event or two."""
        rng = self._rng
        chance = rng.random()
        if obstacle.settled is not None:
            self._after_settling(obstacle, chance)
        elif obstacle.holder is None:
            self._unheld(obstacle, chance)
        elif obstacle.offer is not None and chance < 0.85:
            self._answer(obstacle, obstacle.offer, rng.random())
        elif obstacle.waiting and chance < 0.6:
            obstacle.waiting = False
            self._tell(obstacle.holder, f.WaitingEnded(obstacle=obstacle.id), self._at)
        else:
            self._held(obstacle, obstacle.holder, chance)

    def _held(self, obstacle: _Obstacle, holder: str, chance: float) -> None:
        rng = self._rng
        if chance < 0.34:
            self._offer(obstacle, holder)
        elif chance < 0.56:
            kind = rng.choice((StepKind.LETTER, StepKind.INQUIRY, StepKind.DECISION, StepKind.NOTE))
            note = self._text(30, 240) if rng.random() < 0.5 else None
            self._tell_freely(holder, f.StepTaken(obstacle=obstacle.id, organisation=holder, kind=kind, note=note))
        elif chance < 0.66:
            self._contact(obstacle, holder)
        elif chance < 0.74:
            to = self._other(holder)
            released = rng.random() < 0.5
            self._tell(
                holder, f.SubjectReferred(obstacle=obstacle.id, from_=holder, to=to, released=released), self._at
            )
            if released:
                self._let_go(obstacle)
        elif chance < 0.80:
            obstacle.waiting = not obstacle.waiting
            fact: Fact = (
                f.WaitingBegan(obstacle=obstacle.id, organisation=holder, ground=rng.choice(tuple(WaitingGround)[:2]))
                if obstacle.waiting
                else f.WaitingEnded(obstacle=obstacle.id)
            )
            self._tell(holder, fact, self._at)
        elif chance < 0.84:
            due = self._at + timedelta(days=rng.randint(14, 180))
            self._tell(holder, f.TermSet(obstacle=obstacle.id, due=due, basis="awb:4:13"), self._at)
        elif chance < 0.87:
            self._harm(obstacle, holder)
        elif chance < 0.90:
            to = self._other(holder)
            basis = rng.choice((MoveBasis.FORWARDED, MoveBasis.RELOCATION))
            self._tell(holder, f.ResponsibilityMoved(obstacle=obstacle.id, from_=holder, to=to, basis=basis), self._at)
            self._let_go(obstacle)
        elif chance < 0.93:
            ground = rng.choice(tuple(RefusalGround))
            self._tell(holder, f.CustodyReleased(obstacle=obstacle.id, organisation=holder, ground=ground), self._at)
            self._let_go(obstacle)
        else:
            self._resolve(obstacle, holder)

    def _unheld(self, obstacle: _Obstacle, chance: float) -> None:
        if chance < 0.7:
            taker = self._one()
            self._tell(taker, f.CustodyTaken(obstacle=obstacle.id, organisation=taker), self._at)
            obstacle.holder = taker
        elif chance < 0.9:
            self._contact(obstacle, self._one())
        else:
            self._harm(obstacle, self._one())

    def _offer(self, obstacle: _Obstacle, holder: str) -> None:
        """Offer, and as in most rows of a log be taken over from within days."""
        rng = self._rng
        to = self._other(holder)
        handoff = self._uuid()
        reason = self._text(30, 160) if rng.random() < 0.3 else None
        self._tell(
            holder,
            f.HandoffOffered(handoff=handoff, obstacle=obstacle.id, from_=holder, to=to, reason=reason),
            self._at,
        )
        obstacle.offer = (handoff, to)
        if rng.random() < 0.6:
            self._at += timedelta(seconds=int(rng.lognormvariate(11.5, 1.2)))
            self._answer(obstacle, obstacle.offer, rng.random())

    def _answer(self, obstacle: _Obstacle, offer: tuple[UUID, str], chance: float) -> None:
        handoff, to = offer
        if chance < 0.70:
            self._tell(to, f.HandoffAccepted(handoff=handoff, file_received=chance < 0.4), self._at)
            obstacle.holder = to
            obstacle.waiting = False
            obstacle.offer = None
        elif chance < 0.95:
            ground = self._rng.choice(tuple(RefusalGround))
            self._tell(to, f.HandoffRefused(handoff=handoff, ground=ground), self._at)
            obstacle.offer = None
        else:
            holder = obstacle.holder or to
            self._tell(holder, f.HandoffWithdrawn(handoff=handoff), self._at)
            obstacle.offer = None

    def _contact(self, obstacle: _Obstacle, organisation: str) -> None:
        rng = self._rng
        self._tell_freely(
            organisation,
            f.ContactMade(
                (obstacle.id,),
                organisation,
                rng.choice(tuple(Initiative)),
                rng.choice(tuple(Channel)),
                rng.random() < 0.3,
                self._text(30, 240) if rng.random() < 0.4 else None,
            ),
        )

    def _harm(self, obstacle: _Obstacle, organisation: str) -> None:
        since = self._at - timedelta(days=self._rng.randint(0, 60))
        self._tell_freely(
            organisation, f.HarmStated(obstacle=obstacle.id, harm=self._rng.choice(tuple(Harm)), since=since)
        )

    def _resolve(self, obstacle: _Obstacle, holder: str) -> None:
        rng = self._rng
        fact = f.ObstacleResolved(
            obstacle=obstacle.id,
            organisation=holder,
            outcome=rng.choices(tuple(Outcome), (70, 15, 15))[0],
            confirmed_by_subject=rng.choices(tuple(Confirmation), (50, 5, 45))[0],
        )
        self._tell(holder, fact, self._at)
        self._settle(obstacle, holder)

    def _after_settling(self, obstacle: _Obstacle, chance: float) -> None:
        if chance < 0.3:
            holder = obstacle.settled if chance < 0.2 else None
            self._tell(
                obstacle.settled or self._one(),
                f.ObstacleReopened(obstacle=obstacle.id, organisation=holder or None),
                self._at,
            )
            obstacle.settled = None
            obstacle.holder = holder or None
        else:
            self._contact(obstacle, obstacle.settled or self._one())

    def _end(self) -> None:
        """Settle some of what is open, and close some cases: the rest stays as it is, as it does in the field."""
        rng = self._rng
        for obstacle in self._obstacles:
            self._at += timedelta(seconds=int(rng.lognormvariate(13.2, 1.2)))
            if obstacle.settled is None and rng.random() < 0.06:
                self._tell(
                    self._one(),
                    f.ObstacleWithdrawn(
                        obstacle=obstacle.id,
                        ground=rng.choice(tuple(WithdrawalGround)),
                        on_word_of=self._subject,
                        statement=self._text(40, 200),
                    ),
                    self._at,
                )
                self._settle(obstacle, "")
            elif obstacle.settled is None and obstacle.holder is not None and rng.random() < 0.6:
                self._resolve(obstacle, obstacle.holder)
        if rng.random() < 0.4:
            self._at += timedelta(seconds=rng.randint(600, 864_000))
            closer = self._one()
            self._tell(closer, f.CaseClosed(closer), self._at)

    def _settle(self, obstacle: _Obstacle, by: str) -> None:
        obstacle.settled = by
        self._let_go(obstacle)

    def _let_go(self, obstacle: _Obstacle) -> None:
        """Nobody holds the obstacle any more: offers have lapsed, and nobody waits."""
        obstacle.holder = None
        obstacle.offer = None
        obstacle.waiting = False

    def _one(self) -> str:
        return self._rng.choice(self._mix)

    def _other(self, organisation: str) -> str:
        return self._rng.choice([each for each in self._mix if each != organisation] or [_organisation(0)])

    def _uuid(self) -> UUID:
        return UUID(bytes=self._rng.randbytes(16), version=4)

    def _text(self, least: int, most: int) -> Clear:
        start = self._rng.randrange(len(_PROSE))
        return clear((_PROSE * 3)[start : start + self._rng.randint(least, most)])

    def _tell(self, organisation: str, fact: Fact, at: datetime) -> None:
        """Tell a fact on which others rest: what follows in the case is not recorded before it."""
        recorded_at = at + self._delay()
        if self._rng.random() < LATE_FILE:
            recorded_at += timedelta(seconds=int(self._rng.lognormvariate(14.6, 0.8)))
        # Facts that rest on each other are recorded in their order.
        self._file_at = max(recorded_at, self._file_at + timedelta(seconds=1))
        self._record(organisation, fact, at, self._file_at)

    def _tell_freely(self, organisation: str, fact: Fact) -> None:
        """Tell a fact on which nothing else rests, perhaps weeks later."""
        recorded_at = self._at + self._delay()
        if self._rng.random() < LATE_ALONE:
            recorded_at += timedelta(seconds=int(self._rng.lognormvariate(14.6, 0.8)))
        self._record(organisation, fact, self._at, max(recorded_at, self._file_at + timedelta(seconds=1)))

    def _delay(self) -> timedelta:
        return timedelta(seconds=min(80_000, int(self._rng.expovariate(1 / 5_000))), microseconds=1)

    def _record(self, organisation: str, fact: Fact, at: datetime, recorded_at: datetime) -> None:
        rng = self._rng
        known_to = (Knower(self._other(organisation), at),) if rng.random() < 0.05 else ()
        command = Command(
            self._uuid(),
            self._stream,
            Actor(organisation, Role.AGENCY, f"medewerker-{rng.randrange(40)}"),
            fact,
            at,
            source=SOURCE,
            known_to=known_to,
        )
        self._told.append((recorded_at, len(self._told), command))
