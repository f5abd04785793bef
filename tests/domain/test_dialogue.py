"""Dialogues: the order of the method, who may say what, and steps that are followed until they are done or given up."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.given import DAY, GEM, START, STRANGER, SVB, UWV, some_id
from domain.streams import (
    CAUSE,
    EXPERIMENT,
    MZK,
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
from knelpunt.domain.dialogue import facts as f
from knelpunt.domain.dialogue.rules import RULES
from knelpunt.domain.learning.facts import LearningFact
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import DialogueStatus, GapKind, LearningKind, ParticipantRole, StepStatus, StrikeReason

CITIZEN, CLERK, MINISTER, EXPERT = (some_id(name) for name in ("citizen", "clerk", "minister", "expert"))
BOTTLENECK, OPTION, STEP, OTHER_STEP = (some_id(name) for name in ("bottleneck", "option", "step", "other step"))
TEXT = clear("Woorden.")

CONVENED = f.DialogueConvened(GEM, "schulden", TEXT)
CITIZEN_JOINED = f.ParticipantJoined(CITIZEN, ParticipantRole.CITIZEN, name=TEXT)
CLERK_JOINED = f.ParticipantJoined(CLERK, ParticipantRole.PRACTITIONER, UWV)
MINISTER_JOINED = f.ParticipantJoined(MINISTER, ParticipantRole.POLICYMAKER, SVB)
EXPERT_JOINED = f.ParticipantJoined(EXPERT, ParticipantRole.EXPERT)
EXPERIENCE = f.ExperienceShared(CITIZEN, TEXT)
NAMED = f.BottleneckNamed(BOTTLENECK, TEXT, (CAUSE,))
CLOSED = f.FirstPartClosed()
VIEW = f.ViewGiven(MINISTER, TEXT)
PROPOSED = f.OptionProposed(OPTION, TEXT, (BOTTLENECK,), CITIZEN)
TEAM = f.ActionTeamFormed((GEM, UWV), (CITIZEN, CLERK), (OPTION,), TEXT)
DUE = START + DAY * 60
CHOSEN = f.FirstStepChosen(STEP, UWV, DUE, TEXT, TEXT, EXPERIMENT)
PROGRESS = f.StepProgressed(STEP, TEXT)
DONE = f.StepDone(STEP, TEXT)
GIVEN_UP = f.StepGivenUp(STEP, TEXT)
CONCLUDED = f.DialogueConcluded(TEXT)
CORRECTED = f.DialogueFactCorrected(event_id(0), "theme", "jeugdhulp")
STRUCK = f.DialogueEventStruck(event_id(1), StrikeReason.NEVER_HAPPENED)
MARK = GapMark(some_id("gap"), GapKind.COMMITMENT_OVERDUE, None, DUE)
ACKNOWLEDGED = f.DialogueGapAcknowledged(MARK, GEM, TEXT, DUE)

FIRST = (CONVENED, CITIZEN_JOINED, CLERK_JOINED, MINISTER_JOINED, EXPERT_JOINED)
SECOND = (*FIRST, EXPERIENCE, NAMED, CLOSED)
TEAMED = (*SECOND, PROPOSED, TEAM)
RUNNING = (*TEAMED, CHOSEN)
OVER = (*RUNNING, CONCLUDED)


@pytest.mark.parametrize(
    ("before", "fact"),
    [
        ((), CONVENED),
        ((CONVENED,), CITIZEN_JOINED),
        (SECOND, f.ParticipantJoined(some_id("late"), ParticipantRole.CITIZEN)),
        (FIRST, EXPERIENCE),
        (FIRST, f.ExperienceShared(CLERK, TEXT)),
        (FIRST, NAMED),
        (FIRST, CLOSED),
        (SECOND, VIEW),
        (SECOND, PROPOSED),
        ((*SECOND, PROPOSED), TEAM),
        (TEAMED, f.ActionTeamFormed((SVB,))),
        (TEAMED, CHOSEN),
        (RUNNING, f.FirstStepChosen(OTHER_STEP, GEM, DUE)),
        ((*TEAMED, CONCLUDED), CHOSEN),
        (RUNNING, PROGRESS),
        (OVER, PROGRESS),
        (OVER, DONE),
        (OVER, GIVEN_UP),
        (SECOND, CONCLUDED),
        (RUNNING, CONCLUDED),
        (FIRST, CORRECTED),
        (FIRST, STRUCK),
        (RUNNING, f.DialogueFactCorrected(event_id(10), "due", (DUE + DAY).isoformat())),
    ],
)
def test_what_fits_is_recorded(before, fact) -> None:
    """What the method allows is recorded as it was asked for; steps go on when the conversation is over."""
    assert_recorded(decided(before, fact), fact)


@pytest.mark.parametrize(
    ("code", "before", "fact"),
    [
        (RefusalCode.ALREADY_EXISTS, (CONVENED,), CONVENED),
        (RefusalCode.UNKNOWN_DIALOGUE, (), EXPERIENCE),
        (RefusalCode.MALFORMED, (), f.DialogueConvened(GEM, "schulden")),
        (RefusalCode.UNKNOWN_ORGANISATION, (), f.DialogueConvened(STRANGER, "schulden", TEXT)),
        (RefusalCode.UNKNOWN_INVESTIGATION, (), f.DialogueConvened(GEM, "schulden", TEXT, some_id("nothing"))),
        (RefusalCode.ALREADY_EXISTS, FIRST, CITIZEN_JOINED),
        (RefusalCode.UNKNOWN_PART, FIRST, f.ExperienceShared(some_id("nobody"), TEXT)),
        (RefusalCode.WRONG_PARTY, FIRST, f.ExperienceShared(MINISTER, TEXT)),
        (RefusalCode.WRONG_PARTY, FIRST, f.ExperienceShared(EXPERT, TEXT)),
        (RefusalCode.FIRST_PART_CLOSED, SECOND, EXPERIENCE),
        (RefusalCode.FIRST_PART_CLOSED, SECOND, f.BottleneckNamed(some_id("second"), TEXT)),
        (RefusalCode.FIRST_PART_CLOSED, SECOND, CLOSED),
        (RefusalCode.UNKNOWN_CAUSE, FIRST, f.BottleneckNamed(BOTTLENECK, TEXT, (some_id("nothing"),))),
        (RefusalCode.ALREADY_EXISTS, (*FIRST, NAMED), NAMED),
        (RefusalCode.FIRST_PART_OPEN, FIRST, VIEW),
        (RefusalCode.WRONG_PARTY, SECOND, f.ViewGiven(CITIZEN, TEXT)),
        (RefusalCode.FIRST_PART_OPEN, (*FIRST, NAMED), PROPOSED),
        (RefusalCode.UNKNOWN_PART, SECOND, f.OptionProposed(OPTION, TEXT, (some_id("nothing"),))),
        (RefusalCode.UNKNOWN_PART, SECOND, f.OptionProposed(OPTION, TEXT, (), some_id("nobody"))),
        (RefusalCode.FIRST_PART_OPEN, FIRST, f.ActionTeamFormed((GEM,))),
        (RefusalCode.MALFORMED, SECOND, f.ActionTeamFormed(())),
        (RefusalCode.UNKNOWN_PART, SECOND, f.ActionTeamFormed((GEM,), options=(OPTION,))),
        (RefusalCode.FIRST_PART_OPEN, FIRST, CONCLUDED),
        (RefusalCode.NO_ACTION_TEAM, SECOND, CHOSEN),
        (RefusalCode.WRONG_PARTY, TEAMED, f.FirstStepChosen(STEP, SVB, DUE)),
        (RefusalCode.MALFORMED, TEAMED, f.FirstStepChosen(STEP, GEM, START)),
        (RefusalCode.MALFORMED, TEAMED, f.FirstStepChosen(STEP, GEM, DUE.replace(tzinfo=None))),
        (RefusalCode.UNKNOWN_EXPERIMENT, TEAMED, f.FirstStepChosen(STEP, GEM, DUE, experiment=some_id("nothing"))),
        (RefusalCode.ALREADY_EXISTS, RUNNING, CHOSEN),
        (RefusalCode.UNKNOWN_PART, RUNNING, f.StepProgressed(OTHER_STEP)),
        (RefusalCode.MALFORMED, RUNNING, f.StepGivenUp(STEP)),
        (RefusalCode.STEP_SETTLED, (*RUNNING, DONE), DONE),
        (RefusalCode.STEP_SETTLED, (*RUNNING, DONE), GIVEN_UP),
        (RefusalCode.STEP_SETTLED, (*RUNNING, GIVEN_UP), PROGRESS),
        (RefusalCode.CONCLUDED, OVER, VIEW),
        (RefusalCode.CONCLUDED, OVER, CONCLUDED),
        (RefusalCode.CONCLUDED, OVER, f.ParticipantJoined(some_id("late"), ParticipantRole.CITIZEN)),
        (RefusalCode.UNKNOWN_GAP, RUNNING, ACKNOWLEDGED),
        (RefusalCode.WRONG_PARTY, RUNNING, By(ACKNOWLEDGED, UWV)),
        (RefusalCode.UNKNOWN_EVENT, FIRST, f.DialogueFactCorrected(some_id("x"), "theme", "x")),
        (RefusalCode.NOT_CORRECTABLE, FIRST, f.DialogueEventStruck(event_id(0), StrikeReason.DUPLICATE)),
        (RefusalCode.NOT_CORRECTABLE, FIRST, f.DialogueFactCorrected(event_id(0), "theme", "No slug")),
        (RefusalCode.NOT_CORRECTABLE, FIRST, f.DialogueFactCorrected(event_id(1), "participant", str(CLERK))),
        (RefusalCode.MALFORMED, RUNNING, f.DialogueFactCorrected(event_id(10), "due", START.isoformat())),
        (RefusalCode.UNKNOWN_PART, RUNNING, f.DialogueFactCorrected(event_id(9), "options", (str(STEP),))),
    ],
)
def test_what_does_not_fit_is_refused(code, before, fact) -> None:
    """Each refusal has its code and one sentence."""
    assert_refused(decided(before, fact), code)


SEAT = f.ParticipantJoined(some_id("somebody else"), ParticipantRole.EXPERT, MZK)


@pytest.mark.parametrize(
    "fact",
    [SEAT, f.DialogueFactCorrected(event_id(0), "organisation", MZK),
     f.DialogueFactCorrected(event_id(2), "organisation", MZK)],
    ids=["a seat", "the convener", "a seat of another"],
)  # fmt: skip
def test_nobody_takes_a_seat(fact) -> None:
    """Who sits at the table reads what was said there: those who sit there give a seat, and no stranger takes one."""
    assert_refused(decided(FIRST, By(fact, MZK)), RefusalCode.NOT_PERMITTED)
    for organisation in (GEM, UWV):  # who convened it, and for whom somebody takes part
        assert_recorded(decided(FIRST, By(fact, organisation)), fact)
    assert_recorded(decided((By(CONVENED, MZK), CITIZEN_JOINED), By(SEAT, MZK)), SEAT)


def test_anybody_tells_of_who_speaks_for_themselves() -> None:
    """A citizen's chair gives no organisation anything to read."""
    fact = f.ParticipantJoined(some_id("another"), ParticipantRole.CITIZEN)
    assert_recorded(decided(FIRST, By(fact, MZK)), fact)


