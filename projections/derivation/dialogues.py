"""What the read model keeps of a dialogue, and its gap: a step that was not taken by the time agreed on.

The conversation's end does not end it: whoever took a step upon themselves is followed until it is done or given up.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final
from uuid import UUID

from ...domain.dialogue.facts import BottleneckNamed
from ...domain.dialogue.rules import RULES, Dialogue
from ...domain.settings import Course
from ...domain.vocabulary import GapKind, LearningKind, StepStatus
from .answer_facets import CommitmentFacet, CommitmentKind, CommitmentOutcome
from .learning import Derivation, Header, stream_gap
from .learning_facets import StreamLinkFacet, links_to
from .shapes import Gap


def header(dialogue: Dialogue) -> Header:
    """Return what lists choose a dialogue by: its action team's steps among them, by what became of them.

    And whose people sit at the table, the convener's always: they read what was said there (``security.sql``).
    """
    steps = sorted({step.status for step in dialogue.steps.values()})
    marks = [f"convener={dialogue.fact.organisation}", *(f"step={status}" for status in steps)]
    marks += [f"seat={organisation}" for organisation in sorted(dialogue.seats)]
    if dialogue.team is not None:
        marks.append("team=FORMED")
    return Header(dialogue.status, dialogue.fact.theme, tuple(marks))


def links(dialogue: Dialogue) -> Iterator[StreamLinkFacet]:
    """Yield the causes of its bottlenecks, the experiments that try its steps, and the investigation that it is of."""
    investigation = dialogue.fact.investigation
    yield from links_to(LearningKind.INVESTIGATION, ((each, dialogue.begun) for each in (investigation,) if each))
    named = ((event, event.data) for event in dialogue.bottlenecks.values())
    causes = ((cause, event) for event, fact in named if isinstance(fact, BottleneckNamed) for cause in fact.causes)
    yield from links_to(LearningKind.CAUSE, causes)
    tried = ((step.fact.experiment, step.chosen) for step in dialogue.steps.values())
    yield from links_to(LearningKind.EXPERIMENT, ((each, event) for each, event in tried if each))


def gaps(stream: UUID, dialogue: Dialogue, _: Course) -> Iterator[Gap]:
    """Yield the gap of each step: from when it was due until it was done or given up."""
    for step in dialogue.steps.values():
        yield from stream_gap(
            (LearningKind.DIALOGUE, stream),
            GapKind.COMMITMENT_OVERDUE,
            step.chosen.id,
            step.due,
            (step.settled.occurred_at, step.settled.id) if step.settled else None,
            to_act=(step.fact.organisation,),
        )


def asked(dialogue: Dialogue) -> Iterator[CommitmentFacet]:
    """Yield the steps that organisations took upon themselves."""
    for step in dialogue.steps.values():
        yield CommitmentFacet(
            step.chosen.id,
            CommitmentKind.STEP,
            step.fact.organisation,
            step.chosen.occurred_at,
            step.due,
            step.settled.occurred_at if step.settled else None,
            _OUTCOMES[step.status],
            LearningKind.DIALOGUE,
        )


_OUTCOMES: Final = MappingProxyType(
    {
        StepStatus.RUNNING: CommitmentOutcome.RUNNING,
        StepStatus.DONE: CommitmentOutcome.DONE,
        StepStatus.GIVEN_UP: CommitmentOutcome.GIVEN_UP,
    }
)

DERIVATION: Final = Derivation(RULES, header, links, gaps, asked)
"""How dialogues are derived."""
