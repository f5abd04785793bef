"""Verifies a bundle of a registry's log, or one proof file, with nothing but this file and Python's standard library.

    python3 verify.py [FOLDER] [--key KEY | --policy FILE] [--since CHECKPOINT]
    python3 verify.py PROOF.tlog-proof (--key KEY | --policy FILE) [--entry FILE]

FOLDER is a bundle (`knelpunt log bundle` writes one); without it, the folder in which this file lies. KEY is the log's
public key as text (name+id+key); have it from somebody you trust, and not from the bundle.
CHECKPOINT is one that you kept from before: the log must begin with exactly what it covered.

It takes nothing on trust: every entry is hashed, every tile compared, the root computed and the signatures checked.
Exit status: 0 verified, 1 not verified, 2 wrong usage. Formats: C2SP signed-note, tlog-checkpoint, tlog-cosignature,
tlog-tiles, tlog-proof and tlog-policy; trees: RFC 6962, section 2.1; signatures: Ed25519, RFC 8032.
"""

import argparse
import base64
import re
import sys
from collections.abc import Sequence
from functools import reduce
from hashlib import sha256, sha512
from pathlib import Path
from typing import NamedTuple, NoReturn

WIDTH = 256  # the hashes of a full tile, and the entries of a full bundle
HASH, SIGNATURE, KEY_ID = 32, 64, 4  # lengths in bytes; a public key is as long as a hash
SIGNATURES_MAX = 64
ED25519, COSIGNATURE = 1, 4  # sorts of keys
NAME, NUMBER = re.compile(r"[^\s+\x00-\x1f]+"), re.compile(r"0|[1-9][0-9]{0,18}")
DASH = "\N{EM DASH} "


class NotVerified(Exception):  # noqa: N818  named for what it is
    """Something is not as it must be; the message says what."""


def fail(message: str) -> NoReturn:
    """Stop, because of what the message says."""
    raise NotVerified(message)


# Ed25519 (RFC 8032, section 5.1). Verifying holds no secret, so it need not take the same time always.

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def add(one: Point, other: Point) -> Point:
    """Return the sum of two points, in extended coordinates."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    """Return a multiple of a point."""
    found = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = add(found, point)
        point = add(point, point)
        scalar >>= 1
    return found


def point_of(encoded: bytes) -> Point | None:
    """Return the point that 32 bytes stand for; none if there is none, or another way to write it."""
    sign, y = divmod(int.from_bytes(encoded, "little"), 1 << 255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature of 64 bytes is a key's over a message."""
    point, scalar = point_of(public), int.from_bytes(signature[32:], "little")
    if len(signature) != SIGNATURE or point is None or BASE is None or scalar >= ORDER:
        return False
    hashed = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus = (P - point[0], point[1], point[2], P - point[3])
    x, y, z, _ = add(times(scalar, BASE), times(hashed, minus))
    x, y = x * pow(z, -1, P) % P, y * pow(z, -1, P) % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


class Key(NamedTuple):
    """A public key."""

    name: str
    id: bytes
    kind: int
    public: bytes


class Checkpoint(NamedTuple):
    """What a log says about itself, and the names of the keys that say so."""

    origin: str
    size: int
    root: bytes
    by: tuple[str, ...]


def unbase64(text: str) -> bytes:
    """Return what base64 stands for; only the one way to write it will do."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""
    if content and base64.b64encode(content).decode() == text:
        return content
    fail("There is something else where base64 must be.")


def number(text: str) -> int:
    """Return a number that is written in the one way."""
    if not NUMBER.fullmatch(text):
        fail(f"{text[:20]!r} is no number.")
    return int(text)


def key_of(text: str) -> Key:
    """Return the key that `name+id+key` stands for."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    content = unbase64(encoded)
    computed = sha256(name.encode() + b"\n" + content).digest()[:KEY_ID]
    if len(content) != 1 + HASH or computed.hex() != key_id or not NAME.fullmatch(name):
        fail(f"The key of {name} is none, or not under its own id.")
    return Key(name, computed, content[0], content[1:])


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a text, which must all be ended and without control characters."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        fail("A file that must be text is none.")
    if not text.endswith("\n") or any(character < " " and character != "\n" for character in text):
        fail("A file that must be lines of text is not.")
    return text[:-1].split("\n")


def signers(content: bytes, keys: Sequence[Key]) -> tuple[list[str], set[Key]]:
    """Return the lines of a note's text, and who of `keys` signed it; a wrong signature of one of them fails."""
    lines = lines_of(content)
    parted = len(lines) - 1 - lines[::-1].index("") if "" in lines else len(lines)
    text = "".join(f"{line}\n" for line in lines[:parted])
    signatures, found = lines[parted + 1 :], set[Key]()
    if not 1 <= len(signatures) <= SIGNATURES_MAX:
        fail("The note has no signatures, or too many.")
    for line in signatures:
        name, _, encoded = line.removeprefix(DASH).partition(" ")
        signature = unbase64(encoded)
        if not line.startswith(DASH) or not NAME.fullmatch(name) or not signature[KEY_ID:]:
            fail("The note has a line that is no signature.")
        for key in keys:
            if (key.name, key.id) == (name, signature[:KEY_ID]) and key not in found:
                message, rest = text, signature[KEY_ID:]
                if key.kind == COSIGNATURE:
                    message = f"cosignature/v1\ntime {int.from_bytes(rest[:8], 'big')}\n{text}"
                    rest = rest[8:]
                if not is_signed(key.public, message.encode(), rest):
                    fail(f"The signature of {name} is wrong.")
                found.add(key)
    return lines[:parted], found


