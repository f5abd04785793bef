-- note_import: remembers how far an import has come. Called by the importer in the transaction that records a chunk.
SET LOCAL ROLE knelpunt_owner;
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
