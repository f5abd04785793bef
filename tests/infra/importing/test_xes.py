"""XES: what is read of it, and what happens to files that are cut short, hostile or something else."""

import gzip

import pytest

from knelpunt.infra.importing.errors import ImportRefusedError
from knelpunt.infra.importing.grouping import TRACE_ROWS_MAX
from knelpunt.infra.importing.mapping import Columns, Mapping

MAPPING = Mapping("xes", Columns("concept:name", "concept:name", "time:timestamp", "org:group"))


def event(activity: str | None = "Intake", at: str = "2024-01-01T10:00:00.000+01:00", who: str | None = "Loket") -> str:
    parts = (("string", "concept:name", activity), ("date", "time:timestamp", at), ("string", "org:group", who))
    return "<event>" + "".join(f'<{t} key="{k}" value="{v}"/>' for t, k, v in parts if v is not None) + "</event>\n"


def trace(name="c1", *events, more=""):
    return f'<trace>\n<string key="concept:name" value="{name}"/>{more}\n{"".join(events)}</trace>\n'


def log(*traces, namespace=' xmlns="http://www.xes-standard.org/"'):
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0"{namespace}>\n'
    defaults = '<global scope="event"><string key="org:group" value="GLOBAL"/></global>\n'
    return f"{head}{defaults}{''.join(traces)}</log>\n"


@pytest.fixture
def import_xes(import_bytes):
    def run(content, name="log.xes", **options):
        return import_bytes(content, name, MAPPING, **options)

    return run


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://www.xes-standard.org/"'])
def test_traces_with_and_without_a_namespace(import_xes, collected, namespace):
    """XES with the standard's namespace and without one read the same."""
    report = import_xes(
        log(trace("c1", event(), event(who="Sociale Zaken")), trace("c2", event()), namespace=namespace)
    )
    assert (report.cases, report.rows_read, report.rows_rejected) == (2, 3, 0)
    assert collected.counts()["HandoffAccepted"] == 1


def test_compressed(import_xes):
    """A compressed file reads as the plain one."""
    assert import_xes(gzip.compress(log(trace("c1", event())).encode()), "log.xes.gz").cases == 1


def test_an_attribute_of_the_trace_stands_for_its_events(import_xes, collected):
    """An organisation at the trace is that of each event without its own; a global default is not a fact."""
    group = '<string key="org:group" value="Team"/>'
    import_xes(log(trace("c1", event(who=None), event(who="Loket"), more=group), trace("c2", event(who=None))))
    reported = [c.data.received_by for c in collected.commands.values() if hasattr(c.data, "received_by")]
    assert sorted(map(str, reported)) == ["None", "urn:knelpunt:xes:Team"]


def test_the_name_of_a_trace_is_no_activity(import_xes):
    """An event without an activity does not get the name of its trace for one."""
    report = import_xes(log(trace("c1", event(activity=None), event())))
    assert (report.cases, report.rows_read, report.rows_rejected) == (1, 2, 1)
    assert report.rejections[0].reason == "there is no activity in 'concept:name'"


def test_nested_attributes_are_about_other_things(import_xes, collected):
    """Attributes within attributes are not the event's own."""
    nested = '<event><string key="concept:name" value="A"><string key="org:group" value="Inner"/></string>'
    nested += '<date key="time:timestamp" value="2024-01-01T10:00:00Z"/></event>'
    report = import_xes(log(trace("c1", nested), trace("c2", event())))
    assert report.cases == 2
    reported = [c.data.received_by for c in collected.commands.values() if hasattr(c.data, "received_by")]
    assert reported == [None, "urn:knelpunt:xes:Loket"]


def test_rejected_events_have_their_line(import_xes):
    """An event that cannot be read is reported with the line that it begins on, also far into a file."""
    filler = "".join(trace(f"f{n}", event()) for n in range(4_000))
    report = import_xes(log(filler, trace("c1", event(), event(at="soon"))))
    (rejection,) = report.rejections
    assert rejection.line == 3 + 4_000 * 4 + 4
    assert "'soon' is no moment" in rejection.reason
    assert report.cases == 4_001


def test_events_without_a_case_are_reported_each(import_xes):
    """A trace without a name, and an event outside of any trace, cannot be imported."""
    nameless = f"<trace>{event()}{event()}</trace>"
    report = import_xes(log(nameless, event(), trace("c1", event())))
    assert (report.cases, report.rows_read, report.rows_rejected) == (1, 4, 3)
    assert [r.reason for r in report.rejections] == [
        *["there is no case in 'concept:name'"] * 2,
        "the event stands in no trace",
    ]


