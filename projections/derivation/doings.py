"""What single kinds of events do to a chain, beside passing custody.

Each function takes the chain, the event and its fact, and the obstacle before and after; ``HANDLERS`` names it for its
kind of fact. Kinds that are not named do no more than the two states tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...domain.case import facts as f
from ...domain.case.state import Obstacle, Open
from ...domain.event import Event
from ...domain.vocabulary import Initiative, RefusalGround, StepKind, WaitingGround
from .commitments import commitment
from .live import live
from .shapes import StatedHarm
from .terms import Suspension, Term

if TYPE_CHECKING:
    from .chain import Chain

PASSED_OVER: Final = frozenset({RefusalGround.INCOMPLETE_FILE, RefusalGround.WAITING_FOR_OTHER})
"""Grounds that say not now rather than not us; such refusals count in no row."""

Handler = Callable[["Chain", Event, Any, "Obstacle | None", Obstacle], None]


def _refused(chain: Chain, event: Event, fact: f.HandoffRefused, before: Obstacle | None, after: Obstacle) -> None:
    chain.refused += 1
    assert isinstance(before, Open)
    if fact.ground in PASSED_OVER:
        return
    refuser = next(offer.to for offer in before.offers if offer.handoff == fact.handoff)
    if refuser not in chain.row:
        chain.row[refuser] = event.id
        if len(chain.row) == 2:  # noqa: PLR2004 - the second to refuse makes it a row
            chain.row_begun = (event.occurred_at, event.id)


def _accepted(chain: Chain, event: Event, fact: f.HandoffAccepted, before: Obstacle | None, after: Obstacle) -> None:
    chain.accepted += 1
    chain.end_row(event, before.holder if isinstance(before, Open) else None)


def _taken(chain: Chain, event: Event, fact: f.CustodyTaken, before: Obstacle | None, after: Obstacle) -> None:
    chain.end_row(event, before.holder if isinstance(before, Open) else None)


def _offered(chain: Chain, event: Event, fact: f.HandoffOffered, before: Obstacle | None, after: Obstacle) -> None:
    chain.offered += 1
    chain.act(event, fact.from_)


def _referred(chain: Chain, event: Event, fact: f.SubjectReferred, before: Obstacle | None, after: Obstacle) -> None:
    chain.referrals += 1
    chain.act(event, fact.from_)


def _term_set(chain: Chain, event: Event, fact: f.TermSet, before: Obstacle | None, after: Obstacle) -> None:
    assert isinstance(after, Open)
    chain.end_term(event, after.holder)
    running = after.waiting
    suspensions: tuple[Suspension, ...] = ()
    if running and running.ground is WaitingGround.SUSPENSION and running.runs_at(event.occurred_at):
        suspensions = (Suspension(running.event, running.began_at, running.until),)
    chain.term = Term(event.id, event.occurred_at, fact.due, suspensions)


def _waiting_began(chain: Chain, event: Event, fact: f.WaitingBegan, before: Obstacle | None, after: Obstacle) -> None:
    chain.act(event, fact.organisation)
    if chain.term is not None and fact.ground is WaitingGround.SUSPENSION:
        term = chain.term
        one = Suspension(event.id, event.occurred_at, fact.until)
        chain.term = Term(term.event, term.set_at, term.due, (*term.suspensions, one))


def _waiting_ended(chain: Chain, event: Event, fact: f.WaitingEnded, before: Obstacle | None, after: Obstacle) -> None:
    assert isinstance(after, Open)
    chain.act(event, after.holder)


def _step(chain: Chain, event: Event, fact: f.StepTaken, before: Obstacle | None, after: Obstacle) -> None:
    if fact.kind is StepKind.NOTE:
        return
    if fact.organisation is not None:
        chain.acted = (event.occurred_at, event.id)
    if fact.organisation is None or not isinstance(after, Open) or after.holder != fact.organisation:
        return
    chain.end_row(event, before.holder if isinstance(before, Open) else None)
    if fact.kind is StepKind.DECISION:
        chain.end_term(event, before.holder if isinstance(before, Open) else None)
    if event.inferred or event.actor.organisation == fact.organisation:
        # Another's word that the holder did something does not show that it did.
        chain.act(event, fact.organisation)


def _contact(chain: Chain, event: Event, fact: f.ContactMade, before: Obstacle | None, after: Obstacle) -> None:
    chain.contacts += 1
    chain.retold += fact.story_retold
    if fact.initiated_by is Initiative.ORGANISATION:
        chain.act(event, fact.organisation)


def _remedy(chain: Chain, event: Event, fact: f.RemedyApplied, before: Obstacle | None, after: Obstacle) -> None:
    chain.act(event, fact.organisation)


def _acknowledged(
    chain: Chain, event: Event, fact: f.GapAcknowledged, before: Obstacle | None, after: Obstacle
) -> None:
    if fact.plan is not None:
        chain.act(event, fact.organisation)
    taken_on = commitment(live(chain), event, fact)
    if taken_on is not None:
        chain.commitments.append(taken_on)


def _harm(chain: Chain, event: Event, fact: f.HarmStated, before: Obstacle | None, after: Obstacle) -> None:
    chain.harms.append(StatedHarm(fact.harm, fact.since, fact.until, event.id))


HANDLERS: Final[dict[type, Handler]] = {
    f.HandoffOffered: _offered,
    f.HandoffAccepted: _accepted,
    f.HandoffRefused: _refused,
    f.SubjectReferred: _referred,
    f.CustodyTaken: _taken,
    f.TermSet: _term_set,
    f.WaitingBegan: _waiting_began,
    f.WaitingEnded: _waiting_ended,
    f.StepTaken: _step,
    f.ContactMade: _contact,
    f.RemedyApplied: _remedy,
    f.GapAcknowledged: _acknowledged,
    f.HarmStated: _harm,
}
