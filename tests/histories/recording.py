"""How what happened gets recorded: promptly, late or all at once; wrongly, and then corrected or struck."""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec

from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Actor, Event, Knower
from knelpunt.domain.text import Sealed
from knelpunt.domain.vocabulary import (
    Initiative,
    Precision,
    RefusalGround,
    Role,
    Stance,
    StepKind,
    StrikeReason,
    WaitingGround,
    WithdrawalGround,
)

from .world import DAY, HOUR, Draft, World, moment

PROMPT: Final = (0, 0, 0, 1, 60, HOUR, DAY, DAY + 1)
"""How long after it happened something is recorded, in seconds: a day is just in time for an offer's delivery."""

LATE: Final = (2 * DAY, 5 * DAY, 7 * DAY, 30 * DAY, 100 * DAY)
SHIFTS: Final = (-56, -14, -7, -1, -1, 1, 7, 14)
TICK: Final = timedelta(microseconds=1)


class Desk:
    """Where drafts are recorded: decides when each is, mends some, and makes events of them all."""

    def __init__(self, world: World) -> None:
        """Take over what happened in a world."""
        self.world, self.rng = world, world.rng
        self.drafts = list(world.drafts)
        self.wanted: dict[Draft, int] = {}
        tardiness = self.rng.choice((0.0, 0.0, 0.1, 0.25, 0.5))
        all_at_once = self.rng.random() < 0.07
        last: Draft | None = None
        for draft in self.drafts:
            late = self.rng.random() < tardiness
            delay = self.rng.choice(LATE if late else PROMPT)
            self._want(draft, self.world.now + DAY if all_at_once else draft.at + delay)
            if last is not None and last.at == draft.at and not late:  # mostly, what happens at once is told in order
                self.wanted[draft] = max(self.wanted[draft], self.wanted[last])
            last = last if late else draft

    def _want(self, draft: Draft, at: int) -> None:
        """Have a draft recorded about then, but after what it speaks of, and after the case's opening."""
        known = [self.wanted[d] for d in draft.needs] + [self.wanted[d] for d in self.drafts[:1] if d is not draft]
        self.wanted[draft] = max([at, draft.at, *(k + 1 for k in known)])

    def _mend(self, data: f.CaseFact, target: Draft, not_before: int) -> None:
        """Record a correction or a strike of a draft, some time after it."""
        at = max(self.wanted[target] + self.rng.choice((1, HOUR, DAY, 10 * DAY, 60 * DAY)), not_before)
        draft = Draft(self.world.new_id(), at, target.actor, data, (target,))
        self._want(draft, at)
        self.drafts.append(draft)

    def strike(self) -> None:
        """Strike something: mostly a fact, rarely a correction or another strike."""
        target = self.rng.choice(self.drafts[1:] or self.drafts)
        self._mend(f.EventStruck(target.id, self.rng.choice(tuple(StrikeReason))), target, 0)

    def correct(self) -> None:
        """Correct a field of something; one in ten corrections does not fit."""
        targets = [d for d in self.drafts if not isinstance(d.data, f.FactCorrected | f.EventStruck)]
        target = self.rng.choice(targets)
        not_before = 0
        content = None
        field, value = self.rng.choice(MISFITS)
        if self.rng.random() < 0.9:
            options = self._corrections(target)
            field = self.rng.choice(("occurred_at", *options))
            if field == "occurred_at":
                not_before = max(0, self._other_time(target))
                value = _json(moment(not_before))
            else:
                value = options[field]
            if isinstance(value, Sealed):
                value, content = None, value
        self._mend(f.FactCorrected(target.id, field, value, content), target, not_before)

    def _other_time(self, target: Draft) -> int:
        """Return another time for something: a term's length away, or exactly that of something else."""
        if self.rng.random() < 0.4:
            return self.rng.choice(self.drafts).at
        return target.at + self.rng.choice(SHIFTS) * DAY

    def _corrections(self, target: Draft) -> dict[str, Any]:
        """Return which fields of a draft could be corrected to what."""
        w, rng = self.world, self.rng
        somebody, nobody_or = w.other(), rng.choice((None, w.other()))
        deadline = _json(moment(target.at + rng.choice((0, 1, 7, 14, 28)) * DAY))
        obstacle = str(rng.choice(w.obstacles).id)
        match target.data:
            case f.CaseOpened() if w.mistaken:
                return {"subjects": tuple(str(subject) for subject in rng.choice(w.mistaken))}
            case f.ObstacleReported():
                return {"received_by": nobody_or, "experienced_at": somebody, "told": (somebody,)}
            case f.HandoffOffered():
                return {"to": somebody, "from": somebody, "respond_by": deadline, "delivered_at": deadline}
            case f.HandoffAccepted() | f.HandoffWithdrawn():
                return {"handoff": str(rng.choice(w.handoffs))}
            case f.HandoffRefused():
                return {"ground": rng.choice(tuple(RefusalGround)).value}
            case f.SubjectReferred():
                return {"to": somebody, "from": somebody, "released": not target.data.released}
            case f.ResponsibilityMoved():
                return {"to": somebody, "from": somebody}
            case f.TermSet():
                return {"due": deadline}
            case f.WaitingBegan():
                ground = rng.choice(tuple(WaitingGround)).value
                return {"until": deadline, "ground": ground, "for_obstacle": obstacle, "organisation": somebody}
            case f.StepTaken():
                return {"kind": rng.choice(tuple(StepKind)).value, "organisation": somebody, "obstacle": obstacle}
            case f.ContactMade():
                initiative = rng.choice(tuple(Initiative)).value
                return {"initiated_by": initiative, "obstacles": (obstacle,), "story_retold": True}
            case f.ObstacleWithdrawn():
                return {"ground": rng.choice(tuple(WithdrawalGround)).value}
            case f.RulingGiven():
                return {"annuls": not target.data.annuls}
            case f.ResolutionContested():
                return {"answer_due": deadline}
            case f.ObstacleReopened():
                return {"organisation": nobody_or}
            case f.AccountGiven():
                stance = rng.choice(tuple(Stance)).value
                return {"stance": stance, "event": rng.choice((None, str(rng.choice(self.drafts).id)))}
            case f.GapAcknowledged():
                return {"plan": rng.choice((None, w.text())), "organisation": somebody}
            case f.CustodyTaken() | f.CustodyReleased() | f.ObstacleResolved():
                return {"organisation": somebody, "obstacle": obstacle}
        return {"precision": "DAY"}

    def events(self) -> list[Event]:
        """Return the events, in the order in which they were recorded."""
        in_order = sorted(self.drafts, key=lambda d: self.wanted[d])
        recorded: list[datetime] = []
        for draft in in_order:
            at = moment(self.wanted[draft])
            recorded.append(at if not recorded or at > recorded[-1] else recorded[-1] + TICK)
        whispers = self.rng.choice((0.0, 0.1, 0.4))
        imports = self.rng.choice((0.0, 0.0, 0.0, 0.1))
        return [
            Event(
                id=draft.id,
                stream=self.world.case,
                version=n + 1,
                position=n,
                occurred_at=moment(draft.at),
                recorded_at=at,
                actor=Actor(draft.actor, Role.AGENCY, "somebody"),
                command_id=UUID(int=draft.id.int ^ 1),
                data=draft.data,
                precision=Precision.DAY if draft.at % DAY == 0 and n % 3 == 0 else Precision.SECOND,
                known_to=self._knowers(draft) if self.rng.random() < whispers else (),
                **({"source": "log", "inferred": True} if self.rng.random() < imports else {}),
            )
            for n, (draft, at) in enumerate(zip(in_order, recorded, strict=True))
        ]

    def _knowers(self, draft: Draft) -> tuple[Knower, ...]:
        """Return who else knew, and since when."""
        some = self.rng.sample(self.world.organisations, self.rng.choice((1, 1, 2)))
        return tuple(Knower(who, moment(draft.at + self.rng.choice((0, 0, 1, 7, 30)) * DAY)) for who in some)


