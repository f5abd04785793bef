"""The facts of a network: organisations that learn and speak together.

Who is a member changes in the course of time. Together they tell a policymaker or legislator about causes, by a signal;
among each other they set challenges, and ask and offer help.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from ..event import Fact
from ..ids import CauseId, ChallengeId, HelpId, OrganisationId, SignalId, Theme
from ..learning.facts import LearningEventStruck, LearningFact, LearningFactCorrected
from ..text import Text
from ..vocabulary import LearningKind, SignalReply

NetworkName = Annotated[str, Meta(min_length=1, max_length=200)]
"""A network's own name: public, and so not sealed."""


class NetworkFact(LearningFact, frozen=True, gc=False):
    """A fact that stands in a network's stream."""

    stream_kind = LearningKind.NETWORK


class NetworkFounded(NetworkFact, frozen=True, gc=False):
    """Organisations founded a network: they are its first members."""

    topic = "network-founded"

    name: NetworkName
    members: tuple[OrganisationId, ...]
    purpose: Text | None = None


class MemberJoined(NetworkFact, frozen=True, gc=False):
    """An organisation is a member from now on."""

    topic = "member-joined"

    organisation: OrganisationId


class MemberLeft(NetworkFact, frozen=True, gc=False):
    """An organisation is a member no more."""

    topic = "member-left"

    organisation: OrganisationId


class ThemeAdopted(NetworkFact, frozen=True, gc=False):
    """The network works on a theme from now on."""

    topic = "theme-adopted"

    theme: Theme


class SignalRaised(NetworkFact, frozen=True, gc=False):
    """Members tell a policymaker or legislator about causes; ``members`` are those who join in."""

    topic = "signal-raised"

    signal: SignalId
    to: OrganisationId
    members: tuple[OrganisationId, ...]
    causes: tuple[CauseId, ...] = ()
    message: Text | None = None
    respond_by: datetime | None = None


class SignalAnswered(NetworkFact, frozen=True, gc=False):
    """Whoever a signal was raised to answered it."""

    topic = "signal-answered"

    signal: SignalId
    organisation: OrganisationId
    reply: SignalReply
    answer: Text | None = None


class ChallengeSet(NetworkFact, frozen=True, gc=False):
    """A member set the others a challenge."""

    topic = "challenge-set"

    challenge: ChallengeId
    organisation: OrganisationId
    description: Text | None = None


class ChallengeTakenUp(NetworkFact, frozen=True, gc=False):
    """A member took up a challenge."""

    topic = "challenge-taken-up"

    challenge: ChallengeId
    organisation: OrganisationId
    note: Text | None = None


class HelpAsked(NetworkFact, frozen=True, gc=False):
    """A member asks the others for help."""

    topic = "help-asked"

    help: HelpId
    organisation: OrganisationId
    question: Text | None = None


class HelpOffered(NetworkFact, frozen=True, gc=False):
    """A member offers help: to a member that asked for it (``asked``), or to all."""

    topic = "help-offered"

    organisation: OrganisationId
    asked: HelpId | None = None
    offer: Text | None = None


class NetworkFactCorrected(LearningFactCorrected, NetworkFact, frozen=True, gc=False):
    """A field of an earlier event of the network was wrong."""

    topic = "network-fact-corrected"


class NetworkEventStruck(LearningEventStruck, NetworkFact, frozen=True, gc=False):
    """An earlier event of the network should never have been recorded; it stays in the log, without effect."""

    topic = "network-event-struck"


COMMANDS: Final[dict[str, type[Fact]]] = {
    "FoundNetwork": NetworkFounded,
    "JoinNetwork": MemberJoined,
    "LeaveNetwork": MemberLeft,
    "AdoptTheme": ThemeAdopted,
    "RaiseSignal": SignalRaised,
    "AnswerSignal": SignalAnswered,
    "SetChallenge": ChallengeSet,
    "TakeUpChallenge": ChallengeTakenUp,
    "AskHelp": HelpAsked,
    "OfferHelp": HelpOffered,
    "CorrectNetworkFact": NetworkFactCorrected,
    "StrikeNetworkEvent": NetworkEventStruck,
}
"""The commands about a network, and the fact that each asks to record."""
