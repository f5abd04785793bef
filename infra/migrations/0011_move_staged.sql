-- move_staged: what append_staged and append_history share; the caller holds the lock on the log's head. Moves the
-- staged events into the log from a position on, all of them or, with an error, none. Those whose command was recorded
-- before, for the same request, are skipped.
--
-- Errors: KN001 a stream is not at the version before the one staged; KN002 a command id was used for another request;
-- KN003 the staging table is missing or is not the owner's.
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION knelpunt.move_staged(first_position bigint, first_moment timestamptz)
RETURNS TABLE (recorded bigint, skipped bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET work_mem = '64MB'                    -- a chunk's rows are sorted in memory
AS $$
#variable_conflict use_column
DECLARE
    staged bigint;
    known bigint;
    misused uuid;
    moved_on uuid;
    recorded bigint;
BEGIN
    -- A table of that name made by the caller could carry the owner's rights into the caller's code.
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass('pg_temp.staged_event') AND c.relkind = 'r'
                      AND c.relowner = 'knelpunt_owner'::regrole) THEN
        RAISE EXCEPTION 'There is nothing staged: call open_staging first.' USING ERRCODE = 'KN003';
    END IF;

    SELECT count(*), count(c.command_id), (min(s.command_id::text) FILTER (WHERE c.request_hash <> s.request_hash))::uuid
      INTO staged, known, misused
      FROM pg_temp.staged_event s LEFT JOIN knelpunt.command c ON c.command_id = s.command_id;
    IF misused IS NOT NULL THEN
        RAISE EXCEPTION 'Command % was recorded before, for another request.', misused USING ERRCODE = 'KN002', DETAIL = misused;
    END IF;
    recorded := staged - known;
    IF known > 0 THEN
        DELETE FROM pg_temp.staged_event s USING knelpunt.command c WHERE c.command_id = s.command_id;
    END IF;

    -- From here on nr is the place among the events to record, from 0. As a rule it came like that.
    IF EXISTS (SELECT FROM (SELECT s.nr, row_number() OVER (ORDER BY s.nr) - 1 AS place FROM pg_temp.staged_event s) r
                WHERE r.nr <> r.place) THEN
        UPDATE pg_temp.staged_event s SET nr = r.place
          FROM (SELECT o.ctid AS row, row_number() OVER (ORDER BY o.nr) - 1 AS place FROM pg_temp.staged_event o) r
         WHERE s.ctid = r.row;
    END IF;

    -- Each stream must go on from its head without a hole, in the order of nr: then version - rank is the head.
    SELECT t.stream_id INTO moved_on
      FROM (SELECT r.stream_id, min(r.version - r.rank) AS base, max(r.version - r.rank) AS other_base,
                   min(r.kind) AS kind, max(r.kind) AS other_kind
              FROM (SELECT s.stream_id, s.version, s.kind, row_number() OVER (PARTITION BY s.stream_id ORDER BY s.nr) AS rank
                      FROM pg_temp.staged_event s) r
             GROUP BY r.stream_id) t
      LEFT JOIN knelpunt.stream_head h ON h.stream_id = t.stream_id
     WHERE t.base <> t.other_base OR t.base <> coalesce(h.version, 0)
        OR t.kind <> t.other_kind OR t.kind <> coalesce(h.kind, t.kind)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Stream % has moved on since it was read.', moved_on USING ERRCODE = 'KN001', DETAIL = moved_on;
    END IF;

    INSERT INTO knelpunt.event
           (position, occurred_at, recorded_at, case_id, stream_id, event_id, version, topic_version, topic, state)
    SELECT first_position + s.nr, s.occurred_at,
           coalesce(s.recorded_at, first_moment + s.nr * interval '1 microsecond'),
           CASE s.kind WHEN 'case' THEN s.stream_id ELSE '00000000-0000-0000-0000-000000000000'::uuid END,
           s.stream_id, s.event_id, s.version, s.topic_version, s.topic, s.state
      FROM pg_temp.staged_event s;
    -- In the order of the index: neighbours in it are inserted one after the other.
    INSERT INTO knelpunt.command (command_id, case_id, position, request_hash)
    SELECT s.command_id,
           CASE s.kind WHEN 'case' THEN s.stream_id ELSE '00000000-0000-0000-0000-000000000000'::uuid END,
           first_position + s.nr, s.request_hash
      FROM pg_temp.staged_event s ORDER BY s.command_id;
    INSERT INTO knelpunt.known_obstacle (obstacle_id, case_id)
    SELECT s.obstacle_id, s.stream_id FROM pg_temp.staged_event s WHERE s.obstacle_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO knelpunt.stream_head AS h (stream_id, case_id, version, kind)
    SELECT s.stream_id, CASE s.kind WHEN 'case' THEN s.stream_id ELSE '00000000-0000-0000-0000-000000000000'::uuid END,
           max(s.version), s.kind
      FROM pg_temp.staged_event s GROUP BY s.stream_id, s.kind
    ON CONFLICT (stream_id, case_id) DO UPDATE SET version = excluded.version;

    IF recorded > 0 THEN
        UPDATE knelpunt.log_head
           SET next_position = first_position + recorded,
               last_recorded_at = (SELECT coalesce(max(s.recorded_at), first_moment + (recorded - 1) * interval '1 microsecond')
                                     FROM pg_temp.staged_event s);
        PERFORM pg_notify('knelpunt_event', (first_position + recorded - 1)::text);
    END IF;
    RETURN QUERY SELECT recorded, known;
END
$$;
