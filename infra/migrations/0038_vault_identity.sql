-- keep_identity: keeps what a subject is known by, sealed; again changes nothing. False for an erased subject. A citizen's
-- number that is another one's already is an error (unique_violation).
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION vault.keep_identity(
    identity_id uuid, subject_id uuid, kind text, blind_index bytea, key_id uuid, box bytea
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Fencing takes the same lock, alone: whoever keeps an identity has either committed before, or sees the fence.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('knelpunt.vault.fence', 0));
    IF EXISTS (SELECT FROM vault.fence f WHERE f.subject_id = keep_identity.subject_id) THEN
        RETURN false;
    END IF;
    INSERT INTO vault.identity (identity_id, subject_id, kind, blind_index, key_id, box)
    VALUES (keep_identity.identity_id, keep_identity.subject_id, keep_identity.kind, keep_identity.blind_index,
            keep_identity.key_id, keep_identity.box)
        ON CONFLICT ON CONSTRAINT identity_pkey DO NOTHING;
    RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION vault.keep_identity TO knelpunt_vault;
