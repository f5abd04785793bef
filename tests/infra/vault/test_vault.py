"""The vault: what it seals opens only where it was sealed, and never again once its key is gone."""

import os
import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from infra.store.conftest import DECIDERS
from infra.store.given import CLERK, command, event, open_case, register_office, report
from knelpunt.domain.case.facts import CaseOpened, ObstacleReported, StepTaken, SubjectRelated
from knelpunt.domain.command import COMMANDS, Command, RefusalCode, Refused
from knelpunt.domain.event import Event, Fact
from knelpunt.domain.text import Clear, Erased, Plaintext, Sealed, clear
from knelpunt.domain.vocabulary import NoticedBy, Origin, StepKind, SubjectRelation
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store.arrays import bytea_array, uuid_array
from knelpunt.infra.store.connection import REGISTRY, DatabaseRole, connect
from knelpunt.infra.store.reading import events_of
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.store.writer import Recorded, Writer
from knelpunt.infra.vault.request import canonical_request
from knelpunt.infra.vault.sealing import Place
from knelpunt.infra.vault.texts import text_fields
from knelpunt.infra.vault.vault import CASEWORK, KEYS_FOR, ToSeal, Vault, VaultError

MASTER = secrets.token_bytes(32)


@pytest.fixture
def vault(registry_url: str) -> Iterator[Vault]:
    """A vault."""
    vault = Vault(registry_url, MASTER)
    yield vault
    vault.close()


def sealed_event(vault: Vault, text: str, subject: UUID) -> Event:
    """An event with one text, sealed at its place."""
    one = event(uuid4(), 1, StepTaken(uuid4(), CLERK.organisation, StepKind.NOTE, clear(text)))
    (fact,) = vault.seal([ToSeal(one.data, place_of(one), subject)])
    assert not isinstance(fact, Refused)
    return msgspec.structs.replace(one, data=fact)


def place_of(one: Event) -> Place:
    return Place(one.id, one.stream, one.version, one.data.topic)


def fence(url: str, subject: UUID) -> None:
    """Do what erasing will do to the vault: fence first, then destroy the keys."""
    with connect(url, DatabaseRole.OWNER) as owner:
        owner.execute("INSERT INTO vault.fence (subject_id) VALUES (%s)", (subject,))
        owner.execute("DELETE FROM vault.key WHERE subject_id = %s", (subject,))


def note_of(one: Event) -> Sealed:
    assert isinstance(one.data, StepTaken)
    assert isinstance(one.data.note, Sealed)
    return one.data.note


def test_sealed_and_opened(vault, registry_url) -> None:
    """A text opens to itself, also in another program with the same master key; the same text never looks the same."""
    subject = uuid4()
    one, other = (
        sealed_event(vault, "Zij belde drie keer", subject),
        sealed_event(vault, "Zij belde drie keer", subject),
    )
    assert vault.open([one, other]) == {
        note_of(one): clear("Zij belde drie keer", subject),
        note_of(other): clear("Zij belde drie keer", subject),
    }
    assert note_of(one).key == note_of(other).key
    assert note_of(one).box != note_of(other).box
    another = Vault(registry_url, MASTER)
    assert another.open([one]) == {note_of(one): clear("Zij belde drie keer", subject)}
    another.close()


def test_each_text_under_its_own_subjects_key(vault) -> None:
    """Texts in one event about two subjects are under two keys; one that names nobody is about the first subject."""
    first, second, case = uuid4(), uuid4(), uuid4()
    fact = ObstacleReported(
        uuid4(), Origin.UNKNOWN, CLERK.organisation, story=clear("over hem"), need=clear("over haar", second)
    )
    (sealed,) = vault.seal([ToSeal(fact, Place(uuid4(), case, 2, fact.topic), first)])
    assert isinstance(sealed, ObstacleReported)
    assert isinstance(sealed.story, Sealed)
    assert isinstance(sealed.need, Sealed)
    assert (sealed.story.about, sealed.need.about) == (first, second)
    assert sealed.story.key != sealed.need.key


