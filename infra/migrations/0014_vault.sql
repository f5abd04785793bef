-- The vault: the keys under which texts about people are sealed. A schema and role of its own, sharing nothing with
-- the events, so that it can move to a database of its own. Nobody reads its tables but through its functions.
CREATE SCHEMA vault AUTHORIZATION knelpunt_owner;
GRANT USAGE ON SCHEMA vault TO knelpunt_vault, knelpunt_eraser;
-- What is sealed is bound to the registry, so the vault may know which one it serves.
GRANT USAGE ON SCHEMA knelpunt TO knelpunt_vault;
GRANT SELECT ON knelpunt.registry TO knelpunt_vault;