MISFITS: Final[Sequence[tuple[str, Any]]] = (
    ("colour", "red"),
    ("occurred_at", "yesterday"),
    ("occurred_at", None),
    ("occurred_at", "2024-03-01T09:00:00"),
    ("obstacle", "the second one"),
    ("kind", "DANCE"),
    ("by", "urn:org:GEM"),
    ("gap", None),
    ("organisation", "nobody you know"),
    ("note", "a text in the wrong place"),
    ("from_", "urn:org:GEM"),
)
"""Corrections that fit no fact at all."""


def _json(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def record(world: World, rng: Random) -> list[Event]:
    """Return the events of a world in the order of their recording, some of them mended."""
    desk = Desk(world)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
        desk.correct() if rng.random() < 0.65 else desk.strike()
    return desk.events()


def one_log(events: Sequence[Event]) -> list[Event]:
    """Return events as one log: in order of recording, with positions, strictly increasing moments and a source."""
    log: list[Event] = []
    versions: dict[UUID, int] = {}
    for position, event in enumerate(sorted(events, key=lambda e: (e.recorded_at, e.stream, e.version))):
        recorded_at = max(event.recorded_at, log[-1].recorded_at + TICK) if log else event.recorded_at
        version = versions[event.stream] = versions.get(event.stream, 0) + 1
        log.append(
            msgspec.structs.replace(event, position=position, version=version, recorded_at=recorded_at, source="a test")
        )
    return log
