"""Policy dossiers: every answer is kept, barriers and promises are the catalogue's, and a promise is one's own word."""

import pytest

from domain.given import DAY, GEM, START, STRANGER, SVB, UWV, some_id
from domain.streams import (
    CAUSE,
    DIALOGUE,
    NETWORK,
    By,
    Directory,
    assert_recorded,
    assert_refused,
    decided,
    event_id,
    inert,
    state,
    stream,
)
from knelpunt.domain.case.facts import GapMark
from knelpunt.domain.command import RefusalCode
from knelpunt.domain.dossier import facts as f
from knelpunt.domain.network.facts import SignalRaised
from knelpunt.domain.registry.facts import STREAM as REGISTRY_STREAM
from knelpunt.domain.registry.facts import BarrierAdded, PromiseAdded
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import (
    BarrierPlace,
    DossierStatus,
    GapKind,
    Influence,
    Involvement,
    LearningKind,
    PolicyQuestion,
    PolicyStage,
    PromiseStatus,
    StrikeReason,
)

PROMISE, SIGNAL = some_id("promise"), some_id("signal")
TEXT, OTHER_TEXT = clear("Woorden."), clear("Andere woorden.")
DUE = START + DAY * 60

OPENED = f.PolicyDossierOpened(GEM, "schulden", TEXT)
ANSWERED = f.QuestionAnswered(PolicyQuestion.PROBLEM, TEXT, OTHER_TEXT)
ANSWERED_ANEW = f.QuestionAnswered(PolicyQuestion.PROBLEM, OTHER_TEXT)
INVOLVED = f.CitizensInvolved(PolicyStage.OPTIONS, Involvement.DIALOGUE, Influence.ADVISED, TEXT)
MET = f.BarrierMet("empathy", TEXT)
PROMISED = f.PromiseMade(PROMISE, GEM, DUE, "formal-structure", TEXT)
KEPT = f.PromiseKept(PROMISE, TEXT)
LINKED = f.DossierLinked(cause=CAUSE)
CORRECTED = f.PolicyDossierFactCorrected(event_id(0), "theme", "jeugdhulp")
STRUCK = f.PolicyDossierEventStruck(event_id(1), StrikeReason.NEVER_HAPPENED)
ACKNOWLEDGED = f.PolicyDossierGapAcknowledged(GapMark(some_id("gap"), GapKind.COMMITMENT_OVERDUE, None, DUE), GEM)
SIGNALLED = f.DossierLinked(network=NETWORK, signal=SIGNAL)
COMPLETE = (OPENED, *(f.QuestionAnswered(question, TEXT) for question in PolicyQuestion))

KNOWN = Directory(
    histories={
        NETWORK: stream(SignalRaised(SIGNAL, SVB, (GEM,), message=TEXT)),  # type: ignore[arg-type]
        REGISTRY_STREAM: stream(
            BarrierAdded("distance", BarrierPlace.SHARED, "te ver weg", "too far away"),  # type: ignore[arg-type]
            PromiseAdded("office-hours", "spreekuur", "office hours"),  # type: ignore[arg-type]
        ),
    },
    gaps=frozenset({some_id("gap")}),
)


@pytest.mark.parametrize(
    ("before", "fact"),
    [
        ((), OPENED),
        ((OPENED,), ANSWERED),
        ((OPENED, ANSWERED), ANSWERED_ANEW),
        ((OPENED,), f.QuestionAnswered(PolicyQuestion.GOAL, behaviour=TEXT)),
        ((OPENED,), INVOLVED),
        ((OPENED, INVOLVED), INVOLVED),
        ((OPENED,), MET),
        ((OPENED,), f.BarrierMet("distance")),
        ((OPENED,), PROMISED),
        ((OPENED,), f.PromiseMade(PROMISE, GEM, DUE, "office-hours")),
        ((OPENED,), By(f.PromiseMade(PROMISE, UWV, DUE), UWV)),
        ((OPENED, PROMISED), KEPT),
        ((OPENED,), LINKED),
        ((OPENED, LINKED), f.DossierLinked(dialogue=DIALOGUE)),
        ((OPENED,), SIGNALLED),
        ((OPENED, PROMISED), ACKNOWLEDGED),
        ((OPENED, ANSWERED), CORRECTED),
        ((OPENED, ANSWERED), STRUCK),
    ],
)
def test_what_fits_is_recorded(before, fact) -> None:
    """What can be said of a dossier is recorded as it was asked for; a question may be answered again and again."""
    assert_recorded(decided(before, fact, KNOWN), fact)


