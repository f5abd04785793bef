"""The vault: keys per subject, from which texts are sealed and opened, and the registry's secrets.

It asks its database which keys are in force each time, so that a key destroyed elsewhere is of no use here at once. The
unwrapped form of keys is kept at hand for two seconds, whatever else happens: longer no process holds a destroyed one.
The module is long because it is one class, and nothing else touches keys.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from threading import Timer
from typing import Final
from uuid import UUID, uuid4

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from msgspec import Struct
from psycopg_pool import ConnectionPool

from ...domain.case.named import subjects_told_of
from ...domain.command import Command, RefusalCode, Refused
from ...domain.event import Event, Fact
from ...domain.ids import SubjectId
from ...domain.text import Clear, Erased, Plaintext, Sealed
from ..store.arrays import bytea_array, uuid_array
from ..store.beside import Sightings
from ..store.connection import REGISTRY, DatabaseRole, acting_for, pool
from .keyline import KEYS_FOR, KEYS_FOR_BESIDE, Ahead, Asked, Found, KeyLine
from .request import RequestHashes
from .sealing import Key, Place, SubjectErased, open_text, seal_fact, seal_text
from .texts import clear_texts, sealed_texts

KEY_BYTES: Final = 32

CASEWORK: Final = "casework"
IDENTITY: Final = "identity"
READING: Final = "reading"
"""The purposes for which there are keys: texts of cases, who somebody is, and the records of who read of them; a
subject has one key for each."""

KEYS_KEPT_MAX: Final = 4096
"""How many unwrapped keys are kept at hand, at a kilobyte each."""

KEPT_SECONDS_MAX: Final = 2.0
"""How long an unwrapped key is kept at hand: so long after its destruction a process may still hold it, and no longer.
Unwrapping takes a tenth of a millisecond, so that those in use are made again without anybody noticing."""

SUBJECTS_KEPT_MAX: Final = 10_000
"""Of how many subjects it is remembered that they had a key, or a fence, when last asked for: a megabyte or two, which
are full within a busy hour. For others a key is proposed in vain, which takes ten microseconds."""

CONNECTIONS_MAX: Final = 4

KEYS: Final = (
    "SELECT k.subject_id, k.key_id, k.wrapped FROM vault.key k "
    "WHERE (k.subject_id, k.key_id) IN (SELECT * FROM unnest(%s, %s)) "
    "AND NOT EXISTS (SELECT FROM vault.fence f WHERE f.subject_id = k.subject_id)"
)
KNOWS: Final = "SELECT FROM vault.key WHERE subject_id = %s LIMIT 1"
OF_READINGS: Final = (
    "SELECT k.key_id, k.subject_id, k.wrapped FROM vault.key k WHERE k.purpose = 'reading' AND k.key_id = ANY(%s) "
    "AND NOT EXISTS (SELECT FROM vault.fence f WHERE f.subject_id = k.subject_id)"
)
READING_KEY: Final = "SELECT key_id FROM vault.key WHERE subject_id = %s AND purpose = 'reading'"
ERASED_AMONG: Final = "SELECT subject_id FROM vault.fence WHERE subject_id = ANY(%s)"
KEYS_FOR_KEPT: Final = (
    "SELECT subject_id, fenced, key_id, wrapped "
    "FROM pg_logical_emit_message(true, 'knelpunt', ''), vault.keys_for(%s, %s, %s, %s)"
)
"""With something written, so that its commit waits for the disk also with keys that others made without waiting."""


RECORD_FIELD: Final = "text"
"""The field by which the text of a record of the vault's own is bound to its place; a record has one."""


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
        self._url = url
        self._connections = pool(url, DatabaseRole.VAULT, CONNECTIONS_MAX)
        self._master = master
        self._unwrapped: dict[tuple[UUID, bytes], Key] = {}
        self._dropping: Timer | None = None
        self._keyed: set[SubjectId] = set()
        self._sightings = Sightings()
        try:
            self._origin = _origin(self._connections)
            self._request_secret = self.secret("request-hash")
            self._request_hashes = RequestHashes(self._request_secret)
        except BaseException:
            self.close()
            raise

    @property
    def origin(self) -> str:
        """Of which registry it is the vault."""
        return self._origin

    def close(self) -> None:
        """Close the connections, and let go of all keys."""
        self._connections.close()
        self._drop_keys()

    def secret(self, name: str) -> bytes:
        """Return the 32 bytes of a secret of the vault's own, made the first time it is asked for."""
        with self.connection() as connection:
            connection.execute(
                "INSERT INTO vault.secret (name, wrapped) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (name, aes_key_wrap(self._master, secrets.token_bytes(KEY_BYTES))),
            )
            row = connection.execute("SELECT wrapped FROM vault.secret WHERE name = %s", (name,)).fetchone()
        assert row is not None
        return self._unwrap(row[0])

    def request_hash(self, command: Command) -> bytes:
        """Return the HMAC-SHA-256 of a request as it was received: 32 bytes that give nothing of its texts away."""
        return self._request_hashes.of(command)

    @property
    def request_secret(self) -> bytes:
        """The 32 bytes under which requests are hashed, for processes of this program that hash many of them."""
        return self._request_secret

    def line(self) -> KeyLine:
        """Return a line for ``ask_ahead``; whoever asked for it lets it go."""
        return KeyLine(self._url)

    def ask_ahead(self, line: KeyLine, subjects: Collection[SubjectId], marked: int) -> Ahead:
        """Ask for the keys of those whom texts will be about as a rule, before that is decided (``seal``).

        Who has none yet gets one. Raises psycopg's errors.
        """
        return line.ask([self._asked(subject) for subject in subjects], CASEWORK, marked)

    def seal(
        self, facts: Sequence[ToSeal], marked: int | None = None, ahead: Ahead | None = None
    ) -> list[Fact | Refused]:
        """Return each fact with its texts sealed, or the refusal of one about an erased subject or about nobody.

        A fact that names an erased subject is refused too, whether or not it says anything in words. If the vault is on
        the server of the session with a mark (``beside``), what is sealed may be committed by that session alone: keys
        are on disk with it, and lost if it is (decisions/0058). Without a mark they are on disk already. Keys that were
        asked for ``ahead`` on behalf of the same session are not asked for again.
        """
        subjects = {
            about
            for asked in facts
            for _, text in clear_texts(asked.fact)
            if (about := text.about or asked.first_subject)
        }
        told_of = [list(subjects_told_of(asked.fact)) for asked in facts]
        named = {subject for of_fact in told_of for subject in of_fact}
        keys = self._keyed_by(ahead.found())[0] if ahead is not None else {}
        subjects -= keys.keys()
        named -= keys.keys()
        if subjects or named:
            keys |= self._keys_in_force(subjects, named, marked=marked)
        sealed: list[Fact | Refused] = []
        for asked, of_fact in zip(facts, told_of, strict=True):
            try:
                _refuse_erased(of_fact, keys)
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
            for name, text in sealed_texts(event.data)
        ]
        keys = self._keys_by_id({(text.about, text.key) for text, _, _ in found}) if found else {}
        opened: dict[Sealed, Clear | Erased] = {}
        for text, place, name in found:
            opened[text] = self._opened(text, place, name, keys.get((text.about, text.key)))
        return opened

    def connection(self) -> AbstractContextManager[psycopg.Connection]:
        """Give a connection to the vault, in a transaction that is committed at the end."""
        return acting_for(self._connections, REGISTRY)

    def erased_so_far(self) -> int:
        """Return how many subjects have been erased: while it stays the same, what was shown may go on being shown."""
        with self.connection() as connection:
            row = connection.execute("SELECT count(*) FROM vault.fence").fetchone()
        assert row is not None
        return row[0]

    def knows(self, subject: SubjectId) -> bool:
        """Return whether there is a key of a subject: whether anything was ever sealed for them, and can be opened."""
        with self.connection() as connection:
            return connection.execute(KNOWS, (subject,)).fetchone() is not None

    def erased_among(self, subjects: Collection[SubjectId]) -> set[SubjectId]:
        """Return those of some subjects who have been erased, or are being so at this moment."""
        with self.connection() as connection:
            rows = connection.execute(ERASED_AMONG, (uuid_array(subjects),), binary=True).fetchall()
        return {subject for (subject,) in rows}

    def fence_again(self, subjects: Collection[SubjectId]) -> int:
        """Fence subjects of whom the log tells that they were erased; return how many of them the vault did not know.

        What an older copy of the vault brought back of them is destroyed.
        """
        with self.connection() as connection:
            row = connection.execute("SELECT vault.fence_again(%s)", (uuid_array(subjects),)).fetchone()
        assert row is not None
        return row[0]

    def seal_record(self, record: UUID, what: str, text: Clear, purpose: str = CASEWORK) -> Sealed | Refused:
        """Return a text of a record of the vault's own, about a subject, sealed; refused for an erased one."""
        assert text.about is not None, "a record is about somebody"
        key = self._keys_in_force({text.about}, purpose=purpose)[text.about]
        if key is None:
            error = SubjectErased(text.about)
            return Refused(RefusalCode.SUBJECT_ERASED, str(error), (("subject", str(text.about)),))
        return seal_text(text.content, text.about, self._origin, _place_of_record(record, what), RECORD_FIELD, key)

    def open_record(self, record: UUID, what: str, text: Sealed) -> Clear | Erased:
        """Return what ``seal_record`` sealed. Raises ``VaultError`` if it is not that."""
        key = self._keys_by_id({(text.about, text.key)}).get((text.about, text.key))
        return self._opened(text, _place_of_record(record, what), RECORD_FIELD, key)

    def seal_ids(self, reading: UUID, subjects: Collection[SubjectId]) -> list[Sealed]:
        """Return the ids of subjects, each sealed under a key of its own subject, for the record of a reading.

        Those of erased subjects are left out: nothing is recorded of them any more.
        """
        keys = self._keys_in_force(set(subjects), purpose=READING)
        place = _place_of_record(reading, READING)
        return [
            seal_text(Plaintext(str(subject)), subject, self._origin, place, RECORD_FIELD, key)
            for subject, key in keys.items()
            if key is not None
        ]

    def open_ids(self, records: Sequence[tuple[UUID, UUID, bytes]]) -> list[SubjectId | None]:
        """Return whom records of readings are about: each a reading, a key and a box; none for who was erased.

        Raises ``VaultError`` for one that was tampered with.
        """
        wanted = uuid_array({key for _, key, _ in records})
        with self.connection() as connection:
            rows = connection.execute(OF_READINGS, (wanted,), binary=True).fetchall()
        keys = {key: (subject, self._key(key, wrapped)) for key, subject, wrapped in rows}
        found: list[SubjectId | None] = []
        for reading, key_id, box in records:
            subject, key = keys.get(key_id, (None, None))
            if subject is not None:
                opened = self._opened(
                    Sealed(subject, key_id, box), _place_of_record(reading, READING), RECORD_FIELD, key
                )
                assert isinstance(opened, Clear), "there is a key"
                subject = UUID(opened.content.reveal())
            found.append(subject)
        return found

    def reading_key(self, subject: SubjectId) -> UUID | None:
        """Return the key under which records of readings name a subject; none if nothing was read, or all forgotten."""
        with self.connection() as connection:
            row = connection.execute(READING_KEY, (subject,)).fetchone()
        return None if row is None else row[0]

    def _opened(self, text: Sealed, place: Place, field: str, key: Key | None) -> Clear | Erased:
        if key is None:
            return Erased(text.about)
        try:
            return open_text(text, self._origin, place, field, key)
        except InvalidTag:
            message = f"The field {field} of event {place.event} is not what was sealed there: check the log's proofs."
            raise VaultError(message) from None

    def _keys_in_force(
        self,
        subjects: set[SubjectId],
        named: Collection[SubjectId] = (),
        purpose: str = CASEWORK,
        marked: int | None = None,
    ) -> dict[SubjectId, Key | None]:
        """Return each subject's key, made where there was none yet; none for who has been erased.

        For those who are only ``named`` no key is made: they may be missing from what is returned. With a subject of
        whom nothing is known here goes a key to be taken if they have none: asking first would be one query more for
        each new case.
        """
        only_named = set(named) - subjects
        keys, missing = self._keys_for(
            [
                *map(self._asked, subjects),
                *((subject, None, b"") for subject in only_named),
            ],
            purpose,
            marked,
        )
        missing = [subject for subject in missing if subject not in only_named]
        if missing:
            made, missing = self._keys_for([self._proposal(subject) for subject in missing], purpose, marked)
            assert not missing, "a proposed key is taken, unless there is another or a fence"
            keys.update(made)
        return keys

    def _asked(self, subject: SubjectId) -> Asked:
        """Return what to ask of a subject: with a key to be taken, unless they were seen to have one."""
        return (subject, None, b"") if subject in self._keyed else self._proposal(subject)

    def _proposal(self, subject: SubjectId) -> Asked:
        return subject, uuid4(), aes_key_wrap(self._master, secrets.token_bytes(KEY_BYTES))

    def _keys_for(
        self, asked: Sequence[Asked], purpose: str, marked: int | None
    ) -> tuple[dict[SubjectId, Key | None], list[SubjectId]]:
        """Return the keys in force, none for the fenced; and who has no key yet. With each subject goes a proposal."""
        values = (
            purpose,
            uuid_array(subject for subject, _, _ in asked),
            uuid_array(key for _, key, _ in asked),
            bytea_array(wrapped for _, _, wrapped in asked),
        )
        with self._connections.connection() as connection:
            statement = KEYS_FOR
            if purpose == CASEWORK and (marked is None or self._sightings.sees(connection, marked)):
                # A vault on another server than that session has no keys that anybody has not waited for.
                statement = KEYS_FOR_KEPT if marked is None else KEYS_FOR_BESIDE
            return self._keyed_by(connection.execute(statement, values, prepare=True, binary=True).fetchall())

    def _keyed_by(self, found: Sequence[Found]) -> tuple[dict[SubjectId, Key | None], list[SubjectId]]:
        """Return the keys that were found, none for the fenced; and who has no key yet."""
        keys: dict[SubjectId, Key | None] = {}
        missing: list[SubjectId] = []
        for subject, fenced, key, wrapped in found:
            if key is not None and wrapped is not None:
                keys[subject] = self._key(key, wrapped)
            elif fenced:
                keys[subject] = None
            else:
                missing.append(subject)
        if len(self._keyed) >= SUBJECTS_KEPT_MAX:
            self._keyed.clear()
        self._keyed.update(keys)
        return keys, missing

    def _keys_by_id(self, wanted: set[tuple[SubjectId, UUID]]) -> dict[tuple[SubjectId, UUID], Key]:
        """Return those keys that are still there."""
        asked = list(wanted)
        with self.connection() as connection:
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
            if self._dropping is None:
                self._dropping = Timer(KEPT_SECONDS_MAX, self._drop_keys)
                self._dropping.daemon = True
                self._dropping.start()
        return kept

    def _drop_keys(self) -> None:
        """Let go of every key at hand, and wait for the next one."""
        # In this order: a key that comes in between has a timer of its own, or is let go with the others.
        waiting, self._dropping = self._dropping, None
        if waiting is not None:
            waiting.cancel()
        self._unwrapped.clear()

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


def _place_of_record(record: UUID, what: str) -> Place:
    """Return what a text of the vault's own is bound to: it stands in no stream."""
    return Place(record, record, 0, what)


def _refuse_erased(subjects: Iterable[SubjectId], keys: Mapping[SubjectId, Key | None]) -> None:
    """Raise ``SubjectErased`` for the first who has no key and gets none; who is not in ``keys`` may still get one."""
    for subject in subjects:
        if subject in keys and keys[subject] is None:
            raise SubjectErased(subject)
