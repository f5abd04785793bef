"""What the tests of importing share: a place to collect commands in, and files written on the spot."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from knelpunt.infra.importing.handover import Appended
from knelpunt.infra.importing.mapping import Columns, CsvForm, Mapping, Times
from knelpunt.infra.importing.packing import Packed, Packer, Worded, commands_of
from knelpunt.infra.importing.pipeline import ImportReport, import_file
from knelpunt.infra.importing.progress import Bookmark, Reached

NOW = datetime(2024, 6, 1, tzinfo=UTC)


class Collected:
    """Keeps commands by id, in the order in which they came: what a registry would hold."""

    def __init__(self) -> None:
        self.commands: dict = {}
        self.chunks: list[int] = []

    def begin(self, fingerprint: bytes) -> Reached:
        """Every import begins at its beginning here."""
        return Reached()

    def end(self) -> None:
        """Nothing was remembered."""

    @property
    def packer(self) -> Packer:
        """Request hashes are made under a secret that anybody may know."""
        return Packer(bytes(32))

    def append_chunk(self, streams: Sequence[Packed | Worded], bookmark: Bookmark) -> Appended:
        """Keep what is new; a command that came before must come again as it was."""
        commands = [command for packed in streams for command in commands_of(packed)]
        for command in commands:
            assert self.commands.setdefault(command.id, command) == command
        new = len(self.commands) - sum(self.chunks)
        self.chunks.append(new)
        return Appended(new, len(commands) - new)

    def counts(self) -> Counter[str]:
        """How many facts of each kind there are."""
        return Counter(type(command.data).__name__ for command in self.commands.values())


def csv_mapping(*, csv: CsvForm | None = None, times: Times | None = None) -> Mapping:
    return Mapping("log", Columns("case", "activity", "time", "who"), csv=csv or CsvForm(), times=times or Times())


@pytest.fixture
def collected():
    return Collected()


@pytest.fixture
def import_bytes(tmp_path, collected):
    """Write a file and import it into ``collected``."""

    def run(content: bytes | str, name: str = "log.csv", mapping: Mapping | None = None, **options) -> ImportReport:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_file(path, mapping or csv_mapping(), collected, now=NOW, **options)

    return run


@pytest.fixture
def mapping_of():
    return csv_mapping
