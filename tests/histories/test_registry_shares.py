"""Machine-made registries are hard: persons with several cases that bear on each other, organisations that go."""

from collections import Counter
from random import Random

import pytest

from histories.machine import end_of, has_late
from histories.persons import make_person
from histories.registry import make_registry
from knelpunt.domain.case import facts as f
from knelpunt.domain.event import Event
from knelpunt.domain.organisation.facts import OrganisationFact
from knelpunt.domain.vocabulary import MoveBasis
from oracle.registry import Log
from oracle.subjects import by_subject, cross_chains, linked_cases, subject_gaps

COUNT = 10
BY_LAW = {MoveBasis.SUCCESSION, MoveBasis.TASK_TRANSFER}


@pytest.fixture(scope="module")
def made() -> list[list[Event]]:
    """Ten registries of fifteen cases."""
    return [make_registry(Random(seed), 15) for seed in range(COUNT)]


def test_a_registry_is_one_log(made: list[list[Event]]) -> None:
    """Positions have no holes, versions none within a stream, and recorded_at strictly increases."""
    for log in made:
        assert [event.position for event in log] == list(range(len(log)))
        recorded = [event.recorded_at for event in log]
        assert recorded == sorted(set(recorded))
        assert len({event.id for event in log}) == len(log)
        for stream in {event.stream for event in log}:
            versions = [event.version for event in log if event.stream == stream]
            assert versions == list(range(1, len(versions) + 1))


def test_what_lies_over_cases_is_common(made: list[list[Event]]) -> None:
    """Every kind of what is derived of several cases lies in most registries, often across cases and over already."""
    found: Counter[str] = Counter()
    for log in made:
        end = end_of(log)
        told = Log(log)
        for stories in by_subject(told.stories(end, end)).values():
            for gap in subject_gaps(stories, end, end, told.organisations):
                found.update([gap.kind] if gap.counts else [f"short {gap.kind}"])
                found.update([f"{gap.kind} over"] if gap.until is not None else [f"{gap.kind} open"])
                found.update([f"{gap.kind} across"] if len(gap.cases) > 1 else [])
            found.update("chain across" for chain in cross_chains(stories, end) if len(chain.cases) > 1)
            found.update("chain" for _ in cross_chains(stories, end))
            found.update("linked" for _ in linked_cases(stories))
    kinds = [f"{kind}{how}" for kind in ("UNCOORDINATED", "DEADLOCK") for how in ("", " over", " across")]
    wanted = (*kinds, "short UNCOORDINATED", "UNCOORDINATED open", "chain", "chain across", "linked")
    assert {what: found[what] for what in wanted if found[what] < COUNT} == {}
    assert found["DEADLOCK open"] >= 1


def test_what_becomes_of_organisations_is_common(made: list[list[Event]]) -> None:
    """Units, new parents, mergers, ends and transfers are there, and move things in a case of ten."""
    told: Counter[str] = Counter()
    for log in made:
        told.update(event.data.topic for event in log if isinstance(event.data, OrganisationFact))
        told.update(
            "moved" for event in log if isinstance(event.data, f.ResponsibilityMoved) and event.data.basis in BY_LAW
        )
    wanted = ("parent-changed", "organisation-merged", "organisation-dissolved", "task-transferred", "moved")
    assert {what: told[what] for what in wanted if told[what] < COUNT / 4} == {}


def test_both_sides_speak_and_the_record_is_mended(made: list[list[Event]]) -> None:
    """Accounts, acknowledgements, corrections, strikings and late facts are in three registries of four."""
    told: Counter[str] = Counter()
    for log in made:
        told.update({event.data.topic for event in log})
        told.update({"late"} if has_late(log) else ())
        both = [e for e in log if isinstance(e.data, f.CaseOpened) and len(e.data.subjects) > 1]
        told.update({"two subjects"} if both else ())
    topics = ("account-given", "gap-acknowledged", "fact-corrected", "event-struck", "coordinator-named")
    wanted = (*topics, "late", "two subjects")
    assert {what: told[what] for what in wanted if told[what] < 0.75 * COUNT} == {}


def test_the_same_seed_makes_the_same_registry_and_person() -> None:
    """A failure that names its seed can be had again."""
    assert make_registry(Random(5), 4) == make_registry(Random(5), 4)
    assert make_person(Random(5)) == make_person(Random(5))
