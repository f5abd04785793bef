"""Which commands each role may send. What somebody may see is decided by the database; see docs/access.md."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .case.facts import CaseFact, CaseOpened, ObstacleReported
from .event import Fact
from .investigation.facts import InvestigationFact
from .learning.facts import LearningFact
from .organisation.facts import OrganisationFact
from .registry.facts import RegistryFact
from .vocabulary import Role

_OF_CASES: Final = (CaseFact, OrganisationFact, LearningFact)

MAY_RECORD: Final[Mapping[Role, tuple[type[Fact], ...]]] = MappingProxyType(
    {
        Role.INVESTIGATOR: (*_OF_CASES, InvestigationFact),
        Role.AGENCY: _OF_CASES,
        Role.SOLUTION_TEAM: _OF_CASES,
        Role.SUBJECT: (CaseFact,),
        Role.INTAKE: (CaseOpened, ObstacleReported),
        Role.ADMINISTRATOR: (OrganisationFact, RegistryFact),
        Role.AUDITOR: (),
        Role.ANALYST: (),
        Role.PRIVACY_OFFICER: (),
    }
)
"""The kinds of fact that somebody in a role may ask to record."""


def may_record(role: Role, fact: type[Fact]) -> bool:
    """Return whether somebody in a role may ask to record a kind of fact at all."""
    return issubclass(fact, MAY_RECORD[role])
