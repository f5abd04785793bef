"""Exporting in tests: a registry, who asks, and the file that comes of it."""

import csv
import json
from pathlib import Path

from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.bootstrap import Parts
from knelpunt.infra.exporting import export as exporting
from knelpunt.infra.exporting.export import Format, Report, Who
from knelpunt.infra.exporting.reader import projected
from knelpunt.infra.logbook.processing import Reading
from knelpunt.infra.store.principal import principal_of

OWNER = Asker("urn:knelpunt:owner", Role.ADMINISTRATOR, "owner", owns=True)


def who(asker: Asker = OWNER) -> Who:
    return Who(
        principal_of(asker),
        Reading(actor=asker.user, role=asker.role, organisation=asker.organisation, name="export"),
    )


def export(parts: Parts, out: Path, format_: Format, asker: Asker = OWNER, **more) -> Report:
    """Export what somebody may see."""
    reader = parts.registry.reader
    upto = more.pop("upto", projected(reader)[0])
    return exporting.export(out, format_, reader, parts.processing, who(asker), upto, parts.vault.origin, **more)


def told(path: Path) -> dict:
    """An OCEL log, or any other JSON."""
    return json.loads(path.read_bytes())


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
