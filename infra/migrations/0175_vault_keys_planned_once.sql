-- keys_for is planned once a connection, as 0021 has it in mind: left to itself the server planned its statements anew for
-- one subject each time, which took as long as looking its key up.
SET LOCAL ROLE knelpunt_owner;
ALTER FUNCTION vault.keys_for(text, uuid[], uuid[], bytea[]) SET plan_cache_mode = force_generic_plan;
