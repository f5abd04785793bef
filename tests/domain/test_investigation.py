"""The commands of an investigation: who is on it decides, and the order of its method holds."""

from collections.abc import Sequence
from datetime import timedelta

from domain.given import CASE, DAY, GEM, START, STRANGER, Known, some_id
from knelpunt.domain.case.corrections import correctable_fields
from knelpunt.domain.command import Command, RefusalCode, Refused
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import event_id_of
from knelpunt.domain.investigation import facts as f
from knelpunt.domain.investigation.decide import decide_investigation
from knelpunt.domain.investigation.rules import RULES
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import Role, StrikeReason

STREAM, TALK, CAUSE, FINDING, LATER = (some_id(name) for name in ("inquiry", "talk", "cause", "finding", "follow-up"))
LEADS = Actor(GEM, Role.INVESTIGATOR, "anna")
OPENED = f.InvestigationOpened(clear("Waarom krijgt niemand antwoord?"), "kafka-jeugd")
PLANNED = f.FollowUpPlanned(LATER, START + 100 * DAY, GEM)


def stream(facts: Sequence[Fact | tuple[Fact, Actor]]) -> list[Event]:
    """What was recorded of it, a day apart, by who leads it unless said otherwise."""
    found: list[Event] = []
    for n, one in enumerate(facts):
        fact, actor = one if isinstance(one, tuple) else (one, LEADS)
        at = START + DAY * n
        id_ = some_id(f"inquiry {n}")
        found.append(Event(event_id_of(id_), STREAM, n + 1, n, at, at, actor, id_, fact))
    return found


def decided(
    fact: Fact,
    *before: Fact | tuple[Fact, Actor],
    by: Actor = LEADS,
    known: Known = Known(dialogues={TALK: True}, causes=frozenset({CAUSE})),  # noqa: B008  it is frozen
    late: timedelta | None = None,
    version: int | None = None,
) -> Fact | Refused:
    """What comes of a command, a day after what was recorded before; ``late``: so long after the moment it tells of."""
    now = START + DAY * len(before)
    at = None if late is None else now - late
    command = Command(some_id("next"), STREAM, by, fact, at, expected_version=version)
    return decide_investigation(command, stream(before), now, known)


def code(answer: Fact | Refused) -> RefusalCode | None:
    """Why it was refused; none if it was not."""
    return answer.code if isinstance(answer, Refused) else None


def test_a_whole_investigation_is_recorded():
    """From its question to its follow-up, every step is recorded in its turn."""
    course = (
        OPENED,
        f.InvestigatorAssigned("bob"),
        f.CaseIncluded(CASE),
        f.DialogueAttached(TALK),
        f.FindingRecorded(FINDING, clear("Niemand voelt zich eigenaar."), (CAUSE,)),
        f.ReportPublished(clear("Niemandsland"), clear("https://example.org/rapport")),
        PLANNED,
        f.FollowUpDone(LATER, clear("Twee van de drie zijn opgelost.")),
        f.InvestigatorReleased("bob"),
    )
    for n, fact in enumerate(course):
        assert decided(fact, *course[:n]) == fact
    end = RULES.state_at(stream(course))
    assert end is not None
    assert (set(end.investigators), set(end.cases), set(end.done)) == ({"anna"}, {CASE}, {LATER})
    assert end.published is not None
    assert RULES.state_at(stream(course), START - DAY) is None


def test_only_who_is_on_it_decides():
    """Whoever is not an investigator is told so; an investigator who is not on it learns nothing at all."""
    outsider = Actor(GEM, Role.INVESTIGATOR, "carl")
    include = f.CaseIncluded(CASE)
    there, nowhere = decided(include, OPENED, by=outsider), decided(include, by=outsider)
    assert there == nowhere
    assert code(there) is RefusalCode.UNKNOWN_INVESTIGATION
    # Nor by what else is wrong with the command.
    assert decided(f.CaseIncluded(some_id("no case")), OPENED, by=outsider, version=7) == nowhere
    for role in set(Role) - {Role.INVESTIGATOR}:
        assert code(decided(OPENED, by=Actor(GEM, role, "anna"))) is RefusalCode.NOT_PERMITTED
    assert decided(include, OPENED, f.InvestigatorAssigned("carl"), by=outsider) == include
    gone = (OPENED, f.InvestigatorAssigned("carl"), f.InvestigatorReleased("anna"))
    assert code(decided(include, *gone)) is RefusalCode.UNKNOWN_INVESTIGATION
    # That a command tells of a time when they still were on it does not help.
    assert code(decided(include, *gone, late=2 * DAY)) is RefusalCode.UNKNOWN_INVESTIGATION


