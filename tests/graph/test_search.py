"""Search: what it finds, in which order and why, against a matcher that compares every word with every thing."""

from datetime import datetime
from random import Random

import msgspec
import psycopg
import pytest

from graph.given import GEMEENTE, LONG_AGO, SVB, Story
from infra.projecting.registries import some_registry
from knelpunt.domain.case.facts import CaseOpened
from knelpunt.domain.ids import reference_of
from knelpunt.domain.organisation.facts import OrganisationFact, OrganisationRegistered, OrganisationRenamed
from knelpunt.domain.organisation.standing import told as standings_told
from knelpunt.domain.vocabulary import GapKind, Harm
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.projections.queries import search
from knelpunt.projections.queries.lens import LATEST, Moment
from knelpunt.projections.queries.search_words import asked as words_asked
from knelpunt.projections.queries.search_words import words_of
from knelpunt.projections.summaries import Language, gap_in_words, harm_in_words

SEARCH = """query S($text: String!, $first: Int, $after: String, $asOf: DateTime, $knownAt: DateTime) {
  registry(asOf: $asOf, knownAt: $knownAt) { search(text: $text, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { field value closeness node { __typename ... on Node { id } } } } } }"""


def searched(asked, text, first=200, **given):
    """One page of what a text finds."""
    return asked.ask(SEARCH, text=text, first=first, **given)["registry"]["search"]


def shown(page):
    """What stands on a page: sort, by what, and how close."""
    return [(edge["node"]["__typename"], edge["field"], edge["value"], edge["closeness"]) for edge in page["edges"]]


def test_each_sort_is_found_by_its_own(asked):
    """References, themes, names now and earlier, identifiers, kinds and harms, in Dutch and English."""
    asked.organisations()
    story = Story(asked, theme="huurachterstand")
    obstacle = story.report(1, receivedBy=None, told=[SVB])
    story.done("stateHarm", 2, obstacle=obstacle, harm="INCOME", since=story.day(1))
    asked.done("renameOrganisation", {"organisation": SVB, "name": "Uitkeringsfabriek"})
    asked.project()
    half, theme = story.reference[:5], ("Case", "THEME", "huurachterstand")
    for text, wanted in {
        story.reference: ("Case", "REFERENCE", story.reference, "EXACT"),
        story.reference.lower().replace("-", ""): ("Case", "REFERENCE", story.reference, "EXACT"),
        half: ("Case", "REFERENCE", story.reference, "WORDS"),
        "Huurachterstand": (*theme, "EXACT"),
        "huurachterstanden": (*theme, "WORDS"),
        "huurachter": (*theme, "WORDS"),
        "huurachtrestand": (*theme, "ALIKE"),
        "nooit opgepakt": ("Gap", "GAP_KIND", "NEVER_TAKEN", "EXACT"),
        "never taken": ("Gap", "GAP_KIND", "NEVER_TAKEN", "EXACT"),
        "NEVER_TAKEN": ("Gap", "GAP_KIND", "NEVER_TAKEN", "EXACT"),
        "opgepakt": ("Gap", "GAP_KIND", "NEVER_TAKEN", "WORDS"),
        "inkomen": ("Obstacle", "HARM", "INCOME", "WORDS"),
        "het inkomen": ("Obstacle", "HARM", "INCOME", "EXACT"),
        "income": ("Obstacle", "HARM", "INCOME", "EXACT"),
        "uitkeringsfabriek": ("Organisation", "NAME", "Uitkeringsfabriek", "EXACT"),
        "sociale verzekeringsbank": ("Organisation", "EARLIER_NAME", "Sociale Verzekeringsbank", "EXACT"),
        "Verzekerings": ("Organisation", "EARLIER_NAME", "Sociale Verzekeringsbank", "WORDS"),
        GEMEENTE: ("Organisation", "IDENTIFIER", GEMEENTE, "EXACT"),
        "Géméénte": ("Organisation", "NAME", "Gemeente Ergens", "WORDS"),
    }.items():
        assert shown(searched(asked, text)) == [wanted], text
    long_ago = searched(asked, "uitkeringsfabriek", asOf=LONG_AGO)
    assert long_ago == {"totalCount": 0, "pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": []}
    # A word narrows what another finds; one that nothing has leaves nothing.
    assert [one[1] for one in shown(searched(asked, "opgepakt huurachterstand inkomen"))] == ["GAP_KIND"]
    assert [one[1] for one in shown(searched(asked, "huurachterstand bij de verzekeringsbank"))] == ["THEME"]
    assert shown(searched(asked, "opgepakt door het zorgkantoor")) == []
    assert shown(searched(asked, "huurachterstand zeppelin")) == []


