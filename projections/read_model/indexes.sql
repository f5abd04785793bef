-- Keys and indexes of the read model, made after a rebuild has filled the tables: sorting once is cheaper than keeping
-- sorted. Every key of case data holds the case.

ALTER TABLE case_state ADD PRIMARY KEY (case_id, as_of_from, known_from);
ALTER TABLE case_party ADD PRIMARY KEY (case_id, organisation, as_of_from, known_from);
ALTER TABLE case_subject ADD PRIMARY KEY (case_id, subject_id, as_of_from, known_from);
ALTER TABLE case_link ADD PRIMARY KEY (case_id, event_id, as_of_from, known_from);
ALTER TABLE subject_organisation ADD PRIMARY KEY (subject_id, organisation);
ALTER TABLE chain_state ADD PRIMARY KEY (case_id, obstacle_id, as_of_from, known_from);
ALTER TABLE gap_state ADD PRIMARY KEY (case_id, gap_id, as_of_from, known_from);
ALTER TABLE handoff_state ADD PRIMARY KEY (case_id, handoff_id, as_of_from, known_from);
ALTER TABLE todo_state ADD PRIMARY KEY (stream_id, event_id, as_of_from, known_from, case_id);

CREATE INDEX case_state_reference ON case_state (reference, case_id);
CREATE INDEX case_state_opened ON case_state (opened_at DESC, case_id);
CREATE INDEX case_state_theme ON case_state (theme, opened_at, case_id);
CREATE INDEX case_party_organisation ON case_party (organisation, case_id);
CREATE INDEX case_subject_subject ON case_subject (subject_id, case_id);
CREATE INDEX case_link_to ON case_link (to_case_id, case_id);
CREATE INDEX subject_organisation_organisation ON subject_organisation (organisation);
CREATE INDEX chain_state_reported ON chain_state (reported_at DESC, obstacle_id);
CREATE INDEX chain_state_obstacle ON chain_state (obstacle_id, case_id);
CREATE INDEX chain_state_harmed ON chain_state (reported_at, obstacle_id) WHERE harm_until > '-infinity';
-- Lists of gaps, each in its order. These hold all that a row is picked by, and its key: so a page is found in the index
-- alone, and only its own rows are fetched. Most rows that a list passes have ended by then or were not known yet, and
-- fetching each of them would take a hundred times as long.
-- The longest first: running gaps by when they would have begun, ended ones by how long they lasted.
CREATE INDEX gap_state_running ON gap_state (lasting_since, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, cases) WHERE lasted < 0;
CREATE INDEX gap_state_ended ON gap_state (lasted DESC, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, cases) WHERE lasted >= 0;
-- The newest or oldest first.
CREATE INDEX gap_state_begun ON gap_state (from_at, gap_id, as_of_from, known_from, known_until, counts_after)
    INCLUDE (as_of_until, until_known_from, case_id, cases);
-- When gaps opened. Only of rows that ever were the answer to whoever asked for now; queries/openings.py says the same.
CREATE INDEX gap_state_due ON gap_state (greatest(known_from, as_of_from, counts_after), gap_id)
    WHERE greatest(known_from, as_of_from, counts_after) < known_until
      AND CASE WHEN known_until < 'infinity' THEN known_until - known_from >= '00:00:00.01' ELSE true END
      AND (greatest(known_from, as_of_from, counts_after) < as_of_until
           OR (greatest(known_from, as_of_from, counts_after) < until_known_from
               AND until_known_from - known_from >= '00:00:00.01'));
-- What search finds by its kind, the newest first.
CREATE INDEX gap_state_kind ON gap_state (kind, from_at, gap_id);
CREATE INDEX gap_state_gap ON gap_state (gap_id, case_id);
CREATE INDEX handoff_state_made ON handoff_state (made_at, handoff_id);
-- To-dos, the oldest or newest first, of everybody and of each organisation.
CREATE INDEX todo_state_since ON todo_state (since, event_id);
CREATE INDEX todo_state_organisation ON todo_state (organisation, since, event_id);

-- Organisations by words of their names and identifiers. The operators stand where pg_trgm was installed.
DO $$
BEGIN
    EXECUTE format(
        'CREATE INDEX organisation_state_words ON organisation_state '
        'USING gin (name_words %1$I.gin_trgm_ops, name_stems, identifier_words %1$I.gin_trgm_ops)',
        (SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
          WHERE e.extname = 'pg_trgm')
    );
END;
$$;