def test_a_report_needs_a_concluded_dialogue():
    """A report is refused without a dialogue, and while none has been concluded, however late it is told."""
    published = f.ReportPublished()
    assert code(decided(published, OPENED)) is RefusalCode.NO_CONCLUDED_DIALOGUE
    held = (OPENED, f.DialogueAttached(TALK))
    going = Known(dialogues={TALK: False})
    assert code(decided(published, *held, known=going)) is RefusalCode.NO_CONCLUDED_DIALOGUE
    assert code(decided(published, *held, known=going, late=2 * DAY)) is RefusalCode.NO_CONCLUDED_DIALOGUE
    assert decided(published, *held) == published


def test_what_is_unknown_is_refused():
    """Cases, dialogues, causes and organisations must be known, and a follow-up must have been planned."""
    assert code(decided(f.CaseIncluded(some_id("no case")), OPENED)) is RefusalCode.UNKNOWN_CASE
    assert code(decided(f.DialogueAttached(some_id("no talk")), OPENED)) is RefusalCode.UNKNOWN_DIALOGUE
    unfounded = f.FindingRecorded(FINDING, None, (CAUSE, some_id("no cause")))
    assert code(decided(unfounded, OPENED)) is RefusalCode.UNKNOWN_CAUSE
    elsewhere = f.FollowUpPlanned(LATER, START, STRANGER)
    assert code(decided(elsewhere, OPENED)) is RefusalCode.UNKNOWN_ORGANISATION
    assert code(decided(f.FollowUpDone(LATER), OPENED)) is RefusalCode.UNKNOWN_FOLLOW_UP
    assert code(decided(PLANNED, OPENED, version=4)) is RefusalCode.VERSION_CONFLICT
    naive = f.FollowUpPlanned(LATER, START.replace(tzinfo=None))
    assert code(decided(naive, OPENED)) is RefusalCode.MALFORMED


def test_what_is_so_already_is_refused_and_kept_when_late():
    """The same twice is refused; told late it is kept, without effect, and stands as a conflict."""
    found = f.FindingRecorded(FINDING)
    twice = (f.InvestigatorAssigned("bob"), f.CaseIncluded(CASE), f.DialogueAttached(TALK), found, PLANNED)
    for fact in twice:
        assert code(decided(fact, OPENED, fact)) is RefusalCode.ALREADY_EXISTS
    late = f.CaseIncluded(CASE)
    assert decided(late, OPENED, late, late, late=DAY * 1.5) == late
    objections = [objection for _, _, objection in RULES.told(stream((OPENED, late, late)))]
    assert [one is None for one in objections] == [True, True, False]
    assert code(decided(OPENED, OPENED)) is RefusalCode.ALREADY_EXISTS


def test_it_is_never_left_to_nobody():
    """The last investigator is not released, nor struck from it."""
    assert code(decided(f.InvestigatorReleased("anna"), OPENED)) is RefusalCode.LAST_INVESTIGATOR
    assert code(decided(f.InvestigatorReleased("bob"), OPENED)) is RefusalCode.NOT_ASSIGNED
    handed = (OPENED, f.InvestigatorAssigned("bob"), f.InvestigatorReleased("anna"))
    bob = Actor(GEM, Role.INVESTIGATOR, "bob")
    # Without bob's assignment anna could not have left, so she is on it again.
    struck = f.InvestigationEventStruck(stream(handed)[1].id, StrikeReason.NEVER_HAPPENED)
    assert decided(struck, *handed, by=bob) == struck
    after = RULES.state_at(stream((*handed, (struck, bob))))
    assert after is not None
    assert set(after.investigators) == {"anna"}


def test_a_case_included_by_mistake_is_struck():
    """What should not have been recorded is struck, and then the case is no part of it."""
    before = (OPENED, f.CaseIncluded(CASE))
    struck = f.InvestigationEventStruck(stream(before)[1].id, StrikeReason.WRONG_CASE)
    assert decided(struck, *before) == struck
    after = RULES.state_at(stream((*before, struck)))
    assert after is not None
    assert not after.cases
    opening = f.InvestigationEventStruck(stream(before)[0].id, StrikeReason.NEVER_HAPPENED)
    assert code(decided(opening, *before)) is RefusalCode.NOT_CORRECTABLE
    unknown = f.InvestigationEventStruck(some_id("no event"), StrikeReason.NEVER_HAPPENED)
    assert code(decided(unknown, *before)) is RefusalCode.UNKNOWN_EVENT


def test_whom_and_what_it_names_is_not_corrected():
    """A due day can be corrected; who is on it and which case it is about cannot, since access hangs on that."""
    due = f.InvestigationFactCorrected(stream((OPENED, PLANNED))[1].id, "due", (START + 200 * DAY).isoformat())
    assert decided(due, OPENED, PLANNED) == due
    before = (OPENED, f.CaseIncluded(CASE))
    other = f.InvestigationFactCorrected(stream(before)[1].id, "case", str(some_id("another case")))
    assert code(decided(other, *before)) is RefusalCode.NOT_CORRECTABLE
    assert not {"user", "case"} & {
        *correctable_fields(f.InvestigatorAssigned), *correctable_fields(f.InvestigatorReleased),
        *correctable_fields(f.CaseIncluded),
    }  # fmt: skip
