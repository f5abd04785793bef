"""Backups of a registry that goes on working, their restoring at every level of the schema, and what damages them."""

import gzip
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from uuid import uuid4

import msgspec
import psycopg
import pytest

from infra.backup.given import MASTER, STORY, TITLE, backup_in, send, some_commands, stored, texts, untold, writing
from infra.projecting.registries import everything
from infra.store.given import open_case, recorded
from knelpunt.domain.text import clear
from knelpunt.infra.backup.errors import BackupError
from knelpunt.infra.backup.folder import FORMAT, MANIFEST, SUMS, read_part
from knelpunt.infra.backup.restoring import check_files, check_key, restore, together
from knelpunt.infra.backup.tables import REGISTRY, SCHEMAS, VAULT
from knelpunt.infra.backup.taking import take
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import DatabaseRole, Principal, connect, connect_as_registry
from knelpunt.infra.store.migrate import migrate, migrations, pending
from knelpunt.infra.store.rights import check_rights
from knelpunt.infra.webhooks.subscriptions import Subscriptions

GOLDEN = Path(__file__).parent / "golden" / "schema-20"
"""A backup that the first version wrote, with the schema of its migrations up to 0020, of ``some_commands``."""

ROOT = Path(__file__).parents[3]


@pytest.fixture
def told_url(registry_url: str) -> str:
    """The URL of a registry in which ``some_commands`` were recorded."""
    send(registry_url, some_commands())
    return registry_url


@pytest.fixture
def folder(told_url: str, tmp_path: Path) -> Path:
    """A backup of that registry."""
    take(told_url, tmp_path / "backup", untold)
    return tmp_path / "backup"


def resealed(folder: Path) -> None:
    """Write the sums of a part anew, as somebody would who changed it on purpose."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    sums = subprocess.run(
        ["sha256sum", *(path.name for path in files)], cwd=folder, capture_output=True, check=True, text=True
    )
    (folder / SUMS).write_text(sums.stdout)


def test_all_comes_back_as_it_was(folder: Path, told_url: str, empty_database_url: str) -> None:
    """Every row in every byte, texts that open, and for a command sent again its first answer."""
    before, answers = stored(told_url), send(told_url, some_commands())
    check_files(backup_in(folder), untold)
    restore(empty_database_url, backup_in(folder), untold)
    assert pending(empty_database_url) == []
    assert stored(empty_database_url) == before
    assert texts(empty_database_url) == [TITLE, STORY, TITLE, STORY]
    assert send(empty_database_url, some_commands()) == answers
    assert stored(empty_database_url) == before
    with connect(empty_database_url, DatabaseRole.APPENDER) as connection:
        check_rights(connection)


def test_a_restored_registry_sends_nothing(told_url: str, tmp_path: Path, empty_database_url: str) -> None:
    """Subscriptions come back, paused: what is restored may be a copy, whose events are nobody's to be sent."""
    with connect_as_registry(told_url, DatabaseRole.APPENDER) as connection:
        subscriptions = Subscriptions(connection, MASTER)
        webhook, _ = subscriptions.add("https://receiver.example/", Principal("AUDITOR"), (), -1)
        (before,) = subscriptions.all()
        assert not before.paused
    take(told_url, tmp_path / "backup", untold)
    restore(empty_database_url, backup_in(tmp_path / "backup"), untold)
    with connect_as_registry(empty_database_url, DatabaseRole.APPENDER) as connection:
        (restored,) = Subscriptions(connection, MASTER).all()
    assert (restored.webhook_id, restored.paused, restored.position) == (webhook, True, before.position)


def test_the_restored_registry_goes_on(folder: Path, empty_database_url: str) -> None:
    """What is recorded next stands right behind what was restored, in its cases and beside them."""
    restore(empty_database_url, backup_in(folder), untold)
    rebuild(empty_database_url, 1)
    restored = everything(empty_database_url)
    [*_, last] = send(empty_database_url, some_commands(cases=3))
    with closing(Projector(empty_database_url)) as projector:
        assert projector.catch_up() == last.position
    caught_up = everything(empty_database_url)
    assert caught_up != restored
    rebuild(empty_database_url, 1)
    assert everything(empty_database_url) == caught_up
    assert last.position == len(some_commands(cases=3)) - 1
    assert texts(empty_database_url) == [TITLE, STORY] * 3


