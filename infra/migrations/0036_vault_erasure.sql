-- Erasing a subject: who asked for it and who agreed, what keeps it from being done, and what was done. What is written
-- here in words is sealed under the subject's own key, and so goes with them; that there was a request, when, and by
-- whom, stays.
SET LOCAL ROLE knelpunt_owner;

-- Legal holds: a subject under one is not erased.
CREATE TABLE vault.hold (
    hold_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    placed_by text COLLATE "C" NOT NULL,           -- a pseudonym, as in an event's actor
    reason_key uuid NOT NULL,
    reason_box bytea NOT NULL,
    lifted_at timestamptz,
    lifted_by text COLLATE "C",
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX hold_subject ON vault.hold (subject_id) WHERE lifted_at IS NULL;

-- One request for a subject, for good: it may wait, and it may be refused more than once before it is approved.
CREATE TABLE vault.erasure (
    request_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL UNIQUE,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    requested_by text COLLATE "C" NOT NULL,
    reason_key uuid NOT NULL,
    reason_box bytea NOT NULL,
    approved_at timestamptz,
    approved_by text COLLATE "C",
    completed_at timestamptz,                      -- all receipts are there, and the log tells of it
    position bigint,                               -- where it does
    CHECK (approved_by <> requested_by),           -- two different people
    CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
    CHECK ((completed_at IS NULL) = (position IS NULL)),
    CHECK (completed_at IS NULL OR approved_at IS NOT NULL)
);

-- What a hold refused: on record whether or not the hold is lifted later.
CREATE TABLE vault.refusal (
    refusal_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    subject_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    asked_by text COLLATE "C" NOT NULL
);

-- A step that was done. The first receipt stands: what is done again destroys nothing more.
CREATE TABLE vault.receipt (
    request_id uuid NOT NULL,
    step text COLLATE "C" NOT NULL CHECK (step IN ('FENCE', 'KEYS', 'IDENTITY', 'CACHES', 'PROJECTIONS')),
    done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    count bigint NOT NULL CHECK (count >= 0),
    PRIMARY KEY (request_id, step)
);

-- Who a pseudonym stands for: sealed under a key of the subject's own, found by an HMAC under a secret of the vault.
CREATE TABLE vault.identity (
    identity_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('BSN', 'NAME')),
    blind_index bytea NOT NULL CHECK (octet_length(blind_index) = 32),
    key_id uuid NOT NULL,
    box bytea NOT NULL,
    UNIQUE (subject_id, blind_index)
);
CREATE INDEX identity_index ON vault.identity (blind_index);
-- A citizen's number belongs to one person; a name may be several people's.
CREATE UNIQUE INDEX identity_number ON vault.identity (blind_index) WHERE kind = 'BSN';

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['hold', 'erasure', 'refusal', 'receipt', 'identity'] LOOP
        EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY owner ON vault.%I TO knelpunt_owner USING (true) WITH CHECK (true)', each);
        EXECUTE format('CREATE POLICY principal ON vault.%I FOR SELECT '
                       'USING ((SELECT current_setting(''knelpunt.principal'', true)) <> '''')', each);
    END LOOP;
END
$$;
GRANT SELECT ON vault.hold, vault.erasure, vault.refusal, vault.receipt TO knelpunt_eraser;
-- The vault's role counts what was approved and is not complete: for the doctor.
GRANT SELECT ON vault.identity, vault.erasure TO knelpunt_vault;

-- request_erasure: asks for a subject to be erased, and says what became of that:
--
--   requested  it waits for another person
--   before     it was asked for before, by request_id
--   held       hold_id keeps it from being done, which is noted
CREATE FUNCTION vault.request_erasure(
    request_id uuid, subject_id uuid, requested_by text, reason_key uuid, reason_box bytea
) RETURNS TABLE (outcome text, request_id_of uuid, hold_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    whose uuid := subject_id;
    before uuid;
    holding uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('knelpunt.vault.fence', 0));
    SELECT e.request_id INTO before FROM vault.erasure e WHERE e.subject_id = whose;
    IF before IS NOT NULL THEN
        RETURN QUERY SELECT 'before', before, NULL::uuid;
        RETURN;
    END IF;
    SELECT h.hold_id INTO holding FROM vault.hold h
     WHERE h.subject_id = whose AND h.lifted_at IS NULL ORDER BY h.placed_at LIMIT 1;
    IF holding IS NOT NULL THEN
        INSERT INTO vault.refusal (subject_id, hold_id, asked_by)
        VALUES (whose, holding, request_erasure.requested_by);
        RETURN QUERY SELECT 'held', NULL::uuid, holding;
        RETURN;
    END IF;
    INSERT INTO vault.erasure (request_id, subject_id, requested_by, reason_key, reason_box)
    VALUES (request_erasure.request_id, whose, request_erasure.requested_by, request_erasure.reason_key,
            request_erasure.reason_box);
    RETURN QUERY SELECT 'requested', request_erasure.request_id, NULL::uuid;
END
$$;

-- approve_erasures: agrees to requests, as another person than asked for them, and fences their subjects: from its
-- commit on nothing is sealed for them any more. Says of each request:
--
--   approved   now, or before by whomever: what remains may be done
--   completed  before
--   own        whoever approves asked for it themselves
--   held       hold_id keeps it from being done, which is noted
--   unknown    there is no such request
CREATE FUNCTION vault.approve_erasures(request_ids uuid[], approved_by text)
RETURNS TABLE (request_id uuid, outcome text, hold_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    one uuid;
    asked vault.erasure;
    holding uuid;
BEGIN
    -- Alone: whoever makes a key has either committed before, or sees the fence.
    PERFORM pg_advisory_xact_lock(hashtextextended('knelpunt.vault.fence', 0));
    FOREACH one IN ARRAY request_ids LOOP
        SELECT e.* INTO asked FROM vault.erasure e WHERE e.request_id = one;
        SELECT h.hold_id INTO holding FROM vault.hold h
         WHERE h.subject_id = asked.subject_id AND h.lifted_at IS NULL ORDER BY h.placed_at LIMIT 1;
        IF asked.request_id IS NULL THEN
            RETURN QUERY SELECT one, 'unknown', NULL::uuid;
        ELSIF asked.completed_at IS NOT NULL THEN
            RETURN QUERY SELECT one, 'completed', NULL::uuid;
        ELSIF asked.approved_at IS NOT NULL THEN
            RETURN QUERY SELECT one, 'approved', NULL::uuid;
        ELSIF asked.requested_by = approve_erasures.approved_by THEN
            RETURN QUERY SELECT one, 'own', NULL::uuid;
        ELSIF holding IS NOT NULL THEN
            INSERT INTO vault.refusal (subject_id, hold_id, asked_by)
            VALUES (asked.subject_id, holding, approve_erasures.approved_by);
            RETURN QUERY SELECT one, 'held', holding;
        ELSE
            UPDATE vault.erasure e SET approved_at = clock_timestamp(), approved_by = approve_erasures.approved_by
             WHERE e.request_id = one;
            INSERT INTO vault.fence (subject_id) VALUES (asked.subject_id) ON CONFLICT DO NOTHING;
            INSERT INTO vault.receipt (request_id, step, count) VALUES (one, 'FENCE', 1);
            RETURN QUERY SELECT one, 'approved', NULL::uuid;
        END IF;
    END LOOP;
END
$$;

-- destroy_keys, destroy_identities: destroy what the vault has of those whose erasure was approved, and leave receipts.
CREATE FUNCTION vault.destroy_keys(request_ids uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH due AS (
        SELECT e.request_id, e.subject_id FROM vault.erasure e
         WHERE e.request_id = ANY (request_ids) AND e.approved_at IS NOT NULL
    ), gone AS (
        DELETE FROM vault.key k USING due WHERE k.subject_id = due.subject_id RETURNING k.subject_id
    )
    INSERT INTO vault.receipt (request_id, step, count)
    SELECT due.request_id, 'KEYS', (SELECT count(*) FROM gone WHERE gone.subject_id = due.subject_id) FROM due
        ON CONFLICT DO NOTHING;
$$;

CREATE FUNCTION vault.destroy_identities(request_ids uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH due AS (
        SELECT e.request_id, e.subject_id FROM vault.erasure e
         WHERE e.request_id = ANY (request_ids) AND e.approved_at IS NOT NULL
    ), gone AS (
        DELETE FROM vault.identity i USING due WHERE i.subject_id = due.subject_id RETURNING i.subject_id
    )
    INSERT INTO vault.receipt (request_id, step, count)
    SELECT due.request_id, 'IDENTITY', (SELECT count(*) FROM gone WHERE gone.subject_id = due.subject_id) FROM due
        ON CONFLICT DO NOTHING;
$$;

-- note_receipts: notes a step that is done outside the vault.
CREATE FUNCTION vault.note_receipts(request_ids uuid[], step text, count bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO vault.receipt (request_id, step, count)
    SELECT e.request_id, note_receipts.step, note_receipts.count FROM vault.erasure e
     WHERE e.request_id = ANY (request_ids) AND e.approved_at IS NOT NULL AND note_receipts.step IN ('CACHES', 'PROJECTIONS')
        ON CONFLICT DO NOTHING;
$$;

-- complete_erasure: an erasure is complete when every step has its receipt and the log tells of it at position.
CREATE FUNCTION vault.complete_erasure(request_id uuid, "position" bigint) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE vault.erasure e
       SET completed_at = coalesce(e.completed_at, clock_timestamp()), position = coalesce(e.position, complete_erasure.position)
     WHERE e.request_id = complete_erasure.request_id AND e.approved_at IS NOT NULL
       AND (SELECT count(*) FROM vault.receipt r WHERE r.request_id = e.request_id) = 5
    RETURNING true;
$$;

-- place_hold: keeps a subject from being erased; false if that was approved already. lift_hold: no longer; false if
-- there is no such hold.
CREATE FUNCTION vault.place_hold(hold_id uuid, subject_id uuid, placed_by text, reason_key uuid, reason_box bytea)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('knelpunt.vault.fence', 0));
    IF EXISTS (SELECT FROM vault.fence f WHERE f.subject_id = place_hold.subject_id) THEN
        RETURN false;
    END IF;
    INSERT INTO vault.hold (hold_id, subject_id, placed_by, reason_key, reason_box)
    VALUES (place_hold.hold_id, place_hold.subject_id, place_hold.placed_by, place_hold.reason_key, place_hold.reason_box);
    RETURN true;
END
$$;

CREATE FUNCTION vault.lift_hold(hold_id uuid, lifted_by text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE vault.hold h SET lifted_at = coalesce(h.lifted_at, clock_timestamp()), lifted_by = coalesce(h.lifted_by, lift_hold.lifted_by)
     WHERE h.hold_id = lift_hold.hold_id
    RETURNING true;
$$;

-- fence_again: fences subjects of whom the log tells that they were erased, and destroys what an older copy of the vault
-- brought back of them. Returns how many were not fenced.
CREATE FUNCTION vault.fence_again(subject_ids uuid[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fenced bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('knelpunt.vault.fence', 0));
    INSERT INTO vault.fence (subject_id) SELECT DISTINCT unnest(subject_ids) ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS fenced = ROW_COUNT;
    DELETE FROM vault.key k WHERE k.subject_id = ANY (subject_ids);
    DELETE FROM vault.identity i WHERE i.subject_id = ANY (subject_ids);
    RETURN fenced;
END
$$;
GRANT EXECUTE ON FUNCTION vault.request_erasure, vault.approve_erasures, vault.destroy_keys, vault.destroy_identities,
    vault.note_receipts, vault.complete_erasure, vault.place_hold, vault.lift_hold TO knelpunt_eraser;
GRANT EXECUTE ON FUNCTION vault.fence_again TO knelpunt_vault;
