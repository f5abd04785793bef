"""Exporting in tests: a registry, who asks, and the file that comes of it."""

import csv
import json
from pathlib import Path

from psycopg_pool import ConnectionPool

from knelpunt.domain.event import Event
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.bootstrap import Parts
from knelpunt.infra.cloud_events import source_of
from knelpunt.infra.exporting import export as exporting
from knelpunt.infra.exporting.export import Format, Origin, Report, Who
from knelpunt.infra.exporting.reader import projected
from knelpunt.infra.logbook.processing import ProcessingLog, Reading
from knelpunt.infra.store.connection import REGISTRY, acting_for
from knelpunt.infra.store.principal import principal_of
from knelpunt.infra.store.reading import events_after
from knelpunt.infra.vault.vault import Vault

OIN = "00000001823288444000"
"""Of the profile's own examples."""

OWNER = Asker("urn:knelpunt:owner", Role.ADMINISTRATOR, "owner", owns=True)


def who(asker: Asker = OWNER) -> Who:
    return Who(
        principal_of(asker),
        Reading(actor=asker.user, role=asker.role, organisation=asker.organisation, name="export"),
    )


def export(parts: Parts, out: Path, format_: Format, asker: Asker = OWNER, **more) -> Report:
    """Export what somebody may see."""
    return export_from(parts.registry.reader, parts.processing, parts.vault, out, format_, asker, **more)


def export_from(
    reader: ConnectionPool, processing: ProcessingLog, vault: Vault, out: Path, format_: Format, asker: Asker, **more
) -> Report:
    """The same of a registry that comes in parts."""
    origin = Origin(vault.origin, source_of(OIN, vault.origin))
    return exporting.export(out, format_, reader, processing, who(asker), projected(reader)[0], origin, **more)


def told(path: Path) -> dict:
    """An OCEL log, or any other JSON."""
    return json.loads(path.read_bytes())


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def log_of(parts: Parts) -> list[Event]:
    """All events of the registry."""
    found = events_after(parts.registry.reader, REGISTRY, -1, 100_000)
    return [event for event in found if isinstance(event, Event)]


def cases_in(parts: Parts) -> dict:
    """The histories of all cases, as the registry itself reads them."""
    with acting_for(parts.registry.reader, REGISTRY) as connection:
        cases = {row[0] for row in connection.execute("SELECT stream_id FROM knelpunt.stream_head WHERE kind = 'case'")}
    found: dict = {}
    for event in log_of(parts):
        if event.stream in cases:
            found.setdefault(event.stream, []).append(event)
    return found
