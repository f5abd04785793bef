"""The log for auditors, as far as it is asked for here: what is published, and proofs that a client can check itself.

Hashes are SHA-256 in base64. The whole of the log is at ``/log/`` as files.
"""

import base64
from typing import Annotated

import strawberry

from .ports import Trail
from .problems import Problem, ProblemCode
from .scalars import Position

TreeSize = Annotated[
    Position | None,
    strawberry.argument(description="In the tree of so many entries; if not given, the published one's."),
]


@strawberry.type(description="What the log signs about itself (C2SP tlog-checkpoint).")
class Checkpoint:
    """A published checkpoint."""

    origin: str = strawberry.field(description="The log's name, which is that of its key.")
    size: Position = strawberry.field(description="How many entries it covers: positions 0 up to this, which is not.")
    root_hash: str = strawberry.field(description="The root of the tree over them.")
    note: str = strawberry.field(description="The checkpoint as it is signed, to the byte.")


@strawberry.type(description="That an event's entry stands in the log (RFC 6962, section 2.1.1).")
class InclusionProof:
    """Proof of one entry."""

    trail: strawberry.Private[Trail]

    position: Position = strawberry.field(description="The event's position.")
    tree_size: Position = strawberry.field(description="The number of entries of the tree in which it stands.")
    leaf_hash: str = strawberry.field(description="The hash of its entry.")
    hashes: list[str] = strawberry.field(description="The hashes up to the root, the leaf's sibling first.")
    root_hash: str = strawberry.field(description="The root of that tree.")
    proof_file: str | None = strawberry.field(
        description=(
            "All of it with the signed checkpoint as a .tlog-proof file, to be checked offline; null for a tree other "
            "than the published one."
        )
    )

    @strawberry.field(description="The published checkpoint; its tree is this one unless treeSize says otherwise.")
    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint by which it is proven."""
        return checkpoint_of(self.trail)


@strawberry.type(description="That the log begins with what it was before (RFC 6962, section 2.1.2).")
class ConsistencyProof:
    """Proof that nothing that was published has been changed."""

    from_size: Position = strawberry.field(description="The size of the earlier tree.")
    to_size: Position = strawberry.field(description="The size of the later tree.")
    hashes: list[str] = strawberry.field(description="The hashes, in the order of the RFC.")
    from_root: str = strawberry.field(description="The root of the earlier tree: compare it with the one you kept.")
    to_root: str = strawberry.field(description="The root of the later tree.")


@strawberry.type(description="The log for auditors. All of it is at /log/ as files: /log/checkpoint and /log/tile/….")
class Log:
    """What is published of the log."""

    trail: strawberry.Private[Trail | None]

    @strawberry.field(description="The published checkpoint; null before anything is published.")
    def checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint."""
        return None if self.trail is None else checkpoint_of(self.trail)

    @strawberry.field(description="The proof that the entry of an event stands in the log.")
    async def inclusion(
        self,
        position: Annotated[Position, strawberry.argument(description="The event's position.")],
        tree_size: TreeSize = None,
    ) -> InclusionProof:
        """Return the proof of an entry."""
        return await inclusion(self._published(), position, tree_size)

    @strawberry.field(description="The proof that the log begins with what it was at an earlier size.")
    async def consistency(
        self,
        from_size: Annotated[Position, strawberry.argument(description="The earlier size.")],
        to_size: TreeSize = None,
    ) -> ConsistencyProof:
        """Return the proof that the log goes on from what it was."""
        found = await self._published().consistency(from_size, to_size)
        return ConsistencyProof(
            from_size=Position(found.old),
            to_size=Position(found.new),
            hashes=[_text(each) for each in found.hashes],
            from_root=_text(found.old_root),
            to_root=_text(found.new_root),
        )

    def _published(self) -> Trail:
        if self.trail is None:
            raise Problem(ProblemCode.NOT_YET, "No checkpoint of the log is published yet; ask again in a moment.")
        return self.trail


def checkpoint_of(trail: Trail) -> Checkpoint:
    """Return the checkpoint that is published."""
    return Checkpoint(origin=trail.origin, size=Position(trail.size), root_hash=_text(trail.root), note=trail.note)


async def inclusion(trail: Trail, position: int, size: int | None) -> InclusionProof:
    """Return the proof of an entry. Raises ``Problem``."""
    found = await trail.inclusion(position, size)
    return InclusionProof(
        trail=trail,
        position=Position(found.index),
        tree_size=Position(found.size),
        leaf_hash=_text(found.leaf),
        hashes=[_text(each) for each in found.hashes],
        root_hash=_text(found.root),
        proof_file=trail.proof_file(found) if found.size == trail.size else None,
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
