"""Templates, as every page uses them: escaped always, undefined names are errors, texts in the visitor's language."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote_plus

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..cli.asking import raw_id
from . import vega
from .words import Words

TEMPLATES: Final = Path(__file__).with_name("templates")
STATIC: Final = Path(__file__).with_name("static")

MENU: Final = (
    ("/", "Overview"),
    ("/gaps", "Gaps"),
    ("/interfaces", "Handovers"),
    ("/causes", "Causes"),
    ("/learning", "Learning"),
    ("/inbox", "Inbox"),
    ("/mine", "My case"),
    ("/trail", "Trail"),
    ("/exports", "Take it along"),
    ("/ask", "Ask"),
)
"""The main menu: addresses, and what they are called."""


_PLAIN: Final = re.compile("[0-9A-Za-z_.~:-]*")
"""What an address holds as it is but for its colons: ids, which the hundred links of a page name."""


@cache
def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # else each use of a template, and a page uses three, looks whether its file changed
    )
    offered = {"asset": asset, "link": link, "called": called, "menu": MENU, "named": named, "raw": raw_id}
    made.globals.update({**offered, "vega": vega.ADDRESS})  # pyright: ignore[reportUnknownMemberType]  jinja2 leaves its values open
    return made


def rendered(template: str, words: Words, values: Mapping[str, Any]) -> str:
    """Return a page as HTML."""
    return (
        environment()
        .get_template(template)
        .render({"w": words, "_": words.say, "many": words.count, "up_to": words.up_to, **values})
    )


@cache
def asset(name: str) -> str:
    """Return the address of a static file, which changes with its content: browsers keep it for good."""
    return f"/static/{name}?v={sha256(static(name) or b'').hexdigest()[:12]}"


@cache
def static(name: str) -> bytes | None:
    """Return a static file of our own, or none if there is none of that name."""
    found = next((file for file in STATIC.iterdir() if file.name == name and file.is_file()), None)
    return None if found is None else found.read_bytes()


def link(path: str, *given: Mapping[str, Any], **changes: Any) -> str:
    """Return an address with a query: values that are none or empty are left out, several of a name are repeated."""
    merged: dict[str, Any] = {}
    for part in (*given, changes):
        merged |= part
    kept: list[str] = []
    for name, value in merged.items():
        if value is None or value == "":
            continue
        values = cast("list[Any]", value) if isinstance(value, list) else [value]
        kept += [f"{_quoted(name)}={_quoted(str(one))}" for one in values]
    return f"{path}?{'&'.join(kept)}" if kept else path


def _quoted(text: str) -> str:
    return text.replace(":", "%3A") if _PLAIN.fullmatch(text) else quote_plus(text)


def called(organisation: Mapping[str, Any]) -> str:
    """Return what an organisation is called; one without a name goes by its identifier."""
    return organisation["name"] or organisation["identifier"]


def named(organisations: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return organisations as the options of a choice."""
    return [(one["identifier"], called(one)) for one in organisations]
