"""What ``knelpunt doctor`` looks at: each check finds something well, worth knowing, or wrong with a way to mend it.

A check that fails does not keep the next ones from running; what needs a database is left out without one. The module
is long because it is a list of checks, each with the words that say how to mend what it finds.
"""

import platform
import shutil
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psycopg
from msgspec import Struct

from ..bootstrap import Database, database
from ..http.documents import DocumentsUnavailable, trusted_documents
from ..projecting.schema import ensure
from ..settings import Settings
from ..store.connection import REGISTRY, SET_PRINCIPAL, DatabaseRole, connect, connect_as_registry, principal_text
from ..store.migrate import migrations, pending
from ..store.rights import excess_rights
from ..store.whole import expect_whole
from ..trail.checking import published
from ..trail.key import existing_key
from ..vault.apart import pending_apart
from ..vault.master import FILE_NAME
from ..vault.vault import Vault
from .failure import first_line, sentence_of

SERVER_VERSION_MIN: Final = 150000
"""PostgreSQL 15, the oldest that the registry is tried against, as the server counts versions."""

FREE_BYTES_MIN: Final = 1 << 30
"""A gigabyte: a bulk import needs that much for PostgreSQL's log of changes alone."""

LAG_MAX: Final = timedelta(minutes=1)
"""How long an event may wait for the projections; a running projector takes it within a second."""

OVERDUE_MAX: Final = timedelta(minutes=10)
"""How long an attempt at a webhook may be overdue: with a slow receiver and a long queue it is, by seconds."""

CLOCK_AHEAD_MAX: Final = timedelta(minutes=1)

SERVICE_ROLES: Final = (DatabaseRole.APPENDER, DatabaseRole.PROJECTOR, DatabaseRole.READER, DatabaseRole.AUDITOR)
"""What the service's login becomes in the registry's database."""

VAULT_ROLES: Final = (DatabaseRole.VAULT, DatabaseRole.LOGGER)
"""What it becomes in the vault's."""


def roles_of(found: Database) -> Sequence[tuple[str, DatabaseRole]]:
    """Return what the service's login becomes, and in which database."""
    overseeing = [] if found.overseer_url is None else [(found.overseer_url, DatabaseRole.OVERSEER)]
    vaulted = [(found.vault_url, role) for role in VAULT_ROLES]
    return [*((found.url, role) for role in SERVICE_ROLES), *vaulted, *overseeing]


class State(StrEnum):
    """How serious a finding is."""

    WELL = "WELL"
    KNOW = "KNOW"
    WRONG = "WRONG"


