-- What an investigator recorded of an investigation was seen by those who work on cases for the same organisation, because
-- that organisation recorded it: also which cases it includes, which may be hidden from them. Now by investigators alone.
-- Nothing else of the function is other than in 0039_access.
SET LOCAL ROLE knelpunt_owner;

-- sees_event: whether a reader sees an event, by the names that they have to do with cases as. What they have just
-- recorded they see before the read model has taken it in.
CREATE OR REPLACE FUNCTION knelpunt.sees_event(names text[], case_id uuid, stream_id uuid, topic text, state bytea) RETURNS boolean
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
                knelpunt.leads(stream_id) OR (role = 'INVESTIGATOR' AND knelpunt.told_by_them(state)) OR (
                    knelpunt.published(stream_id)
                    AND knelpunt.sees_case(names, (convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'case')::uuid))
            WHEN topic IN ('investigation-opened', 'investigator-assigned', 'investigator-released',
                           'dialogue-attached', 'finding-recorded', 'report-published', 'follow-up-planned',
                           'follow-up-done', 'investigation-fact-corrected', 'investigation-event-struck')
                THEN knelpunt.leads(stream_id) OR (role = 'INVESTIGATOR' AND knelpunt.told_by_them(state)) OR knelpunt.published(stream_id)
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
