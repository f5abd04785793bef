"""How the registry's programs connect: as which role, for whom, and with which limits.

Every connection becomes a group role at once (``SET ROLE``), so that a program holds no more rights than its task
needs. Every transaction that reads says for whom: without a principal, row security shows nothing.
"""

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Final, cast

import msgspec
import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from . import arrays, patience

CONNECT_SECONDS_MAX: Final = 10
"""How long a login may take; on one machine it takes milliseconds."""

TURN_SECONDS_MAX: Final = 4.0
"""How long to wait for a connection of a pool: whoever waits for an answer is told within five seconds that there is
none."""

LOCK_TIMEOUT: Final = "5s"
"""How long to wait for a lock. The longest that we hold is the log's head, while a chunk of an import is moved."""

IDLE_IN_TRANSACTION_TIMEOUT: Final = "30s"
"""How long a transaction may do nothing before the server ends it: a stuck program must not hold locks, nor hold back
the cleaning up of old rows."""

KEEPALIVE: Final = MappingProxyType(
    {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}
)
"""After how many seconds of silence a program asks whether the server's host is still there, how often it asks again,
and after how many times it gives the connection up: half a minute in all, where the system's own is two hours.

Linux does not ask while something that was sent is not acknowledged, but sends it anew for a quarter of an hour. The
last says after how many milliseconds that is given up, too: half a minute as well."""


class DatabaseRole(StrEnum):
    """What a program may do in the database; the migrations 0001_ground and 0050_vault_logbook describe each."""

    OWNER = "knelpunt_owner"
    APPENDER = "knelpunt_appender"
    PROJECTOR = "knelpunt_projector"
    READER = "knelpunt_reader"
    AUDITOR = "knelpunt_auditor"
    ERASER = "knelpunt_eraser"
    VAULT = "knelpunt_vault"
    LOGGER = "knelpunt_logger"
    OVERSEER = "knelpunt_overseer"


STATEMENT_TIMEOUTS: Final = MappingProxyType(
    {
        DatabaseRole.OWNER: "0",  # a migration takes as long as it takes
        DatabaseRole.APPENDER: "60s",  # a chunk of an import takes less than a second
        DatabaseRole.PROJECTOR: "10min",  # swapping in a rebuilt read model builds its indexes
        DatabaseRole.READER: "3s",  # what somebody waits for
        DatabaseRole.AUDITOR: "60s",  # reading a bundle of the log
        DatabaseRole.ERASER: "60s",
        DatabaseRole.VAULT: "5s",  # a few rows by their keys
        DatabaseRole.LOGGER: "3s",  # a few rows, and an answer waits for them
        DatabaseRole.OVERSEER: "60s",
    }
)
"""How long one statement may take, by role."""


OWN_SETTINGS: Final = MappingProxyType(
    {
        # Who reads has few statements, with many conditions of row security each: to plan one takes longer than to
        # execute it. So it is planned once a connection, whatever its values (decisions/0041). Such plans are thought
        # to cost far too much, and a server that can would compile each of them, anew every time.
        DatabaseRole.READER: {"plan_cache_mode": "force_generic_plan", "jit": "off"},
        # So are the look-ups of who appends. Left to itself the server plans the reading of a stream every time, in
        # each partition of the events (decisions/0052).
        DatabaseRole.APPENDER: {"plan_cache_mode": "force_generic_plan"},
        # Who projects folds between its statements: all cases of a person who has hundreds can take it minutes, and
        # what would be ended then would be begun anew, for ever. Only the next projector waits for its locks.
        DatabaseRole.PROJECTOR: {"idle_in_transaction_session_timeout": "15min"},
    }
)
"""What a role's connections have otherwise than those of all."""

PATIENCE_SECONDS: Final = MappingProxyType(
    {DatabaseRole.READER: 3.5, DatabaseRole.LOGGER: 3.5, DatabaseRole.VAULT: 4.0}
)
"""How long a program that somebody waits for waits itself for one statement, by role. It is more than the server's own
limit for questions, so that a slow one is told from a server that stands still, and its limits with it; and less than
the five seconds in which everybody is told. Appending has none: it goes on when the server does, and its callers are
told before."""


