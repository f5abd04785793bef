"""The Merkle tree over the entries: its hashes, its proofs, and verifying them (RFC 6962 and 9162, section 2.1).

Pure. A tree is given as a function that returns the hash of any of its perfect subtrees, so that the same proofs come
from memory, from tiles on disk and from tiles of another server.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()

NodeAt = Callable[[int, int], bytes]
"""The hash of a perfect subtree: ``node(height, number)`` covers the entries from ``number << height`` on, and
``1 << height`` of them."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash under which an entry stands in the tree."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of what joins two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of equal height, as many as a power of two, and at least one."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def range_hash(start: int, end: int, node: NodeAt) -> bytes:
    """Return the hash over the entries from ``start`` up to ``end``, which is not among them.

    It must be a range that the recursion of RFC 6962 comes by: ``start`` is a multiple of a power of two that is not
    smaller than the range.
    """
    count = end - start
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        return node(height, start >> height)
    middle = start + _split(count)
    return node_hash(range_hash(start, middle, node), range_hash(middle, end, node))


def root_hash(size: int, node: NodeAt) -> bytes:
    """Return the root of the tree over the first ``size`` entries."""
    return range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeAt) -> list[bytes]:
    """Return the proof that the entry at ``index`` stands in the tree of ``size``: the leaf's sibling first.

    Raises ``IndexError`` for an index outside the tree.
    """
    if not 0 <= index < size:
        message = f"There is no entry {index} in a tree of {size}."
        raise IndexError(message)
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(range_hash(middle, end, node))
            end = middle
        else:
            proof.append(range_hash(start, middle, node))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, node: NodeAt) -> list[bytes]:
    """Return the proof that the tree of ``new`` entries begins with that of ``old``. Raises ``IndexError``."""
    if not 0 <= old <= new:
        message = f"A tree of {new} cannot begin with one of {old}."
        raise IndexError(message)
    if old in {0, new}:
        return []
    proof: list[bytes] = []
    start, end = 0, new
    whole = True  # what is left of the old tree is that tree itself, which the verifier has
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(range_hash(middle, end, node))
            end = middle
        else:
            proof.append(range_hash(start, middle, node))
            start = middle
            whole = False
    if not whole:
        proof.append(range_hash(start, end, node))
    return proof[::-1]


def verifies_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that ``leaf`` stands at ``index`` in the tree of ``size`` with this root."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *proof]):
        return False
    inner = (index ^ (size - 1)).bit_length()
    if len(proof) != inner + (index >> inner).bit_count():
        return False
    found = leaf
    for height, sibling in enumerate(proof[:inner]):
        found = node_hash(sibling, found) if index >> height & 1 else node_hash(found, sibling)
    for sibling in proof[inner:]:
        found = node_hash(sibling, found)
    return found == root


def verifies_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Return whether a proof shows that the tree of ``new`` entries begins with that of ``old``, by their roots."""
    if not 0 <= old <= new or not _are_hashes([old_root, new_root, *proof]):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    shift = (old & -old).bit_length() - 1
    inner = ((old - 1) ^ (new - 1)).bit_length() - shift
    border = ((old - 1) >> (inner + shift)).bit_count()
    start = 0 if old == 1 << shift else 1
    if len(proof) != start + inner + border:
        return False
    of_old = of_new = proof[0] if start else old_root
    mask = (old - 1) >> shift
    for height, sibling in enumerate(proof[start : start + inner]):
        if mask >> height & 1:
            of_old, of_new = node_hash(sibling, of_old), node_hash(sibling, of_new)
        else:
            of_new = node_hash(of_new, sibling)
    for sibling in proof[start + inner :]:
        of_old, of_new = node_hash(sibling, of_old), node_hash(sibling, of_new)
    return of_old == old_root and of_new == new_root


def _split(count: int) -> int:
    """Return the largest power of two that is smaller than ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
