-- Indexes of the read model, made after a rebuild has filled the tables: sorting once is cheaper than keeping sorted.
-- Those of case data hold the case in what is unique; keys.sql makes keys of them. A rebuild makes several at a time, in
-- this order, so what takes longest stands first; a statement ends where a line ends with a semicolon.

-- Lists of gaps, each in its order. These hold all that a row is picked by, and its key: so a page is found in the index
-- alone, and only its own rows are fetched. Most rows that a list passes have ended by then or were not known yet, and
-- fetching each of them would take a hundred times as long.
-- What came true and what was only foreseen stand apart; queries/stretches.py says why, and says the same conditions.
-- The longest first: running gaps by when they would have begun, ended ones by how long they lasted.
CREATE INDEX gap_state_foreseen_running ON gap_state (lasting_since, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, kind, theme, cases, stream_kind)
    WHERE lasted < 0 AND open AND known_from < lasting_since;
CREATE INDEX gap_state_running ON gap_state (long, lasting_since, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, kind, theme, cases, stream_kind)
    WHERE lasted < 0 AND open AND known_until > lasting_since;
CREATE INDEX gap_state_running_harmed ON gap_state (long, lasting_since, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, kind, theme, cases, stream_kind)
    WHERE lasted < 0 AND open AND known_until > lasting_since AND harm_until > '-infinity';
CREATE INDEX gap_state_ended ON gap_state (lasted DESC, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, kind, theme, cases, stream_kind) WHERE lasted >= 0;
CREATE INDEX gap_state_ended_harmed ON gap_state (lasted DESC, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, kind, theme, cases, stream_kind)
    WHERE lasted >= 0 AND harm_until > '-infinity';
-- Those that stand still without having ended are few, and looked for by themselves.
CREATE INDEX gap_state_resting ON gap_state (lasted DESC, gap_id, as_of_from, known_from, known_until, harm_until)
    INCLUDE (as_of_until, until_known_from, counts_after, case_id, kind, theme, cases, stream_kind) WHERE lasted >= 0 AND open;
-- The newest or oldest first; what was foreseen, by how long ahead.
CREATE INDEX gap_state_foreseen ON gap_state (ahead, from_at, gap_id, as_of_from, known_from, known_until, counts_after)
    INCLUDE (as_of_until, until_known_from, case_id, cases, stream_kind) WHERE known_from < from_at;
CREATE INDEX gap_state_begun ON gap_state (from_at, gap_id, as_of_from, known_from, known_until, counts_after)
    INCLUDE (as_of_until, until_known_from, case_id, cases, stream_kind) WHERE known_until > from_at;
-- The last ended first.
CREATE INDEX gap_state_over ON gap_state (until_at, gap_id, as_of_from, known_from, known_until, counts_after)
    INCLUDE (as_of_until, until_known_from, case_id, cases, stream_kind) WHERE NOT open;
CREATE INDEX gap_state_foreseen_over ON gap_state (until_at, gap_id, as_of_from, known_from, known_until, counts_after)
    INCLUDE (as_of_until, until_known_from, case_id, cases, stream_kind) WHERE NOT open AND known_from < until_at;
-- What is open by what is known last: a small part of all rows, which is counted and filtered in an index alone, by
-- whoever sees all of it and by whoever sees it case by case.
CREATE INDEX gap_state_open ON gap_state (as_of_until, as_of_from)
    INCLUDE (counts_after, lasting_since, lasted, from_at, harm_until, case_id, gap_id, known_from, kind, theme, harms,
             cases, themes, stream_kind) WHERE open AND known_until = 'infinity';
CREATE INDEX gap_state_open_of ON gap_state (case_id, as_of_until, as_of_from)
    INCLUDE (counts_after, lasting_since, lasted, from_at, harm_until, gap_id, known_from, kind, theme, harms, cases,
             themes, stream_kind) WHERE open AND known_until = 'infinity';
-- Those that name an organisation. Each row is entered at once: a list of what is still to be entered would have to be gone
-- through by whoever asks.
CREATE INDEX gap_state_named ON gap_state USING gin (to_act, involved) WITH (fastupdate = off);
-- When gaps opened. Only of rows that ever were the answer to whoever asked for now; queries/openings.py says the same.
CREATE INDEX gap_state_due ON gap_state (greatest(known_from, as_of_from, counts_after), gap_id)
    WHERE greatest(known_from, as_of_from, counts_after) < known_until
      AND CASE WHEN known_until < 'infinity' THEN known_until - known_from >= '00:00:00.01' ELSE true END
      AND (greatest(known_from, as_of_from, counts_after) < as_of_until
           OR (greatest(known_from, as_of_from, counts_after) < until_known_from
               AND until_known_from - known_from >= '00:00:00.01'));
-- What search finds by its kind, the newest first.
CREATE INDEX gap_state_kind ON gap_state (kind, from_at, gap_id);
-- Those that are not under the id of their own case, for security.sql to find.
CREATE INDEX gap_state_across ON gap_state ((cases[1]), case_id) WHERE cases IS NOT NULL;
CREATE INDEX gap_state_learnt ON gap_state (case_id) WHERE stream_kind IS NOT NULL;
CREATE INDEX gap_state_gap ON gap_state (gap_id, case_id);
-- Its key, by case in the order in which things became so: lists at two times of somebody who sees few cases go through
-- these as far as they had come by then.
CREATE UNIQUE INDEX gap_state_pkey ON gap_state (case_id, as_of_from, known_from, gap_id);

