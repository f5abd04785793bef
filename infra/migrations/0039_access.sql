-- Who sees which events. knelpunt.principal says for whom a transaction reads: a role, an organisation, a user, a
-- subject. Who has to do with which case stands in the read model, in the schema read, which a rebuild replaces; so the
-- functions here find it by name each time they are planned, and nothing here hangs on it.
SET LOCAL ROLE knelpunt_owner;

-- principal: for whom the transaction reads; null: for nobody, who sees nothing.
CREATE FUNCTION knelpunt.principal() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('knelpunt.principal', true), '')::jsonb;

-- sees_log: whether they see every event there is. The registry itself, the owner of its files, and the auditor.
CREATE FUNCTION knelpunt.sees_log() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(knelpunt.principal() ->> 'role' IN ('REGISTRY', 'OWNER', 'AUDITOR'), false);

-- sees_all: whether they see every case, if not whole then in outline. Those, and investigators.
CREATE FUNCTION knelpunt.sees_all() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(knelpunt.principal() ->> 'role' IN ('REGISTRY', 'OWNER', 'AUDITOR', 'INVESTIGATOR'), false);

-- sees_learnt: whether they see what the registry learns by: causes, and what else is about no person.
CREATE FUNCTION knelpunt.sees_learnt() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(knelpunt.principal() ->> 'role' IN ('REGISTRY', 'OWNER', 'AUDITOR', 'INVESTIGATOR', 'AGENCY',
                                                    'SOLUTION_TEAM'), false);

-- sees_derived: whether they see what is derived of the cases that they see. Intake sees but what it entered.
CREATE FUNCTION knelpunt.sees_derived() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(knelpunt.principal() ->> 'role' <> 'INTAKE', false);

-- viewers: as whom they have to do with cases: their organisation and all below it, themselves as a subject, …; nothing
-- while there is no read model, which is what knows.
CREATE FUNCTION knelpunt.viewers() RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF knelpunt.principal() IS NULL OR to_regprocedure('read.viewers()') IS NULL THEN
        RETURN ARRAY[]::text[];
    END IF;
    RETURN read.viewers();
END
$$;

