"""CSV as it is found: each oddity either read for what it is, or reported with its line."""

import gzip
from datetime import UTC, datetime

import pytest

from knelpunt.domain.vocabulary import Precision
from knelpunt.infra.importing.errors import ImportRefusedError
from knelpunt.infra.importing.mapping import CsvForm, Times

HEADER = "case,activity,time,who\n"
ROW = "c1,Intake,2024-01-01T10:00:00Z,Loket\n"


def organisations(collected):
    return {c.data.name for c in collected.commands.values() if type(c.data).__name__ == "OrganisationRegistered"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(import_bytes, collected, delimiter):
    """Each of the four delimiters is recognised by the columns that it makes."""
    report = import_bytes((HEADER + ROW).replace(",", delimiter))
    assert (report.cases, report.rows_rejected) == (1, 0)


def test_a_delimiter_in_the_names_of_columns_does_not_mislead(import_bytes, mapping_of):
    """A header with more commas than semicolons is still split where the mapping's columns appear."""
    report = import_bytes("case;activity;time;who;a,b,c,d,e,f\nc1;Intake;2024-01-01;Loket;x\n")
    assert (report.cases, report.rows_rejected) == (1, 0)


def test_a_delimiter_of_the_mapping_is_taken(import_bytes, mapping_of):
    """Any one character may be the delimiter if the mapping says so."""
    report = import_bytes((HEADER + ROW).replace(",", "^"), mapping=mapping_of(csv=CsvForm(delimiter="^")))
    assert report.cases == 1


def test_the_line_by_which_excel_names_the_delimiter(import_bytes):
    """A first line sep=; is no header."""
    report = import_bytes("sep=;\r\n" + (HEADER + ROW).replace(",", ";"))
    assert (report.cases, report.rows_rejected) == (1, 0)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(import_bytes, collected, end):
    """LF, CRLF and CR alone end lines, and lines are counted the same."""
    text = HEADER + ROW + "c2,Intake,never,Loket\n" + "\n" + ROW.replace("c1", "c3")
    report = import_bytes(text.replace("\n", end))
    assert (report.cases, report.rows_read) == (2, 3)
    assert [rejection.line for rejection in report.rejections] == [3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings_are_found_out(import_bytes, collected, encoding):
    """UTF-8 with or without a mark, Windows-1252 and UTF-16 with one all give the same names."""
    import_bytes((HEADER + ROW.replace("Loket", "Coördinatie € één")).encode(encoding))
    assert organisations(collected) == {"log", "Coördinatie € één"}


def test_windows_1252_is_recognised_late_in_a_file(import_bytes, collected):
    """One byte far into the file that is not UTF-8 decides how all of it is read."""
    header, row = (line.rstrip("\n") + f",{note}\n" for line, note in ((HEADER, "note"), (ROW, "x" * 600)))
    rows = "".join(row.replace("c1", f"c{number}") for number in range(2_000))
    import_bytes((header + rows + row.replace("Loket", "Coördinatie")).encode("cp1252"))
    assert organisations(collected) == {"log", "Loket", "Coördinatie"}


def test_an_encoding_of_the_mapping_is_taken_at_its_word(import_bytes, collected, mapping_of):
    """A named encoding is used, and a file that does not fit it is refused rather than guessed at."""
    text = HEADER + ROW.replace("Loket", "Koordinační")
    import_bytes(text.encode("iso-8859-2"), mapping=mapping_of(csv=CsvForm(encoding="iso-8859-2")))
    assert "Koordinační" in organisations(collected)
    with pytest.raises(ImportRefusedError, match="the text is not UTF-8"):
        import_bytes(text.encode("iso-8859-2"), mapping=mapping_of(csv=CsvForm(encoding="utf-8")))


def test_bytes_of_no_known_encoding_are_refused(import_bytes, collected):
    """What is neither UTF-8 nor Windows-1252 is refused with what to do."""
    with pytest.raises(ImportRefusedError, match="neither UTF-8 nor Windows-1252; say its encoding"):
        import_bytes((HEADER + ROW).encode() + b"\x81\x8d")
    assert not collected.commands


@pytest.mark.parametrize(
    ("written", "moment", "precision"),
    [
        ("2024-03-01T09:30:00+01:00", datetime(2024, 3, 1, 8, 30, tzinfo=UTC), Precision.SECOND),
        ("2024-03-01 09:30:00.250000-05:00", datetime(2024, 3, 1, 14, 30, 0, 250000, tzinfo=UTC), Precision.SECOND),
        ("2024-03-01T09:30Z", datetime(2024, 3, 1, 9, 30, tzinfo=UTC), Precision.SECOND),
        ("2024-03-01 09:30:00 +0100", datetime(2024, 3, 1, 8, 30, tzinfo=UTC), Precision.SECOND),
        ("2024-03-01 09:30:00 UTC", datetime(2024, 3, 1, 9, 30, tzinfo=UTC), Precision.SECOND),
        ("2024-03-01T09:30:00.123456789Z", datetime(2024, 3, 1, 9, 30, 0, 123456, tzinfo=UTC), Precision.SECOND),
        ("20240301T093000Z", datetime(2024, 3, 1, 9, 30, tzinfo=UTC), Precision.SECOND),
        ("2024-03-01 09:30", datetime(2024, 3, 1, 8, 30, tzinfo=UTC), Precision.SECOND),
        ("2024-03-01", datetime(2024, 2, 29, 23, tzinfo=UTC), Precision.DAY),
        (" 2024-03-01 ", datetime(2024, 2, 29, 23, tzinfo=UTC), Precision.DAY),
        ("2024-03", datetime(2024, 2, 29, 23, tzinfo=UTC), Precision.MONTH),
    ],
)
def test_moments(import_bytes, collected, mapping_of, written, moment, precision):
    """Offsets are each row's own, moments without one are in the mapping's zone, and days stay days."""
    report = import_bytes(f"{HEADER}c1,Intake,{written},Loket\n", mapping=mapping_of(times=Times("Europe/Amsterdam")))
    assert report.rows_rejected == 0
    assert {(c.occurred_at, c.precision) for c in collected.commands.values() if hasattr(c.data, "obstacle")} == {
        (moment, precision)
    }


def test_mixed_offsets_are_put_in_order(import_bytes, collected):
    """Rows of one case with different offsets come in the order in which they happened."""
    import_bytes(
        HEADER + "c1,A,2024-01-01T10:00:00+02:00,X\nc1,B,2024-01-01T08:30:00Z,Y\nc1,C,2024-01-01T03:15-05:00,Z\n"
    )
    reported = [c for c in collected.commands.values() if type(c.data).__name__ == "ObstacleReported"]
    assert [c.data.received_by for c in reported] == ["urn:knelpunt:log:X"]
    offered = [c.data.to for c in collected.commands.values() if type(c.data).__name__ == "HandoffOffered"]
    assert offered == ["urn:knelpunt:log:Z", "urn:knelpunt:log:Y"]


@pytest.mark.parametrize(
    ("form", "written", "precision"),
    [("%d-%m-%Y %H:%M", "31-12-2023 23:30", Precision.SECOND), ("%d/%m/%Y", "31/12/2023", Precision.DAY)],
)
def test_moments_of_another_form(import_bytes, collected, mapping_of, form, written, precision):
    """A format in the mapping reads moments that are not ISO 8601; one without hours gives days."""
    report = import_bytes(f"{HEADER}c1,Intake,{written},Loket\n", mapping=mapping_of(times=Times(format=form)))
    assert report.cases == 1
    assert {c.precision for c in collected.commands.values() if c.stream and hasattr(c.data, "obstacle")} == {precision}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("c1,Intake,2024-01-01", "the row has 3 fields and the header 4"),
        ("c1,Intake,2024-01-01,Loket,meer", "the row has 5 fields and the header 4"),
        ("c1,Intake,gisteren,Loket", "'gisteren' is no moment of the form ISO 8601"),
        ("c1,Intake,01-02-2024,Loket", "'01-02-2024' is no moment of the form ISO 8601"),
        ("c1,Intake,,Loket", "there is no moment in 'time'"),
        ("c1,Intake,2024-02-30,Loket", "'2024-02-30' is no moment"),
        ("c1,Intake,2024-06-02,Loket", "'2024-06-02' lies in the future"),
        ("c1,Intake,0001-01-01T00:00:00+10:00,Loket", "lies outside the years 1 to 9999"),
        (",Intake,2024-01-01,Loket", "there is no case in 'case'"),
        (f"{'c' * 256},Intake,2024-01-01,Loket", "the case in 'case' is longer than 255 characters"),
        ("c1, ,2024-01-01,Loket", "there is no activity in 'activity'"),
        (f"c1,{'a' * 256},2024-01-01,Loket", "the activity in 'activity' is longer"),
        (f"c1,Intake,2024-01-01,{'w' * 201}", "the organisation's name is longer than 200 characters"),
        (f"c1,Intake,2024-01-01,{'é' * 100}", "the organisation's name is too long for an identifier"),
        ("c1,Intake,2024-01-01,Lo\x00ket", "holds a character that cannot be printed"),
        (f"c1,{'a' * 200_000},2024-01-01,Loket", "a field is longer than 131072 characters"),
        (f"c1,{'a,' * 900_000}2024-01-01,Loket", "longer than 1048576 characters"),
        ('c1,"In"take,2024-01-01,Loket', "text follows a closing quotation mark"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported_and_the_others_go_on(import_bytes, collected, row, reason):
    """A bad row is reported with its file, line and reason; the rows before and after it are imported."""
    report = import_bytes(f"{HEADER}{ROW}{row}\n{ROW.replace('c1', 'c9')}")
    assert (report.cases, report.rows_read, report.rows_rejected) == (2, 3, 1)
    (rejection,) = report.rejections
    assert (rejection.file.endswith("log.csv"), rejection.line) == (True, 3)
    assert reason in rejection.reason


def test_line_ends_within_quotation_marks(import_bytes, collected):
    """A quoted field may hold line ends, and the rows after it keep their own line numbers."""
    text = HEADER + 'c1,"Intake\nen\r\nmeer",2024-01-01,Loket\nc2,Intake,never,Loket\n'
    report = import_bytes(text)
    assert report.cases == 1
    assert [rejection.line for rejection in report.rejections] == [5]


def test_a_quotation_mark_left_open_swallows_nothing_silently(import_bytes):
    """Rows lost to an open quotation mark are named by their lines."""
    report = import_bytes(HEADER + ROW + 'c2,Intake,2024-01-01,"Loket\n' + ROW * 3)
    assert report.cases == 1
    (rejection,) = report.rejections
    assert rejection.line == 3
    assert rejection.reason == "a quotation mark is opened and never closed; lines 3 to 6 could not be read"


def test_scattered_rows_of_a_case_come_together(import_bytes, collected):
    """Rows of one case are one case wherever they stand, in order of time, ties in order of the file."""
    report = import_bytes(
        HEADER + "c1,B,2024-01-02,X\nc2,A,2024-01-01,X\nc1,A,2024-01-01,Y\nc2,B,2024-01-01,Z\nc1,C,2024-01-02,W\n"
    )
    assert (report.cases, report.rows_rejected) == (2, 0)
    offers = [(c.data.from_[-1], c.data.to[-1]) for c in collected.commands.values() if hasattr(c.data, "from_")]
    assert offers == [("Y", "X"), ("X", "W"), ("X", "Z")]


def test_columns_that_are_not_there_are_named(import_bytes):
    """A missing column is named together with those that there are; a doubled one is refused too."""
    with pytest.raises(ImportRefusedError, match="no column 'who', which the mapping names for organisation"):
        import_bytes("case,activity,time,org\nc1,A,2024-01-01,X\n")
    with pytest.raises(ImportRefusedError, match="several columns 'who'"):
        import_bytes("case,activity,time,who,who\nc1,A,2024-01-01,X,Y\n")


@pytest.mark.parametrize(("content", "said"), [(b"", "the file is empty"), (b"\n \n", "no line with the names")])
def test_files_with_nothing_in_them(import_bytes, content, said):
    """An empty file and one of blank lines are refused in one sentence."""
    with pytest.raises(ImportRefusedError, match=said):
        import_bytes(content)


def test_a_header_alone_is_an_empty_log(import_bytes, collected):
    """A log without rows has no cases, and is no mistake."""
    report = import_bytes(HEADER)
    assert (report.cases, report.rows_read, report.events_new) == (0, 0, 0)
    assert not collected.commands


def test_a_truncated_gz_imports_nothing(import_bytes, collected):
    """A compressed file that ends too early is refused before anything is recorded."""
    whole = gzip.compress((HEADER + "".join(ROW.replace("c1", f"c{n}") for n in range(5000))).encode())
    for length in (len(whole) // 2, len(whole) - 4, 12):
        with pytest.raises(ImportRefusedError, match="ends too early"):
            import_bytes(whole[:length], "log.csv.gz")
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 0xFF
    with pytest.raises(ImportRefusedError, match="damaged"):
        import_bytes(bytes(damaged), "log.csv.gz")
    assert not collected.commands


def test_what_is_compressed_is_seen_from_the_bytes(import_bytes):
    """A name without .gz on a compressed file, and with it on a plain one, are both read."""
    assert import_bytes(gzip.compress((HEADER + ROW).encode()), "a.csv").cases == 1
    assert import_bytes(HEADER + ROW, "b.csv.gz").cases == 1
