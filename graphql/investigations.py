"""An investigation as clients see it: its cases and dialogues, what it found, and what became of each finding."""

from datetime import datetime

import strawberry

from ..domain.event import Event as RecordedEvent
from ..domain.vocabulary import InvestigationStatus, LearningKind
from .cases import Case, case_of
from .causes import Cause
from .connections import Page
from .dialogues import Dialogue
from .learning import LearningStream
from .learning_parts import Part, streams_at, words_of
from .organisations import Organisation, organisation
from .view import CaseAt, StreamReading


@strawberry.type(description="Something that an investigation found, and what has become of it.")
class InvestigationFinding(Part):
    """A finding."""

    @strawberry.field(description="Its id.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.fact.finding))

    @strawberry.field(description="What was found.")
    def statement(self) -> str | None:
        """Return what was found."""
        return self.words("statement")

    @strawberry.field(description="The causes that it rests on; their status says what has become of each.")
    async def causes(self) -> list[Cause]:
        """Return its causes."""
        return await streams_at(self.at.view, LearningKind.CAUSE, self.fact.causes, Cause)

    @strawberry.field(description="Whether every cause that it rests on was removed; null if it rests on none.")
    async def removed(self) -> bool | None:
        """Return whether its causes are gone."""
        if not self.fact.causes:
            return None
        found = [await self.at.view.stream(cause, LearningKind.CAUSE) for cause in self.fact.causes]
        ended = [one.answer.state.ended for one in found if one is not None]
        return len(ended) == len(found) and all(end is not None and end.removed for end in ended)


@strawberry.type(description="That somebody will see, after the report, what has become of it.")
class FollowUp(Part):
    """A follow-up; the event is its planning."""

    finished: strawberry.Private[RecordedEvent | None]

    @strawberry.field(description="Its id, by which it is done.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return strawberry.ID(str(self.fact.follow_up))

    @strawberry.field(description="By when it is due.")
    def due(self) -> datetime:
        """Return when it is due."""
        return self.fact.due

    @strawberry.field(description="Who sees to it; null if nobody was named.")
    def organisation(self) -> Organisation | None:
        """Return who sees to it."""
        return None if self.fact.organisation is None else organisation(self.at.view, self.fact.organisation)

    @strawberry.field(description="What will be looked at.")
    def plan(self) -> str | None:
        """Return its plan."""
        return self.words("plan")

    @strawberry.field(description="When it was done; null while it was not.")
    def done_at(self) -> datetime | None:
        """Return when it was done."""
        return self.finished.occurred_at if self.finished else None

    @strawberry.field(description="What came of it.")
    def note(self) -> str | None:
        """Return what came of it."""
        return words_of(self.at, self.finished, "note") if self.finished else None


@strawberry.type(
    description="An inquiry over a set of cases. Until it is published only those who are on it know that there is one."
)
class Investigation(LearningStream):
    """An investigation at the view's two times."""

    @strawberry.field(description="What it asks.")
    def question(self) -> str | None:
        """Return its question."""
        return self.state(lambda one: words_of(self.at, one.begun, "question"))

    @strawberry.field(description="The programme that it is part of, as a slug; null if of none.")
    def programme(self) -> str | None:
        """Return its programme."""
        return self.state(lambda one: one.fact.programme)

    @strawberry.field(description="Whether its report came out.")
    def status(self) -> InvestigationStatus:
        """Return its status."""
        return InvestigationStatus(self.header.status) if self.header else self.state(lambda one: one.status)

    @strawberry.field(description="The cases that are part of it, those among them that you may see.")
    async def cases(self) -> list[Case]:
        """Return its cases."""
        view, found = self.at.view, list((await self._reading()).answer.state.cases)
        await view.histories.load_all(found)
        return [case_of(CaseAt(view, case)) for case in found if await view.read(case, None) is not None]

    @strawberry.field(description="The dialogues that were held within it.")
    async def dialogues(self) -> list[Dialogue]:
        """Return its dialogues."""
        named = list((await self._reading()).answer.state.dialogues)
        return await streams_at(self.at.view, LearningKind.DIALOGUE, named, Dialogue)

    @strawberry.field(description="What it found, in order.")
    def findings(self) -> list[InvestigationFinding]:
        """Return its findings."""
        return self.at.read(
            lambda reading: [
                InvestigationFinding(at=self.at, told=reading.event(event).event)
                for event in reading.answer.state.findings.values()
            ]
        )

    @strawberry.field(description="When its report came out; null while it did not.")
    def published_at(self) -> datetime | None:
        """Return when it was published."""
        return self.at.read(lambda reading: _published(reading).occurred_at if _is_published(reading) else None)

    @strawberry.field(description="The title of its report.")
    def report_title(self) -> str | None:
        """Return the title of its report."""
        return self._of_report("title")

    @strawberry.field(description="Where its report can be read.")
    def report_location(self) -> str | None:
        """Return where its report can be read."""
        return self._of_report("location")

    @strawberry.field(description="What will be, or was, looked at after the report, in order.")
    def follow_ups(self) -> list[FollowUp]:
        """Return its follow-ups."""

        def find(reading: StreamReading) -> list[FollowUp]:
            state = reading.answer.state
            return [
                FollowUp(
                    at=self.at,
                    told=planned,
                    finished=state.done.get(each),
                )
                for each, planned in state.follow_ups.items()
            ]

        return self.at.read(find)

    def _of_report(self, field: str) -> str | None:
        return self.at.read(
            lambda reading: words_of(self.at, _published(reading), field) if _is_published(reading) else None
        )

    async def _reading(self) -> StreamReading:
        reading = await self.at.view.stream_reading(self.at.id)
        assert reading is not None, "whoever names a stream has found it at this view"
        return reading


def _is_published(reading: StreamReading) -> bool:
    return reading.answer.state.published is not None


def _published(reading: StreamReading) -> RecordedEvent:
    return reading.event(reading.answer.state.published).event


@strawberry.type(description="An investigation in a list.")
class InvestigationEdge:
    """An investigation and its place."""

    node: Investigation = strawberry.field(description="The investigation.")
    cursor: str = strawberry.field(description="Its place in this list.")


@strawberry.type(description="A page of investigations.")
class InvestigationConnection(Page):
    """A page of investigations."""

    edges: list[InvestigationEdge] = strawberry.field(description="The investigations and their places.")
    nodes: list[Investigation] = strawberry.field(description="The investigations.")