@pytest.mark.parametrize("moved", ["event", "stream", "version", "topic", "field", "registry", "byte", "about"])
def test_a_text_opens_only_at_its_own_place(vault, registry_url, moved) -> None:
    """A ciphertext moved to another event, stream, version, topic, field or registry, or altered, does not open."""
    subject = uuid4()
    one = sealed_event(vault, "hoort hier", subject)
    note = note_of(one)
    match moved:
        case "event":
            one = msgspec.structs.replace(one, id=uuid4())
        case "stream":
            one = msgspec.structs.replace(one, stream=uuid4())
        case "version":
            one = msgspec.structs.replace(one, version=2)
        case "topic":
            fact = ObstacleReported(uuid4(), Origin.UNKNOWN, CLERK.organisation, story=note)
            one = msgspec.structs.replace(one, data=fact)
        case "field":
            fact = ObstacleReported(uuid4(), Origin.UNKNOWN, CLERK.organisation, story=clear("x"))
            (fact,) = vault.seal([ToSeal(fact, Place(one.id, one.stream, 1, fact.topic), subject)])
            fact = msgspec.structs.replace(fact, need=fact.story, story=None)
            one = msgspec.structs.replace(one, data=fact)
        case "registry":
            with connect(registry_url, DatabaseRole.OWNER) as owner:
                owner.execute("UPDATE knelpunt.registry SET origin = 'knelpunt/another'")
            vault = Vault(registry_url, MASTER)
        case "byte":
            box = note.box[:-1] + bytes([note.box[-1] ^ 1])
            one = msgspec.structs.replace(
                one, data=msgspec.structs.replace(one.data, note=Sealed(subject, note.key, box))
            )
        case _:
            stranger = Sealed(uuid4(), note.key, note.box)
            one = msgspec.structs.replace(one, data=msgspec.structs.replace(one.data, note=stranger))
            assert vault.open([one]) == {stranger: Erased(stranger.about)}  # no such key of theirs
            return
    with pytest.raises(VaultError, match="is not what was sealed there"):
        vault.open([one])


def test_erased(vault, registry_url) -> None:
    """Once a subject's key is destroyed their texts read as erased, at once and elsewhere; others' still open."""
    gone, stays = uuid4(), uuid4()
    one, other = sealed_event(vault, "vergeten", gone), sealed_event(vault, "bewaard", stays)
    vault.open([one, other])
    fence(registry_url, gone)
    assert vault.open([one, other]) == {note_of(one): Erased(gone), note_of(other): clear("bewaard", stays)}


def test_nothing_new_about_an_erased_subject(vault, registry_url) -> None:
    """New text about a fenced subject is refused and makes no key; its neighbours are sealed."""
    gone, never_seen, stays = uuid4(), uuid4(), uuid4()
    sealed_event(vault, "eerst wel", gone)
    fence(registry_url, gone)
    fence(registry_url, never_seen)
    note = StepTaken(uuid4(), CLERK.organisation, StepKind.NOTE, clear("nieuw"))
    place = Place(uuid4(), uuid4(), 2, note.topic)
    answers = vault.seal([ToSeal(note, place, subject) for subject in (gone, stays, never_seen)])
    codes = [answer.code if isinstance(answer, Refused) else None for answer in answers]
    assert codes == [RefusalCode.SUBJECT_ERASED, None, RefusalCode.SUBJECT_ERASED]
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        subjects = owner.execute("SELECT subject_id FROM vault.key").fetchall()
    assert subjects == [(stays,)]


def test_fact_without_text_needs_no_key(vault) -> None:
    """A fact with nothing to seal comes back as it is."""
    fact = StepTaken(uuid4(), CLERK.organisation, StepKind.LETTER)
    assert vault.seal([ToSeal(fact, Place(uuid4(), uuid4(), 2, fact.topic), None)]) == [fact]
    assert vault.open([event(uuid4(), 1, fact)]) == {}
    assert vault.seal([]) == []


def test_text_about_nobody(vault) -> None:
    """A text where no subject is known is refused."""
    fact = StepTaken(uuid4(), CLERK.organisation, StepKind.NOTE, clear("over niemand"))
    (answer,) = vault.seal([ToSeal(fact, Place(uuid4(), uuid4(), 2, fact.topic), None)])
    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.MALFORMED


