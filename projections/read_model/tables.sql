-- The read model: the states of gaps, chains, handoffs, cases and organisations, over both times.
--
-- Each row is the answer for as_of_from <= asOf and known_from <= knownAt < known_until, up to its end in the world: for
-- asOf < as_of_until, or, before that end was known, for knownAt < until_known_from. Windows are plain columns and not ranges, because row security keeps the planner from operators that are not leakproof. Written
-- with the schema of the read model first on the search path, so that a rebuild can stand beside the one in use.

-- Which tables and derivation these rows are of.
CREATE TABLE derived (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    definition text NOT NULL
);

-- Up to where events are taken in, by parts of the work. Streams and subjects are shared out by the hash of their ids; a
-- part is the shares that one projector has claimed and brings on together. All parts are all shares, which thereby are
-- the setting of how many there are: a power of two.
CREATE TABLE part (
    part bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shares integer[] NOT NULL CHECK (shares <> '{}'),
    streams bigint NOT NULL DEFAULT -1,          -- the last event that rows of its cases and other streams take in; -1: none
    over_cases bigint NOT NULL DEFAULT -1,       -- the same for what lies over all cases of its subjects
    rederiving bigint,                           -- the next event, if it changes a term or grace and that is being done
    CHECK (over_cases <= streams)
) WITH (fillfactor = 10);                        -- updated at every batch: room for many versions of the row in its page

-- The last event that all rows take in. Rows of some may be ahead; they say themselves since when that was known.
CREATE VIEW projected AS
SELECT min(p.over_cases) AS position, (SELECT d.definition FROM derived d) AS definition FROM part p;

-- Cases that are yet to be derived under the terms and graces that the next event changes.
CREATE TABLE case_to_rederive (
    case_id uuid PRIMARY KEY
);

CREATE TABLE quarantined (
    case_id uuid NOT NULL,                       -- the stream: a case, or an organisation's
    position bigint NOT NULL,
    reason text NOT NULL,                        -- names the event and what is wrong, never what it says
    PRIMARY KEY (case_id, position)
);

CREATE TABLE case_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    case_id uuid NOT NULL,
    -- By code points: search looks for beginnings of the one, and goes through the other's values in order.
    reference text COLLATE "C" NOT NULL,
    theme text COLLATE "C" NOT NULL
);

-- Which organisations have a part in a case, each from the first event with effect that names it.
CREATE TABLE case_party (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    case_id uuid NOT NULL,
    organisation text NOT NULL
);

-- Whose a case is.
CREATE TABLE case_subject (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    case_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    place integer NOT NULL                       -- where the opening names them, from 0
);

-- Which cases were linked with which.
CREATE TABLE case_link (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    case_id uuid NOT NULL,
    event_id uuid NOT NULL,
    to_case_id uuid NOT NULL,
    relation text NOT NULL
);

-- Solutions for one subject, and the rules that they departed from.
CREATE TABLE remedy_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    case_id uuid NOT NULL,
    event_id uuid NOT NULL,
    obstacle_id uuid NOT NULL,
    organisation text NOT NULL,
    rule text                                    -- the rule departed from; null: none was named
);

-- Which organisations what lies over the cases of a subject may hang on: those named in them, and all above those. For
-- the projector alone: what becomes of an organisation changes what lies over the cases of these subjects.
CREATE TABLE subject_organisation (
    subject_id uuid NOT NULL,
    organisation text NOT NULL
);

-- Who has to do with a case, and so sees it, by the name that somebody who asks has: an organisation (O:), its intake
-- (N:), a subject (S:).
CREATE TABLE case_viewer (
    from_at timestamptz NOT NULL DEFAULT '-infinity',
    until_at timestamptz NOT NULL DEFAULT 'infinity',
    begun_at timestamptz NOT NULL,               -- as of any moment before it, or as known then, nothing of the case is found
    case_id uuid NOT NULL,
    viewer text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,            -- party, recorded, subject, or the event by which one represents another
    subject_id uuid,                             -- the subject that the viewer is; null: it is none
    represents uuid                              -- the subject on whose behalf; null: on nobody's
);

