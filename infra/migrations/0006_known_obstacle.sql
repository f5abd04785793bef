-- Which obstacles have been reported, and in which case: commands may name one of another case. Written with the
-- event that reports it, so it is never behind.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.known_obstacle (
    obstacle_id uuid NOT NULL,
    case_id uuid NOT NULL,
    PRIMARY KEY (obstacle_id, case_id)
);
ALTER TABLE knelpunt.known_obstacle ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.known_obstacle TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON knelpunt.known_obstacle FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON knelpunt.known_obstacle TO knelpunt_appender, knelpunt_projector, knelpunt_reader;
