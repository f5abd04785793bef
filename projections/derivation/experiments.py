"""What the read model keeps of an experiment. No gap follows from it: whoever tries something owes nobody a result."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from ...domain.experiment.facts import ExperimentAdopted
from ...domain.experiment.rules import RULES, Experiment
from ...domain.settings import Course
from ...domain.vocabulary import LearningKind
from .learning import Derivation, Header
from .learning_facets import StreamLinkFacet, links_to
from .shapes import Gap

STRATEGY: Final = "STRATEGY"
"""The relation of an experiment with the strategy as which somebody adopted what it showed."""


def header(experiment: Experiment) -> Header:
    """Return what lists choose an experiment by: what it found, and whether anybody adopted it."""
    marks = [f"runs={organisation}" for organisation in sorted(set(experiment.fact.organisations))]
    if experiment.finding is not None:
        marks.append(f"finding={experiment.finding}")
    if experiment.adoptions:
        marks.append("adopted=YES")
    return Header(experiment.status, experiment.fact.theme, tuple(marks))


def links(experiment: Experiment) -> Iterator[StreamLinkFacet]:
    """Yield the causes that it may remove, and the strategies that what it showed was adopted as."""
    yield from links_to(LearningKind.CAUSE, ((cause, experiment.begun) for cause in experiment.fact.causes))
    adopted = ((event, event.data) for event in experiment.adoptions)
    strategies = ((fact.strategy, event) for event, fact in adopted if isinstance(fact, ExperimentAdopted))
    yield from links_to(STRATEGY, ((strategy, event) for strategy, event in strategies if strategy is not None))


def gaps(stream: UUID, experiment: Experiment, settings: Course) -> Iterator[Gap]:
    """Yield nothing."""
    yield from ()


DERIVATION: Final = Derivation(RULES, header, links, gaps)
"""How experiments are derived."""
