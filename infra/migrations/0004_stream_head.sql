-- How far each stream has come: what makes (stream, version) unique, and the directory of what exists.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.stream_head (
    stream_id uuid NOT NULL,
    case_id uuid NOT NULL,
    version integer NOT NULL,
    kind text COLLATE "C" NOT NULL,      -- case, organisation
    PRIMARY KEY (stream_id, case_id)
) WITH (fillfactor = 80);                -- room to update a version in place
ALTER TABLE knelpunt.stream_head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.stream_head TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON knelpunt.stream_head FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON knelpunt.stream_head TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor;
