"""Fixtures and settings that every test may ask for."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.postgres.lease import turn
from knelpunt.infra.projecting.schema import ensure
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.store.migrate import LOCK as MIGRATION_LOCK
from knelpunt.infra.store.migrate import migrate, migrations

# make test-long asks for the second: 20,000 histories.
settings.register_profile("default", deadline=None)
settings.register_profile("long", deadline=None, max_examples=20_000)
settings.load_profile("default")

SERVER_FOLDER = "KNELPUNT_TEST_SERVER_FOLDER"


MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 8 << 30  # a run takes some two; the rest is for whatever else the machine does


def _work_in_memory() -> None:
    """Keep temporary files, and so servers and databases, which come and go by the hundred, in memory if it has room.

    On a disk that takes its time half of a run is waiting. What a kill leaves behind is the same.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    there = os.statvfs(MEMORY)
    if there.f_bavail * there.f_frsize >= MEMORY_BYTES_MIN and not there.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def pytest_configure(config: pytest.Config) -> None:
    """One folder a run for the shared server: made before the workers start, which inherit its name."""
    gc.disable()  # until all is collected, of which nothing is garbage: see below
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in the background of a script (&). What tests start would ignore Ctrl-C as well.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        _work_in_memory()
        folder = _open_folder()
        os.environ[SERVER_FOLDER] = str(folder)
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


GARBAGE_MIN = 10_000
"""Objects made and not let go of, after which Python looks for cycles among them; by default 700."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have Python's search for cycles pass over tests and modules, which stay for as long as the run lasts."""
    gc.freeze()
    gc.set_threshold(GARBAGE_MIN, 10, 10)
    gc.enable()


TOGETHER = (
    "tests/access/test_who_hears_what.py",
    "tests/access/test_who_sees_what.py",
    "tests/domain/test_history.py",
    "tests/graph/test_dialogues.py",
    "tests/graph/test_reading.py",
    "tests/histories/test_registry_shares.py",
    "tests/histories/test_shares.py",
    "tests/infra/cli/test_gaps.py",
    "tests/infra/cli/test_stepping.py",
    "tests/infra/exporting/",
    "tests/infra/http/test_exports.py",
    "tests/infra/importing/test_published_ocel.py",
    "tests/infra/pages/",
    "tests/infra/projecting/test_distribution.py",
    "tests/infra/projecting/test_query_plans.py",
    "tests/infra/rest/",
    "tests/infra/store/test_matrix.py",
    "tests/test_docs.py",
    "tests/test_packaging.py",
)
"""Modules and folders whose tests share what takes long to make: each goes to one worker as a whole, before others."""

FIRST = "tests/whole/"
"""Tests that take long, one by one: of those sent singly they come first, so that no worker ends long after others."""


class Scheduling(LoadScopeScheduling):
    """Sends every test to whichever worker is free, and those of some modules and folders to the same one.

    xdist has marks for this (``xdist_group``), which come to nothing: it adds the group to a name of the test that
    pytest 9.2 does not go by any more.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for shared in TOGETHER if nodeid.startswith(shared)), nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: a compressor may write the time into them, and both workers name a test alike."""
    return argname if isinstance(val, bytes) else None


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="knelpunt-test-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that another user can walk through, as PostgreSQL's must when root runs the tests.

    pytest's own tmp_path lies in a folder that nobody else may enter, and its paths are long.
    """
    folder = _open_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


NOT_FOR_KEEPS = """
fsync = off
full_page_writes = off
autovacuum = off
"""
"""What the shared server has otherwise than a registry's: no database of it outlives the run, and few a minute.

What is acknowledged and on disk, through kills and full disks, is tested on servers of those tests' own.
"""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    """The server of this test run: all workers share it, and the last one to finish stops it."""
    with EmbeddedServer.start(Path(os.environ[SERVER_FOLDER]) / "registry") as server:
        # PostgreSQL reads this file last, whoever wrote it.
        (server._places.cluster / "postgresql.auto.conf").write_text(NOT_FOR_KEEPS, "utf-8")
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            admin.execute("SELECT pg_reload_conf()")
        yield server


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedServer) -> Iterator[str]:
    """The URL of a new, empty database of this test alone, as its owner."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield postgres_server.url(name)
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        # FORCE: what a failed test left connected must not fail the next one.
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _made_once(name: str) -> Iterator[tuple[Path, Path | None]]:
    """Give a folder of this run, and where to make it unless another worker has; the others wait meanwhile."""
    folder = Path(os.environ[SERVER_FOLDER]) / name
    with turn(folder.with_suffix(".lock")):
        if folder.exists():
            yield folder, None
            return
        unfinished = folder.with_suffix(".new")
        yield folder, unfinished
        unfinished.rename(folder)


