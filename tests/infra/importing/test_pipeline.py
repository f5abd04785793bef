"""A whole import: what is counted, what strict means, and that a part and then the whole is the whole."""

import gzip

import pytest

from knelpunt.infra.importing import grouping, pipeline
from knelpunt.infra.importing.errors import ImportRefusedError
from knelpunt.infra.importing.grouping import CaseGroups
from knelpunt.infra.importing.mapping import ImportRole, Mapping
from knelpunt.infra.importing.pipeline import Stage, import_file

from .real_logs import PROBLEMS, PROBLEMS_MAPPING, RECEIPT, RECEIPT_MAPPING, cut_between_and_inside, problems, receipt

HEADER = "case,activity,time,who\n"


@receipt
def test_the_receipt_log_counts(collected):
    """The permits log gives the numbers that were counted independently of this project."""
    report = import_file(RECEIPT, RECEIPT_MAPPING, collected)
    assert (report.cases, report.rows_read, report.rows_rejected) == (1434, 8577, 0)
    counts = collected.counts()
    assert (counts["HandoffOffered"], counts["HandoffAccepted"], counts["CustodyTaken"]) == (3853, 3853, 1050)


@problems
def test_the_problems_log_counts(collected):
    """The problems log gives its handoffs when all activities are work."""
    report = import_file(PROBLEMS, PROBLEMS_MAPPING, collected)
    assert (report.cases, report.rows_read, report.rows_rejected) == (1487, 6660, 0)
    counts = collected.counts()
    assert (counts["HandoffOffered"], counts["HandoffAccepted"]) == (220, 220)


@problems
def test_the_problems_log_counts_with_roles(collected):
    """With queueing as offer and closing as close, it gives its resolutions and reopenings."""
    roles = {"Queued-Awaiting Assignment": ImportRole.OFFER, "Completed-Closed": ImportRole.CLOSE}
    mapping = Mapping("bpi2013", PROBLEMS_MAPPING.columns, roles=roles)
    import_file(PROBLEMS, mapping, collected)
    counts = collected.counts()
    assert (counts["ObstacleResolved"], counts["ObstacleReopened"]) == (1565, 78)


@receipt
def test_a_part_and_then_the_whole_is_the_whole(collected, tmp_path):
    """What was imported in two goes has the same commands, each case's in the same order, as in one go."""
    text = gzip.decompress(RECEIPT.read_bytes()).decode()
    part = tmp_path / "part.csv"
    part.write_text(cut_between_and_inside(text), encoding="utf-8")
    whole = type(collected)()
    import_file(RECEIPT, RECEIPT_MAPPING, whole)

    first = import_file(part, RECEIPT_MAPPING, collected)
    second = import_file(RECEIPT, RECEIPT_MAPPING, collected)
    again = import_file(RECEIPT, RECEIPT_MAPPING, collected)

    assert 0 < first.events_new < second.events_new + second.events_present
    assert second.events_present == first.events_new
    assert first.events_new + second.events_new == len(whole.commands)
    assert (again.events_new, again.events_present) == (0, len(whole.commands))
    assert collected.commands == whole.commands

    def by_case(sink):
        cases: dict = {}
        for command in sink.commands.values():
            cases.setdefault(command.stream, []).append(command)
        return cases

    assert by_case(collected) == by_case(whole)


def test_strict_writes_nothing_if_a_row_is_rejected(import_bytes, collected):
    """One bad row at the very end of a strict import leaves the registry as it was."""
    text = HEADER + "c1,A,2024-01-01,X\nc2,A,2024-01-01,X\nc3,A,soon,X\n"
    report = import_bytes(text, strict=True)
    assert (report.cases, report.events_new, report.rows_rejected) == (0, 0, 1)
    assert not collected.commands
    assert import_bytes(text.replace("soon", "2024-01-03"), strict=True).cases == 3


