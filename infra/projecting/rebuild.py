"""Rebuilds the read model beside the one in use, with several processes, and swaps it in.

Each process fills in the rows of its share (``filling``), and indexes come last. Meanwhile the live projectors go on,
also while what was recorded since is taken in; at the end they are held for a moment, the last events are caught up,
and the new schema takes the place of the old one by renaming. A rebuild that dies leaves the read model in use
untouched, and the next one starts afresh.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing import forkserver, get_context
from time import sleep
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from ..store.connection import REGISTRY, SET_PRINCIPAL, DatabaseRole, connect, pool, principal_text
from ..store.whole import expect_whole
from . import filling, schema, viewers
from .claims import LOCK
from .forgetting import forget_erased
from .projector import Projector
from .shares import standing
from .subjects import LIST_FOLLOWED

PART_EVENTS_MAX: Final = 2_000_000
"""Events that a worker has sorted at a time: some 1.2 GB, which the server sorts on disk."""

INDEX_WORK_MEM: Final = "128MB"
"""What the server may use to sort an index before it spills to disk; so much for each that is made at a time."""

REBUILD_LOCK: Final = 0x6B6E6C70_72656275
"""The advisory lock that one rebuild holds ("knlprebu")."""

SUBJECTS_A_TASK: Final = 1_000
"""Subjects over whose cases something may lie that are worth a task of their own."""

_GROWING: Final = frozenset({"case_viewer", "commitment_state", "gap_state", "subject_organisation"})
"""The tables to which rows are added after those of the cases: their indexes come last."""

SHARES: Final = 1024
"""Streams are spread over this many shares by the hash of their id, and workers take ranges of them."""


SWAP_WAIT: Final = "200ms"
"""How long the swap waits for the questions that are being answered; those that come meanwhile wait behind it."""

SWAP_PAUSE_SECONDS: Final = 0.5
"""How long to let them go on when that was not enough, before trying again: an export may read for minutes."""

LAST_BATCHES_MAX: Final = 10
"""Batches that are taken in while the live projectors are held, a second's work; else they go on for a while."""


class RebuildRunning(Exception):  # noqa: N818  named for what it is
    """Another rebuild is at work."""


E = TypeVar("E", bound=Executor)

Progress = Callable[[int], None]
"""Told how many events have been projected so far."""


def rebuild(url: str, workers: int = 2, progress: Progress | None = None) -> int:
    """Rebuild the read model of the registry at ``url`` and swap it in; return the position that it takes in.

    Raises ``RebuildRunning`` if another rebuild is at work, and ``LogNotWhole``.
    """
    with connect(url, DatabaseRole.PROJECTOR) as connection:
        held = connection.execute("SELECT pg_try_advisory_lock(%s)", (REBUILD_LOCK,)).fetchone()
        if held is None or not held[0]:
            message = "Another rebuild of this registry is at work; wait for it to end."
            raise RebuildRunning(message)
        if workers > 1:
            _call_helpers()
        with connection.transaction():
            connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
            expect_whole(connection)
            row = connection.execute("SELECT coalesce(max(position), -1) FROM knelpunt.event").fetchone()
            assert row is not None
            upto = int(row[0])
            schema.create(connection, schema.NEXT)
        _fill(url, upto, workers, progress)
        _complete(url, upto, workers)
        with connection.transaction():
            schema.within(connection, schema.NEXT)
            connection.execute("UPDATE part SET streams = %(upto)s, over_cases = %(upto)s", {"upto": upto})
            schema.finish(connection, schema.NEXT)
        return _swap(url)


