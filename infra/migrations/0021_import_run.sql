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
