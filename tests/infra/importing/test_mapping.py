"""Mapping files: what they may say, and the one sentence for each that says something else."""

import pytest

from knelpunt.infra.importing.errors import ImportRefusedError
from knelpunt.infra.importing.mapping import ImportRole, read_mapping
from knelpunt.infra.importing.pipeline import import_file
from knelpunt.infra.importing.places import routes_of

CONTRACT = """
source = "bpi2013"
[columns]
case = "concept:name"
activity = "concept:name"
timestamp = "time:timestamp"
organisation = "org:group"
missing = ["EMPTY"]
[organisations]
"Gemeente" = "00000001234567890000"
[roles]
"Queued-Awaiting Assignment" = "offer"
"Completed-Closed" = "close"
[terms]
respond_by_days = 14
"""


@pytest.fixture
def mapping_file(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "mapping.toml"
        path.write_text(content, encoding=encoding)
        return path

    return write


def test_the_contracts_mapping_is_read(mapping_file):
    """The mapping of the contract is read as it stands there."""
    mapping = read_mapping(mapping_file(CONTRACT))
    assert mapping.roles["Completed-Closed"] is ImportRole.CLOSE
    assert mapping.terms.respond_by_days == 14
    assert mapping.theme == "import"
    assert mapping.identifier_of("EMPTY") is None
    assert mapping.identifier_of("") is None
    assert mapping.identifier_of("Gemeente") == "00000001234567890000"
    assert mapping.identifier_of("Org line A2") == "urn:knelpunt:bpi2013:Org%20line%20A2"
    assert mapping.name_of("00000001234567890000") == "Gemeente"
    assert mapping.name_of("urn:knelpunt:bpi2013:Org%20line%20A2") == "Org line A2"


def test_a_mark_at_the_beginning_is_no_mistake(mapping_file):
    """A mapping saved with a byte order mark is read."""
    assert read_mapping(mapping_file(CONTRACT, "utf-8-sig")).source == "bpi2013"


def test_of_two_values_for_one_organisation_the_first_names_it(mapping_file):
    """The organisation's name does not depend on which value a log has first."""
    two = '[organisations]\n"Eerste" = "urn:x:1"\n"Tweede" = "urn:x:1"\n'
    mapping = read_mapping(mapping_file(CONTRACT.replace('[organisations]\n"Gemeente" = "00000001234567890000"', two)))
    assert mapping.name_of("urn:x:1") == "Eerste"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "bpi2013"', "", "source is missing"),
        ('source = "bpi2013"', 'source = "BPI 2013"', "source must be 1 to 64 lower-case letters"),
        ('source = "bpi2013"', 'source = "api"', 'source may not be "api"'),
        ('source = "bpi2013"', "source = 2013", "source must be"),
        ('source = "bpi2013"', 'source = "x"\ntheme = "Een thema"', "theme must be"),
        ('source = "bpi2013"', 'source = "x"\nsuorce = "y"', "suorce is no key of a mapping"),
        ('case = "concept:name"', "", "[columns] case is missing"),
        ('case = "concept:name"', 'case = ""', "[columns] case must be a column's name"),
        ('case = "concept:name"', 'case = "a"\ncaes = "b"', "[columns] caes is no key of a mapping"),
        ('["EMPTY"]', '"EMPTY"', "[columns] missing must be a list of texts"),
        ('["EMPTY"]', '["EMPTY", 3]', "[columns] missing must be a list of texts"),
        ('"offer"', '"offers"', '[roles] "Queued-Awaiting Assignment" must be one of work, offer, accept'),
        ('"00000001234567890000"', '"123"', '[organisations] "Gemeente" must be an OIN'),
        ("respond_by_days = 14", "respond_by_days = -1", "[terms] respond_by_days must be a whole number of days"),
        ("respond_by_days = 14", 'respond_by_days = "14"', "[terms] respond_by_days must be a whole number of days"),
        ('"org:group"', '"time:timestamp"', "must be different columns"),
        ("[terms]", '[csv]\ndelimiter = ";;"\n[terms]', "[csv] delimiter must be one character"),
        ("[terms]", '[csv]\nencoding = "klingon"\n[terms]', "[csv] encoding: there is no encoding 'klingon'"),
        ("[terms]", '[times]\ntimezone = "Mars/Olympus"\n[terms]', "there is no time zone 'Mars/Olympus'"),
        ("[terms]", '[times]\ntimezone = "../etc/passwd"\n[terms]', "there is no time zone"),
        ("[roles]", "[roles", "is not TOML"),
        ("[terms]\nrespond_by_days = 14", "terms = 4", "must be"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(mapping_file, old, new, said):
    """Each mistake is refused with the file, the key and what the key needs, on one line."""
    assert old in CONTRACT
    path = mapping_file(CONTRACT.replace(old, new, 1))
    with pytest.raises(ImportRefusedError) as refused:
        read_mapping(path)
    sentence = str(refused.value)
    assert sentence.startswith(f"{path}: ")
    assert said in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_files_that_are_no_mapping(tmp_path):
    """A missing file, a folder, another encoding and a huge file each get a sentence."""
    latin = tmp_path / "latin.toml"
    latin.write_bytes('source = "é"'.encode("cp1252"))
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (2 << 20))
    for path, said in (
        (tmp_path / "none.toml", "No such file"),
        (tmp_path, "Is a directory"),
        (latin, "UTF-8"),
        (huge, "at most"),
    ):
        with pytest.raises(ImportRefusedError, match=said):
            read_mapping(path)


OBJECTS = """
source = "jeugd"
[columns]
case = ["Zaak", { type = "Zaak", qualifier = "bevat", inverse = true, via = "Hulpvraag" }]
obstacle = "Hulpvraag"
organisation = { type = "Afdeling", attribute = "naam", via = { type = "Medewerker", qualifier = "door" } }
"""


def test_a_mapping_of_objects_is_read(mapping_file):
    """Places of an OCEL log are read as routes, that from the event first."""
    columns = read_mapping(mapping_file(OBJECTS)).columns
    assert [[step.type for step in route] for route in routes_of(columns.case)] == [["Zaak"], ["Hulpvraag", "Zaak"]]
    assert [[step.type for step in route] for route in routes_of(columns.organisation)] == [["Medewerker", "Afdeling"]]
    assert (columns.activity, columns.timestamp) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('obstacle = "Hulpvraag"', "obstacle = 3", "[columns] obstacle must be a column's name or, for an OCEL log,"),
        ('obstacle = "Hulpvraag"', "obstacle = []", "[columns] obstacle: a place has at least one route"),
        ('obstacle = "Hulpvraag"', "obstacle = {}", "[columns] obstacle: a type is missing"),
        ('obstacle = "Hulpvraag"', 'obstacle = { type = "A", inverse = true }', "inverse needs a via"),
        ('obstacle = "Hulpvraag"', 'obstacle = { attribute = "A", qualifier = "b" }', "a type is missing"),
        ('obstacle = "Hulpvraag"', 'obstacle = { attribute = "A", via = "B" }', "a type is missing"),
        ('obstacle = "Hulpvraag"', 'obstacle = { type = "A", via = { qualifier = "b" } }', "a type is missing"),
        (
            'obstacle = "Hulpvraag"',
            'obstacle = { type = "A", via = { type = "B", attribute = "c" } }',
            "a via is an object, and cannot be an attribute",
        ),
        ("inverse = true", 'inverse = "ja"', "[columns] case must be a column's name or"),
        ("inverse = true", "invers = true", "invers is no key of a mapping"),
        ('obstacle = "Hulpvraag"', "obstacle = " + '{ type = "A", via = ' * 9 + '"B"' + "}" * 9, "at most 8 steps"),
        ("organisation =", "organisatie =", "organisatie is no key of a mapping"),
    ],
)
def test_a_mistake_in_a_place_is_one_sentence(mapping_file, old, new, said):
    """Each is refused with the file, the key and what it needs, on one line."""
    assert old in OBJECTS
    path = mapping_file(OBJECTS.replace(old, new, 1))
    with pytest.raises(ImportRefusedError) as refused:
        read_mapping(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_mapping_for_another_kind_of_log_is_refused(mapping_file, tmp_path, collected):
    """A mapping of objects says what a log of rows lacks, and which key does not go with one."""
    log = tmp_path / "log.csv"
    log.write_text("a,b\n")
    for text, said in (
        (OBJECTS, "needs the name of a column for case, and the mapping names objects for it"),
        (CONTRACT.replace('activity = "concept:name"', ""), "for activity, and the mapping does not say it"),
        (CONTRACT.replace("missing =", 'obstacle = "x"\nmissing ='), "obstacle is for OCEL logs"),
    ):
        with pytest.raises(ImportRefusedError, match=said):
            import_file(log, read_mapping(mapping_file(text)), collected)
