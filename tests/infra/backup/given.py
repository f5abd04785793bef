"""A small registry with texts about people, told by commands that can be sent again; and all that a database holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from infra.store.given import OFFICE, command, log, open_case, recorded, report, step
from knelpunt.domain.command import Command
from knelpunt.domain.ids import organisation_stream_of
from knelpunt.domain.organisation.facts import OrganisationRegistered
from knelpunt.domain.text import Clear, Erased, clear
from knelpunt.domain.vocabulary import OrganisationKind
from knelpunt.infra.backup.folder import read_part
from knelpunt.infra.backup.restoring import Backup, together
from knelpunt.infra.bootstrap import DECIDERS
from knelpunt.infra.store.batch import Recorded
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.store.writer import Writer
from knelpunt.infra.vault.vault import Vault

MASTER = bytes(range(32))
STORY = "Zij kreeg drie brieven en geen antwoord: \\x00 \\. \t é"
TITLE = "Schulden en geen woning"


def some_commands(cases: int = 2) -> list[Command]:
    """An office, and cases with an obstacle each, of which people have told; always the same commands."""
    told = [
        command(
            organisation_stream_of(OFFICE),
            OrganisationRegistered(OFFICE, "Gemeente Ergens", OrganisationKind.MUNICIPALITY),
            id=UUID(int=1),
        )
    ]
    for number in range(1, cases + 1):
        case, obstacle, subject = (UUID(int=(kind << 32) + number) for kind in (1, 2, 3))
        told += [
            open_case(case, clear(TITLE), subject, id=UUID(int=(4 << 32) + number)),
            report(case, obstacle, STORY, id=UUID(int=(5 << 32) + number)),
            step(case, obstacle, id=UUID(int=(6 << 32) + number)),
        ]
    return told


@contextmanager
def writing(url: str, master: bytes = MASTER, vault_url: str | None = None) -> Iterator[Writer]:
    """A writer to a registry whose vault is under a master key, and perhaps in a database of its own."""
    vault = Vault(vault_url or url, master)
    writer = Writer(url, vault, DECIDERS, lambda history, mark, moment, settings: False)
    yield writer
    writer.close()
    vault.close()


def send(url: str, commands: list[Command], master: bytes = MASTER, vault_url: str | None = None) -> list[Recorded]:
    """Send commands, and return their answers: the first ones, if they were sent before."""
    with writing(url, master, vault_url) as writer:
        return [recorded(writer.submit(one).result(30)) for one in commands]


def texts(url: str, master: bytes = MASTER, vault_url: str | None = None) -> list[str]:
    """Every text that the vault opens, in the order of the log; none may be gone."""
    vault = Vault(vault_url or url, master)
    with Registry(url) as registry:
        opened = list(vault.open(log(registry)).values())
    vault.close()
    assert not any(isinstance(text, Erased) for text in opened)
    return [text.content.reveal() for text in opened if isinstance(text, Clear)]


def stored(url: str, vault_url: str | None = None) -> dict[str, list[str]]:
    """Every row of log and vault, in every byte; save when migrations ran."""
    return _stored(url, "knelpunt") | _stored(vault_url or url, "vault")


def _stored(url: str, schema: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'migration' "
            "ORDER BY 1, 2",
            (schema,),
        ).fetchall()
        return {
            ".".join(name): [
                row
                for (row,) in connection.execute(
                    sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(*name))
                )
            ]
            for name in names
        }


def backup_in(folder: Path) -> Backup:
    """The backup that lies in a folder."""
    return together(read_part(folder, "knelpunt"), read_part(folder / "vault", "vault"))


def untold(told: str, done: int, total: int | None) -> None:
    """Progress that nobody looks at."""
