"""The demo story is a history that the registry would have accepted, and shows what docs/demo.md says it shows."""

from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from histories.several import people_of
from knelpunt.domain.case.decide import decide
from knelpunt.domain.case.facts import AccountGiven, CaseFact, CaseOpened, GapAcknowledged, ObstacleReported
from knelpunt.domain.case.named import obstacles_of
from knelpunt.domain.command import COMMANDS, Refused
from knelpunt.domain.dialogue.facts import COMMANDS as DIALOGUE
from knelpunt.domain.dossier.facts import COMMANDS as DOSSIER
from knelpunt.domain.event import Event
from knelpunt.domain.experiment.facts import COMMANDS as EXPERIMENT
from knelpunt.domain.ids import event_id_of, organisation_stream_of
from knelpunt.domain.learning.decide import decide_learning
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.network.facts import COMMANDS as NETWORK
from knelpunt.domain.organisation.decide import decide_organisation
from knelpunt.domain.organisation.facts import OrganisationFact, OrganisationRegistered, OrganisationRenamed
from knelpunt.domain.organisation.standing import standing_at
from knelpunt.domain.text import Clear
from knelpunt.domain.vocabulary import (
    CauseStatus,
    DialogueStatus,
    DossierStatus,
    Finding,
    GapKind,
    LearningKind,
    Level,
    PolicyQuestion,
    PromiseStatus,
    SignalReply,
    StepStatus,
    Stopped,
)
from knelpunt.infra.demo.case_file import CaseFile
from knelpunt.infra.demo.learning_file import stream_id
from knelpunt.infra.demo.names import FOLDER, case_id, id_of, organisation_id, read
from knelpunt.infra.demo.story import cases, story
from knelpunt.projections.derivation.answer import answer
from knelpunt.projections.derivation.causes import status_of
from knelpunt.projections.derivation.ladder import next_rung
from knelpunt.projections.derivation.learning_kinds import answer_of_stream
from knelpunt.projections.derivation.shapes import Gap
from knelpunt.projections.derivation.subjects import cross_chains, subject_gaps
from oracle.oracle import answer as oracle_answer

