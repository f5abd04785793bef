"""Commands that name what the asker may not see: they are answered as if it did not exist.

What is hidden is replaced by an id that nobody has, and the command decided as any other. So the refusal is the very
one that an unknown id gets, whatever else is wrong with the command, and takes as long.
"""

from collections.abc import Iterator, Mapping
from uuid import UUID, uuid4

import msgspec

from ..domain.case import facts as f
from ..domain.case.named import obstacles_asked
from ..domain.cause.facts import ObstacleLinked
from ..domain.command import Command, Refused
from ..domain.investigation.facts import CaseIncluded
from ..projections.queries import seen
from .asking import Asking
from .ports import Recorded


async def record(asking: Asking, command: Command) -> Recorded | Refused:
    """Record a command, or refuse it; what it names and the asker may not see, it names in vain."""
    hidden = await _hidden(asking, command)
    if not hidden:
        return await asking.session.record(command)
    answer = await asking.session.record(_without(command, hidden))
    return _as_asked(answer, hidden) if isinstance(answer, Refused) else answer


async def _hidden(asking: Asking, command: Command) -> dict[UUID, UUID]:
    """Return what a command names and the asker may not see, each with an id that nobody has."""
    named = set(_cases_named(command))
    obstacles = set(obstacles_asked(command.data))
    if isinstance(command.data, f.ObstacleReported):
        obstacles.discard(command.data.obstacle)  # it is new, so that nobody can see it yet
    elif isinstance(command.data, ObstacleLinked):
        obstacles.add(command.data.obstacle)
    unseen = await _unseen(asking, named, obstacles)
    if unseen and await asking.session.reach(await asking.session.head()):
        # Who sees what follows from events, and the last ones may only just have been taken in.
        unseen = await _unseen(asking, named, obstacles)
    return {one: uuid4() for one in unseen}


async def _unseen(asking: Asking, cases: set[UUID], obstacles: set[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    if cases:
        found |= cases - {case for (case,) in await asking.session.rows(seen.CASES, {"cases": list(cases)})}
    if obstacles:
        rows = await asking.session.rows(seen.OBSTACLES, {"obstacles": list(obstacles)})
        found |= obstacles - {obstacle for (obstacle,) in rows}
    return found


def _cases_named(command: Command) -> Iterator[UUID]:
    """Yield the cases that a command is about; one that it opens is nobody's yet."""
    fact = command.data
    if isinstance(fact, f.CaseFact) and not isinstance(fact, f.CaseOpened):
        yield command.stream
    if isinstance(fact, f.CaseLinked | CaseIncluded):
        yield fact.case


def _without(command: Command, hidden: Mapping[UUID, UUID]) -> Command:
    """Return a command with other ids in the place of those that are hidden."""
    fact = command.data
    fields = ("case", "obstacle", "triggered_by", "for_obstacle")
    named = {name: getattr(fact, name, None) for name in fields}
    changed = {name: hidden[one] for name, one in named.items() if isinstance(one, UUID) and one in hidden}
    stream = hidden.get(command.stream, command.stream)
    return msgspec.structs.replace(command, stream=stream, data=msgspec.structs.replace(fact, **changed))


def _as_asked(refused: Refused, hidden: Mapping[UUID, UUID]) -> Refused:
    """Return a refusal in the words of the command as it was asked."""

    def said(text: str) -> str:
        for asked, other in hidden.items():
            text = text.replace(str(other), str(asked))
        return text

    facts = tuple((name, said(value)) for name, value in refused.facts)
    return Refused(refused.code, said(refused.message), facts)
