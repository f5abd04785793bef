"""The public negative vectors for Merkle proofs, made again: each way to spoil one, over the eight published leaves.

The vectors themselves are files of another project (transparency-dev/merkle, testdata), which spoil proofs over these
same leaves; here each of their ways is done to every proof of the tree, and asked of both of our verifiers. They
are made again because no package of Debian, npm or PyPI was found to carry the files, and modules of Go are out of
reach here.
"""

from collections.abc import Iterator
from hashlib import sha256

import pytest

from infra.trail.slow import SlowLog
from infra.trail.vectors import LEAVES
from knelpunt.infra.trail import merkle, verify

SLOW = SlowLog(LEAVES)
SIZE = len(LEAVES)
EMPTY = merkle.EMPTY_ROOT
RANDOM = sha256(b"WrongRoot").digest()

Proof = list[bytes]
Inclusion = tuple[int, int, bytes, Proof, bytes]
Consistency = tuple[int, int, Proof, bytes, bytes]


def spoilt(proof: Proof, *roots: bytes) -> Iterator[tuple[str, Proof]]:
    """Yield a proof in each way in which the hashes of one are spoilt."""
    for place, each in enumerate(proof):
        flipped = bytes([each[0] ^ 1 << 4, *each[1:]])
        yield f"modified-proof[{place}]-bit-4", [*proof[:place], flipped, *proof[place + 1 :]]
        yield f"removed-component[{place}]", [*proof[:place], *proof[place + 1 :]]
        yield f"truncated-component[{place}]", [*proof[:place], each[:-1], *proof[place + 1 :]]
    if proof:
        yield "empty-proof", []
        yield "truncated-proof", proof[:-1]
        yield "preceding-proof[0]", [proof[0], *proof]
    for name, more in (
        ("garbage", b"\x00" * 32),
        ("empty", b""),
        *((f"root{n}", root) for n, root in enumerate(roots)),
    ):
        yield f"trailing-{name}", [*proof, more]
        yield f"preceding-{name}", [more, *proof]


def inclusions(index: int, size: int) -> Iterator[tuple[str, Inclusion]]:
    """Yield the spoilt forms of one inclusion proof."""
    leaf, root = SLOW.leaves[index], SLOW.mth(0, size)
    proof = SLOW.path(index, 0, size)
    for name, changed in spoilt(proof, root, leaf):
        yield name, (index, size, leaf, changed, root)
    for name, place in (("-1", index - 1), ("+1", index + 1), ("^2", index ^ 2)):
        yield f"leafIdx{name}", (place, size, leaf, proof, root)
    for name, other in (("*2", size * 2), ("/2", size // 2)):
        if merkle_shape(index, other) != merkle_shape(index, size):
            yield f"treeSize{name}", (index, other, leaf, proof, root)
    yield "wrong-leaf", (index, size, sha256(b"WrongLeaf").digest(), proof, root)
    if root != EMPTY:
        yield "empty-root", (index, size, leaf, proof, EMPTY)
    yield "wrong-root", (index, size, leaf, proof, RANDOM)
    yield "no-root", (index, size, leaf, proof, b"")


def merkle_shape(index: int, size: int) -> tuple[int, int] | None:
    """Return how many hashes of each sort lead from an entry to the root; none for one outside the tree."""
    if not 0 <= index < size:
        return None
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def consistencies(old: int, new: int) -> Iterator[tuple[str, Consistency]]:
    """Yield the spoilt forms of one consistency proof."""
    before, after = SLOW.mth(0, old), SLOW.mth(0, new)
    proof = SLOW.subproof(old, 0, new, True)
    for name, changed in spoilt(proof, before, after):
        yield name, (old, new, changed, before, after)
    for name, size in (("-1", old - 1), ("+1", old + 1), ("^2", old ^ 2)):
        if size:  # with the root of nothing, the empty tree is before every other
            yield f"size1{name}", (size, new, proof, before, after)
    yield "size2-smaller", (old, old - 1, proof, before, after)
    yield "wrong-root1", (old, new, proof, RANDOM, after)
    yield "wrong-root2", (old, new, proof, before, RANDOM)
    yield "swapped-roots", (old, new, proof, after, before)
    yield "swapped-sizes", (new, old, proof, before, after)


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_spoilt_inclusion_proofs(size) -> None:
    """None of them verifies, by the registry's own verifier or by the one that auditors get."""
    for index in range(size):
        leaf, root, proof = SLOW.leaves[index], SLOW.mth(0, size), SLOW.path(index, 0, size)
        assert merkle.verifies_inclusion(index, size, leaf, proof, root)
        assert verify.is_included(index, size, leaf, proof, root)
        forms = list(inclusions(index, size))
        assert [name for name, form in forms if merkle.verifies_inclusion(*form)] == []
        assert [name for name, form in forms if verify.is_included(*form)] == []


@pytest.mark.parametrize("new", range(2, SIZE + 1))
def test_spoilt_consistency_proofs(new) -> None:
    """None of them verifies."""
    for old in range(1, new):
        proof = SLOW.subproof(old, 0, new, True)
        assert merkle.verifies_consistency(old, new, proof, SLOW.mth(0, old), SLOW.mth(0, new))
        accepted = [name for name, form in consistencies(old, new) if merkle.verifies_consistency(*form)]
        assert accepted == [], (old, new)


def test_as_many_as_are_published() -> None:
    """Of each sort there are more than the 98 of the published set."""
    assert sum(1 for size in range(1, SIZE + 1) for index in range(size) for _ in inclusions(index, size)) > 98
    assert sum(1 for new in range(2, SIZE + 1) for old in range(1, new) for _ in consistencies(old, new)) > 98


@pytest.mark.parametrize(("old", "new"), [(0, 0), (3, 3), (8, 8)])
def test_one_size_twice(old, new) -> None:
    """It takes no proof, and the same root."""
    root = SLOW.mth(0, old)
    assert merkle.verifies_consistency(old, new, [], root, root)
    assert not merkle.verifies_consistency(old, new, [root], root, root)
    assert not merkle.verifies_consistency(old, new, [], root, RANDOM)
