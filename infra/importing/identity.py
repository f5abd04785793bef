"""The ids of what an import makes: the same row of the same source always leads to the same ones.

All are UUIDv5 of the source's name, the trace's and the number of the event within its trace, so that importing a
file twice adds nothing and importing a longer version of it adds what is new.
"""

from base64 import b32encode
from hashlib import sha1
from uuid import UUID, uuid5

from ...domain.ids import NAMESPACE, name_based


def case_id_of(source: str, case: str) -> UUID:
    """Return the case's id; a source's name holds no slash, so no two pairs run into each other."""
    return uuid5(NAMESPACE, f"import/{source}/{case}")


class CaseNames:
    """The ids of what belongs to one imported case."""

    __slots__ = ("_hash", "case")

    def __init__(self, source: str, case: str) -> None:
        self.case = case_id_of(source, case)
        # UUIDv5 is SHA-1 of the namespace and then the name. Hashing the namespace once a case instead of once an id
        # makes this three times as fast as uuid5, and ids are most of what an import computes.
        self._hash = sha1(self.case.bytes, usedforsecurity=False)

    @property
    def obstacle(self) -> UUID:
        """The one obstacle of a case whose log names none."""
        return self._named(b"obstacle")

    def named_obstacle(self, name: str) -> UUID:
        """Return the id of an obstacle that the log names, within this case."""
        return self._named(b"obstacle/" + name.encode())

    @property
    def subject(self) -> UUID:
        """The pseudonym of the one subject; who that is, the log does not say."""
        return self._named(b"subject")

    def subject_at(self, place: int) -> UUID:
        """Return the pseudonym of the subject whom an exported case's opening names in a place, from 0."""
        return self._named(b"subject/%d" % place) if place else self.subject

    def handoff(self, number: int, obstacle: str = "") -> UUID:
        """Return the id of the handoff that event ``number`` of the trace begins: at most one for each obstacle.

        ``obstacle`` is the obstacle's name in the log, if it has one.
        """
        return self._named(b"handoff/%d/%b" % (number, obstacle.encode()) if obstacle else b"handoff/%d" % number)

    def command(self, number: int, ordinal: int) -> UUID:
        """Return the id of the ``ordinal``-th command (from 1) that event ``number`` (from 1) of the trace leads to."""
        return self._named(b"event/%d/%d" % (number, ordinal))

    def told(self, id_: UUID) -> UUID:
        """Return the id here of what has another one in the registry that the log comes from."""
        return self._named(b"told/" + id_.bytes)

    def _named(self, name: bytes) -> UUID:
        """Return ``uuid5(self.case, name)``."""
        hashed = self._hash.copy()
        hashed.update(name)
        return name_based(hashed.digest())


def registration_id_of(source: str, organisation: str) -> UUID:
    """Return the id of the command by which a source makes an organisation known."""
    return uuid5(NAMESPACE, f"import-organisation/{source}/{organisation}")


def reference_of(case: UUID) -> str:
    """Return the code by which people name an imported case: 76 bits of its id, so that it too comes out the same."""
    code = b32encode(case.bytes[:10]).decode("ascii")
    return "-".join(code[start : start + 4] for start in range(0, 16, 4))
