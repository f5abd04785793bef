-- recorded_commands: which of these commands have had their effect, answered as append does; others are left out.
-- Asked before a refusal is given, because a command sent twice may be refused for what it did itself. It waits for
-- whoever is appending, so that a commit whose answer got lost is seen.
SET LOCAL ROLE knelpunt_owner;
CREATE FUNCTION knelpunt.recorded_commands(command_ids uuid[], request_hashes bytea[])
RETURNS TABLE (command_id uuid, outcome text, "position" bigint, version integer, recorded_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM knelpunt.log_head FOR UPDATE;  -- not FOR SHARE: two that hold it could not append any more
    RETURN QUERY
    SELECT c.command_id,
           CASE WHEN c.request_hash = a.request_hash THEN 'repeated' ELSE 'reused' END,
           CASE WHEN c.request_hash = a.request_hash THEN e.position END,
           CASE WHEN c.request_hash = a.request_hash THEN e.version END,
           CASE WHEN c.request_hash = a.request_hash THEN e.recorded_at END
      FROM unnest(command_ids, request_hashes) AS a (command_id, request_hash)
      JOIN knelpunt.command c ON c.command_id = a.command_id
      JOIN knelpunt.event e ON e.position = c.position;
END
$$;
GRANT EXECUTE ON FUNCTION knelpunt.recorded_commands TO knelpunt_appender;
