"""Late facts, corrections and strikings: what is mended, what is inert, and what comes of it."""

from datetime import UTC, timedelta

import msgspec
import pytest

from domain.given import DAY, GEM, HOUR, START, SVB, UWV, Given, Told, event_id, given, some_id
from domain.stories import (
    CONTESTED,
    FREE,
    HANDOFF,
    HELD,
    OBSTACLE,
    OFFER,
    OFFERED,
    OPENED,
    RESOLUTION,
    SETTLED,
    SUBJECT,
)
from knelpunt.domain.case import facts as f
from knelpunt.domain.case.corrections import correctable_fields, corrected_event, mend
from knelpunt.domain.command import RefusalCode
from knelpunt.domain.text import Sealed, clear
from knelpunt.domain.vocabulary import Outcome, Precision, RefusalGround, StepKind, StrikeReason
from knelpunt.projections.derivation.answer import CaseAnswer, answer


def now_of(case: Given, days: int = 1) -> CaseAnswer:
    return answer(case.history, case.next_hour + days * DAY)


def conflicts(case: Given) -> set:
    return {conflict.event for conflict in now_of(case).conflicts}


def test_a_late_fact_without_effect_is_a_conflict_until_an_earlier_one_is_found() -> None:
    """An acceptance with no offer at its place is inert and says why; the offer, put in its place, gives it effect."""
    accepted = f.HandoffAccepted(HANDOFF)
    case = given(OPENED, HELD[1], Told(OFFER, at=START + 10 * DAY), Told(accepted, UWV, START + 2 * DAY))
    (conflict,) = now_of(case).conflicts
    assert (conflict.event, conflict.code) == (event_id(3), RefusalCode.UNKNOWN_HANDOFF)
    assert now_of(case).obstacles[0].holder == GEM
    mended = case.when(f.FactCorrected(event_id(2), "occurred_at", (START + DAY).isoformat())).then_recorded()
    assert conflicts(mended) == set()
    assert now_of(mended).obstacles[0].holder == UWV


def test_an_inert_event_changes_nothing() -> None:
    """Segments, gaps and figures are as if an event without effect had never been told."""
    before = given(*OFFERED)
    with_it = before.when(f.CustodyTaken(OBSTACLE, SVB), by=SVB, now=before.next_hour + 2 * DAY).then_recorded()
    as_of = before.next_hour + 90 * DAY
    one, other = answer(before.history, as_of), answer(with_it.history, as_of)
    assert one.obstacles == other.obstacles
    assert [conflict.contradicted_by for conflict in other.conflicts] == [(event_id(1),)]


def test_a_late_fact_that_fits_has_effect_at_its_place() -> None:
    """A resolution found late settles the obstacle when it happened, and what came after it is judged again."""
    case = given(
        *HELD, Told(f.StepTaken(OBSTACLE, GEM, StepKind.LETTER), at=START + 5 * DAY), Told(OFFER, at=START + 6 * DAY)
    )
    late = case.when(RESOLUTION, at=START + 3 * DAY, now=START + 40 * DAY).then_recorded(START + 40 * DAY)
    found = answer(late.history, START + 50 * DAY)
    assert found.obstacles[0].settled_at == START + 3 * DAY
    assert {conflict.event for conflict in found.conflicts} == {event_id(3)}
    # Whoever asks what was known before it was found gets the answer of then.
    assert answer(late.history, START + 50 * DAY, START + 20 * DAY).obstacles[0].open


def test_a_struck_event_counts_for_nothing_and_is_no_conflict() -> None:
    """It stays in the timeline with what struck it, and what hung on it is judged without it."""
    case = given(*OFFERED, Told(f.HandoffAccepted(HANDOFF), UWV))
    struck = case.when(f.EventStruck(event_id(2), StrikeReason.NEVER_HAPPENED)).then_recorded()
    found = now_of(struck)
    assert found.obstacles[0].holder == GEM
    assert {conflict.event for conflict in found.conflicts} == {event_id(3)}
    assert {told.event.id: told.struck_by for told in found.timeline}[event_id(2)] == event_id(4)