def _fill(url: str, upto: int, workers: int, progress: Progress | None) -> None:
    """Let the workers fill the tables, each a range of shares at a time."""
    # Each part passes over the whole log, so they are few: two for each worker, who then end at about the same time.
    parts = max(workers * 2, min(SHARES, (upto + 1) // PART_EVENTS_MAX))
    edges = [SHARES * part // parts for part in range(parts + 1)]
    done = 0
    for count in _worked(workers, filling.fill_share, [(url, upto, start, end) for start, end in pairwise(edges)]):
        done += count
        if progress is not None:
            progress(done)


def _call_helpers() -> None:
    """Start what helping processes are forked from, which imports what they need while this one makes the tables.

    It is imported once then, and takes as long as thousands of events. They are not forked from this process, which has
    threads and connections.
    """
    forkserver.set_forkserver_preload(["__main__", filling.__name__])
    forkserver.ensure_running()


def _worked(workers: int, work: Callable[..., int], tasks: Sequence[tuple[Any, ...]]) -> Iterator[int]:
    """Yield what each task comes to, done by so many processes, of which this is one."""
    helping = min(workers, len(tasks)) - 1
    if helping < 1:
        yield from (work(*task) for task in tasks)
        return
    with _working(ProcessPoolExecutor(helping, mp_context=get_context("forkserver"))) as helpers:
        first, *others = tasks
        handed = [(helpers.submit(work, *task), task) for task in others]
        yield work(*first)
        # From the end on: the others begin at the beginning, and what nobody has begun yet can be taken back.
        for future, task in reversed(handed):
            yield work(*task) if future.cancel() else future.result()


@contextmanager
def _working(executor: E) -> Generator[E]:
    """Give an executor which begins nothing more once something has failed."""
    with executor:
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _complete(url: str, upto: int, workers: int) -> None:
    """Fill in what follows from the rows of all cases, and make the indexes, so that no processor waits for another."""
    # Threads: all that these do is wait for the server.
    with pool(url, DatabaseRole.PROJECTOR, workers) as connections, _working(ThreadPoolExecutor(workers)) as threads:

        def execute(statement: LiteralString | sql.Composed) -> int:
            with _filling(connections) as connection:
                return connection.execute(statement).rowcount

        # First of all, so that who was erased is nobody who sees a case, and nobody whose cases are looked over.
        with _filling(connections) as connection:
            forget_erased(connection)
        viewing = threads.submit(execute, viewers.FILL)
        count = threads.submit(execute, LIST_FOLLOWED).result()
        indexes = schema.index_statements()
        made = [threads.submit(execute, one) for one in indexes if schema.indexed_table(one) not in _GROWING]
        _fill_subjects(url, upto, workers, count)
        viewing.result()
        made += [threads.submit(execute, one) for one in indexes if schema.indexed_table(one) in _GROWING]
        for one in made:
            one.result()
        execute("DROP TABLE followed")
        # Else pages are found in the wrong way, ten times as slowly, until the server looks at new tables by itself.
        tables = {schema.indexed_table(one) for one in indexes}
        for one in [threads.submit(execute, sql.SQL("ANALYZE {}").format(sql.Identifier(name))) for name in tables]:
            one.result()


@contextmanager
def _filling(connections: ConnectionPool) -> Generator[psycopg.Connection]:
    """Give a connection in a transaction on ``read_next``, for work on whole tables."""
    with connections.connection() as connection, connection.transaction():
        _use_next(connection)
        connection.execute("SELECT set_config('work_mem', %s, true)", (filling.WORK_MEM,))
        connection.execute("SELECT set_config('maintenance_work_mem', %s, true)", (INDEX_WORK_MEM,))
        yield connection


def _fill_subjects(url: str, upto: int, workers: int, count: int) -> None:
    """Let the workers fill in what lies over the cases of each subject, now that it is known whose cases are whose."""
    # No more processes than there is work for: starting one takes as long as folding a hundred subjects.
    parts = max(1, min(workers * 4, count // SUBJECTS_A_TASK))
    edges = [SHARES * part // parts for part in range(parts + 1)]
    done = sum(_worked(workers, filling.fill_subjects, [(url, upto, start, end) for start, end in pairwise(edges)]))
    assert done == count, f"{done} subjects were followed instead of {count}"


def _swap(url: str) -> int:
    """Take in what was recorded meanwhile, and put the new read model in the place of the old one.

    Whoever stands in the way, a live projector that folds for long or somebody who asks, is waited for time and again,
    until told to stop: there may be hours of work behind it.
    """
    with connect(url, DatabaseRole.PROJECTOR) as connection:
        while True:
            # Another one for each attempt: what is kept at hand may have taken in events that were not committed.
            projector = Projector(url, schema.NEXT)
            _approach(connection, projector)
            try:
                with connection.transaction():
                    # Live projectors wait here, and then go on in the schema that stands there.
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                    position = _caught_up(connection, projector)
                    if position is not None:
                        _put_in_place(connection)
                        return position
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                # Batches and questions that came meanwhile are done before the next attempt.
                sleep(SWAP_PAUSE_SECONDS)


def _approach(connection: psycopg.Connection, projector: Projector) -> None:
    """Bring the new read model near the end of the log, a batch a transaction, while the live projectors go on."""
    more = True
    while more:
        with connection.transaction():
            _use_next(connection)
            _, more = projector.project_batch(connection)


def _caught_up(connection: psycopg.Connection, projector: Projector) -> int | None:
    """Bring the new read model to where the log ends now and return where it is; none if that is far.

    Nearer would not do: the old one may be as far, and answers would go back in time.
    """
    _use_next(connection)
    head = standing(connection).head
    for _ in range(LAST_BATCHES_MAX):
        position, more = projector.project_batch(connection)
        if position >= head:
            return position
        assert more, f"the new read model stays at {position}, and the log is at {head}"
    return None


def _use_next(connection: psycopg.Connection) -> None:
    """Let the transaction that is open be the registry's own, on the new read model."""
    connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
    schema.within(connection, schema.NEXT)


def _put_in_place(connection: psycopg.Connection) -> None:
    """Rename the new read model to the one in use, in the transaction that is open; the old one is dropped."""
    if schema.exists(connection):
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (SWAP_WAIT,))
        # Whoever answers begins with this table: once nobody is at it, nobody is at any of them. To drop them at once
        # would wait in a circle with a question that has more of them to read.
        connection.execute("LOCK TABLE read.projected IN ACCESS EXCLUSIVE MODE")
        connection.execute("DROP SCHEMA read CASCADE")
    connection.execute("ALTER SCHEMA read_next RENAME TO read")