class Principal(Struct, frozen=True, omit_defaults=True):
    """For whom a transaction reads: what ``knelpunt.principal`` holds, as JSON, and row security looks at."""

    role: str
    organisation: str | None = None
    user: str | None = None
    subject: str | None = None


OWNER_ROLE: Final = "OWNER"
"""The role of whoever owns the files of the database and asks over no network: they see all there is."""

REGISTRY: Final = Principal("REGISTRY")
"""The registry itself, where it acts for nobody: deciding, projecting, following the log."""

SET_PRINCIPAL: Final = "SELECT set_config('knelpunt.principal', %s, true)"
"""Says for whom the rest of the transaction is; takes ``principal_text``."""


ACT_AS_REGISTRY: Final = "SELECT set_config('knelpunt.principal', %s, false)"
"""Says for whom all of a connection is."""


def principal_text(principal: Principal) -> str:
    """Return the value of ``knelpunt.principal`` for somebody."""
    return msgspec.json.encode(principal).decode()


def address(url: str, role: DatabaseRole) -> str:
    """Return connection parameters that log in at ``url`` and become ``role``, with its limits."""
    limits = {
        "role": role,
        "lock_timeout": LOCK_TIMEOUT,
        "statement_timeout": STATEMENT_TIMEOUTS[role],
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
        "timezone": "UTC",
        **OWN_SETTINGS.get(role, {}),
    }
    given = conninfo_to_dict(url)
    options = " ".join((str(given.get("options") or ""), *(f"-c {name}={value}" for name, value in limits.items())))
    given.setdefault("connect_timeout", CONNECT_SECONDS_MAX)
    given.setdefault("fallback_application_name", role)  # so that pg_stat_activity tells what a connection is for
    for name, value in KEEPALIVE.items():
        given.setdefault(name, value)
    given["options"] = options.strip()
    return make_conninfo("", **given)


def connect(url: str, role: DatabaseRole) -> psycopg.Connection:
    """Return a connection in ``role`` that commits each statement unless told otherwise."""
    connection = psycopg.connect(address(url, role), autocommit=True)
    arrays.register(connection)
    return connection


def connect_as_registry(url: str, role: DatabaseRole) -> psycopg.Connection:
    """Return a connection in ``role`` that reads for the registry in all it does, and never for anybody else."""
    connection = connect(url, role)
    connection.execute(ACT_AS_REGISTRY, (principal_text(REGISTRY),))
    return connection


def pool(url: str, role: DatabaseRole, size: int) -> ConnectionPool:
    """Return an open pool of at most ``size`` connections in ``role``. Connections are made when first needed.

    Connections are not checked each time they are taken: that would cost as much as most queries. After a restart of
    the server the first user of each meets ``psycopg.OperationalError``, and should try again.
    """
    found = ConnectionPool(
        address(url, role),
        connection_class=patience.Connection,
        kwargs={"autocommit": True},
        configure=partial(_configured, role),
        min_size=0,
        max_size=size,
        timeout=TURN_SECONDS_MAX,
        name=role,
        open=True,
    )
    # Those who use it need not know that its connections are impatient.
    return cast("ConnectionPool", found)


def connect_impatiently(url: str, role: DatabaseRole) -> patience.Connection:
    """Return a connection as a pool has them: it waits for each statement as long as its role does (``patience``)."""
    connection = patience.Connection.connect(address(url, role), autocommit=True)
    _configured(role, connection)
    return connection


def _configured(role: DatabaseRole, connection: patience.Connection) -> None:
    arrays.register(connection)
    connection.patience = PATIENCE_SECONDS.get(role)


@contextmanager
def acting_for(connections: ConnectionPool, principal: Principal) -> Generator[psycopg.Connection]:
    """Give a connection in a transaction that reads for ``principal``; it is committed at the end."""
    with connections.connection() as connection, connection.transaction():
        connection.execute(SET_PRINCIPAL, (principal_text(principal),))
        yield connection
