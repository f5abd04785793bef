"""A cause or its like of the demo story on its way from a file to commands.

A file begins with the ``kind`` of its stream. Its entries are those of a case's file, save that local names are those
of the stream: an obstacle stands by its case's name, a slash and its name there, a signal of another stream likewise,
and another stream by its file's name.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast, get_args
from uuid import UUID, uuid5

import msgspec

from ...domain.case.facts import GapMark
from ...domain.command import COMMANDS, Command
from ...domain.event import Fact
from ...domain.ids import OrganisationId, gap_id_of
from ...domain.learning.named import CASES, OBSTACLES, STREAMS
from ...domain.text import Sealed, clear
from ...domain.vocabulary import GapKind, LearningKind, Precision
from .case_file import COMMON, recorded_at
from .names import DEMO, SOURCE, Entry, actor_of, case_id, id_of, moment_of, organisation_id, strategy_id


def stream_id(kind: LearningKind, name: str) -> UUID:
    """Return the id of the stream of a kind with a local name."""
    return uuid5(DEMO, f"{kind.lower()}/{name}")


class LearningFile:
    """The entries of one file."""

    def __init__(self, name: str, content: dict[str, Any]) -> None:
        """Hold what was read of the stream with a local name."""
        self.name = name
        self.kind = LearningKind(content["kind"])
        self.entries: list[Entry] = content["event"]

    def commands(self) -> Iterator[tuple[datetime, Command]]:
        """Every entry as a command, with when it was recorded; raises ``ValueError`` naming an entry that is wrong."""
        for number, entry in enumerate(self.entries):
            try:
                yield recorded_at(entry), self._command(entry.get("name", f"entry-{number}"), entry)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"Entry {number} of {self.kind} {self.name} ({dict(entry)}): {error!r}") from error

    def _command(self, label: str, entry: Entry) -> Command:
        moment, precision = moment_of(entry["at"])
        return Command(
            id=id_of("command", self._place, label),
            stream=stream_id(self.kind, self.name),
            actor=actor_of(entry["actor"]),
            data=self._fact(COMMANDS[entry["do"]], entry),
            occurred_at=moment,
            precision=Precision(entry.get("precision", precision)),
            source=SOURCE,
        )

    @property
    def _place(self) -> str:
        """What the ids of its own things hang on."""
        return f"{self.kind.lower()}/{self.name}"

    def _fact(self, fact: type[Fact], entry: Entry) -> Fact:
        fields = {field.encode_name: field for field in msgspec.structs.fields(fact)}
        # An entry's own name is what others in the file name it by; that of a person or network stands as "called".
        given = {"name" if key == "called" else key: value for key, value in entry.items() if key not in COMMON}
        if unknown := given.keys() - fields:
            raise ValueError(f"{fact.__name__} has no {sorted(unknown)}")
        return fact(**{fields[key].name: self._value(key, fields[key].type, value) for key, value in given.items()})

    def _value(self, key: str, type_: Any, value: Any) -> Any:
        """Return a field's content: local names as ids, words as text, the rest by the field's type."""
        types = {type_, *get_args(type_)}
        several = isinstance(value, list)
        if Sealed in types:
            return clear(value)
        if GapMark in types:
            return self._gap(value)
        if OrganisationId in types:
            return tuple(map(organisation_id, cast("list[str]", value))) if several else organisation_id(value)
        if UUID in types:
            return tuple(self._id(key, one) for one in cast("list[str]", value)) if several else self._id(key, value)
        return msgspec.convert(value, type_)

    def _id(self, key: str, name: str) -> UUID:
        if key in OBSTACLES:
            case, _, local = name.partition("/")
            return id_of("obstacle", case, local)
        if key in CASES:
            return case_id(name)
        if key in STREAMS:
            return stream_id(STREAMS[key], name)
        if key == "strategy":
            return strategy_id(name)
        if key == "signal" and "/" in name:
            network, _, local = name.partition("/")
            return id_of(key, f"{LearningKind.NETWORK.lower()}/{network}", local)
        # A fact names several parts by the plural, and the help that was asked for as such.
        return id_of("help" if key == "asked" else key.removesuffix("s"), self._place, name)

    def _gap(self, mark: Entry) -> GapMark:
        kind = GapKind(mark["kind"])
        lies_on = stream_id(self.kind, self.name)
        return GapMark(gap_id_of(lies_on, kind, self._id("event", mark["begun_by"])), kind, None, mark["since"])
