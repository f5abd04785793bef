"""Which commands each role may send. What somebody may see is decided by the database; see docs/access.md."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .case.facts import CaseFact, CaseOpened, ObstacleReported, SubjectRelated
from .event import Actor, Fact
from .investigation.facts import InvestigationFact
from .learning.facts import LearningFact
from .organisation.facts import OrganisationFact, OrganisationRegistered
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
"""The kinds of fact that somebody in a role may ask to record, but for ``MAY_NOT``."""

MAY_NOT: Final[Mapping[Role, tuple[type[Fact], ...]]] = MappingProxyType({Role.SUBJECT: (SubjectRelated,)})
"""Of these kinds those that they may not: who says to represent somebody would read what is told about them."""

FOR_THEMSELVES: Final = frozenset({Role.AGENCY, Role.SOLUTION_TEAM})
"""Roles in which somebody speaks of their own organisation alone: where it belongs, what it went up in."""


def may_record(role: Role, fact: type[Fact]) -> bool:
    """Return whether somebody in a role may ask to record a kind of fact at all."""
    return issubclass(fact, MAY_RECORD[role]) and not issubclass(fact, MAY_NOT.get(role, ()))


def may_say(actor: Actor, fact: Fact) -> bool:
    """Return whether somebody may ask to record this fact, its kind being theirs to record.

    An organisation's units and whom it succeeds show it their cases. So what becomes of another organisation is not for
    an agency to say, nor whose unit it is; that there is such an organisation anybody may say who has to name it.
    """
    if actor.role not in FOR_THEMSELVES or not isinstance(fact, OrganisationFact):
        return True
    if isinstance(fact, OrganisationRegistered) and fact.parent is None:
        return True
    return fact.organisation == actor.organisation