class Finding(Struct, frozen=True):
    """What a check found, about what; where something is wrong the text says how to mend it."""

    about: str
    state: State
    text: str


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what every check finds, as it finds it."""
    yield _versions()
    yield _key_file(settings)
    if settings.documents is not None:
        yield _documents(settings.documents)
    with ExitStack() as closing:
        try:
            found = closing.enter_context(database(settings))
            with psycopg.connect(found.url, connect_timeout=10) as connection:
                yield from _server(connection, found)
            lacking = pending(found.url) + (pending_apart(found.vault_admin_url) if found.vault_apart else [])
        except Exception as error:  # noqa: BLE001  whatever it is, it is the finding
            yield Finding("database", State.WRONG, sentence_of(error))
            return
        if settings.database_url is None:
            yield _disk(settings.data_dir)
        if lacking:
            yield _lacking(lacking)
            return
        yield Finding("migrations", State.WELL, f"all {len(migrations())} have run")
        yield from _login(found)
        for check in (_vault, _partitions, _projections, _quarantine, _succession, _trail, _webhooks, _clock):
            yield _attempted(check, settings, found)


def _attempted(check: Callable[[Settings, Database], Finding], settings: Settings, found: Database) -> Finding:
    try:
        return check(settings, found)
    except Exception as error:  # noqa: BLE001  whatever it is, it is the finding
        return Finding(check.__name__.strip("_"), State.WRONG, sentence_of(error))


def _versions() -> Finding:
    return Finding("versions", State.WELL, f"knelpunt {version('knelpunt')}, Python {platform.python_version()}")


def _key_file(settings: Settings) -> Finding:
    if settings.master_key_file is None and settings.master_key_text is not None:
        return Finding("master key", State.WELL, "comes from KNELPUNT_MASTER_KEY")
    path = Path(settings.master_key_file or settings.data_dir / FILE_NAME)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if settings.master_key_file is None:
            return Finding("master key", State.KNOW, f"is not there yet; the first use of the vault makes it in {path}")
        return Finding("master key", State.WRONG, f"{path} is missing: restore it, or correct KNELPUNT_MASTER_KEY_FILE")
    except OSError as error:
        return Finding("master key", State.WRONG, f"{path} cannot be looked at ({error.strerror}): mend its folder")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding("master key", State.WRONG, f"{path} is open to other users: chmod 600 {path}")
    return Finding("master key", State.WELL, f"in {path}, for its owner alone; keep a copy elsewhere")


def _documents(folder: Path) -> Finding:
    """Look whether each trusted document can be answered by the schema as it is now."""
    # Here and not above: making the schema takes a second, which only this check has need of.
    from ...graphql.engine import Engine, Refusal  # noqa: PLC0415
    from ...graphql.schema import SCHEMA  # noqa: PLC0415

    try:
        documents = trusted_documents(folder)
    except DocumentsUnavailable as error:
        return Finding("documents", State.WRONG, str(error))
    engine = Engine(SCHEMA, introspection=True)
    for text in documents.values():
        try:
            engine.prepare(text)
        except Refusal as refusal:
            opening, reason = text.strip().partition("\n")[0], refusal.errors[0]["message"]
            return Finding("documents", State.WRONG, f"the one that begins with '{opening}' is refused: {reason}")
    return Finding("documents", State.WELL, f"{len(documents)} in {folder}; no others are answered over HTTP")


def _disk(data_dir: Path) -> Finding:
    free = shutil.disk_usage(data_dir).free
    gigabytes = f"{free / (1 << 30):,.1f} GiB free under {data_dir}"
    if free < FREE_BYTES_MIN:
        return Finding("disk", State.WRONG, f"{gigabytes}: make room, an import needs at least 1 GiB")
    return Finding("disk", State.WELL, gigabytes)


def _server(connection: psycopg.Connection, found: Database) -> Generator[Finding]:
    number = connection.info.server_version
    shown = connection.info.parameter_status("server_version") or str(number)
    kind = "our own" if found.embedded is not None else f"at {connection.info.host or 'this machine'}"
    if number < SERVER_VERSION_MIN:
        yield Finding("database", State.WRONG, f"PostgreSQL {shown} is too old: use version 15 or newer")
    else:
        yield Finding("database", State.WELL, f"PostgreSQL {shown}, {kind}")
    if not connection.execute("SELECT FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchall():
        text = "the server lacks pg_trgm, by which names are searched: install its contrib package (postgresql-contrib)"
        yield Finding("search", State.WRONG, text)
    for name, harm in (("fsync", "a power cut can destroy it all"), ("full_page_writes", "a power cut can tear pages")):
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row is not None and row[0] == "off":
            yield Finding("durability", State.WRONG, f"{name} is off, so {harm}: turn it on in postgresql.conf")


def _lacking(names: list[str]) -> Finding:
    return Finding("migrations", State.WRONG, f"{len(names)} have not run ({names[0]} first): run knelpunt migrate")


def _login(found: Database) -> Generator[Finding]:
    """Look at what the login may do, and what the roles may do that our programs become: all that is too much."""
    with psycopg.connect(found.url, connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, NOT rolsuper AND "
            "pg_has_role(session_user, 'knelpunt_owner', 'MEMBER') FROM pg_roles WHERE rolname = session_user"
        ).fetchone()
    assert row is not None, "a session has a user"
    name, superuser, bypasses, creates, owns = row
    excess = [
        text
        for held, text in (
            (superuser, "is a superuser"),
            (bypasses and not superuser, "bypasses row security"),
            (creates and not superuser, "may make roles"),
            (owns, "may become knelpunt_owner"),
        )
        if held
    ]
    if excess and found.embedded is None:
        text = (
            f"{name} {' and '.join(excess)}, which a service needs not be: migrate with it, and serve with a login "
            "that is only a member of the registry's roles (docs/operating.md)"
        )
        yield Finding("login", State.WRONG, text)
    elif found.embedded is None:
        yield Finding("login", State.WELL, f"{name} holds no more than it needs")
    wrong = False
    for url, role in roles_of(found):
        try:
            with connect(url, role) as connection:
                _, too_wide = excess_rights(connection)
        except psycopg.Error as error:
            too_wide = [f"cannot be used: {first_line(error)}"]
        for one in too_wide:
            wrong = True
            yield Finding("roles", State.WRONG, f"{role.value} {one}: revoke that")
    with psycopg.connect(found.url, connect_timeout=10) as connection:
        row = connection.execute(LACKED, (DatabaseRole.PROJECTOR.value,)).fetchone()
    if row is not None:
        text = f"{DatabaseRole.PROJECTOR.value} may not make the read model's schema: as the owner, {row[0]}"
        yield Finding("roles", State.WRONG, text)
    elif not wrong:
        yield Finding("roles", State.WELL, "each holds the rights that it is meant to have, and no others")


LEFT: Final = "SELECT count(*) FROM vault.erasure WHERE approved_at IS NOT NULL AND completed_at IS NULL"


def _vault(settings: Settings, found: Database) -> Finding:
    Vault(found.vault_url, settings.master_key()).close()
    with connect_as_registry(found.vault_url, DatabaseRole.VAULT) as connection:
        row = connection.execute(LEFT).fetchone()
    if row is not None and row[0]:
        text = f"{row[0]} approved erasures are not complete: see knelpunt erase list, and approve them again"
        return Finding("vault", State.WRONG, text)
    return Finding("vault", State.WELL, "its keys open with this master key, and no erasure is half done")


def _asked(found: Database, question: str) -> tuple[object, ...]:
    """Return one row, read as the registry itself."""
    with connect(found.url, DatabaseRole.PROJECTOR) as connection, connection.transaction():
        connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
        row = connection.execute(question.encode()).fetchone()
    assert row is not None, "an aggregate has one row"
    return row


def _quarantine(settings: Settings, found: Database) -> Finding:
    count, first = _asked(found, "SELECT count(*), min(position) FROM read.quarantined")
    if count:
        text = (
            f"{count} events cannot be read (the first at position {first}), and their cases are marked: "
            "upgrade knelpunt if a newer version wrote them, then run knelpunt project --rebuild"
        )
        return Finding("events", State.WRONG, text)
    return Finding("events", State.WELL, "all can be read")


LACKED: Final = """
SELECT format('GRANT CREATE ON DATABASE %%I TO %%I', current_database(), role)
  FROM (SELECT %s AS role) named WHERE NOT has_database_privilege(role, current_database(), 'CREATE')
