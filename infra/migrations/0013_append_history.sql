-- append_history: history that was recorded elsewhere (a migrated registry, the demo), with its own moments of
-- recording. Only the owner's, once, into an empty log, and every event must name its source. Errors as in
-- move_staged, and KN004 for history that may not enter like this.
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION knelpunt.append_history()
RETURNS TABLE (recorded bigint, skipped bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    first_position bigint;
BEGIN
    SELECT h.next_position INTO STRICT first_position FROM knelpunt.log_head h FOR UPDATE;
    IF first_position > 0 THEN
        RAISE EXCEPTION 'History that was recorded elsewhere enters an empty log only; this one holds % events.', first_position
              USING ERRCODE = 'KN004';
    END IF;
    RETURN QUERY SELECT m.recorded, m.skipped FROM knelpunt.move_staged(0, clock_timestamp()) m;
    IF EXISTS (SELECT FROM pg_temp.staged_event s WHERE s.recorded_at IS NULL OR s.recorded_at > clock_timestamp())
       OR EXISTS (SELECT FROM (SELECT s.recorded_at, lag(s.recorded_at) OVER (ORDER BY s.nr) AS before
                                 FROM pg_temp.staged_event s) t WHERE t.recorded_at <= t.before) THEN
        RAISE EXCEPTION 'History needs moments of recording that lie in the past and increase from event to event.'
              USING ERRCODE = 'KN004';
    END IF;
    IF EXISTS (SELECT FROM pg_temp.staged_event s
                WHERE coalesce(convert_from(s.state, 'UTF8')::jsonb ->> 'source', 'api') = 'api') THEN
        RAISE EXCEPTION 'History that was recorded elsewhere must name its source in every event.' USING ERRCODE = 'KN004';
    END IF;
END
$$;
