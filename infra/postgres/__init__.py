"""The PostgreSQL that the registry brings along: found, set up, started, shared and stopped."""