-- sees_case: whether somebody with these names sees a case at all; all zeros stands for no case.
CREATE FUNCTION knelpunt.sees_case(names text[], case_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF case_id = '00000000-0000-0000-0000-000000000000' THEN
        RETURN true;
    ELSIF cardinality(names) = 0 THEN
        RETURN false;
    END IF;
    RETURN read.sees_case(names, case_id);
END
$$;

-- leads: whether they are on an investigation.
CREATE FUNCTION knelpunt.leads(investigation_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF knelpunt.principal() ->> 'role' <> 'INVESTIGATOR' OR to_regprocedure('read.leads(uuid)') IS NULL THEN
        RETURN false;
    END IF;
    RETURN read.leads(investigation_id);
END
$$;

-- published: whether an investigation has been published: whoever learns from the registry may know of it then.
CREATE FUNCTION knelpunt.published(investigation_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF NOT knelpunt.sees_learnt() OR to_regprocedure('read.published(uuid)') IS NULL THEN
        RETURN false;
    END IF;
    RETURN read.published(investigation_id);
END
$$;

-- told_by_them: whether the reader recorded an event themselves: their organisation, the intake of their organisation, or
-- for those who act for themselves the user.
CREATE FUNCTION knelpunt.told_by_them(state bytea) RETURNS boolean
LANGUAGE sql STABLE
RETURN (
    SELECT coalesce(
        CASE p.principal ->> 'role'
            WHEN 'INTAKE' THEN a.actor ->> 'role' = 'INTAKE' AND a.actor ->> 'organisation' = p.principal ->> 'organisation'
            WHEN 'AGENCY' THEN a.actor ->> 'role' <> 'SUBJECT' AND a.actor ->> 'organisation' = p.principal ->> 'organisation'
            WHEN 'SOLUTION_TEAM' THEN a.actor ->> 'role' <> 'SUBJECT' AND a.actor ->> 'organisation' = p.principal ->> 'organisation'
            WHEN 'INVESTIGATOR' THEN a.actor ->> 'role' = 'INVESTIGATOR' AND a.actor ->> 'user' = p.principal ->> 'user'
            WHEN 'SUBJECT' THEN a.actor ->> 'role' = 'SUBJECT' AND a.actor ->> 'user' = p.principal ->> 'user'
        END, false)
      FROM (SELECT knelpunt.principal()) AS p (principal), (SELECT convert_from(state, 'UTF8')::jsonb -> 'actor') AS a (actor)
);

-- sees_event: whether a reader sees an event, by the names that they have to do with cases as. What they have just
-- recorded they see before the read model has taken it in.
CREATE FUNCTION knelpunt.sees_event(names text[], case_id uuid, stream_id uuid, topic text, state bytea) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    role text := knelpunt.principal() ->> 'role';
BEGIN
    IF role IS NULL THEN
        RETURN false;
    ELSIF case_id = '00000000-0000-0000-0000-000000000000' THEN
        RETURN CASE
            WHEN topic = 'subject-erased' THEN role = 'PRIVACY_OFFICER'
            -- Which cases it includes is for those who see them.
            WHEN topic = 'case-included' THEN
                knelpunt.leads(stream_id) OR knelpunt.told_by_them(state) OR (
                    knelpunt.published(stream_id)
                    AND knelpunt.sees_case(names, (convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'case')::uuid))
            WHEN topic IN ('investigation-opened', 'investigator-assigned', 'investigator-released',
                           'dialogue-attached', 'finding-recorded', 'report-published', 'follow-up-planned',
                           'follow-up-done', 'investigation-fact-corrected', 'investigation-event-struck')
                THEN knelpunt.leads(stream_id) OR knelpunt.told_by_them(state) OR knelpunt.published(stream_id)
            -- That a cause has to do with an obstacle is for those who see the obstacle's case.
            WHEN topic = 'obstacle-linked' THEN knelpunt.sees_learnt() AND EXISTS (
                SELECT FROM knelpunt.known_obstacle k
                 WHERE k.obstacle_id = (convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'obstacle')::uuid)
            WHEN knelpunt.sees_learnt() THEN true
            -- Organisations, and the registry's own terms, are everybody's to know.
            ELSE EXISTS (SELECT FROM knelpunt.stream_head h
                          WHERE h.stream_id = sees_event.stream_id AND h.kind IN ('organisation', 'registry'))
        END;
    ELSIF role = 'INTAKE' THEN
        RETURN knelpunt.told_by_them(state);
    ELSIF role NOT IN ('AGENCY', 'SOLUTION_TEAM', 'SUBJECT') THEN
        RETURN false;
    ELSIF NOT knelpunt.sees_case(names, case_id) THEN
        RETURN knelpunt.told_by_them(state);
    END IF;
    -- A link tells of another case.
    RETURN topic <> 'case-linked'
        OR knelpunt.sees_case(names, (convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'case')::uuid);
END
$$;

GRANT EXECUTE ON FUNCTION knelpunt.principal(), knelpunt.sees_log(), knelpunt.sees_all(), knelpunt.sees_derived(),
                          knelpunt.sees_learnt(),
                          knelpunt.viewers(), knelpunt.sees_case(text[], uuid), knelpunt.leads(uuid), knelpunt.published(uuid),
                          knelpunt.told_by_them(bytea),
                          knelpunt.sees_event(text[], uuid, uuid, text, bytea)
    TO knelpunt_appender, knelpunt_projector, knelpunt_reader, knelpunt_auditor, knelpunt_eraser;

-- Each sub-select is evaluated once a statement, and the later ones only where the earlier ones do not decide.
ALTER POLICY principal ON knelpunt.event
    USING ((SELECT knelpunt.sees_log())
           OR (case_id <> '00000000-0000-0000-0000-000000000000' AND (SELECT knelpunt.sees_all()))
           OR knelpunt.sees_event((SELECT knelpunt.viewers()), case_id, stream_id, topic, state));
ALTER POLICY principal ON knelpunt.stream_head
    USING ((SELECT knelpunt.sees_log())
           OR (case_id <> '00000000-0000-0000-0000-000000000000' AND (SELECT knelpunt.sees_all()))
           OR ((SELECT knelpunt.principal()) IS NOT NULL AND knelpunt.sees_case((SELECT knelpunt.viewers()), case_id)));
ALTER POLICY principal ON knelpunt.known_obstacle
    USING ((SELECT knelpunt.sees_all())
           OR ((SELECT knelpunt.principal()) IS NOT NULL AND knelpunt.sees_case((SELECT knelpunt.viewers()), case_id)));
ALTER POLICY principal ON knelpunt.command USING ((SELECT knelpunt.sees_log()));