"""
"""A right that hangs on the database itself, which a dump of what is in it does not carry along."""

LAG: Final = """
SELECT (SELECT next_position - 1 FROM knelpunt.log_head) - projected.position,
       clock_timestamp() - (SELECT recorded_at FROM knelpunt.event WHERE position = projected.position + 1)
  FROM read.projected
"""


def _partitions(settings: Settings, found: Database) -> Finding:
    with connect_as_registry(found.url, DatabaseRole.AUDITOR) as connection:
        count = expect_whole(connection)
    return Finding("log", State.WELL, f"every event has its place, in {count} partition{'s' if count > 1 else ''}")


def _projections(settings: Settings, found: Database) -> Finding:
    with connect(found.url, DatabaseRole.PROJECTOR) as connection:
        ensure(connection)
    behind, waiting = _asked(found, LAG)
    if isinstance(waiting, timedelta) and waiting > LAG_MAX:
        text = f"are {behind} events behind, the oldest for {waiting}: run knelpunt serve or knelpunt project"
        return Finding("projections", State.WRONG, text)
    return Finding("projections", State.WELL, "are up to date" if not behind else f"are {behind} events behind")


WAITING: Final = """
SELECT (SELECT count(*) FROM knelpunt.succession_sweep WHERE due_at <= clock_timestamp()),
       (SELECT count(*) FROM knelpunt.event
         WHERE position > (SELECT s.position FROM knelpunt.succession s)
           AND topic IN ('organisation-merged', 'organisation-dissolved', 'task-transferred'))
