"""Checks what the import rules made of a trace against the domain's own preconditions.

Commands of an import are late, and a late command that the state forbids is kept without effect; but what an importer
deduced and what has no effect is a mistake, so here it refuses the trace instead.
"""

from collections.abc import Sequence

from ...domain.case.rules import Judge, Objection
from ...domain.case.state import CaseState
from ...domain.command import Command
from ...domain.event import Event


def objection_to(commands: Sequence[Command]) -> Objection | None:
    """Return what the domain has against the commands of one trace, taken as the whole history of its case; or none.

    ``commands`` are in order of time and each has its ``occurred_at``, as ``events_of_trace`` returns them.
    """
    judge = Judge()  # imports speak of no gap
    state = CaseState()
    for version, command in enumerate(commands, 1):
        at = command.occurred_at
        assert at is not None, "imported commands name their moment"
        event = Event(
            command.id,  # stands in for the id that the event will get: here it only tells events apart
            command.stream,
            version,
            version - 1,
            at,
            at,
            command.actor,
            command.id,
            command.data,
            command.precision,
            command.source,
            command.inferred,
        )
        objection = judge.advance(state, event)
        if objection is not None:
            return objection
    return None
