"""What a dialogue is at a moment, and what each event does to it: the order of its parts is the method.

A policymaker's view before the first part is closed has no effect, nor has an experience after it: what was heard
first shapes what is said next, and a conversation held the other way round is another conversation.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ..access import FOR_THEMSELVES
from ..case.decide import Directory
from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event
from ..ids import BottleneckId, OptionId, StepId, SubjectId
from ..learning.parts import brought_in_before, refuse_parts
from ..learning.rules import Rules
from ..settings import Course
from ..vocabulary import DialogueStatus, LearningKind, ParticipantRole, StepStatus
from . import facts as f

FIRST_SPEAKERS: Final = frozenset({ParticipantRole.CITIZEN, ParticipantRole.PRACTITIONER})
"""Those who share experiences, in the first part."""

PARTS: Final = MappingProxyType(
    {
        "participant": f.ParticipantJoined,
        "bottleneck": f.BottleneckNamed,
        "option": f.OptionProposed,
        "step": f.FirstStepChosen,
    }
)
"""What a dialogue consists of."""


class Step(Struct, frozen=True):
    """A step that an organisation of the action team took upon itself, and how far it has come.

    ``due`` is never before it was chosen; ``settled`` is the event by which it was done or given up.
    """

    chosen: Event
    fact: f.FirstStepChosen
    due: datetime
    status: StepStatus = StepStatus.RUNNING
    progress: tuple[Event, ...] = ()
    settled: Event | None = None


class Dialogue(Struct, frozen=True):
    """A dialogue that was convened. Each of its parts is the event that it came by, as corrected.

    ``team`` formed the action team that stands, and ``team_of`` are the organisations in it.
    """

    begun: Event
    fact: f.DialogueConvened
    participants: Mapping[SubjectId, Event] = MappingProxyType({})
    experiences: tuple[Event, ...] = ()
    bottlenecks: Mapping[BottleneckId, Event] = MappingProxyType({})
    first_part_closed: Event | None = None
    views: tuple[Event, ...] = ()
    options: Mapping[OptionId, Event] = MappingProxyType({})
    team: Event | None = None
    team_of: frozenset[str] = frozenset()
    steps: Mapping[StepId, Step] = MappingProxyType({})
    concluded: Event | None = None

    @property
    def seats(self) -> frozenset[str]:
        """The organisations at the table: the convener always, and those for which somebody takes part."""
        facts = (event.data for event in self.participants.values())
        joined = {fact.organisation for fact in facts if isinstance(fact, f.ParticipantJoined)}
        return frozenset(each for each in (self.fact.organisation, *joined) if each is not None)

    @property
    def status(self) -> DialogueStatus:
        """How far the conversation has come."""
        if self.concluded is not None:
            return DialogueStatus.CONCLUDED
        return DialogueStatus.FIRST_PART if self.first_part_closed is None else DialogueStatus.SECOND_PART


def begins(event: Event) -> Dialogue:
    """Return a dialogue as it is when it has been convened."""
    assert isinstance(event.data, f.DialogueConvened)
    return Dialogue(event, event.data)


def advance(dialogue: Dialogue, event: Event, _: Course) -> Dialogue | Objection:
    """Return a dialogue after an event, or why the event has no effect."""
    fact = event.data
    if isinstance(fact, f.StepFact):
        return _with_step(dialogue, event, fact)
    if dialogue.concluded is not None:
        message = "The dialogue had been concluded by that moment; only its steps go on."
        return Objection(RefusalCode.CONCLUDED, message, (dialogue.concluded.id,))
    if isinstance(fact, f.ParticipantJoined):
        participants = MappingProxyType({**dialogue.participants, fact.participant: event})
        again = brought_in_before(dialogue.participants, fact.participant)
        return again or replace(dialogue, participants=participants)
    if isinstance(fact, f.ParticipantFact):
        return _with_word(dialogue, event, fact)
    return _with_part(dialogue, event)


def _with_word(dialogue: Dialogue, event: Event, fact: f.ParticipantFact) -> Dialogue | Objection:
    """Return a dialogue in which a participant has spoken."""
    joined = dialogue.participants.get(fact.participant)
    if joined is None:
        return _not_there_yet()
    assert isinstance(joined.data, f.ParticipantJoined)
    if isinstance(fact, f.ExperienceShared):
        if joined.data.role not in FIRST_SPEAKERS:
            message = "Experiences are shared by citizens and practitioners."
            return Objection(RefusalCode.WRONG_PARTY, message, (joined.id,))
        return _in_first_part(dialogue) or replace(dialogue, experiences=(*dialogue.experiences, event))
    if joined.data.role is not ParticipantRole.POLICYMAKER:
        return Objection(RefusalCode.WRONG_PARTY, "Views are given by policymakers.", (joined.id,))
    return _in_second_part(dialogue) or replace(dialogue, views=(*dialogue.views, event))


def _with_part(dialogue: Dialogue, event: Event) -> Dialogue | Objection:
    """Return a dialogue that has come a part further."""
    fact = event.data
    if isinstance(fact, f.BottleneckNamed | f.FirstPartClosed):
        objection = _in_first_part(dialogue)
    else:
        objection = _in_second_part(dialogue) or _absent(dialogue, fact)
    if objection is not None:
        return objection
    match fact:
        case f.BottleneckNamed(bottleneck=bottleneck):
            bottlenecks = MappingProxyType({**dialogue.bottlenecks, bottleneck: event})
            return brought_in_before(dialogue.bottlenecks, bottleneck) or replace(dialogue, bottlenecks=bottlenecks)
        case f.FirstPartClosed():
            return replace(dialogue, first_part_closed=event)
        case f.OptionProposed(option=option):
            options = MappingProxyType({**dialogue.options, option: event})
            return brought_in_before(dialogue.options, option) or replace(dialogue, options=options)
        case f.ActionTeamFormed(organisations=organisations):
            return replace(dialogue, team=event, team_of=frozenset(organisations))
        case f.DialogueConcluded():
            return replace(dialogue, concluded=event)
        case other:
            message = f"{type(other).__name__} is no fact of a dialogue."
            raise TypeError(message)


def _in_first_part(dialogue: Dialogue) -> Objection | None:
    if dialogue.first_part_closed is None:
        return None
    message = "The first part, in which experiences are shared and bottlenecks named, was closed by that moment."
    return Objection(RefusalCode.FIRST_PART_CLOSED, message, (dialogue.first_part_closed.id,))


def _in_second_part(dialogue: Dialogue) -> Objection | None:
    if dialogue.first_part_closed is not None:
        return None
    message = "The first part comes first: citizens and practitioners speak before policymakers do."
    return Objection(RefusalCode.FIRST_PART_OPEN, message, (dialogue.begun.id,))


def _absent(dialogue: Dialogue, fact: object) -> Objection | None:
    """Object to a participant who took part only later, and to an option that was proposed only later."""
    match fact:
        case f.OptionProposed(participant=one) if one is not None and one not in dialogue.participants:
            return _not_there_yet()
        case f.OptionProposed(bottlenecks=named) if not dialogue.bottlenecks.keys() >= set(named):
            return Objection(RefusalCode.UNKNOWN_PART, "A bottleneck that it is about had not been named by then.")
        case f.ActionTeamFormed(participants=members) if not dialogue.participants.keys() >= set(members):
            return _not_there_yet()
        case f.ActionTeamFormed(options=options) if not dialogue.options.keys() >= set(options):
            return Objection(RefusalCode.UNKNOWN_PART, "An option in its plan had not been proposed by that moment.")
        case _:
            return None


def _not_there_yet() -> Objection:
    return Objection(RefusalCode.UNKNOWN_PART, "The participant did not take part in the dialogue by that moment.")


def _with_step(dialogue: Dialogue, event: Event, fact: f.StepFact) -> Dialogue | Objection:
    """Return a dialogue of which a step was chosen, or has come further; its conclusion does not stand in the way."""
    if isinstance(fact, f.FirstStepChosen):
        if dialogue.team is None:
            message = "A step is chosen by an action team, and none was formed by then."
            return Objection(RefusalCode.NO_ACTION_TEAM, message)
        if fact.organisation not in dialogue.team_of:
            message = "A step is taken by an organisation of the action team."
            return Objection(RefusalCode.WRONG_PARTY, message, (dialogue.team.id,))
        again = brought_in_before({one: step.chosen for one, step in dialogue.steps.items()}, fact.step)
        return again or _with(dialogue, Step(event, fact, max(fact.due, event.occurred_at)))
    step = dialogue.steps.get(fact.step)
    if step is None:
        return Objection(RefusalCode.UNKNOWN_PART, "The step had not been chosen by that moment.")
    if step.settled is not None:
        message = "The step had been done or given up by that moment."
        return Objection(RefusalCode.STEP_SETTLED, message, (step.settled.id,))
    if isinstance(fact, f.StepProgressed):
        return _with(dialogue, replace(step, progress=(*step.progress, event)))
    status = StepStatus.DONE if isinstance(fact, f.StepDone) else StepStatus.GIVEN_UP
    return _with(dialogue, replace(step, status=status, settled=event))


def _with(dialogue: Dialogue, step: Step) -> Dialogue:
    return replace(dialogue, steps=MappingProxyType({**dialogue.steps, step.fact.step: step}))


def refuse(command: Command, history: Sequence[Event], _: Directory) -> Refused | None:
    """Refuse what names something that the dialogue does not hold, and what says too little."""
    match command.data:
        case f.DialogueConvened(problem=None):
            return Refused(RefusalCode.MALFORMED, "A dialogue is convened about a problem: say what it is.")
        case f.ActionTeamFormed(organisations=()):
            return Refused(RefusalCode.MALFORMED, "At least one organisation is in an action team.")
        case f.StepGivenUp(reason=None):
            return Refused(RefusalCode.MALFORMED, "Who gives up a step says why: others may learn from it.")
        case fact:
            return _refuse_stranger(command, history) or refuse_parts("dialogue", PARTS, fact, history)


def _refuse_stranger(command: Command, history: Sequence[Event]) -> Refused | None:
    """Refuse a seat that somebody takes who has none: who sits at the table reads what was said there.

    Investigators give seats wherever they are from.
    """
    fact, actor = command.data, command.actor
    seats = isinstance(fact, f.ParticipantJoined) and fact.organisation is not None
    moves = isinstance(fact, f.DialogueFactCorrected) and fact.field == "organisation"
    if not (seats or moves) or actor.role not in FOR_THEMSELVES:
        return None
    dialogue: Dialogue = RULES.state_at(history)  # a seat is asked for at a dialogue that was convened
    if actor.organisation in {history[0].actor.organisation, *dialogue.seats}:
        return None
    message = "A seat in a dialogue is given by an organisation that convened it or has one; others ask one of these."
    return Refused(RefusalCode.NOT_PERMITTED, message, (("actor", actor.organisation),))


RULES: Final = Rules(LearningKind.DIALOGUE, f.DialogueConvened, begins, advance, refuse, ("due",))
"""The rules of dialogues."""
