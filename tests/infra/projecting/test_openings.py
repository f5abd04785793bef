"""When gaps opened, by the query and by stepping through time: each once, at the first moment at which it counted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import msgspec
import pytest

from histories.recording import TICK
from histories.several import by_stream, people_of
from infra.projecting.registries import fill, some_registry
from knelpunt.domain.case.facts import CaseFact
from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import GapKind
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import DatabaseRole, connect_as_registry
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.derivation.facets import GapFacet
from knelpunt.projections.derivation.shapes import Gap
from knelpunt.projections.derivation.subjects import subject_gaps, subject_rows_of
from knelpunt.projections.derivation.timelines import Row, rows_of
from knelpunt.projections.queries import openings
from knelpunt.projections.queries.openings import FIRST, SETTLING, Opening, OpeningChoice, OpeningPlace

LONG_AFTER = datetime(2040, 1, 1, tzinfo=UTC)
EVERYTHING = OpeningChoice()


def opened(
    url: str, after: OpeningPlace, until: datetime, choice: OpeningChoice = EVERYTHING, limit: int = 50
) -> tuple[list[Opening], OpeningPlace]:
    """Return what opened beyond a place, read page by page as a subscription does, and the place come to."""
    found: list[Opening] = []
    with connect_as_registry(url, DatabaseRole.READER) as connection:
        while True:
            rows = connection.cursor(binary=True).execute(*openings.page(after, until, choice, limit)).fetchall()
            found += [each for each in map(openings.opening, rows) if each is not None]
            if rows:
                after = openings.place(rows[-1])
            if len(rows) < limit:
                return found, after


def cases(log: Sequence[Event]) -> list[list[Event]]:
    """Return the events of a log case by case."""
    streams: dict[UUID, list[Event]] = {}
    for event in log:
        if isinstance(event.data, CaseFact):
            streams.setdefault(event.stream, []).append(event)
    return list(streams.values())


def moments(history: Sequence[Event], rows: Sequence[Row]) -> list[datetime]:
    """Return the moments at which anything may change for whoever asks for now, and some between."""
    found = {event.recorded_at for event in history} | {event.occurred_at + TICK for event in history}
    for row in rows:
        if isinstance(row.state, GapFacet):
            found |= {row.as_of_from, row.known_from}
            found |= {at for at in (row.as_of_until, row.known_until, row.until_known_from) if at is not None}
            after = row.state.gap.counts_after
            found |= set() if after is None else {after, after + TICK}
    return sorted(found)


def stepped_through(
    found_at: Sequence[datetime], gaps_at: Callable[[datetime], Iterable[Gap]]
) -> Iterator[tuple[UUID, datetime]]:
    """Yield which gap opened when: asked at every moment, it first counts then, and does not cease to at once."""
    since: dict[UUID, datetime] = {}
    done: set[UUID] = set()
    for at in [*found_at, LONG_AFTER]:
        counting = {gap.id for gap in gaps_at(at) if gap.counts(at)} if at < LONG_AFTER else set()
        for gap in since.keys() - counting:
            began = since.pop(gap)
            if gap not in done and at - began >= SETTLING:
                done.add(gap)
                yield gap, began
        for gap in counting:
            since.setdefault(gap, at)


def expected(log: Sequence[Event]) -> dict[UUID, datetime]:
    """Return when each gap opened: those in a case, and those over the cases of somebody."""
    within = (
        opening
        for history in cases(log)
        for opening in stepped_through(
            moments(history, rows_of(history[0].stream, history)), lambda at, of=history: answer(of, at, at).gaps
        )
    )
    over = (
        opening
        for person in people_of(log)
        for opening in stepped_through(
            moments([], subject_rows_of(person, log)),
            lambda at, person=person: subject_gaps(
                by_stream([event for event in log if event.recorded_at <= at]), at, subject=person
            ),
        )
    )
    return {**dict(within), **dict(over)}


def same(found: Sequence[Opening], log: Sequence[Event]) -> bool:
    """Whether each gap opened that should, then, or in the state that it was left in by what was recorded with it."""
    wanted = expected(log)
    recorded = {event.recorded_at for event in log}
    return sorted(each.gap.id for each in found) == sorted(wanted) and all(
        each.at == begun or (each.at in recorded and begun < each.at < begun + SETTLING)
        for each, begun in ((each, wanted[each.gap.id]) for each in found)
    )


def project(url: str) -> None:
    with closing(Projector(url)) as projector:
        projector.catch_up()


@pytest.mark.parametrize(
    "seeds",
    [
        *(pytest.param((seed,), id=str(seed)) for seed in range(2)),
        pytest.param(range(2, 100), id="many", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_first_appearances(new_registry, seeds) -> None:
    """Each gap opens once, when stepping through time first finds it; resumed anywhere, the rest comes in order."""
    for seed in seeds:
        rng = Random(seed)
        log = some_registry(7_000 + seed, cases=3)
        url = new_registry()
        fill(url, log)
        project(url)
        found, _ = opened(url, FIRST, LONG_AFTER)
        assert same(found, log), seed
        assert found == sorted(found, key=lambda each: (each.place.due, each.place.gap))
        assert all(each.at - each.place.due in {timedelta(0), TICK} for each in found)
        for number in (0, len(found) - 1, *(rng.randrange(len(found)) for _ in range(4))):
            rest, _ = opened(url, found[number].place, LONG_AFTER, limit=rng.choice((1, 2, 7)))
            assert rest == found[number + 1 :], (seed, number)
        rebuild(url, workers=1)
        assert opened(url, FIRST, LONG_AFTER)[0] == found, seed


def test_an_opening_shows_the_gap_as_it_was(registry_url) -> None:
    """The row told is the gap as derived at the moment it opened, from the events recorded by then."""
    log = some_registry(7_100, cases=4)
    fill(registry_url, log)
    project(registry_url)
    found, _ = opened(registry_url, FIRST, LONG_AFTER)
    histories = {history[0].stream: history for history in cases(log)}
    for each in found:
        assert each.position == max(event.position for event in log if event.recorded_at <= each.at)
        row = each.gap
        if row.cases:
            known = by_stream([event for event in log if event.position <= each.position])
            derived = subject_gaps(known, each.at, subject=row.case)
        else:
            derived = answer([e for e in histories[row.case] if e.position <= each.position], each.at, None).gaps
        gap = next(gap for gap in derived if gap.id == row.id)
        assert gap.counts(each.at)
        assert (row.kind, row.from_, row.until, row.open) == (gap.kind, gap.from_, gap.until, gap.open)
        assert (tuple(row.to_act), tuple(row.involved), tuple(row.evidence)) == (gap.to_act, gap.involved, gap.evidence)
        assert (row.obstacle, row.length, row.lasted) == (gap.obstacle, gap.length, gap.lasted(each.at))
        assert tuple(row.cases) == gap.cases
    assert any(each.gap.cases for each in found)
    assert any(each.gap.open for each in found)
    assert any(not each.gap.open for each in found)


@pytest.mark.parametrize("batch", [1, 5])
def test_nothing_comes_in_behind_a_reader(registry_url, monkeypatch, batch) -> None:
    """Read after each projected batch up to what is settled then, the pages together are those read at the end."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", batch)
    log = some_registry(7_200, cases=2)
    fill(registry_url, log)
    found: list[Opening] = []
    place = FIRST
    with closing(Projector(registry_url)) as projector:
        more_to_come = True
        while more_to_come:
            position, more_to_come = projector.step()
            # As late as the past can be closed: a tick before the next event is recorded.
            last = position == len(log) - 1
            settled = LONG_AFTER if last else log[position + 1].recorded_at - TICK
            more, place = opened(registry_url, place, settled - SETTLING)
            found += more
    assert len(found) > 5
    assert found == opened(registry_url, FIRST, LONG_AFTER - SETTLING)[0]


