"""One case of the demo story on its way from a file to commands.

An entry names the command (``do``), when it happened (``at``), who recorded it (``actor``) and the fields of its fact,
in which people, obstacles, handoffs and earlier entries stand by local names; those of another case by the name of that
case, a slash and their local name there.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from ...domain.case.facts import FactCorrected, GapMark, Party
from ...domain.command import COMMANDS, Command
from ...domain.event import Fact, Knower
from ...domain.ids import OrganisationId, gap_id_of
from ...domain.text import Sealed, clear
from ...domain.vocabulary import GapKind, Precision
from .names import SOURCE, Entry, actor_of, case_id, id_of, moment_of, organisation_id

ENTERED_AFTER: Final = timedelta(minutes=5)
"""How long after it happened an entry is recorded, if the file does not say when it was."""
ENTERED_BY_EVENING: Final = timedelta(hours=17)
"""The same for an entry of which only the day is known: that day at the end of office hours."""

COMMON: Final = frozenset({"name", "do", "at", "recorded", "actor", "precision", "known_to", "about"})
"""The keys of an entry that are not fields of its fact."""

KIND_OF_ID: Final = {
    "obstacle": "obstacle",
    "obstacles": "obstacle",
    "into": "obstacle",
    "triggered_by": "obstacle",
    "for_obstacle": "obstacle",
    "handoff": "handoff",
    "subject": "subject",
    "subjects": "subject",
    "to": "subject",  # of a SubjectRelated; elsewhere "to" is an organisation, which its type tells
    "on_word_of": "subject",
    "event": "event",
}
"""What the UUIDs in a fact's fields name; ``case`` apart, whose local names are those of the files."""


class CaseFile:
    """The entries of one file; the first is the opening, made of the file's head."""

    def __init__(self, name: str, content: dict[str, Any]) -> None:
        """Hold what was read of the case with a local name."""
        opening = {key: content[key] for key in ("reference", "subjects", "title", "theme", "noticed_by")}
        self.name = name
        self.subjects: list[str] = content["subjects"]
        self.entries: list[Entry] = [{"name": "opened", "do": "OpenCase", **opening, **content["opened"]}]
        self.entries += content["event"]
        self.named = {entry["name"]: entry for entry in self.entries if "name" in entry}
        self.offers = {entry["handoff"]: entry for entry in self.entries if entry["do"] == "OfferHandoff"}

    def commands(self) -> Iterator[tuple[datetime, Command]]:
        """Every entry as a command, with when it was recorded; raises ``ValueError`` naming an entry that is wrong."""
        for number, entry in enumerate(self.entries):
            try:
                yield recorded_at(entry), self._command(entry.get("name", f"entry-{number}"), entry)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"Entry {number} of case {self.name} ({dict(entry)}): {error!r}") from error

    def _command(self, label: str, entry: Entry) -> Command:
        moment, precision = moment_of(entry["at"])
        return Command(
            id=id_of("command", self.name, label),
            stream=case_id(self.name),
            actor=actor_of(entry["actor"]),
            data=self._fact(COMMANDS[entry["do"]], entry),
            occurred_at=moment,
            precision=Precision(entry.get("precision", precision)),
            known_to=tuple(self._knowers(entry, moment)),
            source=SOURCE,
        )

    def _knowers(self, entry: Entry, moment: datetime) -> Iterator[Knower]:
        """Yield who else knew: whom the file names, or else the other side of an offer's answer or withdrawal."""
        if "known_to" in entry:
            yield from (Knower(organisation_id(name), since) for name, since in entry["known_to"].items())
        elif entry["do"] in {"AcceptHandoff", "RefuseHandoff"}:
            yield Knower(organisation_id(self.offers[entry["handoff"]]["from"]), moment)
        elif entry["do"] == "WithdrawHandoff":
            yield Knower(organisation_id(self.offers[entry["handoff"]]["to"]), moment)

    def _fact(self, fact: type[Fact], entry: Entry) -> Fact:
        fields = {field.encode_name: field for field in msgspec.structs.fields(fact)}
        given = {key: value for key, value in entry.items() if key not in COMMON}
        if unknown := given.keys() - fields:
            raise ValueError(f"{fact.__name__} has no {sorted(unknown)}")
        return fact(**{fields[key].name: self._value(fact, key, value, entry) for key, value in given.items()})

    def _value(self, fact: type[Fact], key: str, value: Any, entry: Entry) -> Any:
        """Return a field's content: local names as ids, words about a subject as text, the rest by the field's type."""
        type_ = next(field.type for field in msgspec.structs.fields(fact) if field.encode_name == key)
        types = {type_, *get_args(type_)}
        if fact is FactCorrected and key == "value":
            return self._corrected(entry)
        if Sealed in types:
            return clear(value, self._subject(entry.get("about", self.subjects[0])))
        if GapMark in types:
            return self._gap(value)
        if Party in types:
            return Party(subject=self._subject(value)) if value in self.subjects else Party(organisation_id(value))
        if OrganisationId in types:
            return each(value, organisation_id)
        if UUID in types:
            return each(value, case_id if key == "case" else self._id_by(KIND_OF_ID[key]))
        return msgspec.convert(value, type_)

    def _id_by(self, kind: str) -> Callable[[str], UUID]:
        if kind == "subject":
            return self._subject
        return self._event if kind == "event" else lambda name: self._id_of(kind, name)

    def _id_of(self, kind: str, name: str) -> UUID:
        case, _, local = name.rpartition("/")
        return id_of(kind, case or self.name, local)

    def _subject(self, name: str) -> UUID:
        if name not in self.subjects:
            raise ValueError(f"no subject is named {name}")
        return self._id_of("subject", name)

    def _event(self, name: str) -> UUID:
        if name not in self.named:
            raise ValueError(f"no entry is named {name}")
        return id_of("event", self.name, name)

    def _gap(self, mark: Entry) -> GapMark:
        kind = GapKind(mark["kind"])
        # A deadlock lies on the case, every other gap on an obstacle.
        obstacle = id_of("obstacle", self.name, mark["obstacle"]) if "obstacle" in mark else None
        begun_by = self._event(mark["begun_by"])
        return GapMark(gap_id_of(obstacle or case_id(self.name), kind, begun_by), kind, obstacle, mark["since"])

    def _corrected(self, entry: Entry) -> Any:
        """Return the right content of a corrected field as JSON, read as that field of the corrected entry would be."""
        value = entry["value"]
        if isinstance(value, datetime) or entry["field"] == "precision":
            return msgspec.to_builtins(value)
        target = self.named[entry["event"]]
        return msgspec.to_builtins(self._value(COMMANDS[target["do"]], entry["field"], value, target))


def recorded_at(entry: Entry) -> datetime:
    """Return when an entry was recorded: as the file says, or soon after it happened."""
    if "recorded" in entry:
        return entry["recorded"]
    moment, precision = moment_of(entry["at"])
    return moment + (ENTERED_AFTER if precision is Precision.SECOND else ENTERED_BY_EVENING)


def each(value: str | list[str], of: Callable[[str], Any]) -> Any:
    """Return what a local name stands for, or what each of several does."""
    return of(value) if isinstance(value, str) else tuple(of(name) for name in value)
