-- Every event of the registry, in the order of commit.
--
-- Nothing here is unique without the position, so that the table can be partitioned by ranges of it: that a stream's
-- versions are unique is kept by stream_head, that a command has one effect by command.
SET LOCAL ROLE knelpunt_owner;
CREATE TABLE knelpunt.event (
    position bigint NOT NULL,            -- from 0, without holes, in the order of commit
    occurred_at timestamptz NOT NULL,    -- a copy of the one in state, for those who only have SQL
    recorded_at timestamptz NOT NULL,    -- strictly increases with position
    case_id uuid NOT NULL,               -- the case; all zeros in streams that are not a case's
    stream_id uuid NOT NULL,
    event_id uuid NOT NULL,              -- a copy of the one in state
    version integer NOT NULL,            -- from 1, without holes, in its stream
    topic_version smallint NOT NULL,     -- the version of the topic in which state is written
    topic text COLLATE "C" NOT NULL,     -- the kind of event, by its stable name
    state bytea NOT NULL,                -- the event as JSON; texts in it are sealed
    PRIMARY KEY (position, case_id)
);
CREATE INDEX event_stream ON knelpunt.event (stream_id, position);
-- JSON of this size is read whole or not at all, and compressing it in line costs more than it saves.
ALTER TABLE knelpunt.event ALTER COLUMN state SET STORAGE EXTERNAL;

ALTER TABLE knelpunt.event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.event TO knelpunt_owner USING (true) WITH CHECK (true);
-- knelpunt.principal says who reads, as JSON text, set in the reader's transaction. Until the access rules come it
-- only matters that there is one. The sub-select is evaluated once a statement instead of once a row.
CREATE POLICY principal ON knelpunt.event FOR SELECT
    USING ((SELECT current_setting('knelpunt.principal', true)) <> '');
GRANT SELECT ON knelpunt.event TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor;
-- The owner gives up what the append functions do not need: their mistakes cannot change an event either.
REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON knelpunt.event FROM knelpunt_owner;
