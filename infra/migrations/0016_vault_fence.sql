-- Who has been erased. A record of its own: that a subject has no key may also mean that none was made yet.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE vault.fence (
    subject_id uuid PRIMARY KEY,
    fenced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE vault.fence ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON vault.fence TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON vault.fence FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON vault.fence TO knelpunt_vault, knelpunt_eraser;