def test_strict_counts_what_only_a_whole_case_shows(import_bytes, collected, monkeypatch):
    """A case that is too long is found before the first case is written, and reported once."""
    monkeypatch.setattr(grouping, "TRACE_ROWS_MAX", 3)
    text = HEADER + "a,A,2024-01-01,X\n" + "b,A,2024-01-01,X\n" * 5
    report = import_bytes(text, strict=True)
    assert (report.cases, report.rows_rejected, len(report.rejections)) == (0, 5, 1)
    assert (report.rejections[0].line, report.rejections[0].reason) == (
        3,
        "case 'b': it has more than 3 rows: does 'case' tell cases apart?",
    )
    assert not collected.commands


def test_rejections_are_listed_up_to_a_limit_and_all_counted(import_bytes, monkeypatch):
    """A file of bad rows gives a report of bounded length with the right count."""
    report = import_bytes(HEADER + "c1,A,soon,X\n" * 5000)
    assert (report.rows_rejected, len(report.rejections)) == (5000, pipeline.REJECTIONS_SHOWN_MAX)


def test_chunks_hold_whole_cases_and_begin_with_organisations(import_bytes, collected, monkeypatch):
    """No case is spread over two chunks, and each organisation is registered before a case names it."""
    monkeypatch.setattr(pipeline, "CHUNK_COMMANDS", 10)
    import_bytes(HEADER + "".join(f"c{n // 3:02},A,2024-01-0{n % 3 + 1},o{n % 5}\n" for n in range(60)))
    assert len(collected.chunks) > 3
    known: set[str] = set()
    seen: set = set()
    commands = iter(collected.commands.values())
    for size in collected.chunks:
        streams = set()
        for command in (next(commands) for _ in range(size)):
            if type(command.data).__name__ == "OrganisationRegistered":
                known.add(command.data.organisation)
            else:
                streams.add(command.stream)
                assert command.actor.organisation in known
        assert not streams & seen
        seen |= streams


def test_names_that_say_nothing_are_refused(import_bytes):
    """A file is read by its name, and one whose name says nothing is refused with what can be read."""
    for name in ("log.txt", "log", "log.gz", ".csv"):
        with pytest.raises(ImportRefusedError, match=r"logs are \.xes, \.csv, \.json, .*; texts also with \.gz"):
            import_bytes(HEADER, name)
    assert import_bytes(HEADER + "c1,A,2024-01-01,X\n", "LOG.2024.CSV").cases == 1


def test_files_that_are_not_there(tmp_path, collected, mapping_of):
    """A missing file and a folder each get a sentence."""
    (tmp_path / "folder.csv").mkdir()
    for name, said in (("none.csv", "No such file"), ("folder.csv", "Is a directory")):
        with pytest.raises(ImportRefusedError, match=said):
            import_file(tmp_path / name, mapping_of(), collected)


def test_progress_goes_from_nothing_to_all(import_bytes):
    """Progress is told for reading, checking and writing, never backwards, and ends at the whole."""
    told: dict[Stage, list[tuple[int, int]]] = {}
    text = HEADER + "".join(f"c{n},A,2024-01-01,X\n" for n in range(5_000))
    import_bytes(
        text, strict=True, progress=lambda stage, done, total: told.setdefault(stage, []).append((done, total))
    )
    assert list(told) == [Stage.READING, Stage.CHECKING, Stage.WRITING]
    for steps in told.values():
        assert steps == sorted(steps)
        assert steps[-1][0] == steps[-1][1] > 0


def test_what_does_not_fit_in_memory_comes_out_the_same(mapping_of):
    """Groups that were spilled to disk yield the same as groups in memory, however often asked."""
    from datetime import UTC, datetime, timedelta

    from knelpunt.domain.vocabulary import Precision
    from knelpunt.infra.importing.rows import LogRow

    begin = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        (
            f"c{number * 7919 % 101}",
            LogRow(begin + timedelta(hours=number * 31 % 17), f"a{number}", None, number, Precision.DAY),
        )
        for number in range(2000)
    ]
    with CaseGroups() as memory, CaseGroups(rows_max=64) as spilled:
        for case, row in rows:
            memory.add(case, row)
            spilled.add(case, row)
        expected = list(memory.traces())
        assert len(expected) == 101
        assert list(spilled.traces()) == expected
        assert list(spilled.traces()) == expected
        assert memory.rows == spilled.rows == 2000
