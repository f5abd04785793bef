"""The machine that makes learning streams: dialogues, dossiers, networks, experiments and investigations, hard ones.

A stream follows its method for the most part. Facts are left out and others strewn in where they do not belong, some at
the same moment; three in ten are told late; some are corrected or struck, and some of those mendings struck again.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID, uuid5

from histories.recording import one_log
from histories.world import ONLOOKER, ORGANISATIONS, START
from knelpunt.domain.case.facts import GapMark
from knelpunt.domain.dialogue import facts as d
from knelpunt.domain.dossier import facts as p
from knelpunt.domain.event import Actor, Event
from knelpunt.domain.experiment import facts as x
from knelpunt.domain.ids import NAMESPACE, event_id_of, gap_id_of
from knelpunt.domain.investigation import facts as i
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.network import facts as n
from knelpunt.domain.text import Sealed
from knelpunt.domain.vocabulary import (
    Finding,
    GapKind,
    Influence,
    Involvement,
    LearningKind,
    ParticipantRole,
    PolicyQuestion,
    PolicyStage,
    SignalReply,
    StrikeReason,
)

DAY: Final = timedelta(days=1)
SPACE: Final = uuid5(NAMESPACE, "machine-made streams")
TEXT: Final = Sealed(SPACE, SPACE, b"sealed text")

KINDS: Final = (LearningKind.DIALOGUE, LearningKind.POLICY_DOSSIER, LearningKind.NETWORK, LearningKind.EXPERIMENT)
"""The kinds of whose gaps and conflicts an oracle knows."""

Plot = Callable[[Random], list[LearningFact]]
"""The facts of one stream in the order of its method; the first one opens it."""


def some(name: str, number: int) -> UUID:
    """One of a few ids of a sort, the same in every stream: parts are named within theirs."""
    return uuid5(SPACE, f"{name}/{number}")


def _due(rng: Random) -> datetime:
    return START + DAY * rng.choice((20, 30, 30, 60, 120))


def _dialogue(rng: Random) -> list[LearningFact]:
    roles = (
        ParticipantRole.CITIZEN,
        ParticipantRole.PRACTITIONER,
        ParticipantRole.POLICYMAKER,
        rng.choice(list(ParticipantRole)),
    )
    team = tuple(rng.sample(ORGANISATIONS, 2))
    return [
        d.DialogueConvened(rng.choice(ORGANISATIONS), rng.choice(("schulden", "zorg")), TEXT),
        *(d.ParticipantJoined(some("person", number), role) for number, role in enumerate(roles)),
        d.ExperienceShared(some("person", 0), TEXT),
        d.BottleneckNamed(some("bottleneck", 0), TEXT, (some("cause", rng.randint(0, 1)),)),
        d.ExperienceShared(some("person", 1), TEXT),
        d.BottleneckNamed(some("bottleneck", 1), TEXT, (some("cause", rng.randint(0, 1)),)),
        d.FirstPartClosed(),
        d.ViewGiven(some("person", 2), TEXT),
        d.OptionProposed(some("option", 0), TEXT, (some("bottleneck", 0),), some("person", 0)),
        d.ActionTeamFormed(team, (some("person", 1),), (some("option", 0),), TEXT),
        d.FirstStepChosen(some("step", 0), team[0], _due(rng), TEXT, TEXT, rng.choice((None, some("experiment", 0)))),
        d.FirstStepChosen(some("step", 1), team[1], _due(rng), TEXT),
        d.DialogueConcluded(TEXT),
        d.StepProgressed(some("step", 0), TEXT),
        rng.choice((d.StepDone(some("step", 0), TEXT), d.StepGivenUp(some("step", 0), TEXT))),
        rng.choice((d.StepDone(some("step", 1), TEXT), d.StepProgressed(some("step", 1), TEXT))),
    ]  # fmt: skip


def _dossier(rng: Random) -> list[LearningFact]:
    questions = rng.choices(list(PolicyQuestion), k=8)
    promises = [p.PromiseMade(some("promise", number), rng.choice(ORGANISATIONS), _due(rng)) for number in range(3)]
    return [
        p.PolicyDossierOpened(rng.choice(ORGANISATIONS), rng.choice(("schulden", "zorg")), TEXT),
        *(p.QuestionAnswered(question, TEXT) for question in questions),
        p.CitizensInvolved(rng.choice(list(PolicyStage)), rng.choice(list(Involvement)), rng.choice(list(Influence))),
        p.BarrierMet(rng.choice(("empathy", "how-and-whom"))),
        *promises,
        p.DossierLinked(cause=some("cause", rng.randint(0, 1))),
        p.DossierLinked(dialogue=some("dialogue", 0)),
        p.DossierLinked(network=some("network", 0), signal=some("signal", 0)),
        *(p.PromiseKept(some("promise", number)) for number in range(3) if rng.random() < 0.7),
    ]


def _network(rng: Random) -> list[LearningFact]:
    first, second, third, *_ = rng.sample(ORGANISATIONS, 4)
    return [
        n.NetworkFounded("Samen Wijzer", (first, second), TEXT),
        n.MemberJoined(third),
        n.ThemeAdopted(rng.choice(("schulden", "zorg"))),
        n.SignalRaised(some("signal", 0), ONLOOKER, (first, third), (some("cause", 0),), TEXT),
        n.HelpAsked(some("help", 0), second, TEXT),
        n.HelpOffered(third, some("help", 0), TEXT),
        n.MemberLeft(rng.choice((first, second, third))),
        n.SignalAnswered(some("signal", 0), ONLOOKER, rng.choice(list(SignalReply))),
        n.ChallengeSet(some("challenge", 0), first, TEXT),
        n.ChallengeTakenUp(some("challenge", 0), second, TEXT),
        n.MemberJoined(rng.choice((first, second, third))),
        n.HelpOffered(first, None, TEXT),
    ]


def _experiment(rng: Random) -> list[LearningFact]:
    running = tuple(rng.sample(ORGANISATIONS, 2))
    return [
        x.ExperimentStarted(running, rng.choice(("schulden", "zorg")), TEXT, TEXT, 2, 3, (some("cause", 0),)),
        x.ObservationMade(TEXT),
        x.ObservationMade(TEXT),
        x.ExperimentConcluded(rng.choice(list(Finding)), TEXT),
        *(x.ExperimentAdopted(organisation) for organisation in rng.sample(ORGANISATIONS, 2)),
    ]


def _investigation(rng: Random) -> list[LearningFact]:
    return [
        i.InvestigationOpened(TEXT, rng.choice((None, "kafka-jeugd", "kafka-zorg"))),
        i.InvestigatorAssigned("anna"),
        i.CaseIncluded(some("case", 0)),
        i.CaseIncluded(some("case", 1)),
        i.DialogueAttached(some("dialogue", 0)),
        i.InvestigatorAssigned("bob"),
        i.FindingRecorded(some("finding", 0), TEXT, (some("cause", 0),)),
        i.FindingRecorded(some("finding", 1), TEXT, (some("cause", rng.randint(0, 1)),)),
        i.ReportPublished(TEXT, TEXT),
        i.FollowUpPlanned(some("follow-up", 0), _due(rng), rng.choice((None, *ORGANISATIONS)), TEXT),
        i.InvestigatorReleased(rng.choice(("anna", "bob"))),
        i.FollowUpDone(some("follow-up", 0), TEXT),
    ]


PLOTS: Final[dict[LearningKind, Plot]] = {
    LearningKind.DIALOGUE: _dialogue,
    LearningKind.POLICY_DOSSIER: _dossier,
    LearningKind.NETWORK: _network,
    LearningKind.EXPERIMENT: _experiment,
    LearningKind.INVESTIGATION: _investigation,
}
MENDINGS: Final = {
    LearningKind.DIALOGUE: (d.DialogueFactCorrected, d.DialogueEventStruck),
    LearningKind.POLICY_DOSSIER: (p.PolicyDossierFactCorrected, p.PolicyDossierEventStruck),
    LearningKind.NETWORK: (n.NetworkFactCorrected, n.NetworkEventStruck),
    LearningKind.EXPERIMENT: (x.ExperimentFactCorrected, x.ExperimentEventStruck),
    LearningKind.INVESTIGATION: (i.InvestigationFactCorrected, i.InvestigationEventStruck),
}
ACKNOWLEDGED: Final = {
    LearningKind.DIALOGUE: (d.DialogueGapAcknowledged, d.FirstStepChosen),
    LearningKind.POLICY_DOSSIER: (p.PolicyDossierGapAcknowledged, p.PromiseMade),
}
"""How gaps of a kind of stream are acknowledged, and the facts that they begin with."""


def make_stream(rng: Random, kind: LearningKind) -> list[Event]:
    """Return the events of one stream as recorded, in order of position."""
    stream = UUID(int=rng.getrandbits(128), version=4)
    opening, *method = PLOTS[kind](rng)
    facts = [fact for fact in method if rng.random() < 0.93]
    told = [(opening, START)]
    at = START
    for fact in facts:
        # One in seven at the very moment of the one before.
        at += DAY * rng.choice((0, 1, 1, 2, 3, 5, 8))
        told.append((fact, at))
    told += [(rng.choice(method), START + DAY * rng.randint(-2, 90)) for _ in range(rng.randint(0, 4))]
    events = [_event(rng, stream, fact, occurred_at) for fact, occurred_at in told]
    events += list(_acknowledging(rng, kind, events))
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        events.append(_mending(rng, kind, events))
    return one_log(events)


def make_streams(rng: Random, number: int) -> list[Event]:
    """Return a log of so many streams, of all kinds in turn."""
    return one_log([event for place in range(number) for event in make_stream(rng, KINDS[place % len(KINDS)])])


def _event(rng: Random, stream: UUID, fact: LearningFact, at: datetime, after: datetime = START) -> Event:
    command = UUID(int=rng.getrandbits(128), version=4)
    late = rng.choice((0, 0, 0, 0, 0, 0, 0, 10, 40, 100))
    known = fact.mends or type(fact) in {one for one, _ in ACKNOWLEDGED.values()}
    return Event(
        id=event_id_of(command),
        stream=stream,
        version=0,
        position=0,
        occurred_at=at,
        recorded_at=max(at, after) + DAY * (0.2 if known else late + 0.1),
        actor=Actor(rng.choice(ORGANISATIONS), "AGENCY", "somebody"),  # type: ignore[arg-type]
        command_id=command,
        data=fact,
    )


def _acknowledging(rng: Random, kind: LearningKind, events: Sequence[Event]) -> Iterator[Event]:
    """Yield acknowledgements of gaps: most of one that is there, some of one that never was."""
    if kind not in ACKNOWLEDGED:
        return
    acknowledged, begins = ACKNOWLEDGED[kind]
    for event in events:
        fact = event.data
        if isinstance(fact, begins) and rng.random() < 0.4:
            assert isinstance(fact, d.FirstStepChosen | p.PromiseMade)
            since = max(fact.due, event.occurred_at)
            at = since + DAY * rng.choice((-3, 1, 4, 30))
            gap = gap_id_of(event.stream, GapKind.COMMITMENT_OVERDUE, event.id)
            mark = GapMark(gap, GapKind.COMMITMENT_OVERDUE, None, since)
            plan, due = rng.choice(((TEXT, at + DAY * 5), (TEXT, None), (None, at + DAY * 5)))
            said = acknowledged(mark, fact.organisation, plan, due)
            yield _event(rng, event.stream, said, at, event.recorded_at)


def _mending(rng: Random, kind: LearningKind, events: Sequence[Event]) -> Event:
    """Return a correction or striking of an event of the stream; some corrections do not fit."""
    target = rng.choice(events[1:])
    corrects, strikes = MENDINGS[kind]
    at = target.occurred_at + DAY * rng.randint(1, 20)
    fields = [
        ("occurred_at", (target.occurred_at + DAY * rng.choice((-9, -2, 3, 12))).isoformat()),
        ("due", _due(rng).isoformat()),
        ("organisation", rng.choice(ORGANISATIONS)),
        ("finding", "WORKS"),
        ("role", "POLICYMAKER"),
        ("colour", "red"),
    ]
    held = [one for one in fields if one[0] in {"occurred_at", "colour", *target.data.__struct_encode_fields__}]
    fact = strikes(target.id, StrikeReason.DUPLICATE) if rng.random() < 0.5 else corrects(target.id, *rng.choice(held))
    return _event(rng, target.stream, fact, at, target.recorded_at)
