"""Correcting and striking from the pages: which event, which of its fields, and what should have stood there.

People choose an event by its sentence and a field by its name and what stands in it. The field is then asked for in the
same way as by the form of the command that recorded the event.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from graphql import GraphQLInputObjectType, GraphQLNonNull

from ...domain.case.corrections import correctable_fields
from ...domain.command import COMMANDS
from ...domain.organisation.facts import OrganisationFact
from ...domain.vocabulary import Precision
from ...graphql.inputs import Kind, fields_of
from ..cli.asking import raw_id
from .fields import ANSWERED, Context, Field, field_of, input_of
from .mending_links import RECORDED_BY, Event, correctable, strikable
from .replay import END
from .stream_parts import PARTS
from .visit import PageProblem, Visit
from .words import Words, local

EVENT: Final = """
  id ... on Event { number type occurredAt precision data summary(language: $language) struckBy { number } }
"""
"""What is asked of an event that is to be mended."""

CHOICE: Final = 200
"""Events that are offered to choose from, the last ones: of a longer story people come from the event itself."""

ORGANISATIONAL: Final = sorted({fact.__name__ for fact in COMMANDS.values() if issubclass(fact, OrganisationFact)})
"""The types of the events of organisations."""

MOMENT: Final = "occurredAt"
PRECISION: Final = "precision"

PRECISIONS: Final[Mapping[Precision, str]] = {
    Precision.SECOND: "to the minute or better",
    Precision.DAY: "to the day",
    Precision.MONTH: "to the month",
}
"""How exactly a moment is known, in words."""


def mends(command: GraphQLInputObjectType) -> bool:
    """Return whether a command mends an event; others may name one, and need not."""
    return "event" in command.fields and isinstance(command.fields["event"].type, GraphQLNonNull)


def corrects(command: GraphQLInputObjectType) -> bool:
    """Return whether a command corrects a field of an event."""
    return mends(command) and "field" in command.fields


def wants(command: GraphQLInputObjectType) -> str | None:
    """Return by which of its fields a command names the story of which it mends an event; none for organisations."""
    return next((name for name in ("case", *PARTS) if name in command.fields), None)


def choice(command: GraphQLInputObjectType, about: str | None) -> str:
    """Return the selection that asks for the events to choose from; ``about`` names the stream, if one is known."""
    if wants(command) is None:
        types = " ".join(ORGANISATIONAL)
        return f"told: events(types: [{types}], first: {CHOICE}, after: $after) {{ more until nodes {{ {EVENT} }} }}"
    if about is not None:
        return f"told: {about}(id: $stream) {{ timeline(first: {CHOICE}) {{ nodes {{ {EVENT} }} }} }}"
    return f"""told: case(id: $id, reference: $reference) @include(if: $known) {{
        timeline(first: {CHOICE}, startAt: {END}) {{ nodes {{ {EVENT} }} }}
    }}"""


def told(registry: Mapping[str, Any]) -> Sequence[Event]:
    """Return the events that ``choice`` asked for."""
    found = registry.get("told")
    return () if found is None else found.get("timeline", found)["nodes"]


def chosen(visit: Visit, found: Mapping[str, Any], given: str | None) -> Event | None:
    """Return the event that an address named, none if it named none. Raises ``PageProblem`` if there is no such one.

    One of a case is asked for by its id, as it may be one of thousands; any other is among those to choose from.
    """
    if given is None:
        return None
    event = found.get("event") or next((one for one in told(found["registry"]) if one["id"] == given), None)
    if event is None or "type" not in event:
        raise PageProblem(404, visit.words.say("There is no such event, or none that you may see."))
    return event


def following(registry: Mapping[str, Any]) -> str | None:
    """Return after which position further events of organisations stand, none if there are none."""
    found = registry.get("told")
    return found["until"] if found and found.get("more") else None


def offered(command: GraphQLInputObjectType, context: Context) -> list[Event]:
    """Return the events that a form offers to mend, the last one first."""
    able = correctable if corrects(command) else strikable
    return [event for event in reversed(context.events) if able(event)]


def rightable(event: Event, words: Words, context: Context) -> list[tuple[Field, str, str]]:
    """Return the fields of an event that can be corrected: how each is asked for, its name there, and what it says."""
    names = [MOMENT, PRECISION]
    recorded = RECORDED_BY.get(event["type"])
    if recorded is not None:
        able = correctable_fields(recorded[1])
        # Ids of parts nobody mends by hand: who named the wrong one strikes the event, and records another.
        stored = {field.attribute: field.name for field in fields_of(recorded[1]) if field.kind is not Kind.BARE_ID}
        names = [*(stored[attribute] for attribute, _ in able.values() if attribute in stored), *names]
    fields = [(right_field(event, name, words, context), name) for name in names]
    return [(field, name, _shown(field, _value_of(event, name), words)) for field, name in fields]


def right_field(event: Event, name: str, words: Words, context: Context) -> Field:
    """Return how the right content of an event's field is asked for.

    It goes into ``content`` where it is a text about somebody, and into ``value`` where it is not.
    """
    said = words.say("What it should be")
    if name == MOMENT:
        return Field("value", words.say("When it happened"), None, "moment", True, False, ())
    if name == PRECISION:
        options = [(one.value, words.say(PRECISIONS[one])) for one in Precision]
        return Field("value", words.say("How exactly that is known"), None, "choice", True, False, options)
    command, fact = RECORDED_BY.get(event["type"], ("", None))
    declaring = input_of(command)
    if fact is None or declaring is None or name not in declaring.fields:
        return Field("value", said, None, "text", True, False, ())
    found = field_of(declaring, name, words, context)
    kind = next(field.kind for field in fields_of(fact) if field.name == name)
    sort, options = ("answer", answers(words)) if found.sort == "check" else (found.sort, found.options)
    return Field("content" if kind is Kind.TEXT else "value", found.label, None, sort, False, found.several, options)


def answers(words: Words) -> list[tuple[str, str]]:
    """Return yes and no as the options of a choice."""
    return [(ANSWERED[0], words.say("yes")), (ANSWERED[1], words.say("no"))]


def filled_in(field: Field, value: Any) -> list[str]:
    """Return what stands in a field of an event as a form holds it; nothing for what is erased or withheld."""
    if value is None or isinstance(value, Mapping):
        return []
    if isinstance(value, list):
        return [one for each in cast("list[Any]", value) for one in filled_in(field, each)]
    if isinstance(value, bool):
        return [ANSWERED[0 if value else 1]]
    if field.sort == "moment":
        return [f"{local(value):%Y-%m-%dT%H:%M}"]
    # Events name by the bare id what choices have a global one for.
    return [next((option for option, _ in field.options if _bare(option) == str(value)), str(value))]


def now_in(event: Event, name: str, field: Field) -> list[str]:
    """Return what stands in the field of that name of an event, as the form that corrects it holds it."""
    return filled_in(field, _value_of(event, name))


def narrowed(fields: Sequence[Field], right: Field) -> list[Field]:
    """Return the fields of a form that corrects one field: with how that is asked for in the place of any content."""
    kept = [field for field in fields if field.name not in {"value", "content"}]
    place = 1 + max(index for index, field in enumerate(kept) if field.required)
    return [*kept[:place], right, *kept[place:]]


def _value_of(event: Event, name: str) -> Any:
    return event[name] if name in {MOMENT, PRECISION} else event["data"].get(name)


def _shown(field: Field, value: Any, words: Words) -> str:
    """Return what stands in a field, for people; an empty text for nothing that they could read."""
    told = dict(field.options)
    if field.sort == "moment" and value is not None:
        return words.moment(value)
    return ", ".join(told.get(one, one) for one in filled_in(field, value))


def _bare(id_: str) -> str:
    try:
        return raw_id(id_)
    except ValueError:
        return id_
