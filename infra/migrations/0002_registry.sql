-- Which registry this is: one row, made once. The origin is part of what every sealed text is bound to, so that a
-- ciphertext carried to another registry opens nowhere.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.registry (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    origin text NOT NULL
);
INSERT INTO knelpunt.registry (origin) VALUES ('knelpunt/' || gen_random_uuid());
ALTER TABLE knelpunt.registry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.registry TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON knelpunt.registry FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON knelpunt.registry
    TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor, knelpunt_eraser;
