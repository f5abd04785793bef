"""The Merkle tree: the published vectors, every small tree against a slow one, and proofs that must not verify."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.trail.slow import SlowLog
from infra.trail.vectors import LEAVES
from knelpunt.infra.trail import merkle

ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MOST = 40
LOG = SlowLog([f"entry {number}".encode() for number in range(MOST)])


def of(log: SlowLog) -> merkle.NodeAt:
    """The perfect subtrees of a slow log."""
    return lambda height, number: log.mth(number << height, (number + 1) << height)


VECTORS = of(SlowLog(LEAVES))


def hexes(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_vectors(size) -> None:
    """The eight published leaves have the published roots, by our hashes and by the slow builder's."""
    node = of(SlowLog(LEAVES[:size]))
    assert merkle.root_hash(size, node).hex() == ROOTS[size]
    assert [merkle.leaf_hash(each) for each in LEAVES[:size]] == SlowLog(LEAVES[:size]).leaves


def test_proofs_of_the_vectors() -> None:
    """The published proofs come out hash for hash, and verify."""
    inclusion = hexes(
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[4],
    )
    assert merkle.inclusion_proof(5, 8, VECTORS) == inclusion
    assert merkle.verifies_inclusion(5, 8, merkle.leaf_hash(LEAVES[5]), inclusion, bytes.fromhex(ROOTS[8]))
    three_to_seven = hexes(
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        ROOTS[2],
        "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
    )
    assert merkle.consistency_proof(3, 7, VECTORS) == three_to_seven
    assert merkle.verifies_consistency(3, 7, three_to_seven, bytes.fromhex(ROOTS[3]), bytes.fromhex(ROOTS[7]))
    six_to_eight = hexes(
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[4],
    )
    assert merkle.consistency_proof(6, 8, VECTORS) == six_to_eight
    assert merkle.verifies_consistency(6, 8, six_to_eight, bytes.fromhex(ROOTS[6]), bytes.fromhex(ROOTS[8]))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 21, 32, 33, MOST])
def test_every_proof_of_small_trees(size) -> None:
    """Each inclusion and consistency proof is the slow log's, verifies, and verifies for nothing else."""
    node, root = of(LOG), LOG.mth(0, size)
    assert merkle.root_hash(size, node) == root
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, node)
        assert proof == LOG.path(index, 0, size)
        assert merkle.verifies_inclusion(index, size, LOG.leaves[index], proof, root)
        assert not merkle.verifies_inclusion(index + 1, size, LOG.leaves[index], proof, root)
        assert not merkle.verifies_inclusion(index, size, LOG.leaves[index], [*proof, root], root)
        assert not merkle.verifies_inclusion(index, size, merkle.leaf_hash(b"another"), proof, root)
    for old in range(size + 1):
        proof = merkle.consistency_proof(old, size, node)
        before = LOG.mth(0, old)
        assert proof == (LOG.subproof(old, 0, size, True) if old else [])
        assert merkle.verifies_consistency(old, size, proof, before, root)
        assert not merkle.verifies_consistency(old, size, [*proof, root], before, root)
        assert not merkle.verifies_consistency(old, size, proof, sha256(b"another").digest(), root)


@given(st.data())
def test_no_changed_proof_verifies(data) -> None:
    """A proof in which one bit is flipped, or a hash dropped, doubled or moved, does not verify."""
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))
    node, root = of(LOG), LOG.mth(0, size)
    inclusion = merkle.inclusion_proof(index, size, node)
    consistency = merkle.consistency_proof(old, size, node)
    for proof, verifies in (
        (inclusion, lambda changed: merkle.verifies_inclusion(index, size, LOG.leaves[index], changed, root)),
        (consistency, lambda changed: merkle.verifies_consistency(old, size, changed, LOG.mth(0, old), root)),
    ):
        assert verifies(proof)
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
        assert not verifies([*proof[:at], flipped, *proof[at + 1 :]])
        assert not verifies([*proof[:at], *proof[at + 1 :]])
        assert not verifies([*proof[:at], proof[at], *proof[at:]])
        assert not verifies([*proof[:at], proof[at][:-1], *proof[at + 1 :]])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (4, 3)])
def test_no_entry_outside_the_tree(index, size) -> None:
    """An index outside the tree has no proof, and none verifies."""
    with pytest.raises(IndexError):
        merkle.inclusion_proof(index, size, of(LOG))
    root = LOG.mth(0, size)
    assert not merkle.verifies_inclusion(index, size, LOG.leaves[0], [], root)


def test_no_tree_begins_with_a_longer_one() -> None:
    """Consistency goes forwards only, and the empty tree has one root."""
    with pytest.raises(IndexError):
        merkle.consistency_proof(4, 3, of(LOG))
    assert not merkle.verifies_consistency(4, 3, [], LOG.mth(0, 4), LOG.mth(0, 3))
    assert not merkle.verifies_consistency(0, 3, [], LOG.mth(0, 1), LOG.mth(0, 3))
    assert merkle.verifies_consistency(0, 3, [], merkle.EMPTY_ROOT, LOG.mth(0, 3))
