-- Who is sent the events that they may see, and what became of each event. The sender keeps both; nobody but the registry
-- itself sees them. No secret is here: what signs is derived from the master key.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.webhook (
    webhook_id uuid PRIMARY KEY,
    url text NOT NULL CHECK (octet_length(url) <= 2048),
    principal jsonb NOT NULL,            -- for whom events are read, as knelpunt.principal has it
    topics text[] NOT NULL,              -- which kinds of events; none: all
    secret_number integer NOT NULL DEFAULT 1,
    rotated_at timestamptz,              -- since when that number counts; the one before it goes on for a day
    position bigint NOT NULL,            -- the last event that was looked at; -1: none
    created_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0, -- how often in a row nobody answered
    resting_until timestamptz,           -- nothing is sent before then
    paused boolean NOT NULL DEFAULT false,
    ended_at timestamptz,
    ended_because text
);
CREATE TABLE knelpunt.webhook_delivery (
    webhook_id uuid NOT NULL,            -- no reference: a backup restores tables in any order
    position bigint NOT NULL,            -- of the event
    case_id uuid NOT NULL,               -- all zeros where it stands in no case
    stream_id uuid NOT NULL,             -- within which order is kept
    state text NOT NULL CHECK (state IN ('WAITING', 'DELIVERED', 'DEAD', 'WITHDRAWN')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,        -- not before then
    problem text,                        -- what was wrong the last time; quotes nothing that was answered
    settled_at timestamptz,
    PRIMARY KEY (webhook_id, position, case_id)
);
-- What is still to be sent, each stream's first event first; and the dead letters.
CREATE INDEX webhook_delivery_waiting ON knelpunt.webhook_delivery (webhook_id, stream_id, position)
    WHERE state = 'WAITING';
CREATE INDEX webhook_delivery_dead ON knelpunt.webhook_delivery (webhook_id, position) WHERE state = 'DEAD';

ALTER TABLE knelpunt.webhook ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE knelpunt.webhook_delivery ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.webhook TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON knelpunt.webhook_delivery TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY sender ON knelpunt.webhook TO knelpunt_appender
    USING ((SELECT knelpunt.principal() ->> 'role') = 'REGISTRY')
    WITH CHECK ((SELECT knelpunt.principal() ->> 'role') = 'REGISTRY');
CREATE POLICY sender ON knelpunt.webhook_delivery TO knelpunt_appender
    USING ((SELECT knelpunt.principal() ->> 'role') = 'REGISTRY')
    WITH CHECK ((SELECT knelpunt.principal() ->> 'role') = 'REGISTRY');
GRANT SELECT, INSERT, UPDATE ON knelpunt.webhook TO knelpunt_appender;
GRANT SELECT, INSERT, UPDATE, DELETE ON knelpunt.webhook_delivery TO knelpunt_appender;
