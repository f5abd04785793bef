"""The facts of a dialogue: a moderated conversation of citizens, practitioners, policymakers and experts.

It has two parts, in that order. First citizens and practitioners tell what they met with, and together name where it
goes wrong; only then do policymakers give their view and are options proposed. It is worth its while if it ends in an
action team with a first step. What a participant says is sealed under a key of that participant.
"""

from datetime import datetime
from typing import Final

from ..event import Fact
from ..ids import (
    BottleneckId,
    CauseId,
    ExperimentId,
    InvestigationId,
    OptionId,
    OrganisationId,
    StepId,
    SubjectId,
    Theme,
)
from ..learning.facts import LearningEventStruck, LearningFact, LearningFactCorrected, LearningGapAcknowledged
from ..text import Text
from ..vocabulary import LearningKind, ParticipantRole


class DialogueFact(LearningFact, frozen=True, gc=False):
    """A fact that stands in a dialogue's stream."""

    stream_kind = LearningKind.DIALOGUE


class ParticipantFact(DialogueFact, frozen=True, gc=False):
    """A fact of one participant, who goes by a pseudonym of their own; its texts are that person's."""

    participant: SubjectId

    @property
    def speaker(self) -> SubjectId | None:
        """The participant."""
        return self.participant

    @property
    def persons(self) -> tuple[SubjectId, ...]:
        """The participant."""
        return (self.participant,)


class StepFact(DialogueFact, frozen=True, gc=False):
    """A fact about a step that an action team took upon itself."""

    step: StepId


class DialogueConvened(DialogueFact, frozen=True, gc=False):
    """An organisation convened a dialogue about a problem, on its own or within an investigation."""

    topic = "dialogue-convened"

    organisation: OrganisationId
    theme: Theme
    problem: Text | None = None
    investigation: InvestigationId | None = None


class ParticipantJoined(ParticipantFact, frozen=True, gc=False):
    """Somebody takes part, in a role; ``organisation`` is the one that they work for, if they sit there for it."""

    topic = "participant-joined"

    role: ParticipantRole
    organisation: OrganisationId | None = None
    name: Text | None = None


class ExperienceShared(ParticipantFact, frozen=True, gc=False):
    """A citizen or practitioner told what they met with (first part)."""

    topic = "experience-shared"

    experience: Text | None = None


class BottleneckNamed(DialogueFact, frozen=True, gc=False):
    """The participants of the first part together named where it goes wrong; ``causes`` are what it comes from."""

    topic = "bottleneck-named"

    bottleneck: BottleneckId
    statement: Text | None = None
    causes: tuple[CauseId, ...] = ()


class FirstPartClosed(DialogueFact, frozen=True, gc=False):
    """The first part is over, and the second begins: from now on policymakers speak too."""

    topic = "first-part-closed"


class ViewGiven(ParticipantFact, frozen=True, gc=False):
    """A policymaker said how they see it (second part)."""

    topic = "view-given"

    view: Text | None = None


class OptionProposed(DialogueFact, frozen=True, gc=False):
    """Something that might be done about one or more bottlenecks was proposed (second part)."""

    topic = "option-proposed"

    option: OptionId
    proposal: Text | None = None
    bottlenecks: tuple[BottleneckId, ...] = ()
    participant: SubjectId | None = None

    @property
    def speaker(self) -> SubjectId | None:
        """The participant who proposed it, if one did."""
        return self.participant

    @property
    def persons(self) -> tuple[SubjectId, ...]:
        """The participant who proposed it, if one did."""
        return () if self.participant is None else (self.participant,)


class ActionTeamFormed(DialogueFact, frozen=True, gc=False):
    """Some leave the dialogue with a plan, made of one or more options; a team formed later takes its place."""

    topic = "action-team-formed"

    organisations: tuple[OrganisationId, ...]
    participants: tuple[SubjectId, ...] = ()
    options: tuple[OptionId, ...] = ()
    plan: Text | None = None

    @property
    def persons(self) -> tuple[SubjectId, ...]:
        """Who are in it."""
        return self.participants


class FirstStepChosen(StepFact, frozen=True, gc=False):
    """An organisation of the action team will take a step by ``due``; ``experiment`` tries it, if one does."""

    topic = "first-step-chosen"

    organisation: OrganisationId
    due: datetime
    description: Text | None = None
    expected_effect: Text | None = None
    experiment: ExperimentId | None = None


class StepProgressed(StepFact, frozen=True, gc=False):
    """Something was done towards a step."""

    topic = "step-progressed"

    note: Text | None = None


class StepDone(StepFact, frozen=True, gc=False):
    """A step was taken; ``effect`` says what came of it."""

    topic = "step-done"

    effect: Text | None = None


class StepGivenUp(StepFact, frozen=True, gc=False):
    """A step will not be taken, and why: commands without a reason are refused."""

    topic = "step-given-up"

    reason: Text | None = None


class DialogueConcluded(DialogueFact, frozen=True, gc=False):
    """The conversation is over. What its action team took upon itself is followed until it is done or given up."""

    topic = "dialogue-concluded"

    lesson: Text | None = None


class DialogueGapAcknowledged(LearningGapAcknowledged, DialogueFact, frozen=True, gc=False):
    """An organisation owns up to a gap of the dialogue, perhaps with a plan to close it by ``due``."""

    topic = "dialogue-gap-acknowledged"


class DialogueFactCorrected(LearningFactCorrected, DialogueFact, frozen=True, gc=False):
    """A field of an earlier event of the dialogue was wrong."""

    topic = "dialogue-fact-corrected"


class DialogueEventStruck(LearningEventStruck, DialogueFact, frozen=True, gc=False):
    """An earlier event of the dialogue should never have been recorded; it stays in the log, without effect."""

    topic = "dialogue-event-struck"


COMMANDS: Final[dict[str, type[Fact]]] = {
    "ConveneDialogue": DialogueConvened,
    "JoinDialogue": ParticipantJoined,
    "ShareExperience": ExperienceShared,
    "NameBottleneck": BottleneckNamed,
    "CloseFirstPart": FirstPartClosed,
    "GiveView": ViewGiven,
    "ProposeOption": OptionProposed,
    "FormActionTeam": ActionTeamFormed,
    "ChooseFirstStep": FirstStepChosen,
    "ReportProgress": StepProgressed,
    "CompleteStep": StepDone,
    "GiveUpStep": StepGivenUp,
    "ConcludeDialogue": DialogueConcluded,
    "AcknowledgeDialogueGap": DialogueGapAcknowledged,
    "CorrectDialogueFact": DialogueFactCorrected,
    "StrikeDialogueEvent": DialogueEventStruck,
}
"""The commands about a dialogue, and the fact that each asks to record."""