def test_striking_a_striking_gives_the_event_its_effect_again() -> None:
    """What was struck by mistake is as it was, and may be struck anew."""
    strike = f.EventStruck(event_id(2), StrikeReason.DUPLICATE)
    case = given(*SETTLED, strike)
    assert now_of(case).obstacles[0].open
    restored = case.when(f.EventStruck(event_id(3), StrikeReason.DUPLICATE)).then_recorded()
    assert not now_of(restored).obstacles[0].open
    again = restored.when(strike).then_recorded()
    assert now_of(again).obstacles[0].open


def test_striking_a_correction_takes_it_back() -> None:
    """The field is again what it was before."""
    case = given(*SETTLED, f.FactCorrected(event_id(2), "outcome", "REJECTED"))
    assert outcome(case) is Outcome.REJECTED
    back = case.when(f.EventStruck(event_id(3), StrikeReason.DUPLICATE)).then_recorded()
    assert outcome(back) is Outcome.REMOVED


def outcome(case: Given) -> Outcome:
    fact = {told.event.id: told.event.data for told in now_of(case).timeline}[event_id(2)]
    assert isinstance(fact, f.ObstacleResolved)
    return fact.outcome


def test_the_last_correction_of_a_field_wins() -> None:
    """Corrections apply in the order of their recording, whatever moments they carry."""
    first = Told(f.FactCorrected(event_id(2), "outcome", "REJECTED"), at=START + 9 * DAY)
    second = Told(f.FactCorrected(event_id(2), "outcome", "PARTLY"), at=START + 8 * DAY)
    assert outcome(given(*SETTLED, first, second)) is Outcome.PARTLY
    told = {told.event.id: told for told in now_of(given(*SETTLED, first, second)).timeline}[event_id(2)]
    assert told.corrected_by == (event_id(3), event_id(4))


def test_a_corrected_moment_is_the_one_that_counts() -> None:
    """The event takes its place at the corrected moment, for whoever asks knowing of the correction."""
    case = given(*FREE, Told(f.CustodyTaken(OBSTACLE, UWV), UWV, START + 20 * DAY))
    corrected = case.when(f.FactCorrected(event_id(2), "occurred_at", (START + 2 * DAY).isoformat())).then_recorded()
    (_, held) = answer(corrected.history, START + 90 * DAY).obstacles[0].segments
    assert held.from_ == START + 2 * DAY
    (_, held) = answer(corrected.history, START + 90 * DAY, START + 20 * DAY).obstacles[0].segments
    assert held.from_ == START + 20 * DAY


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (1, "received_by", UWV),
        (1, "received_by", None),
        (1, "told", (SVB, UWV)),
        (1, "obstacle", str(some_id("renamed"))),
        (2, "from", SVB),
        (2, "respond_by", "2024-05-01T00:00:00+02:00"),
        (2, "precision", "DAY"),
        (2, "occurred_at", "2024-03-04T12:00:00+01:00"),
    ],
)
def test_a_field_is_corrected_in_its_own_type(number, field, value) -> None:
    """Ids are texts, moments RFC 3339 with any offset, lists lists; names are those of the stored event."""
    event = given(*OFFERED).history[number]
    fixed = corrected_event(event, f.FactCorrected(event.id, field, value))
    assert fixed is not None
    stored = msgspec.to_builtins(fixed.data) | {"occurred_at": fixed.occurred_at, "precision": fixed.precision}
    if field in {"occurred_at", "respond_by"}:
        wanted = msgspec.convert(value, type=type(START))
        assert msgspec.convert(stored[field], type(START)) == wanted
    else:
        assert stored.get(field) == value
    assert fixed.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (1, "colour", "red"),
        (1, "received_by", 7),
        (1, "story", "a text in the wrong place"),
        (2, "from_", GEM),
        (2, "respond_by", "soon"),
        (2, "occurred_at", "2024-03-04T12:00:00"),
        (2, "occurred_at", None),
        (2, "occurred_at", "0001-01-01T00:00:00+14:00"),
        (2, "to", "an organisation without a scheme"),
        (3, "ground", "BECAUSE"),
    ],
)
def test_what_does_not_fit_is_no_correction(number, field, value) -> None:
    """An unknown field, a value of another type and a moment without offset or before all time mend nothing."""
    refused = Told(f.HandoffRefused(HANDOFF, RefusalGround.OTHER), UWV)
    event = given(*OFFERED, refused).history[number]
    assert corrected_event(event, f.FactCorrected(event.id, field, value)) is None