def test_row_security_holds_again(folder: Path, told_url: str, empty_database_url: str) -> None:
    """It was lifted to fill the tables; afterwards it is on every table what it is in the registry backed up."""
    asked = (
        "SELECT relname, relrowsecurity, relforcerowsecurity, relowner::regrole::text, relacl::text FROM pg_class "
        "WHERE relnamespace::regnamespace::text = ANY (%s) AND relkind IN ('r', 'p') ORDER BY 1"
    )
    restore(empty_database_url, backup_in(folder), untold)
    with psycopg.connect(told_url) as ours, psycopg.connect(empty_database_url) as restored:
        secured = ours.execute(asked, (list(SCHEMAS),)).fetchall()
        assert secured
        assert restored.execute(asked, (list(SCHEMAS),)).fetchall() == secured


def test_the_same_registry_gives_the_same_files(folder: Path, told_url: str, tmp_path: Path) -> None:
    """Two backups of one state differ in nothing but when they were made."""
    take(told_url, tmp_path / "again", untold)
    for path in folder.rglob("*.gz"):
        assert (tmp_path / "again" / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_a_backup_checks_out_with_coreutils_and_reads_as_text(folder: Path) -> None:
    """``sha256sum -c`` passes in both parts, and events are lines of text; nobody else may read any of it."""
    for part in (folder, folder / VAULT):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=part, check=True)
    lines = gzip.decompress((folder / "event.copy.gz").read_bytes()).decode().splitlines()
    assert [line.split("\t")[0] for line in lines] == [str(position) for position in range(len(some_commands()))]
    assert '"case-opened"' not in lines[1]
    assert "case-opened" in lines[1]
    assert TITLE.encode() not in b"".join(gzip.decompress(path.read_bytes()) for path in folder.rglob("*.gz"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.rglob("*")))


def test_of_an_older_schema(empty_database_url: str, registry_url: str) -> None:
    """A backup of the first version is brought up to date: into nothing, and into a schema that went further."""
    golden = backup_in(GOLDEN)
    check_files(golden, untold)
    assert [one.number for one in golden.registry.manifest.migrations] == list(range(1, 21))
    newer = [one.name for one in migrations() if one.number > 20]
    answers = []
    for url in (empty_database_url, registry_url):
        restore(url, golden, untold)
        assert pending(url) == newer
        assert migrate(url) == newer
        rebuild(url, 1)
        log = gzip.decompress((GOLDEN / "event.copy.gz").read_bytes())
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            connection.execute("SET bytea_output = escape")
            connection.execute("SET timezone = 'UTC'")
            with cursor.copy("COPY (SELECT * FROM knelpunt.event ORDER BY position) TO STDOUT") as copy:
                assert b"".join(copy) == log
        assert texts(url) == [TITLE, STORY, TITLE, STORY]
        answers.append(send(url, some_commands()))
        assert [one.position for one in answers[-1]] == list(range(len(some_commands())))
    assert answers[0] == answers[1]
    assert everything(empty_database_url) == everything(registry_url)


def test_an_older_schema_can_be_backed_up(empty_database_url: str, tmp_path: Path) -> None:
    """Before it is brought up to date there should be a backup, so the newer program makes one; and both agree."""
    restore(empty_database_url, backup_in(GOLDEN), untold)
    take(empty_database_url, tmp_path / "before", untold)
    assert backup_in(tmp_path / "before").registry.manifest.migrations == backup_in(GOLDEN).registry.manifest.migrations
    for path in GOLDEN.rglob("*.gz"):
        assert gzip.decompress((tmp_path / "before" / path.relative_to(GOLDEN)).read_bytes()) == gzip.decompress(
            path.read_bytes()
        )


def test_while_the_registry_records(told_url: str, empty_database_url: str, tmp_path: Path) -> None:
    """A backup in the midst of recording disturbs nobody, and is whole: dense, and every text of it opens."""
    started, enough = Signal(), Signal()
    sent: list[int] = []

    def keep_recording() -> None:
        with writing(told_url) as writer:
            while not enough.is_set():
                fact = open_case(uuid4(), clear(TITLE), uuid4())
                sent.append(recorded(writer.submit(fact).result(30)).position)
                started.set()

    def slowly(told: str, done: int, total: int | None) -> None:
        # Tables are read one after the other; between any two of them more is recorded.
        mark = len(sent) + 3
        while len(sent) < mark and thread.is_alive():
            pass

    thread = Thread(target=keep_recording)
    thread.start()
    assert started.wait(30)
    taken = take(told_url, tmp_path / "backup", slowly)
    enough.set()
    thread.join()
    assert taken.position < sent[-1], "recording went on meanwhile"
    restore(empty_database_url, backup_in(tmp_path / "backup"), untold)
    held = stored(empty_database_url)
    assert len(held["knelpunt.event"]) == len(held["knelpunt.command"]) == taken.position + 1
    assert len(texts(empty_database_url)) == 4 + taken.position + 1 - len(some_commands())
    assert set(held["knelpunt.event"]) <= set(stored(told_url)["knelpunt.event"])


