"""What the read model keeps of an investigation. No gap follows from it: its follow-ups are its own to plan and do."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from ...domain.investigation.facts import FollowUpPlanned
from ...domain.investigation.rules import RULES
from ...domain.investigation.standing import Investigation
from ...domain.settings import Course
from ...domain.vocabulary import LearningKind
from .answer_facets import CommitmentFacet, CommitmentKind, CommitmentOutcome
from .learning import Derivation, Header
from .learning_facets import StreamLinkFacet
from .shapes import Gap

PUBLISHED: Final = "published=YES"
"""The mark of an investigation of which everybody may know."""


def header(investigation: Investigation) -> Header:
    """Return what lists choose an investigation by: its programme, who is on it, and whether it was published."""
    marks = [f"investigator={user}" for user in sorted(investigation.investigators)]
    if investigation.fact.programme is not None:
        marks.append(f"programme={investigation.fact.programme}")
    if investigation.published is not None:
        marks.append(PUBLISHED)
    return Header(investigation.status, None, tuple(marks))


def links(investigation: Investigation) -> Iterator[StreamLinkFacet]:
    """Yield nothing: which cases and dialogues an investigation holds is for who is on it to know."""
    yield from ()


def gaps(stream: UUID, investigation: Investigation, settings: Course) -> Iterator[Gap]:
    """Yield nothing."""
    yield from ()


def asked(investigation: Investigation) -> Iterator[CommitmentFacet]:
    """Yield the follow-ups that were planned: whose they are, or else of who planned them."""
    for follow_up, planned in investigation.follow_ups.items():
        fact, done = planned.data, investigation.done.get(follow_up)
        assert isinstance(fact, FollowUpPlanned)
        yield CommitmentFacet(
            planned.id,
            CommitmentKind.FOLLOW_UP,
            fact.organisation or planned.actor.organisation,
            planned.occurred_at,
            max(fact.due, planned.occurred_at),
            done.occurred_at if done else None,
            CommitmentOutcome.DONE if done else CommitmentOutcome.RUNNING,
            LearningKind.INVESTIGATION,
        )


DERIVATION: Final = Derivation(RULES, header, links, gaps, asked)
"""How investigations are derived."""
