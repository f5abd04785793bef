"""Every command as a form: filled in, of effect once however often it is sent, and refused with the reason why."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from uuid import uuid4

from graphql import GraphQLInputObjectType, GraphQLObjectType
from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from ...graphql.schema import SCHEMA
from ..cli.asking import is_id, raw_id
from . import choosing, mending
from .fields import ANSWERED, Context, Field, fields_of, input_of
from .gaps import moment_of
from .labels import COMMANDS, GROUPS, REFUSALS
from .refusals import Said, fact, refusal
from .rendering import link
from .stream_parts import PARTS, question, stream_field
from .visit import PageProblem, Visit

CONTEXT: Final = """
  organisations(first: 200) { nodes { identifier name } }
  case(id: $id, reference: $reference) @include(if: $known) {
    id reference title subjects obstacles { id status } gaps { id kind from open }
  }
"""

MAY: Final = """
query May($id: ID, $known: Boolean!) {
  viewer { mayRecord }
  registry { case(id: $id) @include(if: $known) { reference title } }
}
"""


class _Problem(Struct, frozen=True):
    """Why something was not recorded: a sentence in the visitor's language, the registry's own, what is missing."""

    sentence: str | None = None
    message: Said | None = None
    wanted: Sequence[str] = ()
    facts: Sequence[str] = ()


async def everything(visit: Visit) -> Response:
    """Answer GET /record: every command that the visitor may give, under what it is about."""
    named = visit.query.get("case")
    found = await visit.ask(MAY, id=named, known=bool(named))
    may = set(found["viewer"]["mayRecord"])
    groups = {
        heading: [(_form_of(name, named), text) for name, text in group.items() if name in may]
        for heading, group in GROUPS.items()
    }
    return await visit.page(
        "record_all.html",
        groups=[(heading, commands) for heading, commands in groups.items() if commands],
        case=found["registry"].get("case"),
        recorded=visit.query.get("recorded"),
    )


def _form_of(name: str, case: str | None) -> str:
    """Return where a command's form is, with the case if it is about one: others have no use for it."""
    command = input_of(name)
    return link(f"/record/{name}", case=case if command is not None and "case" in command.fields else None)


async def form(visit: Visit) -> Response:
    """Answer GET /record/COMMAND, filled in as far as the address says."""
    name, command = _command(visit)
    given = {field: [value] for field, value in visit.query.items()}
    context = await _context(visit, command, given)
    lacking = choosing.lacking(command, context)
    if lacking is not None:
        return await choosing.page(visit, name, lacking, given, context.listed)
    if mending.mends(command) and (context.event is None or (mending.corrects(command) and "field" not in given)):
        return await _choosing(visit, name, command, given, context)
    if context.event is not None and mending.corrects(command):
        right = mending.right_field(context.event, given["field"][0], visit.words, context)
        given[right.name] = mending.now_in(context.event, given["field"][0], right)
    return await _shown(visit, name, command, given, context, str(uuid4()))


async def send(visit: Visit) -> Response:
    """Answer POST /record/COMMAND: to the case if it was recorded, else the form again and why not."""
    name, command = _command(visit)
    sent: dict[str, list[str]] = {}
    for field, value in await visit.form():
        if value:
            sent.setdefault(field, []).append(value)
    context = await _context(visit, command, sent)
    fields = _fields(visit, command, sent, context)
    command_id = sent.get("commandId", [str(uuid4())])[0]
    wanted = [field.label for field in fields if field.required and field.sort != "check" and field.name not in sent]
    if wanted:
        return await _shown(visit, name, command, sent, context, command_id, _Problem(wanted=wanted))
    given = {field.name: _value(visit, field, sent) for field in fields if field.name in sent or field.sort == "check"}
    given = {field: value for field, value in given.items() if value is not None} | {"commandId": command_id}
    if context.other is not None:
        given["from"] = context.other
    found = await visit.answer(_mutation(name), {"input": given})
    for error in found.get("errors", ()):
        wrong = _Problem(message=refusal(error["message"], visit.words))
        return await _shown(visit, name, command, sent, context, command_id, wrong)
    answer = found["data"][name]
    if answer["__typename"] == "Refused":
        said = REFUSALS.get(answer["code"])
        facts = [fact(one, visit.words) for one in answer["facts"]]
        message = refusal(answer["message"], visit.words)
        problem = _Problem(visit.words.say(said) if said else None, message, (), facts)
        # What was refused had no effect: sent again, it is another request.
        return await _shown(visit, name, command, sent, context, str(uuid4()), problem)
    return RedirectResponse(link(_where(answer), recorded=answer["position"]), 303)


def _where(answer: Mapping[str, Any]) -> str:
    """Return the address of the page that shows what was recorded."""
    if "case" in answer:
        return f"/cases/{answer['case']['reference']}"
    about = next((name for name in PARTS if name in answer), None)
    return "/record" if about is None else f"{choosing.STREAMS[about][1].address}/{raw_id(answer[about]['id'])}"


def _command(visit: Visit) -> tuple[str, GraphQLInputObjectType]:
    name = visit.request.path_params["command"]
    command = input_of(name)
    if command is None:
        raise PageProblem(404, visit.words.say("There is no such thing to record."))
    return name, command


def _about(command: GraphQLInputObjectType, given: Mapping[str, object]) -> str | None:
    """Return which of the given fields names the cause or its like that a command is about; none if none does."""
    return stream_field({name: True for name in given if name in command.fields})


