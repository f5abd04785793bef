"""The embedded server for real: started, shared, killed, misplaced, and knocked at by strangers."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from knelpunt.infra.postgres import binaries, postmaster
from knelpunt.infra.postgres.account import server_account
from knelpunt.infra.postgres.embedded import EmbeddedError, EmbeddedServer, default_data_dir

PROGRAM = Path(__file__).with_name("another_program.py")
NOBODY = pwd.getpwnam("nobody").pw_uid

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class Program:
    """Another program that uses the server under data_dir until it is told to finish, or killed."""

    def __init__(self, data_dir: Path, uid: int | None = None) -> None:
        uid = os.geteuid() if uid is None else uid
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "use", str(data_dir), str(uid), str(data_dir.parent / "programs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def finish(self) -> None:
        self._process.communicate(timeout=30)
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=30)


@pytest.fixture
def program() -> Iterator[Callable[..., Program]]:
    """Starts programs, and kills those that a failed test left."""
    started: list[Program] = []

    def start(data_dir: Path, uid: int | None = None) -> Program:
        started.append(Program(data_dir, uid))
        return started[-1]

    yield start
    for one in started:
        if one._process.poll() is None:
            one.kill()


@pytest.fixture
def new_data_dir(open_folder: Path) -> Iterator[Path]:
    """Where nothing is yet."""
    folder = open_folder / "data"
    yield folder
    # Whatever a failed test left running is adopted and stopped.
    if (folder / "postgres" / "cluster" / "postmaster.pid").exists():
        with EmbeddedServer.start(folder):
            pass


@pytest.fixture
def data_dir(stopped_data: Path, copy_data: Callable[[Path, Path], None], new_data_dir: Path) -> Path:
    """The data of a server that has stopped, of this test alone."""
    copy_data(stopped_data, new_data_dir)
    return new_data_dir


def postmaster_pid(server: EmbeddedServer) -> int:
    return int((server._places.cluster / "postmaster.pid").read_text().split()[0])


def setting(url: str, name: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return row[0]


def write_down(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (text text UNIQUE)")
        connection.execute("INSERT INTO notes VALUES (%s)", (text,))


def written_down(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY text")]


def test_what_is_written_is_there_after_a_restart(new_data_dir: Path) -> None:
    """A start makes everything that is missing, a stop ends the server, and a second start finds it all again."""
    with EmbeddedServer.start(new_data_dir) as server:
        assert postmaster.is_ready(server._places)
        write_down(server.url(), "one")
    assert not postmaster.is_running(server._places)
    with EmbeddedServer.start(new_data_dir) as server:
        assert written_down(server.url()) == ["one"]
    server.stop()  # again does nothing


def test_settings_keep_what_is_acknowledged(data_dir: Path) -> None:
    """Durability is on and the world is shut out, whatever an administrator's statement asks for."""
    with EmbeddedServer.start(data_dir) as server:
        expected = {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "wal_level": "replica",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "max_connections": "200",
        }
        assert {name: setting(server.url(), name) for name in expected} == expected
        with (
            psycopg.connect(server.url(), autocommit=True) as connection,
            pytest.raises(psycopg.errors.FeatureNotSupported),
        ):
            connection.execute("ALTER SYSTEM SET fsync = off")


def test_nobody_logs_in_without_the_password(data_dir: Path) -> None:
    """Not even the user who owns the server: each login gives the password of its own database user."""
    with EmbeddedServer.start(data_dir) as server:
        right = server.password("knelpunt_admin")
        for wrong in (server.url().replace(f":{right}", ""), server.url().replace(right, "wrong")):
            with pytest.raises(psycopg.OperationalError, match=r"no password supplied|password authentication failed"):
                psycopg.connect(wrong)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE reader LOGIN PASSWORD {}").format(server.password("reader")))
        assert server.password("reader") != right
        with psycopg.connect(server.url(user="reader")) as connection:
            assert connection.info.user == "reader"


