"""What was learnt: lists of causes, dialogues and their like, with filters that are links, and a page for each one."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from ...domain import vocabulary as v
from ..cli.asking import raw_id
from .fields import input_of
from .gaps import lens_of
from .labels import COMMANDS
from .learning_questions import FIELDS, list_question, one_question
from .mending_links import Mender
from .rendering import link
from .visit import PageProblem, View, Visit


class Choice(Struct, frozen=True):
    """A filter: its name in the address and in the schema, its label, its values, and what knows their words."""

    name: str
    field: str
    label: str
    values: type[StrEnum]
    words: str


class Kind(Struct, frozen=True):
    """A kind of what was learnt: where its pages are, what it is called, where its first text stands, its filters."""

    address: str
    title: str
    one: str
    text: str
    meaning: str
    choices: Sequence[Choice]


def _status(values: type[StrEnum]) -> Choice:
    return Choice("status", "statuses", "Status", values, "status")


KINDS: Final[Mapping[str, Kind]] = {
    "causes": Kind(
        "/causes", "Causes", "Cause", "statement",
        "Why obstacles keep coming: who owns the cause, who was asked, what was done, and whether it stopped.",
        (
            _status(v.CauseStatus),
            Choice("locus", "loci", "Where it sits", v.Locus, "locus"),
            Choice("level", "levels", "Brought to", v.Level, "level"),
        ),
    ),
    "dialogues": Kind(
        "/learning/dialogues", "Dialogues", "Dialogue", "problem",
        "Conversations of citizens, practitioners and policymakers about an obstacle, and the steps that came of them.",
        (_status(v.DialogueStatus), Choice("step", "steps", "Steps", v.StepStatus, "status")),
    ),
    "investigations": Kind(
        "/learning/investigations", "Investigations", "Investigation", "question",
        "What was looked into over several cases, what was found, and what became of it.",
        (_status(v.InvestigationStatus),),
    ),
    "dossiers": Kind(
        "/learning/dossiers", "Policy dossiers", "Policy dossier", "title",
        "How policy is made: its questions and answers, who was involved, and what was promised.",
        (
            _status(v.DossierStatus),
            Choice("question", "openQuestions", "Without an answer", v.PolicyQuestion, "question"),
            Choice("promise", "promises", "Promises", v.PromiseStatus, "status"),
        ),
    ),
    "networks": Kind(
        "/learning/networks", "Networks", "Network", "name",
        "Organisations that learn together, help each other, and tell policymakers what has to change.",
        (_status(v.NetworkStatus),),
    ),
    "experiments": Kind(
        "/learning/experiments", "Experiments and strategies", "Experiment", "hypothesis",
        "What was tried, whether it worked, who took it over, and the ways of working that were shared.",
        (_status(v.ExperimentStatus), Choice("finding", "findings", "Finding", v.Finding, "finding")),
    ),
}  # fmt: skip
"""Each kind, in the order in which the pages list them."""

STATUSES: Final[Mapping[str, str]] = {
    "UNOWNED": "nobody's", "OWNED": "owned", "REMOVED": "removed", "ACCEPTED_AS_IS": "let be",
    "FIRST_PART": "citizens and practitioners speak", "SECOND_PART": "policymakers speak too",
    "CONCLUDED": "concluded", "OPEN": "in progress", "PUBLISHED": "published", "INCOMPLETE": "with open questions",
    "COMPLETE": "all questions answered", "ACTIVE": "active", "EMPTY": "without members", "RUNNING": "running",
    "DONE": "done", "GIVEN_UP": "given up", "PENDING": "not yet kept", "KEPT": "kept",
}  # fmt: skip
"""What the states of these streams are called."""

ANSWERS: Final[Mapping[str, str]] = {
    "PENDING": "waits for an answer", "UNANSWERED": "no answer in time", "TAKES_UP": "takes it up",
    "PASSES_ON": "passes it on", "REFUSES": "refuses",
}  # fmt: skip
"""How far an escalation has come."""

KNOWN: Final = frozenset({"organisation", "cause", "asOf", "knownAt"})
"""Fields of every list's address beside its own choices."""

