"""What an experiment is at a moment, and what each event does to it: only what was found to work is adopted."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ..case.decide import Directory
from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event
from ..learning.parts import refuse_other_speaker
from ..learning.rules import Rules
from ..organisation.decide import refuse_strategy
from ..settings import Course
from ..vocabulary import ExperimentStatus, Finding, LearningKind
from . import facts as f


class Experiment(Struct, frozen=True):
    """An experiment that was started. Each of its parts is the event that it came by, as corrected."""

    begun: Event
    fact: f.ExperimentStarted
    observations: tuple[Event, ...] = ()
    concluded: Event | None = None
    finding: Finding | None = None
    adoptions: tuple[Event, ...] = ()

    @property
    def status(self) -> ExperimentStatus:
        """How far it has come."""
        return ExperimentStatus.RUNNING if self.concluded is None else ExperimentStatus.CONCLUDED


def begins(event: Event) -> Experiment:
    """Return an experiment as it is when it has been started."""
    assert isinstance(event.data, f.ExperimentStarted)
    return Experiment(event, event.data)


def advance(experiment: Experiment, event: Event, _: Course) -> Experiment | Objection:
    """Return an experiment after an event, or why the event has no effect."""
    concluded = experiment.concluded
    match event.data:
        case f.ExperimentAdopted(organisation=organisation):
            return _adopted(experiment, event, organisation)
        case _ if concluded is not None:
            message = "The experiment had been concluded by that moment."
            return Objection(RefusalCode.CONCLUDED, message, (concluded.id,))
        case f.ObservationMade():
            return replace(experiment, observations=(*experiment.observations, event))
        case f.ExperimentConcluded(finding=finding):
            return replace(experiment, concluded=event, finding=finding)
        case other:
            message = f"{type(other).__name__} is no fact of an experiment."
            raise TypeError(message)


def _adopted(experiment: Experiment, event: Event, organisation: str) -> Experiment | Objection:
    if experiment.finding is not Finding.WORKS:
        message = "Only what an experiment found to work is adopted from it, and by that moment it had not."
        shown = experiment.begun if experiment.concluded is None else experiment.concluded
        return Objection(RefusalCode.NOT_SHOWN_TO_WORK, message, (shown.id,))
    for known in experiment.adoptions:
        assert isinstance(known.data, f.ExperimentAdopted)
        if known.data.organisation == organisation:
            message = "The organisation has adopted it already."
            return Objection(RefusalCode.ALREADY_EXISTS, message, (known.id,))
    return replace(experiment, adoptions=(*experiment.adoptions, event))


def refuse(command: Command, history: Sequence[Event], directory: Directory) -> Refused | None:
    """Refuse what says too little, who speaks for another, and a strategy that nobody shares."""
    match command.data:
        case f.ExperimentStarted(organisations=()):
            return Refused(RefusalCode.MALFORMED, "At least one organisation runs an experiment.")
        case f.ExperimentStarted(hypothesis=None):
            return Refused(RefusalCode.MALFORMED, "An experiment has a hypothesis: what is tried, and why.")
        case f.ExperimentAdopted(strategy=strategy, shared_by=shared_by) if (strategy is None) != (shared_by is None):
            message = "A strategy is named together with the organisation that shares it."
            return Refused(RefusalCode.MALFORMED, message)
        case f.ExperimentAdopted(organisation=organisation, strategy=strategy, shared_by=shared_by):
            refusal = refuse_other_speaker(command, organisation, "That a way of working was adopted")
            if refusal is None and strategy is not None and shared_by is not None:
                refusal = refuse_strategy(strategy, shared_by, directory)
            return refusal
        case _:
            return None


RULES: Final = Rules(LearningKind.EXPERIMENT, f.ExperimentStarted, begins, advance, refuse)
"""The rules of experiments."""
