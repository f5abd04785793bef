"""The inputs of mutations, made from the facts that commands ask to record: field for field, by the same names.

Ids of new things may be left out, and so may the organisation that speaks: it is the asker's own. A text is a plain
string, about the case's first subject unless the field beside it names another.
"""

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin
from uuid import UUID

import msgspec
import strawberry
from msgspec import Struct
from strawberry.utils.str_converters import to_camel_case

from ..domain.case import facts as f
from ..domain.cause.facts import CauseEscalated, MeasureCommitted
from ..domain.command import COMMANDS
from ..domain.dialogue.facts import BottleneckNamed, FirstStepChosen, OptionProposed, ParticipantJoined
from ..domain.dossier.facts import PromiseMade
from ..domain.event import Fact
from ..domain.investigation.facts import FindingRecorded, FollowUpPlanned
from ..domain.learning.facts import LearningFact, LearningFactCorrected
from ..domain.learning.kinds import RULES
from ..domain.learning.named import STREAMS
from ..domain.network.facts import ChallengeSet, HelpAsked, SignalRaised
from ..domain.organisation.facts import OrganisationFact, StrategyShared
from ..domain.text import Clear
from ..domain.vocabulary import Precision
from .input_descriptions import DESCRIPTIONS
from .scalars import Json

__all__ = ["FactField", "Kind", "fields_of", "input_of"]


class Kind(Enum):
    """What a field of a fact holds, and so how its input is read."""

    ORGANISATION = "an organisation"
    OBSTACLE = "an obstacle"
    CASE = "a case"
    STREAM = "a learning stream"
    EVENT = "an event"
    BARE_ID = "an id"
    TEXT = "a text"
    PARTY = "a party"
    GAP = "a gap"
    VALUE = "a value"
    PLAIN = "as it is"


class FactField(Struct, frozen=True):
    """A field of a fact, and how clients give it."""

    attribute: str
    name: str
    kind: Kind
    type_: Any
    several: bool
    required: bool
    """Whether the fact needs it."""
    asked: bool
    """Whether the client must give it."""


@strawberry.input(description="An organisation or a subject: exactly one of the two.")
class PartyInput:
    """One of the two."""

    organisation: strawberry.ID | None = strawberry.field(default=None, description="The organisation.")
    subject: strawberry.ID | None = strawberry.field(default=None, description="The subject, by pseudonym.")


@strawberry.input(description="An organisation that also knew of it, and since when.")
class KnowerInput:
    """Who knew, and since when."""

    organisation: strawberry.ID = strawberry.field(description="Who knew.")
    since: datetime = strawberry.field(description="Since when.")


_KINDS_BY_NAME: Final[Mapping[str, Kind]] = {
    "obstacle": Kind.OBSTACLE, "obstacles": Kind.OBSTACLE, "into": Kind.OBSTACLE, "triggered_by": Kind.OBSTACLE,
    "for_obstacle": Kind.OBSTACLE, "case": Kind.CASE, "cases": Kind.CASE, "event": Kind.EVENT,
    **dict.fromkeys(STREAMS, Kind.STREAM),
}  # fmt: skip

_MADE_HERE: Final = frozenset({
    (f.CaseOpened, "subjects"), (f.ObstacleReported, "obstacle"), (f.HandoffOffered, "handoff"),
    (StrategyShared, "strategy"), (FindingRecorded, "finding"), (FollowUpPlanned, "follow_up"),
    (StrategyShared, "strategy"), (CauseEscalated, "escalation"), (MeasureCommitted, "measure"),
    (ParticipantJoined, "participant"), (BottleneckNamed, "bottleneck"), (OptionProposed, "option"),
    (FirstStepChosen, "step"), (PromiseMade, "promise"), (SignalRaised, "signal"), (ChallengeSet, "challenge"),
    (HelpAsked, "help"),
})  # fmt: skip
"""Ids of what is new: made from the command's id where the client leaves them out."""

_MADE_ALWAYS: Final = frozenset({
    (f.CaseOpened, "reference"), (f.AccountGiven, "subject"), (f.GapAcknowledged, "subject"),
})  # fmt: skip
"""Fields that no client gives: a reference is random, and over whose cases a gap lies the gap itself says."""


def fields_of(fact: type[Fact]) -> list[FactField]:
    """Return the fields of a fact as clients give them."""
    return [_field(fact, found) for found in msgspec.structs.fields(fact) if (fact, found.name) not in _MADE_ALWAYS]


def _field(fact: type[Fact], found: msgspec.structs.FieldInfo) -> FactField:
    bare = _without_none(found.type)
    several = get_origin(bare) is tuple
    inner = get_args(bare)[0] if several else bare
    kind = _kind(found.name, inner)
    own_word = (
        kind is Kind.ORGANISATION and found.name in {"organisation", "from_"} and not issubclass(fact, OrganisationFact)
    )
    own_word = own_word or (fact is f.AccountGiven and found.name == "by")
    return FactField(
        attribute=found.name,
        name=to_camel_case(found.encode_name),
        kind=kind,
        type_=inner,
        several=several,
        required=found.required,
        asked=found.required and not own_word and (fact, found.name) not in _MADE_HERE,
    )