KILLED = """
import os, signal, sys
from pathlib import Path
from infra.backup.given import backup_in
from knelpunt.infra.backup.restoring import restore
from knelpunt.infra.backup.taking import take

def progress(told, done, total):
    progress.calls += 1
    if progress.calls == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

progress.calls = 0
if sys.argv[1] == "take":
    take(sys.argv[2], Path(sys.argv[3]), progress)
else:
    restore(sys.argv[2], backup_in(Path(sys.argv[3])), progress)
"""


def killed(*arguments: object) -> None:
    """Run a backup or a restore that is killed when it tells its progress for the n-th time."""
    outcome = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == -signal.SIGKILL, outcome.stderr


def test_killed_backups_look_like_none(told_url: str, tmp_path: Path) -> None:
    """What a killed one leaves has another name, is refused, and is in nobody's way."""
    for call in (1, 9):
        killed("take", told_url, tmp_path / "backup", call)
        assert not (tmp_path / "backup").exists()
    left = list(tmp_path.iterdir())
    assert len(left) == 2
    for place in left:
        with pytest.raises(BackupError, match="is no whole backup"):
            read_part(place, REGISTRY)
    take(told_url, tmp_path / "backup", untold)
    assert backup_in(tmp_path / "backup").registry.manifest.position == len(some_commands()) - 1


def test_killed_restores_leave_nothing(folder: Path, told_url: str, empty_database_url: str) -> None:
    """Wherever one is killed, the database is as it was, and the next one fills it."""
    for call in (1, 6):
        killed("restore", empty_database_url, folder, call)
        with psycopg.connect(empty_database_url) as connection:
            assert connection.execute("SELECT to_regclass('knelpunt.migration')").fetchone() == (None,)
    restore(empty_database_url, backup_in(folder), untold)
    assert stored(empty_database_url) == stored(told_url)


def test_a_disk_that_takes_no_more(told_url: str, tmp_path: Path) -> None:
    """One sentence, and nothing is left behind: neither a backup nor half of one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        with pytest.raises(BackupError, match=r"Nothing can be written to .*; no backup was made\.$"):
            take(told_url, tmp_path / "backup", untold)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_every_damaged_file_is_noticed(folder: Path, tmp_path: Path, empty_database_url: str) -> None:
    """A flipped bit, a lost end, a missing file, whichever it is: a sentence names it, before anything is written."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    for file in files:
        for number, harm in enumerate(("flip", "cut", "lose")):
            copy = tmp_path / f"{file.name}-{number}"
            shutil.copytree(folder, copy)
            content = (copy / file).read_bytes()
            if harm == "lose":
                (copy / file).unlink()
            else:
                middle = len(content) // 2
                rest = b"" if harm == "cut" else bytes([content[middle] ^ 4]) + content[middle + 1 :]
                (copy / file).write_bytes(content[:middle] + rest)
            with pytest.raises(BackupError, match=rf"^[^\n]*{re.escape(str(copy))}[^\n]*: [^\n]*\.$"):
                check_files(backup_in(copy), untold)
            shutil.rmtree(copy)


def test_damage_between_checking_and_restoring(folder: Path, empty_database_url: str) -> None:
    """Rows that are not those counted, or a file that ends too soon, leave the database as it was."""
    backup = backup_in(folder)
    for content in (
        gzip.compress(gzip.decompress((folder / "event.copy.gz").read_bytes()).partition(b"\n")[0] + b"\n"),
        (folder / "event.copy.gz").read_bytes()[:-20],
    ):
        (folder / "event.copy.gz").write_bytes(content)
        with pytest.raises(BackupError, match=r"event\.copy\.gz"):
            restore(empty_database_url, backup, untold)
        with psycopg.connect(empty_database_url) as connection:
            assert connection.execute("SELECT to_regclass('knelpunt.migration')").fetchone() == (None,)


def test_a_log_with_a_hole(folder: Path, empty_database_url: str) -> None:
    """Also one whose sums and counts are right is no log if its positions are not dense."""
    lines = gzip.decompress((folder / "event.copy.gz").read_bytes()).splitlines(keepends=True)
    (folder / "event.copy.gz").write_bytes(gzip.compress(b"".join([*lines[:-1], b"99" + lines[-1][1:]])))
    resealed(folder)
    check_files(backup_in(folder), untold)
    with pytest.raises(BackupError, match="is not whole"):
        restore(empty_database_url, backup_in(folder), untold)


