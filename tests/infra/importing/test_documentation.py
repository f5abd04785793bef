"""What docs/importing.md says is so: its example is the file beside it and does what the text tells."""

from pathlib import Path

from infra.importing.ocel_logs import REFERENCE, as_json
from knelpunt.infra.importing.mapping import read_mapping
from knelpunt.infra.importing.pipeline import import_file

DOCS = Path(__file__).parents[3] / "docs"


def test_the_mapping_in_the_text_is_the_mapping_in_the_file():
    """The text shows the examples' mappings to the letter."""
    text = (DOCS / "importing.md").read_text(encoding="utf-8")
    shown = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    files = [(DOCS / "examples" / name).read_text(encoding="utf-8") for name in ("helpdesk.toml", "jeugd.toml")]
    assert shown == files


def test_the_example_of_objects_is_the_reference(collected):
    """The OCEL example is the log of the tests, so that it is known to be the same in all three formats."""
    example = DOCS / "examples" / "jeugd.json"
    assert example.read_text(encoding="utf-8") == as_json(REFERENCE)
    report = import_file(example, read_mapping(DOCS / "examples" / "jeugd.toml"), collected)
    assert (report.cases, report.rows_read, report.rows_rejected, report.parts_left_out) == (2, 10, 0, 0)


def test_the_example_does_what_the_text_says(collected):
    """The example's cases, refusal, taking and closing come out as told, none rejected."""
    mapping = read_mapping(DOCS / "examples" / "helpdesk.toml")
    report = import_file(DOCS / "examples" / "helpdesk.csv", mapping, collected)
    counts = collected.counts()
    about_cases = report.events_new - counts.pop("OrganisationRegistered")
    assert (report.cases, report.rows_read, report.rows_rejected, about_cases) == (2, 7, 0, 15)
    assert counts == {
        "CaseOpened": 2,
        "ObstacleReported": 2,
        "StepTaken": 4,
        "HandoffOffered": 2,
        "HandoffAccepted": 1,
        "HandoffRefused": 1,
        "CustodyTaken": 1,
        "ObstacleResolved": 1,
        "CaseClosed": 1,
    }


def test_the_text_names_every_key():
    """No key of a mapping goes unmentioned."""
    import msgspec

    from knelpunt.infra.importing.mapping import Columns, CsvForm, Mapping, Terms, Times, ToldColumns
    from knelpunt.infra.importing.places import Step

    text = (DOCS / "importing.md").read_text(encoding="utf-8")
    for table in (Mapping, Columns, CsvForm, Terms, Times, ToldColumns, Step):
        for field in msgspec.structs.fields(table):
            assert f"`{field.name}`" in text or f"`[{field.name}]`" in text, field.name