def test_two_traces_of_one_name_are_one_case(import_xes, collected):
    """A case that was written in two pieces is put together, in order of time."""
    later, earlier = event(at="2024-01-02T00:00:00Z", who="B"), event(at="2024-01-01T00:00:00Z", who="A")
    report = import_xes(log(trace("c1", later), trace("c1", earlier)))
    assert report.cases == 1
    assert collected.counts()["HandoffOffered"] == 1


def test_malformed_and_cut_short(import_xes, collected):
    """XML that breaks off or is not well-formed is refused with its line, and nothing is recorded."""
    whole = log(*(trace(f"c{n}", event()) for n in range(3000)))
    with pytest.raises(ImportRefusedError, match=r"log\.xes, line 6\d\d\d: the XML is malformed or cut short"):
        import_xes(whole[: len(whole) // 2])
    with pytest.raises(ImportRefusedError, match=r"line 8: the XML is malformed"):
        import_xes(log(trace("c1", event()), "<trace></log>").replace("</log>\n", "", 1))
    with pytest.raises(ImportRefusedError, match="ends too early"):
        import_xes(gzip.compress(whole.encode())[:-200], "log.xes.gz")
    with pytest.raises(ImportRefusedError, match="the file is empty"):
        import_xes(b"")
    with pytest.raises(ImportRefusedError, match="line 1: the XML is malformed"):
        import_xes(b"case,activity\n")
    assert not collected.commands


def test_other_xml_is_refused(import_xes):
    """XML that is no XES is named as what it is."""
    with pytest.raises(ImportRefusedError, match="its outermost element is 'html', not 'log'"):
        import_xes("<html><body/></html>")


def test_entities_are_neither_expanded_nor_fetched(import_xes, collected, tmp_path):
    """A file that declares entities, of files or exploding ones, is refused and leads to nothing."""
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    declared = f'<!DOCTYPE log [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    with pytest.raises(ImportRefusedError, match="DOCTYPE"):
        import_xes(log(trace("c1", event())).replace("<log", declared + "<log", 1))
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE log [<!ENTITY a0 "aaaaaaaaaa">{lines}]>'
    with pytest.raises(ImportRefusedError, match="DOCTYPE"):
        import_xes(log(trace("c1", event(activity="&a9;"))).replace("<log", bomb + "<log", 1))
    assert not collected.commands


def test_a_trace_without_end_is_refused_and_counted(import_xes, collected):
    """A trace longer than the limit is refused whole, all of its events are counted, and others are imported."""
    long = trace("long", event() * (TRACE_ROWS_MAX + 10))
    report = import_xes(log(long, trace("c1", event())))
    assert (report.cases, report.rows_read) == (1, TRACE_ROWS_MAX + 11)
    assert report.rows_rejected == TRACE_ROWS_MAX + 10
    assert any("tell cases apart" in rejection.reason for rejection in report.rejections)


def test_a_huge_attribute_is_refused_not_swallowed(import_xes):
    """An organisation of a megabyte is a rejected event; an attribute beyond the parser's limit a refused file."""
    report = import_xes(log(trace("c1", event(who="w" * 1_000_000), event())))
    assert (report.cases, report.rows_rejected) == (1, 1)
    with pytest.raises(ImportRefusedError, match="an element is longer"):
        import_xes(log(trace("c1", event(who="w" * 11_000_000))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_declared_encodings(import_xes, collected, encoding):
    """A file is read in the encoding that it declares."""
    text = log(trace("c1", event(who="Coördinatie"))).replace("UTF-8", encoding)
    assert import_xes(text.encode(encoding)).cases == 1
    assert "urn:knelpunt:xes:Co%C3%B6rdinatie" in {
        getattr(c.data, "received_by", "") for c in collected.commands.values()
    }


@pytest.mark.parametrize("encoding", ["klingon", "shift_jis", "base64", "utf-7"])
def test_encodings_that_cannot_be_read(import_xes, encoding):
    """A file in an encoding that the parser does not know is refused with what to do."""
    with pytest.raises(ImportRefusedError, match="cannot be read; convert it to UTF-8"):
        import_xes(log(trace("c1", event())).replace("UTF-8", encoding))


@pytest.mark.parametrize("key", ["time:timestamp", "org:group"])
def test_attributes_that_are_nowhere_are_named(import_xes, collected, key):
    """A log without a mapped attribute anywhere is refused, as a CSV file without the column is."""
    with pytest.raises(ImportRefusedError, match=f"has an attribute '{key}', which the mapping names for"):
        import_xes(log(trace("c1", event())).replace(key, "other").replace("GLOBAL", "x"))
    assert not collected.commands
