"""Checks what the import rules made of a trace against the domain's own preconditions.

Commands of an import are late, and a late command that the state forbids is kept without effect; but what an importer
deduced and what has no effect is a mistake, so here it refuses the trace instead.
"""

from collections.abc import Sequence

from ...domain.case.rules import Judge, Objection
from ...domain.case.state import CaseState
from ...domain.event import Event


def objection_to(events: Sequence[Event]) -> Objection | None:
    """Return what the domain has against the events of one trace, taken as the whole history of its case; or none.

    They are in order of time, as ``events_of_trace`` returns their commands.
    """
    judge = Judge()  # imports speak of no gap
    state = CaseState()
    for event in events:
        objection = judge.advance(state, event)
        if objection is not None:
            return objection
    return None