-- Who is on which investigation, and which cases and dialogues that includes: they see those whole.
CREATE TABLE investigation_member (
    investigation_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL
);
CREATE TABLE investigation_case (
    case_id uuid NOT NULL,
    investigation_id uuid NOT NULL
);
CREATE TABLE investigation_dialogue (
    dialogue_id uuid NOT NULL,
    investigation_id uuid NOT NULL
);

CREATE TABLE chain_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    reported_at timestamptz NOT NULL,
    settled_at timestamptz,                      -- null while the obstacle is open
    harm_until timestamptz NOT NULL,             -- until when a stated harm lasts; -infinity where none was stated
    case_id uuid NOT NULL,
    obstacle_id uuid NOT NULL,
    claimed boolean NOT NULL,
    holder text,                                 -- null: nobody
    theme text NOT NULL,
    organisations text[] NOT NULL,               -- the holders so far, in order
    harms text[] NOT NULL
);

CREATE TABLE gap_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz,                        -- null: it has not ended
    lasting_since timestamptz NOT NULL,          -- running: when it would have begun had it run on without a break;
                                                 -- ended: -infinity
    counts_after timestamptz NOT NULL,           -- it counts for every asOf after this; ended: -infinity or infinity
    harm_until timestamptz NOT NULL,             -- as in chain_state
    lasted bigint NOT NULL,                      -- ended: microseconds; running: -1
    case_id uuid NOT NULL,                       -- of what lies over the cases of one subject: the subject
    gap_id uuid NOT NULL,
    obstacle_id uuid,                            -- null: it lies on the case, or over several
    begun_by uuid NOT NULL,
    length integer,                              -- a carousel's
    open boolean NOT NULL,
    kind text NOT NULL,
    theme text NOT NULL,
    to_act text[] NOT NULL,
    involved text[] NOT NULL,
    harms text[] NOT NULL,
    evidence uuid[] NOT NULL,
    cases uuid[],                                -- those that it lies in; null: it is its own case's
    themes text[],                               -- theirs; null: its own case's, in theme
    stream_kind text,                            -- it is of a learning stream of this kind, whose id is in case_id
    -- How long before it began it was foreseen, and whether it is the answer for longer than that from when it has lasted:
    -- in classes, so that what cannot be the answer at two times need not be looked at (queries/stretches.py).
    ahead smallint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN from_at <= known_from THEN 0
             WHEN from_at - known_from <= '64 days' THEN 1
             WHEN from_at - known_from <= '128 days' THEN 2
             WHEN from_at - known_from <= '256 days' THEN 3 ELSE 4 END) STORED,
    long boolean NOT NULL GENERATED ALWAYS AS (
        CASE WHEN lasted >= 0 OR NOT open THEN false
             WHEN least(known_until, greatest(as_of_until, until_known_from)) = 'infinity' THEN true
             ELSE least(known_until, greatest(as_of_until, until_known_from)) - lasting_since > '256 days' END) STORED
);

CREATE TABLE handoff_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    delivered_at timestamptz NOT NULL,
    respond_by timestamptz,                      -- null for a referral
    ended_at timestamptz,                        -- null while nothing has come of it
    case_id uuid NOT NULL,
    handoff_id uuid NOT NULL,                    -- a referral's event
    obstacle_id uuid NOT NULL,
    kind text NOT NULL,                          -- OFFER or REFERRAL
    outcome text NOT NULL,                       -- PENDING, ACCEPTED, REFUSED, WITHDRAWN, LAPSED; a referral's: ARRIVED
    ground text,                                 -- of a refusal
    from_organisation text NOT NULL,
    to_organisation text NOT NULL
);

-- Learning streams (causes and what else the registry learns by), each with what its lists filter and sort by.
CREATE TABLE stream_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    begun_at timestamptz NOT NULL,
    stream_id uuid NOT NULL,
    kind text NOT NULL,                          -- what it is: CAUSE and so on
    status text NOT NULL,                        -- a word of its kind's own
    theme text,
    organisations text[] NOT NULL,               -- those that have a part in it
    marks text[] NOT NULL                        -- what else its kind is chosen by, as name=value
);

-- What learning streams are linked with: obstacles, cases and each other.
CREATE TABLE stream_link (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    since timestamptz NOT NULL,
    stream_id uuid NOT NULL,
    event_id uuid NOT NULL,                      -- the event that links them
    target_id uuid NOT NULL,
    relation text NOT NULL                       -- what the target is: OBSTACLE, CASE, CAUSE and so on
);