def test_every_command_of_a_dialogue_is_tested() -> None:
    """None is missing from the tests above."""
    tested = {type(fact) for fact in (*OVER, VIEW, PROGRESS, DONE, GIVEN_UP, CORRECTED, STRUCK, ACKNOWLEDGED)}
    assert set(f.COMMANDS.values()) == tested


def test_a_gap_that_exists_is_acknowledged() -> None:
    """Whoever is late may own up to it."""
    assert_recorded(decided(RUNNING, ACKNOWLEDGED, Directory(gaps=frozenset({MARK.id}))), ACKNOWLEDGED)


@pytest.mark.parametrize("fact", [EXPERIENCE, f.BottleneckNamed(some_id("second"), TEXT), CLOSED])
def test_what_is_told_late_is_kept(fact) -> None:
    """What only the order of the method forbids is kept if it is told late, stands as a conflict, and has no effect."""
    late = By(fact, day=20)
    assert_recorded(decided(SECOND, late, now=START + DAY * 40), late)
    assert inert(LearningKind.DIALOGUE, *SECOND, late) == [len(SECOND)]


def test_a_fact_found_late_is_put_in_its_place() -> None:
    """An experience told after the first part was closed counts if it was shared before, or the closing was later."""
    shared = By(f.ExperienceShared(CLERK, TEXT), day=4.5)
    assert inert(LearningKind.DIALOGUE, *SECOND, shared) == []
    assert len(state(LearningKind.DIALOGUE, *SECOND, shared).experiences) == 2
    late = By(f.ExperienceShared(CLERK, TEXT), day=20)
    moved = f.DialogueFactCorrected(event_id(7), "occurred_at", (START + DAY * 30).isoformat())
    assert inert(LearningKind.DIALOGUE, *SECOND, late) == [8]
    assert inert(LearningKind.DIALOGUE, *SECOND, late, moved) == []