def test_what_one_append_takes_back_never_opened(registry_url) -> None:
    """History that is recorded at once, as an import does, opens the gaps that it leaves, and not one at every step."""
    log = some_registry(7_300, cases=4)
    start = log[-1].recorded_at
    at_once = [msgspec.structs.replace(event, recorded_at=start + n * TICK) for n, event in enumerate(log)]
    fill(registry_url, at_once)
    project(registry_url)
    found, _ = opened(registry_url, FIRST, LONG_AFTER)
    assert same(found, at_once)
    end = start + len(log) * TICK
    lasting = {gap.id for history in cases(at_once) for gap in answer(history, end, end).gaps if gap.counts(end)}
    for person in people_of(at_once):
        lasting |= {gap.id for gap in subject_gaps(by_stream(at_once), end, subject=person) if gap.counts(end)}
    assert {each.gap.id for each in found if each.at < end} == lasting
    assert lasting


def test_choices(registry_url) -> None:
    """Of chosen kinds and organisations exactly those come that had them when they opened, in pages of any size."""
    fill(registry_url, some_registry(7_400, cases=6))
    project(registry_url)
    found, end = opened(registry_url, FIRST, LONG_AFTER)
    kinds = (GapKind.STANDSTILL, GapKind.UNANSWERED)
    organisations = sorted({one for each in found for one in (*each.gap.to_act, *each.gap.involved)})[:2]
    of_kinds = [each for each in found if each.gap.kind in kinds]
    theirs = [each for each in found if {*each.gap.to_act, *each.gap.involved} & {*organisations}]
    assert 0 < len(of_kinds) < len(found)
    assert 0 < len(theirs) < len(found)
    for limit in (1, 3, 50):
        for choice, wanted in (
            (OpeningChoice(kinds=kinds), of_kinds),
            (OpeningChoice(organisations=organisations), theirs),
            (OpeningChoice(organisations, kinds), [each for each in theirs if each in of_kinds]),
            (OpeningChoice(kinds=()), []),
        ):
            assert opened(registry_url, FIRST, LONG_AFTER, choice, limit) == (wanted, end)
