"""Rows of the read model in PostgreSQL's binary COPY format.

A rebuild writes some three rows an event, so what a row costs decides what a rebuild costs: packing it by hand takes a
fraction of what a driver takes that must find out each value's type. Every function returns one row as bytes, in the
order of the columns of ``tables.sql`` (``COLUMNS``). Format: PostgreSQL manual, COPY, "Binary Format"; moments are
microseconds since 2000-01-01, as int8. The module is long because a table's columns and what packs them must agree.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct as Layout
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from ...domain.ids import gap_name_of
from ...domain.settings import GRACES
from ...domain.vocabulary import GapKind
from ..derivation.answer_facets import CommitmentFacet, EscalationFacet, NoticeFacet, TellingFacet
from ..derivation.belonging import LinkFacet, RemedyFacet, SubjectFacet
from ..derivation.facets import (
    FOR_EVER,
    CaseFacet,
    ChainFacet,
    Facet,
    GapFacet,
    HandoffFacet,
    PartyFacet,
)
from ..derivation.learning_facets import StreamFacet, StreamLinkFacet
from ..derivation.organisation_facets import OrganisationFacet, StrategyFacet, TaskFacet
from ..derivation.shapes import NO_TIME
from ..derivation.timelines import Row
from ..derivation.todos import TodoFacet

KEPT: Final = 10_000
"""Of how many words and lists of words, met last, the packed form is kept at hand, each kind apart: the rows of a case
share them, and a projector that runs for years meets ever new ones. Some 10 MB of gaps' words, less of the others."""

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What a binary COPY begins with: a signature, no flags, no extension."""

END: Final = b"\xff\xff"
"""What a binary COPY ends with."""

WINDOWS: Final = "as_of_from, as_of_until, known_from, until_known_from, known_until"

COLUMNS: Final = MappingProxyType(
    {
        "case_state": f"{WINDOWS}, opened_at, case_id, closed_at, reference, theme",
        "case_party": f"{WINDOWS}, case_id, organisation",
        "case_subject": f"{WINDOWS}, case_id, subject_id, place",
        "case_link": f"{WINDOWS}, case_id, event_id, to_case_id, relation",
        "remedy_state": f"{WINDOWS}, case_id, event_id, obstacle_id, organisation, rule",
        "chain_state": (
            f"{WINDOWS}, reported_at, harm_until, case_id, obstacle_id, claimed, settled_at, holder, theme, "
            "organisations, harms"
        ),
        "gap_state": (
            f"{WINDOWS}, from_at, lasting_since, counts_after, harm_until, lasted, case_id, gap_id, begun_by, open, "
            "until_at, obstacle_id, length, kind, theme, to_act, involved, harms, evidence, cases, themes, stream_kind"
        ),
        "handoff_state": (
            f"{WINDOWS}, made_at, delivered_at, case_id, handoff_id, obstacle_id, respond_by, ended_at, kind, outcome, "
            "ground, from_organisation, to_organisation"
        ),
        "stream_state": f"{WINDOWS}, begun_at, stream_id, kind, status, theme, organisations, marks",
        "stream_link": f"{WINDOWS}, since, stream_id, event_id, target_id, relation",
        "commitment_state": (
            f"{WINDOWS}, made_at, due_at, ended_at, case_id, event_id, kind, outcome, organisation, cases, stream_kind"
        ),
        "escalation_state": (
            f"{WINDOWS}, made_at, respond_by, ended_at, stream_id, event_id, level, asked_by, to_organisation"
        ),
        "notice_state": (f"{WINDOWS}, at, since, case_id, event_id, gap_id, lies_on, kind, organisation, stream_kind"),
        "telling_state": f"{WINDOWS}, case_id, obstacle_id, contacts, retold",
        "todo_state": f"{WINDOWS}, since, case_id, stream_id, event_id, kind, obstacle_id, organisation",
        "organisation_state": f"{WINDOWS}, organisation, name, kind, parent, ended_at, merged_into, team",
        "task_state": f"{WINDOWS}, since, stream_id, event_id, theme, organisation, to_organisation",
        "strategy_state": f"{WINDOWS}, at, stream_id, event_id, strategy_id, organisation, shared_by, themes, origins",
    }
)
"""The columns of each table, in the order in which rows give them: those of one length that are never null first, so
that they are packed in one go."""

TABLES: Final = MappingProxyType(
    {
        CaseFacet: "case_state",
        PartyFacet: "case_party",
        SubjectFacet: "case_subject",
        LinkFacet: "case_link",
        RemedyFacet: "remedy_state",
        ChainFacet: "chain_state",
        GapFacet: "gap_state",
        HandoffFacet: "handoff_state",
        TodoFacet: "todo_state",
        OrganisationFacet: "organisation_state",
        TaskFacet: "task_state",
        StrategyFacet: "strategy_state",
        StreamFacet: "stream_state",
        StreamLinkFacet: "stream_link",
        CommitmentFacet: "commitment_state",
        EscalationFacet: "escalation_state",
        NoticeFacet: "notice_state",
        TellingFacet: "telling_state",
    }
)
"""Where each kind of facet is kept."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LENGTH: Final = Layout(">i").pack
_MOMENT: Final = Layout(">iq").pack
_NULL: Final = _LENGTH(-1)
_NULLS: Final = _NULL + _NULL
_FOUR: Final = _LENGTH(4)
_SIXTEEN: Final = _LENGTH(16)
_NO_CASE: Final = bytes(16)
_INFINITY: Final = 2**63 - 1
_MINUS_INFINITY: Final = -(2**63)
_TEXT_OID: Final = 25
_UUID_OID: Final = 2950
_GRACES: Final = {kind: GRACES.get(kind, NO_TIME) // _MICROSECOND for kind in GapKind}

# Each field has its length before it: 8 a moment, 16 an id, 1 a truth.
_WINDOWS: Final = Layout(">hiqiqiqiqiq").pack
_CASE: Final = Layout(">iqi16s").pack
_CHAIN: Final = Layout(">iqiqi16si16si?").pack
_GAP: Final = Layout(">iqiqiqiqiqi16si16si16si?").pack
_HANDOFF: Final = Layout(">iqiqi16si16si16s").pack
_TO_DO: Final = Layout(">iqi16si16si16s").pack


class _Moments(dict[int, int]):
    """The moments of one case's rows as microseconds since 2000, by the identity of the ``datetime``.

    A case's rows share the same few objects, which its rows keep alive; to look one up by its value takes four times
    as long. Where a row says until when, none stands for ever. Whoever looks up many asks ``get`` before ``of``.
    """

    __slots__ = ()

    def __init__(self) -> None:
        """Know none yet, save that what has no end lasts for ever."""
        super().__init__({id(None): _INFINITY})

    def of(self, at: datetime | None) -> int:
        """Return a moment in microseconds since 2000; none is never."""
        found = self.get(id(at))
        if found is None:
            assert at is not None, "what has no end is known from the beginning"
            since = at - _EPOCH
            found = self[id(at)] = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return found

    def field(self, at: datetime | None) -> bytes:
        """Return a field that holds a moment or null."""
        return _NULL if at is None else _MOMENT(8, self.of(at))

    def harm_until(self, at: datetime | None) -> int:
        """Return until when a harm lasts: none was stated, or it has no end, or a moment."""
        if at is None:
            return _MINUS_INFINITY
        return _INFINITY if at == FOR_EVER else self.get(id(at)) or self.of(at)


@lru_cache(maxsize=KEPT)
def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _text_or_null(value: str | None) -> bytes:
    return _NULL if value is None else _text(value)


def _array(oid: int, items: list[bytes]) -> bytes:
    """Return an array of items that each stand with their length."""
    if not items:
        data = Layout(">iii").pack(0, 0, oid)
    else:
        data = Layout(">iiiii").pack(1, 0, oid, len(items), 1) + b"".join(items)
    return _LENGTH(len(data)) + data


_UUID_HEADS: Final = {
    count: _LENGTH(20 + 20 * count) + Layout(">iiiiii").pack(1, 0, _UUID_OID, count, 1, 16) for count in range(1, 9)
}
"""What short arrays of ids begin with, by their length, up to the first id: nearly all of them."""


@lru_cache(maxsize=KEPT)
def _texts(values: tuple[str, ...]) -> bytes:
    return _array(_TEXT_OID, [_text(value) for value in values])


def _uuids(values: tuple[UUID, ...]) -> bytes:
    head = _UUID_HEADS.get(len(values))
    if head is None:
        return _array(_UUID_OID, [_SIXTEEN + value.int.to_bytes(16) for value in values])
    return head + _SIXTEEN.join([value.int.to_bytes(16) for value in values])


def encode(case: UUID, rows: Sequence[Row], into: Mapping[str, list[bytes]]) -> None:
    """Add each row of a case, as its bytes in the binary format of COPY, to the rows of the table that keeps it."""
    scribe = _Scribe(case)
    get, of = scribe.moments.get, scribe.moments.of
    for row in rows:
        state = row.state
        table, fields, write = _WRITERS[type(state)]
        from_, until, known, ended, done = (
            row.as_of_from,
            row.as_of_until,
            row.known_from,
            row.until_known_from,
            row.known_until,
        )
        known_from = get(id(known)) or of(known)
        windows = _WINDOWS(
            fields,
            8,
            get(id(from_)) or of(from_),
            8,
            _INFINITY if until is None else get(id(until)) or of(until),
            8,
            known_from,
            8,
            known_from if ended is None or ended is known else get(id(ended)) or of(ended),
            8,
            _INFINITY if done is None else get(id(done)) or of(done),
        )
        into[table].append(windows + write(scribe, state))


class _Scribe:
    """Writes the states of one case; what they share it writes once."""

    __slots__ = ("case", "moments", "names")

    def __init__(self, case: UUID) -> None:
        """Write for ``case``."""
        self.case = case.int.to_bytes(16)
        self.moments = _Moments()
        self.names: dict[tuple[int, int, GapKind], bytes] = {}
        """Names of gaps, by the identity of the ids that they are made of."""

    def case_row(self, state: CaseFacet) -> bytes:
        """Write a case's header."""
        return b"".join(
            (
                _CASE(8, self.moments.of(state.opened_at), 16, self.case),
                self.moments.field(state.closed_at),
                _text(state.reference),
                _text(state.theme),
            )
        )

    def party(self, state: PartyFacet) -> bytes:
        """Write that an organisation has a part in the case."""
        return _SIXTEEN + self.case + _text(state.organisation)

    def subject(self, state: SubjectFacet) -> bytes:
        """Write that the case is a subject's."""
        return b"".join((_SIXTEEN, self.case, _SIXTEEN, state.subject.int.to_bytes(16), _FOUR, _LENGTH(state.place)))

    def link(self, state: LinkFacet) -> bytes:
        """Write that the case was linked with another."""
        ids = b"".join(_SIXTEEN + one for one in (self.case, state.event.bytes, state.to.bytes))
        return ids + _text(state.relation)

    def remedy(self, state: RemedyFacet) -> bytes:
        """Write a remedy of the case."""
        ids = b"".join(_SIXTEEN + one for one in (self.case, state.event.bytes, state.obstacle.bytes))
        return ids + _text(state.organisation) + _text_or_null(state.rule)

    def chain(self, state: ChainFacet) -> bytes:
        """Write a chain's header."""
        moments = self.moments
        return b"".join(
            (
                _CHAIN(
                    8,
                    moments.of(state.reported_at),
                    8,
                    moments.harm_until(state.harm_until),
                    16,
                    self.case,
                    16,
                    state.obstacle.int.to_bytes(16),
                    1,
                    state.claimed,
                ),
                moments.field(state.settled_at),
                _text_or_null(state.holder),
                _text(state.theme),
                _texts(state.organisations),
                _texts(state.harms),
            )
        )

    def gap(self, state: GapFacet) -> bytes:
        """Write a gap: two rows in five are one, so no step is taken twice."""
        gap, moments = state.gap, self.moments
        kind, begun_by, lies_on = gap.kind, gap.begun_by, gap.lies_on
        from_, running_from = gap.from_, gap.running_from
        begun = moments.get(id(from_)) or moments.of(from_)
        grace = _GRACES[kind] if gap.grace is None else gap.grace // _MICROSECOND
        if running_from is None:
            lasted = gap.pieces // _MICROSECOND
            since = _MINUS_INFINITY
            counts_after = since if lasted > grace else _INFINITY
        else:
            lasted = -1
            since = begun if running_from is from_ else moments.of(running_from) - gap.pieces // _MICROSECOND
            counts_after = since + grace
        key = (id(begun_by), id(lies_on), kind)
        name = self.names.get(key)
        if name is None:
            name = self.names[key] = gap_name_of(lies_on, kind, begun_by)
        return b"".join(
            (
                _GAP(
                    8,
                    begun,
                    8,
                    since,
                    8,
                    counts_after,
                    8,
                    moments.harm_until(state.harm_until),
                    8,
                    lasted,
                    16,
                    self.case,
                    16,
                    name,
                    16,
                    begun_by.int.to_bytes(16),
                    1,
                    gap.open,
                ),
                _NULL if gap.until is None else moments.field(gap.until),
                _NULL if gap.obstacle is None else _SIXTEEN + lies_on.int.to_bytes(16),
                _NULL if gap.length is None else _FOUR + _LENGTH(gap.length),
                _words(kind, state.theme, gap.to_act, gap.involved, state.harms),
                _uuids(gap.evidence),
                _NULLS if not gap.cases else _uuids(gap.cases) + _texts(state.themes),
                _NULL if gap.stream_kind is None else _text(gap.stream_kind),
            )
        )

    def handoff(self, state: HandoffFacet) -> bytes:
        """Write an offer or a referral."""
        moments = self.moments
        return b"".join(
            (
                _HANDOFF(
                    8,
                    moments.of(state.made_at),
                    8,
                    moments.of(state.delivered_at),
                    16,
                    self.case,
                    16,
                    state.id.int.to_bytes(16),
                    16,
                    state.obstacle.int.to_bytes(16),
                ),
                moments.field(state.respond_by),
                moments.field(state.ended_at),
                _parties(state.kind, state.outcome, state.ground, state.from_, state.to),
            )
        )

    def todo(self, state: TodoFacet) -> bytes:
        """Write a to-do of the stream that the case is here: a case's, or an organisation's own."""
        return b"".join(
            (
                _TO_DO(
                    8,
                    self.moments.of(state.since),
                    16,
                    _NO_CASE if state.case is None else self.case,
                    16,
                    self.case,
                    16,
                    state.event.int.to_bytes(16),
                ),
                _text(state.kind),
                _NULL if state.obstacle is None else _SIXTEEN + state.obstacle.int.to_bytes(16),
                _text_or_null(state.organisation),
            )
        )

    def organisation(self, state: OrganisationFacet) -> bytes:
        """Write an organisation."""
        return b"".join(
            (
                _text(state.organisation),
                _text(state.name),
                _text(state.kind),
                _text_or_null(state.parent),
                self.moments.field(state.ended_at),
                _text_or_null(state.merged_into),
                _NULL if state.team is None else _SIXTEEN + state.team.int.to_bytes(16),
            )
        )

    def task(self, state: TaskFacet) -> bytes:
        """Write that a task of the organisation, whose stream the case is here, is another's."""
        names = _text(state.theme) + _text(state.organisation) + _text(state.to)
        return self.moments.field(state.since) + _SIXTEEN + self.case + _SIXTEEN + state.event.int.to_bytes(16) + names

    def strategy(self, state: StrategyFacet) -> bytes:
        """Write that the organisation, whose stream the case is here, shares a strategy or adopted it."""
        ids = b"".join(_SIXTEEN + one for one in (self.case, state.event.bytes, state.strategy.bytes))
        names = _text(state.organisation) + _text_or_null(state.shared_by)
        return self.moments.field(state.at) + ids + names + _texts(state.themes) + _texts(state.origins)

    def stream(self, state: StreamFacet) -> bytes:
        """Write the header of the learning stream that the case is here."""
        return b"".join(
            (
                self.moments.field(state.begun_at),
                _SIXTEEN + self.case,
                _text(state.kind),
                _text(state.status),
                _text_or_null(state.theme),
                _texts(state.organisations),
                _texts(state.marks),
            )
        )

    def stream_link(self, state: StreamLinkFacet) -> bytes:
        """Write what the learning stream, which the case is here, is linked with."""
        ids = b"".join(_SIXTEEN + one for one in (self.case, state.event.bytes, state.target.bytes))
        return self.moments.field(state.since) + ids + _text(state.relation)

    def commitment(self, state: CommitmentFacet) -> bytes:
        """Write what an organisation took upon itself."""
        moments = (self.moments.field(one) for one in (state.made_at, state.due_at, state.ended_at))
        ids = _SIXTEEN + self.case + _SIXTEEN + state.event.bytes
        words = _text(state.kind) + _text(state.outcome) + _text(state.organisation)
        cases = _uuids(state.cases) if state.cases else _NULL
        return b"".join(moments) + ids + words + cases + _text_or_null(state.stream_kind)

    def escalation(self, state: EscalationFacet) -> bytes:
        """Write whom the cause, which the case is here, was brought to."""
        moments = (self.moments.field(one) for one in (state.made_at, state.respond_by, state.ended_at))
        ids = _SIXTEEN + self.case + _SIXTEEN + state.event.bytes
        return b"".join(moments) + ids + _text(state.level) + _text(state.asked_by) + _text(state.to)

    def notice(self, state: NoticeFacet) -> bytes:
        """Write that an organisation said of a gap that it is so."""
        moments = self.moments.field(state.at) + self.moments.field(state.since)
        ids = (self.case, state.event.bytes, state.gap.bytes, state.lies_on.bytes)
        words = _text(state.kind) + _text(state.organisation) + _text_or_null(state.stream_kind)
        return moments + b"".join(_SIXTEEN + one for one in ids) + words

    def telling(self, state: TellingFacet) -> bytes:
        """Write how often the story of an obstacle was told."""
        ids = _SIXTEEN + self.case + _SIXTEEN + state.obstacle.bytes
        return ids + _FOUR + _LENGTH(state.contacts) + _FOUR + _LENGTH(state.retold)


@lru_cache(maxsize=KEPT)
def _words(
    kind: GapKind, theme: str, to_act: tuple[str, ...], involved: tuple[str, ...], harms: tuple[str, ...]
) -> bytes:
    """Return the fields of a gap that hold words: many gaps share all of them."""
    return _text(kind) + _text(theme) + _texts(to_act) + _texts(involved) + _texts(harms)


def _parties(kind: str, outcome: str, ground: str | None, from_: str, to: str) -> bytes:
    """Return the fields of a handoff that hold words."""
    return _text(kind) + _text(outcome) + _text_or_null(ground) + _text(from_) + _text(to)


_WRITERS: Final[Mapping[type, tuple[str, int, Callable[[_Scribe, Any], bytes]]]] = MappingProxyType(
    {
        kind: (TABLES[kind], len(COLUMNS[TABLES[kind]].split(", ")), write)
        for kind, write in {
            CaseFacet: _Scribe.case_row,
            PartyFacet: _Scribe.party,
            SubjectFacet: _Scribe.subject,
            LinkFacet: _Scribe.link,
            RemedyFacet: _Scribe.remedy,
            ChainFacet: _Scribe.chain,
            GapFacet: _Scribe.gap,
            HandoffFacet: _Scribe.handoff,
            TodoFacet: _Scribe.todo,
            OrganisationFacet: _Scribe.organisation,
            TaskFacet: _Scribe.task,
            StrategyFacet: _Scribe.strategy,
            StreamFacet: _Scribe.stream,
            StreamLinkFacet: _Scribe.stream_link,
            CommitmentFacet: _Scribe.commitment,
            EscalationFacet: _Scribe.escalation,
            NoticeFacet: _Scribe.notice,
            TellingFacet: _Scribe.telling,
        }.items()
    }
)
"""How each kind of facet is written: its table, how many fields a row has, and what writes those after the windows."""


def name_of(state: Facet) -> UUID | str | None:
    """Return what names the thing within its case, in the column that ``NAMES`` gives; none for the case itself."""
    match state:
        case GapFacet():
            return state.gap.id
        case ChainFacet() | TellingFacet():
            return state.obstacle
        case HandoffFacet():
            return state.id
        case SubjectFacet():
            return state.subject
        case LinkFacet() | TodoFacet() | RemedyFacet() | CommitmentFacet() | EscalationFacet() | NoticeFacet():
            return state.event
        case PartyFacet() | OrganisationFacet():
            return state.organisation
        case TaskFacet():
            return state.theme
        case StrategyFacet():
            return state.strategy
        case StreamLinkFacet():
            return state.name
        case CaseFacet() | StreamFacet():
            return None


def table_of(state: Facet) -> str:
    """Return the table in which a state is kept."""
    return TABLES[type(state)]
