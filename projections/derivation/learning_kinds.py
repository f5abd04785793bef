"""The kinds of learning streams, each with how it is derived; and their timelines and answers by kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from ...domain.event import Event
from ...domain.learning.facts import LearningFact
from ...domain.settings import UNCHANGED, Course
from ...domain.vocabulary import LearningKind
from .causes import DERIVATION as CAUSE
from .dialogues import DERIVATION as DIALOGUE
from .dossiers import DERIVATION as POLICY_DOSSIER
from .experiments import DERIVATION as EXPERIMENT
from .investigations import DERIVATION as INVESTIGATION
from .learning import Derivation, LearningAnswer, LearningFacets, LearningFold, learning_answer
from .networks import DERIVATION as NETWORK
from .timelines import Timelines

DERIVATIONS: Final[Mapping[LearningKind, Derivation]] = MappingProxyType(
    {one.rules.kind: one for one in (CAUSE, DIALOGUE, INVESTIGATION, POLICY_DOSSIER, NETWORK, EXPERIMENT)}
)
"""How each kind of learning stream is derived."""


def learning_timelines(
    kind: LearningKind, recorded: Sequence[Event], stream: UUID, settings: Course = UNCHANGED
) -> Timelines:
    """Return the timelines of a learning stream, started from the events whose rows are stored already.

    Whoever changes ``settings`` afterwards tells the timelines (``change_settings``).
    """
    derivation = DERIVATIONS[kind]
    return Timelines(lambda: LearningFacets(LearningFold(stream, derivation, settings)), recorded)


def answer_of_stream(history: Sequence[Event], as_of: datetime, settings: Course = UNCHANGED) -> LearningAnswer:
    """Return what is so of a stream at a moment, by all of ``history``, which must not be empty."""
    fact = history[0].data
    assert isinstance(fact, LearningFact)
    return learning_answer(DERIVATIONS[fact.stream_kind], history, as_of, settings=settings)