def test_who_may_not_restore_or_be_restored_into(folder: Path, told_url: str, new_registry: Callable[[], str]) -> None:
    """A registry that holds anything is left alone, and one that others are using."""
    before = stored(told_url)
    with pytest.raises(BackupError, match="holds a registry already"):
        restore(told_url, backup_in(folder), untold)
    assert stored(told_url) == before
    other = new_registry()
    with psycopg.connect(other), pytest.raises(BackupError, match="stop knelpunt serve"):
        restore(other, backup_in(folder), untold)


def test_parts_that_do_not_belong_together(
    folder: Path, told_url: str, tmp_path: Path, empty_database_url: str
) -> None:
    """A vault is that of the same registry, and has the keys that the log needs; then it serves."""
    # Registries that a test clones are one registry to a vault; this one was made by itself.
    migrate(empty_database_url)
    take(empty_database_url, tmp_path / "stranger", untold)
    send(told_url, some_commands(cases=3))
    take(told_url, tmp_path / "later", untold)
    registry, later = read_part(folder, REGISTRY), read_part(tmp_path / "later", REGISTRY)
    with pytest.raises(BackupError, match="another registry"):
        together(registry, read_part(tmp_path / "stranger" / VAULT, VAULT))
    with pytest.raises(BackupError, match="lacks keys"):
        restore(empty_database_url, together(later, read_part(folder / VAULT, VAULT)), untold)
    with pytest.raises(BackupError, match="different versions"):
        together(read_part(GOLDEN, REGISTRY), _of_our_origin(read_part(folder / VAULT, VAULT)))
    with pytest.raises(BackupError, match=r"holds the part knelpunt .* not vault"):
        read_part(folder, VAULT)
    restore(empty_database_url, together(registry, read_part(tmp_path / "later" / VAULT, VAULT)), untold)
    assert texts(empty_database_url) == [TITLE, STORY, TITLE, STORY]


def _of_our_origin(part):
    golden = read_part(GOLDEN, REGISTRY).manifest.origin
    return msgspec.structs.replace(part, manifest=msgspec.structs.replace(part.manifest, origin=golden))


def test_the_wrong_master_key(folder: Path) -> None:
    """Told before anything is written, since a registry under another key could never read its texts."""
    check_key(backup_in(folder), MASTER)
    with pytest.raises(BackupError, match="The master key is not the one"):
        check_key(backup_in(folder), bytes(32))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (f'"format": {FORMAT}', f'"format": {FORMAT + 1}', "in a form unknown to this version"),
        ("0020_hold_log.sql", "0020_from_elsewhere.sql", None),
        ('"number": 20', '"number": 9020', "which this one does not know"),
        ('"name": "command"', '"name": "commando"', "does not hold the tables"),
    ],
)
def test_backups_of_other_versions(
    folder: Path, empty_database_url: str, old: str, new: str, sentence: str | None
) -> None:
    """What this version cannot restore it refuses, and says what can; the name of a migration alone says nothing."""
    for part in (folder, folder / VAULT):
        content = (part / MANIFEST).read_text()
        (part / MANIFEST).write_text(content.replace(old, new))
        resealed(part)
    if (folder / "command.copy.gz").exists() and "commando" in new:
        (folder / "command.copy.gz").rename(folder / "commando.copy.gz")
        resealed(folder)
    if sentence is None:
        restore(empty_database_url, backup_in(folder), untold)
        return
    with pytest.raises(BackupError, match=sentence):
        restore(empty_database_url, backup_in(folder), untold)


def test_what_backups_rely_on(registry_url: str) -> None:
    """Log and vault have nothing but tables in any order: no sequence, no reference to another table.

    Triggers there are, by which the security log tells of what is done, and one that makes partitions ahead: restoring
    leaves them out, and makes what partitions it needs.
    """
    with psycopg.connect(registry_url) as connection:
        named = connection.execute(
            "SELECT c.relname::text FROM pg_class c "
            "WHERE relnamespace::regnamespace::text = ANY (%(in)s) AND relkind IN ('S', 'm') "
            "UNION ALL SELECT conname FROM pg_constraint "
            "WHERE connamespace::regnamespace::text = ANY (%(in)s) AND contype = 'f' "
            "UNION ALL SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid "
            "JOIN pg_proc p ON p.oid = tgfoid "
            "WHERE relnamespace::regnamespace::text = ANY (%(in)s) AND pronamespace <> 'logbook'::regnamespace "
            "AND tgname <> 'partition_ahead'",
            {"in": list(SCHEMAS)},
        ).fetchall()
    assert named == []
