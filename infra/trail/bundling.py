"""Writes a bundle: all that is published, with what it takes to verify it on a machine that has nothing of ours."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Final

from . import verify
from .errors import TrailError
from .folder import CHECKPOINT, PUBLIC_KEY, TrailFolder
from .note import PublicKey
from .policy import policy_of_log
from .proving import Prover
from .tiles import tiles_of

POLICY: Final = "policy"
VERIFIER: Final = "verify.py"


def bundle_files(folder: TrailFolder, key: PublicKey) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a bundle of what is published now, by their names within it. Raises ``TrailError``."""
    yield from _files(folder, Prover(folder), key, None)


def _files(folder: TrailFolder, prover: Prover, key: PublicKey, policy: bytes | None) -> Iterator[tuple[str, bytes]]:
    for tile in tiles_of(prover.checkpoint.size):
        yield tile.path, folder.read(tile)
    yield CHECKPOINT, prover.note
    yield PUBLIC_KEY, f"{key.text}\n".encode()
    yield POLICY, policy or policy_of_log(key)
    yield VERIFIER, Path(verify.__file__).read_bytes()


def write_bundle(folder: TrailFolder, key: PublicKey, policy: bytes | None, out: Path) -> int:
    """Write what is published into a new folder, all or nothing, and return how many entries it has.

    Without a ``policy`` it gets the one that asks for the log's own signature. Raises ``TrailError`` and ``OSError``.
    """
    out = out.absolute()
    if out.exists():
        raise TrailError(f"{out} is there already: name a new folder for the bundle.")
    if not out.parent.is_dir():
        raise TrailError(f"{out.parent} is no folder: make it, or name another place for the bundle.")
    prover = Prover(folder)
    place = out.with_name(f"{out.name}.unfinished-{token_hex(4)}")
    try:
        place.mkdir(mode=0o700)
        for name, content in _files(folder, prover, key, policy):
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        place.rename(out)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return prover.checkpoint.size
