"""Writes a bundle: all that is published, with what it takes to verify it on a machine that has nothing of ours."""

import shutil
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
        for tile in tiles_of(prover.checkpoint.size):
            path = place / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(folder.read(tile))
        (place / CHECKPOINT).write_bytes(prover.note)
        (place / PUBLIC_KEY).write_text(f"{key.text}\n", encoding="utf-8")
        (place / POLICY).write_bytes(policy or policy_of_log(key))
        (place / VERIFIER).write_bytes(Path(verify.__file__).read_bytes())
        place.rename(out)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return prover.checkpoint.size
