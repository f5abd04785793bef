"""Search: cases by reference and theme, gaps by their kind, obstacles by their harm, organisations by name.

A thing is found by what is its own. Each word asked for must be the beginning (one letter: the whole) or a form of one
of its words, Dutch or English, or be like a part of it. What its organisations and its theme are called, and of a gap
the harm, counts as well, as long as one word is the thing's own: "stilstand utrecht" finds the standstills in Utrecht,
and "utrecht" alone the organisation and not all that it had a part in. Only what is not sealed is looked at.

A case's reference and theme, a gap's kind and an obstacle's harm are found without comparing texts row by row: row
security keeps such comparisons from using an index. So the values are compared first (there are few), and then an
index gives the rows of each value in order, the newest first. The module is long because it is one statement, in parts.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct

from . import cases, gaps, organisations
from .cases import CaseRow
from .gaps import GapRow
from .lens import AT, Moment, Query, counted_up_to
from .organisations import OrganisationRow
from .search_words import SORTS, TEXTS, VALUES, Asked


class SearchField(Enum):
    """By what a thing was found."""

    REFERENCE = "REFERENCE"
    THEME = "THEME"
    NAME = "NAME"
    EARLIER_NAME = "EARLIER_NAME"
    IDENTIFIER = "IDENTIFIER"
    GAP_KIND = "GAP_KIND"
    HARM = "HARM"


class SearchCloseness(Enum):
    """How close what was found is to what was asked: the same, the same words or beginnings of them, or alike."""

    EXACT = "EXACT"
    WORDS = "WORDS"
    ALIKE = "ALIKE"


class ObstacleFound(Struct, frozen=True):
    """Which obstacle was found."""

    case: UUID
    obstacle: UUID


class SearchPlace(Struct, frozen=True):
    """Where a page ended: closeness and sort of thing as one number, the thing's moment, its label and its id."""

    rank: int
    at: datetime
    label: str
    id: str


