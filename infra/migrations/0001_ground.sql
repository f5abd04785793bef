-- The ground that all else stands on: the roles, the schema, and the list of migrations that have run.
--
-- The roles of the registry: groups without a login, which the programs' login becomes by SET ROLE.
--
--   knelpunt_owner      owns everything; migrations and the one-time append of foreign history
--   knelpunt_appender   EXECUTE on the append functions, and reading what a decision needs
--   knelpunt_projector  reads events, writes the read model
--   knelpunt_reader     reads
--   knelpunt_auditor    reads the trail; no personal field, no key
--   knelpunt_eraser     erases subjects' keys
--   knelpunt_vault      gets and makes keys
--
-- Roles belong to the whole server, and another database may be migrating at this moment. So one that is there
-- already, or appears meanwhile, will do.
DO $$
DECLARE
    wanted text;
    tries integer;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['knelpunt_owner', 'knelpunt_appender', 'knelpunt_projector', 'knelpunt_reader',
                                  'knelpunt_auditor', 'knelpunt_eraser', 'knelpunt_vault']
    LOOP
        -- Two grants of one role at the same moment collide ("tuple concurrently updated", XX000); the second one
        -- finds its work done when it looks again.
        FOR tries IN 1 .. 5 LOOP
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', wanted);
                END IF;
                -- A superuser may become any role; anybody else must be a member, also of what they made themselves.
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

-- The schema of events belongs to a role that nobody logs in as; the append functions run as that role.
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO knelpunt_owner', current_database());  -- bulk appends stage there
END
$$;
CREATE SCHEMA knelpunt AUTHORIZATION knelpunt_owner;
GRANT USAGE ON SCHEMA knelpunt
    TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor, knelpunt_eraser;
SET LOCAL ROLE knelpunt_owner;
-- A function can be executed by everybody unless it says otherwise. Ours say who may.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Read by whoever wants to know what this database is ready for; written by infra/store/migrate.py.
CREATE TABLE knelpunt.migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,              -- SHA-256 of the file, in hexadecimal
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE knelpunt.migration ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON knelpunt.migration TO knelpunt_owner USING (true) WITH CHECK (true);
CREATE POLICY anybody ON knelpunt.migration FOR SELECT USING (true);
GRANT SELECT ON knelpunt.migration
    TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor, knelpunt_eraser;
