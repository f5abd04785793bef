"""An import as a program of its own, to be killed: ``import_program.py URL MASTER LOG MAPPING CHUNK``."""

import sys
from pathlib import Path

import msgspec

from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.importing import pipeline
from knelpunt.infra.importing.mapping import read_mapping
from knelpunt.infra.importing.sink import RegistrySink


def main() -> None:
    """Import, and print the report as JSON."""
    url, master, log, mapping, chunk = sys.argv[1:]
    pipeline.CHUNK_COMMANDS = int(chunk)  # pyright: ignore[reportAttributeAccessIssue]
    with bootstrap(url, bytes.fromhex(master)) as parts:
        sink = RegistrySink(parts.registry, parts.vault)
        report = pipeline.import_file(Path(log), read_mapping(Path(mapping)), sink)
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