def test_a_dialogue_at_a_moment() -> None:
    """A dialogue is at a moment what its events up to then made of it."""
    found = [state(LearningKind.DIALOGUE, *OVER, By(PROGRESS, UWV), By(DONE, UWV), day=day) for day in range(14)]
    assert [one.status for one in found] == [
        *[DialogueStatus.FIRST_PART] * 7,
        *[DialogueStatus.SECOND_PART] * 4,
        *[DialogueStatus.CONCLUDED] * 3,
    ]
    steps = [one.steps[STEP] for one in found[10:]]
    assert [(step.status, len(step.progress)) for step in steps] == [
        (StepStatus.RUNNING, 0),
        (StepStatus.RUNNING, 0),
        (StepStatus.RUNNING, 1),
        (StepStatus.DONE, 1),
    ]
    assert state(LearningKind.DIALOGUE, *OVER, day=-1) is None


def test_a_participant_who_never_took_part_said_nothing() -> None:
    """Striking a participant leaves their words without effect."""
    struck = f.DialogueEventStruck(event_id(1), StrikeReason.NEVER_HAPPENED)
    assert inert(LearningKind.DIALOGUE, *SECOND, PROPOSED, struck) == [5, 8]


def test_words_are_their_speakers_own() -> None:
    """What a participant says is theirs: it is sealed under their key, and names them."""
    for fact in (CITIZEN_JOINED, EXPERIENCE, PROPOSED):
        assert (fact.speaker, fact.persons) == (CITIZEN, (CITIZEN,))
    assert (TEAM.speaker, TEAM.persons) == (None, (CITIZEN, CLERK))
    assert (NAMED.speaker, NAMED.persons) == (None, ())


