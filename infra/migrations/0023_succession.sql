-- How far the registry has come with writing into cases what became of organisations. It only saves work: what is due
-- in a case is told from the case itself, so that starting over, or doing a part again, writes nothing twice.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.succession (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL             -- the last event that was looked at; -1: none
);
INSERT INTO knelpunt.succession (position) VALUES (-1);

-- An organisation's cases that are still to be looked at, because of one of its events.
CREATE TABLE knelpunt.succession_sweep (
    event_id uuid PRIMARY KEY,
    organisation text NOT NULL,
    due_at timestamptz NOT NULL,         -- not before: a task may pass on at a moment still to come
    reached uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'   -- the last case that was looked at
);
ALTER TABLE knelpunt.succession ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE knelpunt.succession_sweep ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.succession TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON knelpunt.succession_sweep TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY appender ON knelpunt.succession TO knelpunt_appender USING (true) WITH CHECK (true);
CREATE POLICY appender ON knelpunt.succession_sweep TO knelpunt_appender USING (true) WITH CHECK (true);
CREATE POLICY onlooker ON knelpunt.succession FOR SELECT TO knelpunt_reader, knelpunt_projector USING (true);
CREATE POLICY onlooker ON knelpunt.succession_sweep FOR SELECT TO knelpunt_reader, knelpunt_projector USING (true);
GRANT SELECT, UPDATE ON knelpunt.succession TO knelpunt_appender;
GRANT SELECT, INSERT, UPDATE, DELETE ON knelpunt.succession_sweep TO knelpunt_appender;
GRANT SELECT ON knelpunt.succession, knelpunt.succession_sweep TO knelpunt_reader, knelpunt_projector;
