"""A small simulated world in which obstacles lie, move and get stuck, and the facts that it gives rise to.

It keeps just enough state to pick what could plausibly happen next; it decides nothing about what anything means, so
it may be wrong about what has effect: a history need not be valid. Times are whole seconds since ``START``. Long, as
there is one short method for each thing that can happen.
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Fact
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.text import Sealed
from knelpunt.domain.vocabulary import (
    CaseRelation,
    Channel,
    Confirmation,
    GapKind,
    Harm,
    Initiative,
    MoveBasis,
    NoticedBy,
    Origin,
    Outcome,
    RefusalGround,
    Stance,
    StepKind,
    SubjectRelation,
    WaitingGround,
    WithdrawalGround,
)

START: Final = datetime(2024, 1, 1, 9, tzinfo=UTC)
HOUR: Final = 3600
DAY: Final = 24 * HOUR
ORGANISATIONS: Final = tuple(f"urn:org:{name}" for name in ("GEM", "SVB", "UWV", "BD", "ZORG", "SCHOOL"))
ONLOOKER: Final = "urn:org:KAFKA"
"""Records what others did, holds little itself."""

THEME: Final = "other"
"""What every machine-made case is about."""

PASSING_DAYS: Final = (0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 5, 7, 7, 7, 8, 14, 14, 14, 15, 21, 28, 56, 56, 57)
"""How long nothing happens, in days: ties and the exact lengths of terms and graces are common."""

STEPS: Final = (*StepKind, StepKind.DECISION, StepKind.NOTE)


def moment(seconds: float) -> datetime:
    """Return a moment of the world as a datetime."""
    return START + timedelta(seconds=seconds)


@dataclass(eq=False)
class Draft:
    """A fact that came about at ``at``, said by ``actor``; it can be recorded only after what it ``needs``."""

    id: UUID
    at: int
    actor: str
    data: Fact
    needs: tuple["Draft", ...] = ()


@dataclass(eq=False)
class Obstacle:
    """What the world believes of one obstacle."""

    id: UUID
    report: Draft
    began: Draft
    holder: str | None = None
    open: bool = True
    resolved: bool = False
    contested: bool = False
    waits: bool = False
    claimed: bool = False
    moved_to: str | None = None
    offers: list[Draft] = field(default_factory=list)
    """Those not answered yet."""
    past: list[tuple[GapKind, Draft]] = field(default_factory=list)
    """What gaps lay on it while nobody held it, and what began them."""


class World:
    """One case, its obstacles, and what has happened so far (``drafts``, in the order of happening)."""

    def __init__(self, rng: Random, subjects: tuple[UUID, ...] = (), now: int = 0) -> None:
        """Open a case, of these subjects or of one of its own."""
        self.rng = rng
        self.base = rng.getrandbits(128)
        self.ids = 0
        self.case = self.new_id()
        self.subjects = subjects or (self.new_id(),)
        self.subject = self.subjects[0]
        self.mistaken: tuple[tuple[UUID, ...], ...] = ()
        """Whose the case may be corrected to be."""
        self.now = now
        self.organisations = rng.sample(ORGANISATIONS, rng.choice((2, 3, 3, 4, 5)))
        self.strangers = rng.choice((0.0, 0.05, 0.2, 0.4))
        self.drafts: list[Draft] = []
        self.obstacles: list[Obstacle] = []
        self.deadlines: list[int] = []
        self.handoffs: list[UUID] = []
        opened = f.CaseOpened(reference="K-000001", subjects=self.subjects, theme=THEME, noticed_by=NoticedBy.OTHER)
        self.opening = self.tell(opened, self.organisations[0])
        self.closed = False

    # Chance and time

    def new_id(self) -> UUID:
        """Return an id of its own."""
        self.ids += 1
        return UUID(int=self.base ^ (self.ids << 64))

    def chance(self, share: float) -> bool:
        """Decide something that is so in a share of the cases."""
        return self.rng.random() < share

    def other(self, *than: str | None) -> str:
        """Return some organisation that is not one of these, as far as there are others."""
        return self.rng.choice([o for o in self.organisations if o not in than] or [ONLOOKER])

    def party(self) -> f.Party:
        """Return an organisation or the subject."""
        return f.Party(subject=self.subject) if self.chance(0.4) else f.Party(organisation=self.other())

    def text(self) -> Sealed:
        """Return a text as events hold it."""
        return Sealed(self.subject, self.case, b"sealed")

    def later(self) -> int:
        """Return a moment to come, as a deadline; rarely one that has passed."""
        days = self.rng.choice((1, 3, 7, 10, 14, 28, 28, 42, 56))
        deadline = self.now + (-days if self.chance(0.02) else days) * DAY
        self.deadlines.append(deadline)
        return deadline

    def pass_time(self, days: int | None = None) -> None:
        """Let time pass: for so many days, to a deadline, by an odd hour, or not at all."""
        if days is not None:
            self.now += days * DAY
        elif self.deadlines and self.chance(0.12):
            self.now = max(self.now, self.rng.choice(self.deadlines[-4:]))
        else:
            self.now += self.rng.choice(PASSING_DAYS) * DAY
            if self.chance(0.08):
                self.now += self.rng.choice((1, 60, HOUR, 15 * HOUR))

    def tell(self, data: Fact, organisation: str | None, *needs: Draft) -> Draft:
        """Let a fact happen now, said by the organisation whose fact it is or by a stranger."""
        actor = None if self.chance(self.strangers) else organisation
        actor = actor or self.rng.choice((ONLOOKER, ONLOOKER, *self.organisations))
        draft = Draft(self.new_id(), self.now, actor, data, needs)
        self.drafts.append(draft)
        return draft

    # What can happen to an obstacle

    def report(self, receiver: str | None = None, trigger: UUID | None = None) -> Obstacle:
        """Report a new obstacle."""
        told = tuple(o for o in self.organisations if self.chance(0.15))
        if self.obstacles and self.chance(0.2):
            trigger = trigger or self.rng.choice(self.obstacles).id
        data = f.ObstacleReported(
            obstacle=self.new_id(),
            origin=Origin.UNKNOWN,
            experienced_at=self.other(),
            told=told,
            received_by=receiver,
            triggered_by=trigger,
        )
        draft = self.tell(data, receiver or self.other(), self.opening)
        obstacle = Obstacle(data.obstacle, draft, draft, receiver, claimed=receiver not in {None, draft.actor})
        self.obstacles.append(obstacle)
        return obstacle

    def changes_hands(self, o: Obstacle, to: str | None, by: Draft) -> None:
        """Note that an obstacle is held by another, or by nobody."""
        if to != o.holder:
            o.offers = []
        if o.holder is None and o.open:
            o.past.append((UNHELD_KINDS.get(type(o.began.data), GapKind.RELEASED), o.began))
        o.holder, o.began, o.waits, o.claimed = to, by, False, to not in {None, by.actor}
        if to is not None:
            o.moved_to = None

    def settles(self, o: Obstacle, by: Draft) -> None:
        """Note that an obstacle is settled."""
        self.changes_hands(o, None, by)
        o.open, o.contested, o.moved_to = False, False, None
        o.resolved = isinstance(by.data, f.ObstacleResolved)

    def take(self, o: Obstacle, who: str | None = None) -> None:
        """Somebody takes custody; the holder itself, of what it was said to hold."""
        who = who or o.holder or self.other()
        draft = self.tell(f.CustodyTaken(o.id, who), who, o.report)
        if o.holder is None and o.open:
            self.changes_hands(o, who, draft)
        elif o.holder == draft.actor:
            o.claimed = False

    def release(self, o: Obstacle) -> None:
        """The holder lets go."""
        who = o.holder or self.other()
        self.changes_hands(o, None, self.tell(f.CustodyReleased(o.id, who), who, o.report))

    def offer(self, o: Obstacle, to: str | None = None) -> None:
        """The holder asks another to take it over."""
        giver = o.holder or self.other()
        delivered = moment(self.now + self.rng.choice((1, 2, 7)) * DAY) if self.chance(0.15) else None
        deadline = moment(self.later()) if self.chance(0.25) else None
        data = f.HandoffOffered(
            handoff=self.new_id(),
            obstacle=o.id,
            from_=giver,
            to=to or self.other(giver),
            delivered_at=delivered,
            respond_by=deadline,
        )
        self.deadlines.append(self.now + 14 * DAY)
        o.offers.append(self.tell(data, giver, o.report))
        self.handoffs.append(data.handoff)

    def answered(self, o: Obstacle) -> Draft:
        """Return an offer that now gets its answer: mostly the last; if there is none, the holder makes one first."""
        if not o.offers:
            self.offer(o)
        return o.offers.pop(-1 if self.chance(0.7) else 0)

    def accept(self, o: Obstacle) -> None:
        """Whoever was asked takes it over."""
        offer = self.answered(o)
        draft = self.tell(
            f.HandoffAccepted(offer.data.handoff, self.chance(0.5), self.chance(0.5)), offer.data.to, offer
        )
        if o.open and o.holder == offer.data.from_:
            self.changes_hands(o, offer.data.to, draft)

    def refuse(self, o: Obstacle) -> None:
        """Whoever was asked says no."""
        offer = self.answered(o)
        ground = self.rng.choice((*RefusalGround, *(RefusalGround.NOT_COMPETENT, RefusalGround.NO_CAPACITY) * 3))
        self.tell(f.HandoffRefused(offer.data.handoff, ground), offer.data.to, offer)

    def take_back(self, o: Obstacle) -> None:
        """The offer is withdrawn."""
        offer = self.answered(o)
        self.tell(f.HandoffWithdrawn(offer.data.handoff), offer.data.from_, offer)

    def refer(self, o: Obstacle, to: str | None = None, giver: str | None = None) -> None:
        """The subject is sent elsewhere, by the holder or by anyone."""
        giver = giver or (o.holder if o.holder is not None and self.chance(0.8) else self.other())
        released = self.chance(0.6)
        draft = self.tell(f.SubjectReferred(o.id, giver, to or self.other(giver), released), giver, o.report)
        if o.open and (o.holder is None or (released and giver == o.holder)):
            self.changes_hands(o, None, draft)

    def move(self, o: Obstacle) -> None:
        """The law moves responsibility."""
        giver = o.holder or self.other()
        to = self.other(giver)
        draft = self.tell(f.ResponsibilityMoved(o.id, giver, to, self.rng.choice(tuple(MoveBasis))), giver, o.report)
        self.changes_hands(o, None, draft)
        o.moved_to = to

    def set_term(self, o: Obstacle) -> None:
        """A term to decide is set."""
        self.tell(f.TermSet(o.id, moment(self.later())), o.holder, o.report)

    def wait(self, o: Obstacle, other: Obstacle | None = None, ground: WaitingGround | None = None) -> None:
        """The holder begins to wait, perhaps for another obstacle."""
        who = o.holder or self.other()
        ground = ground or self.rng.choice((*WaitingGround, WaitingGround.SUSPENSION))
        until = moment(self.later()) if self.chance(0.4) else None
        if other is None and ground == WaitingGround.OTHER_OBSTACLE:
            other = self.rng.choice(self.obstacles)
        for_obstacle = None if other is None else other.id
        waited_for = self.party() if self.chance(0.5) else None
        self.tell(f.WaitingBegan(o.id, who, ground, waited_for, for_obstacle, until), who, o.report)
        o.waits = True

    def stop_waiting(self, o: Obstacle) -> None:
        """The waiting ends."""
        self.tell(f.WaitingEnded(o.id), o.holder, o.report)
        o.waits = False

    def step(self, o: Obstacle, kind: StepKind | None = None) -> None:
        """Somebody does something: mostly the holder, or to whom it moved; rarely nobody in particular."""
        who = o.holder or o.moved_to
        if who is None or self.chance(0.1):
            who = None if self.chance(0.1) else self.other()
        kind = kind or self.rng.choice(STEPS)
        draft = self.tell(f.StepTaken(o.id, who, kind), who, o.report)
        if o.open and o.holder is None and who is not None and who == o.moved_to and kind != StepKind.NOTE:
            self.changes_hands(o, who, draft)

    def contact(self, o: Obstacle) -> None:
        """An organisation and the subject are in touch, perhaps about several obstacles."""
        named = {o.id: o} | {x.id: x for x in self.obstacles if self.chance(0.2)}
        who = o.holder if o.holder is not None and self.chance(0.7) else self.other()
        channel = self.rng.choice(tuple(Channel))
        data = f.ContactMade(tuple(named), who, self.rng.choice(tuple(Initiative)), channel, self.chance(0.4))
        self.tell(data, who, *(x.report for x in named.values()))

    def remedy(self, o: Obstacle) -> None:
        """A solution that departs from a rule."""
        who = o.holder or self.other()
        self.tell(f.RemedyApplied(o.id, who), who, o.report)

    def harm(self, o: Obstacle) -> None:
        """What it costs is said."""
        self.tell(f.HarmStated(o.id, self.rng.choice(tuple(Harm)), moment(self.now)), self.other(), o.report)

    def resolve(self, o: Obstacle) -> None:
        """It is settled, whatever the outcome."""
        who = o.holder or self.other()
        outcome = self.rng.choice(tuple(Outcome))
        self.settles(o, self.tell(f.ObstacleResolved(o.id, who, outcome, Confirmation.UNKNOWN), who, o.report))

    def withdraw(self, o: Obstacle, ground: WithdrawalGround | None = None) -> None:
        """The subject no longer pursues it."""
        ground = ground or self.rng.choice(tuple(WithdrawalGround))
        self.settles(o, self.tell(f.ObstacleWithdrawn(o.id, ground, self.subject), self.other(), o.report))

    def split(self, o: Obstacle) -> None:
        """It proves to be several, each reported first."""
        holder = o.holder
        self.split_into(o, [self.report(holder if self.chance(0.5) else None) for _ in range(2)])

    def split_into(self, o: Obstacle, parts: Sequence[Obstacle]) -> None:
        """It proves to be these, perhaps in another case."""
        mine = [p.report for p in parts if p in self.obstacles]
        into = tuple(p.id for p in parts)
        self.settles(o, self.tell(f.ObstacleSplit(o.id, into), o.holder, o.report, *mine))

    def close(self, _o: Obstacle) -> None:
        """The case is closed, whatever is still open."""
        who = self.other()
        draft = self.tell(f.CaseClosed(who), who, self.opening)
        self.closed = True
        for o in self.obstacles:
            if o.open:
                self.changes_hands(o, None, draft)

    def reopen_case(self, _o: Obstacle) -> None:
        """The case is opened again."""
        who = self.other()
        self.tell(f.CaseReopened(who), who, self.opening)
        self.closed = False

    def contest(self, o: Obstacle) -> None:
        """The resolution is not accepted."""
        self.tell(f.ResolutionContested(o.id, self.party(), moment(self.later())), self.other(), o.report)
        o.contested = True

    def answer_contest(self, o: Obstacle) -> None:
        """The contest is answered, or no longer pursued."""
        who = self.other()
        data = f.ResolutionUpheld(o.id, who) if self.chance(0.5) else f.ContestWithdrawn(o.id)
        self.tell(data, who, o.report)
        o.contested = False

    def rule(self, o: Obstacle) -> None:
        """A court speaks."""
        self.tell(f.RulingGiven(o.id, ONLOOKER, binding=True, annuls=self.chance(0.5)), ONLOOKER, o.report)
        o.contested = False

    def reopen(self, o: Obstacle) -> None:
        """It is open again, held by somebody or nobody."""
        who = self.other() if self.chance(0.6) else None
        draft = self.tell(f.ObstacleReopened(o.id, who), who or self.other(), o.report)
        o.open, o.resolved, o.contested = True, False, False
        self.changes_hands(o, who, draft)

    def account(self, o: Obstacle) -> None:
        """Somebody confirms or disputes: most often what the present custody began with."""
        about = o.began if self.chance(0.7) else self.rng.choice(self.drafts)
        who = o.holder if o.holder is not None and self.chance(0.7) else self.other()
        by = f.Party(organisation=who) if self.chance(0.9) else f.Party(subject=self.subject)
        stance = Stance.CONFIRMS if self.chance(0.7) else Stance.DISPUTES
        if self.chance(0.75):
            self.tell(f.AccountGiven(by, stance, about.id), who, o.report, about)
        else:
            self.tell(f.AccountGiven(by, stance, gap=self.mark(o)), who, o.report)

    def acknowledge(self, o: Obstacle) -> None:
        """An organisation owns up to a gap, perhaps with a plan."""
        who = o.holder if o.holder is not None and self.chance(0.7) else self.other()
        plan = self.text() if self.chance(0.7) else None
        due = moment(self.later()) if plan is not None else None
        self.tell(f.GapAcknowledged(self.mark(o), who, plan, due), who, o.report)

    def mark(self, o: Obstacle) -> f.GapMark:
        """Return the mark of a gap that may well lie there; its id, or only its time, may be off."""
        if o.past and self.chance(0.15):  # one that is over, by its id alone
            kind, begun_by = self.rng.choice(o.past)
            return f.GapMark(gap_id_of(o.id, kind.value, begun_by.id), kind, o.id, moment(self.now))
        kind, begun_by, since = self.likely_gap(o)
        if self.chance(0.05):
            return f.GapMark(self.new_id(), GapKind.DEADLOCK, None, moment(since))
        id_ = gap_id_of(o.id, kind.value, begun_by.id) if self.chance(0.6) else self.new_id()
        return f.GapMark(id_, kind, o.id, moment(since + self.rng.choice((0, 0, 0, 1, -7)) * DAY))

    def likely_gap(self, o: Obstacle) -> tuple[GapKind, Draft, int]:
        """Return the kind of a gap that lies on an obstacle, if any does, what began it and when."""
        began = o.began
        if o.holder is None:
            return UNHELD_KINDS.get(type(began.data), GapKind.RELEASED), began, began.at
        if o.offers and self.chance(0.5):
            return GapKind.UNANSWERED, o.offers[0], o.offers[0].at + 14 * DAY
        if o.claimed and self.chance(0.7):
            return GapKind.UNCONFIRMED, began, began.at + 14 * DAY
        return GapKind.STANDSTILL, began, began.at + 56 * DAY

    def relate(self, _o: Obstacle) -> None:
        """Something is said about the case that bears on no chain: whom it concerns, what it belongs with."""
        other = self.new_id()
        related = f.SubjectRelated(self.subject, other, SubjectRelation.HOUSEHOLD)
        linked = f.CaseLinked(other, CaseRelation.RELATED)
        self.tell(related if self.chance(0.5) else linked, self.other(), self.opening)

    def coordinate(self, _o: Obstacle) -> None:
        """Somebody takes it upon itself to keep the overview."""
        who = self.other()
        self.tell(f.CoordinatorNamed(who), who, self.opening)


UNHELD_KINDS: Final[dict[type[Fact], GapKind]] = {
    f.ObstacleReported: GapKind.NEVER_TAKEN,
    f.SubjectReferred: GapKind.LOST_REFERRAL,
    f.ResponsibilityMoved: GapKind.MOVED,
    f.CaseClosed: GapKind.CLOSED_UNRESOLVED,
}

Happening = Callable[[World, Obstacle], None]
