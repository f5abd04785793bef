"""Who a pseudonym stands for: names and citizen's numbers, sealed, and found again without being readable.

An identity is sealed under a key of its subject's own. What it is looked up by is an HMAC under a secret of the vault:
a bare hash of a BSN (the Dutch citizen's number) is as good as the number, since all 91 million fit in a minute of one
core. Both go when the subject is erased.
"""

import hmac
import unicodedata
from collections.abc import Sequence
from typing import Final
from uuid import uuid5

import psycopg
from msgspec import Struct

from ...domain.command import Refused
from ...domain.ids import SubjectId
from ...domain.text import Clear, Erased, Plaintext, Sealed
from ...domain.vocabulary import IdentityKind, Role
from .vault import IDENTITY, Vault

INDEX_SECRET: Final = "blind-index"  # noqa: S105  the name of a secret
RECORD: Final = "identity"

BSN_DIGITS: Final = 9
BSN_WEIGHTS: Final = (9, 8, 7, 6, 5, 4, 3, 2, -1)
"""The test of eleven: what a citizen's number, digit by digit, times these comes to is a multiple of eleven."""

NAME_MAX: Final = 200

MAY: Final = frozenset({Role.INTAKE, Role.INVESTIGATOR, Role.SOLUTION_TEAM})
"""Who works with people themselves: they may keep who somebody is, and look it up."""

FIND: Final = "SELECT subject_id FROM vault.identity WHERE blind_index = %s ORDER BY subject_id"
OF: Final = "SELECT identity_id, kind, key_id, box FROM vault.identity WHERE subject_id = %s ORDER BY kind, identity_id"


class IdentityError(Exception):
    """An identity cannot be kept or looked up; the message is one sentence, and quotes nothing of it."""


class Identity(Struct, frozen=True):
    """Something that somebody is known by, in clear. ``content`` is written the one way in which it is compared."""

    kind: IdentityKind
    content: Plaintext


class Kept(Struct, frozen=True):
    """An identity as the vault gives it to who may see it."""

    kind: IdentityKind
    content: Clear | Erased


def identity(kind: IdentityKind, text: str) -> Identity:
    """Return an identity of what somebody typed. Raises ``IdentityError`` for what cannot be one."""
    if kind is IdentityKind.BSN:
        digits = text.replace(".", "").replace(" ", "").replace("-", "")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > BSN_DIGITS:
            raise IdentityError("A BSN has nine digits: check what was typed.")
        number = digits.zfill(BSN_DIGITS)
        total = sum(weight * int(digit) for weight, digit in zip(BSN_WEIGHTS, number, strict=True))
        if total % 11 or number == "0" * BSN_DIGITS:
            raise IdentityError("This is no BSN, by its check digit: check what was typed.")
        return Identity(kind, Plaintext(number))
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not 0 < len(name) <= NAME_MAX:
        raise IdentityError(f"A name has between 1 and {NAME_MAX} characters.")
    return Identity(kind, Plaintext(name))


class Identities:
    """The identities of a vault, over its connections."""

    def __init__(self, vault: Vault) -> None:
        """Work with a vault; the secret of the index is made the first time."""
        self._vault = vault
        self._secret = vault.secret(INDEX_SECRET)

    def keep(self, subject: SubjectId, given: Identity) -> None:
        """Keep that a subject is known by something; again changes nothing.

        Raises ``IdentityError`` for an erased subject, and for a citizen's number that is another one's.
        """
        index = self._index(given)
        # A name of its own for each, so that keeping it twice is keeping it once.
        record = uuid5(subject, index.hex())
        sealed = self._vault.seal_record(record, RECORD, Clear(given.content, subject), IDENTITY)
        if isinstance(sealed, Refused):
            raise IdentityError(sealed.message)
        try:
            with self._vault.connection() as connection:
                row = connection.execute(
                    "SELECT vault.keep_identity(%s, %s, %s, %s, %s, %s)",
                    (record, subject, given.kind.value, index, sealed.key, sealed.box),
                ).fetchone()
        except psycopg.errors.UniqueViolation:
            raise IdentityError("This BSN is another subject's already: look it up.") from None
        assert row is not None
        if not row[0]:
            raise IdentityError("This subject has been erased; nothing new about them can be recorded.")

    def find(self, given: Identity) -> list[SubjectId]:
        """Return the subjects known by something: at most one for a citizen's number."""
        with self._vault.connection() as connection:
            return [subject for (subject,) in connection.execute(FIND, (self._index(given),))]

    def of(self, subject: SubjectId) -> Sequence[Kept]:
        """Return what a subject is known by; nothing for one who was erased."""
        with self._vault.connection() as connection:
            rows = connection.execute(OF, (subject,)).fetchall()
        return [
            Kept(IdentityKind(kind), self._vault.open_record(record, RECORD, Sealed(subject, key, box)))
            for record, kind, key, box in rows
        ]

    def _index(self, given: Identity) -> bytes:
        """Return what an identity is found by: names without regard to capitals."""
        message = f"{given.kind.value}\0{given.content.reveal().casefold()}".encode()
        return hmac.digest(self._secret, message, "sha256")