-- What organisations took upon themselves, and what came of it. Of what was promised about a gap over several cases of a
-- subject the case is the subject.
CREATE TABLE commitment_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    ended_at timestamptz,                        -- null: nothing has come of it yet
    case_id uuid NOT NULL,
    event_id uuid NOT NULL,                      -- the event in which it was made
    kind text NOT NULL,
    outcome text NOT NULL,
    organisation text NOT NULL,
    cases uuid[],                                -- those that it lies in; null: it is its own case's
    stream_kind text                             -- it is of a learning stream of this kind, whose id is in case_id
);

-- Whom causes were brought to, by whom, and whether they still wait for an answer.
CREATE TABLE escalation_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    respond_by timestamptz NOT NULL,
    ended_at timestamptz,                        -- answered, or the cause ended; null: neither
    stream_id uuid NOT NULL,                     -- the cause
    event_id uuid NOT NULL,
    level text NOT NULL,
    asked_by text NOT NULL,
    to_organisation text NOT NULL
);

-- Organisations that said of a gap that it is so; of which gap, as it stood when they did.
CREATE TABLE notice_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    at timestamptz NOT NULL,
    since timestamptz NOT NULL,                  -- since when the gap was then
    case_id uuid NOT NULL,                       -- a learning stream's id, if the gap is about one
    event_id uuid NOT NULL,
    gap_id uuid NOT NULL,
    lies_on uuid NOT NULL,                       -- an obstacle, the case, a subject or the learning stream
    kind text NOT NULL,
    organisation text NOT NULL,
    stream_kind text                             -- the gap is about a learning stream of this kind
);

-- How often there was contact about an obstacle, and how often the story was told again.
CREATE TABLE telling_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    case_id uuid NOT NULL,
    obstacle_id uuid NOT NULL,
    contacts integer NOT NULL,
    retold integer NOT NULL
);

-- What is left to do about the record; also about events of an organisation's own stream, and about those that this
-- version of the program cannot read.
CREATE TABLE todo_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    since timestamptz NOT NULL,
    position bigint,                             -- of an event that cannot be read; null: the event can tell
    case_id uuid NOT NULL,                       -- all zeros in streams that are not a case's
    stream_id uuid NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    obstacle_id uuid,                            -- null: it is not about one obstacle
    organisation text                            -- whose it is; null: that cannot be told
);

-- Organisations are no case data: everyone may know who exists.
CREATE TABLE organisation_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    ended_at timestamptz,                        -- null: it has not ended
    organisation text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    parent text,
    merged_into text,                            -- its successor; null: it was dissolved, or has not ended
    team uuid,                                   -- the event that made it a solution team; null: it is none
    -- What search compares.
    name_words text GENERATED ALWAYS AS (knelpunt.words(name)) STORED,
    name_stems tsvector GENERATED ALWAYS AS (knelpunt.stems(knelpunt.words(name))) STORED,
    identifier_words text GENERATED ALWAYS AS (knelpunt.words(organisation)) STORED,
    PRIMARY KEY (organisation, as_of_from, known_from)
);

-- Tasks that passed to another organisation.
CREATE TABLE task_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    since timestamptz NOT NULL,
    stream_id uuid NOT NULL,                     -- the stream of the organisation whose task it was
    event_id uuid NOT NULL,
    theme text NOT NULL,
    organisation text NOT NULL,
    to_organisation text NOT NULL,
    PRIMARY KEY (stream_id, theme, as_of_from, known_from)
);

-- Ways of working that an organisation shares, or adopted from another.
CREATE TABLE strategy_state (
    as_of_from timestamptz NOT NULL,
    as_of_until timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    until_known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    at timestamptz NOT NULL,
    stream_id uuid NOT NULL,                     -- the organisation's stream
    event_id uuid NOT NULL,
    strategy_id uuid NOT NULL,
    organisation text NOT NULL,
    shared_by text,                              -- null: it is this organisation that shares it
    themes text[] NOT NULL,                      -- of the obstacles that it worked for, as who shares it says
    origins text[] NOT NULL,
    PRIMARY KEY (stream_id, strategy_id, as_of_from, known_from)
);
