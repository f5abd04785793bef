"""Which events may be corrected or struck, and the links beside them that lead to the forms which do so."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from ...domain.case.facts import CaseOpened
from ...domain.command import COMMANDS
from ...domain.event import Fact
from ...domain.learning.kinds import RULES
from ...domain.organisation.facts import OrganisationRegistered
from .rendering import link

Event = Mapping[str, Any]

RECORDED_BY: Final[Mapping[str, tuple[str, type[Fact]]]] = {
    fact.__name__: (f"{name[0].lower()}{name[1:]}", fact) for name, fact in COMMANDS.items()
}
"""By the type of an event: the command that records such a one, and its fact."""

_OPENINGS: Final = frozenset(
    fact.__name__ for fact in (CaseOpened, OrganisationRegistered, *(rules.opening for rules in RULES.values()))
)
"""What a story cannot be without."""


class Mender(Struct, frozen=True):
    """What a visitor may mend of one case, cause or the like: ``named`` is the field of the commands that names it."""

    named: str
    id: str
    may: Sequence[str]

    def correcting(self, event: Event) -> str | None:
        """Return the address of the form that corrects an event, none where there is nothing to correct."""
        command = f"correct{self._noun}Fact"
        return self._address(command, event) if command in self.may and correctable(event) else None

    def striking(self, event: Event) -> str | None:
        """Return the address of the form that strikes an event, none where that cannot be."""
        command = f"strike{self._noun}Event"
        return self._address(command, event) if command in self.may and strikable(event) else None

    @property
    def _noun(self) -> str:
        return "" if self.named == "case" else f"{self.named[0].upper()}{self.named[1:]}"

    def _address(self, command: str, event: Event) -> str:
        return link(f"/record/{command}", {self.named: self.id}, event=event["id"])


def correctable(event: Event) -> bool:
    """Return whether an event may be corrected: one that mends another may not, nor one that was struck."""
    recorded = RECORDED_BY.get(event["type"])
    return event["struckBy"] is None and not (recorded and recorded[1].mends)


def strikable(event: Event) -> bool:
    """Return whether an event may be struck."""
    return event["struckBy"] is None and event["type"] not in _OPENINGS
