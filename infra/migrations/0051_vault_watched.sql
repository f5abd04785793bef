-- What is done to keys and erasures stands in the security log, in the transaction that does it: whoever does it, by
-- whatever way, it is not done without its record. Counts stand for subjects; none is named.
SET LOCAL ROLE knelpunt_owner;

CREATE FUNCTION logbook.note(action text, object text, result text, actor text, count bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO logbook.security (action, object, result, origin, actor, count)
    VALUES (note.action, note.object, note.result,
            'database, as ' || session_user || coalesce(' from ' || host(inet_client_addr()), ''), note.actor, note.count);
$$;

-- note_many: of statements on keys, fences and identities, how many rows they made or destroyed.
CREATE FUNCTION logbook.note_many() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    touched bigint;
BEGIN
    SELECT count(*) INTO touched FROM touched_rows;
    IF touched > 0 THEN
        PERFORM logbook.note(TG_ARGV[0], 'vault.' || TG_TABLE_NAME, 'DONE', NULL, touched);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER made AFTER INSERT ON vault.key REFERENCING NEW TABLE AS touched_rows
    FOR EACH STATEMENT EXECUTE FUNCTION logbook.note_many('KEYS_MADE');
CREATE TRIGGER destroyed AFTER DELETE ON vault.key REFERENCING OLD TABLE AS touched_rows
    FOR EACH STATEMENT EXECUTE FUNCTION logbook.note_many('KEYS_DESTROYED');
CREATE TRIGGER fenced AFTER INSERT ON vault.fence REFERENCING NEW TABLE AS touched_rows
    FOR EACH STATEMENT EXECUTE FUNCTION logbook.note_many('SUBJECTS_FENCED');
CREATE TRIGGER destroyed AFTER DELETE ON vault.identity REFERENCING OLD TABLE AS touched_rows
    FOR EACH STATEMENT EXECUTE FUNCTION logbook.note_many('IDENTITIES_DESTROYED');

CREATE FUNCTION logbook.note_secret() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM logbook.note('SECRET_MADE', NEW.name, 'DONE', NULL, 1);
    RETURN NULL;
END
$$;
CREATE TRIGGER made AFTER INSERT ON vault.secret FOR EACH ROW EXECUTE FUNCTION logbook.note_secret();

CREATE FUNCTION logbook.note_erasure() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM logbook.note('ERASURE_REQUESTED', NEW.request_id::text, 'DONE', NEW.requested_by, 1);
    ELSIF OLD.approved_at IS NULL AND NEW.approved_at IS NOT NULL THEN
        PERFORM logbook.note('ERASURE_APPROVED', NEW.request_id::text, 'DONE', NEW.approved_by, 1);
    ELSIF OLD.completed_at IS NULL AND NEW.completed_at IS NOT NULL THEN
        PERFORM logbook.note('ERASURE_COMPLETED', NEW.request_id::text, 'DONE', NEW.approved_by, 1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER went_on AFTER INSERT OR UPDATE ON vault.erasure FOR EACH ROW EXECUTE FUNCTION logbook.note_erasure();

CREATE FUNCTION logbook.note_hold() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM logbook.note('HOLD_PLACED', NEW.hold_id::text, 'DONE', NEW.placed_by, 1);
    ELSIF OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL THEN
        PERFORM logbook.note('HOLD_LIFTED', NEW.hold_id::text, 'DONE', NEW.lifted_by, 1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER went_on AFTER INSERT OR UPDATE ON vault.hold FOR EACH ROW EXECUTE FUNCTION logbook.note_hold();

CREATE FUNCTION logbook.note_refusal() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM logbook.note('ERASURE', NEW.hold_id::text, 'REFUSED under this hold', NEW.asked_by, 1);
    RETURN NULL;
END
$$;
CREATE TRIGGER noted AFTER INSERT ON vault.refusal FOR EACH ROW EXECUTE FUNCTION logbook.note_refusal();