@pytest.mark.parametrize(
    ("code", "before", "fact"),
    [
        (RefusalCode.ALREADY_EXISTS, (OPENED,), OPENED),
        (RefusalCode.UNKNOWN_POLICY_DOSSIER, (), ANSWERED),
        (RefusalCode.MALFORMED, (), f.PolicyDossierOpened(GEM, "schulden")),
        (RefusalCode.UNKNOWN_ORGANISATION, (), f.PolicyDossierOpened(STRANGER, "schulden", TEXT)),
        (RefusalCode.MALFORMED, (OPENED,), f.QuestionAnswered(PolicyQuestion.PROBLEM)),
        (RefusalCode.MALFORMED, (OPENED,), f.QuestionAnswered(PolicyQuestion.OPTIONS, TEXT, TEXT)),
        (RefusalCode.UNKNOWN_BARRIER, (OPENED,), f.BarrierMet("no-such-thing")),
        (RefusalCode.UNKNOWN_PROMISE, (OPENED,), f.PromiseMade(PROMISE, GEM, DUE, "no-such-thing")),
        (RefusalCode.WRONG_PARTY, (OPENED,), By(PROMISED, UWV)),
        (RefusalCode.MALFORMED, (OPENED,), f.PromiseMade(PROMISE, GEM, START)),
        (RefusalCode.ALREADY_EXISTS, (OPENED, PROMISED), PROMISED),
        (RefusalCode.UNKNOWN_PART, (OPENED,), KEPT),
        (RefusalCode.WRONG_PARTY, (OPENED, PROMISED), By(KEPT, UWV)),
        (RefusalCode.ALREADY_EXISTS, (OPENED, PROMISED, KEPT), KEPT),
        (RefusalCode.ALREADY_EXISTS, (OPENED, LINKED), LINKED),
        (RefusalCode.UNKNOWN_CAUSE, (OPENED,), f.DossierLinked(cause=some_id("nothing"))),
        (RefusalCode.UNKNOWN_DIALOGUE, (OPENED,), f.DossierLinked(dialogue=some_id("nothing"))),
        (RefusalCode.UNKNOWN_NETWORK, (OPENED,), f.DossierLinked(network=some_id("nothing"), signal=SIGNAL)),
        (RefusalCode.UNKNOWN_PART, (OPENED,), f.DossierLinked(network=NETWORK, signal=some_id("nothing"))),
        (RefusalCode.MALFORMED, (OPENED,), f.DossierLinked()),
        (RefusalCode.MALFORMED, (OPENED,), f.DossierLinked(network=NETWORK)),
        (RefusalCode.MALFORMED, (OPENED,), f.DossierLinked(signal=SIGNAL)),
        (RefusalCode.MALFORMED, (OPENED,), f.DossierLinked(cause=CAUSE, dialogue=DIALOGUE)),
        (RefusalCode.WRONG_PARTY, (OPENED, PROMISED), By(ACKNOWLEDGED, UWV)),
        (RefusalCode.UNKNOWN_BARRIER, (OPENED, MET), f.PolicyDossierFactCorrected(event_id(1), "barrier", "nothing")),
        (RefusalCode.WRONG_PARTY, (OPENED, PROMISED), f.PolicyDossierFactCorrected(event_id(1), "organisation", UWV)),
        (RefusalCode.NOT_CORRECTABLE, (OPENED,), f.PolicyDossierEventStruck(event_id(0), StrikeReason.DUPLICATE)),
    ],
)
def test_what_does_not_fit_is_refused(code, before, fact) -> None:
    """Each refusal has its code and one sentence."""
    assert_refused(decided(before, fact, KNOWN), code)


def test_every_command_of_a_dossier_is_tested() -> None:
    """None is missing from the tests above."""
    tested = (OPENED, ANSWERED, INVOLVED, MET, PROMISED, KEPT, LINKED, ACKNOWLEDGED, CORRECTED, STRUCK)
    assert set(f.COMMANDS.values()) == {type(fact) for fact in tested}


def test_all_versions_of_an_answer_are_kept() -> None:
    """The last answer stands, the others are kept; a question is open until its first answer, and again if struck."""
    early, late = (
        state(LearningKind.POLICY_DOSSIER, OPENED, ANSWERED, INVOLVED, ANSWERED_ANEW, day=day) for day in (2, 3)
    )
    assert [event.data for event in early.answers[PolicyQuestion.PROBLEM]] == [ANSWERED]
    assert [event.data for event in late.answers[PolicyQuestion.PROBLEM]] == [ANSWERED, ANSWERED_ANEW]
    assert PolicyQuestion.PROBLEM not in late.open_questions
    struck = state(LearningKind.POLICY_DOSSIER, OPENED, ANSWERED, STRUCK)
    assert struck.open_questions == tuple(PolicyQuestion)


def test_a_dossier_is_complete_when_every_question_has_an_answer() -> None:
    """Six answers make it complete, not five."""
    found = [state(LearningKind.POLICY_DOSSIER, *COMPLETE, day=day).status for day in range(7)]
    assert found == [*[DossierStatus.INCOMPLETE] * 6, DossierStatus.COMPLETE]


def test_a_promise_is_pending_until_it_is_kept() -> None:
    """What is kept before it was made has no effect."""
    facts = (OPENED, PROMISED, KEPT)
    promises = [state(LearningKind.POLICY_DOSSIER, *facts, day=day).promises[PROMISE].status for day in (1, 2)]
    assert promises == [PromiseStatus.PENDING, PromiseStatus.KEPT]
    assert inert(LearningKind.POLICY_DOSSIER, OPENED, PROMISED, By(KEPT, day=0.5)) == [2]
