"""What a projector reads for a batch: what the batch touches, however much else there is."""

import time
from contextlib import closing
from typing import Final

import psycopg

from infra.projecting.registries import fill, some_registry
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting import schema
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.connection import DatabaseRole, connect

CASES: Final = 20_000

ELSEWHERE: Final = f"""
CREATE TEMPORARY TABLE made AS SELECT n, md5('case' || n)::uuid AS case_id, md5('person' || n)::uuid AS subject_id,
       timestamptz '2015-01-01 00:00Z' + n * interval '4 hours' AS at FROM generate_series(1, {CASES}) AS n;
INSERT INTO read.case_state
SELECT at, 'infinity', at, at, 'infinity', at, NULL, case_id, 'ZAAK-' || n, 'wonen' FROM made;
INSERT INTO read.case_party SELECT at, 'infinity', at, at, 'infinity', case_id, 'agency-' || n % 200 FROM made;
INSERT INTO read.case_subject SELECT at, 'infinity', at, at, 'infinity', case_id, subject_id, 0 FROM made;
INSERT INTO read.case_viewer (begun_at, case_id, viewer, source)
SELECT at, case_id, 'O:agency-' || n % 200, 'party' FROM made;
INSERT INTO read.case_viewer (begun_at, case_id, viewer, source, subject_id)
SELECT at, case_id, 'S:' || subject_id, 'subject', subject_id FROM made;
INSERT INTO read.gap_state (as_of_from, as_of_until, known_from, until_known_from, known_until, from_at, lasting_since,
    counts_after, harm_until, lasted, case_id, gap_id, begun_by, open, kind, theme, to_act, involved, harms, evidence)
SELECT at, 'infinity', at, at, 'infinity', at, at, at, '-infinity', -1, case_id, md5('gap' || n)::uuid, case_id, true,
       'STANDSTILL', 'wonen', ARRAY['agency-' || n % 200], ARRAY['agency-' || n % 300], '{{}}', '{{}}' FROM made;
INSERT INTO read.chain_state (as_of_from, as_of_until, known_from, until_known_from, known_until, reported_at,
    harm_until, case_id, obstacle_id, claimed, holder, theme, organisations, harms)
SELECT at, 'infinity', at, at, 'infinity', at, '-infinity', case_id, md5('obstacle' || n)::uuid, false,
       'agency-' || n % 200, 'wonen', ARRAY['agency-' || n % 200], '{{}}' FROM made;
VACUUM (ANALYZE) read.case_state, read.case_party, read.case_subject, read.case_viewer, read.gap_state, read.chain_state
"""

READ: Final = """
SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0)
     + (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes i WHERE i.relid = t.relid)
  FROM pg_stat_user_tables t WHERE schemaname = 'read'
"""
"""What has been read of each table: by going through it, by an index, and in its indexes alone."""

OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def test_a_batch_reads_what_it_touches(registry_url, monkeypatch) -> None:
    """In a registry of many cases batches of others' events read hardly any row of these, table by table."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", 20)
    with closing(connect(registry_url, DatabaseRole.PROJECTOR)) as projector:
        schema.ensure(projector)
    with psycopg.connect(registry_url, autocommit=True) as admin:
        for statement in ELSEWHERE.split(";\n"):
            admin.execute(statement.encode())
        log = some_registry(1, cases=8)
        fill(registry_url, log)
        with closing(Projector(registry_url)) as projector:  # reads what it must know before it begins
            before = dict(admin.execute(READ).fetchall())
            assert projector.catch_up() == len(log) - 1
        while admin.execute(OTHERS).fetchone() != (0,):  # who leaves says last what they read
            time.sleep(0.01)
        after = dict(admin.execute(READ).fetchall())
    read = {table: after[table] - before[table] for table in after}
    assert read["case_party"] > 0, "what was read is counted"
    assert {table: rows for table, rows in read.items() if rows > CASES / 2} == {}
