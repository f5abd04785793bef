-- The vault's own secrets (for request hashes, say), wrapped like the keys.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE vault.secret (
    name text COLLATE "C" PRIMARY KEY,
    wrapped bytea NOT NULL
);
ALTER TABLE vault.secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON vault.secret TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON vault.secret FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
CREATE POLICY made_once ON vault.secret FOR INSERT TO knelpunt_vault
    WITH CHECK ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT, INSERT ON vault.secret TO knelpunt_vault;
