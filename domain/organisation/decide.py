"""Whether a command about an organisation becomes an event.

As in a case: unknown ids, a party that is not the command's and a moment in the future are always refused; what only
the state forbids is refused too, unless the command is late. Then it is kept, without effect if its own stream
contradicts it, until something told later gives it effect.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from ..case.corrections import Correction, Striking
from ..case.decide import Directory, mending, proposed, refuse_corrected, refuse_moment, refused, told_late
from ..case.named import organisations_of
from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event, Fact
from ..ids import StrategyId, organisation_stream_of
from . import facts as f
from .standing import Standing, advance, standing_at


def decide_organisation(
    command: Command, history: Sequence[Event], now: datetime, directory: Directory
) -> Fact | Refused:
    """Return the fact to record for ``command``, or why it is refused; ``history`` is the organisation's stream."""
    fact = command.data
    assert isinstance(fact, f.OrganisationFact)
    at = command.occurred_at or now
    refusal = (
        _refuse_times(fact, at, now)
        or _refuse_stream(command, fact, history)
        or _refuse_unknown(command, fact, directory)
        or _refuse_party(fact)
    )
    if refusal is not None:
        return refusal
    if isinstance(fact, Correction | Striking):
        return _refuse_mending(command, history, at, now, directory) or fact
    objection = _objection(command, fact, history, at, directory)
    if objection is None or told_late(history, at, now):
        return fact
    return refused(objection)


def _refuse_times(fact: f.OrganisationFact, at: datetime, now: datetime) -> Refused | None:
    since = fact.since if isinstance(fact, f.TaskTransferred) else None
    # A task may be transferred from a later moment on, so of that only the offset is asked for.
    refusal = refuse_moment(since if since is not None and since.tzinfo is None else at, now)
    if refusal is not None:
        return refusal
    if since is not None and since < at:
        message = f"since ({since.isoformat()}) lies before the transfer was made ({at.isoformat()})."
        return Refused(RefusalCode.MALFORMED, message)
    return None


def _refuse_stream(command: Command, fact: f.OrganisationFact, history: Sequence[Event]) -> Refused | None:
    if command.stream != organisation_stream_of(fact.organisation):
        return Refused(RefusalCode.WRONG_PARTY, "The command names another organisation than the stream it is sent to.")
    if command.expected_version is not None and command.expected_version != len(history):
        return Refused(
            RefusalCode.VERSION_CONFLICT,
            "The organisation has changed since it was read; read it again.",
            (("expectedVersion", str(command.expected_version)), ("version", str(len(history)))),
        )
    known = (("organisation", fact.organisation),)
    if isinstance(fact, f.OrganisationRegistered):
        if history:
            return Refused(RefusalCode.ALREADY_EXISTS, "The organisation has been registered already.", known)
    elif not history:
        return Refused(RefusalCode.UNKNOWN_ORGANISATION, "The organisation has not been registered.", known)
    return None


def _refuse_unknown(command: Command, fact: f.OrganisationFact, directory: Directory) -> Refused | None:
    """Refuse what names an organisation or strategy that the registry does not know."""
    named = (organisation for organisation in organisations_of(fact) if organisation != fact.organisation)
    for organisation in (*named, *(knower.organisation for knower in command.known_to)):
        if organisation != fact.organisation and not directory.organisation(organisation):
            message = f"The organisation {organisation} is not registered."
            return Refused(RefusalCode.UNKNOWN_ORGANISATION, message, (("organisation", organisation),))
    if isinstance(fact, f.StrategyAdopted) and fact.shared_by != fact.organisation:
        return refuse_strategy(fact.strategy, fact.shared_by, directory)
    return None


def refuse_strategy(strategy: StrategyId, shared_by: str, directory: Directory) -> Refused | None:
    """Refuse a strategy that the organisation which is said to share it does not."""
    shared = directory.organisation_history(shared_by)
    if any(isinstance(one.data, f.StrategyShared) and one.data.strategy == strategy for one in shared):
        return None
    message = f"{shared_by} has shared no such strategy."
    return Refused(RefusalCode.UNKNOWN_STRATEGY, message, (("strategy", str(strategy)),))


