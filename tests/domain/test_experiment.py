"""Experiments: what was tried and learnt; only what was found to work is adopted, by one's own word."""

import pytest

from domain.given import GEM, START, SVB, UWV, some_id
from domain.streams import (
    CAUSE,
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
from knelpunt.domain.command import RefusalCode
from knelpunt.domain.experiment import facts as f
from knelpunt.domain.organisation.facts import StrategyShared
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import ExperimentStatus, Finding, LearningKind, StrikeReason

STRATEGY = some_id("strategy")
TEXT = clear("Woorden.")

STARTED = f.ExperimentStarted((GEM, UWV), "schulden", TEXT, TEXT, 4, 6, (CAUSE,))
SEEN = f.ObservationMade(TEXT)
WORKS = f.ExperimentConcluded(Finding.WORKS, TEXT)
FAILS = f.ExperimentConcluded(Finding.DOES_NOT_WORK, TEXT)
ADOPTED = f.ExperimentAdopted(SVB, STRATEGY, GEM)
CORRECTED = f.ExperimentFactCorrected(event_id(0), "citizens", 7)
STRUCK = f.ExperimentEventStruck(event_id(1), StrikeReason.NEVER_HAPPENED)
KNOWN = Directory(shared={GEM: stream(StrategyShared(GEM, STRATEGY, TEXT))})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "fact"),
    [
        ((), STARTED),
        ((STARTED,), SEEN),
        ((STARTED,), WORKS),
        ((STARTED, SEEN), FAILS),
        ((STARTED, WORKS), By(ADOPTED, SVB)),
        ((STARTED, WORKS), f.ExperimentAdopted(GEM)),
        ((STARTED, WORKS, By(ADOPTED, SVB)), f.ExperimentAdopted(GEM)),
        ((STARTED,), CORRECTED),
        ((STARTED, SEEN), STRUCK),
    ],
)
def test_what_fits_is_recorded(before, fact) -> None:
    """What happens in an experiment is recorded as it was asked for."""
    assert_recorded(decided(before, fact, KNOWN), fact)


@pytest.mark.parametrize(
    ("code", "before", "fact"),
    [
        (RefusalCode.ALREADY_EXISTS, (STARTED,), STARTED),
        (RefusalCode.UNKNOWN_EXPERIMENT, (), SEEN),
        (RefusalCode.MALFORMED, (), f.ExperimentStarted((GEM,), "schulden")),
        (RefusalCode.MALFORMED, (), f.ExperimentStarted((), "schulden", TEXT)),
        (RefusalCode.UNKNOWN_CAUSE, (), f.ExperimentStarted((GEM,), "schulden", TEXT, causes=(some_id("x"),))),
        (RefusalCode.CONCLUDED, (STARTED, WORKS), SEEN),
        (RefusalCode.CONCLUDED, (STARTED, WORKS), FAILS),
        (RefusalCode.NOT_SHOWN_TO_WORK, (STARTED,), f.ExperimentAdopted(GEM)),
        (RefusalCode.NOT_SHOWN_TO_WORK, (STARTED, FAILS), f.ExperimentAdopted(GEM)),
        (RefusalCode.WRONG_PARTY, (STARTED, WORKS), ADOPTED),
        (RefusalCode.ALREADY_EXISTS, (STARTED, WORKS, By(ADOPTED, SVB)), By(ADOPTED, SVB)),
        (RefusalCode.MALFORMED, (STARTED, WORKS), f.ExperimentAdopted(GEM, STRATEGY)),
        (RefusalCode.UNKNOWN_STRATEGY, (STARTED, WORKS), f.ExperimentAdopted(GEM, some_id("x"), GEM)),
        (RefusalCode.NOT_CORRECTABLE, (STARTED,), f.ExperimentFactCorrected(event_id(0), "citizens", -1)),
        (RefusalCode.NOT_CORRECTABLE, (STARTED,), f.ExperimentEventStruck(event_id(0), StrikeReason.DUPLICATE)),
    ],
)
def test_what_does_not_fit_is_refused(code, before, fact) -> None:
    """Each refusal has its code and one sentence."""
    assert_refused(decided(before, fact, KNOWN), code)


def test_every_command_of_an_experiment_is_tested() -> None:
    """None is missing from the tests above."""
    tested = (STARTED, SEEN, WORKS, ADOPTED, CORRECTED, STRUCK)
    assert set(f.COMMANDS.values()) == {type(fact) for fact in tested}


def test_an_adoption_hangs_on_what_was_found() -> None:
    """What was adopted has no effect once it proves that the experiment found something else."""
    facts = (STARTED, WORKS, By(ADOPTED, SVB))
    found = state(LearningKind.EXPERIMENT, *facts)
    assert (found.status, len(found.adoptions)) == (ExperimentStatus.CONCLUDED, 1)
    corrected = f.ExperimentFactCorrected(event_id(1), "finding", "UNDECIDED")
    assert inert(LearningKind.EXPERIMENT, *facts) == []
    assert inert(LearningKind.EXPERIMENT, *facts, corrected) == [2]
    assert state(LearningKind.EXPERIMENT, STARTED).begun.occurred_at == START