TODAY = datetime(2026, 11, 22, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[3] / "docs" / "demo.md"


class Registry:
    """What the decider asks of the registry, answered from the story as told so far."""

    def __init__(self):
        self.organisations, self.obstacles, self.histories, self.refusals = set(), set(), defaultdict(list), []
        self.streams, self.of_organisations = defaultdict(list), defaultdict(list)

    def organisation(self, organisation):
        return organisation in self.organisations

    def organisation_history(self, organisation):
        return self.of_organisations[organisation_stream_of(organisation)]

    def case(self, case):
        return case in self.histories

    def obstacle(self, obstacle):
        return obstacle in self.obstacles

    def concluded(self, dialogue):
        return None

    def stream(self, stream, kind):
        return stream in self.streams and self.streams[stream][0].data.stream_kind is kind

    def history(self, stream):
        return self.streams.get(stream, ())

    def gap(self, history, mark, moment):
        """Only the very gap: the story's marks must name it as derived when they were recorded."""
        return any((gap.id, gap.from_) == (mark.id, mark.since) for gap in answer(history, moment).gaps)

    def take(self, position, recorded_at, command):
        histories, decider = self.histories, decide
        if isinstance(command.data, OrganisationFact):
            histories, decider = self.of_organisations, decide_organisation
        elif isinstance(command.data, LearningFact):
            histories, decider = self.streams, decide_learning
        history = histories[command.stream]
        fact = decider(command, history, recorded_at, self)
        if isinstance(fact, Refused):
            self.refusals.append((command, fact))
            return
        history.append(
            Event(
                id=event_id_of(command.id),
                stream=command.stream,
                version=len(history) + 1,
                position=position,
                occurred_at=command.occurred_at,
                recorded_at=recorded_at,
                actor=command.actor,
                command_id=command.id,
                data=fact,
                precision=command.precision,
                source=command.source,
                inferred=command.inferred,
                known_to=command.known_to,
            )
        )
        if isinstance(fact, OrganisationFact):
            self.organisations.add(fact.organisation)
        if isinstance(fact, ObstacleReported):
            self.obstacles.add(fact.obstacle)


@pytest.fixture(scope="module")
def registry():
    told = Registry()
    for position, (recorded_at, command) in enumerate(story()):
        told.take(position, recorded_at, command)
    return told


def history_of(registry, case):
    return registry.histories[case_id(case)]


KINDS = {
    "gesprek": LearningKind.DIALOGUE,
    "eerst-bellen": LearningKind.EXPERIMENT,
    "samen-wijzer": LearningKind.NETWORK,
    "brieven": LearningKind.POLICY_DOSSIER,
}


def stream_of(registry, name, as_of=None):
    """What a learning stream of the story is at a moment (none: today)."""
    return answer_of_stream(registry.streams[stream_id(KINDS[name], name)], as_of or TODAY)


def kinds_of(registry, case, obstacle, as_of, known_at=None, known_to=None):
    """The kinds of gap that count on an obstacle, with whether each is open."""
    known_to = organisation_id(known_to) if known_to else None
    given = answer(history_of(registry, case), as_of, known_at, known_to)
    wanted = id_of("obstacle", case, obstacle)
    return {(gap.kind.value, gap.open) for gap in given.gaps if gap.obstacle == wanted and gap.counts(as_of)}


def noon(year, month, day):
    return datetime(year, month, day, 12, tzinfo=UTC)


def test_it_is_told_in_order_and_by_now():
    """Recording times strictly increase, nothing is recorded before it happened, and nothing after today."""
    told = story()
    times = [recorded_at for recorded_at, _ in told]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert times[-1] < TODAY
    assert all(command.occurred_at and command.occurred_at <= recorded_at for recorded_at, command in told)
    assert all(command.source == "demo" and not command.inferred for _, command in told)
    assert len({command.id for _, command in told}) == len(told)


def test_it_is_the_same_every_time():
    """Ids are derived, so loading the story twice cannot make two stories."""
    assert story() == story()


def test_the_organisations_come_first_and_two_change_their_names():
    """All are registered before the first case, and a unit after its parent."""
    facts = [command.data for _, command in story()]
    registered = [fact for fact in facts if isinstance(fact, OrganisationRegistered)]
    assert facts[: len(registered)] == registered
    order = [fact.organisation for fact in registered]
    assert all(order.index(fact.parent) < order.index(fact.organisation) for fact in registered if fact.parent)
    assert len([fact for fact in facts if isinstance(fact, OrganisationRenamed)]) == 2


def test_the_registry_would_have_accepted_all_of_it(registry):
    """No command is refused at the moment of its recording, and every gap spoken of was there."""
    assert registry.refusals == []


def test_there_are_thirteen_cases_and_one_is_long(registry):
    """The story keeps the size that it was asked for: readable, and enough to page through."""
    sizes = [len(history_of(registry, case.name)) for case in cases()]
    assert len(sizes) == 13
    assert 250 <= sum(sizes) <= 400
    assert max(sizes) >= 60


def test_every_command_of_a_case_occurs():
    """A newcomer finds an example of each command."""
    told = {type(command.data) for _, command in story()}
    assert {fact for fact in COMMANDS.values() if issubclass(fact, CaseFact)} <= told


def over(registry) -> list[Gap]:
    """The gaps over the cases of somebody today."""
    people = people_of([event for history in registry.histories.values() for event in history])
    return [gap for person in people for gap in subject_gaps(registry.histories, TODAY, subject=person)]


def test_what_lies_over_two_cases_is_open_today(registry):
    """The carpenter's tax and his rent wait for each other, and nobody coordinates the three who hold a part."""
    both = (case_id("zelfstandige"), case_id("huur"))
    found = {gap.kind.value: gap for gap in over(registry) if set(gap.cases) == set(both)}
    assert {kind: (gap.from_, gap.open, gap.counts(TODAY)) for kind, gap in found.items()} == {
        "UNCOORDINATED": (datetime(2026, 9, 7, 9, 30, tzinfo=UTC), True, True),
        "DEADLOCK": (datetime(2026, 10, 12, 9, tzinfo=UTC), True, True),
    }
    assert found["DEADLOCK"].to_act == (organisation_id("heffing"), organisation_id("rietland"))
    (chain,) = cross_chains({case: registry.histories[case] for case in both}, TODAY)
    assert [one.obstacle for one in chain.obstacles] == [
        id_of("obstacle", "zelfstandige", "bijstand"),
        id_of("obstacle", "huur", "huur"),
    ]


def test_every_kind_of_gap_occurs_and_counts(registry):
    """Each of the twenty-one kinds can be shown, and seventeen of them are open today."""
    found = [gap for history in registry.histories.values() for gap in answer(history, TODAY).gaps] + over(registry)
    found += [gap for history in registry.streams.values() for gap in answer_of_stream(history, TODAY).gaps]
    gaps = [gap for gap in found if gap.counts(TODAY)]
    assert {gap.kind for gap in gaps} == set(GapKind)
    settled = {GapKind.CONTESTED, GapKind.WRONGLY_SETTLED, GapKind.GAVE_UP, GapKind.MEASURE_OVERDUE}
    assert {gap.kind for gap in gaps if gap.open} == set(GapKind) - settled


def test_the_oracle_sees_the_same_gaps(registry):
    """What the story shows does not hang on one reading of the rules."""
    for history in registry.histories.values():
        ours = {(gap.obstacle, gap.kind, gap.from_, gap.until, gap.open) for gap in answer(history, TODAY).gaps}
        theirs = {(g.obstacle, g.kind, g.from_, g.until, g.open) for g in oracle_answer(history, TODAY).gaps}
        assert ours == theirs


def test_two_causes_reach_different_rungs(registry):
    """One climbed to a ministry that is silent, after a measure that failed; one that worked removed the other."""
    chain, address = (
        answer_of_stream(registry.streams[stream_id(LearningKind.CAUSE, name)], TODAY)
        for name in ("verrekening", "adres")
    )
    assert (chain.state.level, address.state.level) == (Level.MINISTRY, Level.ORGANISATION)
    step = next_rung(chain.state, TODAY)
    assert step is not None
    assert step.level is Level.LEGISLATOR
    assert next_rung(address.state, TODAY) is None
    found = [one.evaluations[0].stopped for state in (chain.state, address.state) for one in state.measures.values()]
    assert found == [Stopped.NO, Stopped.YES]
    assert (status_of(chain.state), status_of(address.state)) == (CauseStatus.OWNED, CauseStatus.REMOVED)
    assert not chain.conflicts
    assert not address.conflicts


def test_two_conflicts_stand(registry):
    """A refusal told after the acceptance, and a release by one that never held: both kept, both without effect."""
    conflicts = {c.event for history in registry.histories.values() for c in answer(history, TODAY).conflicts}
    assert conflicts == {
        id_of("event", "pingpong", "te-late-weigering"),
        id_of("event", "papieren", "late-loslating"),
    }


def test_a_letter_found_late_shortens_a_gap_and_shows_another(registry):
    """The family's allowance seemed to lie with nobody until the agency found its letter."""
    then = noon(2025, 3, 25)
    assert kinds_of(registry, "gezin", "toeslag", then, known_at=then) == {("NEVER_TAKEN", True)}
    assert kinds_of(registry, "gezin", "toeslag", then) == {("NEVER_TAKEN", False), ("STANDSTILL", True)}


def test_an_acceptance_that_was_another_persons_is_believed_for_a_week(registry):
    """For as long as it stood unstruck it contradicted four events that had been recorded before it."""
    then = noon(2025, 4, 10)
    history = history_of(registry, "gezin")
    assert len(answer(history, then, then).conflicts) == 4
    assert not answer(history, then).conflicts
    assert ("UNCONFIRMED", True) in kinds_of(registry, "gezin", "zoon", then, known_at=then)
    assert ("RELEASED", True) in kinds_of(registry, "gezin", "zoon", then)


def test_a_corrected_ground_makes_a_withdrawal_a_gap(registry):
    """Moved on, said the file; gave up, said the mother."""
    kinds = kinds_of(registry, "wachtlijst", "behandeling", TODAY, known_at=noon(2024, 11, 1))
    assert ("GAVE_UP", False) not in kinds
    assert ("GAVE_UP", False) in kinds_of(registry, "wachtlijst", "behandeling", TODAY)


def test_what_one_organisation_knew_differs(registry):
    """The pension fund saw nobody act for the man declared dead, while the town hall had mended its own record."""
    then = noon(2024, 7, 1)
    assert ("NEVER_TAKEN", True) in kinds_of(registry, "overleden", "register", then, known_to="pensioenfonds")
    assert ("NEVER_TAKEN", False) in kinds_of(registry, "overleden", "register", then, known_to="burgerzaken")


def test_who_is_said_to_have_accepted_may_not_know_it(registry):
    """To everyone the custody is unconfirmed; to whom it is ascribed, an offer lies unanswered."""
    then = noon(2025, 6, 10)
    assert ("UNCONFIRMED", True) in kinds_of(registry, "pingpong", "vordering", then)
    assert ("UNANSWERED", True) in kinds_of(registry, "pingpong", "vordering", then, known_to="werkplein")


def test_gaps_are_acknowledged_with_plans_and_disputed(registry):
    """The story has both sides speak: owning up with a plan, confirming and disputing."""
    told = [event.data for history in registry.histories.values() for event in history]
    acknowledged = [fact for fact in told if isinstance(fact, GapAcknowledged)]
    assert len(acknowledged) >= 4
    assert all(fact.plan and fact.due for fact in acknowledged)
    assert {fact.stance.value for fact in told if isinstance(fact, AccountGiven)} == {"CONFIRMS", "DISPUTES"}


def test_a_dialogue_ends_in_an_action_team_with_one_step_done_and_one_overdue(registry):
    """The agency called before the step was due; the ministry is late with its own, and has to act."""
    found = stream_of(registry, "gesprek")
    dialogue = found.state
    assert dialogue.status is DialogueStatus.CONCLUDED
    assert dialogue.team_of == {organisation_id(name) for name in ("toeslagen", "wijkteam", "ministerie")}
    called, counted = dialogue.steps.values()
    assert (called.status, counted.status) == (StepStatus.DONE, StepStatus.RUNNING)
    assert [(gap.kind, gap.open, gap.to_act, gap.from_) for gap in found.gaps] == [
        (GapKind.COMMITMENT_OVERDUE, True, (organisation_id("ministerie"),), datetime(2026, 10, 15, tzinfo=UTC))
    ]
    assert not stream_of(registry, "gesprek", noon(2026, 10, 1)).gaps
    speakers = {event.data.participant for event in (*dialogue.experiences, *dialogue.views)}
    assert speakers <= dialogue.participants.keys()


def test_a_dossier_is_complete_and_a_promise_of_it_was_kept(registry):
    """Every question of the dossier has its answer, one of them anew; nobody is late with a promise."""
    found = stream_of(registry, "brieven")
    assert found.state.status is DossierStatus.COMPLETE
    assert len(found.state.answers[PolicyQuestion.PROBLEM]) == 2
    assert [promise.status for promise in found.state.promises.values()] == [PromiseStatus.KEPT, PromiseStatus.PENDING]
    assert not found.gaps
    assert stream_of(registry, "brieven", noon(2026, 9, 20)).state.open_questions == (PolicyQuestion.PREFERRED_OPTION,)


def test_a_signal_is_answered_and_members_come_and_go(registry):
    """The network's signal got its answer; at a moment it knows who was a member then."""
    network = stream_of(registry, "samen-wijzer").state
    assert [signal.answered.data.reply for signal in network.signals.values()] == [SignalReply.PARTLY]
    before, after = (stream_of(registry, "samen-wijzer", noon(2026, month, 1)).state.present for month in (1, 11))
    names = ({"oplossing", "waterrijk", "uitkering"}, {"oplossing", "waterrijk", "toeslagen"})
    assert (before, after) == tuple({organisation_id(name) for name in each} for each in names)


def test_what_an_experiment_showed_is_adopted_by_another(registry):
    """It tries the dialogue's first step, and whoever adopts it did not run it."""
    experiment = stream_of(registry, "eerst-bellen").state
    step = next(iter(stream_of(registry, "gesprek").state.steps.values()))
    assert step.fact.experiment == experiment.begun.stream
    assert experiment.finding is Finding.WORKS
    adopters = {event.data.organisation for event in experiment.adoptions}
    assert adopters == {organisation_id("uitkering")}
    assert not adopters & set(experiment.fact.organisations)


def test_a_solution_team_shares_a_strategy_that_another_adopted(registry):
    """The team says why it is there and for which obstacles its way of working works; the experiment bears that out."""
    team = standing_at(registry.organisation_history(organisation_id("oplossing")))
    assert team is not None
    assert team.team is not None
    (shared,) = team.strategies.values()
    experiment = stream_of(registry, "eerst-bellen").state
    assert shared.strategy in {event.data.strategy for event in experiment.adoptions}
    assert experiment.fact.theme in shared.themes
    assert shared.origins


def test_every_command_of_these_streams_occurs_that_a_story_needs(registry):
    """A newcomer finds an example of nearly each command; nothing of it is inert."""
    told = {type(event.data) for history in registry.streams.values() for event in history}
    commands = {**DIALOGUE, **DOSSIER, **NETWORK, **EXPERIMENT}
    missing = {name for name, fact in commands.items() if fact not in told}
    assert {name for name in missing if not name.startswith(("Correct", "Strike", "Acknowledge"))} == {"GiveUpStep"}
    assert not [one for history in registry.streams.values() for one in answer_of_stream(history, TODAY).conflicts]


def test_titles_are_in_dutch_and_about_somebody(registry):
    """A case's own title is text about its first subject, to be sealed like any other."""
    for case in cases():
        opened = history_of(registry, case.name)[0].data
        assert isinstance(opened, CaseOpened)
        assert opened.reference == case.reference
        assert isinstance(opened.title, Clear)
        assert opened.title.content.reveal() == case.title
        assert opened.title.about == opened.subjects[0]


def test_every_obstacle_is_met_again_after_its_report(registry):
    """No obstacle is only scenery, save those whose point is that nothing followed."""
    nothing_followed = {id_of("obstacle", "papieren", "verzekering")}
    for history in registry.histories.values():
        seen = [obstacle for event in history for obstacle in obstacles_of(event.data, history)]
        alone = {obstacle for obstacle in seen if seen.count(obstacle) == 1}
        assert alone <= nothing_followed


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"obstacel": "x"}, "no .*obstacel"),
        ({"organisation": "nobody"}, "no organisation is named nobody"),
        ({"kind": "PARTY"}, "PARTY"),
        ({"about": "stranger"}, "no subject is named stranger"),
    ],
)
def test_a_wrong_entry_is_named(wrong, says):
    """Whoever extends the story is told which entry is wrong, and how."""
    step = {"do": "TakeStep", "at": noon(2026, 1, 5), "actor": "wal", "obstacle": "x", "note": "Gebeld."}
    entry = {**step, "organisation": "wal", "kind": "LETTER", **wrong}
    content = {**read(FOLDER / "cases" / "02-starter.toml"), "event": [entry]}
    with pytest.raises(ValueError, match=f"Entry 1 of case starter .*{says}"):
        list(CaseFile("starter", content).commands())


def test_the_document_names_every_case():
    """docs/demo.md shows each case's reference and English title, and each kind of gap."""
    text = DOCUMENT.read_text("utf-8")
    for case in cases():
        assert case.reference in text
        assert case.english in text
    for kind in GapKind:
        assert kind.value in text
