"""What a dialogue's steps and a dossier's promises come to, from the definitions alone: COMMITMENT_OVERDUE.

"From the due time of a first step, a promise or an acknowledged gap's plan to its completion; to act: whose it is."
Which events have effect is told from the order of the method, each time anew by looking through those before. A step
given up is completed in this sense: nothing more is owed (decisions/0025).
"""

# pyright: reportAttributeAccessIssue=false
# A fact found by its kind in a list has that kind's fields, which a type checker cannot follow.

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from knelpunt.domain.dialogue import facts as d
from knelpunt.domain.dossier import facts as p
from knelpunt.domain.event import Event
from knelpunt.domain.ids import gap_id_of
from knelpunt.domain.learning.facts import LearningGapAcknowledged
from knelpunt.domain.vocabulary import GapKind, ParticipantRole

from .told import Told, told

SPEAKERS = {ParticipantRole.CITIZEN, ParticipantRole.PRACTITIONER}

BRINGS_IN: dict[type, str] = {
    d.ParticipantJoined: "participant",
    d.BottleneckNamed: "bottleneck",
    d.OptionProposed: "option",
    d.FirstStepChosen: "step",
    p.PromiseMade: "promise",
}


@dataclass(frozen=True)
class Owed:
    """A commitment that is late: since when, until when, and whose it is."""

    begun_by: UUID
    from_: datetime
    until: datetime | None
    whose: str


def overdue(events: Sequence[Event], as_of: datetime, known_at: datetime | None = None) -> tuple[set[Owed], set[UUID]]:
    """Return the commitments of one dialogue or dossier that are or were late, and the events without effect."""
    seen = told(events, as_of, known_at, None)
    story, inert = judged(seen)
    return {one for one in owed(story) if one.from_ <= as_of}, inert


def judged(seen: Told) -> tuple[list[Event], set[UUID]]:
    """Return the events that have effect, in order, and the ids of those that have none."""
    story: list[Event] = []
    inert: set[UUID] = set()
    for event in seen.placed:
        if event.id not in seen.struck:
            if _has_effect(event, story):
                story.append(event)
            else:
                inert.add(event.id)
    return story, inert


def _has_effect(event: Event, story: list[Event]) -> bool:
    fact = event.data
    opened = any(isinstance(one.data, d.DialogueConvened | p.PolicyDossierOpened) for one in story)
    if isinstance(fact, d.DialogueConvened | p.PolicyDossierOpened):
        return not opened
    if not opened or _is_again(fact, story):
        return False
    if isinstance(fact, LearningGapAcknowledged):
        return bool(_meant(event, owed(story)))
    if isinstance(fact, p.PromiseKept):
        return _has(story, p.PromiseMade, promise=fact.promise) and not _has(story, p.PromiseKept, promise=fact.promise)
    if isinstance(fact, p.DossierLinked):
        return all(one.data != fact for one in story)
    if isinstance(fact, p.PolicyDossierFact):
        return True
    return _is_in_order(fact, story)


def _has(story: Sequence[Event], kind: type, **fields: object) -> bool:
    """Whether something of a kind happened, with these fields."""
    found = (one.data for one in story if isinstance(one.data, kind))
    return any(all(getattr(fact, name) == value for name, value in fields.items()) for fact in found)


def _is_again(fact: object, story: Sequence[Event]) -> bool:
    """Whether a fact brings in, by its id, what was brought in before."""
    for kind, part in BRINGS_IN.items():
        if isinstance(fact, kind):
            return _has(story, kind, **{part: getattr(fact, part)})
    return False