def test_a_party_cannot_be_corrected() -> None:
    """Whose word something is cannot be put right afterwards: strike it and record it anew."""
    assert "by" not in correctable_fields(f.ResolutionContested)
    assert "gap" not in correctable_fields(f.GapAcknowledged)
    assert "answer_due" in correctable_fields(f.ResolutionContested)
    assert corrected_event(given(*CONTESTED).history[3], f.FactCorrected(event_id(3), "by", GEM)) is None


def test_a_text_is_corrected_by_a_sealed_one() -> None:
    """The right text stands in content, sealed as every other; none takes the text away."""
    sealed = Sealed(SUBJECT, some_id("key"), b"box")
    event = given(*HELD).history[1]
    fixed = corrected_event(event, f.FactCorrected(event.id, "story", content=sealed))
    assert fixed is not None
    assert isinstance(fixed.data, f.ObstacleReported)
    assert fixed.data.story == sealed
    gone = corrected_event(fixed, f.FactCorrected(event.id, "story"))
    assert gone is not None
    assert isinstance(gone.data, f.ObstacleReported)
    assert gone.data.story is None


def test_a_mending_that_cannot_be_applied_is_inert_and_named() -> None:
    """A history from elsewhere may hold a striking of nothing and a correction that does not fit: neither stops it."""
    history = given(
        *HELD,
        f.EventStruck(some_id("nothing"), StrikeReason.DUPLICATE),
        f.FactCorrected(event_id(1), "colour", "red"),
        f.FactCorrected(some_id("nothing"), "told", ()),
    ).history
    mended = mend(history)
    assert [event.id for event in mended.events] == [event_id(0), event_id(1)]
    assert set(mended.inert) == {
        (event_id(2), some_id("nothing")),
        (event_id(3), event_id(1)),
        (event_id(4), some_id("nothing")),
    }
    found = answer(history, START + DAY)
    assert {(c.event, c.code) for c in found.conflicts} == {(event_id(3), RefusalCode.NOT_CORRECTABLE)}


def test_mendings_may_strike_each_other() -> None:
    """The last word counts: of two strikings that are about each other's targets, the later one decides."""
    history = given(
        *SETTLED,
        f.EventStruck(event_id(2), StrikeReason.DUPLICATE),
        f.EventStruck(event_id(3), StrikeReason.DUPLICATE),
        f.EventStruck(event_id(4), StrikeReason.DUPLICATE),
    ).history
    assert mend(history).struck == {event_id(4): event_id(5), event_id(2): event_id(3)}


def test_the_precision_of_a_moment_does_not_move_it() -> None:
    """An event known to the day only keeps its place in time."""
    case = given(*SETTLED, f.FactCorrected(event_id(2), "precision", "MONTH"))
    told = {told.event.id: told.event for told in now_of(case).timeline}[event_id(2)]
    assert (told.precision, told.occurred_at) == (Precision.MONTH, START + 2 * HOUR)


def test_a_correction_of_what_was_corrected_is_judged_on_what_stands_now() -> None:
    """A field that would not fit the event as recorded may fit it as corrected, and the other way round."""
    offered = given(*OFFERED).when(
        f.FactCorrected(event_id(2), "occurred_at", (START + timedelta(minutes=90)).isoformat())
    )
    case = offered.then_recorded()
    before = f.FactCorrected(event_id(2), "delivered_at", (START + timedelta(minutes=80)).isoformat())
    between = f.FactCorrected(event_id(2), "delivered_at", (START + timedelta(minutes=100)).isoformat())
    case.when(before).then_refused(RefusalCode.MALFORMED)
    case.when(between).then_recorded()


def test_clear_text_in_a_correction_reaches_the_decision() -> None:
    """A correction comes in with its text in clear, and is judged like any other."""
    given(*HELD).when(f.FactCorrected(event_id(1), "need", content=clear("Rust."))).then_recorded()
