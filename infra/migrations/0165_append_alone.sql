-- append: what it answers stands in 0008_append. A command that comes alone is recorded without setting up what many need:
-- it is judged by one look-up, and its rows are written by one statement, from values instead of from arrays.
SET LOCAL ROLE knelpunt_owner;
CREATE OR REPLACE FUNCTION knelpunt.append(
    kinds text[],
    stream_ids uuid[],
    versions integer[],
    topics text[],
    topic_versions smallint[],
    event_ids uuid[],
    occurred_ats timestamptz[],
    command_ids uuid[],
    request_hashes bytea[],
    obstacle_ids uuid[],                 -- the obstacle that the event reports, or null
    states bytea[]
) RETURNS TABLE (outcome text, "position" bigint, version integer, recorded_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Plans are made once, possibly while the tables are still empty. They must never come to scan a table.
SET jit = off
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    first_position bigint;
    first_moment timestamptz;
    appended bigint;
    places bigint[];                     -- for each event its place among those recorded, from 0; null: not recorded
    outcomes text[];
    known_positions bigint[];
    twice boolean;
    outcome_before text;
    position_before bigint;
    same_before boolean;
    head_version integer;
    head_kind text;
    case_of uuid;
BEGIN
    -- All who append queue up here, until the one before has committed. Each statement below sees what it committed.
    SELECT h.next_position, h.last_recorded_at INTO STRICT first_position, first_moment FROM knelpunt.log_head h FOR UPDATE;
    -- Under the lock, hence not in the statement above. A clock set back does not take recorded_at back with it.
    first_moment := greatest(clock_timestamp(), first_moment + interval '1 microsecond');

    IF cardinality(command_ids) = 1 THEN
        SELECT c.position, c.request_hash = request_hashes[1], h.version, h.kind
          INTO position_before, same_before, head_version, head_kind
          FROM (SELECT) one
          LEFT JOIN knelpunt.command c ON c.command_id = command_ids[1]
          LEFT JOIN knelpunt.stream_head h ON h.stream_id = stream_ids[1];
        IF same_before IS NULL AND versions[1] = coalesce(head_version, 0) + 1
           AND kinds[1] = coalesce(head_kind, kinds[1]) THEN
            case_of := CASE kinds[1] WHEN 'case' THEN stream_ids[1] ELSE '00000000-0000-0000-0000-000000000000'::uuid END;
            WITH recorded AS (
                INSERT INTO knelpunt.event
                       (position, occurred_at, recorded_at, case_id, stream_id, event_id, version, topic_version, topic, state)
                VALUES (first_position, occurred_ats[1], first_moment, case_of, stream_ids[1], event_ids[1], versions[1],
                        topic_versions[1], topics[1], states[1])
            ), done AS (
                INSERT INTO knelpunt.command (command_id, case_id, position, request_hash)
                VALUES (command_ids[1], case_of, first_position, request_hashes[1])
            )
            INSERT INTO knelpunt.stream_head AS h (stream_id, case_id, version, kind)
            VALUES (stream_ids[1], case_of, versions[1], kinds[1])
                ON CONFLICT (stream_id, case_id) DO UPDATE SET version = excluded.version;
            IF obstacle_ids[1] IS NOT NULL THEN
                INSERT INTO knelpunt.known_obstacle (obstacle_id, case_id)
                VALUES (obstacle_ids[1], stream_ids[1]) ON CONFLICT DO NOTHING;
            END IF;
            -- A statement of its own: it may have to make a partition of the events, which no other may be busy with then.
            UPDATE knelpunt.log_head SET next_position = first_position + 1, last_recorded_at = first_moment;
            PERFORM pg_notify('knelpunt_event', first_position::text);
            outcome := 'recorded';
            "position" := first_position;
            version := versions[1];
            recorded_at := first_moment;
            RETURN NEXT;
            RETURN;
        END IF;
        outcomes := ARRAY[CASE WHEN same_before THEN 'repeated' WHEN NOT same_before THEN 'reused' ELSE 'conflict' END];
        known_positions := ARRAY[position_before];
        appended := 0;
        places := ARRAY[NULL::bigint];
        twice := false;
    ELSE
        -- Judging needs narrow rows only; the events themselves are touched once, when they are inserted.
        WITH asked AS (
            SELECT a.nr, a.stream_id, a.version, c.position, c.request_hash = a.request_hash AS same,
                   coalesce(h.version, 0) AS head,
                   row_number() OVER (PARTITION BY a.command_id ORDER BY a.nr) AS take,
                   -- What may be recorded: neither known, nor stale, nor of a stream of another kind.
                   c.position IS NULL AND a.version > coalesce(h.version, 0) AND coalesce(h.kind = a.kind, true) AS possible
              FROM unnest(kinds, stream_ids, versions, command_ids, request_hashes)
                   WITH ORDINALITY AS a (kind, stream_id, version, command_id, request_hash, nr)
              LEFT JOIN knelpunt.command c ON c.command_id = a.command_id
              LEFT JOIN knelpunt.stream_head h ON h.stream_id = a.stream_id
        ), first AS (
            -- Of two that both want to be one version of a stream, the first.
            SELECT a.*, a.possible AND a.take = 1
                        AND row_number() OVER (PARTITION BY a.stream_id, a.version, a.possible AND a.take = 1 ORDER BY a.nr) = 1 AS able
              FROM asked a
        ), ranked AS (
            SELECT f.*, count(*) FILTER (WHERE f.able) OVER (PARTITION BY f.stream_id ORDER BY f.nr) AS rank FROM first f
        ), judged AS (
            -- Each stream is continued without a hole, up to the first event that leaves one.
            SELECT r.*, r.able AND bool_and(r.version = r.head + r.rank) FILTER (WHERE r.able)
                                   OVER (PARTITION BY r.stream_id ORDER BY r.nr) AS fits
              FROM ranked r
        ), placed AS (
            SELECT j.*, CASE WHEN j.fits THEN count(*) FILTER (WHERE j.fits) OVER (ORDER BY j.nr) - 1 END AS place FROM judged j
        )
        SELECT array_agg(p.place ORDER BY p.nr), array_agg(p.position ORDER BY p.nr),
               array_agg(CASE WHEN p.same THEN 'repeated' WHEN NOT p.same THEN 'reused'
                              WHEN p.fits THEN 'recorded' ELSE 'conflict' END ORDER BY p.nr),
               count(p.place), bool_or(p.take > 1)
          INTO places, known_positions, outcomes, appended, twice
          FROM placed p;
    END IF;

    IF appended > 0 THEN
        INSERT INTO knelpunt.event
               (position, occurred_at, recorded_at, case_id, stream_id, event_id, version, topic_version, topic, state)
        SELECT first_position + a.place, a.occurred_at, first_moment + a.place * interval '1 microsecond',
               CASE a.kind WHEN 'case' THEN a.stream_id ELSE '00000000-0000-0000-0000-000000000000'::uuid END,
               a.stream_id, a.event_id, a.version, a.topic_version, a.topic, a.state
          FROM unnest(places, kinds, stream_ids, versions, topics, topic_versions, event_ids, occurred_ats, states)
               AS a (place, kind, stream_id, version, topic, topic_version, event_id, occurred_at, state)
         WHERE a.place IS NOT NULL;
        INSERT INTO knelpunt.command (command_id, case_id, position, request_hash)
        SELECT a.command_id,
               CASE a.kind WHEN 'case' THEN a.stream_id ELSE '00000000-0000-0000-0000-000000000000'::uuid END,
               first_position + a.place, a.request_hash
          FROM unnest(places, kinds, stream_ids, command_ids, request_hashes)
               AS a (place, kind, stream_id, command_id, request_hash)
         WHERE a.place IS NOT NULL;
        INSERT INTO knelpunt.stream_head AS h (stream_id, case_id, version, kind)
        SELECT a.stream_id, CASE a.kind WHEN 'case' THEN a.stream_id ELSE '00000000-0000-0000-0000-000000000000'::uuid END,
               max(a.version), a.kind
          FROM unnest(places, kinds, stream_ids, versions) AS a (place, kind, stream_id, version)
         WHERE a.place IS NOT NULL GROUP BY a.stream_id, a.kind
            ON CONFLICT (stream_id, case_id) DO UPDATE SET version = excluded.version;
        IF array_remove(obstacle_ids, NULL) <> '{}' THEN
            INSERT INTO knelpunt.known_obstacle (obstacle_id, case_id)
            SELECT a.obstacle_id, a.stream_id
              FROM unnest(places, stream_ids, obstacle_ids) AS a (place, stream_id, obstacle_id)
             WHERE a.place IS NOT NULL AND a.obstacle_id IS NOT NULL
                ON CONFLICT DO NOTHING;
        END IF;
        UPDATE knelpunt.log_head
           SET next_position = first_position + appended,
               last_recorded_at = first_moment + (appended - 1) * interval '1 microsecond';
        PERFORM pg_notify('knelpunt_event', (first_position + appended - 1)::text);
    END IF;

    IF twice THEN
        -- A command that stands here twice: the second gets the answer that it would get in a call of its own.
        FOR nr IN 2 .. cardinality(command_ids) LOOP
            IF outcomes[nr] = 'conflict' AND array_position(command_ids, command_ids[nr]) < nr THEN
                SELECT CASE WHEN c.request_hash = request_hashes[nr] THEN 'repeated' ELSE 'reused' END, c.position
                  INTO outcome_before, position_before
                  FROM knelpunt.command c WHERE c.command_id = command_ids[nr];
                outcomes[nr] := coalesce(outcome_before, 'conflict');
                known_positions[nr] := position_before;
            END IF;
        END LOOP;
    END IF;

    IF 'repeated' <> ALL (outcomes) THEN
        RETURN QUERY
        SELECT a.outcome, first_position + a.place, CASE WHEN a.place IS NOT NULL THEN a.version END,
               first_moment + a.place * interval '1 microsecond'
          FROM unnest(outcomes, places, versions) WITH ORDINALITY AS a (outcome, place, version, nr) ORDER BY a.nr;
    ELSE
        RETURN QUERY
        SELECT a.outcome, coalesce(e.position, first_position + a.place),
               coalesce(e.version, CASE WHEN a.place IS NOT NULL THEN a.version END),
               coalesce(e.recorded_at, first_moment + a.place * interval '1 microsecond')
          FROM unnest(outcomes, places, versions, known_positions) WITH ORDINALITY AS a (outcome, place, version, known, nr)
          LEFT JOIN knelpunt.event e ON a.outcome = 'repeated' AND e.position = a.known
         ORDER BY a.nr;
    END IF;
END
$$;
