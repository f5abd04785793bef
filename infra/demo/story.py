"""The demo story: a dozen fictional cases and their causes, read from the files beside this module.

``cases/*.toml`` are the cases, ``learning/*.toml`` what was learnt of them, ``organisations.toml`` who takes part.
``story`` gives every command with the moment at which it was recorded, for an empty registry to take in as its
history; ``cases`` says what the cases are called. ``docs/demo.md`` tells what to look at.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import uuid5

from msgspec import Struct

from ...domain.command import Command
from ...domain.event import Fact
from ...domain.ids import organisation_stream_of
from ...domain.organisation.facts import (
    OrganisationRegistered,
    OrganisationRenamed,
    SolutionTeamEstablished,
    StrategyShared,
)
from ...domain.text import clear
from ...domain.vocabulary import OrganisationKind, Origin, TeamMotive
from .case_file import ENTERED_AFTER, CaseFile
from .learning_file import LearningFile
from .names import DEMO, FOLDER, SOURCE, actor_of, organisation_id, read, register, strategy_id

NEXT_ENTRY: Final = timedelta(seconds=1)
"""What keeps entries that would be recorded at one moment apart."""


class DemoCase(Struct, frozen=True):
    """What one case of the story is called: its local name, reference, Dutch and English title, and what it shows."""

    name: str
    reference: str
    title: str
    english: str
    pitch: str


def story() -> list[tuple[datetime, Command]]:
    """Return every command of the story with its ``recorded_at`` (UTC, strictly increasing), organisations first.

    Raises ``ValueError`` that names the entry if a file of the story is wrong.
    """
    of_cases = (pair for name, content in _files() for pair in CaseFile(name, content).commands())
    of_streams = (
        pair
        for path in sorted((FOLDER / "learning").glob("*.toml"))
        for pair in LearningFile(path.stem.partition("-")[2], read(path)).commands()
    )
    told: list[tuple[datetime, Command]] = []
    for recorded_at, command in sorted([*_organisations(), *of_cases, *of_streams], key=lambda pair: pair[0]):
        told.append((max(recorded_at, told[-1][0] + NEXT_ENTRY) if told else recorded_at, command))
    return told


@cache
def cases() -> tuple[DemoCase, ...]:
    """Return what the cases are called, in the order in which the documentation tells them."""
    return tuple(
        DemoCase(name, content["reference"], content["title"], content["english"], content["pitch"])
        for name, content in _files()
    )


def _files() -> list[tuple[str, dict[str, Any]]]:
    # 01-gezin.toml: the number orders the story, the rest is the case's local name.
    return [(path.stem.partition("-")[2], read(path)) for path in sorted((FOLDER / "cases").glob("*.toml"))]


def _organisations() -> Iterator[tuple[datetime, Command]]:
    for name, entry in register()["organisation"].items():
        parent = organisation_id(entry["parent"]) if "parent" in entry else None
        fact = OrganisationRegistered(organisation_id(name), entry["name"], OrganisationKind(entry["kind"]), parent)
        yield _organisation_command(f"registered/{name}", name, register()["registered_at"], fact)
    for entry in register()["renamed"]:
        fact = OrganisationRenamed(organisation_id(entry["organisation"]), entry["name"])
        yield _organisation_command(f"renamed/{entry['name']}", entry["organisation"], entry["at"], fact)
    for entry in register()["team"]:
        fact = SolutionTeamEstablished(
            organisation_id(entry["organisation"]),
            tuple(TeamMotive(one) for one in entry["motives"]),
            clear(entry["mandate"]),
            clear(entry["contact"]),
        )
        yield _organisation_command(f"team/{entry['organisation']}", entry["organisation"], entry["at"], fact)
    for entry in register()["strategy"]:
        fact = StrategyShared(
            organisation_id(entry["organisation"]),
            strategy_id(entry["name"]),
            clear(entry["title"]),
            clear(entry["description"]),
            tuple(entry["themes"]),
            tuple(Origin(one) for one in entry["origins"]),
        )
        yield _organisation_command(f"strategy/{entry['name']}", entry["organisation"], entry["at"], fact)


def _organisation_command(label: str, name: str, at: datetime, fact: Fact) -> tuple[datetime, Command]:
    command = Command(
        id=uuid5(DEMO, f"command/{label}"),
        stream=organisation_stream_of(organisation_id(name)),
        actor=actor_of(register()["registrar"]),
        data=fact,
        occurred_at=at,
        source=SOURCE,
    )
    return at + ENTERED_AFTER, command
