-- keys_for again, promising what it did in 0018. It is planned once a connection, possibly while the vault is still
-- empty, and then looked through all keys of one purpose for each round of commands. Sub-selects with a limit leave no
-- other plan than to look up each subject by itself.
SET LOCAL ROLE knelpunt_owner;
CREATE OR REPLACE FUNCTION vault.keys_for(purpose text, subject_ids uuid[], key_ids uuid[], wrapped_keys bytea[])
RETURNS TABLE (subject_id uuid, fenced boolean, key_id uuid, wrapped bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    wanted text := purpose;
BEGIN
    -- Fencing takes the same lock, alone: whoever makes a key has either committed before, or sees the fence.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('knelpunt.vault.fence', 0));
    INSERT INTO vault.key (subject_id, purpose, key_id, wrapped)
    SELECT a.subject_id, wanted, a.key_id, a.wrapped
      FROM unnest(subject_ids, key_ids, wrapped_keys) AS a (subject_id, key_id, wrapped)
     WHERE a.key_id IS NOT NULL AND NOT EXISTS (SELECT FROM vault.fence f WHERE f.subject_id = a.subject_id)
     ORDER BY a.subject_id               -- so that two who make keys for the same subjects wait for each other in turn
        ON CONFLICT DO NOTHING;
    -- A statement of its own: it sees what a key made meanwhile by another left us with.
    RETURN QUERY
    SELECT a.subject_id, f.subject_id IS NOT NULL, k.key_id, k.wrapped
      FROM unnest(subject_ids) AS a (subject_id)
      LEFT JOIN LATERAL (SELECT f.subject_id FROM vault.fence f WHERE f.subject_id = a.subject_id LIMIT 1) f ON true
      LEFT JOIN LATERAL (SELECT k.key_id, k.wrapped FROM vault.key k
                          WHERE k.subject_id = a.subject_id AND k.purpose = wanted LIMIT 1) k ON f.subject_id IS NULL;
END
$$;
