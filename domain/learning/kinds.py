"""The kinds of learning streams that there are, each with its rules."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..cause.rules import RULES as CAUSE
from ..dialogue.rules import RULES as DIALOGUE
from ..dossier.rules import RULES as POLICY_DOSSIER
from ..experiment.rules import RULES as EXPERIMENT
from ..investigation.rules import RULES as INVESTIGATION
from ..network.rules import RULES as NETWORK
from ..vocabulary import LearningKind
from .rules import Rules

RULES: Final[Mapping[LearningKind, Rules]] = MappingProxyType(
    {rules.kind: rules for rules in (CAUSE, DIALOGUE, INVESTIGATION, POLICY_DOSSIER, NETWORK, EXPERIMENT)}
)
"""The rules of each kind of learning stream."""
