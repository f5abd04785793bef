"""Proofs for the schema, from the trail's files: read in threads, so that a slow disk keeps nobody else waiting."""

import asyncio

from ...graphql.ports import Inclusion as Proven
from ...graphql.problems import Problem, ProblemCode, bad_input
from ..trail.errors import NotPublished, TrailError
from ..trail.folder import TrailFolder
from ..trail.proof_file import Proof, write_proof
from ..trail.proving import Consistency, Inclusion, Prover

_DAMAGED = "The log's files cannot be read at this moment; its operator can find out why (knelpunt log fsck)."


class PublishedTrail:
    """What was published at one moment: all proofs of a request are by one checkpoint."""

    def __init__(self, prover: Prover) -> None:
        self._prover = prover

    @classmethod
    async def now(cls, folder: TrailFolder | None) -> "PublishedTrail | None":
        """Return what is published at this moment; none before anything is."""
        if folder is None:
            return None
        try:
            return cls(await asyncio.to_thread(Prover, folder))
        except NotPublished:
            return None
        except (TrailError, OSError) as error:
            raise Problem(ProblemCode.UNAVAILABLE, _DAMAGED) from error

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._prover.checkpoint.origin

    @property
    def size(self) -> int:
        """How many entries the checkpoint covers."""
        return self._prover.checkpoint.size

    @property
    def root(self) -> bytes:
        """The root over them."""
        return self._prover.checkpoint.root

    @property
    def note(self) -> str:
        """The checkpoint as it is signed."""
        return self._prover.note.decode()

    async def inclusion(self, position: int, size: int | None) -> Inclusion:
        """Return the proof for an entry. Raises ``Problem``."""
        try:
            return await asyncio.to_thread(self._prover.inclusion, position, size)
        except NotPublished as error:
            raise bad_input(str(error)) from error
        except (TrailError, OSError) as error:
            raise Problem(ProblemCode.UNAVAILABLE, _DAMAGED) from error

    async def consistency(self, old: int, new: int | None) -> Consistency:
        """Return the proof that the log goes on from what it was. Raises ``Problem``."""
        try:
            return await asyncio.to_thread(self._prover.consistency, old, new)
        except NotPublished as error:
            raise bad_input(str(error)) from error
        except (TrailError, OSError) as error:
            raise Problem(ProblemCode.UNAVAILABLE, _DAMAGED) from error

    def proof_file(self, found: Proven) -> str:
        """Return the proof file of an entry that was proven in the tree of the checkpoint."""
        return write_proof(Proof(found.index, found.hashes, self._prover.note)).decode()
