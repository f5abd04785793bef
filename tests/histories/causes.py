"""Machine-made histories of causes: late, tied, corrected, struck and contradicting events among plausible ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from histories.world import ORGANISATIONS
from knelpunt.domain.case.facts import GapMark
from knelpunt.domain.cause import facts as c
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.text import Sealed
from knelpunt.domain.vocabulary import (
    CostPer,
    EscalationReply,
    GapKind,
    Level,
    Locus,
    RefusalGround,
    Role,
    Stopped,
    StrikeReason,
)

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
TERMS = tuple(timedelta(days=n) for n in (0, 14, 28, 40))
NUDGES = (timedelta(0),) * 4 + tuple(timedelta(microseconds=n) for n in (-1, 1)) + (timedelta(hours=30),)
FEW = ORGANISATIONS[:3]


class Maker:
    """One history in the making: facts in the order in which they are told, most of them as they happened."""

    def __init__(self, rng: Random, *, mend: bool = True, tie: bool = True) -> None:
        self.rng, self.mend, self.tie = rng, mend, tie
        self.stream = self._id()
        self.facts: list[tuple[datetime, c.CauseFact, UUID]] = []
        self.owner: str | None = None
        self.proposed: list[str] = []
        self.escalations: list[tuple[UUID, str]] = []
        self.measures: list[UUID] = []
        self.done: list[UUID] = []
        self.obstacles = [self._id() for _ in range(4)]
        self.now = START

    def _id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

    def text(self) -> Sealed:
        return Sealed(self.stream, self._id(), b"x" * 40)

    def tell(self, fact: c.CauseFact) -> None:
        self.facts.append((self.now, fact, self._id()))

    def later(self) -> datetime:
        return self.now + timedelta(days=self.rng.choice((5, 10, 20, 40)))

    def step(self) -> None:
        rng = self.rng
        if not (self.tie and rng.random() < 0.08):
            self.now += timedelta(
                days=rng.choice((1, 3, 8, 15)), minutes=rng.randrange(600), microseconds=len(self.facts)
            )
        who = rng.choice(FEW)
        kind = rng.choices(range(13), (14, 12, 8, 14, 10, 4, 12, 10, 6, 1, 1, 8, 3))[0]
        match kind:
            case 0:
                self.tell(c.ObstacleLinked(rng.choice(self.obstacles)))
            case 1:
                self.proposed.append(who)
                self.tell(c.OwnerProposed(who))
            case 2:
                asked = rng.choice(self.proposed or [who])
                if rng.random() < 0.7:
                    self.owner = asked
                    self.tell(c.OwnerAccepted(asked))
                else:
                    self.tell(c.OwnerDeclined(asked, RefusalGround.NOT_COMPETENT))
            case 3:
                made = self._id()
                self.escalations.append((made, who))
                due = self.later() if rng.random() < 0.7 else None
                self.tell(c.CauseEscalated(made, who, rng.choice(list(Level)), due))
            case 4 if self.escalations:
                made, to = rng.choice(self.escalations)
                to = to if rng.random() < 0.85 else who
                self.tell(c.EscalationAnswered(made, to, rng.choice(list(EscalationReply))))
            case 5:
                self.tell(c.FailureCostEstimated(who, rng.randrange(1000), rng.choice(list(CostPer))))
            case 6:
                made = self._id()
                self.measures.append(made)
                self.tell(c.MeasureCommitted(made, self.owner or who, self.later()))
            case 7 if self.measures:
                made = rng.choice(self.measures)
                self.done.append(made)
                self.tell(c.MeasureImplemented(made, self.owner or who))
            case 8 if self.measures:
                self.tell(c.MeasureEvaluated(rng.choice(self.done or self.measures), who, rng.choice(list(Stopped))))
            case 9:
                self.tell(c.CauseRemoved(self.owner or who))
            case 10:
                self.tell(c.CauseAcceptedAsIs(who, self.text()))
            case 11:
                self._acknowledge()
            case 12:
                gone = self.owner or who
                self.owner = rng.choice((None, *(one for one in FEW if one != gone)))
                self.tell(c.OwnershipPassed(gone, self.owner))
            case _:
                pass

    def _acknowledge(self) -> None:
        rng = self.rng
        begins = {
            c.CauseIdentified: GapKind.CAUSE_UNOWNED,
            c.CauseEscalated: GapKind.ESCALATION_UNANSWERED,
            c.MeasureCommitted: GapKind.MEASURE_OVERDUE,
        }
        at, fact, id_ = rng.choice([one for one in self.facts if type(one[1]) in begins])
        since = getattr(fact, "respond_by", None) or getattr(fact, "due", None) or at
        kind = begins[type(fact)]
        mark = GapMark(gap_id_of(self.stream, kind, id_), kind, None, since)
        plan = self.text() if rng.random() < 0.8 else None
        self.tell(c.CauseGapAcknowledged(mark, rng.choice(FEW), plan, self.later() if rng.random() < 0.8 else None))

    def events(self) -> list[Event]:
        """The events in order of recording: three in ten late, some corrected or struck afterwards."""
        rng = self.rng
        told: list[tuple[datetime, datetime, c.CauseFact, UUID]] = []
        for at, fact, id_ in self.facts:
            delay = (
                timedelta(days=rng.choice((2, 20, 60))) if rng.random() < 0.3 and self.mend else timedelta(minutes=5)
            )
            told.append((at + delay, at, fact, id_))
        if self.mend:
            for _ in range(rng.choice((0, 0, 1, 2))):
                recorded, at, fact, id_ = rng.choice(told[1:] or told)
                # What mends can be struck, but not corrected.
                mending = (
                    c.CauseEventStruck(id_, StrikeReason.DUPLICATE) if fact.mends else self._mending(fact, at, id_)
                )
                told.append((recorded + timedelta(days=3), at, mending, self._id()))
        told.sort(key=lambda one: one[0])
        return [
            Event(
                id=id_,
                stream=self.stream,
                version=number + 1,
                position=number,
                occurred_at=at if not fact.mends else recorded,
                recorded_at=recorded + timedelta(microseconds=number),
                actor=Actor(rng.choice(FEW), Role.AGENCY, "machine"),
                command_id=id_,
                data=fact,
                inferred=not self.mend,
            )
            for number, (recorded, at, fact, id_) in enumerate(told)
        ]

    def _mending(self, fact: c.CauseFact, at: datetime, id_: UUID) -> c.CauseFact:
        rng = self.rng
        if not isinstance(fact, c.CauseIdentified) and rng.random() < 0.4:
            return c.CauseEventStruck(id_, rng.choice(list(StrikeReason)))
        if rng.random() < 0.6:
            moved = at + timedelta(days=rng.choice((-20, -5, -1, 4)))
            return c.CauseFactCorrected(id_, "occurred_at", moved.isoformat())
        for field in ("owner", "organisation", "to"):
            if field in fact.__struct_fields__:
                return c.CauseFactCorrected(id_, field, rng.choice(FEW))
        if "due" in fact.__struct_fields__:
            return c.CauseFactCorrected(id_, "due", (at + timedelta(days=9)).isoformat())
        return c.CauseFactCorrected(id_, "nothing", 3)


def make_cause(rng: Random, *, mend: bool = True, tie: bool = True) -> list[Event]:
    """Return the events of one cause in order of recording: 5 to 35 of them."""
    maker = Maker(rng, mend=mend, tie=tie)
    maker.tell(c.CauseIdentified(rng.choice(list(Locus)), maker.text(), "schulden"))
    for _ in range(rng.randint(4, 30)):
        maker.step()
    return maker.events()


def asked_of(rng: Random, history: Sequence[Event], count: int) -> list[tuple[datetime, datetime]]:
    """Return pairs of times that are hard: at events and deadlines, on the dot and beside them, by all and by less."""
    end = max(e.recorded_at for e in history) + timedelta(days=60)
    found = [(end, end)]
    for _ in range(count):
        event = rng.choice(history)
        stated = getattr(event.data, "due", None) or getattr(event.data, "respond_by", None)
        moments = [event.occurred_at + term for term in TERMS] + ([stated] if stated else [])
        found.append((rng.choice(moments) + rng.choice(NUDGES), rng.choice(history).recorded_at + rng.choice(NUDGES)))
    return found


def retold(rng: Random, history: Sequence[Event]) -> list[Event]:
    """Return the same events recorded in another order."""
    shuffled = rng.sample(list(history), len(history))
    return [
        msgspec.structs.replace(event, version=n + 1, position=n, recorded_at=START + timedelta(days=900, seconds=n))
        for n, event in enumerate(shuffled)
    ]