@pytest.mark.parametrize(
    "text", ["", " ", "!?%_*", "%", "_____", "\\", "'; --", "—…“”", "\u0301", "🙂", "a b c d", "  %a% "]
)
def test_odd_texts_find_nothing(asked, text):
    """Marks, wildcards and scraps are no words, or words that nothing has."""
    asked.organisations()
    Story(asked).report(1)
    asked.project()
    found = searched(asked, text)
    assert (found["totalCount"], found["edges"]) == (0, [])


@pytest.mark.parametrize(("text", "says"), [
    ("x" * 256, "256 characters are too many"), ("a\0b", "null character"),
    (" ".join(f"woord{n}" for n in range(17)), "17 different words are too many"), ("\ud800", "no Unicode"),
])  # fmt: skip
def test_what_cannot_be_searched_for_is_refused(asked, text, says):
    """Too long a text, too many words and what is no text get one sentence."""
    error = asked.error(SEARCH, text=text)
    assert says in error["message"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert "no cursor" in asked.error(SEARCH, text="zorg", after="bm9wZQ")["message"]


def test_words_are_the_same_here_and_in_the_database(registry_url):
    """The program and the database take texts apart alike, whatever is in them."""
    rng = Random(7)
    letters = "aZ09 -_'%éÉüßøŁñİıçΩжЖ中ـ\u0301\u0308\u200b\u2013…½²\xd7🙂ǅﬁ"
    texts = ["".join(rng.choices(letters, k=rng.randrange(12))) for _ in range(500)]
    with psycopg.connect(registry_url) as connection:
        rows = connection.execute("SELECT t, knelpunt.words(t) FROM unnest(%s::text[]) t", (texts,)).fetchall()
    assert {text: words for text, words in rows} == {text: words_of(text) for text in texts}  # noqa: C416


THEMES = ("schulden", "schuld", "zorg", "jeugd-zorg", "wonen", "inkomen", "stilstand", "school-2")
NAMES = ("Gemeente Utrecht", "Gemeente Súdwest", "Zorgkantoor Noord", "Belastingdienst", "Huis van het Recht", "UWV")
TEXTS = (
    "schulden", "schulde", "schuldn", "zorg", "zorgen", "jeugd zorg", "zorg jeugd", "stilstand", "stilstnd",
    "standstill", "stilstand schulden", "zorg gemeente", "utrecht", "gemeente utrecht", "utrecht gemeente",
    "sudwest", "gemeent zorg", "inkomen", "het inkomen", "income", "income standstill", "school",
    "care school", "de zorg", "de", "the", "huis het", "carousel", "rondje langs organisaties",
    "gemeente inkomen", "uwv", "urn", "urn uwv", "belastingdinest", "unconfirmed", "niet bevestigd",
    "gave up", "2", "utrecht 1", "school 2", "u", "urn org u", "urn org uwv 2 gemeente",
    "stilstand gemeente 1", "zeppelin zorg", "utrecht zorgkantoor standstill",
    "geen antwoord belastingdienst", "nobody's job", "anders", "iets anders", "wonen de",
)  # fmt: skip


def told(seed):
    """A log of machine-made cases, their themes and the names of organisations drawn from few words."""
    rng = Random(seed)
    for event in some_registry(seed, cases=14):
        data = event.data
        if isinstance(data, CaseOpened):
            data = msgspec.structs.replace(data, theme=rng.choice(THEMES), reference=reference_of(event.stream))
        elif isinstance(data, OrganisationRegistered | OrganisationRenamed):
            data = msgspec.structs.replace(data, name=f"{rng.choice(NAMES)} {rng.randrange(3)}")
        yield msgspec.structs.replace(event, data=data)


class Identifier(str):
    """A name that only a beginning of its words finds."""

    __slots__ = ()


class Brute:
    """Compares every word of a text with every word of every thing; PostgreSQL lends its stems and likeness."""

    def __init__(self, url):
        self.connection = psycopg.connect(url, autocommit=True)
        self.stems = {}
        self.alike = {}

    def close(self):
        self.connection.close()

    def lexemes(self, word):
        if word not in self.stems:
            ask = "SELECT ts_lexize('dutch_stem', %(w)s), ts_lexize('english_stem', %(w)s)"
            self.stems[word] = self.connection.execute(ask, {"w": word}).fetchone()
        return self.stems[word]

    def tier(self, word, value):
        """1: it begins a word, or shares a stem with one; 2: it is like a part; none: neither."""
        for other in (spaced := words_of(value)).split():
            if other == word or (other.startswith(word) and len(word) > 1):
                return 1
            if isinstance(value, Identifier):
                continue
            ours, theirs = self.lexemes(word), self.lexemes(other)
            if {one for stems in ours for one in stems} & {one for stems in theirs for one in stems}:
                return 1
        if len(word) > 3 and not isinstance(value, Identifier):
            if (word, spaced) not in self.alike:
                ask = "SELECT %s OPERATOR(knelpunt.<%%) %s"
                answer = self.connection.execute(ask, (word, spaced)).fetchone()
                assert answer is not None
                self.alike[word, spaced] = answer[0]
            if self.alike[word, spaced]:
                return 2
        return None

    def best(self, word, values):
        return min((tier for value in values if (tier := self.tier(word, value))), default=None)

    def rank(self, text, words, own, context):
        """How close a thing is by its own texts, its context narrowing; none if it is not found."""
        tiers = [self.best(word, own) for word in words]
        if not any(tiers) or not all(t or self.best(word, context) for t, word in zip(tiers, words, strict=True)):
            return None
        if words_of(text) in {words_of(value) for value in own}:
            return 0
        return max(tier for tier in tiers if tier)

    def words(self, text):
        every = list(dict.fromkeys(words_of(text).split()))
        return [word for word in every if () not in map(tuple, self.lexemes(word))] or every


ALL = """query A($asOf: DateTime, $knownAt: DateTime) { registry(asOf: $asOf, knownAt: $knownAt) {
  cases(first: 60) { nodes { id theme reference openedAt organisations { identifier } } }
  gaps(first: 200, orderBy: NEWEST) { pageInfo { hasNextPage } nodes { id kind from cases { theme }
    toAct { identifier } involved { identifier } obstacle { harms { harm } } } }
  chains(first: 200) { nodes { obstacle { id reportedAt harms { harm } case { theme } } organisations { identifier } } }
  organisations(first: 200) { nodes { id identifier name } } } }"""


def expected(registry, brute, log, text, times):
    """What a text must find, told from every thing there is: each with its place."""
    as_of, known_at = (datetime.fromisoformat(time) for time in times.values())
    words = brute.words(text)
    past = {}
    streams = {}
    for event in log:
        if isinstance(event.data, OrganisationFact) and event.recorded_at <= known_at:
            streams.setdefault(event.stream, []).append(event)
    for history in streams.values():
        for event, standing, _ in standings_told(history):
            if standing is not None and event.occurred_at <= as_of:
                past.setdefault(standing.organisation, {})[event.occurred_at] = standing.name

    def called(nodes):
        return [
            name
            for node in nodes
            for name in (Identifier(node["identifier"]), *past.get(node["identifier"], {}).values())
        ]

    def in_words(value, say):
        return [value, *(say(value, language) for language in Language)]

    found = []
    for node in registry["organisations"]["nodes"]:
        own = called([node])
        tiers = [brute.best(word, own) for word in words]
        if words and all(tiers):
            exact = words_of(text) in map(words_of, own[1:]) or text == own[0]
            found.append((0 if exact else max(tiers), 0, 0, node["name"], node["id"]))
    for node in registry["cases"]["nodes"]:
        rank = brute.rank(text, words, [node["theme"]], called(node["organisations"]))
        if rank is not None:
            found.append((rank, 1, -moment(node["openedAt"]), "", node["id"]))
    for node in registry["gaps"]["nodes"]:
        harms = {harm["harm"] for harm in node["obstacle"]["harms"]} if node["obstacle"] else set()
        context = [*(case["theme"] for case in node["cases"]), *called(node["toAct"] + node["involved"])]
        context += [word for harm in harms for word in in_words(harm, harm_in_words)]
        rank = brute.rank(text, words, in_words(GapKind(node["kind"]), gap_in_words), context)
        if rank is not None:
            found.append((rank, 2, -moment(node["from"]), "", node["id"]))
    for node in registry["chains"]["nodes"]:
        obstacle = node["obstacle"]
        own = [in_words(Harm(harm), harm_in_words) for harm in {one["harm"] for one in obstacle["harms"]}]
        context = [obstacle["case"]["theme"], *called(node["organisations"]), *(word for one in own for word in one)]
        ranks = [rank for one in own if (rank := brute.rank(text, words, one, context)) is not None]
        if ranks:
            found.append((min(ranks), 3, -moment(obstacle["reportedAt"]), "", obstacle["id"]))
    return found


def moment(text):
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.long) for seed in (11, 12, 15))])
def test_search_equals_comparing_everything(asked, seed):
    """At random pairs of times a text finds what a matcher finds that compares all, in the same order, on any pages."""
    rng = Random(seed)
    log = list(told(seed))
    asked.history(log)
    brute = Brute(asked.url)
    kinds = set()
    try:
        pairs = [{"asOf": log[-1].recorded_at.isoformat(), "knownAt": log[-1].recorded_at.isoformat()}]
        pairs += [{"asOf": rng.choice(log).occurred_at.isoformat(), "knownAt": rng.choice(log).recorded_at.isoformat()}
                  for _ in range(3)]  # fmt: skip
        for times in pairs:
            registry = asked.ask(ALL, **times)["registry"]
            assert not registry["gaps"]["pageInfo"]["hasNextPage"]
            for text in rng.sample(TEXTS, 12):
                wanted = expected(registry, brute, log, text, times)
                whole = searched(asked, text, 200, **times)
                ids = [edge["node"]["id"] for edge in whole["edges"]]
                assert sorted(ids) == sorted(one[-1] for one in wanted), (text, times)
                place = {one[-1]: one[:-1] for one in wanted}
                assert [place[id_] for id_ in ids] == sorted(place.values()), (text, times)
                closeness = [("EXACT", "WORDS", "ALIKE")[place[id_][0]] for id_ in ids]
                assert [edge["closeness"] for edge in whole["edges"]] == closeness
                assert whole["totalCount"] == len(ids)
                kinds |= {edge["field"] for edge in whole["edges"]}
                if len(ids) > 1:
                    size, paged, after = rng.choice((1, 3, 7)) if len(ids) < 20 else 7, [], None
                    while after or not paged:
                        page = searched(asked, text, first=size, after=after, **times)
                        paged += [edge["node"]["id"] for edge in page["edges"]]
                        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
                    assert paged == ids
    finally:
        brute.close()
    assert kinds >= {"THEME", "NAME", "GAP_KIND", "HARM"}


def test_who_reads_for_nobody_finds_organisations_alone(asked):
    """Row security holds: without a principal there is no case, gap or obstacle to be found, whatever it is called."""
    asked.organisations()
    story = Story(asked, theme="gemeente")
    story.report(1, receivedBy=None)
    asked.project()
    query, values = search.page(Moment(datetime.now().astimezone(), LATEST), words_asked("gemeente"), None, 50)
    with connect(asked.url, DatabaseRole.READER) as connection:
        nobody = [search.row(row).field.value for row in connection.execute(query, values)]
        connection.execute("SELECT set_config('knelpunt.principal', '{\"role\": \"AUDITOR\"}', false)")
        somebody = [search.row(row).field.value for row in connection.execute(query, values)]
    assert nobody == ["NAME"]
    assert somebody == ["THEME", "NAME"]
