"""What lies over several cases of one subject, as a view shows it.

Lists come from the read model, whose row security says which cases the asker may see: a gap over several cases is shown
only to those who may see each of them. What one organisation knew, and what has just been recorded, is derived from
those of the subject's cases that the asker may see.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ..domain.case.corrections import Mended
from ..domain.case.facts import AccountGiven, GapAcknowledged
from ..domain.event import Event
from ..domain.ids import organisation_stream_of
from ..domain.vocabulary import CaseRelation
from ..projections.derivation.answer import Told
from ..projections.derivation.cross_chains import CrossChain, cross_chains_of
from ..projections.derivation.shapes import Gap, Lying, follows
from ..projections.derivation.subjects import (
    chains_across,
    mend_each,
    organisations_above,
    organisations_named,
    subject_gaps,
)
from ..projections.queries import gaps, subjects
from ..projections.queries.gaps import GapRow
from .batch import Batch
from .view import CaseReading, View, ViewOfEvents

Link = tuple[UUID, UUID, CaseRelation, UUID]
"""A case was linked with another one: which, with which, how, and by what event of the first."""


class Across:
    """What lies over several cases, at one view."""

    __slots__ = ("cases_of", "links", "over", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self.over = Batch[UUID, list[GapRow]](self._over)
        self.cases_of = Batch[UUID, list[UUID]](self._cases_of)
        self.links = Batch[UUID, list[Link]](self._links)

    async def _over(self, cases: Sequence[UUID]) -> Mapping[UUID, list[GapRow] | Exception]:
        rows = await self.view.session.rows(*subjects.over(self.view.moment, cases))
        return {case: [gaps.row(row[1:]) for row in rows if row[0] == case] for case in cases}

    async def _cases_of(self, asked: Sequence[UUID]) -> Mapping[UUID, list[UUID] | Exception]:
        rows = await self.view.session.rows(*subjects.cases_of(self.view.moment, asked))
        return {subject: [case for of, case in rows if of == subject] for subject in asked}

    async def _cases_of_all(self, subjects_: Sequence[UUID]) -> list[UUID]:
        """Return the cases of each of some subjects, one after the other."""
        await self.cases_of.load_all(subjects_)
        return [case for subject in subjects_ for case in await self.cases_of.load(subject)]

    async def _links(self, cases: Sequence[UUID]) -> Mapping[UUID, list[Link] | Exception]:
        rows = await self.view.session.rows(*subjects.links(self.view.moment, cases))
        found = [(one, other, CaseRelation(relation), event) for one, other, relation, event in rows]
        return {case: [link for link in found if case in link[:2]] for case in cases}

    async def one(self, subject: UUID, gap: UUID) -> GapRow | None:
        """Return a gap over the cases of a subject, if it is there."""
        rows = await self.view.session.rows(*subjects.one(self.view.moment, subject, gap))
        return gaps.row(rows[0]) if rows else None

    async def gaps_of_case(self, case: UUID, known_to: str | None) -> list[GapRow]:
        """Return the gaps over the cases of its subjects that lie in a case too."""
        if known_to is None and not isinstance(self.view, ViewOfEvents):
            return await self.over.load(case)
        reading = await self.view.read(case, known_to)
        if reading is None or reading.answer.fact is None:
            return []
        found: list[GapRow] = []
        named = reading.answer.fact.subjects
        # Those of all of them, for each: what is told of one is not told of another who has the same.
        cases = dict.fromkeys((*await self._cases_of_all(named), case))
        histories, settings = await self._histories(cases), await self.view.settings()
        for subject in named:
            derived = subject_gaps(histories, self.view.as_of, settings, subject=subject, known_to=known_to)
            found += [_row(gap, self.view) for gap in derived if case in gap.cases]
        return found

    async def gaps_of_subject(self, subject: UUID) -> list[GapRow]:
        """Return the gaps over cases that are all this subject's."""
        own = await self.cases_of.load(subject)
        await self.over.load_all(own)
        found = {row.id: row for case in own for row in await self.over.load(case) if set(row.cases) <= set(own)}
        return sorted(found.values(), key=lambda row: (row.from_, row.id))

    async def readings_beside(self, reading: CaseReading, case: UUID, known_to: str | None) -> list[CaseReading]:
        """Return the other cases of a case's subjects, as far as they are there at this view."""
        if reading.answer.fact is None:
            return []
        beside = set(await self._cases_of_all(reading.answer.fact.subjects)) - {case}
        await self.view.histories.load_all(beside)
        readings = [await self.view.read(one, known_to) for one in sorted(beside)]
        return [one for one in readings if one is not None]

    async def chains_of_case(self, reading: CaseReading, case: UUID, known_to: str | None) -> list[CrossChain]:
        """Return the cross-chains that a case has a part in: those over several cases, and those within it alone."""
        beside = await self.readings_beside(reading, case, known_to)
        over = [
            chain
            for chain in chains_across([reading.answer, *(one.answer for one in beside)])
            if any(one.report.stream == case for one in chain.obstacles)
        ]
        told = {one.obstacle for chain in over for one in chain.obstacles}
        within = [chain for chain in cross_chains_of((reading.answer,)) if chain.obstacles[0].obstacle not in told]
        return sorted((*over, *within), key=lambda chain: chain.obstacles[0].report.occurred_at)

    async def chains_of_subject(self, subject: UUID) -> list[CrossChain]:
        """Return the cross-chains over the cases of a subject, those within one among them."""
        cases = await self.cases_of.load(subject)
        await self.view.histories.load_all(cases)
        readings = [await self.view.read(case, None) for case in cases]
        answers = [one.answer for one in readings if one is not None]
        return list(cross_chains_of(answers)) if answers else []

    async def said(self, subject: UUID, gap: Lying, known_to: str | None) -> list[tuple[UUID, Told]]:
        """Return what was said of a gap over the cases of a subject, each with the case in which it was recorded.

        It is about the gap that it names if that is still there, else about those that late facts made of it.
        """
        cases = await self.cases_of.load(subject)
        await self.over.load_all(cases)
        there = {row.id for case in cases for row in await self.gaps_of_case(case, known_to)}
        await self.view.histories.load_all(cases)
        found: list[tuple[UUID, Told]] = []
        for case in cases:
            reading = await self.view.read(case, known_to)
            for told in () if reading is None else reading.answer.timeline:
                fact = told.event.data
                if not isinstance(fact, AccountGiven | GapAcknowledged) or fact.subject != subject or fact.gap is None:
                    continue
                if told.conflict is not None or told.struck_by is not None:
                    continue
                mark = fact.gap
                if mark.id == gap.id or (mark.id not in there and follows(mark, gap, told.event.occurred_at)):
                    found.append((case, told))
        return sorted(found, key=lambda one: (one[1].event.occurred_at, one[1].event.position))

    async def told(self, cases: Iterable[UUID], involved: Iterable[str], events: Sequence[UUID]) -> list[Told]:
        """Return events of several cases, or of organisations in them and above those, as corrected."""
        await self.view.histories.load_all(cases)
        history = [event for case in cases for event in self.view.histories.known[case]]
        wanted = set(events) - {event.id for event in history}
        if wanted:
            history += await self._organisations(set(involved), wanted)
        mended: Mended = mend_each(history)
        placed = {event.id: event for event in mended.events}
        return [Told(placed[one], None, None, tuple(mended.corrected.get(one, ()))) for one in events if one in placed]

    async def _histories(self, cases: Iterable[UUID]) -> dict[UUID, Sequence[Event]]:
        """Return the histories of cases, and of all organisations that they name and those above."""
        await self.view.histories.load_all(cases)
        found = {case: self.view.histories.known[case] for case in cases}
        named = organisations_named(event for history in found.values() for event in history)
        events = await self._organisations(named, None)
        for event in events:
            found[event.stream] = [*found.get(event.stream, ()), event]
        return found

    async def _organisations(self, named: set[str], wanted: set[UUID] | None) -> list[Event]:
        """Return the events of organisations and of those above them, up to where none that is wanted is missing."""
        found: list[Event] = []
        todo, seen = set(named), set[str]()
        while todo and (wanted is None or wanted - {event.id for event in found}):
            streams = [organisation_stream_of(name) for name in sorted(todo)]
            await self.view.histories.load_all(streams)
            events = [event for stream in streams for event in self.view.histories.known[stream]]
            found += events
            seen |= todo
            todo = organisations_above(events) - seen
        return found


def _row(gap: Gap, view: View) -> GapRow:
    """Return a derived gap as lists have it; where harm lasts is not looked up, nothing here is sorted by it."""
    as_of = view.as_of
    return GapRow(
        gap.lies_on,
        gap.id,
        None,
        gap.kind,
        gap.from_,
        gap.until,
        gap.open,
        gap.counts(as_of),
        gap.lasted(as_of),
        gap.to_act,
        gap.involved,
        gap.length,
        gap.evidence,
        gap.cases,
        gap.stream_kind,
        harmed=False,
    )


def across(view: View) -> Across:
    """Return what lies over several cases at a view; one for each view, so that nothing is fetched twice."""
    if view.across is None:
        view.across = Across(view)
    return view.across