class SearchRow(Struct, frozen=True):
    """A thing found, its place, and by what it was found: a value as the registry has it."""

    thing: CaseRow | GapRow | ObstacleFound | OrganisationRow
    place: SearchPlace
    field: SearchField
    value: str

    @property
    def closeness(self) -> SearchCloseness:
        """How close it is."""
        return _CLOSENESS[self.place.rank // _SORTS]


_SORTS: Final = 4
_CLOSENESS: Final = (SearchCloseness.EXACT, SearchCloseness.WORDS, SearchCloseness.ALIKE)


# A word of at least so many letters may be spelt in another way; of a shorter one too little would be left.
_ALIKE: Final = "char_length(w.word) > 3 AND knelpunt.alike(w.word, {words})"

_VALUES: Final = f"""
WITH RECURSIVE said AS (
    SELECT n, word, to_tsvector('pg_catalog.dutch', word) = '' OR to_tsvector('pg_catalog.english', word) = '' AS stop
      FROM unnest(%(words)s::text[]) WITH ORDINALITY AS given (word, n)
), word AS MATERIALIZED (  -- "de" and "the" need not be there, unless nothing else was asked for
    SELECT n, word, '%% ' || word || CASE WHEN char_length(word) = 1 THEN ' %%' ELSE '%%' END AS beginning,
           CASE WHEN stop THEN ''::tsquery
                ELSE plainto_tsquery('pg_catalog.dutch', word) || plainto_tsquery('pg_catalog.english', word)
           END AS stem
      FROM said WHERE NOT stop OR (SELECT bool_and(stop) FROM said)
), theme AS (  -- each theme there is, by going from one to the next in the index
    (SELECT theme FROM read.case_state ORDER BY theme LIMIT 1)
    UNION ALL
    SELECT (SELECT s.theme FROM read.case_state s WHERE s.theme > t.theme ORDER BY s.theme LIMIT 1)
      FROM theme t WHERE t.theme IS NOT NULL
), value AS (
    SELECT 'THEME' AS sort, theme::text COLLATE "C" AS value, knelpunt.words(theme) AS words
      FROM theme WHERE theme IS NOT NULL
     UNION ALL
    SELECT sort, value, words
      FROM unnest(%(sorts)s::text[], %(values)s::text[], %(texts)s::text[]) AS known (sort, value, words)
), close AS MATERIALIZED (  -- which word is close to which value, and how: 1 the same, 2 alike
    SELECT v.sort, v.value, w.n, min(how.tier) AS tier, bool_or(v.words = %(whole)s) AS exact
      FROM value v CROSS JOIN word w
     CROSS JOIN LATERAL (
        SELECT CASE WHEN v.words LIKE w.beginning OR knelpunt.stems(v.words) @@ w.stem THEN 1
                    WHEN {_ALIKE.format(words="v.words")} THEN 2 END AS tier
     ) how
     WHERE how.tier IS NOT NULL
     GROUP BY v.sort, v.value, w.n
), named AS MATERIALIZED (  -- which word is close to which organisation, by any name up to then or by identifier
    SELECT w.n, found.*
      FROM word w
     CROSS JOIN LATERAL (
        SELECT organisation, CASE WHEN {AT} THEN 'NAME' ELSE 'EARLIER_NAME' END AS field, name AS value, as_of_from,
               CASE WHEN name_words LIKE w.beginning OR name_stems @@ w.stem THEN 1 ELSE 2 END AS tier,
               name_words = %(whole)s AS exact
          FROM read.organisation_state
         WHERE as_of_from <= %(as_of)s AND known_from <= %(known_at)s AND known_until > %(known_at)s
           AND (as_of_from < as_of_until OR until_known_from > %(known_at)s)
           AND (name_words LIKE w.beginning OR name_stems @@ w.stem OR {_ALIKE.format(words="name_words")})
         UNION ALL
        SELECT organisation, 'IDENTIFIER', organisation, as_of_from, 1, organisation = %(text)s
          FROM read.organisation_state
         WHERE {AT} AND identifier_words LIKE w.beginning
     ) found
), need AS MATERIALIZED (  -- all that a word may stand for
    SELECT w.n,
           ARRAY(SELECT value FROM close c WHERE c.n = w.n AND c.sort = 'THEME') AS themes,
           ARRAY(SELECT value FROM close c WHERE c.n = w.n AND c.sort = 'GAP_KIND') AS kinds,
           ARRAY(SELECT value FROM close c WHERE c.n = w.n AND c.sort = 'HARM') AS harms,
           o.organisations
      FROM word w
     CROSS JOIN LATERAL (SELECT ARRAY(SELECT DISTINCT organisation FROM named o WHERE o.n = w.n) AS organisations) o
     ORDER BY cardinality(o.organisations)  -- what rules most out comes first
), chosen AS MATERIALIZED (  -- what a thing may be found by: no word is left over that nothing stands for
    SELECT sort, value, CASE WHEN bool_or(exact) THEN 0 ELSE max(tier) END AS tier
      FROM close
     WHERE NOT EXISTS (
        SELECT FROM need
         WHERE need.organisations = '{{}}'
           AND CASE sort WHEN 'THEME' THEN value <> ALL(need.themes)
                         WHEN 'GAP_KIND' THEN value <> ALL(need.kinds) AND need.themes = '{{}}' AND need.harms = '{{}}'
                         ELSE need.themes = '{{}}' AND need.harms = '{{}}' END
     )
     GROUP BY sort, value
)"""  # noqa: S608


def _beyond(rank: LiteralString, at: LiteralString, thing: LiteralString) -> LiteralString:
    """Return the condition that a thing lies beyond the place where the page before ended, and exists by ``asOf``."""
    return (
        f"{at} <= LEAST(%(as_of)s, CASE WHEN {rank} = %(after_rank)s THEN %(after_at)s::timestamptz "
        f"ELSE 'infinity' END) AND NOT ({rank} = %(after_rank)s AND {at} = %(after_at)s::timestamptz "
        f'AND {thing}::text COLLATE "C" <= %(after_id)s)'
    )


_CASES: Final = f"""
    SELECT 'CASE' AS sort, c.tier * 4 + 1 AS rank, s.opened_at AS at, '' AS label, s.case_id, s.case_id AS thing,
           NULL AS organisation, s.as_of_from, s.known_from, c.field, s.value
      FROM (SELECT 'THEME' AS field, value, tier FROM chosen WHERE sort = 'THEME') c
     CROSS JOIN LATERAL (
        SELECT case_id, opened_at, as_of_from, known_from, theme AS value
          FROM read.case_state s
         WHERE theme = c.value AND {AT} AND c.tier * 4 + 1 >= %(after_rank)s
           AND {_beyond("c.tier * 4 + 1", "opened_at", "case_id")}
           AND NOT EXISTS (SELECT FROM unnest(%(references)s::text[]) r WHERE starts_with(s.reference, r))
           AND NOT EXISTS (
            SELECT FROM need
             WHERE NOT (s.theme = ANY(need.themes)
                        OR EXISTS (SELECT FROM read.case_party p
                                    WHERE p.case_id = s.case_id AND p.organisation = ANY(need.organisations) AND {AT}))
           )
         ORDER BY opened_at DESC, case_id LIMIT %(limit)s
     ) s
     UNION ALL
    SELECT 'CASE', s.rank, s.opened_at, '', s.case_id, s.case_id, NULL, s.as_of_from, s.known_from, 'REFERENCE',
           s.reference
      FROM unnest(%(references)s::text[]) r
     CROSS JOIN LATERAL (
        SELECT found.*
          FROM (SELECT *, CASE WHEN reference = r THEN 1 ELSE 5 END AS rank FROM read.case_state
                 -- "~" comes after all that a reference holds.
                 -- IS TRUE: nothing but the reference is to be looked for in an index.
                 WHERE reference >= r AND reference < r || '~' AND ({AT}) IS TRUE) found
         WHERE rank >= %(after_rank)s AND {_beyond("rank", "opened_at", "case_id")}
         ORDER BY rank, opened_at DESC, case_id LIMIT %(limit)s
     ) s"""  # noqa: S608

_GAPS: Final = f"""
    SELECT 'GAP', c.tier * 4 + 2, g.from_at, '', g.case_id, g.gap_id, NULL, g.as_of_from, g.known_from, 'GAP_KIND',
           c.value
      FROM chosen c
     CROSS JOIN LATERAL (
        SELECT case_id, gap_id, from_at, as_of_from, known_from
          FROM read.gap_state s
         WHERE kind = c.value AND counts_after < %(as_of)s AND {AT} AND c.tier * 4 + 2 >= %(after_rank)s
           AND {_beyond("c.tier * 4 + 2", "from_at", "gap_id")}
           AND NOT EXISTS (
            SELECT FROM need
             WHERE NOT (s.kind = ANY(need.kinds) OR s.theme = ANY(need.themes)
                        OR coalesce(s.themes && need.themes, false) OR s.harms && need.harms
                        OR s.to_act && need.organisations OR s.involved && need.organisations)
           )
         ORDER BY from_at DESC, gap_id LIMIT %(limit)s
     ) g
     WHERE c.sort = 'GAP_KIND'"""  # noqa: S608

_OBSTACLES: Final = f"""
    SELECT 'OBSTACLE', c.tier * 4 + 3, o.reported_at, '', o.case_id, o.obstacle_id, NULL, o.as_of_from, o.known_from,
           'HARM', (SELECT min(h) FROM unnest(o.harms) h WHERE h = ANY(c.harms))
      FROM (SELECT tier, array_agg(value) AS harms,
                   ARRAY(SELECT value FROM chosen b WHERE b.sort = 'HARM' AND b.tier < a.tier) AS closer
              FROM chosen a WHERE sort = 'HARM' GROUP BY tier) c
     CROSS JOIN LATERAL (
        SELECT case_id, obstacle_id, reported_at, harms, as_of_from, known_from
          FROM read.chain_state s
         WHERE harm_until > '-infinity' AND harms && c.harms AND NOT harms && c.closer AND {AT}
           AND c.tier * 4 + 3 >= %(after_rank)s AND {_beyond("c.tier * 4 + 3", "reported_at", "obstacle_id")}
           AND NOT EXISTS (
            SELECT FROM need
             WHERE NOT (s.harms && need.harms OR s.theme = ANY(need.themes) OR s.organisations && need.organisations)
           )
         ORDER BY reported_at DESC, obstacle_id LIMIT %(limit)s
     ) o"""  # noqa: S608

_ORGANISATIONS: Final = f"""
    SELECT 'ORGANISATION', o.rank, 'epoch', o.name, NULL::uuid, NULL::uuid, o.organisation, NULL::timestamptz,
           NULL::timestamptz, o.field, o.value
      FROM (
        SELECT whole.organisation, whole.tier * 4 AS rank, s.name, best.field, best.value
          FROM (SELECT organisation, CASE WHEN bool_or(exact) THEN 0 ELSE max(tier) END AS tier
                  FROM (SELECT organisation, n, min(tier) AS tier, bool_or(exact) AS exact
                          FROM named GROUP BY organisation, n) per_word
                 GROUP BY organisation HAVING count(*) = (SELECT count(*) FROM word)) whole
         CROSS JOIN LATERAL (  -- its name now rather than an earlier one, and any name rather than its identifier
            SELECT n.field, n.value FROM named n WHERE n.organisation = whole.organisation
             ORDER BY n.exact DESC, n.tier, array_position('{{NAME,EARLIER_NAME,IDENTIFIER}}', n.field),
                      n.as_of_from DESC
             LIMIT 1
         ) best
         CROSS JOIN LATERAL (
            SELECT name FROM read.organisation_state p WHERE p.organisation = whole.organisation AND {AT}
         ) s
      ) o
     WHERE (o.rank, o.name COLLATE "C", o.organisation COLLATE "C")
           > (%(after_rank)s, %(after_label)s COLLATE "C", %(after_id)s COLLATE "C")"""  # noqa: S608

_HITS: Final = f"""{_VALUES}, hit AS (
{_CASES}
     UNION ALL
{_GAPS}
     UNION ALL
{_OBSTACLES}
     UNION ALL
{_ORGANISATIONS}
)"""

_PAGE: Final = f"""{_HITS}, page AS MATERIALIZED (
    SELECT *, coalesce(organisation, thing::text) COLLATE "C" AS id FROM hit
     ORDER BY rank, at DESC, label COLLATE "C", coalesce(organisation, thing::text) COLLATE "C" LIMIT %(limit)s
)
SELECT page.sort, page.rank, page.at, page.label, page.id, page.field, page.value, page.case_id, page.thing,
       c.*, g.*, o.*
  FROM page
  LEFT JOIN LATERAL (SELECT {cases.COLUMNS} FROM read.case_state
                      WHERE case_id = page.case_id AND as_of_from = page.as_of_from AND known_from = page.known_from
                    ) c ON page.sort = 'CASE'
  LEFT JOIN LATERAL (SELECT {gaps.COLUMNS} FROM read.gap_state
                      WHERE case_id = page.case_id AND gap_id = page.thing
                        AND as_of_from = page.as_of_from AND known_from = page.known_from
                    ) g ON page.sort = 'GAP'
  LEFT JOIN LATERAL (SELECT {organisations.COLUMNS} FROM read.organisation_state
                      WHERE organisation = page.organisation AND {AT}) o ON page.sort = 'ORGANISATION'
 ORDER BY page.rank, page.at DESC, page.label COLLATE "C", page.id
"""  # noqa: S608

_COUNT: Final = f"{_HITS} SELECT count(*) FROM hit"  # noqa: S608

_COUNT_UP_TO: Final = f"{_HITS} {counted_up_to('SELECT FROM hit')}"

_START: Final = SearchPlace(-1, datetime(1970, 1, 1, tzinfo=UTC), "", "")
"""Before all: no thing has this rank."""


def page(moment: Moment, words: Asked, after: SearchPlace | None, limit: int) -> Query:
    """Return the query for what is found beyond a place, at most ``limit``."""
    return _PAGE, _values(moment, words, after or _START, limit)


def count(moment: Moment, words: Asked) -> Query:
    """Return the query for how much is found."""
    return _COUNT, _values(moment, words, _START, None)


def count_up_to(moment: Moment, words: Asked, most: int) -> Query:
    """Return the same, counted no further than ``most``."""
    # No sort of thing need be gone through any further than that.
    return _COUNT_UP_TO, _values(moment, words, _START, most) | {"most": most}


def _values(moment: Moment, words: Asked, after: SearchPlace, limit: int | None) -> dict[str, Any]:
    return moment.values() | {
        "text": words.text,
        "words": list(words.words),
        "whole": words.whole,
        "references": list(words.references),
        "sorts": SORTS,
        "values": VALUES,
        "texts": TEXTS,
        "after_rank": after.rank,
        "after_at": after.at,
        "after_label": after.label,
        "after_id": after.id,
        "limit": limit,
    }


_HIT_COLUMNS: Final = 9
_CASE_COLUMNS: Final = len(cases.COLUMNS.split(", "))
_ORGANISATION_COLUMNS: Final = len(organisations.COLUMNS.split(", "))


def row(columns: Sequence[Any]) -> SearchRow:
    """Return the row that a query here found."""
    sort, rank, at, label, id_, field, value, case, thing = columns[:_HIT_COLUMNS]
    details = columns[_HIT_COLUMNS:]
    found: CaseRow | GapRow | ObstacleFound | OrganisationRow
    match sort:
        case "CASE":
            found = cases.row(tuple(details[:_CASE_COLUMNS]))
        case "GAP":
            found = gaps.row(tuple(details[_CASE_COLUMNS:-_ORGANISATION_COLUMNS]))
        case "OBSTACLE":
            found = ObstacleFound(case, thing)
        case _:
            found = organisations.row(tuple(details[-_ORGANISATION_COLUMNS:]))
    return SearchRow(found, SearchPlace(rank, at, label, id_), SearchField(field), value)
