"""The facts of a policy dossier: the answers to the questions of the Beleidskompas on one problem.

Each question is answered any number of times; the last answer stands and all are kept. Beside them stands how citizens
were involved and with what influence, what kept them from being involved, and what was promised about that. A dossier
may come before the policy does.
"""

from datetime import datetime
from typing import Final

from ..event import Fact
from ..ids import BarrierSlug, CauseId, DialogueId, NetworkId, OrganisationId, PromiseId, PromiseSlug, SignalId, Theme
from ..learning.facts import LearningEventStruck, LearningFact, LearningFactCorrected, LearningGapAcknowledged
from ..text import Text
from ..vocabulary import Influence, Involvement, LearningKind, PolicyQuestion, PolicyStage


class PolicyDossierFact(LearningFact, frozen=True, gc=False):
    """A fact that stands in a policy dossier's stream."""

    stream_kind = LearningKind.POLICY_DOSSIER


class PolicyDossierOpened(PolicyDossierFact, frozen=True, gc=False):
    """An organisation began a dossier on one problem. Commands without a title are refused."""

    topic = "policy-dossier-opened"

    organisation: OrganisationId
    theme: Theme
    title: Text | None = None


class QuestionAnswered(PolicyDossierFact, frozen=True, gc=False):
    """A question of the Beleidskompas was answered, perhaps not for the first time.

    The problem and the goal can be stated as behaviour too: who does what now, and who should do what then.
    """

    topic = "question-answered"

    question: PolicyQuestion
    answer: Text | None = None
    behaviour: Text | None = None


class CitizensInvolved(PolicyDossierFact, frozen=True, gc=False):
    """Citizens were involved at a stage, in some way, and with what influence on the outcome."""

    topic = "citizens-involved"

    stage: PolicyStage
    how: Involvement
    influence: Influence
    note: Text | None = None


class BarrierMet(PolicyDossierFact, frozen=True, gc=False):
    """Something of the catalogue kept citizens from being involved (``domain.catalogue``)."""

    topic = "barrier-met"

    barrier: BarrierSlug
    note: Text | None = None


class PromiseMade(PolicyDossierFact, frozen=True, gc=False):
    """An organisation promised to do something by ``due``; ``kind`` is one of the catalogue's, if one fits."""

    topic = "promise-made"

    promise: PromiseId
    organisation: OrganisationId
    due: datetime
    kind: PromiseSlug | None = None
    promised: Text | None = None


class PromiseKept(PolicyDossierFact, frozen=True, gc=False):
    """An organisation did what it had promised."""

    topic = "promise-kept"

    promise: PromiseId
    note: Text | None = None


class DossierLinked(PolicyDossierFact, frozen=True, gc=False):
    """A cause, a dialogue, or a signal of a network (exactly one of them) belongs with the dossier."""

    topic = "dossier-linked"

    cause: CauseId | None = None
    dialogue: DialogueId | None = None
    network: NetworkId | None = None
    signal: SignalId | None = None


class PolicyDossierGapAcknowledged(LearningGapAcknowledged, PolicyDossierFact, frozen=True, gc=False):
    """An organisation owns up to a gap of the dossier, perhaps with a plan to close it by ``due``."""

    topic = "policy-dossier-gap-acknowledged"


class PolicyDossierFactCorrected(LearningFactCorrected, PolicyDossierFact, frozen=True, gc=False):
    """A field of an earlier event of the dossier was wrong."""

    topic = "policy-dossier-fact-corrected"


class PolicyDossierEventStruck(LearningEventStruck, PolicyDossierFact, frozen=True, gc=False):
    """An earlier event of the dossier should never have been recorded; it stays in the log, without effect."""

    topic = "policy-dossier-event-struck"


COMMANDS: Final[dict[str, type[Fact]]] = {
    "OpenPolicyDossier": PolicyDossierOpened,
    "AnswerQuestion": QuestionAnswered,
    "InvolveCitizens": CitizensInvolved,
    "MeetBarrier": BarrierMet,
    "MakePromise": PromiseMade,
    "KeepPromise": PromiseKept,
    "LinkDossier": DossierLinked,
    "AcknowledgePolicyDossierGap": PolicyDossierGapAcknowledged,
    "CorrectPolicyDossierFact": PolicyDossierFactCorrected,
    "StrikePolicyDossierEvent": PolicyDossierEventStruck,
}
"""The commands about a policy dossier, and the fact that each asks to record."""