"""


def _succession(settings: Settings, found: Database) -> Finding:
    begun, unseen = _asked(found, WAITING)
    if begun or unseen:
        text = (
            f"mergers, dissolutions and transfers still to be written into cases: {begun} begun, {unseen} not looked "
            "at yet; knelpunt serve or knelpunt succession writes them"
        )
        return Finding("succession", State.KNOW, text)
    return Finding("succession", State.WELL, "what became of organisations stands in their cases")


UNPUBLISHED: Final = """
SELECT head.next_position, clock_timestamp() - (SELECT recorded_at FROM knelpunt.event WHERE position = %s)
  FROM knelpunt.log_head head
"""
"""How many events there are, and how old the first is that no checkpoint covers."""


def _trail(settings: Settings, found: Database) -> Finding:
    folder, key = settings.trail(), settings.log_key_path()
    halted = folder.halted()
    if halted is not None:
        return Finding("trail", State.WRONG, halted)
    if folder.signed() is None:
        text = "nothing is published yet; knelpunt serve or knelpunt log checkpoint begins with it"
        return Finding("trail", State.KNOW, text)
    signed = existing_key(key)
    size = published(folder, signed.public).size
    with connect_as_registry(found.url, DatabaseRole.AUDITOR) as connection:
        row = connection.execute(UNPUBLISHED, (size,)).fetchone()
    assert row is not None, "the log has one head"
    if isinstance(row[1], timedelta) and row[1] > LAG_MAX:
        text = f"{row[0] - size} events are under no checkpoint, the oldest for {row[1]}: run knelpunt serve"
        return Finding("trail", State.WRONG, text)
    return Finding("trail", State.WELL, f"{size} events are published, signed by {signed.name}; keep a copy of {key}")


UNSENT: Final = """
SELECT (SELECT count(*) FROM knelpunt.webhook WHERE ended_at IS NULL),
       (SELECT count(DISTINCT webhook_id) FROM knelpunt.webhook WHERE ended_at IS NULL AND (paused OR failures > 0)),
       count(*) FILTER (WHERE d.state = 'DEAD'),
       clock_timestamp() - min(d.next_at) FILTER (WHERE d.state = 'WAITING' AND NOT w.paused
                                                    AND coalesce(w.resting_until < clock_timestamp(), true))
  FROM knelpunt.webhook w JOIN knelpunt.webhook_delivery d USING (webhook_id) WHERE w.ended_at IS NULL
"""
"""Subscriptions in force, those that are sent nothing now, dead letters, and how overdue the oldest attempt is."""


def _webhooks(settings: Settings, found: Database) -> Finding:
    with connect_as_registry(found.url, DatabaseRole.APPENDER) as connection:
        row = connection.execute(UNSENT).fetchone()
    assert row is not None, "an aggregate has one row"
    subscribed, idle, dead, overdue = row
    if isinstance(overdue, timedelta) and overdue > OVERDUE_MAX:
        return Finding("webhooks", State.WRONG, f"an event should have been sent {overdue} ago: run knelpunt serve")
    if dead or idle:
        text = (
            f"{dead} dead letters, and {idle} of {subscribed} subscriptions are sent nothing now: knelpunt webhook list"
        )
        return Finding("webhooks", State.KNOW, text)
    return Finding("webhooks", State.WELL, f"{subscribed} subscriptions, and nothing is overdue")


def _clock(settings: Settings, found: Database) -> Finding:
    ahead, _ = _asked(
        found, "SELECT nullif(last_recorded_at, '-infinity') - clock_timestamp(), one FROM knelpunt.log_head"
    )
    if isinstance(ahead, timedelta) and ahead > CLOCK_AHEAD_MAX:
        text = f"the last event was recorded {ahead} from now: set the database server's clock"
        return Finding("clock", State.WRONG, text)
    return Finding("clock", State.WELL, "runs behind no recorded event")
