"""The ids of what an import makes: the same row of the same source always leads to the same ones.

All are UUIDv5 of the source's name, the trace's and the number of the event within its trace, so that importing a
file twice adds nothing and importing a longer version of it adds what is new.
"""

from base64 import b32encode
from uuid import UUID, uuid5

from ...domain.ids import NAMESPACE


def case_id_of(source: str, case: str) -> UUID:
    """Return the case's id; a source's name holds no slash, so no two pairs run into each other."""
    return uuid5(NAMESPACE, f"import/{source}/{case}")


def obstacle_id_of(case: UUID) -> UUID:
    """Return the id of the one obstacle of an imported case."""
    return uuid5(case, "obstacle")


def subject_id_of(case: UUID) -> UUID:
    """Return the pseudonym of the one subject of an imported case; who that is, the log does not say."""
    return uuid5(case, "subject")


def handoff_id_of(case: UUID, number: int) -> UUID:
    """Return the id of the handoff that event ``number`` of a trace begins: at most one, by the import rules."""
    return uuid5(case, f"handoff/{number}")


def command_id_of(case: UUID, number: int, ordinal: int) -> UUID:
    """Return the id of the ``ordinal``-th command (from 1) that event ``number`` (from 1) of a trace leads to."""
    return uuid5(case, f"event/{number}/{ordinal}")


def registration_id_of(source: str, organisation: str) -> UUID:
    """Return the id of the command by which a source makes an organisation known."""
    return uuid5(NAMESPACE, f"import-organisation/{source}/{organisation}")


def reference_of(case: UUID) -> str:
    """Return the code by which people name an imported case: 76 bits of its id, so that it too comes out the same."""
    code = b32encode(case.bytes[:10]).decode("ascii")
    return "-".join(code[start : start + 4] for start in range(0, 16, 4))