class Policy:
    """Which log counts, and whose cosignatures its checkpoints need."""

    def __init__(self, content: bytes) -> None:
        """Read a policy file."""
        self.logs: list[Key] = []
        self.log_lines: list[str] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum = ""
        for line in lines_of(content.replace(b"\t", b" ")):
            if words := line.split("#", 1)[0].split():
                self._take(words, line)
        if not self.quorum:
            fail("The policy has no quorum.")

    def _take(self, words: list[str], line: str) -> None:
        named = {"none", *self.witnesses, *self.groups}
        match words:
            case ["log", key, *url] if len(url) <= 1 and key_of(key).kind == ED25519:
                self.logs.append(key_of(key))
                self.log_lines.append(key)
            case ["witness", name, key, *url] if (
                len(url) <= 1 and name not in named and key_of(key).kind == COSIGNATURE
            ):
                self.witnesses[name] = key_of(key)
            case ["group", name, count, *members] if name not in named and set(members) <= named - {"none"}:
                least = number({"any": "1", "all": str(len(members))}.get(count, count))
                if not 1 <= least <= len(members):
                    fail(f"The policy cannot be met: {line}")
                self.groups[name] = least, members
            case ["quorum", name] if name in named and not self.quorum:
                self.quorum = name
            case _:
                fail(f"The policy has a line that means nothing: {line}")

    def checkpoint(self, content: bytes) -> Checkpoint:
        """Return the checkpoint of a signed note, if it shows all that the policy asks."""
        lines, by = signers(content, [*self.logs, *self.witnesses.values()])
        if lines[2:] == [] or not all(lines):
            fail("The note is no checkpoint.")
        found = Checkpoint(lines[0], number(lines[1]), unbase64(lines[2]), tuple(sorted(key.name for key in by)))
        if not any(key in by and key.name == found.origin for key in self.logs):
            fail(f"The checkpoint of {found.origin} is not signed by the log's key.")
        if not self._met(self.quorum, {name for name, key in self.witnesses.items() if key in by}):
            fail(f"The checkpoint lacks cosignatures: the policy asks for {self.quorum}.")
        return found

    def _met(self, name: str, by: set[str]) -> bool:
        least, members = self.groups.get(name, (0, []))
        return name == "none" or name in by or (least > 0 and sum(self._met(each, by) for each in members) >= least)


def content_of(path: Path) -> bytes:
    """Return the bytes of a file. Raises `NotVerified`."""
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path} cannot be read ({error.strerror}).")


def hash_of(*parts: bytes) -> bytes:
    """Return the hash of an entry, or over two hashes (RFC 6962: the one after a zero, the others after a one)."""
    return sha256(bytes([len(parts) - 1]) + b"".join(parts)).digest()


