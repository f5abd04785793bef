-- settle: closes the past, for whoever tells what time alone brings about. If the log ends at a position and nobody is
-- appending, returns a moment at or before which nothing will ever be recorded any more, also if the clock is set back;
-- null otherwise: ask again, what is being appended settles more by itself. It does not wait, and is no event.
SET LOCAL ROLE knelpunt_owner;
COMMENT ON COLUMN knelpunt.log_head.last_recorded_at IS
    'what is appended next is recorded after this: the moment of the last event, or one up to which the past was settled';
CREATE FUNCTION knelpunt.settle(reached bigint) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moment timestamptz;
BEGIN
    SELECT h.last_recorded_at INTO moment FROM knelpunt.log_head h
     WHERE h.next_position = reached + 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Whoever appends reads the clock under the lock that is held here, hence after this.
    moment := greatest(clock_timestamp(), moment);
    UPDATE knelpunt.log_head SET last_recorded_at = moment;
    RETURN moment;
END
$$;
GRANT EXECUTE ON FUNCTION knelpunt.settle TO knelpunt_reader;
