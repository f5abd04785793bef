-- Which commands have had their effect: one event each. request_hash is an HMAC of the request as it was received,
-- under a secret of the vault; a bare hash of personal text could be guessed.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.command (
    command_id uuid NOT NULL,
    case_id uuid NOT NULL,
    position bigint NOT NULL,
    request_hash bytea NOT NULL,
    PRIMARY KEY (command_id, case_id)
);
ALTER TABLE knelpunt.command ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.command TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON knelpunt.command FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON knelpunt.command TO knelpunt_appender;