CREATE UNIQUE INDEX case_state_pkey ON case_state (case_id, as_of_from, known_from);
CREATE UNIQUE INDEX case_party_pkey ON case_party (case_id, organisation, as_of_from, known_from);
CREATE UNIQUE INDEX case_subject_pkey ON case_subject (case_id, subject_id, as_of_from, known_from);
CREATE UNIQUE INDEX case_link_pkey ON case_link (case_id, event_id, as_of_from, known_from);
CREATE UNIQUE INDEX case_viewer_pkey ON case_viewer (case_id, viewer, source);
CREATE UNIQUE INDEX investigation_member_pkey ON investigation_member (investigation_id, user_id);
CREATE UNIQUE INDEX investigation_case_pkey ON investigation_case (case_id, investigation_id);
CREATE UNIQUE INDEX investigation_dialogue_pkey ON investigation_dialogue (dialogue_id, investigation_id);
CREATE UNIQUE INDEX subject_organisation_pkey ON subject_organisation (subject_id, organisation);
CREATE UNIQUE INDEX remedy_state_pkey ON remedy_state (case_id, event_id, as_of_from, known_from);
CREATE UNIQUE INDEX chain_state_pkey ON chain_state (case_id, obstacle_id, as_of_from, known_from);
CREATE UNIQUE INDEX handoff_state_pkey ON handoff_state (case_id, handoff_id, as_of_from, known_from);
CREATE UNIQUE INDEX todo_state_pkey ON todo_state (stream_id, event_id, as_of_from, known_from, case_id);
CREATE UNIQUE INDEX stream_state_pkey ON stream_state (stream_id, as_of_from, known_from);
CREATE UNIQUE INDEX commitment_state_pkey ON commitment_state (case_id, event_id, as_of_from, known_from);
CREATE UNIQUE INDEX escalation_state_pkey ON escalation_state (stream_id, event_id, as_of_from, known_from);
CREATE UNIQUE INDEX notice_state_pkey ON notice_state (case_id, event_id, as_of_from, known_from);
CREATE UNIQUE INDEX telling_state_pkey ON telling_state (case_id, obstacle_id, as_of_from, known_from);
CREATE UNIQUE INDEX stream_link_pkey ON stream_link (stream_id, relation, target_id, as_of_from, known_from);

CREATE INDEX case_state_reference ON case_state (reference, case_id);
CREATE INDEX case_state_opened ON case_state (opened_at DESC, case_id);
CREATE INDEX case_state_theme ON case_state (theme, opened_at, case_id);
CREATE INDEX case_party_organisation ON case_party (organisation, case_id);
CREATE INDEX case_subject_subject ON case_subject (subject_id, case_id);
-- Row security asks this for each row that a list passes: so all that it asks stands here.
CREATE INDEX case_viewer_viewer ON case_viewer (viewer, case_id) INCLUDE (from_at, until_at);
-- Whose cases had begun by a moment: few_seen asks for them.
CREATE INDEX case_viewer_begun ON case_viewer (viewer, begun_at, case_id) INCLUDE (from_at, until_at);
CREATE INDEX case_viewer_subject ON case_viewer (subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX investigation_case_investigation ON investigation_case (investigation_id);
CREATE INDEX investigation_dialogue_investigation ON investigation_dialogue (investigation_id);
CREATE INDEX case_link_to ON case_link (to_case_id, case_id);
-- Who stands under whom: for each answer it is looked up who sees what.
CREATE INDEX organisation_state_above ON organisation_state ((coalesce(merged_into, parent)))
    WHERE coalesce(merged_into, parent) IS NOT NULL;
CREATE INDEX subject_organisation_organisation ON subject_organisation (organisation);
CREATE INDEX chain_state_reported ON chain_state (reported_at DESC, obstacle_id);
CREATE INDEX chain_state_obstacle ON chain_state (obstacle_id, case_id);
-- Who has what, by what is known last.
CREATE INDEX chain_state_held ON chain_state (holder, reported_at, obstacle_id)
    WHERE settled_at IS NULL AND known_until = 'infinity';
CREATE INDEX chain_state_harmed ON chain_state (reported_at, obstacle_id) WHERE harm_until > '-infinity';
-- What was passed on in a period is counted by pair in the index alone; what went between the pairs that are shown is then
-- looked up.
CREATE INDEX handoff_state_made ON handoff_state (made_at, handoff_id)
    INCLUDE (as_of_from, as_of_until, known_from, until_known_from, known_until, case_id, kind, outcome, respond_by,
             from_organisation, to_organisation);
CREATE INDEX handoff_state_pair ON handoff_state (from_organisation, to_organisation, made_at);
CREATE INDEX handoff_state_waiting ON handoff_state (to_organisation, respond_by) WHERE outcome = 'PENDING';
-- To-dos, the oldest or newest first, of everybody and of each organisation.
CREATE INDEX todo_state_since ON todo_state (since, event_id);
CREATE INDEX todo_state_organisation ON todo_state (organisation, since, event_id);
-- What was promised, by when it is due; who waits longest; whose story was told again most often.
CREATE INDEX commitment_state_due ON commitment_state (due_at, event_id);
CREATE INDEX commitment_state_organisation ON commitment_state (organisation, due_at, event_id);
CREATE INDEX escalation_state_respond_by ON escalation_state (respond_by, event_id) WHERE ended_at IS NULL;
CREATE INDEX notice_state_lies_on ON notice_state (lies_on, kind);
CREATE INDEX telling_state_retold ON telling_state (retold DESC, contacts DESC, obstacle_id);
CREATE INDEX stream_state_begun ON stream_state (kind, begun_at DESC, stream_id);
CREATE INDEX stream_link_target ON stream_link (target_id, relation, stream_id);
