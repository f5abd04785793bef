-- Interfaces at two times: what went from one organisation to another, and what became of it.
--
-- What was passed on in the period is gone through once, in an index alone, and counted by pair; only what went between
-- the pairs that are shown is looked up (rolled up, gone through once more), to work out how long answers took, why was
-- refused, and what came back.
--
-- Rolled up, an organisation stands for all below it, as the tree stood: it stands under its successor if it went up in
-- one, else under its parent, as far up as organisations were registered. What stays within one is no interface then. An
-- answer before the delivery that is on record took no time: it had arrived by then. Back came what was accepted or
-- arrived, if a carousel that counts lies on its obstacle in which the pair's second comes right after its first.
WITH RECURSIVE standing (organisation, above) AS (
    SELECT o.organisation, coalesce(o.merged_into, o.parent)
      FROM read.organisation_state o
     WHERE %(rolled_up)s
       AND o.as_of_from <= %(as_of)s AND (o.as_of_until > %(as_of)s OR o.until_known_from > %(known_at)s)
       AND o.known_from <= %(known_at)s AND o.known_until > %(known_at)s
), tops (organisation, top) AS (
    SELECT s.organisation, s.organisation
      FROM standing s
     WHERE NOT EXISTS (SELECT FROM standing up WHERE up.organisation = s.above)
    UNION
    SELECT s.organisation, t.top FROM standing s JOIN tops t ON s.above = t.organisation
), asked (from_top, to_top, top) AS (
    SELECT coalesce((SELECT t.top FROM tops t WHERE t.organisation = %(from)s::text), %(from)s::text),
           coalesce((SELECT t.top FROM tops t WHERE t.organisation = %(to)s::text), %(to)s::text),
           coalesce((SELECT t.top FROM tops t WHERE t.organisation = %(organisation)s::text), %(organisation)s::text)
), sent AS NOT MATERIALIZED (
    SELECT h.case_id, h.obstacle_id, h.kind, h.outcome, h.ground, h.respond_by,
           CASE WHEN h.outcome IN ('ACCEPTED', 'REFUSED') THEN greatest(h.ended_at - h.delivered_at, interval '0') END AS took,
           coalesce(f.top, h.from_organisation) AS from_organisation, coalesce(t.top, h.to_organisation) AS to_organisation
      FROM read.handoff_state h CROSS JOIN asked
      LEFT JOIN tops f ON f.organisation = h.from_organisation
      LEFT JOIN tops t ON t.organisation = h.to_organisation
     -- IS TRUE: nothing but the moments at which they were made is to be looked for in an index.
     WHERE (h.as_of_from <= %(as_of)s AND (h.as_of_until > %(as_of)s OR h.until_known_from > %(known_at)s)
            AND h.known_from <= %(known_at)s AND h.known_until > %(known_at)s) IS TRUE
       AND (asked.from_top IS NULL OR coalesce(f.top, h.from_organisation) = asked.from_top)
       AND (asked.to_top IS NULL OR coalesce(t.top, h.to_organisation) = asked.to_top)
       AND (asked.top IS NULL
            OR asked.top IN (coalesce(f.top, h.from_organisation), coalesce(t.top, h.to_organisation)))
       AND h.made_at >= %(period_from)s::timestamptz AND h.made_at < %(period_until)s::timestamptz
       AND coalesce(f.top, h.from_organisation) <> coalesce(t.top, h.to_organisation)
), each_passed AS MATERIALIZED (
    -- By itself, so that pairs are counted in a hash table: names that begin alike take long to sort.
    SELECT from_organisation, to_organisation,
           CASE kind WHEN 'REFERRAL' THEN outcome <> 'ARRIVED'
                     ELSE outcome IN ('REFUSED', 'LAPSED') OR (outcome = 'PENDING' AND respond_by <= %(as_of)s) END AS lost
      FROM sent
), counted AS (
    SELECT from_organisation, to_organisation, count(*) AS busy, count(*) FILTER (WHERE lost) AS lost
      FROM each_passed GROUP BY 1, 2
), shown AS MATERIALIZED (
    SELECT from_organisation, to_organisation, lost FROM counted
     ORDER BY CASE WHEN %(by_lost)s THEN lost END DESC NULLS LAST, busy DESC, from_organisation, to_organisation
     LIMIT %(limit)s OFFSET %(skip)s
), kept AS MATERIALIZED (
    -- Looked up in a set, here and below: a join is planned for the few rows that two times are taken to leave.
    SELECT s.*, s.outcome IN ('ACCEPTED', 'ARRIVED') AS across FROM sent s
     WHERE %(rolled_up)s
       AND ((s.from_organisation, s.to_organisation) IN (SELECT from_organisation, to_organisation FROM shown)) IS TRUE
    UNION ALL
    SELECT h.case_id, h.obstacle_id, h.kind, h.outcome, h.ground, h.respond_by,
           CASE WHEN h.outcome IN ('ACCEPTED', 'REFUSED') THEN greatest(h.ended_at - h.delivered_at, interval '0') END,
           h.from_organisation, h.to_organisation, h.outcome IN ('ACCEPTED', 'ARRIVED')
      FROM shown JOIN read.handoff_state h USING (from_organisation, to_organisation)
     WHERE NOT %(rolled_up)s
       AND (h.as_of_from <= %(as_of)s AND (h.as_of_until > %(as_of)s OR h.until_known_from > %(known_at)s)
            AND h.known_from <= %(known_at)s AND h.known_until > %(known_at)s) IS TRUE
       AND h.made_at >= %(period_from)s::timestamptz AND h.made_at < %(period_until)s::timestamptz
), ring AS (
    -- Of an array the planner expects ten parts, of a series a thousand; then it does without a set below.
    SELECT g.case_id, g.obstacle_id, one.unit AS from_unit, g.involved[one.place + 1] AS to_unit
      FROM read.gap_state g CROSS JOIN LATERAL unnest(g.involved) WITH ORDINALITY AS one (unit, place)
     WHERE g.case_id = ANY (ARRAY(SELECT DISTINCT k.case_id FROM kept k WHERE k.across))
       AND one.place < cardinality(g.involved) AND (g.kind = 'CAROUSEL') IS TRUE AND g.counts_after < %(as_of)s
       AND g.as_of_from <= %(as_of)s AND (g.as_of_until > %(as_of)s OR g.until_known_from > %(known_at)s)
       AND g.known_from <= %(known_at)s AND g.known_until > %(known_at)s
), came_back AS (
    SELECT DISTINCT r.case_id, r.obstacle_id,
           coalesce(f.top, r.from_unit) AS from_organisation, coalesce(t.top, r.to_unit) AS to_organisation
      FROM ring r
      LEFT JOIN tops f ON f.organisation = r.from_unit
      LEFT JOIN tops t ON t.organisation = r.to_unit
), passed AS (
    SELECT k.*, k.across
           AND (k.case_id, k.obstacle_id, k.from_organisation, k.to_organisation) IN (SELECT * FROM came_back) AS back
      FROM kept k
), figures AS (
    SELECT from_organisation, to_organisation,
           count(*) AS busy,
           count(*) FILTER (WHERE kind = 'OFFER') AS offers,
           count(*) FILTER (WHERE outcome = 'ACCEPTED') AS accepted,
           count(*) FILTER (WHERE outcome = 'REFUSED') AS refused,
           count(*) FILTER (WHERE outcome = 'WITHDRAWN') AS withdrawn,
           count(*) FILTER (WHERE outcome = 'LAPSED') AS lapsed,
           count(*) FILTER (WHERE kind = 'OFFER' AND outcome = 'PENDING' AND respond_by <= %(as_of)s) AS unanswered,
           count(*) FILTER (WHERE kind = 'OFFER' AND outcome = 'PENDING' AND respond_by > %(as_of)s) AS pending,
           count(*) FILTER (WHERE kind = 'REFERRAL') AS referrals,
           count(*) FILTER (WHERE outcome = 'ARRIVED') AS arrived,
           extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY took))::float8 / 86400 AS median_days,
           extract(epoch FROM percentile_cont(0.9) WITHIN GROUP (ORDER BY took))::float8 / 86400 AS p90_days,
           array_agg(ground) FILTER (WHERE ground IS NOT NULL) AS grounds,
           count(*) FILTER (WHERE back)::float8 / nullif(count(*) FILTER (WHERE across), 0) AS came_back_share
      FROM passed
     GROUP BY 1, 2
)
-- Grounds are counted in place: joined, every pair would be compared with every other.
SELECT f.from_organisation, f.to_organisation, f.offers, f.accepted, f.refused, f.withdrawn, f.lapsed, f.unanswered,
       f.pending, f.referrals, f.arrived, f.median_days, f.p90_days,
       (SELECT json_agg(json_build_array(ground, times) ORDER BY times DESC, ground)::text
          FROM (SELECT ground, count(*) AS times FROM unnest(f.grounds) AS ground GROUP BY 1) each),
       f.came_back_share
  FROM figures f
 ORDER BY CASE WHEN %(by_lost)s THEN f.refused + f.lapsed + f.unanswered + f.referrals - f.arrived END DESC NULLS LAST,
          f.busy DESC, 1, 2
