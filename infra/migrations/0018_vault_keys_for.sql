-- keys_for: the keys in force for these subjects and one purpose. For a subject without one, the key proposed here is
-- taken, if one is; of two who propose at once, the second gets the first one's. For a fenced subject no key is made
-- and none is given. So no key means "none yet" where fenced is false, and "never again" where it is true.
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION vault.keys_for(purpose text, subject_ids uuid[], key_ids uuid[], wrapped_keys bytea[])
RETURNS TABLE (subject_id uuid, fenced boolean, key_id uuid, wrapped bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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
      LEFT JOIN vault.fence f ON f.subject_id = a.subject_id
      LEFT JOIN vault.key k ON k.subject_id = a.subject_id AND k.purpose = wanted AND f.subject_id IS NULL;
END
$$;
GRANT EXECUTE ON FUNCTION vault.keys_for TO knelpunt_vault;