def test_one_key_however_many_ask(registry_url) -> None:
    """Vaults that meet a subject for the first time at the same moment come to one key."""
    subjects = [uuid4() for _ in range(20)]
    vaults = [Vault(registry_url, MASTER) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(
            threads.map(lambda one: [note_of(sealed_event(one, "x", subject)).key for subject in subjects], vaults)
        )
    for one in vaults:
        one.close()
    assert all(keys == found[0] for keys in found)


def test_another_master_key(registry_url, vault) -> None:
    """A vault with another master key does not start."""
    with pytest.raises(VaultError, match="master key is not the one"):
        Vault(registry_url, secrets.token_bytes(32))


def test_text_fields_are_found_by_type() -> None:
    """Every field of type Text, and no other, is sealed; the list is checked against the facts' declarations."""
    found = {fact.topic: text_fields(fact) for fact in COMMANDS.values() if text_fields(fact)}
    assert found["obstacle-reported"] == ("story", "need")
    assert found["fact-corrected"] == ("content", "reason")
    declared = {
        fact.topic: tuple(name for name, kind in _annotations(fact).items() if "Text" in str(kind))
        for fact in COMMANDS.values()
    }
    assert found == {topic: names for topic, names in declared.items() if names}


def _annotations(fact: type[Fact]) -> dict[str, object]:
    annotations: dict[str, object] = {}
    for one in reversed(fact.__mro__):
        annotations.update(vars(one).get("__annotations__", {}))
    return {name: _named(kind) for name, kind in annotations.items()}


def _named(kind: object) -> str:
    return "Text" if Clear in getattr(kind, "__args__", ()) else str(kind)


def test_request_hash(vault, registry_url) -> None:
    """Equal requests have equal hashes in every program; any difference, in a text too, makes another; it is keyed."""
    case, obstacle, id_ = uuid4(), uuid4(), uuid4()
    one = report(case, obstacle, story="Alles lag stil", id=id_)
    same = report(case, obstacle, story="Alles lag stil", id=id_)
    assert vault.request_hash(one) == vault.request_hash(same)
    another = Vault(registry_url, MASTER)
    assert another.request_hash(one) == vault.request_hash(one)
    another.close()
    assert len(vault.request_hash(one)) == 32
    different = [
        report(case, obstacle, story="Alles lag stil.", id=id_),
        report(case, obstacle, id=id_),
        report(case, uuid4(), story="Alles lag stil", id=id_),
        report(uuid4(), obstacle, story="Alles lag stil", id=id_),
        report(case, obstacle, story="Alles lag stil", id=id_, expected_version=1),
    ]
    assert len({vault.request_hash(one) for one in [one, *different]}) == 6
    assert b"Alles lag stil" in canonical_request(one)
    with pytest.raises(TypeError):
        canonical_request(command(case, StepTaken(obstacle, "x", StepKind.NOTE, object())))  # type: ignore[arg-type]


def test_plaintext_shows_nowhere() -> None:
    """A clear text cannot be encoded, and shows in no representation of what holds it."""
    one = report(uuid4(), uuid4(), story="GEHEIM")
    for form in (repr(one), str(one), f"{one}", repr(one.data)):
        assert "GEHEIM" not in form
    with pytest.raises(TypeError):
        msgspec.json.encode(Plaintext("GEHEIM"))


def test_no_plaintext_on_disk(postgres_server: EmbeddedServer, registry_url) -> None:
    """Texts that were recorded, refused, repeated and opened are nowhere in the server's files: tables, log, WAL."""
    canary = f"kanarie-{secrets.token_hex(12)}"
    vault = Vault(registry_url, MASTER)
    writer = Writer(registry_url, vault, DECIDERS, lambda *_: False)
    case, obstacle, subject = uuid4(), uuid4(), uuid4()
    commands: list[Command] = [
        register_office(),
        open_case(case, title=clear(f"{canary} titel"), subject=subject),
        report(case, obstacle, story=f"{canary} verhaal " + "ü" * 1000),
        open_case(case, title=clear(f"{canary} nog eens")),
    ]
    try:
        answers = [writer.submit(one).result(30) for one in [*commands, commands[1]]]
        assert [type(answer) for answer in answers] == [Recorded, Recorded, Recorded, Refused, Recorded]
        with Registry(registry_url) as registry:
            opened = vault.open(events_of(registry.reader, REGISTRY, [case]))
        texts = sorted(text.content.reveal() for text in opened.values() if isinstance(text, Clear))
        assert texts[0].startswith(f"{canary} titel")
    finally:
        writer.close()
        vault.close()
    with psycopg.connect(registry_url, autocommit=True) as login:
        login.execute("CHECKPOINT")
        # A text that is there, to show that the search finds what it looks for.
        witness = f"getuige-{secrets.token_hex(12)}"
        login.execute("CREATE TABLE public.witness AS SELECT %s AS text", (witness,))
        login.execute("CHECKPOINT")
        login.execute("SELECT pg_switch_wal()")
    time.sleep(0.1)
    wanted = [canary.encode(), b64encode(canary.encode())[:24], canary.encode().hex().encode()]
    found_witness = False
    # os.walk, not rglob: other tests' databases are dropped meanwhile, and what is gone holds no text.
    for folder, _, names in os.walk(postgres_server._places.root):
        for name in names:
            path = Path(folder, name)
            try:
                content = path.read_bytes() if path.is_file() else b""
            except FileNotFoundError:
                continue
            found_witness = found_witness or witness.encode() in content
            assert not any(form in content for form in wanted), path
    assert found_witness


def test_vault_rows_need_the_vaults_role(registry_url, vault) -> None:
    """No other role of the registry sees keys, secrets or fences; the vault's own needs a principal."""
    sealed_event(vault, "x", uuid4())
    for role in (DatabaseRole.READER, DatabaseRole.APPENDER, DatabaseRole.PROJECTOR, DatabaseRole.AUDITOR):
        with connect(registry_url, role) as connection:
            for table in ("key", "secret", "fence"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"SELECT * FROM vault.{table}")
    with connect(registry_url, DatabaseRole.VAULT) as connection:
        assert connection.execute("SELECT count(*) FROM vault.key").fetchone() == (0,)
        for statement in (
            "DELETE FROM vault.key",
            "UPDATE vault.secret SET wrapped = ''",
            "SELECT * FROM knelpunt.event",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_first_subject_of_the_case(registry_url, vault) -> None:
    """The writer seals a text about nobody in particular for the first subject whom the case was opened for."""
    writer = Writer(registry_url, vault, DECIDERS, lambda *_: False)
    case, obstacle, subjects = uuid4(), uuid4(), (uuid4(), uuid4())
    opening = CaseOpened("CASE-02", subjects, "schulden", NoticedBy.SUBJECT, clear("titel"))
    related = SubjectRelated(uuid4(), subjects[1], SubjectRelation.REPRESENTS)
    try:
        for one in (
            register_office(),
            command(case, opening),
            command(case, related),
            report(case, obstacle, "verhaal"),
        ):
            assert isinstance(writer.submit(one).result(30), Recorded)
        with Registry(registry_url) as registry:
            events = events_of(registry.reader, REGISTRY, [case])
    finally:
        writer.close()
    assert {text.about for text in vault.open(events)} == {subjects[0]}
    assert len(vault.open(events)) == 2


def test_keys_are_looked_up_one_by_one(registry_url: str) -> None:
    """A connection whose plans were made while the vault was empty does not come to look through all of its keys."""
    wrapped = secrets.token_bytes(40)
    with (
        connect(registry_url, DatabaseRole.VAULT) as connection,
        psycopg.connect(registry_url, autocommit=True) as login,
    ):

        def keys_for(subjects: list[UUID], keys: list[UUID | None]) -> None:
            values = (CASEWORK, uuid_array(subjects), uuid_array(keys), bytea_array(wrapped for _ in subjects))
            assert len(connection.execute(KEYS_FOR, values, prepare=True).fetchall()) == len(subjects)

        def read() -> int:
            connection.execute("SELECT pg_stat_force_next_flush()")
            login.execute("SELECT pg_stat_clear_snapshot()")
            found = login.execute(
                "SELECT sum(i.idx_tup_read) + sum(t.seq_tup_read) FROM pg_stat_user_indexes i "
                "JOIN pg_stat_user_tables t USING (relid) WHERE i.relname = 'key' AND i.schemaname = 'vault'"
            ).fetchone()
            assert found is not None
            return int(found[0])

        some = [uuid4() for _ in range(12)]
        for _ in range(10):  # PostgreSQL settles on a plan after five
            keys_for(some, [None] * 12)
        for subject in [*some, *(uuid4() for _ in range(400))]:
            keys_for([subject], [uuid4()])
        before = read()
        keys_for(some, [None] * 12)
        assert 0 < read() - before < 100
