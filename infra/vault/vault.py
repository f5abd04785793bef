"""The vault: keys per subject, from which texts are sealed and opened, and the registry's secrets.

It asks its database which keys are in force each time, so that a key destroyed elsewhere is gone here at once; what it
keeps at hand is only the unwrapped form of keys that are still there.
"""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from msgspec import Struct
from psycopg_pool import ConnectionPool

from ...domain.command import Command, RefusalCode, Refused
from ...domain.event import Event, Fact
from ...domain.ids import SubjectId
from ...domain.text import Clear, Erased, Sealed
from ..store.arrays import bytea_array, uuid_array
from ..store.connection import REGISTRY, DatabaseRole, acting_for, pool
from .request import canonical_request
from .sealing import Key, Place, SubjectErased, clear_texts, open_text, seal_fact, text_fields

KEY_BYTES: Final = 32

CASEWORK: Final = "casework"
"""The purpose for which texts of cases are kept; a subject has one key for each purpose."""

KEYS_KEPT_MAX: Final = 4096
"""How many unwrapped keys are kept at hand, at a kilobyte each."""

SUBJECTS_KEPT_MAX: Final = 100_000
"""Of how many subjects it is remembered that they had a key, or a fence, when last asked for."""

CONNECTIONS_MAX: Final = 4

KEYS: Final = (
    "SELECT subject_id, key_id, wrapped FROM vault.key WHERE (subject_id, key_id) IN (SELECT * FROM unnest(%s, %s))"
)
KEYS_FOR: Final = "SELECT subject_id, fenced, key_id, wrapped FROM vault.keys_for(%s, %s, %s, %s)"


class VaultError(Exception):
    """The vault cannot do what was asked; the message is one sentence that says what to do."""


class ToSeal(Struct, frozen=True):
    """A fact whose texts are to be sealed, where it will stand, and whom its texts are about unless they say so."""

    fact: Fact
    place: Place
    first_subject: SubjectId | None


