"""What the organisations that visitors act for are called: each page says so in its band."""

from time import monotonic
from typing import Final

NAME_SECONDS: Final = 60.0
"""How long a name counts before it is asked for again: organisations are renamed now and then."""

NAMES_MAX: Final = 10_000
"""Names kept: more organisations than have visitors within a minute."""

OWN: Final = """
query Own($own: ID!) { registry { organisation(id: $own) { name } } }
"""


class OwnNames:
    """Names by identifier, each with the moment until which it counts."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str | None, float]] = {}

    def stale(self, identifier: str) -> bool:
        """Return whether a name has to be asked for."""
        return identifier not in self._kept or self._kept[identifier][1] < monotonic()

    def name(self, identifier: str) -> str | None:
        """Return what an organisation was called when that was asked for last; none if it has no name, or never was."""
        return self._kept.get(identifier, (None, 0.0))[0]

    def keep(self, identifier: str, name: str | None) -> None:
        """Keep a name for a while."""
        if len(self._kept) >= NAMES_MAX:
            self._kept.clear()
        self._kept[identifier] = name, monotonic() + NAME_SECONDS
