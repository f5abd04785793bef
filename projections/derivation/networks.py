"""What the read model keeps of a network. No gap follows from it: an answer to a signal is asked for, not promised."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from ...domain.network.rules import RULES, Network
from ...domain.settings import Course
from ...domain.vocabulary import LearningKind
from .learning import Derivation, Header
from .learning_facets import StreamLinkFacet, links_to
from .shapes import Gap


def header(network: Network) -> Header:
    """Return what lists choose a network by: who is a member, on what it works, and whether signals were answered."""
    marks = [
        *(f"member={member}" for member in sorted(network.present)),
        *(f"theme={theme}" for theme in sorted(network.themes)),
        *sorted({f"signal={'UN' if one.answered is None else ''}ANSWERED" for one in network.signals.values()}),
    ]
    return Header(network.status, None, tuple(marks))


def links(network: Network) -> Iterator[StreamLinkFacet]:
    """Yield the causes that its signals are about."""
    raised = ((cause, signal.raised) for signal in network.signals.values() for cause in signal.fact.causes)
    yield from links_to(LearningKind.CAUSE, raised)


def gaps(stream: UUID, network: Network, settings: Course) -> Iterator[Gap]:
    """Yield nothing."""
    yield from ()


DERIVATION: Final = Derivation(RULES, header, links, gaps)
"""How networks are derived."""
