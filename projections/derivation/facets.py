"""What the read model keeps of a case: the states that lists filter and sort by.

Four kinds of thing have a state that changes as time passes: a gap, a chain, a handoff or referral, and the case. A
facet is one of them in one of its states, as flat as a row. Everything else about a case is derived when asked for. The
module is long because the shapes of the facets stand with what makes them.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ...domain.case import facts as f
from ...domain.case.named import organisations_of
from ...domain.case.state import Open, Settled
from ...domain.event import Event
from ...domain.ids import CaseId, EventId, HandoffId, ObstacleId
from ...domain.vocabulary import Harm
from .answer_facets import AnswerFacet, CommitmentFacet, CommitmentKind, CommitmentOutcome, TellingFacet, notices
from .belonging import LinkFacet, RemedyFacet, SubjectFacet
from .chain import Chain
from .fold import CaseFold
from .learning_facets import StreamFacet, StreamLinkFacet
from .live import live
from .organisation_facets import OrganisationFacet, StrategyFacet, TaskFacet
from .shapes import Gap, GapKey, StatedHarm
from .todos import TodoChange, TodoFacet, todo_of_conflict, todos_of_chain

FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)
"""A moment that never comes: how long a harm lasts whose end nobody stated."""


class GapFacet(Struct, frozen=True, gc=False):
    """A gap, with what its list is filtered and sorted by: the harm of its obstacle and the theme of its case.

    ``harm_until`` is until when a stated harm lasts: none while no harm was stated, ``FOR_EVER`` if without end. What
    lies over several cases has the harms of all their obstacles, and ``themes`` instead of a theme.
    """

    gap: Gap
    harms: tuple[Harm, ...]
    harm_until: datetime | None
    theme: str
    themes: tuple[str, ...] = ()


class ChainFacet(Struct, frozen=True, gc=False):
    """An obstacle's chain: who holds it, and since when it is settled."""

    obstacle: ObstacleId
    reported_at: datetime
    settled_at: datetime | None
    holder: str | None
    claimed: bool
    organisations: tuple[str, ...]
    harms: tuple[Harm, ...]
    harm_until: datetime | None
    theme: str


class HandoffKind(StrEnum):
    """Whether the other organisation was asked, or only the subject told."""

    OFFER = "OFFER"
    REFERRAL = "REFERRAL"


class HandoffOutcome(StrEnum):
    """What became of an offer; a referral stays ``PENDING`` until whoever was referred to takes custody."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"
    ARRIVED = "ARRIVED"


class HandoffFacet(Struct, frozen=True, gc=False):
    """An offer or a referral, and what became of it; a referral's id is its event's."""

    id: UUID
    kind: HandoffKind
    obstacle: ObstacleId
    from_: str
    to: str
    made_at: datetime
    delivered_at: datetime
    respond_by: datetime | None
    outcome: HandoffOutcome
    ground: str | None
    ended_at: datetime | None


class CaseFacet(Struct, frozen=True, gc=False):
    """The case: its code, theme and status."""

    case: CaseId
    reference: str
    theme: str
    opened_at: datetime
    closed_at: datetime | None


class PartyFacet(Struct, frozen=True, gc=False):
    """An organisation has a part in the case: some event with effect names it."""

    organisation: str


Facet = (
    GapFacet
    | ChainFacet
    | HandoffFacet
    | CaseFacet
    | PartyFacet
    | SubjectFacet
    | LinkFacet
    | RemedyFacet
    | TodoFacet
    | OrganisationFacet
    | TaskFacet
    | StrategyFacet
    | StreamFacet
    | StreamLinkFacet
    | AnswerFacet
)


Key = GapKey | int | str
"""What a facet is a state of, within one case: a gap by its key, an obstacle, handoff, referral or case by the number
of its id, a link or to-do by its event's, a party by its identifier, a subject or what answers are made of by its id
after a word that no organisation's identifier begins with."""

