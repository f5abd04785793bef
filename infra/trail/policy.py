"""Policy files: which log an auditor means, and whose cosignatures a checkpoint needs to count (C2SP tlog-policy).

Each line is one of ``log KEY [URL]``, ``witness NAME KEY [URL]``, ``group NAME COUNT MEMBER…`` and ``quorum NAME``.
COUNT is a number, ``any`` or ``all``; members are named on earlier lines; the quorum may be ``none``.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from .checkpoint import Checkpoint, of_log
from .note import COSIGNATURE, ED25519, NoteError, PublicKey, public_key, read_note

NONE: Final = "none"
POLICY_BYTES_MAX: Final = 1 << 16


class PolicyError(Exception):
    """A policy cannot be used; the message says which line and why, in one sentence."""


class Witness(Struct, frozen=True):
    """A witness by its name in the policy; ``url`` is where it takes checkpoints, if the policy says so."""

    name: str
    key: PublicKey
    url: str | None = None


class Group(Struct, frozen=True):
    """``count`` of these witnesses or groups must have cosigned."""

    count: int
    members: tuple[str, ...]


class Policy(Struct, frozen=True):
    """What a checkpoint must show: a signature of one of ``logs``, and the quorum; none means no cosignature."""

    logs: tuple[PublicKey, ...]
    witnesses: tuple[Witness, ...]
    groups: Mapping[str, Group]
    quorum: str

    def opened(self, content: bytes) -> Checkpoint:
        """Return the checkpoint that a note holds if it is all that the policy asks. Raises ``NoteError``."""
        note = read_note(content)
        by = [key for key, _ in note.signed_by([*self.logs, *(witness.key for witness in self.witnesses)])]
        log = next((key for key in by if key in self.logs), None)
        if log is None:
            raise NoteError("The checkpoint is not signed by the log that the policy names.")
        found = of_log(note, log)
        cosigned = {witness.name for witness in self.witnesses if witness.key in by}
        if self.quorum != NONE and not self._is_met(self.quorum, cosigned):
            message = f"The checkpoint lacks cosignatures: the policy asks for {self.quorum}."
            raise NoteError(message)
        return found

    def _is_met(self, name: str, cosigned: set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigned
        return sum(self._is_met(member, cosigned) for member in group.members) >= group.count


def read_policy(content: bytes) -> Policy:
    """Return the policy that a file holds. Raises ``PolicyError``."""
    try:
        text = content.decode() if len(content) <= POLICY_BYTES_MAX else ""
    except UnicodeDecodeError:
        text = ""
    if not text.endswith("\n") or any(character < " " and character not in "\n\t" for character in text):
        raise PolicyError("The policy is no text of lines.")
    reading = _Reading()
    for number, line in enumerate(text.split("\n")[:-1], 1):
        words = line.split("#", 1)[0].split()
        try:
            if words:
                reading.take(words)
        except (NoteError, _WrongLineError) as error:
            message = f"Line {number} of the policy cannot be used: {error}"
            raise PolicyError(message) from None
    if reading.quorum is None:
        raise PolicyError("The policy has no line 'quorum'; 'quorum none' asks for no cosignature.")
    return Policy(tuple(reading.logs), tuple(reading.witnesses), reading.groups, reading.quorum)


def policy_of_log(key: PublicKey) -> bytes:
    """Return the policy that asks for a log's own signature alone."""
    return f"log {key.text}\nquorum {NONE}\n".encode()


class _WrongLineError(Exception):
    """A line of a policy is wrong."""


class _Reading:
    """A policy while it is read."""

    def __init__(self) -> None:
        self.logs: list[PublicKey] = []
        self.witnesses: list[Witness] = []
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None

    def take(self, words: Sequence[str]) -> None:
        match words:
            case ["log", key, *url] if len(url) <= 1:
                self.logs.append(_key(key, ED25519))
            case ["witness", name, key, *url] if len(url) <= 1:
                self._new(name)
                self.witnesses.append(Witness(name, _key(key, COSIGNATURE), url[0] if url else None))
            case ["group", name, count, *members] if members:
                self._new(name)
                for member in members:
                    self._known(member)
                self.groups[name] = Group(_count(count, len(members)), tuple(members))
            case ["quorum", name] if self.quorum is None:
                if name != NONE:
                    self._known(name)
                self.quorum = name
            case _:
                raise _WrongLineError("it is none of log, witness, group and one quorum, or lacks something.")

    def _names(self) -> set[str]:
        return {witness.name for witness in self.witnesses} | self.groups.keys()

    def _new(self, name: str) -> None:
        if name == NONE or name in self._names():
            message = f"{name} is named already."
            raise _WrongLineError(message)

    def _known(self, name: str) -> None:
        if name not in self._names():
            message = f"no line above names {name}."
            raise _WrongLineError(message)


def _key(text: str, kind: int) -> PublicKey:
    key = public_key(text)
    if key.kind != kind:
        message = f"the key of {key.name} is not for this."
        raise _WrongLineError(message)
    return key


def _count(text: str, members: int) -> int:
    named = {"any": "1", "all": str(members)}.get(text, text)
    if not (named.isascii() and named.isdecimal()) or not 1 <= int(named) <= members:
        message = f"{text} is no count of {members} members."
        raise _WrongLineError(message)
    return int(named)