class Vault:
    """Seals and opens. ``url`` logs in as a member of knelpunt_vault; ``master`` is 32 bytes (see ``master``)."""

    def __init__(self, url: str, master: bytes) -> None:
        """Connect, and get the registry's secrets, making them the first time. Raises ``VaultError``."""
        self._connections = pool(url, DatabaseRole.VAULT, CONNECTIONS_MAX)
        self._master = master
        self._unwrapped: dict[tuple[UUID, bytes], Key] = {}
        self._keyed: set[SubjectId] = set()
        try:
            self._origin = _origin(self._connections)
            self._request_secret = self.secret("request-hash")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def secret(self, name: str) -> bytes:
        """Return the 32 bytes of a secret of the vault's own, made the first time it is asked for."""
        with acting_for(self._connections, REGISTRY) as connection:
            connection.execute(
                "INSERT INTO vault.secret (name, wrapped) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (name, aes_key_wrap(self._master, secrets.token_bytes(KEY_BYTES))),
            )
            row = connection.execute("SELECT wrapped FROM vault.secret WHERE name = %s", (name,)).fetchone()
        assert row is not None
        return self._unwrap(row[0])

    def request_hash(self, command: Command) -> bytes:
        """Return the HMAC-SHA-256 of a request as it was received: 32 bytes that give nothing of its texts away."""
        return hmac.digest(self._request_secret, canonical_request(command), "sha256")

    def seal(self, facts: Sequence[ToSeal]) -> list[Fact | Refused]:
        """Return each fact with its texts sealed, or the refusal of one about an erased subject or about nobody."""
        subjects = {
            about
            for asked in facts
            for _, text in clear_texts(asked.fact)
            if (about := text.about or asked.first_subject)
        }
        keys = self._keys_in_force(subjects) if subjects else {}
        sealed: list[Fact | Refused] = []
        for asked in facts:
            try:
                sealed.append(seal_fact(asked.fact, self._origin, asked.place, asked.first_subject, keys))
            except SubjectErased as error:
                sealed.append(Refused(RefusalCode.SUBJECT_ERASED, str(error), (("subject", str(error.subject)),)))
            except ValueError as error:
                sealed.append(Refused(RefusalCode.MALFORMED, str(error)))
        return sealed

    def open(self, events: Iterable[Event]) -> dict[Sealed, Clear | Erased]:
        """Return the texts that events hold, each by its sealed form; ``Erased`` where the key is gone. One query.

        The events must be as they were recorded, since a text only opens at its own place: where a correction has
        carried a text to another event, look it up here by its sealed form. Raises ``VaultError`` for a text that was
        tampered with.
        """
        found = [
            (text, Place(event.id, event.stream, event.version, event.data.topic), name)
            for event in events
            for name in text_fields(type(event.data))
            if isinstance(text := getattr(event.data, name), Sealed)
        ]
        keys = self._keys_by_id({(text.about, text.key) for text, _, _ in found}) if found else {}
        opened: dict[Sealed, Clear | Erased] = {}
        for text, place, name in found:
            key = keys.get((text.about, text.key))
            try:
                opened[text] = Erased(text.about) if key is None else open_text(text, self._origin, place, name, key)
            except InvalidTag:
                message = (
                    f"The field {name} of event {place.event} is not what was sealed there: check the log's proofs."
                )
                raise VaultError(message) from None
        return opened

    def _keys_in_force(self, subjects: set[SubjectId]) -> dict[SubjectId, Key | None]:
        """Return each subject's key, made where there was none yet; none for who has been erased.

        With a subject of whom nothing is known here goes a key to be taken if they have none: asking first would be
        one query more for each new case.
        """
        keys, missing = self._keys_for(
            [(subject, None, b"") if subject in self._keyed else self._proposal(subject) for subject in subjects]
        )
        if missing:
            made, missing = self._keys_for([self._proposal(subject) for subject in missing])
            assert not missing, "a proposed key is taken, unless there is another or a fence"
            keys.update(made)
        if len(self._keyed) >= SUBJECTS_KEPT_MAX:
            self._keyed.clear()
        self._keyed |= subjects
        return keys

    def _proposal(self, subject: SubjectId) -> tuple[SubjectId, UUID, bytes]:
        return subject, uuid4(), aes_key_wrap(self._master, secrets.token_bytes(KEY_BYTES))

    def _keys_for(
        self, asked: Sequence[tuple[SubjectId, UUID | None, bytes]]
    ) -> tuple[dict[SubjectId, Key | None], list[SubjectId]]:
        """Return the keys in force, none for the fenced; and who has no key yet. With each subject goes a proposal."""
        values = (
            CASEWORK,
            uuid_array(subject for subject, _, _ in asked),
            uuid_array(key for _, key, _ in asked),
            bytea_array(wrapped for _, _, wrapped in asked),
        )
        with self._connections.connection() as connection:
            rows = connection.execute(KEYS_FOR, values, prepare=True, binary=True).fetchall()
        keys: dict[SubjectId, Key | None] = {}
        missing: list[SubjectId] = []
        for subject, fenced, key, wrapped in rows:
            if key is not None:
                keys[subject] = self._key(key, wrapped)
            elif fenced:
                keys[subject] = None
            else:
                missing.append(subject)
        return keys, missing

    def _keys_by_id(self, wanted: set[tuple[SubjectId, UUID]]) -> dict[tuple[SubjectId, UUID], Key]:
        """Return those keys that are still there."""
        asked = list(wanted)
        with acting_for(self._connections, REGISTRY) as connection:
            rows = connection.execute(
                KEYS, (uuid_array(subject for subject, _ in asked), uuid_array(key for _, key in asked)), binary=True
            ).fetchall()
        return {(subject, key): self._key(key, wrapped) for subject, key, wrapped in rows}

    def _key(self, key: UUID, wrapped: bytes) -> Key:
        kept = self._unwrapped.get((key, wrapped))
        if kept is None:
            if len(self._unwrapped) >= KEYS_KEPT_MAX:
                self._unwrapped.clear()  # rare, and unwrapping a key takes microseconds
            kept = self._unwrapped[key, wrapped] = Key(key, AESGCM(self._unwrap(wrapped)))
        return kept

    def _unwrap(self, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap(self._master, wrapped)
        except InvalidUnwrap:
            message = "The master key is not the one that this registry's keys were wrapped with: restore it."
            raise VaultError(message) from None


def _origin(connections: ConnectionPool) -> str:
    with acting_for(connections, REGISTRY) as connection:
        row = connection.execute("SELECT origin FROM knelpunt.registry").fetchone()
    assert row is not None, "a migrated database has its origin"
    return row[0]
