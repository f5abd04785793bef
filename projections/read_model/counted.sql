-- What an analyst gets: figures over all cases, none of which rests on fewer than ten persons. These functions run as the
-- projector, and count for analysts alone. Both times, and a period asked for, are cut to whole months, and what is left
-- to choose is few, so that the difference of two answers says little of one person.

-- shown_as: what an organisation is called to somebody else: care, courts and the police are another organisation.
CREATE FUNCTION shown_as(asked text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN asked <> coalesce(knelpunt.principal() ->> 'organisation', '')
                 AND EXISTS (SELECT FROM organisation_state o
                              WHERE o.organisation = asked AND o.kind IN ('CARE_PROVIDER', 'COURT', 'POLICE'))
                THEN 'urn:knelpunt:another-organisation' ELSE asked END;
END;

-- counted_interfaces: what went from one organisation to another. A figure is null where it rests on fewer than ten
-- persons, and so are all parts of a whole of which one is: the last could be told from the others.
CREATE FUNCTION counted_interfaces(
    as_of timestamptz, known_at timestamptz, from_one text, to_one text, either text, period_from timestamptz,
    period_until timestamptz
) RETURNS TABLE (from_organisation text, to_organisation text, offers bigint, accepted bigint, refused bigint,
                 withdrawn bigint, lapsed bigint, unanswered bigint, pending bigint, referrals bigint, arrived bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH asked AS (
        SELECT date_trunc('month', as_of) AS at, date_trunc('month', known_at) AS known,
               date_trunc('month', period_from) AS begins, date_trunc('month', period_until) AS ends
         WHERE knelpunt.principal() ->> 'role' = 'ANALYST'
    ), sent AS (
        SELECT shown_as(h.from_organisation) AS from_organisation, shown_as(h.to_organisation) AS to_organisation,
               CASE WHEN h.kind = 'OFFER' AND h.outcome = 'PENDING' AND h.respond_by <= a.at THEN 'UNANSWERED'
                    WHEN h.kind = 'REFERRAL' AND h.outcome <> 'ARRIVED' THEN 'REFERRED' ELSE h.outcome END AS part,
               h.kind, h.handoff_id, s.subject_id
          FROM asked a
          JOIN handoff_state h ON h.as_of_from <= a.at AND (h.as_of_until > a.at OR h.until_known_from > a.known)
                              AND h.known_from <= a.known AND h.known_until > a.known
          JOIN case_subject s ON s.case_id = h.case_id AND s.known_until = 'infinity'
         WHERE (a.begins IS NULL OR h.made_at >= a.begins) AND (a.ends IS NULL OR h.made_at < a.ends)
    ), parts AS (
        SELECT from_organisation, to_organisation, kind, part, count(DISTINCT handoff_id) AS number,
               count(DISTINCT subject_id) AS persons
          FROM sent GROUP BY 1, 2, 3, 4
    ), wholes AS (
        SELECT from_organisation, to_organisation, kind, count(DISTINCT handoff_id) AS number
          FROM sent GROUP BY 1, 2, 3 HAVING count(DISTINCT subject_id) >= 10
    ), figures AS (
        SELECT w.from_organisation, w.to_organisation, w.kind, w.number,
               CASE WHEN min(p.persons) >= 10 THEN jsonb_object_agg(p.part, p.number) END AS parts
          FROM wholes w JOIN parts p USING (from_organisation, to_organisation, kind) GROUP BY 1, 2, 3, 4
    )
    SELECT coalesce(o.from_organisation, r.from_organisation), coalesce(o.to_organisation, r.to_organisation), o.number,
           CASE WHEN o.parts IS NOT NULL THEN coalesce((o.parts ->> 'ACCEPTED')::bigint, 0) END,
           CASE WHEN o.parts IS NOT NULL THEN coalesce((o.parts ->> 'REFUSED')::bigint, 0) END,
           CASE WHEN o.parts IS NOT NULL THEN coalesce((o.parts ->> 'WITHDRAWN')::bigint, 0) END,
           CASE WHEN o.parts IS NOT NULL THEN coalesce((o.parts ->> 'LAPSED')::bigint, 0) END,
           CASE WHEN o.parts IS NOT NULL THEN coalesce((o.parts ->> 'UNANSWERED')::bigint, 0) END,
           CASE WHEN o.parts IS NOT NULL THEN coalesce((o.parts ->> 'PENDING')::bigint, 0) END,
           r.number,
           CASE WHEN r.parts IS NOT NULL THEN coalesce((r.parts ->> 'ARRIVED')::bigint, 0) END
      FROM (SELECT * FROM figures WHERE kind = 'OFFER') o
      FULL JOIN (SELECT * FROM figures WHERE kind = 'REFERRAL') r
        ON r.from_organisation = o.from_organisation AND r.to_organisation = o.to_organisation
     WHERE (from_one IS NULL OR coalesce(o.from_organisation, r.from_organisation) = from_one)
       AND (to_one IS NULL OR coalesce(o.to_organisation, r.to_organisation) = to_one)
       AND (either IS NULL OR either IN (coalesce(o.from_organisation, r.from_organisation),
                                         coalesce(o.to_organisation, r.to_organisation)))
     ORDER BY coalesce(o.number, 0) + coalesce(r.number, 0) DESC, 1, 2;
END;

-- counted_gaps: how many gaps that count there are of each kind, or of some; open, ended, or (null) both. Open and ended
-- are the parts of a kind: neither is told where one of them rests on fewer than ten persons.
CREATE FUNCTION counted_gaps(as_of timestamptz, known_at timestamptz, kinds text[], opened boolean)
RETURNS TABLE (kind text, number bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH asked AS (
        SELECT date_trunc('month', as_of) AS at, date_trunc('month', known_at) AS known
         WHERE knelpunt.principal() ->> 'role' = 'ANALYST'
    ), met AS (
        SELECT g.kind, g.open, g.gap_id, s.subject_id
          FROM asked a
          JOIN gap_state g ON g.counts_after < a.at AND g.as_of_from <= a.at
                          AND (g.as_of_until > a.at OR g.until_known_from > a.known)
                          AND g.known_from <= a.known AND g.known_until > a.known
          -- What lies over several cases of somebody stands under their own name.
          JOIN LATERAL (SELECT g.case_id AS subject_id WHERE g.cases IS NOT NULL
                        UNION ALL
                        SELECT s.subject_id FROM case_subject s
                         WHERE g.cases IS NULL AND s.case_id = g.case_id AND s.known_until = 'infinity') s ON true
         WHERE kinds IS NULL OR g.kind = ANY (kinds)
    ), parts AS (
        SELECT kind, open, count(DISTINCT gap_id) AS number, count(DISTINCT subject_id) AS persons
          FROM met GROUP BY 1, 2
    ), wholes AS (
        SELECT kind, count(DISTINCT gap_id) AS number FROM met GROUP BY 1 HAVING count(DISTINCT subject_id) >= 10
    )
    SELECT w.kind, w.number FROM wholes w WHERE opened IS NULL
     UNION ALL
    SELECT p.kind, p.number
      FROM parts p
     WHERE p.open = opened
       AND NOT EXISTS (SELECT FROM parts other WHERE other.kind = p.kind AND other.persons < 10)
     ORDER BY 2 DESC, 1;
END;