def _is_in_order(fact: object, story: list[Event]) -> bool:
    """Whether the method allows a fact of a dialogue after what happened."""
    second, over = _has(story, d.FirstPartClosed), _has(story, d.DialogueConcluded)
    match fact:
        case d.FirstStepChosen(organisation=whose):
            teams = [one.data for one in story if isinstance(one.data, d.ActionTeamFormed)]
            return bool(teams) and whose in teams[-1].organisations
        case d.StepProgressed() | d.StepDone() | d.StepGivenUp():
            settled = any(_has(story, kind, step=fact.step) for kind in (d.StepDone, d.StepGivenUp))
            return _has(story, d.FirstStepChosen, step=fact.step) and not settled
        case _ if over:
            return False
        case d.ParticipantJoined():
            return True
        case d.ExperienceShared(participant=who):
            return not second and any(_has(story, d.ParticipantJoined, participant=who, role=role) for role in SPEAKERS)
        case d.BottleneckNamed() | d.FirstPartClosed():
            return not second
        case d.ViewGiven(participant=who):
            asked = {"participant": who, "role": ParticipantRole.POLICYMAKER}
            return second and _has(story, d.ParticipantJoined, **asked)
        case d.OptionProposed(participant=who, bottlenecks=about):
            present = who is None or _has(story, d.ParticipantJoined, participant=who)
            return second and present and all(_has(story, d.BottleneckNamed, bottleneck=one) for one in about)
        case d.ActionTeamFormed(participants=members, options=options):
            present = all(_has(story, d.ParticipantJoined, participant=one) for one in members)
            return second and present and all(_has(story, d.OptionProposed, option=one) for one in options)
        case d.DialogueConcluded():
            return second
    raise AssertionError(fact)


def owed(story: list[Event]) -> list[Owed]:
    """Return every commitment of a story that was not completed before it was due."""
    found: list[Owed] = []
    for event, done in taken_on(story):
        due = max(event.data.due, event.occurred_at)
        if done is None or done.occurred_at > due:
            found.append(Owed(event.id, due, done.occurred_at if done else None, event.data.organisation))
    return found


def taken_on(story: list[Event]) -> list[tuple[Event, Event | None]]:
    """Return every commitment of a story, with the event by which it was completed."""
    places = [place for place in range(len(story)) if _commits(story, place)]
    return [(story[place], _done(story, place)) for place in places]


def _commits(story: list[Event], place: int) -> bool:
    """Whether somebody owes something by an event: an acknowledgement with a plan for what is still owed counts too."""
    fact = story[place].data
    if isinstance(fact, LearningGapAcknowledged):
        return fact.plan is not None and fact.due is not None and bool(_still_owed(story, place))
    return isinstance(fact, d.FirstStepChosen | p.PromiseMade)


def _done(story: list[Event], place: int) -> Event | None:
    """Return the event by which what is owed by another was completed, if it was."""
    fact = story[place].data
    if isinstance(fact, d.FirstStepChosen):
        ends = [e for e in story if isinstance(e.data, d.StepDone | d.StepGivenUp) and e.data.step == fact.step]
    elif isinstance(fact, p.PromiseMade):
        ends = [e for e in story if isinstance(e.data, p.PromiseKept) and e.data.promise == fact.promise]
    else:
        of_each = [_done(story, story.index(one)) for one in _still_owed(story, place)]
        # Of all that it was about, the last one to be completed.
        ends = sorted(filter(None, of_each), key=story.index)[-1:] if all(of_each) else []
    return ends[0] if ends else None


def _still_owed(story: list[Event], place: int) -> list[Event]:
    """Return the events by which is owed, late and not completed, what an acknowledgement in its place is about."""
    before, said = story[:place], story[place]
    # As for cases and causes (R31): of what is not completed, what it names, or else what it may speak of.
    running = {one.begun_by for one in _meant(said, [one for one in owed(before) if one.until is None])}
    return [event for event in before if event.id in running]


def _meant(said: Event, late: list[Owed]) -> list[Owed]:
    """Return the late commitments of some that an acknowledgement is about: the one named, or those in its place."""
    mark, at = said.data.gap, said.occurred_at
    there = [one for one in late if one.from_ <= at]
    named = [one for one in there if gap_id_of(said.stream, GapKind.COMMITMENT_OVERDUE, one.begun_by) == mark.id]
    return named or [one for one in there if one.until is None or one.until > mark.since or one.from_ >= mark.since]