async def _context(visit: Visit, command: GraphQLInputObjectType, given: dict[str, list[str]]) -> Context:
    named = given.get("case", [""])[0]
    # People know a case by its reference; the form then goes on with its id.
    asked: dict[str, Any] = {"id" if is_id(named) else "reference": named} if named else {}
    asked["known"] = bool(named)
    about = _about(command, given)
    listed = choosing.selection(command, given)
    declared, stream, event, chosen = "", "", "", None
    if "event" in command.fields or "$language" in listed:
        asked["language"] = visit.words.language.value
        declared = "$language: Language!"
    other = choosing.other(command, given)
    if other is not None:
        asked["other"] = other
        declared += " $other: String!"
    if about is not None:
        asked["stream"] = given[about][0]
        declared += " $stream: ID!"
        stream = question(about)
    if "event" in command.fields:
        chosen = given["event"][0] if "event" in given and mending.mends(command) else None
        if chosen is not None and mending.wants(command) == "case":
            asked["event"] = chosen
            declared += " $event: ID!"
            event = f"event: node(id: $event) {{ {mending.EVENT} }}"
        else:
            if mending.wants(command) is None:
                asked["after"] = visit.query.get("after")
                declared += " $after: Position"
            stream += mending.choice(command, about)
    document = f"query Context($id: ID, $reference: String, $known: Boolean!, {declared})"
    found = await visit.ask(f"{document} {{ registry {{ {CONTEXT} {listed} {stream} }} {event} }}", **asked)
    registry = found["registry"]
    case = registry.get("case")
    second: Mapping[str, Any] | None = registry.get("other")
    if case is not None:
        given["case"] = [case["id"]]
    return Context(
        registry["organisations"]["nodes"],
        case,
        registry.get("stream"),
        choosing.options(command, registry, visit.words),
        None if second is None else second["id"],
        mending.chosen(visit, found, chosen),
        mending.told(registry),
        mending.following(registry),
    )


def _fields(
    visit: Visit, command: GraphQLInputObjectType, given: Mapping[str, Sequence[str]], context: Context
) -> list[Field]:
    fields = fields_of(command, visit.words, context)
    if context.event is None or "field" not in given or not mending.corrects(command):
        return fields
    return mending.narrowed(fields, mending.right_field(context.event, given["field"][0], visit.words, context))


async def _choosing(
    visit: Visit,
    name: str,
    command: GraphQLInputObjectType,
    given: Mapping[str, Sequence[str]],
    context: Context,
) -> Response:
    """Return the page on which the event that is to be mended is chosen, or which of its fields."""
    about = _about(command, given)
    return await visit.page(
        "mend.html",
        name=name,
        title=visit.words.say(COMMANDS[name]),
        case=context.case,
        stream=context.stream,
        about=about,
        wants=mending.wants(command),
        event=context.event,
        events=mending.offered(command, context),
        rights=() if context.event is None else mending.rightable(context.event, visit.words, context),
        following=context.following,
        given={field: values[0] for field, values in given.items() if values and field in {*command.fields, "after"}},
    )


async def _shown(
    visit: Visit,
    name: str,
    command: GraphQLInputObjectType,
    given: dict[str, list[str]],
    context: Context,
    command_id: str,
    problem: _Problem | None = None,
) -> Response:
    title = visit.words.say(COMMANDS[name]) if name in COMMANDS else name
    about = _about(command, given)
    named = {"case", "handoff"} if context.case else set[str]()
    named |= {about} if context.stream and about else set[str]()
    named |= {"event", "field", "organisation"} if context.event else set[str]()
    return await visit.page(
        "record.html",
        200 if problem is None else 422,
        name=name,
        title=title,
        fields=_fields(visit, command, given, context),
        given=given,
        named_=named & {field for field, values in given.items() if values},
        case=context.case,
        stream=context.stream,
        event=context.event,
        about=about,
        command_id=command_id,
        problem=problem,
    )


def _value(visit: Visit, field: Field, sent: dict[str, list[str]]) -> Any:
    """Return what a form says, as the command's input takes it. Raises ``PageProblem`` for a moment that is none."""
    values: Sequence[str] = sent.get(field.name, ())
    found: list[Any] = []
    for value in values:
        kind, _, rest = value.partition(":")
        match field.sort:
            case "moment":
                found.append(moment_of(visit, value).isoformat())
            case "number":
                found.append(int(value) if value.isascii() and value.lstrip("-").isdecimal() else value)
            case "check":
                found.append(True)
            case "answer":
                found.append(value == ANSWERED[0])
            case "party":
                found.append({kind: rest})
            case _:
                found.append(value)
    if field.several:
        return found or None
    return found[0] if found else None


def _mutation(name: str) -> str:
    """Return the document that gives a command; its name is one of the schema's."""
    title = f"{name[0].upper()}{name[1:]}"
    payload = cast("GraphQLObjectType", SCHEMA.type_map[f"{title}Payload"])
    about = next((field for field in (*PARTS, "case") if field in payload.fields), None)
    shown = {None: "", "case": "case { reference }"}.get(about, f"{about} {{ id }}")
    return f"""mutation Record($input: {title}Input!) {{ {name}(input: $input) {{
        __typename
        ... on {title}Payload {{ position {shown} }}
        ... on Refused {{ code message facts {{ name value }} }}
    }} }}"""
