"""What a cause or its like offers to choose from in a form about it: its measures, steps, participants and so on.

A form about one has its id; people choose its parts by their own first words, and never see an id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .labels import LABELS
from .rendering import called
from .words import Words

PARTS: Final[Mapping[str, str]] = {
    "cause": """
      measures { id event { data } } ladder { escalations { id to { identifier name } } } gaps { id kind from }
      links { obstacle { id case { reference title } } } candidates { obstacle { id case { reference title } } }
    """,
    "dialogue": """
      participants { id role name } bottlenecks { id event { data } } options { id event { data } }
      steps { id event { data } } gaps { id kind from }
    """,
    "investigation": "findings { id event { data } } followUps { id event { data } }",
    "policyDossier": "promises { id event { data } } gaps { id kind from }",
    "network": "signals { id event { data } } challenges { id event { data } } helpAsked { id event { data } }",
    "experiment": "",
}
"""What is asked of each kind of stream, by the field of a command that names one."""

TOLD: Final[Mapping[str, tuple[str, str]]] = {
    "measure": ("measures", "plan"), "bottleneck": ("bottlenecks", "statement"),
    "bottlenecks": ("bottlenecks", "statement"), "option": ("options", "proposal"), "options": ("options", "proposal"),
    "step": ("steps", "description"), "finding": ("findings", "statement"), "followUp": ("followUps", "plan"),
    "promise": ("promises", "promised"), "signal": ("signals", "message"), "challenge": ("challenges", "description"),
    "asked": ("helpAsked", "question"),
}  # fmt: skip
"""Where the parts are that a field names, and which of their texts tells them apart."""

LETTERS: Final = 70

Options = Sequence[tuple[str, str]]


def question(field: str) -> str:
    """Return the selection for the stream that a command's field names."""
    return f"stream: {field}(id: $stream) {{ id begunBy {{ data }} {PARTS[field]} }}"


def stream_field(names: Mapping[str, object]) -> str | None:
    """Return by which of its fields a command names the stream that it is about; none if it is about none.

    A command that names two, as one that attaches a dialogue to an investigation, is about the first of them.
    """
    return next((name for name in ("investigation", *PARTS) if name in names), None)


def options_of(name: str, stream: Mapping[str, Any], words: Words) -> Options | None:
    """Return what a field may name of a stream; none if that is nothing that it has."""
    if name in TOLD and TOLD[name][0] in stream:
        several, text = TOLD[name]
        return [(one["id"], first_words(one["event"]["data"].get(text), name, words)) for one in stream[several]]
    if name in {"participant", "participants"} and "participants" in stream:
        return [(one["id"], one["name"] or words.value("role", one["role"])) for one in stream["participants"]]
    if name == "escalation" and "ladder" in stream:
        return [(one["id"], called(one["to"])) for rung in stream["ladder"] for one in rung["escalations"]]
    if name == "gap" and "gaps" in stream:
        return [(one["id"], f"{words.kind(one['kind'])} ({words.day(one['from'])})") for one in stream["gaps"]]
    if name == "obstacle" and "candidates" in stream:
        found = {one["obstacle"]["id"]: one["obstacle"]["case"] for one in (*stream["candidates"], *stream["links"])}
        return [(id_, f"{case['reference']} {case['title'] or ''}".strip()) for id_, case in found.items()]
    return None


def first_words(text: object, name: str, words: Words, letters: int = LETTERS) -> str:
    """Return the first words of a text, or what it is a text of, if it is not there to read."""
    if not isinstance(text, str):
        return words.say(LABELS[name])
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"
