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
    misused uuid;
    moved_on uuid;
    recorded bigint;
BEGIN
    -- A table of that name made by the caller could carry the owner's rights into the caller's code.
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass('pg_temp.staged_event') AND c.relkind = 'r'
                      AND c.relowner = 'knelpunt_owner'::regrole) THEN
        RAISE EXCEPTION 'There is nothing staged: call open_staging first.' USING ERRCODE = 'KN003';
    END IF;

    SELECT count(*), (min(s.command_id::text) FILTER (WHERE c.request_hash <> s.request_hash))::uuid INTO staged, misused
      FROM pg_temp.staged_event s LEFT JOIN knelpunt.command c ON c.command_id = s.command_id;
    IF misused IS NOT NULL THEN
        RAISE EXCEPTION 'Command % was recorded before, for another request.', misused USING ERRCODE = 'KN002', DETAIL = misused;
    END IF;

    SELECT r.stream_id INTO moved_on
      FROM (SELECT s.stream_id, s.version, coalesce(h.version, 0) AS head, coalesce(h.kind = s.kind, true) AS kin,
                   row_number() OVER (PARTITION BY s.stream_id ORDER BY s.nr) AS rank
              FROM pg_temp.staged_event s
              LEFT JOIN knelpunt.command c ON c.command_id = s.command_id
              LEFT JOIN knelpunt.stream_head h ON h.stream_id = s.stream_id
             WHERE c.command_id IS NULL) r
     WHERE NOT (r.kin AND r.version = r.head + r.rank) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Stream % has moved on since it was read.', moved_on USING ERRCODE = 'KN001', DETAIL = moved_on;
    END IF;

    WITH fresh AS MATERIALIZED (
        SELECT s.*, row_number() OVER (ORDER BY s.nr) - 1 AS place,
               CASE s.kind WHEN 'case' THEN s.stream_id ELSE '00000000-0000-0000-0000-000000000000'::uuid END AS case_id
          FROM pg_temp.staged_event s
          LEFT JOIN knelpunt.command c ON c.command_id = s.command_id
         WHERE c.command_id IS NULL
    ), stored AS (
        INSERT INTO knelpunt.event
               (position, occurred_at, recorded_at, case_id, stream_id, event_id, version, topic_version, topic, state)
        SELECT first_position + f.place, f.occurred_at,
               coalesce(f.recorded_at, first_moment + f.place * interval '1 microsecond'), f.case_id,
               f.stream_id, f.event_id, f.version, f.topic_version, f.topic, f.state
          FROM fresh f
    ), remembered AS (
        INSERT INTO knelpunt.command (command_id, case_id, position, request_hash)
        SELECT f.command_id, f.case_id, first_position + f.place, f.request_hash FROM fresh f
    ), reported AS (
        INSERT INTO knelpunt.known_obstacle (obstacle_id, case_id)
        SELECT f.obstacle_id, f.case_id FROM fresh f WHERE f.obstacle_id IS NOT NULL
        ON CONFLICT DO NOTHING
    ), moved AS (
        INSERT INTO knelpunt.stream_head AS h (stream_id, case_id, version, kind)
        SELECT f.stream_id, f.case_id, max(f.version), f.kind FROM fresh f GROUP BY f.stream_id, f.case_id, f.kind
        ON CONFLICT (stream_id, case_id) DO UPDATE SET version = excluded.version
    ), ended AS (
        UPDATE knelpunt.log_head h
           SET next_position = first_position + n.count,
               last_recorded_at = coalesce(n.last, first_moment + (n.count - 1) * interval '1 microsecond')
          FROM (SELECT count(*), max(f.recorded_at) AS last FROM fresh f) n WHERE n.count > 0
    )
    SELECT count(*) INTO recorded FROM fresh;

    IF recorded > 0 THEN
        PERFORM pg_notify('knelpunt_event', (first_position + recorded - 1)::text);
    END IF;
    RETURN QUERY SELECT recorded, staged - recorded;
END
$$;
