-- append_staged: the way in for imports. Moves everything staged in this transaction into the log, all or none;
-- staging it once more adds nothing. Events that were not skipped stand next to each other from first_position on, in
-- the order of nr. Errors as in move_staged, and KN004 for what brings its own moments of recording.
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION knelpunt.append_staged()
RETURNS TABLE (recorded bigint, skipped bigint, first_position bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    first_position bigint;
    moment timestamptz;
BEGIN
    SELECT h.next_position, h.last_recorded_at INTO STRICT first_position, moment FROM knelpunt.log_head h FOR UPDATE;
    moment := greatest(clock_timestamp(), moment + interval '1 microsecond');
    RETURN QUERY SELECT m.recorded, m.skipped, first_position FROM knelpunt.move_staged(first_position, moment) m;
    IF EXISTS (SELECT FROM pg_temp.staged_event s WHERE s.recorded_at IS NOT NULL) THEN
        RAISE EXCEPTION 'Only an owner''s append into an empty log may say when an event was recorded.' USING ERRCODE = 'KN004';
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION knelpunt.append_staged TO knelpunt_appender;
