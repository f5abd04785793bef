"""The trail: the published checkpoint, and any event's proof, which the visitor's own browser checks from the tiles.

What is checked here is read from the log's files, as everybody gets them; entries are for auditors, as over ``/log``.
"""

import asyncio
import tarfile
from collections.abc import Iterable, Iterator
from typing import Final

from starlette.responses import Response, StreamingResponse

from ...domain.vocabulary import Role
from ..trail.bundling import bundle_files
from ..trail.folder import PUBLIC_KEY, TrailFolder
from ..trail.note import public_key
from ..trail.tiles import ENTRIES, WIDTH, entries_in, tile_at
from .visit import POSITION_DIGITS_MAX, PageProblem, Visit

TAR: Final = "application/x-tar"

TRAIL: Final = """
query Trail($position: Position!, $proven: Boolean!) {
  log {
    checkpoint { origin size rootHash note }
    inclusion(position: $position) @include(if: $proven) { position treeSize leafHash hashes rootHash proofFile }
  }
}
"""


async def page(visit: Visit) -> Response:
    """Answer GET /trail."""
    position = _position(visit)
    log = (await visit.ask(TRAIL, position=position or 0, proven=position is not None))["log"]
    folder = visit.running.services.trail
    key = None if folder is None else await asyncio.to_thread(_key, folder)
    entry = None
    if folder is not None and position is not None and (await visit.asker()).role is Role.AUDITOR:
        entry = await asyncio.to_thread(_entry, folder, position, log["checkpoint"]["size"])
    return await visit.page("trail.html", log=log, position=position, key=key, entry=entry)


async def proof(visit: Visit) -> Response:
    """Answer GET /trail/proof: an event's proof as a file that can be checked offline."""
    position = _position(visit)
    if position is None:
        raise PageProblem(404, visit.words.say("Say the position of which event."))
    found = (await visit.ask(TRAIL, position=position, proven=True))["log"]["inclusion"]
    name = {"Content-Disposition": f'attachment; filename="{position}.tlog-proof"'}
    return Response(found["proofFile"] or "", headers=name, media_type="text/plain; charset=utf-8")


async def bundle(visit: Visit) -> Response:
    """Answer GET /trail/bundle: all that is published, with the verifier, as a tar file; for auditors."""
    folder = visit.running.services.trail
    if folder is None or (await visit.asker()).role is not Role.AUDITOR:
        raise PageProblem(403, visit.words.say("The entries of the log are for auditors."))
    key = await asyncio.to_thread(_key, folder)
    if key is None or await asyncio.to_thread(folder.checkpoint) is None:
        raise PageProblem(404, visit.words.say("Nothing is published yet."))
    name = {"Content-Disposition": 'attachment; filename="knelpunt-log.tar"'}
    return StreamingResponse(tar_of(bundle_files(folder, public_key(key))), headers=name, media_type=TAR)


def tar_of(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """Yield a tar file of files, by their names, as they come: it is never in one piece anywhere."""
    for name, content in files:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.mode = 0o644
        yield info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _position(visit: Visit) -> int | None:
    given = visit.query.get("position", "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= POSITION_DIGITS_MAX):
        raise PageProblem(400, visit.words.say("A position is a whole number, from 0."))
    return int(given)


def _key(folder: TrailFolder) -> str | None:
    path = folder.path / PUBLIC_KEY
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def _entry(folder: TrailFolder, position: int, size: int) -> str | None:
    """Return the entry at a position, none if the bundle that holds it has just become a larger one."""
    tile = tile_at(ENTRIES, position // WIDTH, size)
    content = folder.content(tile.path)
    return None if content is None else entries_in(content, tile.width)[position % WIDTH].decode()
