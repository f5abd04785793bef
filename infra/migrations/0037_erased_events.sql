-- Who was erased, found without reading the log: each program looks at its start whether the vault knows of all of them.
SET LOCAL ROLE knelpunt_owner;
CREATE INDEX event_erased ON knelpunt.event (position) WHERE topic = 'subject-erased';
