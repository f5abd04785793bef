"""What the read model keeps beside a case's chains: whose it is, which cases it was linked with, its remedies."""

from msgspec import Struct

from ...domain.ids import CaseId, EventId, ObstacleId, SubjectId
from ...domain.vocabulary import CaseRelation


class SubjectFacet(Struct, frozen=True, gc=False):
    """The case is this subject's; ``place`` is where its opening names them, from 0."""

    subject: SubjectId
    place: int


class LinkFacet(Struct, frozen=True, gc=False):
    """The case was linked with another one, by an event of its own."""

    event: EventId
    to: CaseId
    relation: CaseRelation


class RemedyFacet(Struct, frozen=True, gc=False):
    """A solution for this one subject, by an event of the case's own; ``rule`` is what it departs from, if named."""

    event: EventId
    obstacle: ObstacleId
    organisation: str
    rule: str | None