Turns = list[tuple[datetime, datetime | None, Facet]]
"""States and the moments ``[from, until)`` for which each is the answer."""


_NONE_LIVE: Final[dict[GapKey, Gap]] = {}
_SENDING: Final = frozenset({f.HandoffOffered, f.SubjectReferred})
_SAYING: Final = frozenset({f.GapAcknowledged, f.AccountGiven})
_FRAMING: Final = frozenset({f.CaseOpened, f.CaseClosed, f.CaseReopened})


class CaseFacets:
    """The facets of one fold, and which of them an event changed."""

    __slots__ = ("_inert", "_live", "_organisations", "_promised", "_rings", "_sent", "fold")

    def __init__(self, fold: CaseFold) -> None:
        """Follow ``fold`` from its beginning."""
        self.fold = fold
        self._live: dict[Chain, dict[GapKey, Gap]] = {}
        self._rings: set[GapKey] = set()
        self._sent: dict[Chain, dict[HandoffId | EventId, HandoffFacet]] = {}
        """Offers and referrals that nothing has come of yet."""
        self._promised: dict[Chain, dict[EventId, CommitmentFacet]] = {}
        """Commitments that are not done yet."""
        self._organisations: set[str] = set()
        self._inert: dict[EventId, list[Event]] = {}

    def copy(self) -> Self:
        """Return facets that go on by themselves from here."""
        other = copy(self)
        other.part_from(self)
        return other

    def part_from(self, other: "CaseFacets") -> None:
        """Share nothing any more that either of the two will change."""
        self.fold = other.fold.copy()
        heirs = dict(zip(other.fold.chains.values(), self.fold.chains.values(), strict=True))
        self._live = {heirs[chain]: gaps for chain, gaps in self._live.items()}
        self._sent = {heirs[chain]: sent.copy() for chain, sent in self._sent.items()}
        self._promised = {heirs[chain]: made.copy() for chain, made in self._promised.items()}
        self._organisations = self._organisations.copy()

    def mended(self, inert: Sequence[tuple[Event, EventId]]) -> None:
        """Take note of the corrections and strikings that cannot be applied, each with the event that it names."""
        for event, target in inert:
            self._inert.setdefault(target, []).append(event)

    def show(self, event: Event, *, struck: bool = False) -> dict[Key, Turns]:
        """Advance the fold by one event; return what it changed, from the moment of the event on.

        A key with no turns is a thing that does not exist from that moment on.
        """
        conflicts = len(self.fold.conflicts)
        touched = self.fold.show(event, struck=struck)
        at, fact = event.occurred_at, event.data
        changed: dict[Key, Turns] = {}
        for mending in self._inert.get(event.id, ()) if self._inert else ():
            note_todos(changed, (todo_of_conflict(mending, at, self.fold.case),))
        if struck:
            return changed
        if len(self.fold.conflicts) != conflicts:
            note_todos(changed, (todo_of_conflict(event, at, self.fold.case),))
            return changed
        for organisation in organisations_of(fact):
            if organisation not in self._organisations:
                self._organisations.add(organisation)
                changed[organisation] = [(at, None, PartyFacet(organisation))]
        whole = type(fact) is f.HarmStated
        if type(fact) in _FRAMING:
            self._case(at, changed)
            if type(fact) is f.CaseOpened:
                whole = True
                touched = list(self.fold.chains.values())  # The theme of the case stands in the facets of its chains.
                for place, subject in enumerate(fact.subjects):
                    changed[f"subject/{subject}"] = [(at, None, SubjectFacet(subject, place))]
        elif type(fact) is f.CaseLinked:
            changed[event.id.int] = [(at, None, LinkFacet(event.id, fact.case, fact.relation))]
        elif type(fact) is f.RemedyApplied:
            remedy = RemedyFacet(event.id, fact.obstacle, fact.organisation, fact.rule_departed_from)
            changed[event.id.int] = [(at, None, remedy)]
        elif type(fact) is f.ContactMade:
            for chain in touched:
                telling = TellingFacet(chain.obstacle, chain.contacts, chain.retold)
                changed[telling.name] = [(at, None, telling)]
        elif type(fact) in _SAYING:
            changed |= {notice.name: [(at, None, notice)] for notice in notices(event)}
        for chain in touched:
            self._chain(event, chain, changed, whole=whole)
            if chain.commitments or chain in self._promised:
                self._commitments(chain, at, changed)
        if self.fold.circles_changed or (whole and self._rings):
            self._circles(changed)
        return changed

    def _case(self, at: datetime, changed: dict[Key, Turns]) -> None:
        """Note the case's header."""
        state = self.fold.state
        if state.opened is not None and state.opened_at is not None:
            opened = state.opened
            facet = CaseFacet(self.fold.case, opened.reference, opened.theme, state.opened_at, state.closed_at)
            changed[self.fold.case.int] = [(at, None, facet)]

    def _chain(self, event: Event, chain: Chain, changed: dict[Key, Turns], *, whole: bool) -> None:
        """Note the header of a chain, its gaps and its handoffs."""
        at = event.occurred_at
        opened = self.fold.state.opened
        theme = opened.theme if opened else ""
        harms, harm_until = harm_of(chain.harms) if chain.harms else ((), None)
        if whole or chain.turned:
            changed[chain.obstacle.int] = [(at, None, _header(chain, harms, harm_until, theme))]
        for key in chain.closed if whole else chain.dirty:
            gap = chain.closed.get(key)
            changed[key] = [] if gap is None else [(at, None, GapFacet(gap, harms, harm_until, theme))]
        chain.dirty.clear()
        if chain.turned:
            note_todos(changed, todos_of_chain(self.fold.case, chain))
        shown = self._live.get(chain, _NONE_LIVE)
        running: dict[GapKey, Gap] = {}
        for from_, gap in live(chain):
            key = gap.key
            running[key] = gap
            before = shown.get(key)
            if whole or before is None or not gap.runs_on_as(before):
                changed[key] = [(from_, None, GapFacet(gap, harms, harm_until, theme))]
        for key in shown:
            if key not in running and key not in changed:
                changed[key] = []
        self._live[chain] = running
        if self._sent.get(chain) or type(event.data) in _SENDING:
            self._handoffs(event, chain, changed)

    def _handoffs(self, event: Event, chain: Chain, changed: dict[Key, Turns]) -> None:
        """Note what was offered or referred now, and what became of what was before."""
        sent = self._sent.setdefault(chain, {})
        fact, at = event.data, event.occurred_at
        if sent and chain.state is not chain.previous:
            held_by = chain.previous.holder if isinstance(chain.previous, Open) else None
            holder = chain.state.holder if isinstance(chain.state, Open) else None
            # Whoever held it before the referral did not come to hold it by that.
            taken_by = holder if holder != held_by else None
            for id_, facet in list(sent.items()):
                outcome: HandoffOutcome | None = None
                if facet.kind is HandoffKind.OFFER:
                    if id_ in self.fold.state.ended:
                        outcome = _outcome(fact, id_)
                elif taken_by == facet.to:
                    outcome = HandoffOutcome.ARRIVED
                if outcome is not None:
                    ground = fact.ground if isinstance(fact, f.HandoffRefused) and fact.handoff == id_ else None
                    del sent[id_]
                    changed[id_.int] = [(at, None, replace(facet, outcome=outcome, ended_at=at, ground=ground))]
        if isinstance(fact, f.HandoffOffered):
            offer = self.fold.state.handoffs[fact.handoff]
            sent[fact.handoff] = HandoffFacet(
                fact.handoff,
                HandoffKind.OFFER,
                chain.obstacle,
                fact.from_,
                fact.to,
                at,
                offer.delivered_at,
                offer.respond_by,
                HandoffOutcome.PENDING,
                None,
                None,
            )
            changed[fact.handoff.int] = [(at, None, sent[fact.handoff])]
        elif isinstance(fact, f.SubjectReferred):
            sent[event.id] = HandoffFacet(
                event.id,
                HandoffKind.REFERRAL,
                chain.obstacle,
                fact.from_,
                fact.to,
                at,
                at,
                None,
                HandoffOutcome.PENDING,
                None,
                None,
            )
            changed[event.id.int] = [(at, None, sent[event.id])]

    def _commitments(self, chain: Chain, at: datetime, changed: dict[Key, Turns]) -> None:
        """Note what was promised now about gaps of a chain, and what is done."""
        shown = self._promised.setdefault(chain, {})
        running = {one.event: one for one in chain.commitments}
        for event in [event for event in shown if event not in running]:
            done = replace(shown.pop(event), ended_at=at, outcome=CommitmentOutcome.DONE)
            changed[done.name] = [(at, None, done)]
        for event, one in running.items():
            if event not in shown:
                made = CommitmentFacet(event, CommitmentKind.PLAN, one.organisation, one.at, one.due)
                shown[event] = made
                changed[made.name] = [(at, None, made)]

    def _circles(self, changed: dict[Key, Turns]) -> None:
        """Note what lies on the case as a whole, all of it: it is little, and derived anew each time."""
        self.fold.circles_changed = False
        harms, harm_until = harm_of([harm for chain in self.fold.chains.values() for harm in chain.harms])
        theme = self.fold.state.opened.theme if self.fold.state.opened else ""
        rings: set[GapKey] = set()
        for from_, until, gap in self.fold.on_case():
            rings.add(gap.key)
            changed.setdefault(gap.key, []).append((from_, until, GapFacet(gap, harms, harm_until, theme)))
        for from_, until, made in self.fold.taken_on_case():
            changed.setdefault(made.name, []).append((from_, until, made))
        for key in self._rings - rings:
            changed.setdefault(key, [])
        self._rings = rings


