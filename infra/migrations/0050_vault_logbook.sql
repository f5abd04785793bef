-- The logbook: what was read of whom (the processing log), and what bears on security (the security log). It stands beside
-- the vault, in the vault's database where that is apart, in a schema of its own with two roles of its own:
--
--   knelpunt_logger    appends, and can neither read, change nor delete
--   knelpunt_overseer  reads, and can do nothing else
--
-- Roles belong to the whole server, and another database may be migrating at this moment: as in 0001.
DO $$
DECLARE
    wanted text;
    tries integer;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['knelpunt_logger', 'knelpunt_overseer'] LOOP
        FOR tries IN 1 .. 5 LOOP
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', wanted);
                END IF;
                IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user)
                   AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                                     JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
                                     JOIN pg_catalog.pg_roles u ON u.oid = m.member
                                    WHERE g.rolname = wanted AND u.rolname = session_user
                                      AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) THEN
                    EXECUTE format('GRANT %I TO %I', wanted, session_user);
                END IF;
                EXIT;
            EXCEPTION WHEN duplicate_object OR unique_violation OR internal_error THEN
                IF tries = 5 THEN RAISE; END IF;
                PERFORM pg_sleep(0.05 * tries);
            END;
        END LOOP;
    END LOOP;
END
$$;

CREATE SCHEMA logbook AUTHORIZATION knelpunt_owner;
GRANT USAGE ON SCHEMA logbook TO knelpunt_logger, knelpunt_overseer;
SET LOCAL ROLE knelpunt_owner;

-- One row for each person of whom a request read anything, written before its answer leaves. The columns are those of
-- Logboek Dataverwerkingen; the three that end in its attributes are named after them:
--
--   activity      dpl.core.processing_activity_id
--   subject_*     dpl.core.data_subject_id, encrypted under a key of the subject's own, which goes when they are erased
--   subject_type  dpl.core.data_subject_id_type
CREATE TABLE logbook.processing (
    trace_id bytea NOT NULL CHECK (octet_length(trace_id) = 16),
    span_id bytea NOT NULL CHECK (octet_length(span_id) = 8),
    status text COLLATE "C" NOT NULL CHECK (status IN ('OK', 'ERROR')),
    name text COLLATE "C" NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    activity text COLLATE "C" NOT NULL,
    subject_key uuid NOT NULL,           -- which key; whose it is only the vault knows, while there is one
    subject_box bytea NOT NULL,
    subject_type text COLLATE "C" NOT NULL,
    organisation text COLLATE "C",       -- who read: none for those who act for none
    role text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,     -- a pseudonym, as in an event's actor
    PRIMARY KEY (trace_id, span_id)
);
CREATE INDEX processing_subject ON logbook.processing (subject_key, end_time);
CREATE INDEX processing_time ON logbook.processing (end_time);

-- What bears on security, by the fields that BIO2 asks for. It names no subject: an erasure is named by its request.
CREATE TABLE logbook.security (
    record_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "time" timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text COLLATE "C" NOT NULL,
    object text NOT NULL,
    result text NOT NULL,                -- DONE, or REFUSED and why
    origin text NOT NULL,                -- an address, a program, or the database itself
    actor text,                          -- none where nobody could say who it was
    count integer NOT NULL DEFAULT 1 CHECK (count > 0)   -- how often, at about that time
);
CREATE INDEX security_time ON logbook.security ("time");

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['processing', 'security'] LOOP
        EXECUTE format('ALTER TABLE logbook.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY owner ON logbook.%I TO knelpunt_owner USING (true) WITH CHECK (true)', each);
        EXECUTE format('CREATE POLICY appended ON logbook.%I FOR INSERT TO knelpunt_logger WITH CHECK (true)', each);
        EXECUTE format('CREATE POLICY principal ON logbook.%I FOR SELECT TO knelpunt_overseer '
                       'USING ((SELECT current_setting(''knelpunt.principal'', true)) <> '''')', each);
    END LOOP;
END
$$;
GRANT INSERT ON logbook.processing, logbook.security TO knelpunt_logger;
GRANT SELECT ON logbook.processing, logbook.security TO knelpunt_overseer;

-- The keys under which the processing log names people are looked up by what it holds of them.
CREATE INDEX key_of_reading ON vault.key (key_id) WHERE purpose = 'reading';
