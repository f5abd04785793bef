"""What the registry's refusals say, in Dutch: its rules speak English, with the values that they are about in it.

``locales/refusals.nl.po`` has each sentence with {} in the place of a value. A sentence that is not there stays as it
is, and is then marked as English.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any, Final

from babel.messages.pofile import read_po
from msgspec import Struct

from ...projections.summaries import Language
from .labels import FACTS, LABELS
from .words import CATALOGUES, Words

PLACE: Final = r"(.{1,500}?)"
"""Whatever stands in the place of a value; no sentence has more than a name or an address there."""


class Said(Struct, frozen=True):
    """A text, and the language that it is in, as HTML's ``lang`` names it."""

    text: str
    tag: str


class _Pattern(Struct, frozen=True):
    english: re.Pattern[str]
    dutch: str


@cache
def _catalogue() -> tuple[Mapping[str, str], Sequence[_Pattern]]:
    """Return the sentences that have no values in them, and those that have, the longest first."""
    source = BytesIO((CATALOGUES / "refusals.nl.po").read_bytes())
    known = {str(one.id): str(one.string) for one in read_po(source, locale="nl") if one.id}
    plain = {text: said for text, said in known.items() if "{}" not in text}
    valued = sorted((text for text in known if "{}" in text), key=len, reverse=True)
    patterns = [
        _Pattern(re.compile(PLACE.join(re.escape(part) for part in text.split("{}"))), known[text]) for text in valued
    ]
    return plain, patterns


def refusal(message: str, words: Words) -> Said:
    """Return what a refusal says, in the visitor's language as far as that is known."""
    said = None if words.language is Language.EN else _dutch(message, words)
    return Said(message, "en") if said is None else Said(said, words.tag)


def _dutch(text: str, words: Words) -> str | None:
    plain, patterns = _catalogue()
    if text in plain:
        return plain[text]
    for one in patterns:
        found = one.english.fullmatch(text)
        if found is not None:
            return one.dutch.format(
                *(_dutch(value, words) or _moment(value, words) or value for value in found.groups())
            )
    return None


def fact(named: Mapping[str, Any], words: Words) -> str:
    """Return a fact that a refusal rests on: what it is called, and its value."""
    name: str = named["name"]
    label = FACTS.get(name) or LABELS.get(name)
    return f"{words.say(label) if label else name}: {_moment(named['value'], words) or named['value']}"


def _moment(value: str, words: Words) -> str | None:
    """Return a moment of a refusal as people read it, none for what is no moment; the zone is that of the pages."""
    try:
        return words.moment(datetime.fromisoformat(value)) if "T" in value else None
    except ValueError:
        return None
