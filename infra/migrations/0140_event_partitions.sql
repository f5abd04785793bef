-- Events in partitions by ranges of positions, each a table that vacuum, an index or a move to another disk has to do with
-- by itself. What there is becomes the first partition as it stands: it is read through once, and not copied.
--
-- What is asked of knelpunt.event is judged by its own rights and row security alone. Nobody has any right to a
-- partition, and row security without a policy shows its owner nothing.
SET LOCAL search_path = pg_catalog;
SET LOCAL ROLE knelpunt_owner;

-- partition_events: how many positions a partition takes, 2^26: some 80 GB, and a nation's events of six years. A stream is
-- looked for in each of them, so they are few. A multiple of 256, so that no tile of the trail lies in two.
CREATE FUNCTION knelpunt.partition_events() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 67108864;

ALTER TABLE knelpunt.event RENAME TO event_0;
ALTER INDEX knelpunt.event_pkey RENAME TO event_0_pkey;
ALTER INDEX knelpunt.event_stream RENAME TO event_0_stream;
ALTER INDEX knelpunt.event_erased RENAME TO event_0_erased;
DROP POLICY owner ON knelpunt.event_0;
DROP POLICY principal ON knelpunt.event_0;
REVOKE ALL ON knelpunt.event_0 FROM knelpunt_owner, knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor;

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
) PARTITION BY RANGE (position);
CREATE INDEX event_stream ON knelpunt.event (stream_id, position);
CREATE INDEX event_erased ON knelpunt.event (position) WHERE topic = 'subject-erased';
ALTER TABLE knelpunt.event ALTER COLUMN state SET STORAGE EXTERNAL;
ALTER TABLE knelpunt.event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.event TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY principal ON knelpunt.event FOR SELECT
    USING ((SELECT knelpunt.sees_log())
           OR (case_id <> '00000000-0000-0000-0000-000000000000' AND (SELECT knelpunt.sees_all()))
           OR knelpunt.sees_event((SELECT knelpunt.viewers()), case_id, stream_id, topic, state));
GRANT SELECT ON knelpunt.event TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor;
REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON knelpunt.event FROM knelpunt_owner;

DO $$
DECLARE
    events bigint := knelpunt.partition_events();
    -- No less than half a partition is left: from the middle of one the next is taken to be there.
    upto bigint := (((SELECT next_position FROM knelpunt.log_head) + events / 2) / events + 1) * events;
BEGIN
    EXECUTE format('ALTER TABLE knelpunt.event ATTACH PARTITION knelpunt.event_0 FOR VALUES FROM (MINVALUE) TO (%s)', upto);
END
$$;

-- reach_partition: sees to it that there are partitions for all positions below one, and makes those that lack. Attaching
-- a table keeps nobody from reading or recording, as making it a partition at once would.
CREATE FUNCTION knelpunt.reach_partition(upto bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    events bigint := knelpunt.partition_events();
    reached bigint;
    name text;
BEGIN
    SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''?(\d+)')::bigint) INTO STRICT reached
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'knelpunt.event'::regclass;
    WHILE reached < upto LOOP
        name := 'event_' || reached;      -- by its first position, which no other has
        EXECUTE format('CREATE TABLE knelpunt.%I (LIKE knelpunt.event INCLUDING INDEXES INCLUDING STORAGE)', name);
        EXECUTE format('ALTER TABLE knelpunt.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('REVOKE ALL ON knelpunt.%I FROM knelpunt_owner', name);
        EXECUTE format('ALTER TABLE knelpunt.event ATTACH PARTITION knelpunt.%I FOR VALUES FROM (%s) TO (%s)',
                       name, reached, (reached / events + 1) * events);
        reached := (reached / events + 1) * events;
    END LOOP;
END
$$;

-- try_to_reach_partition: the same, unless somebody keeps the table locked just then.
CREATE FUNCTION knelpunt.try_to_reach_partition(upto bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
BEGIN
    PERFORM knelpunt.reach_partition(upto);
EXCEPTION WHEN lock_not_available THEN
    RAISE LOG 'The next partition of knelpunt.event cannot be made yet: somebody keeps the table locked.';
END
$$;

-- The next partition is made when the log comes to the middle of one, by whoever appends then. If the table is locked, it
-- is made at three quarters instead. For that who appends does wait, as for any lock: nothing is recorded until it is had,
-- and millions of positions before it is needed somebody can see to it.
CREATE FUNCTION knelpunt.partition_ahead() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    quarter bigint := knelpunt.partition_events() / 4;
    reached bigint := NEW.next_position / quarter;
BEGIN
    IF reached % 4 = 2 THEN
        PERFORM knelpunt.try_to_reach_partition((reached + 2) * quarter + 1);
    ELSE
        PERFORM knelpunt.reach_partition((reached + 1) * quarter + 1);
    END IF;
    RETURN NULL;
END
$$;
-- Where a quarter is passed: 2^24 positions, by a number and not a call, as this is asked at each commit.
CREATE TRIGGER partition_ahead AFTER UPDATE ON knelpunt.log_head
    FOR EACH ROW WHEN (NEW.next_position / 16777216 > OLD.next_position / 16777216)
    EXECUTE FUNCTION knelpunt.partition_ahead();

-- move_staged: as it was (0011_move_staged), and what is moved may be longer than what is left of a partition.
ALTER FUNCTION knelpunt.move_staged(bigint, timestamptz) RENAME TO move_staged_rows;
CREATE FUNCTION knelpunt.move_staged(first_position bigint, first_moment timestamptz)
RETURNS TABLE (recorded bigint, skipped bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    quarter bigint := knelpunt.partition_events() / 4;
    staged bigint;
BEGIN
    -- What is no staging table of the owner's is not so much as counted: that could be somebody's code.
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass('pg_temp.staged_event') AND c.relkind = 'r'
                  AND c.relowner = 'knelpunt_owner'::regrole) THEN
        SELECT count(*) INTO STRICT staged FROM pg_temp.staged_event;
        IF first_position / quarter < (first_position + staged) / quarter THEN
            PERFORM knelpunt.reach_partition(first_position + staged);
        END IF;
    END IF;
    RETURN QUERY SELECT m.recorded, m.skipped FROM knelpunt.move_staged_rows(first_position, first_moment) m;
END
$$;

-- Functions with a body of standard SQL are bound to the table that is the first partition now: those of this schema, and
-- of the read model.
RESET ROLE;
DO $$
DECLARE
    bound regprocedure;
BEGIN
    FOR bound IN
        SELECT DISTINCT d.objid::regprocedure FROM pg_depend d
         WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass
           AND d.refobjid = 'knelpunt.event_0'::regclass
    LOOP
        EXECUTE replace(pg_get_functiondef(bound), 'knelpunt.event_0', 'knelpunt.event');
    END LOOP;
END
$$;
RESET search_path;
