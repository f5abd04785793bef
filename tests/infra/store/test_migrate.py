"""The schema is brought up to date once, forwards only."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.migrate import FOLDER, MigrationError, migrate, migrations, pending


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    for migration in migrations():
        (tmp_path / migration.name).write_text(migration.text, encoding="utf-8")
    return tmp_path


def test_all_run_once(empty_database_url: str) -> None:
    """A new database lacks all migrations, gets them in order, and then lacks none."""
    names = [path.name for path in sorted(FOLDER.glob("*.sql"))]
    assert pending(empty_database_url) == names
    assert migrate(empty_database_url) == names
    assert pending(empty_database_url) == []
    assert migrate(empty_database_url) == []


def test_several_at_once(empty_database_url: str) -> None:
    """Of several programs that migrate at once, each migration is run by one, and the others wait for it."""
    with ThreadPoolExecutor(4) as threads:
        ran = list(threads.map(migrate, [empty_database_url] * 4))
    assert sorted(name for names in ran for name in names) == [migration.name for migration in migrations()]


def test_two_databases_at_once(postgres_server: EmbeddedServer) -> None:
    """Roles are the server's, so two databases that migrate at once meet over them, and both get through."""
    urls: list[str] = []
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        for number in range(2):
            name = sql.Identifier(f"at_once_{number}")
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
            urls.append(postgres_server.url(f"at_once_{number}"))
        with ThreadPoolExecutor(2) as threads:
            assert all(threads.map(migrate, urls))
        for number in range(2):
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(f"at_once_{number}")))


def test_backwards_refused(empty_database_url: str, folder: Path) -> None:
    """A database that ran a migration which this program does not know is left alone."""
    (folder / "9000_from_the_future.sql").write_text("SELECT 1", encoding="utf-8")
    migrate(empty_database_url, folder)
    with pytest.raises(MigrationError, match="refusing to run backwards"):
        migrate(empty_database_url)
    with pytest.raises(MigrationError, match="refusing to run backwards"):
        pending(empty_database_url)


def test_changed_file_refused(empty_database_url: str, folder: Path) -> None:
    """A migration whose file changed after it ran is refused: the database no longer is what the files say."""
    migrate(empty_database_url, folder)
    first = migrations(folder)[0]
    (folder / first.name).write_text(first.text + "\n-- another thought\n", encoding="utf-8")
    with pytest.raises(MigrationError, match=first.name):
        migrate(empty_database_url, folder)


def test_late_file_refused(empty_database_url: str, folder: Path) -> None:
    """A migration numbered below one that ran already would make databases differ, so it is refused."""
    (folder / "9001_in_time.sql").write_text("SELECT 1;", encoding="utf-8")
    migrate(empty_database_url, folder)
    (folder / "9000_late.sql").write_text("SELECT 1;", encoding="utf-8")
    with pytest.raises(MigrationError, match="never ran"):
        migrate(empty_database_url, folder)


def test_failure_leaves_nothing(empty_database_url: str, folder: Path) -> None:
    """A migration that fails leaves no half of itself, and those before it stay."""
    (folder / "9000_broken.sql").write_text("CREATE TABLE knelpunt.half (); SELECT 1 / 0;", encoding="utf-8")
    with pytest.raises(MigrationError, match=r"9000_broken\.sql failed"):
        migrate(empty_database_url, folder)
    assert pending(empty_database_url, folder) == ["9000_broken.sql"]
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('knelpunt.half')").fetchone() == (None,)


def test_server_without_trigrams(empty_database_url: str, folder: Path) -> None:
    """A server on which the extension for search is not installed is told which package to get."""
    search = next(folder.glob("*_search.sql"))
    search.write_text(search.read_text(encoding="utf-8").replace("'pg_trgm'", "'pg_lacking'"), encoding="utf-8")
    with pytest.raises(MigrationError, match="install PostgreSQL's contrib package"):
        migrate(empty_database_url, folder)
    assert search.name in pending(empty_database_url, folder)


def test_trigrams_in_another_schema(empty_database_url: str) -> None:
    """Where somebody installed the extension already, in a schema that all may use, it is used where it is."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "their own"')
        connection.execute('GRANT USAGE ON SCHEMA "their own" TO PUBLIC')
        connection.execute('CREATE EXTENSION pg_trgm SCHEMA "their own"')
        assert migrate(empty_database_url)
        row = connection.execute(
            "SELECT knelpunt.alike('belastingdinest', knelpunt.words('De Belastingdienst'))"
        ).fetchone()
    assert row == (True,)
    with closing(Projector(empty_database_url)) as projector:
        assert projector.catch_up() == -1


def test_owner_without_superuser(postgres_server: EmbeddedServer) -> None:
    """A role that may make roles, and owns the database, can migrate without being a superuser."""
    name = "plain_owner"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"DROP ROLE IF EXISTS {name}")
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}").format(
                sql.Identifier(name), sql.Literal(postgres_server.password(name))
            )
        )
        groups = admin.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'knelpunt\\_%' AND NOT rolcanlogin"
        ).fetchall()
        for (group,) in groups:
            # On a server where another login made the groups, that login has to let this one in.
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
        admin.execute(f"CREATE DATABASE {name} OWNER {name}")
        try:
            assert migrate(postgres_server.url(name, user=name))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            admin.execute(f"DROP ROLE {name}")
