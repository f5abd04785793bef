"""What search makes of a text, and of what kinds of gap and harms are called: words without case and accents.

A text may also be the beginning of a case's reference, written as people write it.
"""

import re
import unicodedata
from typing import Final

from msgspec import Struct

from ...domain.vocabulary import GapKind, Harm
from ..summaries import Language, gap_in_words, harm_in_words

TEXT_MAX: Final = 255
"""How long a text may be, in characters: that of the longest identifier."""

WORDS_MAX: Final = 16
"""How many different words a text may hold: each is compared with every value."""

REFERENCE_MIN: Final = 4
"""How many characters must be given of a reference: fewer are the beginning of too many."""


class Asked(Struct, frozen=True):
    """A text as it is searched for: as given, its different words, all words in order, and beginnings of references."""

    text: str
    words: tuple[str, ...]
    whole: str
    references: tuple[str, ...]


class TooMuchText(ValueError):  # noqa: N818  named for what it is
    """A text that is too long to be searched for; the message says so in one sentence."""


def asked(text: str) -> Asked:
    """Return a text as it is searched for; one of marks alone has no words and finds nothing.

    Raises ``TooMuchText``.
    """
    if len(text) > TEXT_MAX:
        message = f"{len(text)} characters are too many; search for {TEXT_MAX} at most."
        raise TooMuchText(message)
    spaced = words_of(text)
    words = tuple(dict.fromkeys(spaced.split()))
    if len(words) > WORDS_MAX:
        message = f"{len(words)} different words are too many; search for {WORDS_MAX} at most."
        raise TooMuchText(message)
    return Asked(text.strip(), words, spaced, _references(text))


def words_of(text: str) -> str:
    """Return the words of a text, each between two spaces, as the function ``knelpunt.words`` of the database does."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", text)).translate(_LOWER)
    return f" {_BETWEEN.sub(' ', plain).strip(' ')} "


_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_BETWEEN: Final = re.compile("[^a-z0-9\u00c0-\u1fff\u2070-\U0010ffff]+")
_LOWER: Final = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

_REFERENCE: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")
_MISREAD: Final = str.maketrans("OIL", "011")
_FIRST_HALF: Final = 5


def _references(text: str) -> tuple[str, ...]:
    """Return what references may begin with: the text as it is, and as the registry writes references.

    Those have no letters that look like digits, and a hyphen in the middle (``domain/ids.py``).
    """
    given = "".join(text.upper().split())
    bare = given.replace("-", "")
    if len(bare) < REFERENCE_MIN or not bare.isascii() or not _REFERENCE.fullmatch(given):
        return ()
    ours = bare.translate(_MISREAD)
    if len(ours) > _FIRST_HALF:
        ours = f"{ours[:_FIRST_HALF]}-{ours[_FIRST_HALF:]}"
    both = {given, ours}
    # One that begins with the other finds nothing more.
    return tuple(sorted(one for one in both if not any(one != other and one.startswith(other) for other in both)))


def _catalogue() -> tuple[list[str], list[str], list[str]]:
    """Return everything that kinds of gap and harms are called: GAP_KIND or HARM, the value, and its words."""
    told: list[tuple[str, str, str]] = []
    for sort, values, say in (("GAP_KIND", GapKind, gap_in_words), ("HARM", Harm, harm_in_words)):
        for value in values:
            texts = (value.value, *(say(value, language) for language in Language))
            told += [(sort, value.value, words_of(text)) for text in texts]
    return [sort for sort, _, _ in told], [value for _, value, _ in told], [words for _, _, words in told]


SORTS, VALUES, TEXTS = _catalogue()
"""All that kinds of gap and harms are called: beside each other which of the two, the value, and its words."""
