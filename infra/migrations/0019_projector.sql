-- The projector makes and swaps the schema of the read model itself: a rebuild stands beside it until it is whole.
DO $$
BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO knelpunt_projector', current_database());
END
$$;
