"""Which type of the schema each kind of learning stream is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..domain.vocabulary import LearningKind
from .causes import Cause
from .learning import LearningStream

TYPES: Final[Mapping[LearningKind, type[LearningStream]]] = MappingProxyType({LearningKind.CAUSE: Cause})
"""The type of each kind of learning stream."""