def _refuse_party(fact: f.OrganisationFact) -> Refused | None:
    """Refuse an organisation that deals with itself, a team without a motive and a strategy without a title."""
    if fact.organisation in organisations_of(fact)[1:]:
        message = "An organisation cannot be its own parent or successor, nor pass on a task or a strategy to itself."
        return Refused(RefusalCode.WRONG_PARTY, message, (("organisation", fact.organisation),))
    if isinstance(fact, f.SolutionTeamEstablished) and not fact.motives:
        return Refused(RefusalCode.MALFORMED, "A solution team is established for at least one motive.")
    if isinstance(fact, f.StrategyShared) and fact.title is None:
        return Refused(RefusalCode.MALFORMED, "A strategy that is shared has a title.")
    return None


def _objection(
    command: Command, fact: f.OrganisationFact, history: Sequence[Event], at: datetime, directory: Directory
) -> Objection | None:
    """Return what the organisation itself, or another that the fact names, has against it at its place."""
    after = advance(standing_at(history, at), proposed(command, history, at, at))
    return after if isinstance(after, Objection) else _objection_of_others(fact, at, directory)


def _objection_of_others(fact: f.OrganisationFact, at: datetime, directory: Directory) -> Objection | None:
    """Return what another organisation that a fact names has against it at its place."""

    def standing(organisation: str) -> Standing | None:
        return standing_at(directory.organisation_history(organisation), at)

    match fact:
        case f.OrganisationRegistered(parent=str() as other) | f.ParentChanged(parent=str() as other):
            return _has_ended(standing(other), other) or _circular(fact.organisation, other, standing)
        case f.OrganisationMerged(into=other) | f.TaskTransferred(to=other):
            return _has_ended(standing(other), other)
        case _:
            return None


def _refuse_mending(
    command: Command, history: Sequence[Event], at: datetime, now: datetime, directory: Directory
) -> Refused | None:
    """Refuse a correction or striking that cannot be applied, or that makes organisations contradict each other."""
    event = proposed(command, history, at, now)
    assert isinstance(event.data, Correction | Striking)
    about = event.data.event
    if all(earlier.id != about for earlier in history):
        message = f"The organisation has no such event: {about}."
        return Refused(RefusalCode.UNKNOWN_EVENT, message, (("event", str(about)),))
    kept = "The registration of an organisation cannot be struck, because cases may name it; dissolve it instead."
    fixed = mending(event, history, f.OrganisationRegistered, kept)
    if fixed is None or isinstance(fixed, Refused):
        return fixed
    fact = fixed.data
    assert isinstance(fact, f.OrganisationFact)
    refusal = (
        refuse_corrected(event, fixed, now, directory)
        or _refuse_times(fact, fixed.occurred_at, now)
        or _refuse_party(fact)
    )
    if refusal is not None:
        return refusal
    objection = _objection_of_others(fact, fixed.occurred_at, directory)
    return None if objection is None else refused(objection)


def _has_ended(standing: Standing | None, organisation: str) -> Objection | None:
    if standing is None or standing.ended is None:
        return None
    message = f"{organisation} had ended by that moment; name its successor."
    return Objection(RefusalCode.ORGANISATION_ENDED, message, (standing.ended.event,))


def _circular(organisation: str, parent: str, standing: Callable[[str], Standing | None]) -> Objection | None:
    """Object if ``parent`` is itself a unit of ``organisation``, directly or further down."""
    seen = {organisation}
    above: str | None = parent
    while above is not None and above not in seen:
        seen.add(above)
        found = standing(above)
        above = found.parent if found else None
    if above != organisation:
        return None
    return Objection(RefusalCode.CIRCULAR, f"{parent} is itself a unit of {organisation} at that moment.")
