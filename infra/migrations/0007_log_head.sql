-- Where the log ends: one row, locked by whoever appends until they have committed. That makes positions dense and
-- lets no reader see a position before all below it.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.log_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    next_position bigint NOT NULL,
    last_recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);                -- updated at every commit: room for many versions of the row in its page
INSERT INTO knelpunt.log_head (next_position, last_recorded_at) VALUES (0, '-infinity');
ALTER TABLE knelpunt.log_head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.log_head TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON knelpunt.log_head FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON knelpunt.log_head TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor;
