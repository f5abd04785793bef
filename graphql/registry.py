"""The registry at two times: the lens through which everything below is asked for.

The module is long because it is one type of the schema, with an argument for each way to ask its lists.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from msgspec.structs import replace

from ..domain.vocabulary import GapKind, IdentityKind, LearningKind
from ..projections.queries import cases, chains, counted, gaps, interfaces, todos, waiting
from ..projections.queries import organisations as organisation_queries
from ..projections.queries.gaps import GapChoice
from ..projections.queries.openings import FIRST, RECORDED_AT, place_at
from ..projections.queries.rules import RULES_MAX
from ..projections.queries.search_words import WORDS_MAX
from ..projections.queries.streams import StreamOrder
from . import ids
from .across import across
from .answers import Answers
from .asking import Asking
from .cases import After, Case, First, case_of, case_of_row
from .catalogue import Barrier, Promise, catalogue
from .causes import Cause, CauseConnection, CauseEdge
from .chains import Chain
from .connections import (
    CaseConnection,
    CaseEdge,
    ChainConnection,
    ChainEdge,
    Counted,
    GapConnection,
    OrganisationConnection,
    OrganisationEdge,
    TodoConnection,
    TodoEdge,
    connection,
)
from .enumerations import EventType
from .filters import (
    CaseFilter,
    CaseOrder,
    CauseFilter,
    ChainFilter,
    ChainOrder,
    GapFilter,
    GapOrder,
    InterfaceFilter,
    InterfaceOrder,
    OrganisationFilter,
    RuleFilter,
    TodoFilter,
    TodoOrder,
    case_choice,
    cause_choice,
    chain_choice,
    gap_choice,
    interface_choice,
    organisation_choice,
    rule_choice,
    todo_choice,
)
from .gap_pages import GapOrderArgument, gap_page
from .gaps import GapKindCount
from .interfaces import Interface, interface
from .learning import stream_by_id, stream_page
from .looking import asked_below
from .nodes import page_size, place_of
from .organisations import Organisation
from .problems import bad_input, expect_between
from .recorded import RecordedEvents, recorded_events
from .rules import RuleDepartedFrom, rules_departed_from
from .scalars import GapCursor, Position
from .search import SearchConnection, search_page
from .settings import Settings, settings_shown
from .subjects import Subject
from .todos import Todo, have_todos
from .view import CaseAt, View
from .waiting import WaitingHandover

CaseIdArgument = Annotated[strawberry.ID | None, strawberry.argument(description="The case's id.")]
ReferenceArgument = Annotated[str | None, strawberry.argument(description="The code by which people name it.")]
KnownToArgument = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Only what this organisation knew of at asOf; if not given, what anybody did."),
]
IdArgument = Annotated[strawberry.ID | None, strawberry.argument(description="Its id.")]
OrganisationIdArgument = Annotated[strawberry.ID, strawberry.argument(description="Which organisation.")]
IdentifierArgument = Annotated[str | None, strawberry.argument(description="Its OIN or URI.")]
GapFilterArgument = Annotated[GapFilter | None, strawberry.argument(description="Which gaps.")]
RuleFilterArgument = Annotated[RuleFilter | None, strawberry.argument(description="Of which remedies.")]
CauseFilterArgument = Annotated[CauseFilter | None, strawberry.argument(description="Which causes.")]
StreamOrderArgument = Annotated[StreamOrder, strawberry.argument(description="In which order.")]
CaseFilterArgument = Annotated[CaseFilter | None, strawberry.argument(description="Which cases.")]
CaseOrderArgument = Annotated[CaseOrder, strawberry.argument(description="In which order.")]
ChainFilterArgument = Annotated[ChainFilter | None, strawberry.argument(description="Which chains.")]
ChainOrderArgument = Annotated[ChainOrder, strawberry.argument(description="In which order.")]
HowManyArgument = Annotated[int, strawberry.argument(description="How many.")]
SkipArgument = Annotated[int, strawberry.argument(description="How many to leave out before the first.")]
InterfaceOrderArgument = Annotated[InterfaceOrder, strawberry.argument(description="In which order.")]
InterfaceFilterArgument = Annotated[InterfaceFilter | None, strawberry.argument(description="Which interfaces.")]
TodoFilterArgument = Annotated[TodoFilter | None, strawberry.argument(description="Which to-dos.")]
TodoOrderArgument = Annotated[TodoOrder, strawberry.argument(description="In which order.")]
AfterPosition = Annotated[
    Position | None,
    strawberry.argument(description="Only what stands beyond this position; from the first event on if not given."),
]
EventTypes = Annotated[list[EventType] | None, strawberry.argument(description="Only events of one of these types.")]
TextArgument = Annotated[
    str,
    strawberry.argument(
        description=f"The words, {WORDS_MAX} at most, in any order; or a reference, a name or an identifier."
    ),
]
OrganisationFilterArgument = Annotated[OrganisationFilter | None, strawberry.argument(description="Which of them.")]


@strawberry.type(description="What was so in the world at asOf, as the registry had recorded it by knownAt.")
class Registry(Answers):
    """The lens over all that stands below it."""

    @strawberry.field(description="When it was so in the world.")
    def as_of(self) -> datetime:
        """Return the moment in the world."""
        return self.view.as_of

    @strawberry.field(description="By when it had been recorded.")
    def known_at(self) -> datetime:
        """Return the moment of recording."""
        return self.view.known_at

    @strawberry.field(description="The events that you see, in the order in which they were recorded.")
    async def events(
        self, after: AfterPosition = None, types: EventTypes = None, first: First = None
    ) -> RecordedEvents:
        """Return the events beyond a position."""
        return await recorded_events(self.view, after, types, first)

    @strawberry.field(description="The last event that this answer takes in; -1 where there is none.")
    def position(self) -> Position:
        """Return the last position taken in."""
        return Position(self.view.position)

    @strawberry.field(
        description=(
            "Where gapOpened goes on from this answer: it misses no gap that opens later, and may repeat one that this "
            "answer holds."
        )
    )
    async def gap_cursor(self) -> GapCursor:
        """Return the place before whatever is due after the last event taken in, or after asOf."""
        found = await self.view.session.rows(RECORDED_AT, {"position": self.view.position})
        return GapCursor(place_at(min(found[0][0], self.view.as_of)) if found else FIRST)

    @strawberry.field(description="The terms and graces by which a clock goes that starts at asOf.")
    async def settings(self) -> Settings:
        """Return the terms and graces."""
        return settings_shown((await self.view.settings()).at(self.view.as_of))

    @strawberry.field(description="One case, by its id or its reference; to everybody, or as one organisation knew it.")
    async def case(
        self,
        id: CaseIdArgument = None,  # noqa: A002
        reference: ReferenceArgument = None,
        known_to: KnownToArgument = None,
    ) -> Case | None:
        """Return one case."""
        knower = None if known_to is None else ids.organisation_identifier(known_to, "knownTo")
        if (id is None) == (reference is None):
            raise bad_input("case: give either its id or its reference.")
        if id is not None:
            found = ids.parse(id, ids.CASE, "id").id
        else:
            assert reference is not None
            rows = await self.view.session.rows(*cases.by_reference(self.view.moment, _plain(reference, "reference")))
            if not rows:
                return None
            found = cases.row(rows[0]).id
        # Read here, so that whatever is below finds it at hand.
        reading = await self.view.read(found, knower)
        return None if reading is None else case_of(CaseAt(self.view, found, knower))

    @strawberry.field(description="The cases.")
    async def cases(
        self,
        filter: CaseFilterArgument = None,  # noqa: A002
        order_by: CaseOrderArgument = CaseOrder.OPENED_NEWEST,
        first: First = None,
        after: After = None,
    ) -> CaseConnection:
        """Return a page of cases."""
        view, size, choice = self.view, page_size(first), case_choice(filter)
        if filter is not None and filter.rolled_up:
            choice = replace(choice, organisations=await _below(view, choice.organisations))
        place = place_of(after, tuple[datetime, UUID])
        found = await view.session.rows(*cases.page(view.moment, choice, order_by, place, size + 1))
        return connection(
            (CaseConnection, CaseEdge),
            view,
            [cases.row(row) for row in found],
            size,
            after,
            cases.count(view.moment, choice),
            lambda row: case_of_row(CaseAt(view, row.id), row),
            lambda row: (row.opened_at, row.id),
            partial(cases.count_up_to, view.moment, choice),
        )

    @strawberry.field(description="The chains: one for each obstacle.")
    async def chains(
        self,
        filter: ChainFilterArgument = None,  # noqa: A002
        order_by: ChainOrderArgument = ChainOrder.REPORTED_NEWEST,
        first: First = None,
        after: After = None,
    ) -> ChainConnection:
        """Return a page of chains."""
        view, size, choice = self.view, page_size(first), chain_choice(filter)
        if filter is not None and filter.rolled_up:
            holders, organisations = await _below(view, choice.holders), await _below(view, choice.organisations)
            choice = replace(choice, holders=holders, organisations=organisations)
        place = place_of(after, tuple[datetime, UUID])
        found = await view.session.rows(*chains.page(view.moment, choice, order_by, place, size + 1))
        rows = [chains.row(row) for row in found]
        await view.histories.load_all(row.case for row in rows[:size])
        derived = {row: await view.reading(row.case, None) for row in rows[:size]}

        def node(row: chains.ChainRow) -> Chain:
            reading = derived[row]
            assert reading is not None, "the read model lists the obstacles of cases that exist"
            return Chain(at=CaseAt(view, row.case), derived=reading.obstacles[row.obstacle])

        return connection(
            (ChainConnection, ChainEdge),
            view,
            rows,
            size,
            after,
            chains.count(view.moment, choice),
            node,
            lambda row: (row.reported_at, row.obstacle),
            partial(chains.count_up_to, view.moment, choice),
            counted=Counted(found[0][-1], None) if after is None and found and found[0][-1] is not None else None,
        )

    @strawberry.field(
        description="Somebody whom cases are about, by their pseudonym; null if no case is about them, or none that "
        "you may see."
    )
    async def subject(
        self,
        id: Annotated[strawberry.ID, strawberry.argument(description="The pseudonym.")],  # noqa: A002
    ) -> Subject | None:
        """Return one subject."""
        found = ids.bare(id, "id")
        return Subject(view=self.view, subject=found) if await across(self.view).cases_of.load(found) else None

    @strawberry.field(description="One cause, by its id; null if it had not been identified by then.")
    async def cause(
        self,
        id: Annotated[strawberry.ID, strawberry.argument(description="The cause's id.")],  # noqa: A002
    ) -> Cause | None:
        """Return one cause."""
        return await stream_by_id(self.view, LearningKind.CAUSE, id, Cause)

    @strawberry.field(description="The causes: what produces obstacles.")
    async def causes(
        self,
        filter: CauseFilterArgument = None,  # noqa: A002
        order_by: StreamOrderArgument = StreamOrder.BEGUN_NEWEST,
        first: First = None,
        after: After = None,
    ) -> CauseConnection:
        """Return a page of causes."""
        kinds = (CauseConnection, CauseEdge, Cause)
        return await stream_page(self.view, kinds, cause_choice(filter), order_by, first, after)

    @strawberry.field(
        description=f"The rules that had to be departed from to help somebody, the one that most often had to first; "
        f"{RULES_MAX} at most."
    )
    async def rules_departed_from(self, filter: RuleFilterArgument = None) -> list[RuleDepartedFrom]:  # noqa: A002
        """Return the rules that remedies departed from."""
        return await rules_departed_from(self.view, rule_choice(filter))

    @strawberry.field(description="The catalogue of barriers: what keeps government from involving citizens.")
    async def barriers(self) -> list[Barrier]:
        """Return the barriers of the catalogue."""
        return [Barrier(listed=one) for one in (await catalogue(self.view)).barriers.values()]

    @strawberry.field(description="The catalogue of promises that answer barriers.")
    async def promises(self) -> list[Promise]:
        """Return the promises of the catalogue."""
        return [Promise(listed=one) for one in (await catalogue(self.view)).promises.values()]

    @strawberry.field(
        description="Those who are known by a citizen's number (at most one is) or a name, for intake, investigators "
        "and solution teams. That they were looked up is put on record."
    )
    async def subjects_known_by(
        self,
        kind: Annotated[IdentityKind, strawberry.argument(description="What it is that they are known by.")],
        identity: Annotated[str, strawberry.argument(description="The number or the name; give it as a variable.")],
    ) -> list[Subject]:
        """Return the subjects known by an identity."""
        found = await self.view.session.known_by(kind, identity)
        return [Subject(view=self.view, subject=subject) for subject in found]

    @strawberry.field(description="The gaps: where people are, or were, between the cracks.")
    async def gaps(
        self,
        info: strawberry.Info[Asking, None],
        filter: GapFilterArgument = None,  # noqa: A002
        order_by: GapOrderArgument = GapOrder.HARM,
        first: First = None,
        after: After = None,
    ) -> GapConnection:
        """Return a page of gaps."""
        return await gap_page(self.view, info, await _chosen(self.view, filter), order_by, first, after)

    @strawberry.field(
        description="How many gaps there are of each kind, the most first; a kind of which there is none is left out. "
        "An analyst is told of those that count as of the beginning of the month, chosen by 'kinds' and 'open' alone, "
        "and of no kind that fewer than ten persons met; nor of the open and the ended ones of a kind apart, where "
        "fewer met either."
    )
    async def gap_counts(self, filter: GapFilterArgument = None) -> list[GapKindCount]:  # noqa: A002
        """Return how many gaps a filter chooses, by kind."""
        choice = await _chosen(self.view, filter)
        if self.view.asker.counts_only:
            if replace(choice, kinds=None, open=None) != GapChoice():
                raise bad_input("filter: as an analyst, choose by 'kinds' and 'open' alone.")
            query = counted.gaps(self.view.moment, choice.kinds, open_=choice.open)
        else:
            query = gaps.counts_by_kind(self.view.moment, choice)
        return [GapKindCount(kind=GapKind(kind), count=count) for kind, count in await self.view.session.rows(*query)]

    @strawberry.field(description="What is left to do about the record itself.")
    async def todos(
        self,
        info: strawberry.Info[Asking, None],
        filter: TodoFilterArgument = None,  # noqa: A002
        order_by: TodoOrderArgument = TodoOrder.OLDEST,
        first: First = None,
        after: After = None,
    ) -> TodoConnection:
        """Return a page of to-dos."""
        view, size, choice = self.view, page_size(first), todo_choice(filter)
        if filter is not None and filter.rolled_up:
            choice = replace(choice, organisations=await _below(view, choice.organisations))
        place = place_of(after, tuple[datetime, UUID])
        found = await view.session.rows(*todos.page(view.moment, choice, order_by, place, size + 1))
        rows = [todos.row(row) for row in found]
        await have_todos(view, rows[:size], asked_below(info))
        return connection(
            (TodoConnection, TodoEdge),
            view,
            rows,
            size,
            after,
            todos.count(view.moment, choice),
            lambda row: Todo(view=view, row=row, kind=row.kind),
            lambda row: (row.since, row.event),
            partial(todos.count_up_to, view.moment, choice),
        )

    @strawberry.field(
        description=f"The interfaces between organisations; {interfaces.PAIRS_MAX} at most. An analyst's are "
        "always the busiest first."
    )
    async def interfaces(
        self,
        info: strawberry.Info[Asking, None],
        filter: InterfaceFilterArgument = None,  # noqa: A002
        order_by: InterfaceOrderArgument = InterfaceOrder.BUSIEST,
        first: HowManyArgument = interfaces.PAIRS_MAX,
        skip: SkipArgument = 0,
    ) -> list[Interface]:
        """Return the interfaces. Raises ``Problem``."""
        choice = interface_choice(filter)
        expect_between("first", first, 0, interfaces.PAIRS_MAX)
        expect_between("skip", skip, 0, interfaces.SKIP_MAX)
        if self.view.asker.counts_only:
            found = await self.view.session.rows(*counted.interfaces(self.view.moment, choice))
            return [interface(self.view, counted.interface(row)) for row in found[skip : skip + first]]
        found = await self.view.session.rows(*interfaces.query(self.view.moment, choice, order_by, first, skip))
        rows = [interfaces.row(row) for row in found]
        await self.view.have_organisations((name for row in rows for name in (row.from_, row.to)), asked_below(info))
        return [interface(self.view, row) for row in rows]

    @strawberry.field(
        description="What waits for an organisation to say something: offers that it has not answered, the most "
        f"urgent first, then referrals of the subject to it that have not arrived; {waiting.WAITING_MAX} at most."
    )
    async def waiting(
        self,
        info: strawberry.Info[Asking, None],
        organisation: OrganisationIdArgument,
        first: HowManyArgument = waiting.WAITING_MAX,
    ) -> list[WaitingHandover]:
        """Return what waits for an organisation. Raises ``Problem``."""
        name = ids.organisation_identifier(organisation, "organisation")
        expect_between("first", first, 0, waiting.WAITING_MAX)
        found = await self.view.session.rows(*waiting.query(self.view.moment, name, first))
        rows, asked = [waiting.row(row) for row in found], asked_below(info)
        await self.view.have_organisations((row.from_ for row in rows), asked)
        await self.view.have_cases((row.case for row in rows), asked)
        return [WaitingHandover(view=self.view, row=row) for row in rows]

    @strawberry.field(
        description="One organisation, by its id or its identifier; null if it was not registered by then."
    )
    async def organisation(
        self,
        id: IdArgument = None,  # noqa: A002
        identifier: IdentifierArgument = None,
    ) -> Organisation | None:
        """Return one organisation."""
        if (id is None) == (identifier is None):
            raise bad_input("organisation: give either its id or its identifier.")
        name = ids.organisation_identifier(id or identifier or "", "id" if id else "identifier")
        found = await self.view.organisations.load(name)
        return None if found is None else Organisation(identifier=name, view=self.view)

    @strawberry.field(description="The organisations, by name.")
    async def organisations(
        self,
        filter: OrganisationFilterArgument = None,  # noqa: A002
        first: First = None,
        after: After = None,
    ) -> OrganisationConnection:
        """Return a page of organisations."""
        view, size, choice = self.view, page_size(first), organisation_choice(filter)
        place = place_of(after, tuple[str, str])
        found = await view.session.rows(*organisation_queries.page(view.moment, choice, place, size + 1))
        rows = [organisation_queries.row(row) for row in found]
        view.organisations.known.update((row.identifier, row) for row in rows)
        return connection(
            (OrganisationConnection, OrganisationEdge),
            view,
            rows,
            size,
            after,
            organisation_queries.count(view.moment, choice),
            lambda row: Organisation(identifier=row.identifier, view=view),
            lambda row: (row.name, row.identifier),
        )

    @strawberry.field(
        description=(
            "What a text finds, the closest first, then by sort, then the newest: organisations by any name up to asOf "
            "or by identifier, cases by reference or theme, gaps that count by their kind, obstacles by their harm. "
            "Every word must be found; a word of an organisation, a theme or a harm narrows what others find. Kinds "
            "and harms are found by their Dutch and English names. What is sealed is not searched."
        )
    )
    async def search(
        self, info: strawberry.Info[Asking, None], text: TextArgument, first: First = None, after: After = None
    ) -> SearchConnection:
        """Return a page of what a text finds."""
        return await search_page(self.view, info, text, first, after)


async def _chosen(view: View, chosen: GapFilter | None) -> gaps.GapChoice:
    """Return the gaps that a filter chooses, with all below the organisations that it names if it asks for those."""
    choice = gap_choice(chosen)
    if chosen is None or not chosen.rolled_up:
        return choice
    return replace(choice, to_act=await _below(view, choice.to_act), involved=await _below(view, choice.involved))


async def _below(view: View, organisations: Sequence[str] | None) -> list[str] | None:
    """Return organisations and all below them, none where none were named."""
    return None if organisations is None else await view.below(organisations)


def _plain(text: str, field: str) -> str:
    if "\0" in text:
        raise bad_input(f"{field}: a value may not hold a null character.")
    return text
