-- open_staging: makes pg_temp.staged_event, into which an importer COPYs events before one append call moves them.
-- It belongs to the owner, who lets nobody read or change it, and to this session alone; a commit empties it. (COPY
-- is refused where row security applies, so the events' own table cannot be its target.)
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION knelpunt.open_staging() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
    IF to_regclass('pg_temp.staged_event') IS NULL THEN
        CREATE TEMPORARY TABLE staged_event (
            nr integer NOT NULL,             -- the order in which the events shall stand
            kind text NOT NULL,
            stream_id uuid NOT NULL,
            version integer NOT NULL,        -- the version that the event shall get
            topic text NOT NULL,
            topic_version smallint NOT NULL,
            event_id uuid NOT NULL,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz,         -- only for history that was recorded elsewhere
            command_id uuid NOT NULL,
            request_hash bytea NOT NULL,
            obstacle_id uuid,
            state bytea NOT NULL
        ) ON COMMIT DELETE ROWS;
        ALTER TABLE pg_temp.staged_event ALTER COLUMN state SET STORAGE EXTERNAL;
        GRANT INSERT ON pg_temp.staged_event TO knelpunt_appender;
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION knelpunt.open_staging TO knelpunt_appender;
