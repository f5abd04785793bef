-- What PostGraphile serves: the read model and the log as they are now, as the same principal, row security included.
--
-- It gets what it could wish for: plain columns, relations and names by smart tags, an index for looking events up by their
-- id, and a page of gaps as a function that compares rows. Segments of chains have no table, since we derive them when
-- they are asked for: here they stand in one, filled beforehand, without row security.
DROP SCHEMA IF EXISTS bench CASCADE;  -- another comparison may have left one
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO knelpunt_reader;

CREATE INDEX bench_event_id ON knelpunt.event (event_id);

CREATE TABLE bench.segment (
    case_id uuid NOT NULL,
    obstacle_id uuid NOT NULL,
    number integer NOT NULL,
    kind text NOT NULL,
    organisation text,
    claimed boolean NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    PRIMARY KEY (case_id, obstacle_id, number)
);

CREATE VIEW bench.case_file WITH (security_invoker = true) AS
SELECT case_id, reference, theme, opened_at, closed_at FROM read.case_state
 WHERE as_of_from <= now() AND (as_of_until > now() OR until_known_from = 'infinity') AND known_until = 'infinity';

CREATE VIEW bench.event WITH (security_invoker = true) AS
SELECT position, case_id, event_id, version, topic, occurred_at, recorded_at FROM knelpunt.event;

CREATE VIEW bench.chain WITH (security_invoker = true) AS
SELECT case_id, obstacle_id, reported_at, settled_at, holder, claimed, organisations FROM read.chain_state
 WHERE as_of_from <= now() AND (as_of_until > now() OR until_known_from = 'infinity') AND known_until = 'infinity';

CREATE VIEW bench.gap WITH (security_invoker = true) AS
SELECT case_id, gap_id, obstacle_id, kind, from_at, until_at, open, length, to_act, involved, evidence FROM read.gap_state
 WHERE as_of_from <= now() AND (as_of_until > now() OR until_known_from = 'infinity') AND known_until = 'infinity'
   AND counts_after < now();

COMMENT ON VIEW bench.case_file IS E'@primaryKey case_id';
COMMENT ON VIEW bench.event IS
    E'@primaryKey position\n@foreignKey (case_id) references bench.case_file (case_id)|@foreignFieldName timeline';
COMMENT ON VIEW bench.chain IS
    E'@primaryKey case_id,obstacle_id\n@foreignKey (case_id) references bench.case_file (case_id)|@foreignFieldName chains';
COMMENT ON TABLE bench.segment IS
    E'@foreignKey (case_id, obstacle_id) references bench.chain (case_id, obstacle_id)|@foreignFieldName segments';
COMMENT ON VIEW bench.gap IS
    E'@primaryKey case_id,gap_id\n@foreignKey (case_id, obstacle_id) references bench.chain (case_id, obstacle_id)|@foreignFieldName gaps';

-- gap_proof: the events that prove a gap.
CREATE FUNCTION bench.gap_proof(gap bench.gap) RETURNS SETOF bench.event LANGUAGE sql STABLE ROWS 2
AS $$ SELECT * FROM bench.event e WHERE e.event_id = ANY (gap.evidence) ORDER BY e.occurred_at, e.position $$;

-- gaps_before: the gaps before one, the newest first.
CREATE FUNCTION bench.gaps_before(moment timestamptz, gap uuid) RETURNS SETOF bench.gap LANGUAGE sql STABLE
AS $$ SELECT * FROM bench.gap g WHERE (g.from_at, g.gap_id) < (moment, gap) ORDER BY g.from_at DESC, g.gap_id DESC $$;

GRANT SELECT ON ALL TABLES IN SCHEMA bench TO knelpunt_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bench TO knelpunt_reader;
