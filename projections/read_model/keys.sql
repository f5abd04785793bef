-- Keys of the read model, made of its unique indexes, which takes no time; and what search looks for organisations in,
-- which are few.

ALTER TABLE case_state ADD PRIMARY KEY USING INDEX case_state_pkey;
ALTER TABLE case_party ADD PRIMARY KEY USING INDEX case_party_pkey;
ALTER TABLE case_subject ADD PRIMARY KEY USING INDEX case_subject_pkey;
ALTER TABLE case_link ADD PRIMARY KEY USING INDEX case_link_pkey;
ALTER TABLE case_viewer ADD PRIMARY KEY USING INDEX case_viewer_pkey;
ALTER TABLE investigation_member ADD PRIMARY KEY USING INDEX investigation_member_pkey;
ALTER TABLE investigation_case ADD PRIMARY KEY USING INDEX investigation_case_pkey;
ALTER TABLE investigation_dialogue ADD PRIMARY KEY USING INDEX investigation_dialogue_pkey;
ALTER TABLE subject_organisation ADD PRIMARY KEY USING INDEX subject_organisation_pkey;
ALTER TABLE remedy_state ADD PRIMARY KEY USING INDEX remedy_state_pkey;
ALTER TABLE chain_state ADD PRIMARY KEY USING INDEX chain_state_pkey;
ALTER TABLE gap_state ADD PRIMARY KEY USING INDEX gap_state_pkey;
ALTER TABLE handoff_state ADD PRIMARY KEY USING INDEX handoff_state_pkey;
ALTER TABLE todo_state ADD PRIMARY KEY USING INDEX todo_state_pkey;
ALTER TABLE stream_state ADD PRIMARY KEY USING INDEX stream_state_pkey;
ALTER TABLE commitment_state ADD PRIMARY KEY USING INDEX commitment_state_pkey;
ALTER TABLE escalation_state ADD PRIMARY KEY USING INDEX escalation_state_pkey;
ALTER TABLE notice_state ADD PRIMARY KEY USING INDEX notice_state_pkey;
ALTER TABLE telling_state ADD PRIMARY KEY USING INDEX telling_state_pkey;
ALTER TABLE stream_link ADD PRIMARY KEY USING INDEX stream_link_pkey;

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
