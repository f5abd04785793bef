"""From a mutation's input to the command that it asks for.

Whatever is left out is filled in here, always in the same way from the command's id and the asker, so that a request
sent twice is the same request. What cannot be read is a refusal, in one sentence.
"""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import msgspec
from strawberry.utils.str_converters import to_camel_case

from ..domain.case import facts as f
from ..domain.case.corrections import Correction, correctable_fields
from ..domain.command import COMMANDS, Command, RefusalCode, Refused
from ..domain.event import Actor, Fact, Knower
from ..domain.ids import organisation_stream_of, reference_of
from ..domain.learning.facts import LearningFact, LearningGapAcknowledged
from ..domain.learning.named import STREAMS
from ..domain.organisation.facts import OrganisationFact
from ..domain.registry.facts import STREAM as REGISTRY_STREAM
from ..domain.registry.facts import RegistryFact
from ..domain.settings import Course
from ..domain.text import clear
from ..domain.vocabulary import Precision
from ..projections.derivation.answer import answer
from ..projections.derivation.learning_kinds import answer_of_stream
from . import ids
from .across import across
from .asking import Asking
from .inputs import FactField, Kind, fields_of
from .problems import Problem, ProblemCode


class _Malformed(Exception):  # noqa: N818  a refusal on its way
    """What a client gave cannot be what it should be."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.refused = refused


def _malformed(message: str, *facts: tuple[str, str]) -> _Malformed:
    return _Malformed(Refused(RefusalCode.MALFORMED, message, facts))


async def command_of(asking: Asking, name: str, given: Any) -> Command | Refused:
    """Return the command that an input asks for, or the refusal of one that cannot be read."""
    fact = COMMANDS[name]
    own = asking.asker.organisation
    if own is None:
        message = (
            "Your token names no organisation, and whatever is recorded is some organisation's word: you may only read."
        )
        raise Problem(ProblemCode.FORBIDDEN, message)
    try:
        try:
            command_id = uuid4() if given.command_id is None else ids.parse(given.command_id, "Command", "commandId").id
            stream = _stream(fact, given, command_id)
            values: dict[str, Any] = {}
            texts: dict[str, Any] = {}
            for field in fields_of(fact):
                value = getattr(given, f"f_{field.attribute}")
                if value is None:
                    value = _default(fact, field, command_id, own)
                elif field.kind is Kind.TEXT:
                    texts[field.attribute] = _text(given, field, value)
                    continue
                elif field.kind is not Kind.GAP:
                    value = [_value(field, one) for one in value] if field.several else _value(field, value)
                else:
                    value, subject = await _mark(asking, stream, command_id, value, given.occurred_at)
                    if subject is not None:
                        values["subject"] = subject
                if value is not None or field.required:
                    values[field.attribute] = value
            if fact is f.CaseOpened:
                values["reference"] = reference_of(stream)
            if issubclass(fact, Correction):
                values["field"] = _stored_name(values["field"])
            return Command(
                id=command_id,
                stream=stream,
                actor=Actor(own, asking.asker.role, asking.asker.user),
                data=_fact(fact, values, texts),
                occurred_at=given.occurred_at,
                precision=given.precision or Precision.SECOND,
                expected_version=given.expected_version,
                known_to=tuple(
                    Knower(ids.organisation_identifier(knower.organisation, "knownTo.organisation"), knower.since)
                    for knower in given.known_to or ()
                ),
            )
        except Problem as problem:
            raise _malformed(problem.message) from None
    except _Malformed as malformed:
        return malformed.refused


def _stream(fact: type[Fact], given: Any, command_id: UUID) -> UUID:
    """Return the stream that the command is for."""
    if issubclass(fact, OrganisationFact):
        return organisation_stream_of(ids.organisation_identifier(given.f_organisation, "organisation"))
    if issubclass(fact, RegistryFact):
        return REGISTRY_STREAM
    if issubclass(fact, LearningFact):
        noun = fact.stream_kind.lower()
        if given.in_stream is None:
            return uuid5(command_id, noun)
        return ids.parse(given.in_stream, ids.stream_name(fact.stream_kind), to_camel_case(noun)).id
    if given.in_case is None:
        return uuid5(command_id, "case")
    return ids.parse(given.in_case, ids.CASE, "case").id


def _default(fact: type[Fact], field: FactField, command_id: UUID, own: str) -> Any:
    """Return what a field is where the client left it out and the fact needs it."""
    if not field.required:
        return None
    if field.attribute == "subjects":
        return [uuid5(command_id, "subject")]
    if field.kind in {Kind.OBSTACLE, Kind.BARE_ID}:
        return uuid5(command_id, field.attribute)
    if field.kind is Kind.PARTY:
        return {"organisation": own}
    assert field.kind is Kind.ORGANISATION, f"{fact.__name__}.{field.attribute} has no default"
    return own


def _value(field: FactField, value: Any) -> Any:
    """Return one value of a field as the fact holds it. Raises ``Problem``."""
    match field.kind:
        case Kind.ORGANISATION:
            return ids.organisation_identifier(value, field.name)
        case Kind.OBSTACLE:
            return ids.parse(value, ids.OBSTACLE, field.name).id
        case Kind.CASE:
            return ids.parse(value, ids.CASE, field.name).id
        case Kind.STREAM:
            kind = ids.stream_name(STREAMS[field.attribute])
            return ids.parse(value, kind, field.name).id
        case Kind.EVENT:
            return ids.parse(value, ids.EVENT, field.name).id
        case Kind.BARE_ID:
            return ids.parse(value, "Thing", field.name).id
        case Kind.PARTY:
            if (value.organisation is None) == (value.subject is None):
                raise _malformed(f"{field.name}: give either an organisation or a subject.")
            if value.organisation is not None:
                return {"organisation": ids.organisation_identifier(value.organisation, f"{field.name}.organisation")}
            return {"subject": ids.parse(value.subject, "Subject", f"{field.name}.subject").id}
        case Kind.VALUE:
            return _bare(value)
        case _:
            return value


def _text(given: Any, field: FactField, value: str) -> Any:
    about = getattr(given, f"about_{field.attribute}", None)
    try:
        return clear(value, None if about is None else ids.parse(about, "Subject", f"{field.name}About").id)
    except ValueError as error:
        raise _malformed(f"{field.name}: {error}") from None


def _bare(value: Any) -> Any:
    """Return a corrected value with global ids as the bare ones that facts hold."""
    if isinstance(value, list):
        return [_bare(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, str):
        named = ids.parse_global(value)
        return str(named.id) if named else ids.organisation_of_global(value) or value
    return value


_STORED_NAMES = {name for fact in COMMANDS.values() for name in (*correctable_fields(fact), "occurred_at", "precision")}


def _stored_name(shown: str) -> str:
    """Return the stored name of a field that clients see in camelCase; an unknown one is for the domain to refuse."""
    stored = re.sub(r"[A-Z]", lambda letter: f"_{letter.group().lower()}", shown)
    return stored if stored in _STORED_NAMES else shown


def _fact(fact: type[Fact], values: dict[str, Any], texts: dict[str, Any]) -> Fact:
    """Return the fact with these fields. Raises ``_Malformed`` for one that does not fit."""
    stored = dict(zip(fact.__struct_fields__, fact.__struct_encode_fields__, strict=True))
    try:
        # Texts are put in afterwards: there is no way to convert one.
        made = msgspec.convert(
            {stored[name]: value for name, value in values.items()}, fact, builtin_types=(UUID, datetime)
        )
    except msgspec.ValidationError as error:
        raise _malformed(_sentence(error)) from None
    return msgspec.structs.replace(made, **texts)


def _sentence(error: msgspec.ValidationError) -> str:
    """Return what is wrong with a field, in a sentence that names the field and what it should be."""
    what, _, where = str(error).partition(" - at `$.")
    field = re.sub(r"_([a-z])", lambda letter: letter.group(1).upper(), where.rstrip("`").split("[")[0])
    if "regex" in what:
        what = _PATTERNS.get(field, "this is not written as it must be")
    return f"{field}: {what}." if field else f"{what}."


_MARKING = (f.AccountGiven, f.GapAcknowledged, LearningGapAcknowledged)
"""Facts that may speak of a gap."""

_PATTERNS = {
    "theme": "a theme is a slug of small letters, digits and hyphens, such as 'schulden'",
    "basis": "a rule goes by its identifier, such as 'awb:4:13'",
    "ruleDepartedFrom": "a rule goes by its identifier, such as 'awb:4:15'",
}


async def _mark(
    asking: Asking, case: UUID, command_id: UUID, gap: str, occurred_at: datetime | None
) -> tuple[f.GapMark, UUID | None]:
    """Return the gap that somebody speaks of, as it stands at the moment at which they do.

    With it comes over whose cases it lies, if it lies over several. Raises ``_Malformed``.
    """
    named = ids.parse(gap, ids.GAP, "gap")
    head = await asking.session.head()
    found = await asking.session.histories([case, REGISTRY_STREAM], head)
    history, changes = found.get(case, ()), found.get(REGISTRY_STREAM, ())
    if isinstance(history, Exception):
        raise history
    if isinstance(changes, Exception):
        raise changes
    for event in history:
        # Sent again: the gap as it was marked the first time, even if it has moved since.
        fact = event.data
        if event.command_id == command_id and isinstance(fact, _MARKING) and fact.gap:
            return fact.gap, getattr(fact, "subject", None)
    at, settings = occurred_at or datetime.now(UTC), Course.of(changes)
    learns = bool(history) and isinstance(history[0].data, LearningFact)
    if named.case is not None and named.case != case:
        if learns:
            raise _malformed("gap: this gap lies elsewhere.", ("gap", str(named.id)), ("case", str(named.case)))
        return await _mark_across(asking, case, named.case, named.id, at), named.case
    derived = answer_of_stream(history, at, settings) if learns else answer(history, at, settings=settings)
    for gap_ in derived.gaps:
        if gap_.id == named.id:
            return f.GapMark(gap_.id, gap_.kind, gap_.obstacle, gap_.from_), None
    message = "There is no such gap here at that moment."
    raise _Malformed(Refused(RefusalCode.UNKNOWN_GAP, message, (("gap", str(named.id)),)))


async def _mark_across(asking: Asking, case: UUID, subject: UUID, gap: UUID, at: datetime) -> f.GapMark:
    """Return a gap over the cases of a subject, as lists show it to whoever asks; the case must be one of them."""
    found = await across(await asking.view(at)).one(subject, gap)
    if found is None:
        raise _Malformed(
            Refused(RefusalCode.UNKNOWN_GAP, "There is no such gap in this case at that moment.", (("gap", str(gap)),))
        )
    if case not in found.cases:
        where = found.cases[0] if found.cases else found.case
        raise _malformed("gap: this gap lies in other cases.", ("gap", str(gap)), ("case", str(where)))
    return f.GapMark(found.id, found.kind, None, found.from_)
