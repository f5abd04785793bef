-- How far imports have come that have not ended: a row each, written with every chunk, in its transaction, and deleted
-- at the end. One that is broken off and begun again passes over what is done. Of the log's content the table holds
-- nothing but counts and numbers.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.import_run (
    fingerprint bytea PRIMARY KEY CHECK (octet_length(fingerprint) = 32),  -- of the log and all that it is read by
    reached_at timestamptz NOT NULL,
    traces integer NOT NULL CHECK (traces >= 0),   -- so many of the log's traces are done, in their order
    cases integer NOT NULL CHECK (cases >= 0),     -- cases recorded, and
    events bigint NOT NULL CHECK (events >= 0),    -- events about them, those of the traces below not counted
    again integer[] NOT NULL                       -- traces among them of which something could not be recorded
);
ALTER TABLE knelpunt.import_run ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.import_run TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON knelpunt.import_run FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON knelpunt.import_run TO knelpunt_appender;

-- note_import: remembers how far an import has come. Called by the importer in the transaction that records a chunk.
CREATE FUNCTION knelpunt.note_import(fingerprint bytea, traces integer, cases integer, events bigint, again integer[])
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO knelpunt.import_run (fingerprint, reached_at, traces, cases, events, again)
    VALUES (note_import.fingerprint, clock_timestamp(), note_import.traces, note_import.cases, note_import.events,
            note_import.again)
    ON CONFLICT (fingerprint) DO UPDATE
    SET reached_at = excluded.reached_at, traces = excluded.traces, cases = excluded.cases, events = excluded.events,
        again = excluded.again;
$$;
GRANT EXECUTE ON FUNCTION knelpunt.note_import TO knelpunt_appender;

-- end_import: forgets an import that has come to its end.
CREATE FUNCTION knelpunt.end_import(fingerprint bytea) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM knelpunt.import_run r WHERE r.fingerprint = end_import.fingerprint;
$$;
GRANT EXECUTE ON FUNCTION knelpunt.end_import TO knelpunt_appender;
