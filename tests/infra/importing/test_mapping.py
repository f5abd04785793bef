"""Mapping files: what they may say, and the one sentence for each that says something else."""

import pytest

from knelpunt.infra.importing.errors import ImportRefusedError
from knelpunt.infra.importing.mapping import ImportRole, read_mapping

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
