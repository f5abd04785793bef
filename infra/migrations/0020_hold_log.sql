-- hold_log: takes the lock under which events are appended, until the transaction ends. For a writer that met conflicts
-- again and again: what it reads, decides and appends in that transaction nobody can come between.
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION knelpunt.hold_log() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT FROM knelpunt.log_head FOR UPDATE;
$$;
GRANT EXECUTE ON FUNCTION knelpunt.hold_log TO knelpunt_appender;
