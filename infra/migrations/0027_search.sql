-- What search compares: the words of a text without case and accents, their stems, and likeness by trigrams.
--
-- Trigrams come with PostgreSQL's own extension pg_trgm, which any login may add that may make schemas. It may be there
-- already, in whatever schema; so it is named in one function, and whoever searches calls that.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_trgm') THEN
        RAISE EXCEPTION 'the server lacks the extension pg_trgm: install PostgreSQL''s contrib package (postgresql-contrib) on it, then migrate again';
    END IF;
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA knelpunt;
END
$$;

SET LOCAL ROLE knelpunt_owner;

-- The words of a text, each between two spaces: letters and digits of any script, in lower case and without accents as far
-- as Latin letters go. By code points and not by the server's locale, so that every server says the same;
-- projections/queries/search.py does likewise.
CREATE FUNCTION knelpunt.words(said text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ' ' || btrim(regexp_replace(
        lower(regexp_replace(normalize(said, NFD), '[\u0300-\u036f]', '', 'g') COLLATE "C"),
        '[^a-z0-9\u00c0-\u1fff\u2070-\U0010ffff]+', ' ', 'g'
    )) || ' ';

-- The stems of words, Dutch and English: a text may be either, and often is both.
CREATE FUNCTION knelpunt.stems(words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('pg_catalog.dutch'::regconfig, words) || to_tsvector('pg_catalog.english'::regconfig, words);

-- Whether a word is like a part of a text, though spelt in another way.
DO $$
BEGIN
    EXECUTE format(
        'CREATE FUNCTION knelpunt.alike(word text, words text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE '
        'RETURN word OPERATOR(%I.<%%) words',
        (SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
          WHERE e.extname = 'pg_trgm')
    );
END
$$;

GRANT EXECUTE ON FUNCTION knelpunt.words(text), knelpunt.stems(text), knelpunt.alike(text, text)
    TO knelpunt_reader, knelpunt_projector, knelpunt_appender;
