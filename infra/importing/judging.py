"""What becomes of one trace: its commands, as the domain lets them stand, or why there are none. Pure.

Traces have nothing to do with each other, so they can be judged anywhere, by any number of processes.
"""

from collections.abc import Set as AbstractSet

from msgspec import Struct

from .mapping import ImportRole, Mapping
from .packing import Packed, Packer, Worded, events_of
from .places import described
from .rows import LogRow, Trace
from .rules import events_of_trace
from .told import UntoldError, commands_told, organisations_told
from .validation import objection_to


class Outcome(Struct, frozen=True, array_like=True):
    """What becomes of a trace: its commands, packed, if there are any; ``refusal`` says why it cannot be recorded.

    ``idle`` has a line and a reason for each row that leads to nothing though it should. ``organisations`` are those to
    be registered before the commands, in their order.
    """

    packed: Packed | Worded | None
    refusal: str | None = None
    idle: tuple[tuple[int, str], ...] = ()
    organisations: tuple[str, ...] = ()


def judged(trace: Trace, mapping: Mapping, packer: Packer) -> Outcome:
    """Return what becomes of a trace; no commands without a refusal, if the mapping ignores all of it."""
    if trace.left_out:
        column = described(mapping.columns.case)
        return Outcome(None, f"it has more than {len(trace.rows)} rows: does {column} tell cases apart?")
    if mapping.told is not None:
        try:
            commands = commands_told(trace, mapping)
        except UntoldError as error:
            return Outcome(None, str(error))
        named = organisations_of(trace, mapping, organisations_told(commands))
        return Outcome(packer.packed(commands), organisations=named) if commands else Outcome(None)
    idle: list[LogRow] = []
    commands = events_of_trace(trace, mapping, idle.append)
    events = events_of(commands)
    objection = objection_to(events)
    if objection is not None:
        return Outcome(None, objection.message)
    reason = f"it names no obstacle, and case {trace.case!r} has none open then"
    without_effect = tuple([(row.line, f"event {row.event!r}: {reason}") for row in idle])
    if not commands:
        return Outcome(None, None, without_effect)
    return Outcome(packer.packed(commands, events), None, without_effect, organisations_of(trace, mapping))


def organisations_of(trace: Trace, mapping: Mapping, told: AbstractSet[str] = frozenset()) -> tuple[str, ...]:
    """Return the organisations of a trace's rows and of what was ``told``, and its source, as they are registered."""
    named = {row.organisation for row in trace.rows if row.organisation is not None}
    return tuple(sorted(named | told | {mapping.source_organisation}))


def ignored(trace: Trace, mapping: Mapping) -> bool:
    """Return whether the mapping ignores all rows of a trace."""
    return all(mapping.roles.get(row.activity) is ImportRole.IGNORE for row in trace.rows)
