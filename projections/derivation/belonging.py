"""What the read model keeps of where a case belongs: whose it is, and with which other cases it was linked."""

from msgspec import Struct

from ...domain.ids import CaseId, EventId, SubjectId
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
