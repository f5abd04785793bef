"""What the read model keeps of a policy dossier, and its gap: a promise that was not kept by the time agreed on."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from ...domain.dossier.facts import BarrierMet, DossierLinked
from ...domain.dossier.rules import RULES, Dossier
from ...domain.settings import Course
from ...domain.vocabulary import GapKind, LearningKind
from .answer_facets import CommitmentFacet, CommitmentKind, CommitmentOutcome
from .learning import Derivation, Header, stream_gap
from .learning_facets import StreamLinkFacet, links_to
from .shapes import Gap

SIGNAL: Final = "SIGNAL"
"""The relation of a dossier with a signal of a network."""


def header(dossier: Dossier) -> Header:
    """Return what lists choose a dossier by: its open questions, the barriers met and what became of promises."""
    met = {event.data.barrier for event in dossier.barriers if isinstance(event.data, BarrierMet)}
    marks = (
        f"owner={dossier.fact.organisation}",
        *(f"open={question}" for question in dossier.open_questions),
        *(f"barrier={barrier}" for barrier in sorted(met)),
        *(f"promise={status}" for status in sorted({one.status for one in dossier.promises.values()})),
    )
    return Header(dossier.status, dossier.fact.theme, marks)


def links(dossier: Dossier) -> Iterator[StreamLinkFacet]:
    """Yield the causes, dialogues and signals that belong with a dossier."""
    for event in dossier.links:
        fact = event.data
        assert isinstance(fact, DossierLinked)
        for relation, target in (
            (LearningKind.CAUSE, fact.cause),
            (LearningKind.DIALOGUE, fact.dialogue),
            (SIGNAL, fact.signal),
        ):
            yield from links_to(relation, ((each, event) for each in (target,) if each))


def gaps(stream: UUID, dossier: Dossier, _: Course) -> Iterator[Gap]:
    """Yield the gap of each promise: from when it was due until it was kept."""
    for promise in dossier.promises.values():
        yield from stream_gap(
            (LearningKind.POLICY_DOSSIER, stream),
            GapKind.COMMITMENT_OVERDUE,
            promise.made.id,
            promise.due,
            (promise.kept.occurred_at, promise.kept.id) if promise.kept else None,
            to_act=(promise.fact.organisation,),
        )


def asked(dossier: Dossier) -> Iterator[CommitmentFacet]:
    """Yield what organisations promised."""
    for promise in dossier.promises.values():
        yield CommitmentFacet(
            promise.made.id,
            CommitmentKind.PROMISE,
            promise.fact.organisation,
            promise.made.occurred_at,
            promise.due,
            promise.kept.occurred_at if promise.kept else None,
            CommitmentOutcome.DONE if promise.kept else CommitmentOutcome.RUNNING,
            LearningKind.POLICY_DOSSIER,
        )


DERIVATION: Final = Derivation(RULES, header, links, gaps, asked)
"""How policy dossiers are derived."""
