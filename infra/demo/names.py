"""What the demo story's local names stand for: ids that are the same in every registry, and its organisations."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from ...domain.event import Actor
from ...domain.ids import NAMESPACE, event_id_of
from ...domain.vocabulary import Precision, Role

SOURCE: Final = "demo"
DEMO: Final = uuid5(NAMESPACE, SOURCE)
ORGANISATION_PREFIX: Final = "urn:knelpunt:demo:"
FOLDER: Final = Path(__file__).parent

Entry = Mapping[str, Any]
"""One entry of a file, as read."""


def case_id(name: str) -> UUID:
    """Return the id of the case with a local name."""
    return uuid5(DEMO, f"case/{name}")


def id_of(kind: str, case: str, name: str) -> UUID:
    """Return the id of a case's ``obstacle``, ``handoff``, ``subject``, ``event`` or ``command`` by its local name."""
    if kind == "event":
        return event_id_of(id_of("command", case, name))
    return uuid5(DEMO, f"{kind}/{case}/{name}")


def organisation_id(name: str) -> str:
    """Return the identifier of the organisation with a local name; raises ``ValueError`` if the story has none."""
    if name not in register()["organisation"]:
        raise ValueError(f"no organisation is named {name}")
    return f"{ORGANISATION_PREFIX}{name}"


def strategy_id(name: str) -> UUID:
    """Return the id of the strategy with a local name."""
    return uuid5(DEMO, f"strategy/{name}")


def actor_of(actor: str) -> Actor:
    """Return who acts: an organisation's local name, and after a slash which of its people (the first, if none)."""
    name, _, person = actor.partition("/")
    identifier = organisation_id(name)
    role = register()["organisation"][name].get("role", Role.AGENCY)
    return Actor(identifier, Role(role), f"{name}-{person or 1}")


def moment_of(at: datetime | date) -> tuple[datetime, Precision]:
    """Return a moment in UTC; a date without a time stands at the day's start and is known to the day."""
    if isinstance(at, datetime):
        return at.astimezone(UTC), Precision.SECOND
    return datetime.combine(at, time(), UTC), Precision.DAY


@cache
def register() -> dict[str, Any]:
    """Return the story's organisations, as its file has them."""
    return read(FOLDER / "organisations.toml")


def read(path: Path) -> dict[str, Any]:
    """Return a file of the story, as read."""
    return tomllib.loads(path.read_text("utf-8"))
