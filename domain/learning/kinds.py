"""The kinds of learning streams that there are, each with its rules."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..cause.rules import RULES as CAUSE
from ..vocabulary import LearningKind
from .rules import Rules

RULES: Final[Mapping[LearningKind, Rules]] = MappingProxyType({rules.kind: rules for rules in (CAUSE,)})
"""The rules of each kind of learning stream."""
