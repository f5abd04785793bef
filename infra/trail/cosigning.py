"""Asks witnesses to cosign checkpoints before they are published (the log's side of C2SP tlog-witness)."""

import logging
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from http.client import HTTPException
from typing import Final

from .checkpoint import Checkpoint
from .errors import TrailError
from .merkle import NodeAt, consistency_proof
from .note import NoteError, read_note, to_base64
from .policy import Witness
from .witness import SIZE_TYPE

ANSWER_SECONDS_MAX: Final = 1.0
"""How long a checkpoint waits for cosignatures: it must be published within two seconds, with or without them."""

ANSWER_BYTES_MAX: Final = 64 * 1024

_log = logging.getLogger(__name__)


class Cosigners:
    """The witnesses that a policy gives addresses of."""

    def __init__(self, witnesses: Sequence[Witness]) -> None:
        self._witnesses = [witness for witness in witnesses if witness.url is not None]
        self._sizes: dict[str, int] = {}
        # Not waited for at the end: a witness that does not answer keeps no program from stopping.
        self._threads = ThreadPoolExecutor(max(1, len(self._witnesses)), "knelpunt-witness")

    def close(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def lines(self, note: bytes, signed: Checkpoint, node: NodeAt) -> list[str]:
        """Return the cosignatures that come in time; whoever does not answer, or wrongly, is passed over and logged."""
        asked: dict[Future[list[str]], Witness] = {
            self._threads.submit(self._ask, witness, note, signed, node): witness for witness in self._witnesses
        }
        done, late = wait(asked, timeout=ANSWER_SECONDS_MAX)
        found: list[str] = []
        for each in late:
            each.cancel()
            _log.warning("The witness %s did not answer in time.", asked[each].name)
        for each in done:
            try:
                found += each.result()
            except (OSError, HTTPException, NoteError, TrailError, ValueError) as error:
                _log.warning("The witness %s does not cosign: %s", asked[each].name, error)
        return found

    def _ask(self, witness: Witness, note: bytes, signed: Checkpoint, node: NodeAt) -> list[str]:
        """Return a witness's cosignature; one that is not where we thought says where it is, and is asked again."""
        for _ in range(2):
            old = self._sizes.get(witness.name, 0)
            proof = consistency_proof(min(old, signed.size), signed.size, node)
            request = "".join(f"{line}\n" for line in (f"old {old}", *map(to_base64, proof), "")).encode() + note
            status, kind, answer = _posted(f"{witness.url}/add-checkpoint", request)
            if status == 409 and kind == SIZE_TYPE:  # noqa: PLR2004  as the specification says it
                if not answer.strip().isdigit():
                    message = f"it says that it is at {answer[:20]!r}"
                    raise TrailError(message)
                self._sizes[witness.name] = int(answer)
                continue
            if status != 200:  # noqa: PLR2004
                message = f"it answered {status}, {answer[:200].decode('utf-8', 'replace').strip()}"
                raise TrailError(message)
            self._sizes[witness.name] = signed.size
            lines = answer.decode().splitlines(keepends=True)
            # Only what verifies is published under our name.
            read_note(note + answer).signed_by([witness.key])
            return [line for line in lines if line.startswith(f"— {witness.key.name} ")]
        raise TrailError("it keeps saying that it is somewhere else")


def _posted(url: str, content: bytes) -> tuple[int, str, bytes]:
    if not url.startswith(("http://", "https://")):
        message = f"{url} is no address of a witness."
        raise TrailError(message)
    request = urllib.request.Request(url, content, {"Content-Type": "text/plain"})  # noqa: S310  checked above
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310
            return answer.status, answer.headers.get("Content-Type", ""), answer.read(ANSWER_BYTES_MAX)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Content-Type", ""), error.read(ANSWER_BYTES_MAX)
