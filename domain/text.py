"""Personal and free text: in clear only between a user and the vault, sealed everywhere else.

A ``Clear`` text enters with a command and leaves for a reader who may see it. Nothing can encode one: its content is
of a type that every codec refuses, and printing it shows nothing. What events hold is ``Sealed``: a ciphertext under a
key of the one subject whom the text is about, so that destroying the key forgets the text in all copies at once.
"""

from typing import Final, NoReturn
from uuid import UUID

from msgspec import Struct

from .ids import SubjectId

TEXT_BYTES_MAX: Final = 4096
"""The longest text in UTF-8 bytes: a page and a half. A longer story belongs in a document that is referred to."""


class Plaintext:
    """A text that must not leave memory: no codec encodes it and printing it shows nothing."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Hold ``value``; refuses what is longer than ``TEXT_BYTES_MAX`` with ``ValueError``."""
        if len(value.encode()) > TEXT_BYTES_MAX:
            message = f"A text may be at most {TEXT_BYTES_MAX} bytes long; split it, or refer to a document."
            raise ValueError(message)
        self._value = value

    def reveal(self) -> str:
        """Return the text itself: called where it is sealed, or shown to one who may see it."""
        return self._value

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, which is one more way out of memory."""
        message = "A clear text does not leave memory."
        raise TypeError(message)

    def __repr__(self) -> str:
        """Show that there is a text, never which."""
        return "Plaintext(…)"

    def __eq__(self, other: object) -> bool:
        """Compare by content, so that two equal commands are equal."""
        return isinstance(other, Plaintext) and self._value == other._value

    def __hash__(self) -> int:
        """Hash by content."""
        return hash(self._value)


class Clear(Struct, frozen=True, gc=False, tag="clear", tag_field="text"):
    """A text about one subject, before it is sealed or after it was opened for a reader.

    ``about`` is none where the case's first subject is meant; it is filled in before the text is sealed.
    """

    content: Plaintext
    about: SubjectId | None = None


class Sealed(Struct, frozen=True, gc=False, tag="sealed", tag_field="text"):
    """A text as events hold it: the subject it is about, the key it is under, and the ciphertext.

    ``box`` is a 12-byte nonce followed by AES-256-GCM ciphertext and tag (NIST SP 800-38D).
    """

    about: SubjectId
    key: UUID
    box: bytes


class Erased(Struct, frozen=True, gc=False):
    """What a reader gets for a sealed text whose subject's key was destroyed."""

    about: SubjectId


class Withheld(Struct, frozen=True, gc=False):
    """What a reader gets for a sealed text that is not theirs to read, whether or not its key still exists."""

    about: SubjectId


Text = Clear | Sealed
"""The type of every personal or free text in a fact: clear on the way in, sealed in what is recorded."""


def clear(text: str, about: SubjectId | None = None) -> Clear:
    """Return ``text`` about one subject, as a command carries it."""
    return Clear(Plaintext(text), about)
