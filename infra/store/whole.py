"""Whether the database holds every event of its log: no partition was detached by hand.

PostgreSQL lets whoever owns the tables detach one, and then answers as if its events had never been. A history without
its beginning gives wrong answers and wrong decisions, so who starts to work with all of them asks here first.
"""

from typing import Final

import psycopg

BOUNDS: Final = r"""
SELECT coalesce(substring(bound FROM 'FROM \(''?(\d+)')::bigint, 0), substring(bound FROM 'TO \(''?(\d+)')::bigint
  FROM (SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'knelpunt.event'::regclass) AS partition (bound)
 ORDER BY 1
"""
HEAD: Final = "SELECT next_position FROM knelpunt.log_head"


class LogNotWhole(Exception):  # noqa: N818  named for what it is
    """Events are missing because their partition is; the message is one sentence that says which to attach."""


def expect_whole(connection: psycopg.Connection) -> int:
    """Return how many partitions hold the log, for a connection that reads for the registry. Raises ``LogNotWhole``."""
    bounds = connection.execute(BOUNDS).fetchall()
    head = connection.execute(HEAD).fetchone()
    assert head is not None, "the log's head has one row"
    reached = 0
    # What is recorded next must have its place as well.
    for first, upto in (*bounds, (head[0] + 1, 0)):
        if first > reached:
            message = (
                f"The database does not hold the events from position {reached} up to {first}: their partition was "
                f"detached, so attach knelpunt.event_{reached} again (docs/operating.md)."
            )
            raise LogNotWhole(message)
        reached = max(reached, upto)
    return len(bounds)
