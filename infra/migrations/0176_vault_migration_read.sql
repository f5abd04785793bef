-- Every command asks first which migrations a database lacks, of a vault in a database of its own as the login that keeps
-- it: a member of knelpunt_vault, and of no role that 0001 lets read the list.
SET LOCAL ROLE knelpunt_owner;
GRANT SELECT ON knelpunt.migration TO knelpunt_vault;
