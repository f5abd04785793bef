"""Feeds a file of XML to expat, block by block, and refuses what a log has no use for.

No entity is resolved and nothing is fetched: a file that declares a document type is refused, since logs have none. The
parser is the standard library's expat and not lxml, which says "line 65535" for every element beyond it.
"""

import codecs
from pathlib import Path
from typing import Final
from xml.parsers import expat

from .errors import ImportRefusedError
from .opening import ReadingProgress, opened

TOKEN_BYTES_MAX: Final = 10_000_000
"""The longest start tag, with its attributes: expat itself would go on collecting one until the memory is full."""

_BLOCK_BYTES: Final = 1 << 18
_UNICODE: Final = {"utf-8", "utf-16", "utf-16-le", "utf-16-be"}
_ALL_BYTES: Final = bytes(range(256))


def parse(path: Path, parser: expat.XMLParserType, kind: str, progress: ReadingProgress) -> None:
    """Read a file to its end; ``kind`` is what its format is called.

    Raises ``ImportRefusedError`` for malformed and hostile files, and whatever the parser's handlers raise.
    """
    _guard(path, parser, kind)
    fed = 0
    with opened(path) as log:
        try:
            while block := log.content.read(_BLOCK_BYTES):
                fed += len(block)
                parser.Parse(block, False)
                if fed - parser.CurrentByteIndex > TOKEN_BYTES_MAX:
                    line = parser.CurrentLineNumber
                    raise ImportRefusedError(f"{path}, line {line}: an element is longer than {TOKEN_BYTES_MAX} bytes.")
                progress(log.bytes_read, log.bytes_total)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise ImportRefusedError(
                f"{path}, line {error.lineno}: the XML is malformed or cut short ({what}). Nothing was imported."
            ) from None


def local(name: str) -> str:
    """Return an element's name without the prefix of its namespace."""
    return name.rpartition(":")[2]


def _guard(path: Path, parser: expat.XMLParserType, kind: str) -> None:
    """Refuse document type declarations, and encodings that expat would fail on without a word."""

    def doctype_declared(*_declaration: object) -> None:
        message = f"{path}: holds a document type declaration (DOCTYPE), which {kind} has not; remove it."
        raise ImportRefusedError(message)

    def encoding_declared(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is None:
            return
        try:
            # Expat takes encodings of one byte a character, and Unicode's.
            readable = codecs.lookup(encoding).name in _UNICODE or len(_ALL_BYTES.decode(encoding, "replace")) == 256  # noqa: PLR2004 - a character a byte
        except LookupError:
            readable = False
        if not readable:
            raise ImportRefusedError(f"{path}: its encoding {encoding!r} cannot be read; convert it to UTF-8.")

    parser.StartDoctypeDeclHandler = doctype_declared
    parser.XmlDeclHandler = encoding_declared
