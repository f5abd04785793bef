"""Rows of a screen: pieces of text with a style each, measured in the columns that a terminal gives them.

Everything shown comes through ``terminal.plain``: no text may steer a terminal.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from prompt_toolkit.utils import get_cwidth

Piece = tuple[str, str]
"""A style and a text."""

Row = list[Piece]

ELLIPSIS: Final = "…"


def columns(row: Row) -> int:
    """Return how wide a row is."""
    return sum(get_cwidth(text) for _, text in row)


def clip(text: str, width: int) -> str:
    """Return as much of a text as fits, and an ellipsis if that is not all of it."""
    if get_cwidth(text) <= width:
        return text
    return f"{_first(text, width - 1)}{ELLIPSIS}" if width > 0 else ""


def _first(text: str, width: int) -> str:
    taken = 0
    for place, character in enumerate(text):
        taken += get_cwidth(character)
        if taken > width:
            return text[:place]
    return text


def padded(text: str, width: int) -> str:
    """Return a text exactly as wide as asked, cut or filled up with blanks."""
    cut = clip(text, width)
    return cut + " " * (width - get_cwidth(cut))


def clipped(row: Row, width: int) -> Row:
    """Return as much of a row as fits."""
    if columns(row) <= width:
        return row
    kept: Row = []
    for style, text in row:
        left = width - columns(kept)
        if get_cwidth(text) > left:
            return [*kept, (style, clip(f"{text}{ELLIPSIS}", left))]
        kept.append((style, text))
    return kept


def filled(row: Row, width: int, style: str = "") -> Row:
    """Return a row exactly as wide as asked; ``style`` is that of the blanks that fill it up."""
    cut = clipped(row, width)
    return [*cut, (style, " " * (width - columns(cut)))]


def wrapped(pieces: Sequence[Piece], width: int, indent: int = 0) -> list[Row]:
    """Return pieces as rows, broken between words; all rows but the first begin with ``indent`` blanks."""
    width = max(width, indent + 2)  # two columns are what the widest character takes
    rows: list[Row] = [[]]
    taken = 0
    for style, word in _words(pieces, width - indent):
        wide = get_cwidth(word)
        if taken + get_cwidth(word.rstrip()) > width and rows[-1]:
            rows.append([("", " " * indent)] if indent else [])
            taken = indent
        rows[-1].append((style, word))
        taken += wide
    return [_trimmed(row) for row in rows]


def _trimmed(row: Row) -> Row:
    """Return a row without the blanks at its end, which need not fit."""
    kept = row[:]
    while kept and not kept[-1][1].strip():
        kept.pop()
    return [*kept[:-1], (kept[-1][0], kept[-1][1].rstrip())] if kept else []


def _words(pieces: Iterable[Piece], width: int) -> Iterable[Piece]:
    """Yield words with the blanks after them; one that fits on no row is cut."""
    for style, text in pieces:
        for part in _parts(text):
            word = part
            while get_cwidth(word.rstrip()) > width:
                piece = _first(word, width)
                yield style, piece
                word = word[len(piece) :]
            yield style, word


def _parts(text: str) -> Iterable[str]:
    word = ""
    for character in text:
        if word.endswith(" ") and character != " ":
            yield word
            word = ""
        word += character
    if word:
        yield word
