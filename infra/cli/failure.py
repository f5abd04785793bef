"""How a command fails: one sentence that says what to do.

``Failure`` is raised by commands themselves; ``sentence_of`` turns the errors of all other parts into such a sentence.
"""

import errno
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from ..backup.errors import BackupError
from ..demo.load import StoryRefused
from ..exporting.errors import ExportRefusedError
from ..forgetting.erasing import EraserError
from ..http.documents import DocumentsUnavailable
from ..identity.development import IssuerKeyError
from ..identity.published import KeysUnavailable
from ..identity.tokens import BadToken
from ..importing.errors import ImportRefusedError
from ..logbook.processing import NotNoted
from ..observing.tracing import TelemetryMissing
from ..postgres.errors import EmbeddedError
from ..projecting.distribution import NotDistributed
from ..projecting.rebuild import RebuildRunning
from ..projecting.schema import ReadModelOutdated
from ..serving.listening import PortTaken
from ..settings import WrongSetting
from ..store.bulk import CommandReused, HistoryRefused, StreamMovedOn
from ..store.migrate import MigrationError
from ..store.rights import UnsafeRights
from ..store.staging import TooLarge
from ..store.whole import LogNotWhole
from ..store.writer import Overloaded, StoreUnavailable
from ..trail.errors import TrailError
from ..vault.identities import IdentityError
from ..vault.master import MasterKeyError
from ..vault.vault import VaultError
from ..webhooks.reach import NotAllowed
from ..webhooks.subscriptions import WebhookError

OWN_SENTENCES: Final = (
    BackupError,
    BadToken,
    CommandReused,
    DocumentsUnavailable,
    EmbeddedError,
    EraserError,
    ExportRefusedError,
    HistoryRefused,
    IdentityError,
    ImportRefusedError,
    IssuerKeyError,
    KeysUnavailable,
    LogNotWhole,
    MasterKeyError,
    MigrationError,
    NotAllowed,
    NotDistributed,
    NotNoted,
    Overloaded,
    PortTaken,
    ReadModelOutdated,
    RebuildRunning,
    StoreUnavailable,
    StoryRefused,
    StreamMovedOn,
    TelemetryMissing,
    TooLarge,
    TrailError,
    UnsafeRights,
    VaultError,
    WebhookError,
    WrongSetting,
)
"""Errors whose text is a sentence for people already."""

NOT_SET_UP: Final = (
    "28000",  # invalid_authorization_specification: the login may not become one of the registry's roles
    "22023",  # invalid_parameter_value: such a role does not exist
    "3F000",  # invalid_schema_name
    "42P01",  # undefined_table
    "42883",  # undefined_function
    "42704",  # undefined_object
)
"""What PostgreSQL says of a database that was never migrated, or not far enough."""

UNEXPECTED: Final = "Something unexpected went wrong ({kind}): run the command again with --debug to see where."


class Failure(Exception):  # noqa: N818  named for what it is
    """A command cannot be done; the message is one sentence that says what to do. Exit status 1."""


class WrongUsage(Exception):  # noqa: N818  named for what it is
    """What was typed cannot be meant; the message is one sentence that says what is wrong. Exit status 2."""


def sentence_of(error: Exception) -> str:
    """Return what to tell people about an error."""
    match error:
        case Failure() | WrongUsage():
            return str(error)
        case psycopg.Error() | PoolTimeout():
            return _of_database(error)
        case MigrationError(__cause__=psycopg.OperationalError() as cause):
            return _of_database(cause)
        case OSError():
            return _of_system(error)
        case _ if isinstance(error, OWN_SENTENCES):
            return str(error)
        case _:
            return UNEXPECTED.format(kind=type(error).__name__)


def _of_database(error: psycopg.Error) -> str:
    reason = first_line(error)
    match error:
        case psycopg.errors.DiskFull():
            return "The database's disk is full: free some space and do it again; nothing recorded is lost."
        case psycopg.errors.QueryCanceled():
            return "The database took longer than it may over one question: ask for less, or look at its load."
        case psycopg.errors.LockNotAvailable():
            return "Another program keeps the database locked: let it finish, then do it again."
        case psycopg.errors.ReadOnlySqlTransaction():
            return "The database takes no changes (it may be a copy): name its main server in KNELPUNT_DATABASE_URL."
        case _ if not_set_up(error):
            return f"The database is not set up for this version ({reason}): run knelpunt migrate."
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return f"The database cannot be reached ({reason}): check that it runs, and KNELPUNT_DATABASE_URL."
        case psycopg.ProgrammingError() if error.sqlstate is None:
            return f"KNELPUNT_DATABASE_URL is not the address of a PostgreSQL server ({reason}): correct it."
        case _:
            return f"The database refused ({reason}): run knelpunt doctor, or the command again with --debug."


def not_set_up(error: psycopg.Error) -> bool:
    """Return whether an error comes of a database that lacks the registry's roles, schema or tables."""
    return error.sqlstate in NOT_SET_UP or ("role" in str(error) and "does not exist" in str(error))


def _of_system(error: OSError) -> str:
    where = error.filename or "a file"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"The disk is full ({where}): free some space and do it again; nothing recorded is lost."
    return f"{where} cannot be used ({error.strerror or error}): mend that and do it again."


def first_line(error: BaseException) -> str:
    """Return the gist of a database error: its message without details, which quote what was stored."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # "connection failed: connection to server at …: FATAL: …": what follows the last such word says why.
    return lines[0].rpartition("FATAL:")[2].strip().rstrip(".")