def _without_none(type_: Any) -> Any:
    if get_origin(type_) in {Union, UnionType}:
        rest = [each for each in get_args(type_) if each is not types.NoneType]
        return rest[0] if len(rest) == 1 else tuple(rest)
    return type_


def _kind(name: str, type_: Any) -> Kind:
    if isinstance(type_, tuple):
        return Kind.TEXT if Clear in type_ else Kind.VALUE
    if type_ is f.Party:
        return Kind.PARTY
    if type_ is f.GapMark:
        return Kind.GAP
    if type_ is UUID:
        return _KINDS_BY_NAME.get(name, Kind.BARE_ID)
    if get_origin(type_) is Annotated and name in _ORGANISATIONS:
        return Kind.ORGANISATION
    return Kind.PLAIN


_ORGANISATIONS: Final = frozenset({
    "organisation", "from_", "to", "experienced_at", "told", "received_by", "suggests", "body", "parent", "into",
    "shared_by", "owner", "partners", "organisations", "members",
})  # fmt: skip


def _graphql_type(field: FactField) -> Any:
    match field.kind:
        case Kind.TEXT:
            return str
        case Kind.PARTY:
            return PartyInput
        case Kind.VALUE:
            return Json
        case Kind.PLAIN:
            return get_args(field.type_)[0] if get_origin(field.type_) is Annotated else field.type_
        case _:
            return strawberry.ID


def input_of(command: str) -> type:
    """Return the input type of a command."""
    fact = COMMANDS[command]
    declared: dict[str, tuple[Any, Any]] = {}

    def declare(attribute: str, name: str, type_: Any, description: str, *, asked: bool) -> None:
        given = strawberry.field(name=name, description=description) if asked else strawberry.field(
            name=name, description=description, default=None
        )  # fmt: skip
        declared[attribute] = (type_ if asked else type_ | None, given)

    if issubclass(fact, f.CaseFact):
        opens = fact is f.CaseOpened
        what = "The id of the new case; made if not given." if opens else "The case."
        declare("in_case", "case" if fact is not f.CaseLinked else "from", strawberry.ID, what, asked=not opens)
    if issubclass(fact, LearningFact):
        rules = RULES[fact.stream_kind]
        opens = fact is rules.opening
        what = f"The id of the new {rules.noun}; made if not given." if opens else f"The {rules.noun}."
        declare("in_stream", to_camel_case(fact.stream_kind.lower()), strawberry.ID, what, asked=not opens)
    for field in fields_of(fact):
        type_ = list[_graphql_type(field)] if field.several else _graphql_type(field)
        declare(f"f_{field.attribute}", field.name, type_, _description(fact, field), asked=field.asked)
        if field.kind is Kind.TEXT and issubclass(fact, f.CaseFact | LearningFact):
            about = f"Whom '{field.name}' is about, by pseudonym; {_about_by_default(fact)} if not given."
            declare(f"about_{field.attribute}", f"{field.name}About", strawberry.ID, about, asked=False)
    for attribute, name, type_, description in _ENVELOPE:
        declare(attribute, name, type_, description, asked=False)
    # What must be given stands first, as Python wants it.
    ordered = sorted(declared.items(), key=lambda item: item[1][1].default is None)
    made = types.new_class(f"{command}Input", (), {}, lambda body: body.update(_body(dict(ordered))))
    return strawberry.input(made, name=f"{command}Input", description=f"What there is to say: {_sentence(fact)}")


def _about_by_default(fact: type[Fact]) -> str:
    if issubclass(fact, f.FactCorrected | LearningFactCorrected):
        return "whom the corrected text was about"
    if issubclass(fact, f.CaseFact):
        return "the case's first subject"
    return "nobody" if "participant" not in fact.__struct_fields__ else "the participant"


_ENVELOPE: Final[tuple[tuple[str, str, Any, str], ...]] = (
    (
        "command_id",
        "commandId",
        strawberry.ID,
        "The same id twice has one effect and gets the first answer; random if not given.",
    ),
    ("occurred_at", "occurredAt", datetime, "When it happened in the world; now if not given."),
    ("precision", "precision", Precision, "How exactly that moment is known; to the second if not given."),
    ("expected_version", "expectedVersion", int, "Refuses if there have been events since this version."),
    ("known_to", "knownTo", list[KnowerInput], "Who else knew of it, and since when."),
)


def _body(declared: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    annotations = {attribute: type_ for attribute, (type_, _) in declared.items()}
    return {"__annotations__": annotations, "__doc__": None} | {name: given for name, (_, given) in declared.items()}


def _sentence(fact: type[Fact]) -> str:
    return cast("str", fact.__doc__).strip().split("\n\n")[0].replace("\n    ", " ").replace("``", "'")


def _description(fact: type[Fact], field: FactField) -> str:
    found = DESCRIPTIONS.get((fact.topic, field.attribute)) or DESCRIPTIONS.get(field.attribute)
    assert found is not None, f"{fact.__name__}.{field.attribute} needs a description"
    if field.required and not field.asked and (fact, field.attribute) not in _MADE_HERE:
        return f"{found} Your own organisation if not given."
    if (fact, field.attribute) in _MADE_HERE:
        return f"{found} Made if not given."
    return found
