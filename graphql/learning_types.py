"""Which type of the schema each kind of learning stream is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..domain.vocabulary import LearningKind
from .causes import Cause
from .dialogues import Dialogue
from .dossiers import PolicyDossier
from .experiments import Experiment
from .investigations import Investigation
from .learning import LearningStream
from .networks import Network

TYPES: Final[Mapping[LearningKind, type[LearningStream]]] = MappingProxyType(
    {
        LearningKind.CAUSE: Cause,
        LearningKind.DIALOGUE: Dialogue,
        LearningKind.INVESTIGATION: Investigation,
        LearningKind.POLICY_DOSSIER: PolicyDossier,
        LearningKind.NETWORK: Network,
        LearningKind.EXPERIMENT: Experiment,
    }
)
"""The type of each kind of learning stream."""