@pytest.fixture(scope="session")
def stopped_data() -> Path:
    """The data of a server that was started once: to be copied. A start of a copy takes a fifth of the first one's."""
    with _made_once("stopped") as (folder, unfinished):
        if unfinished is not None:
            EmbeddedServer.start(unfinished).stop()
    return folder


@pytest.fixture(scope="session")
def demo_data() -> Path:
    """The data of a registry with the demo story, as the real command made it: to be copied. Its server has stopped."""
    with _made_once("demo") as (folder, unfinished):
        if unfinished is not None:
            knelpunt = Path(sys.executable).parent / "knelpunt"
            ours = {name: value for name, value in os.environ.items() if not name.startswith("KNELPUNT_")}
            environment = ours | {"KNELPUNT_DATA_DIR": str(unfinished)}
            subprocess.run([knelpunt, "demo", "--no-serve"], env=environment, stdout=subprocess.DEVNULL, check=True)
    return folder


@pytest.fixture(scope="session")
def copy_data() -> Callable[[Path, Path], None]:
    """Copies the data of a server that has stopped to where nothing is yet; whoever owned it owns the copy."""

    def copy(data: Path, place: Path) -> None:
        subprocess.run(["cp", "-a", data, place], check=True)

    return copy


@pytest.fixture(scope="session")
def registry_template(postgres_server: EmbeddedServer) -> str:
    """The name of a migrated database, with an empty read model, that the tests of this run clone.

    The first of all workers makes it.
    """
    content = sha256(b"".join(migration.text.encode() for migration in migrations())).hexdigest()[:16]
    name = f"template_{content}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        if admin.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"{name}_unfinished")))
            url = postgres_server.url(f"{name}_unfinished")
            migrate(url)
            # Nearly all of them project, and to make the tables takes longer than to clone them.
            with connect(url, DatabaseRole.PROJECTOR) as connection:
                ensure(connection)
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(f"{name}_unfinished"), sql.Identifier(name)
                )
            )
    return name


@contextmanager
def _registries(server: EmbeddedServer, template: str) -> Iterator[Callable[[], str]]:
    """Give what makes new, migrated, empty registries; they are gone at the end of the block."""
    made: list[sql.Identifier] = []
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:

        def make() -> str:
            name = f"test_{uuid.uuid4().hex}"
            made.append(sql.Identifier(name))
            # As files: half the work of passing every page through the server's memory, which dropping looks through.
            clone = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            admin.execute(clone.format(made[-1], sql.Identifier(template)))
            # What a migration grants on the database itself is not cloned with it.
            admin.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO knelpunt_projector").format(made[-1]))
            return server.url(name)

        yield make
        for database in made:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.fixture(scope="session")
def clones(postgres_server: EmbeddedServer) -> Callable[[str], AbstractContextManager[Callable[[], str]]]:
    """Gives, for the name of a template, what makes registries from it; they are gone at the end of the block."""
    return partial(_registries, postgres_server)


@pytest.fixture
def new_registry(postgres_server: EmbeddedServer, registry_template: str) -> Iterator[Callable[[], str]]:
    """Makes new, migrated, empty registries of this test alone and returns their URLs, as the owner of the server."""
    with _registries(postgres_server, registry_template) as make:
        yield make


@pytest.fixture(scope="module")
def shared_registry_url(postgres_server: EmbeddedServer, registry_template: str) -> Iterator[str]:
    """The URL of a registry that the tests of one module share: one of them fills it, and all only read it."""
    with _registries(postgres_server, registry_template) as make:
        yield make()


@pytest.fixture
def registry_url(new_registry: Callable[[], str]) -> str:
    """The URL of a new, migrated, empty registry of this test alone, as the owner of the server."""
    return new_registry()