@needs_root
def test_another_user_of_the_machine_cannot_log_in(data_dir: Path) -> None:
    """Even with the password in hand the socket is out of reach, and so is every file."""
    with EmbeddedServer.start(data_dir) as server:
        tried = subprocess.run(
            [sys.executable, PROGRAM, "log-in", server.url(), str(NOBODY), data_dir.parent / "programs"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert tried.stdout.startswith("refused:")
        assert "Permission denied" in tried.stdout
        places = server._places
        for path in (places.cluster, places.socket):
            assert path.stat().st_mode & 0o077 == 0
            assert path.stat().st_uid == server_account().uid
        assert places.password.stat().st_mode & 0o777 == 0o600
        assert places.log.stat().st_mode & 0o777 == 0o600


@needs_root
def test_an_ordinary_user_runs_it_too(open_folder: Path, program: Callable[..., Program]) -> None:
    """The server then runs as that user, and root is told to leave that user's data alone."""
    data_dir = open_folder / "theirs"
    data_dir.mkdir()
    os.chown(data_dir, NOBODY, NOBODY)
    one = program(data_dir, NOBODY)
    assert written_down_by(one.answer())
    cluster = data_dir / "postgres" / "cluster"
    assert cluster.stat().st_uid == NOBODY
    pid = int((cluster / "postmaster.pid").read_text().split()[0])
    assert Path(f"/proc/{pid}").stat().st_uid == NOBODY
    with pytest.raises(EmbeddedError, match="belongs to user number"):
        EmbeddedServer.start(data_dir)
    one.finish()
    assert not Path(f"/proc/{pid}/cwd").exists()


def written_down_by(url: str) -> list[str]:
    write_down(url, "here")
    return written_down(url)


def test_two_programs_share_one_server_and_the_last_stops_it(data_dir: Path, program: Callable[..., Program]) -> None:
    """Whoever leaves first, the other goes on."""
    server = EmbeddedServer.start(data_dir)
    pid = postmaster_pid(server)
    other = program(data_dir)
    assert other.answer() == server.url()
    server.stop()
    assert postmaster_pid(server) == pid
    other.finish()
    assert not postmaster.is_running(server._places)


def test_programs_that_start_at_once_get_one_server(new_data_dir: Path, program: Callable[..., Program]) -> None:
    """The very first start included, where each of them finds nothing there."""
    others = [program(new_data_dir) for _ in range(4)]
    assert len({other.answer() for other in others}) == 1
    with EmbeddedServer.start(new_data_dir) as server:
        pid = postmaster_pid(server)
        for other in others:
            other.finish()
        assert postmaster_pid(server) == pid
    assert not postmaster.is_running(server._places)


def test_a_killed_program_does_not_keep_the_server(data_dir: Path, program: Callable[..., Program]) -> None:
    """kill -9 gives a program's share back: the next one to leave is the last."""
    other = program(data_dir)
    other.answer()
    with EmbeddedServer.start(data_dir) as server:
        other.kill()
        write_down(server.url(), "still here")
    assert not postmaster.is_running(server._places)


def test_a_server_whose_programs_were_all_killed_is_adopted(data_dir: Path, program: Callable[..., Program]) -> None:
    """The next program finds it running, uses it, and stops it."""
    one, two = program(data_dir), program(data_dir)
    url = one.answer()
    assert two.answer() == url
    write_down(url, "before")
    pid = int((data_dir / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])
    one.kill()
    two.kill()
    with EmbeddedServer.start(data_dir) as server:
        assert postmaster_pid(server) == pid
        assert written_down(server.url()) == ["before"]
    assert not postmaster.is_running(server._places)


def test_a_killed_server_comes_back_with_everything_acknowledged(data_dir: Path) -> None:
    """A running program starts it again by itself, as often as it takes."""
    with EmbeddedServer.start(data_dir) as server:
        for round_number in range(3):
            write_down(server.url(), f"round {round_number}")
            os.kill(postmaster_pid(server), signal.SIGKILL)
            assert server.ensure_running()
            assert not server.ensure_running()
        assert written_down(server.url()) == ["round 0", "round 1", "round 2"]


def test_a_joining_program_restarts_a_killed_server(data_dir: Path, program: Callable[..., Program]) -> None:
    """Every process of it gone, its programs alive: whoever comes next starts it for all."""
    with EmbeddedServer.start(data_dir) as server:
        write_down(server.url(), "kept")
        os.kill(postmaster_pid(server), signal.SIGKILL)
        other = program(data_dir)
        assert other.answer() == server.url()
        assert written_down(server.url()) == ["kept"]
        other.finish()
        assert postmaster.is_ready(server._places)


def test_the_traces_of_a_killed_server_do_not_stop_the_next(data_dir: Path) -> None:
    """Its process number may belong to another living process by then, as in a restarted container."""
    with EmbeddedServer.start(data_dir) as server:
        trace = server._places.cluster / "postmaster.pid"
        lines = trace.read_text().splitlines()
    socket_lock = server._places.socket / ".s.PGSQL.5432.lock"
    sleeper = subprocess.Popen(["sleep", "60"], user=server._account.uid if server._account.switched else None)
    try:
        for path in (trace, socket_lock):
            path.write_text("\n".join([str(sleeper.pid), *lines[1:]]) + "\n")
            os.chown(path, server._account.uid, server._account.gid)
            path.chmod(0o600)
        with EmbeddedServer.start(data_dir) as server:
            assert postmaster_pid(server) != sleeper.pid
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_set_up_that_was_cut_short_begins_anew(new_data_dir: Path) -> None:
    """What initdb had made by then is nobody's data."""
    unfinished = new_data_dir / "postgres" / "cluster.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedServer.start(new_data_dir) as server:
        write_down(server.url(), "made")
    assert not unfinished.exists()


def test_a_long_path_gets_a_short_socket(open_folder: Path) -> None:
    """The kernel takes no socket path beyond 107 bytes; two programs still meet."""
    data_dir = open_folder / ("long-" * 12) / ("länger-" * 6) / "with blanks, commas and 'quotes'"
    with EmbeddedServer.start(data_dir) as server, EmbeddedServer.start(data_dir) as joined:
        assert joined.url() == server.url()
        assert not server._places.socket.is_relative_to(data_dir)
        write_down(server.url(), "short")
        socket_folder = server._places.socket
        assert socket_folder.stat().st_mode & 0o777 == 0o700
    # Somebody else's folder under that name is never used.
    socket_folder.chmod(0o755)
    with pytest.raises(EmbeddedError, match="remove it and start again"):
        EmbeddedServer.start(data_dir)
    socket_folder.rmdir()


def test_odd_characters_in_the_path_are_just_characters(open_folder: Path) -> None:
    """Nothing of a path is read as shell, as settings or as part of a URL."""
    with EmbeddedServer.start(open_folder / 'a b\'s "$(x)" %41 é') as server:
        assert server._places.socket.is_relative_to(open_folder)
        write_down(server.url(), "fine")


def test_interrupting_a_program_does_not_reach_the_server(data_dir: Path) -> None:
    """It runs in a session of its own, so a terminal's Ctrl-C or hang-up is not its concern."""
    with EmbeddedServer.start(data_dir) as server:
        assert os.getsid(postmaster_pid(server)) != os.getsid(0)


def test_no_text_of_a_statement_reaches_the_log(data_dir: Path) -> None:
    """Neither from an error that quotes its values, nor from a server process that dies at its statement."""
    with EmbeddedServer.start(data_dir) as server:
        write_down(server.url(), "geheim-1")
        with pytest.raises(psycopg.errors.UniqueViolation, match="geheim-1"):
            write_down(server.url(), "geheim-1")
        with psycopg.connect(server.url()) as connection, pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("SELECT 'geheim-2'::integer")
        with psycopg.connect(server.url()) as connection:
            with pytest.raises(psycopg.OperationalError):
                connection.execute(f"DO $$ BEGIN PERFORM 'geheim-3'; {KILL_MYSELF} END $$")
            connection.close()
        server.ensure_running()
    log = server._places.log.read_text()
    assert "terminated by signal 9" in log
    assert "geheim" not in log


# A backend cannot kill -9 itself in plain SQL; COPY to a program can do it for the superuser.
KILL_MYSELF = "EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'kill -9 ' || pg_backend_pid() || '; sleep 2');"


def test_data_of_another_version_is_left_alone(data_dir: Path) -> None:
    """The sentence says both versions and what to do."""
    with EmbeddedServer.start(data_dir) as server:
        version_file = server._places.cluster / "PG_VERSION"
    version_file.write_text("17\n")
    with pytest.raises(EmbeddedError, match="written by PostgreSQL 17 and this is 18"):
        EmbeddedServer.start(data_dir)
    version_file.write_text("18\n")


def test_a_lost_password_is_said_so(data_dir: Path) -> None:
    """Nothing is made anew over data that is there."""
    with EmbeddedServer.start(data_dir) as server:
        password = server._places.password
    kept = password.read_bytes()
    password.unlink()
    with pytest.raises(EmbeddedError, match="put it back from a backup"):
        EmbeddedServer.start(data_dir)
    assert not postmaster.is_running(server._places)
    password.write_bytes(kept)


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    """One sentence out of the server's own log, and no share is left behind."""
    with EmbeddedServer.start(data_dir) as server:
        control = server._places.cluster / "global" / "pg_control"
    moved = control.rename(control.with_name("moved"))
    with pytest.raises(EmbeddedError, match=r"^The database did not start \(.*\): mend that"):
        EmbeddedServer.start(data_dir)
    moved.rename(control)


def test_a_file_in_the_way_is_named(open_folder: Path) -> None:
    """A data directory that is a file is an answerable mistake."""
    path = open_folder / "file"
    path.touch()
    with pytest.raises(EmbeddedError, match="is in the way"):
        EmbeddedServer.start(path)


@needs_root
def test_folders_of_others_are_not_opened_up(open_folder: Path) -> None:
    """Root's closed folder above the data stays closed, and the sentence names it."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match=f"may not enter {closed}"):
        EmbeddedServer.start(closed / "data")
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
def test_programs_below_a_closed_folder_are_copied_once(
    open_folder: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a virtual environment in root's home, which PostgreSQL's user cannot enter."""
    monkeypatch.setattr(binaries, "ROOT_DATA_DIR", open_folder / "lib")
    monkeypatch.setattr(binaries, "_reachable", lambda _packages, _account: False)
    with EmbeddedServer.start(data_dir) as server:
        write_down(server.url(), "copied")
        assert server._binaries.folder.is_relative_to(open_folder / "lib")
        made = server._binaries.postgres.stat().st_ctime_ns
    with EmbeddedServer.start(data_dir) as server:
        assert server._binaries.postgres.stat().st_ctime_ns == made


@needs_root
def test_a_full_disk_is_said_so(open_folder: Path) -> None:
    """Both while the database is made and while it is started: one sentence, and it works again with room."""
    disk = open_folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        with pytest.raises(EmbeddedError, match="is full: free some space"):
            EmbeddedServer.start(disk / "data")
        subprocess.run(["mount", "-o", "remount,size=400m", disk], check=True)
        with EmbeddedServer.start(disk / "data") as server:
            write_down(server.url(), "room")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_data_directory_is_the_named_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """KNELPUNT_DATA_DIR, else the platform's folder; root's is where another user can get."""
    monkeypatch.setenv("KNELPUNT_DATA_DIR", str(tmp_path))
    assert default_data_dir() == tmp_path
    monkeypatch.delenv("KNELPUNT_DATA_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "knelpunt"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/knelpunt")


def test_each_test_gets_an_empty_database(empty_database_url: str) -> None:
    """The fixture that the tests of the store stand on."""
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (0,)
