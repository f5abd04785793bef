"""Signed notes: a text, and under it lines with signatures by named keys (C2SP signed-note), by Ed25519.

Keys and signatures are text, as Go's ``sumdb/note`` writes them. Two sorts of signature are known: a log's, over the
text, and a witness's cosignature of a checkpoint, over the text and a time (C2SP tlog-cosignature).
"""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

ED25519: Final = 0x01
"""The sort of a signature over the text."""

COSIGNATURE: Final = 0x04
"""The sort of a signature over a checkpoint and the time at which it was seen."""

KEY_BYTES: Final = 32
ID_BYTES: Final = 4
TIME_BYTES: Final = 8
SIGNATURE_BYTES: Final = 64

SIGNATURES_MAX: Final = 64
"""More lines than this are refused unread; C2SP asks for 16 at least, and no policy here names more than a few."""

NOTE_BYTES_MAX: Final = 1 << 20
"""A longer note is refused unread; ours are some 200 bytes."""

_DASH: Final = "\N{EM DASH} "


class NoteError(Exception):
    """A note, a key or a signature is not as it must be; the message says what is wrong, in one sentence."""


class PublicKey(Struct, frozen=True):
    """A key by which signatures of a name are checked; ``kind`` is the sort of signature."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that name the key in a signature line."""
        return _id(self.name, self.kind, self.public)

    @property
    def text(self) -> str:
        """The key as it is handed to others: ``name+id+key``."""
        return f"{self.name}+{self.id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Return whether a signature, as it stands after the key's id, is this key's over a note's text."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            message, signature = cosigned(text, _time(signature)), signature[TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class PrivateKey(Struct, frozen=True):
    """A key that signs under a name; ``seed`` is its 32 secret bytes."""

    name: str
    kind: int
    seed: bytes

    @property
    def public(self) -> PublicKey:
        """The key by which others check what this one signs."""
        return PublicKey(self.name, self.kind, self._key.public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """The key as it is kept: ``PRIVATE+KEY+name+id+seed``."""
        return f"PRIVATE+KEY+{self.name}+{self.public.id.hex()}+{to_base64(bytes([self.kind]) + self.seed)}"

    def line(self, text: str) -> str:
        """Return the line that signs a note's text."""
        return self._line(self._key.sign(text.encode()))

    def cosign(self, text: str, seconds: int) -> str:
        """Return the line that says that a checkpoint was seen at a time, in seconds since 1970."""
        return self._line(seconds.to_bytes(TIME_BYTES, "big") + self._key.sign(cosigned(text, seconds)))

    def _line(self, signature: bytes) -> str:
        return f"{_DASH}{self.name} {to_base64(self.public.id + signature)}\n"

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def __repr__(self) -> str:
        """Show whose key it is and never the key."""
        return f"PrivateKey({self.name!r})"


class Signature(Struct, frozen=True):
    """A signature line: under which name, by which key, and what follows the key's id."""

    name: str
    key_id: bytes
    content: bytes

    @property
    def seconds(self) -> int:
        """When a cosignature says that it was made, in seconds since 1970."""
        return _time(self.content)


class Note(Struct, frozen=True):
    """A note as read: its text, which ends in a line feed, and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def signed_by(self, keys: Sequence[PublicKey]) -> list[tuple[PublicKey, Signature]]:
        """Return who of ``keys`` signed, each once. Raises ``NoteError`` if one of them did so wrongly, or nobody did.

        Signatures of others are passed over: they are for those who know them.
        """
        found: dict[PublicKey, Signature] = {}
        for signature in self.signatures:
            for key in keys:
                if (key.name, key.id) != (signature.name, signature.key_id) or key in found:
                    continue
                if not key.verifies(self.text, signature.content):
                    message = f"The signature of {key.name} does not fit this note."
                    raise NoteError(message)
                found[key] = signature
        if not found:
            raise NoteError("The note is signed by none of the keys that count.")
        return list(found.items())


def new_key(name: str, kind: int, seed: bytes) -> PrivateKey:
    """Return the key of a name with a seed of 32 bytes. Raises ``NoteError`` for a name that no key may have."""
    _check_name(name)
    if len(seed) != KEY_BYTES:
        raise NoteError("A key is 32 bytes long.")
    return PrivateKey(name, kind, seed)


def public_key(text: str) -> PublicKey:
    """Return the public key that ``name+id+key`` stands for. Raises ``NoteError``."""
    name, key_id, content = _parts(text)
    key = PublicKey(name, content[0], content[1:])
    if key.id.hex() != key_id:
        message = f"The key of {name} does not have the id that it is given with."
        raise NoteError(message)
    return key


def private_key(text: str) -> PrivateKey:
    """Return the private key that ``PRIVATE+KEY+name+id+seed`` stands for. Raises ``NoteError``."""
    if not text.startswith("PRIVATE+KEY+"):
        raise NoteError("This is no private key of a log.")
    name, key_id, content = _parts(text.removeprefix("PRIVATE+KEY+"))
    key = PrivateKey(name, content[0], content[1:])
    if key.public.id.hex() != key_id:
        message = f"The key of {name} does not have the id that it is given with."
        raise NoteError(message)
    return key


def _parts(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    _check_name(name)
    content = from_base64(encoded)
    if len(content) != 1 + KEY_BYTES or content[0] not in {ED25519, COSIGNATURE}:
        message = f"The key of {name} is not one of Ed25519."
        raise NoteError(message)
    return name, key_id, content


def signed(text: str, lines: Sequence[str]) -> bytes:
    """Return a note: a text, which ends in a line feed, with signature lines. Raises ``NoteError``."""
    _check_text(text)
    return f"{text}\n{''.join(lines)}".encode()


def read_note(content: bytes) -> Note:
    """Return the note that bytes hold. Raises ``NoteError``; nothing is verified by it."""
    if len(content) > NOTE_BYTES_MAX:
        raise NoteError("The note is too long.")
    try:
        whole = content.decode()
    except UnicodeDecodeError:
        raise NoteError("The note is not text in UTF-8.") from None
    body, parted, lines = whole.rpartition("\n\n")
    text = f"{body}\n"
    _check_text(text)
    if not parted or not lines.endswith("\n"):
        raise NoteError("The note has no signatures.")
    signatures = [_signature(line) for line in lines.removesuffix("\n").split("\n")]
    if len(signatures) > SIGNATURES_MAX:
        message = f"The note has more than {SIGNATURES_MAX} signatures."
        raise NoteError(message)
    return Note(text, tuple(signatures))


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise NoteError("The note has a line below its text that is no signature.")
    _check_name(name)
    content = from_base64(encoded)
    if len(content) <= ID_BYTES:
        raise NoteError("The note has a signature that is too short.")
    return Signature(name, content[:ID_BYTES], content[ID_BYTES:])


def cosigned(text: str, seconds: int) -> bytes:
    """Return what a witness signs: a checkpoint's text, and when it was seen, in seconds since 1970."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def to_base64(content: bytes) -> str:
    """Return bytes in base64, with padding."""
    return base64.b64encode(content).decode()


def from_base64(text: str) -> bytes:
    """Return the bytes that base64 stands for; only the one way to write them will do. Raises ``NoteError``."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        content = b""
    # Python, too, takes digits that set unused bits: then one signature could be written in several ways.
    if not content or to_base64(content) != text:
        raise NoteError("The note or key holds what is not base64.")
    return content


def _id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:ID_BYTES]


def _time(content: bytes) -> int:
    if len(content) != TIME_BYTES + SIGNATURE_BYTES:
        raise NoteError("A cosignature is not as long as one must be.")
    return int.from_bytes(content[:TIME_BYTES], "big")


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        message = f"{name!r} is no name of a key: it may hold neither blanks nor plus signs."
        raise NoteError(message)


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(character < " " and character != "\n" for character in text):
        raise NoteError("The text of a note must be lines without control characters.")
