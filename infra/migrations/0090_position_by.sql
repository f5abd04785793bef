-- The last position that was recorded by a moment. Who sees some events alone cannot find it by looking at events, and
-- everything that they are told at a moment of knowing begins with it; the position itself tells nothing of anybody.
SET LOCAL ROLE knelpunt_owner;

-- recorded_at increases with the position, which has no holes, so halving finds it over the primary key, in as many
-- look-ups as the number of events has bits. LIMIT keeps the planner from reading the whole log for a join instead.
CREATE FUNCTION knelpunt.position_by(moment timestamptz, upto bigint DEFAULT NULL) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH RECURSIVE halving (low, high) AS (
        SELECT -1::bigint, coalesce(upto, (SELECT next_position - 1 FROM knelpunt.log_head))
        UNION ALL
        SELECT CASE WHEN found.early THEN middle.at ELSE low END, CASE WHEN found.early THEN high ELSE middle.at - 1 END
          FROM halving
         CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS at) middle
         CROSS JOIN LATERAL (SELECT e.recorded_at <= moment AS early
                               FROM knelpunt.event e WHERE e.position = middle.at LIMIT 1) found
         WHERE low < high
    )
    SELECT low FROM halving WHERE low = high;
END;

REVOKE EXECUTE ON FUNCTION knelpunt.position_by(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION knelpunt.position_by(timestamptz, bigint)
    TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor;