FACTS: tuple[LearningFact, ...] = (*OVER[1:], VIEW, PROGRESS, DONE, GIVEN_UP)


@given(st.lists(st.tuples(st.sampled_from(FACTS), st.integers(1, 40)), max_size=12, unique_by=lambda pair: pair[1]))
def test_the_order_of_the_method_holds_whatever_is_told(pairs) -> None:
    """In whatever order things happen: no experience has effect after the first part, no view or option before."""
    facts = [By(CONVENED, day=0), *(By(fact, day=day) for fact, day in pairs)]
    effective = [event for event, _, objection in RULES.told(stream(*facts)) if objection is None]
    kinds = [type(event.data) for event in effective]
    assert kinds.count(f.FirstPartClosed) <= 1
    parts = kinds.index(f.FirstPartClosed) if f.FirstPartClosed in kinds else len(kinds)
    assert not {f.ViewGiven, f.OptionProposed, f.ActionTeamFormed, f.DialogueConcluded} & set(kinds[:parts])
    assert not {f.ExperienceShared, f.BottleneckNamed} & set(kinds[parts:])
    ends = [place for place, kind in enumerate(kinds) if kind in {f.StepDone, f.StepGivenUp}]
    assert len(ends) <= 1
    assert all(kind is not f.StepProgressed for kind in kinds[(ends or [len(kinds)])[0] :])


@given(
    st.lists(st.tuples(st.sampled_from(FACTS), st.integers(1, 40)), max_size=10, unique_by=lambda pair: pair[1]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_recording_makes_no_difference(pairs, rng: Random) -> None:
    """Whatever is told in whatever order, the same has effect in the end."""
    told = [By(CONVENED, day=0), *(By(fact, day=day) for fact, day in pairs)]
    outcomes = [
        [(event.occurred_at, event.data, objection is None) for event, _, objection in RULES.told(stream(*facts))]
        for facts in (told, rng.sample(told, len(told)))
    ]
    assert outcomes[0] == outcomes[1]