Row = dict[str, Any]


def list_of(kind: str) -> View:
    """Return the page that lists a kind."""
    shape = KINDS[kind]

    async def page(visit: Visit) -> Response:
        """Answer GET of a list."""
        chosen = {name: visit.query.get(name, "") for name in (*KNOWN, *(one.name for one in shape.choices))}
        asked: dict[str, Any] = {}
        for one in shape.choices:
            if chosen[one.name] in set(one.values):
                asked[one.field] = [chosen[one.name]]
        if chosen["organisation"]:
            asked["organisations"] = [chosen["organisation"]]
        if chosen["cause"] and kind not in {"causes", "investigations"}:
            asked["causes"] = [chosen["cause"]]
        found = await visit.ask(list_question(kind), **lens_of(visit), filter=asked, after=visit.query.get("after"))
        registry = found["registry"]
        return await visit.page(
            "learning_list.html", kind=kind, shape=shape, kinds=KINDS, registry=registry, chosen=chosen,
            said=_Said(visit), address=partial(_address, given=chosen),
            following=link(shape.address, chosen, after=registry["found"]["pageInfo"]["endCursor"]),
        )  # fmt: skip

    return page


def one_of(kind: str) -> View:
    """Return the page of one of a kind."""
    shape = KINDS[kind]
    field = FIELDS[kind][0]

    async def page(visit: Visit) -> Response:
        """Answer GET of one."""
        asked, language = _asked(visit), visit.words.language.value
        found = await visit.ask(
            one_question(kind), **lens_of(visit), id=str(asked), language=language, atLeast=visit.recorded()
        )
        one = found["registry"]["found"]
        if one is None:
            raise PageProblem(404, visit.words.say("There is no such page, or nothing that you may see on it."))
        given = {name: visit.query.get(name, "") for name in ("asOf", "knownAt")}
        return await visit.page(
            f"learning_{kind}.html", kind=kind, shape=shape, kinds=KINDS, registry=found["registry"], one=one,
            given=given, said=_Said(visit), field=field, own=(await visit.asker()).organisation,
            may=_commands(found["viewer"]["mayRecord"], field), recorded=visit.recorded(),
            mender=Mender(field, raw_id(one["id"]), found["viewer"]["mayRecord"]),
            address=partial(_address, given=given),
        )  # fmt: skip

    return page


def _asked(visit: Visit) -> UUID:
    try:
        return UUID(visit.request.path_params["id"])
    except ValueError:
        raise PageProblem(404, visit.words.say("There is no such page, or nothing that you may see on it.")) from None


def _commands(may: Sequence[str], field: str) -> list[tuple[str, str]]:
    """Return the commands that a visitor may give about one of a kind, and what they are called."""
    found: list[tuple[str, str]] = []
    for name in may:
        command = input_of(name)
        declared = None if command is None else command.fields.get(field)
        if declared is not None and str(declared.type).endswith("!"):
            found.append((name, COMMANDS.get(name, name)))
    return found


def _address(kind: str, one: Row, given: Mapping[str, Any]) -> str:
    """Return the address of one of a kind, at the same two times."""
    times = {name: given.get(name) for name in ("asOf", "knownAt")}
    return link(f"{KINDS[kind].address}/{raw_id(one['id'])}", times)


class _Said:
    """Says the words for a value: of a status, an answer, or of a field as sentences call it."""

    def __init__(self, visit: Visit) -> None:
        self._words = visit.words

    def __call__(self, field: str, value: str) -> str:
        if field == "status":
            return self._words.say(STATUSES[value])
        if field == "answer":
            return self._words.say(ANSWERS[value])
        return self._words.value(field, value)
