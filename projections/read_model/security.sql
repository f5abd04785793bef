-- Who may read and write the read model. Row security is on and forced on every table of case data: whoever reads for a
-- principal sees the cases that they have to do with, and who reads for nobody sees nothing. Whatever is decided here is
-- decided by plain comparisons of columns, so that the planner keeps its indexes; the functions run as the projector,
-- and answer for the principal of the transaction. Their bodies are bound to the tables of this read model, so that they
-- go with it when a rebuild takes its place.

-- with_units: the names by which an organisation has to do with cases: its own, and those of all that stand under it now,
-- which are units at every level and those that went up in them.
CREATE FUNCTION with_units(top text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH RECURSIVE below (organisation) AS (
        SELECT top
        UNION
        SELECT o.organisation
          FROM organisation_state o JOIN below b ON coalesce(o.merged_into, o.parent) = b.organisation
         WHERE o.known_until = 'infinity' AND o.as_of_from <= now() AND o.as_of_until > now()
    )
    SELECT array(SELECT 'O:' || organisation FROM below);
END;

-- viewers: the names by which the principal has to do with cases. Each answer asks for them several times, and to look for
-- units takes four times as long as all the rest: so first whether there ever was one.
CREATE FUNCTION viewers() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE
        WHEN role IN ('AGENCY', 'SOLUTION_TEAM') AND organisation IS NOT NULL THEN
            CASE WHEN EXISTS (SELECT FROM organisation_state o WHERE coalesce(o.merged_into, o.parent) = p.organisation)
                 THEN with_units(p.organisation) ELSE ARRAY['O:' || organisation] END
        WHEN role = 'INTAKE' AND organisation IS NOT NULL THEN ARRAY['N:' || organisation]
        WHEN role = 'SUBJECT' AND subject IS NOT NULL THEN ARRAY['S:' || subject]
        ELSE ARRAY[]::text[] END
      FROM (SELECT one ->> 'role', one ->> 'organisation', one ->> 'subject' FROM (SELECT knelpunt.principal()) AS _ (one))
        AS p (role, organisation, subject);
END;

-- sees_case: whether somebody with these names has to do with a case.
CREATE FUNCTION sees_case(names text[], asked uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM case_viewer v WHERE v.case_id = asked AND v.viewer = ANY (names)
                      AND v.from_at <= now() AND v.until_at > now());
END;

-- seen_at_least: whether the principal has to do with so many cases.
CREATE FUNCTION seen_at_least(number bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM case_viewer v
                    WHERE v.viewer = ANY ((SELECT viewers())::text[]) AND v.from_at <= now() AND v.until_at > now()
                   OFFSET number - 1);
END;

-- seen_below: the cases that the principal has to do with, if they are fewer than so many; null: they are not.
CREATE FUNCTION seen_below(number bigint) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN NOT seen_at_least(number) THEN array(
        SELECT v.case_id FROM case_viewer v
         WHERE v.viewer = ANY ((SELECT viewers())::text[]) AND v.from_at <= now() AND v.until_at > now()) END;
END;

-- few_seen: under which ids gaps stand that the principal may see: their cases, whoever these are about where something
-- lies over several cases, and what the registry learns by. Null: all, or more than so many, so that going through a
-- list in its order finds a page sooner than going through the cases. Cases that began after a moment are none of them:
-- nothing of these is found as of it, or as known then. It is only where to look: what is seen there is for the policies
-- below to say.
CREATE FUNCTION few_seen(most bigint, moment timestamptz) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN NOT knelpunt.sees_all() THEN (
        WITH own AS MATERIALIZED (
            SELECT v.case_id FROM case_viewer v
             WHERE v.viewer = ANY ((SELECT viewers())::text[]) AND v.begun_at <= moment
               AND v.from_at <= now() AND v.until_at > now()
             LIMIT most + 1
        ), learnt AS MATERIALIZED (
            SELECT g.case_id FROM gap_state g WHERE g.stream_kind IS NOT NULL AND knelpunt.sees_learnt() LIMIT most + 1
        )
        SELECT CASE WHEN (SELECT count(*) FROM own) <= most AND (SELECT count(*) FROM learnt) <= most THEN array(
            SELECT o.case_id FROM own o
            UNION ALL
            -- Each of the cases that it lies over must be seen, so the first one too. In one pass of a small index: joined,
            -- it would be gone down once for each case.
            SELECT g.case_id FROM gap_state g
             WHERE g.cases IS NOT NULL AND g.cases[1] = ANY ((SELECT array(SELECT o.case_id FROM own o))::uuid[])
            UNION ALL
            SELECT l.case_id FROM learnt l
        ) END
    ) END;
END;

-- few_named: of these ids, those under which gaps stand that name one of some organisations as who has to act or as
-- involved, whenever that was so. Null: more than so many. It says where to look, as few_seen does: what a gap holds lies
-- behind its row's security, where no index by it can be used.
CREATE FUNCTION few_named(acting text[], involving text[], most bigint) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH named AS (
        SELECT g.case_id, g.cases[1] AS first_case, g.stream_kind FROM gap_state g WHERE g.to_act && acting
        UNION
        SELECT g.case_id, g.cases[1], g.stream_kind FROM gap_state g WHERE g.involved && involving
    ), open_to AS MATERIALIZED (
        SELECT DISTINCT n.case_id FROM named n
         WHERE (SELECT knelpunt.sees_all()) OR (n.stream_kind IS NOT NULL AND (SELECT knelpunt.sees_learnt()))
            OR EXISTS (SELECT FROM case_viewer v
                        WHERE v.viewer = ANY ((SELECT viewers())::text[]) AND v.case_id = coalesce(n.first_case, n.case_id)
                          AND v.from_at <= now() AND v.until_at > now())
         LIMIT most + 1
    )
    SELECT CASE WHEN (SELECT count(*) FROM open_to) <= most THEN array(SELECT o.case_id FROM open_to o) END;
END;

-- published: whether an investigation has been published, as is known now.
CREATE FUNCTION published(asked uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM stream_state s
                    WHERE s.stream_id = asked AND s.kind = 'INVESTIGATION' AND s.marks @> ARRAY['published=YES']
                      AND s.known_until = 'infinity' AND s.as_of_until = 'infinity');
END;

-- leads: whether the principal is on an investigation.
CREATE FUNCTION leads(asked uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM investigation_member m
                    WHERE m.investigation_id = asked AND knelpunt.principal() ->> 'role' = 'INVESTIGATOR'
                      AND m.user_id = knelpunt.principal() ->> 'user');
END;

-- at_table: whether somebody with these names heard what was said in a dialogue: their organisation convened it or has
-- somebody sitting there, or they are on an investigation that it is part of.
CREATE FUNCTION at_table(names text[], asked uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM stream_state s CROSS JOIN LATERAL unnest(s.marks) AS mark
                    WHERE s.stream_id = asked AND s.known_until = 'infinity' AND starts_with(mark, 'seat=')
                      AND 'O:' || substr(mark, 6) = ANY (names))
        OR EXISTS (SELECT FROM investigation_dialogue d WHERE d.dialogue_id = asked AND leads(d.investigation_id))
        OR EXISTS (SELECT FROM stream_link l
                    WHERE l.stream_id = asked AND l.relation = 'INVESTIGATION' AND l.known_until = 'infinity'
                      AND leads(l.target_id));
END;

-- opened_to: which of the events at these positions the principal may read the texts of. A subject reads those about
-- themselves, or about whom they represent: these are named, and nothing is said of events of which no text may be read.
-- What stands in no case is about nobody, and named by its stream, save what a person said or what is said of one: that is
-- read by who recorded it, and at the table of a dialogue.
CREATE FUNCTION opened_to(positions bigint[]) RETURNS TABLE ("position" bigint, own boolean, about uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    -- Materialized: its names are asked for once, and not for each event.
    WITH me (role, name, names) AS MATERIALIZED (
        SELECT p ->> 'role', p ->> 'user', viewers() FROM (SELECT knelpunt.principal()) AS one (p)
    )
    SELECT e.position, own.own,
           CASE WHEN e.case_id <> '00000000-0000-0000-0000-000000000000' THEN about.about
                WHEN me.role NOT IN ('REGISTRY', 'OWNER') AND NOT leads(e.stream_id) AND NOT at_table(me.names, e.stream_id)
                THEN ARRAY[e.stream_id] END
      FROM me CROSS JOIN knelpunt.event e
     CROSS JOIN LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb -> 'actor') AS who (actor)
     CROSS JOIN LATERAL (SELECT knelpunt.told_by_them(e.state)) AS own (own)
      LEFT JOIN LATERAL (SELECT array_agg(DISTINCT coalesce(v.represents, v.subject_id)) FROM case_viewer v
                          WHERE me.role = 'SUBJECT' AND v.case_id = e.case_id AND v.viewer = ANY (me.names)
                            AND v.from_at <= now() AND v.until_at > now()) AS about (about) ON true
     WHERE e.position = ANY (positions)
       AND CASE
           WHEN me.role IN ('REGISTRY', 'OWNER') THEN true
           WHEN e.case_id = '00000000-0000-0000-0000-000000000000' THEN
               CASE WHEN e.topic IN ('investigation-opened', 'investigator-assigned', 'investigator-released',
                                     'case-included', 'dialogue-attached', 'finding-recorded', 'report-published',
                                     'follow-up-planned', 'follow-up-done', 'investigation-fact-corrected',
                                     'investigation-event-struck')
                    THEN leads(e.stream_id) OR own.own OR published(e.stream_id) ELSE true END
           WHEN me.role = 'INVESTIGATOR' THEN
               own.own OR EXISTS (SELECT FROM investigation_case c JOIN investigation_member m USING (investigation_id)
                                   WHERE c.case_id = e.case_id AND m.user_id = me.name)
           WHEN me.role IN ('AGENCY', 'SOLUTION_TEAM') THEN
               who.actor ->> 'role' <> 'SUBJECT' AND 'O:' || (who.actor ->> 'organisation') = ANY (me.names)
           WHEN me.role = 'INTAKE' THEN own.own
           WHEN me.role = 'SUBJECT' THEN own.own OR about.about IS NOT NULL
           ELSE false
       END;
END;

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY[
        'quarantined', 'case_state', 'case_party', 'case_subject', 'case_link', 'remedy_state', 'chain_state', 'gap_state',
        'handoff_state', 'todo_state', 'case_to_rederive', 'stream_state', 'stream_link', 'case_viewer',
        'investigation_member', 'investigation_case', 'investigation_dialogue', 'subject_organisation', 'commitment_state',
        'escalation_state', 'notice_state', 'telling_state'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', each);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY projector ON %I TO knelpunt_projector USING (true) WITH CHECK (true)', each);
    END LOOP;
    FOREACH each IN ARRAY ARRAY[
        'quarantined', 'case_state', 'case_party', 'case_subject', 'case_link', 'remedy_state', 'chain_state',
        'handoff_state', 'todo_state', 'commitment_state', 'notice_state', 'telling_state'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY principal ON %1$I FOR SELECT TO knelpunt_reader, knelpunt_appender USING ((SELECT knelpunt.sees_all())'
            '   OR EXISTS (SELECT FROM case_viewer v WHERE v.case_id = %1$I.case_id))',
            each
        );
    END LOOP;
    -- Intake sees what it entered, and nothing of what was derived of that and of what others said.
    FOREACH each IN ARRAY ARRAY[
        'case_party', 'case_link', 'remedy_state', 'chain_state', 'gap_state', 'handoff_state', 'todo_state', 'commitment_state',
        'notice_state', 'telling_state'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY derived ON %I AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender '
            'USING ((SELECT knelpunt.sees_derived()))',
            each
        );
    END LOOP;
END;
$$;
-- Lists of gaps pass thousands of rows for a page. Whoever sees fewer than a thousand cases has them put in a set, each
-- time a list asks: that takes a fifth of a millisecond, and to look one up a tenth of a microsecond. For who sees more
-- each row is looked up by itself: most that they pass are none of theirs, which no beginning of a set can tell. OFFSET
-- keeps the planner from reading all that an agency sees for a page, which it may be party to a hundred thousand of.
CREATE POLICY principal ON gap_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING ((SELECT knelpunt.sees_all())
           OR case_id IN (SELECT unnest((SELECT seen_below(1000))))
           OR (cases IS NULL AND stream_kind IS NULL AND (SELECT seen_at_least(1000))
               AND EXISTS (SELECT FROM case_viewer v WHERE v.case_id = gap_state.case_id OFFSET 0)));
-- Who sees a case is for the policies above to know: they read these rows as the reader, and each reader has their own.
CREATE POLICY principal ON case_viewer FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (viewer = ANY ((SELECT viewers())::text[]) AND from_at <= now() AND until_at > now());
-- What lies over several cases is shown to those alone who may see each of them: it would reveal the others. So
-- whatever rule says who sees a case says it here too. OFFSET has each looked up, where all that somebody sees would be
-- put in a set for the few rows that are over several cases.
CREATE POLICY across ON gap_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (cases IS NOT NULL AND (SELECT knelpunt.principal()) IS NOT NULL);
CREATE POLICY whole ON gap_state AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (cases IS NULL OR NOT EXISTS (
        SELECT FROM unnest(cases) AS over (case_id)
         WHERE NOT EXISTS (SELECT FROM case_state s WHERE s.case_id = over.case_id OFFSET 0)));
CREATE POLICY across ON commitment_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (cases IS NOT NULL AND (SELECT knelpunt.principal()) IS NOT NULL);
CREATE POLICY whole ON commitment_state AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (cases IS NULL OR NOT EXISTS (
        SELECT FROM unnest(cases) AS over (case_id)
         WHERE NOT EXISTS (SELECT FROM case_state s WHERE s.case_id = over.case_id OFFSET 0)));
-- That an obstacle or case is linked with something is shown to those alone who may see the case.
CREATE POLICY linked ON stream_link AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (CASE relation
               WHEN 'OBSTACLE' THEN EXISTS (
                   SELECT FROM knelpunt.known_obstacle k JOIN case_state s ON s.case_id = k.case_id
                    WHERE k.obstacle_id = target_id)
               WHEN 'CASE' THEN EXISTS (SELECT FROM case_state s WHERE s.case_id = target_id)
               ELSE true END);
CREATE POLICY whole ON case_link AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING ((SELECT knelpunt.sees_all()) OR EXISTS (SELECT FROM case_viewer v WHERE v.case_id = case_link.to_case_id));
-- What there is to do about the record of an organisation, or of the registry's own terms, hides no case.
CREATE POLICY elsewhere ON todo_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (case_id = '00000000-0000-0000-0000-000000000000' AND (SELECT knelpunt.principal()) IS NOT NULL);
-- Nor does it tell of what the registry learns by, save to whoever may know of that; also to whoever sees all cases: an
-- investigation is for those who are on it. Streams of organisations and of the registry itself are everybody's to know.
-- Few rows are in no case, and OFFSET has the stream of each looked up.
CREATE POLICY of_known ON todo_state AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (case_id <> '00000000-0000-0000-0000-000000000000' OR (SELECT knelpunt.sees_log())
           OR EXISTS (SELECT FROM knelpunt.stream_head h
                       WHERE h.stream_id = todo_state.stream_id AND h.case_id = todo_state.case_id
                         AND h.kind IN ('organisation', 'registry') OFFSET 0)
           OR EXISTS (SELECT FROM stream_state s WHERE s.stream_id = todo_state.stream_id OFFSET 0));
-- What the registry learns by is about no person: whoever works on cases may know of it, and of what is overdue in it.
-- Of an investigation, whoever is not on it knows once it is published, and never by a row of before.
CREATE POLICY principal ON stream_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING ((SELECT knelpunt.sees_learnt())
           AND (kind <> 'INVESTIGATION' OR marks @> ARRAY['published=YES'] OR (SELECT knelpunt.sees_log())
                OR leads(stream_id)));
CREATE POLICY principal ON stream_link FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING ((SELECT knelpunt.sees_learnt()) AND EXISTS (SELECT FROM stream_state s WHERE s.stream_id = stream_link.stream_id));
CREATE POLICY learnt ON gap_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (stream_kind IS NOT NULL AND (SELECT knelpunt.sees_learnt())
           AND EXISTS (SELECT FROM stream_state s WHERE s.stream_id = gap_state.case_id));
CREATE POLICY learnt ON notice_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (stream_kind IS NOT NULL AND (SELECT knelpunt.sees_learnt())
           AND EXISTS (SELECT FROM stream_state s WHERE s.stream_id = notice_state.case_id));
CREATE POLICY learnt ON commitment_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (stream_kind IS NOT NULL AND (SELECT knelpunt.sees_learnt()));
-- Also of whoever sees all cases: an investigation is for those who are on it to know.
CREATE POLICY of_known ON commitment_state AS RESTRICTIVE FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING (stream_kind IS NULL OR EXISTS (SELECT FROM stream_state s WHERE s.stream_id = commitment_state.case_id));
CREATE POLICY principal ON escalation_state FOR SELECT TO knelpunt_reader, knelpunt_appender
    USING ((SELECT knelpunt.sees_learnt()));
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO knelpunt_reader, knelpunt_appender', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO knelpunt_reader, knelpunt_appender', current_schema());
    EXECUTE format('REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA %I FROM PUBLIC', current_schema());
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO knelpunt_reader, knelpunt_appender', current_schema());
END;
$$;
