"""Answers that nobody else can give, for ``Registry``: what only a record across organisations and causes can tell.

docs/answers.md defines each of them, and says what it does not say.
"""

from typing import Annotated

import strawberry

from .cases import After, First
from .commitments import CommitmentFilterArgument, PromisesKept, promises_kept
from .honesty import HonestyConnection, honesty_page
from .learning_lists import LearningLists
from .offenders import RepeatOffenderConnection, offender_page
from .remedies import SolvedForOneConnection, SolvedForOneFilter, solved_for_one_page
from .tellings import StoryRetoldConnection, story_page
from .unanswered import WhoWaitsForWhom, who_waits_for_whom

SolvedForOneFilterArgument = Annotated[SolvedForOneFilter | None, strawberry.argument(description="Which remedies.")]


@strawberry.type
class Answers(LearningLists):
    """Answers over many cases, of those that the asker may see."""

    @strawberry.field(
        description="Repeat offenders: the causes by the days that people spent in gaps because of them, the worst "
        "first. Of each obstacle that comes from the cause it is the time in which at least one gap that counts lay on "
        "it. To page on, ask at the same asOf."
    )
    async def repeat_offenders(self, first: First = None, after: After = None) -> RepeatOffenderConnection:
        """Return a page of repeat offenders."""
        return await offender_page(self.view, first, after)

    @strawberry.field(
        description="Who is waiting for whom: organisations that brought a cause to another, which has not answered by "
        "the time asked; and where they wait in circles."
    )
    async def who_waits_for_whom(self) -> WhoWaitsForWhom:
        """Return who waits for whom."""
        return await who_waits_for_whom(self.view)

    @strawberry.field(
        description="Solved for one, not for all: remedies on obstacles whose causes have no measure, or of which no "
        "cause was named, the newest first."
    )
    async def solved_for_one(
        self,
        filter: SolvedForOneFilterArgument = None,  # noqa: A002
        first: First = None,
        after: After = None,
    ) -> SolvedForOneConnection:
        """Return a page of remedies."""
        return await solved_for_one_page(self.view, filter, first, after)

    @strawberry.field(
        description="Promises kept: plans to end a gap, measures, steps of dialogues, follow-ups of investigations and "
        "promises of policy dossiers, due and done, by organisation and by network."
    )
    def promises_kept(self, filter: CommitmentFilterArgument = None) -> PromisesKept:  # noqa: A002
        """Return what was promised and kept."""
        return promises_kept(self.view, filter)

    @strawberry.field(
        description="The story retold: contacts about each obstacle, and in how many of them the story had to be told "
        "again, the worst first."
    )
    async def stories_retold(self, first: First = None, after: After = None) -> StoryRetoldConnection:
        """Return a page of stories."""
        return await story_page(self.view, first, after)

    @strawberry.field(
        description="What honesty costs: of the gaps that count in which an organisation has to act, how many it "
        "noticed itself, by organisation; that with most gaps first."
    )
    async def what_honesty_costs(
        self,
        organisations: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Of these organisations only.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> HonestyConnection:
        """Return a page of organisations' shares."""
        return await honesty_page(self.view, organisations, first, after)
