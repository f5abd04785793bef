"""The ladder by which a cause is escalated: who comes next when an answer fails to come.

An answer fails to come when the time to respond has passed without one, when the one asked refuses, and when it passes
the cause on. Then the one that it named is next at the same level, and else the level above; unless somebody at that
level or a higher one still has time to answer, or has taken the cause up.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from ...domain.cause.rules import Cause, Escalation
from ...domain.vocabulary import EscalationReply, Level

_RUNGS: Final = {level: place for place, level in enumerate(Level)}


class AnswerState(StrEnum):
    """What has come of an escalation.

    PENDING: there is time left to answer. UNANSWERED: that time has passed. The others are answers.
    """

    PENDING = "PENDING"
    UNANSWERED = "UNANSWERED"
    TAKES_UP = "TAKES_UP"
    PASSES_ON = "PASSES_ON"
    REFUSES = "REFUSES"


class NextRung(Struct, frozen=True):
    """Where the cause should go now. ``level`` is none where the highest has failed; ``named`` is whom it named."""

    level: Level | None
    after: Escalation
    because: AnswerState
    named: str | None


def answer_state(escalation: Escalation, as_of: datetime) -> AnswerState:
    """Return what has come of an escalation at a moment."""
    if escalation.answer is not None:
        return AnswerState(escalation.answer)
    return AnswerState.PENDING if as_of < escalation.respond_by else AnswerState.UNANSWERED


def next_rung(cause: Cause, as_of: datetime) -> NextRung | None:
    """Return where a cause should go next, none while nothing has failed or somebody above may still see to it."""
    if cause.ended is not None or not cause.escalations:
        return None
    asked = list(cause.escalations.values())
    states = {one.escalation: answer_state(one, as_of) for one in asked}
    hopeful = [one for one in asked if states[one.escalation] in {AnswerState.PENDING, AnswerState.TAKES_UP}]
    failed = [one for one in asked if one not in hopeful]
    if not failed:
        return None
    # Of several that failed at the highest level, the one asked last.
    last = max(failed, key=lambda one: (_RUNGS[one.level], one.at))
    if any(_RUNGS[one.level] >= _RUNGS[last.level] for one in hopeful):
        return None
    because = states[last.escalation]
    if last.answer is EscalationReply.PASSES_ON and last.suggests and all(one.to != last.suggests for one in asked):
        return NextRung(last.level, last, because, last.suggests)
    higher = [level for level, place in _RUNGS.items() if place > _RUNGS[last.level]]
    return NextRung(higher[0] if higher else None, last, because, None)
