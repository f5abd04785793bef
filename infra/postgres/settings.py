"""The embedded server's settings and who may log in: two files, written anew at each start.

They lie outside the cluster, so that the server cannot change what it runs under, and so that an
upgrade of the registry brings its settings along.
"""

from pathlib import Path

ADMIN = "knelpunt_admin"

SCRAM_ITERATIONS = 1
"""How often a password is hashed by who logs in: thousands of times slow down who tries out words. Ours are 256 random
bits each (``cluster.password_of``), which nobody tries out, and each of our connections would pay for it."""

# Every login gives its password, whoever asks. No address is listened on, so only the socket is named.
LOGINS = """\
# TYPE  DATABASE     USER            METHOD
local   all          all             scram-sha-256
local   replication  knelpunt_admin  scram-sha-256
"""


def configuration(*, socket: Path, logins: Path) -> str:
    """The text of postgresql.conf for a server with its socket in a folder."""
    return "\n".join(
        (
            "# Written by knelpunt at each start; changes here do not last.",
            f"hba_file = {_quoted(str(logins))}",
            "listen_addresses = ''                  # reachable through the socket alone",
            f"unix_socket_directories = {_quoted(_listed(socket))}",
            "unix_socket_permissions = 0700",
            "password_encryption = 'scram-sha-256'",
            f"scram_iterations = {SCRAM_ITERATIONS}",
            "allow_alter_system = off               # this file is the only place for settings",
            "max_connections = 200                  # 8 service workers with some 20 each, a projector, people",
            "",
            "# What is acknowledged is on disk.",
            "fsync = on",
            "synchronous_commit = on",
            "full_page_writes = on",
            "wal_level = replica                    # backups and point-in-time recovery stay possible",
            "shared_buffers = '256MB'",
            "max_wal_size = '2GB'                   # bulk imports and rebuilds without a checkpoint a minute",
            "",
            "# No personal text in the log. A failed statement's error can quote the values it was given, so",
            "# errors go to the program that caused them and no further; what is logged is the server's own state.",
            "log_destination = 'stderr'",
            "logging_collector = off",
            "log_min_messages = 'log'               # in the log's order of severity above errors and warnings",
            "log_min_error_statement = 'panic'",
            "log_error_verbosity = 'terse'          # without details, which quote rows and statements",
            "log_statement = 'none'",
            "log_min_duration_statement = -1",
            "log_parameter_max_length = 0",
            "log_parameter_max_length_on_error = 0",
            "log_lock_waits = off                   # they quote the waiting statement",
            "log_checkpoints = off",
            "log_autovacuum_min_duration = -1",
            "log_temp_files = -1",
            "log_connections = ''",
            "log_line_prefix = '%m [%p] '",
            "",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
            "datestyle = 'ISO, YMD'",
            "lc_messages = 'C'",
            "cluster_name = 'knelpunt'",
            "",
        )
    )


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _listed(folder: Path) -> str:
    # The setting is a list: a name with a comma or a blank needs double quotes of its own.
    return '"' + str(folder).replace('"', '""') + '"'