def is_included(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that a leaf stands in a tree."""
    inner = (index ^ (size - 1)).bit_length() if index < size else -1
    if inner < 0 or len(proof) != inner + (index >> inner).bit_count() or any(len(each) != HASH for each in proof):
        return False
    for height, sibling in enumerate(proof):
        from_left = height >= inner or index >> height & 1
        leaf = hash_of(sibling, leaf) if from_left else hash_of(leaf, sibling)
    return leaf == root


class Tree:
    """A tree to which hashes are added from left to right: the roots of its perfect parts, the largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.parts: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add a hash."""
        self.parts.append(leaf)
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            self.parts[-2:] = [hash_of(*self.parts[-2:])]

    def root(self) -> bytes:
        """Return the root over all that was added."""
        parts = reversed(self.parts)
        return reduce(lambda right, left: hash_of(left, right), parts) if self.parts else sha256().digest()


def tile_name(level: int | str, at: int, width: int) -> str:
    """Return the name of a tile, or of a bundle if the level is `entries`."""
    digits = str(at).zfill(3)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    name = f"tile/{level}/" + "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
    return name if width == WIDTH else f"{name}.p/{width}"


def entries_at(folder: Path, at: int, width: int) -> list[bytes]:
    """Return the entries of a bundle, which must hold exactly so many."""
    name = tile_name("entries", at, width)
    content = content_of(folder / name)
    entries: list[bytes] = []
    start = 0
    while start < len(content):
        end = start + 2 + int.from_bytes(content[start : start + 2], "big")
        entries.append(content[start + 2 : end])
        start = end
    if start != len(content) or len(entries) != width:
        fail(f"{name} does not hold {width} whole entries.")
    return entries


def check_tile(folder: Path, level: int, at: int, hashes: Sequence[bytes]) -> bytes | None:
    """See that a tile holds these hashes; return the root over them if it is full."""
    name = tile_name(level, at, len(hashes))
    if content_of(folder / name) != b"".join(hashes):
        fail(f"{name} does not hold the hashes of what is below it.")
    tree = Tree()
    for each in hashes:
        tree.add(each)
    return tree.root() if len(hashes) == WIDTH else None


def check_tiles(folder: Path, size: int, since: int) -> tuple[bytes, bytes]:
    """Hash all entries, compare all tiles, and return the roots of the whole tree and of its first `since` entries."""
    tree, old = Tree(), Tree().root()
    roots: list[bytes] = []
    for start in range(0, size, WIDTH):
        entries = entries_at(folder, start // WIDTH, min(WIDTH, size - start))
        hashes = [hash_of(entry) for entry in entries]
        root = check_tile(folder, 0, start // WIDTH, hashes)
        roots += [root] if root else []
        for each in hashes:
            tree.add(each)
            old = tree.root() if tree.size == since else old
    level = 1
    while roots:
        starts = range(0, len(roots), WIDTH)
        above = [check_tile(folder, level, start // WIDTH, roots[start : start + WIDTH]) for start in starts]
        roots, level = [root for root in above if root], level + 1
    return tree.root(), old


def verify_folder(folder: Path, policy: Policy, since: bytes | None = None) -> Checkpoint:
    """Verify a bundle, and that it begins with what an older checkpoint covered. Raises `NotVerified`."""
    found = policy.checkpoint(content_of(folder / "checkpoint"))
    before = None if since is None else policy.checkpoint(since)
    if before is not None and (before.size > found.size or before.origin != found.origin):
        fail(f"The log has {found.size} entries, and had {before.size}: it is not the same one, or was cut off.")
    root, old = check_tiles(folder, found.size, 0 if before is None else before.size)
    if root != found.root:
        fail("The entries are not those that the checkpoint is about.")
    if before is not None and old != before.root:
        fail(f"The first {before.size} entries are not those that the older checkpoint was about: they were changed.")
    return found


def verify_proof(content: bytes, policy: Policy, entry: bytes | None = None) -> tuple[int, Checkpoint]:
    """Verify a proof file, for the entry given or else for the one within. Raises `NotVerified`."""
    head, _, note = content.partition(b"\n\n")
    header, *lines = lines_of(head + b"\n")
    within = unbase64(lines.pop(0)[len("extra ") :]) if lines and lines[0].startswith("extra ") else None
    if header != "c2sp.org/tlog-proof@v1" or not lines or not lines[0].startswith("index "):
        fail("This is no proof file.")
    index, proof = number(lines[0][len("index ") :]), [unbase64(line) for line in lines[1:]]
    entry = within if entry is None else entry
    if entry is None:
        fail("The proof does not hold the entry that it is about: give it with --entry.")
    found = policy.checkpoint(note)
    if not is_included(index, found.size, hash_of(entry), proof, found.root):
        fail("The proof does not show that this entry stands in the log.")
    return index, found


def main(arguments: Sequence[str]) -> int:
    """Verify what the arguments name, say what was found, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", type=Path, default=Path(__file__).parent, metavar="FOLDER|PROOF")
    trusted = parser.add_mutually_exclusive_group()
    trusted.add_argument("--key", help="the log's public key: name+id+key")
    trusted.add_argument("--policy", type=Path, help="a policy file: which log, and whose cosignatures")
    parser.add_argument("--since", type=Path, metavar="CHECKPOINT", help="a checkpoint kept from before")
    parser.add_argument("--entry", type=Path, metavar="FILE", help="the entry that a proof is about")
    given = parser.parse_args(arguments)
    bundle = given.what.is_dir()
    if (given.entry and bundle) or (given.since and not bundle) or not (bundle or given.key or given.policy):
        parser.error("a bundle takes --since, and a proof --entry and one of --key and --policy")
    try:
        if given.key:
            policy = Policy(f"log {given.key}\nquorum none\n".encode())
        else:
            policy = Policy(content_of(given.policy or given.what / "policy"))
            if not given.policy and lines_of(content_of(given.what / "log.vkey")) != policy.log_lines:
                fail("The bundle's log.vkey is not the key that its policy names.")
        if bundle:
            found = verify_folder(given.what, policy, content_of(given.since) if given.since else None)
            said = f"{found.size} entries of {found.origin}, whole and as signed by {', '.join(found.by)}"
        else:
            entry = content_of(given.entry) if given.entry else None
            index, found = verify_proof(content_of(given.what), policy, entry)
            said = f"entry {index} of {found.size} of {found.origin}, signed by {', '.join(found.by)}"
    except NotVerified as error:
        sys.stdout.write(f"NOT VERIFIED: {error}\n")
        return 1
    sys.stdout.write(f"Verified: {said}; root {base64.b64encode(found.root).decode()}.\n")
    if not (given.key or given.policy):
        sys.stdout.write("The key is the bundle's own: compare log.vkey with the key that you have from elsewhere.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