def note_todos(changed: dict[Key, Turns], found: Iterable[TodoChange]) -> None:
    """Note to-dos that came up or went."""
    for event, from_, todo in found:
        changed[event.int] = [] if todo is None else [(from_, None, todo)]


def harm_of(stated: Sequence[StatedHarm]) -> tuple[tuple[Harm, ...], datetime | None]:
    """Return the kinds of harm stated, and until when one of them lasts."""
    if not stated:
        return (), None
    return tuple(dict.fromkeys(harm.harm for harm in stated)), max(harm.until or FOR_EVER for harm in stated)


def _header(chain: Chain, harms: tuple[Harm, ...], harm_until: datetime | None, theme: str) -> ChainFacet:
    """Return the header of a chain as it is now."""
    state = chain.state
    custody = state.custody if type(state) is Open else None
    assert chain.reported_at is not None
    return ChainFacet(
        obstacle=chain.obstacle,
        reported_at=chain.reported_at,
        settled_at=state.at if type(state) is Settled else None,
        holder=None if custody is None else custody.organisation,
        claimed=custody is not None and custody.claimed,
        organisations=tuple(chain.organisations),
        harms=harms,
        harm_until=harm_until,
        theme=theme,
    )


def _outcome(fact: object, handoff: HandoffId) -> HandoffOutcome:
    """Return what an event made of an offer that it ended."""
    if isinstance(fact, f.HandoffFact) and fact.handoff == handoff:
        return _ANSWERS[type(fact)]
    return HandoffOutcome.LAPSED


_ANSWERS: Final[dict[type[f.HandoffFact], HandoffOutcome]] = {
    f.HandoffAccepted: HandoffOutcome.ACCEPTED,
    f.HandoffRefused: HandoffOutcome.REFUSED,
    f.HandoffWithdrawn: HandoffOutcome.WITHDRAWN,
}
