"""The facts of an experiment: a trial in the field of something that may work, by professionals and citizens."""

from typing import Annotated, Final

from msgspec import Meta

from ..event import Fact
from ..ids import CauseId, OrganisationId, StrategyId, Theme
from ..learning.facts import LearningEventStruck, LearningFact, LearningFactCorrected
from ..text import Text
from ..vocabulary import Finding, LearningKind

People = Annotated[int, Meta(ge=0, le=100_000)]
"""How many people."""


class ExperimentFact(LearningFact, frozen=True, gc=False):
    """A fact that stands in an experiment's stream."""

    stream_kind = LearningKind.EXPERIMENT


class ExperimentStarted(ExperimentFact, frozen=True, gc=False):
    """Organisations try something, at a place, with a team of so many professionals and citizens.

    Commands without a hypothesis are refused: what is tried, and what it should do. ``causes`` are those that it may
    remove.
    """

    topic = "experiment-started"

    organisations: tuple[OrganisationId, ...]
    theme: Theme
    hypothesis: Text | None = None
    place: Text | None = None
    professionals: People = 0
    citizens: People = 0
    causes: tuple[CauseId, ...] = ()


class ObservationMade(ExperimentFact, frozen=True, gc=False):
    """Something was seen while it was tried."""

    topic = "observation-made"

    observation: Text | None = None


class ExperimentConcluded(ExperimentFact, frozen=True, gc=False):
    """It was found whether it works, and what was learnt."""

    topic = "experiment-concluded"

    finding: Finding
    lesson: Text | None = None


class ExperimentAdopted(ExperimentFact, frozen=True, gc=False):
    """An organisation works from now on in the way that the experiment showed.

    ``strategy`` is that way of working as an organisation shares it, if one does, and ``shared_by`` that organisation.
    """

    topic = "experiment-adopted"

    organisation: OrganisationId
    strategy: StrategyId | None = None
    shared_by: OrganisationId | None = None


class ExperimentFactCorrected(LearningFactCorrected, ExperimentFact, frozen=True, gc=False):
    """A field of an earlier event of the experiment was wrong."""

    topic = "experiment-fact-corrected"


class ExperimentEventStruck(LearningEventStruck, ExperimentFact, frozen=True, gc=False):
    """An earlier event of the experiment should never have been recorded; it stays in the log, without effect."""

    topic = "experiment-event-struck"


COMMANDS: Final[dict[str, type[Fact]]] = {
    "StartExperiment": ExperimentStarted,
    "MakeObservation": ObservationMade,
    "ConcludeExperiment": ExperimentConcluded,
    "AdoptFromExperiment": ExperimentAdopted,
    "CorrectExperimentFact": ExperimentFactCorrected,
    "StrikeExperimentEvent": ExperimentEventStruck,
}
"""The commands about an experiment, and the fact that each asks to record."""
