-- Who may read and write the read model. Row security is on and forced on every table of case data; until the access
-- rules come, whoever reads for a principal sees all, and who reads for nobody sees nothing.

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY[
        'quarantined', 'case_state', 'case_party', 'case_subject', 'case_link', 'chain_state', 'gap_state', 'handoff_state',
        'todo_state', 'case_to_rederive', 'stream_state', 'stream_link'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', each);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', each);
        EXECUTE format(
            'CREATE POLICY principal ON %I FOR SELECT USING ((SELECT current_setting(''knelpunt.principal'', true)) <> '''')',
            each
        );
        EXECUTE format('CREATE POLICY projector ON %I TO knelpunt_projector USING (true) WITH CHECK (true)', each);
    END LOOP;
END;
$$;
-- What lies over several cases is shown to those alone who may see each of them: it would reveal the others. So
-- whatever rule says who sees a case says it here too.
CREATE POLICY whole ON gap_state AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (cases IS NULL OR NOT EXISTS (
        SELECT FROM unnest(cases) AS over (case_id)
         WHERE NOT EXISTS (SELECT FROM case_state s WHERE s.case_id = over.case_id)));
-- That an obstacle or case is linked with something is shown to those alone who may see the case.
CREATE POLICY linked ON stream_link AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (CASE relation
               WHEN 'OBSTACLE' THEN EXISTS (
                   SELECT FROM knelpunt.known_obstacle k JOIN case_state s ON s.case_id = k.case_id
                    WHERE k.obstacle_id = target_id)
               WHEN 'CASE' THEN EXISTS (SELECT FROM case_state s WHERE s.case_id = target_id)
               ELSE true END);
-- Which organisations a subject has to do with is for the projector alone.
ALTER TABLE subject_organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE subject_organisation FORCE ROW LEVEL SECURITY;
CREATE POLICY projector ON subject_organisation TO knelpunt_projector USING (true) WITH CHECK (true);
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO knelpunt_reader, knelpunt_appender', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO knelpunt_reader, knelpunt_appender', current_schema());
END;
$$;
