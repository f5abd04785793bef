-- Who may read and write the read model. Row security is on and forced on every table of case data; until the access
-- rules come, whoever reads for a principal sees all, and who reads for nobody sees nothing.

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY[
        'quarantined', 'case_state', 'case_party', 'chain_state', 'gap_state', 'handoff_state'
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
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO knelpunt_reader, knelpunt_appender', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO knelpunt_reader, knelpunt_appender', current_schema());
END;
$$;
