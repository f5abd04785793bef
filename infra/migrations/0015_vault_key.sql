-- One key for each subject and purpose, wrapped (RFC 3394) by a master key that the database never sees.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE vault.key (
    subject_id uuid NOT NULL,
    purpose text COLLATE "C" NOT NULL,
    key_id uuid NOT NULL,
    wrapped bytea NOT NULL,
    PRIMARY KEY (subject_id, purpose),
    UNIQUE (subject_id, key_id)
);
ALTER TABLE vault.key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON vault.key TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON vault.key FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON vault.key TO knelpunt_vault;
