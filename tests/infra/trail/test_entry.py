"""Log entries: golden vectors, what they hold and leave out, and how large they get."""

import base64
import json
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from infra.trail.plain_entry import plain_entry
from knelpunt.domain import topics
from knelpunt.infra.store import codec
from knelpunt.infra.trail import entry as module
from knelpunt.infra.trail.entry import ENTRY_BYTES_MAX, EntryError, entry, fits

STATES = Path(__file__).parents[2] / "domain" / "golden"
ENTRIES = Path(__file__).parent / "golden"

STREAM = UUID("d1b41618-7d89-59de-92d8-52a8b1ff0261")
FIRST = datetime(2024, 1, 1, 8, 30, tzinfo=UTC)
SUBJECT = "7d32cd5c-e176-5e85-ae6f-7e1586e6ddd4"
FILES = sorted(STATES.glob("*.json"))


def published(path: Path) -> bytes:
    """The entry that was published for a stored event."""
    return (ENTRIES / path.name.replace(".json", ".entry.json")).read_bytes()


def columns(path: Path) -> tuple[Any, ...]:
    """What ``entry`` takes for a stored event; beside its bytes, what its published entry says."""
    columns = json.loads(published(path))
    topic, version = path.name.removesuffix(".json").split(".v")
    recorded_at = datetime.fromisoformat(columns["recorded_at"])
    return columns["position"], recorded_at, STREAM, columns["version"], topic, int(version), path.read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_vectors(path) -> None:
    """Each stored event has exactly the entry that was published for it, for ever."""
    assert entry(*columns(path)) == published(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_entries_are_canonical_and_hold_no_subject(path) -> None:
    """An entry is RFC 8785 JSON by another encoder's judgement, and holds no subject's id, key or ciphertext."""
    made = entry(*columns(path))
    assert made == rfc8785.dumps(json.loads(made))
    stored = json.loads(path.read_bytes())
    assert SUBJECT.encode() not in made
    for text in (value for value in stored["data"].values() if isinstance(value, dict) and "box" in value):
        assert text["key"].encode() not in made
        assert text["box"].encode() not in made
        assert sha256(base64.b64decode(text["box"])).hexdigest().encode() in made
    if stored["actor"]["role"] == "SUBJECT":
        assert stored["actor"]["user"].encode() not in made


def test_no_words() -> None:
    """Entries hold ids, enumerations, numbers and times, and so not a single blank."""
    for path in ENTRIES.glob("*.json"):
        assert not re.search(rb"\s", path.read_bytes()), path.name


def test_every_topic_has_its_line() -> None:
    """The frozen table covers every version of every topic, field for field as it is stored today."""
    for topic, fact in topics.FACTS.items():
        for version in range(1, topics.VERSIONS[topic] + 1):
            assert (topic, version) in module._TABLES
        assert set(module._TABLES[topic, topics.VERSIONS[topic]]) == set(fact.__struct_encode_fields__), topic


def test_an_entry_does_not_follow_the_code(monkeypatch) -> None:
    """An entry comes from the stored bytes: what the program makes of the event today plays no part."""
    path = STATES / "step-taken.v1.json"
    before = published(path)
    monkeypatch.setattr(topics, "FACTS", {})
    monkeypatch.setattr(topics, "VERSIONS", {"step-taken": 9})
    monkeypatch.setattr(codec, "_decoder", lambda *_: None)
    nr, recorded_at, *rest = columns(path)
    assert entry(nr, recorded_at, *rest) == before
    # Nor does the time zone in which the database hands out its columns.
    assert entry(nr, recorded_at.astimezone(timezone(timedelta(hours=2))), *rest) == before


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("subjects", (SUBJECT, SUBJECT), None),
        ("on_word_of", SUBJECT, None),
        ("to", SUBJECT, None),
        ("to", "urn:knelpunt:test:office", "urn:knelpunt:test:office"),
        ("triggered_by", SUBJECT, SUBJECT),  # an obstacle's id, of the same form
        ("released", True, True),
        ("occurred_at", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("told", ("urn:knelpunt:test:office",), ["urn:knelpunt:test:office"]),
    ],
)
def test_a_correction_shows_no_subject(field, value, shown) -> None:
    """The value of a correction is published unless it may be a subject's id."""
    state = json.loads((STATES / "fact-corrected.v1.json").read_bytes())
    state["data"] |= {"field": field, "value": value}
    made = json.loads(entry(1, FIRST, STREAM, 1, "fact-corrected", 1, json.dumps(state).encode()))
    assert made["data"].get("value") == shown


@pytest.mark.parametrize(
    ("topic", "version", "state"),
    [
        ("step-taken", 2, b"{}"),
        ("unknown", 1, b"{}"),
        ("step-taken", 1, b"{}"),
        ("step-taken", 1, b"[]"),
        ("step-taken", 1, b"{"),
    ],
)
def test_what_the_table_does_not_know(topic, version, state) -> None:
    """Bytes of another form than the table's have no entry: nothing unknown is ever published."""
    with pytest.raises(EntryError):
        entry(0, FIRST, STREAM, 1, topic, version, state)


def test_bytes_that_are_no_text() -> None:
    """Bytes that are no UTF-8 have no entry, also where nothing of them would be published."""
    state = (STATES / "case-opened.v1.json").read_bytes()
    assert b'"about":"' in state
    with pytest.raises(EntryError):
        entry(0, FIRST, STREAM, 1, "case-opened", 1, state.replace(b'"about":"', b'"about":"\xff', 1))


@pytest.mark.parametrize("where", ["fact", "event"])
def test_an_unknown_field_is_never_published(where) -> None:
    """A field beyond the frozen table makes an error, in the fact and beside it."""
    state = json.loads((STATES / "step-taken.v1.json").read_bytes())
    (state if where == "event" else state["data"])["remark"] = "mevrouw"
    with pytest.raises(EntryError) as caught:
        entry(0, FIRST, STREAM, 1, "step-taken", 1, json.dumps(state).encode())
    assert "mevrouw" not in str(caught.value)


ODD = (
    *(None, True, 0, -5, "", "SUBJECT", "name", "obstacle", 'é\u2028"\\\n', SUBJECT, [], {}, ["a"], [SUBJECT]),
    *({"b": 1, "a": {"z": [{"y": 1, "x": 2}]}}, {"organisation": "urn:o"}, {"organisation": None, "subject": SUBJECT}),
    *({"box": box} for box in ("QUJD", "QUI=", "QUJ=", "QUJ", " QUJD", "QU-D", "Q===", "é", None, "QUJDQQ==QUJD")),
)
STRANGE = ("entry", "position", "recorded_at", "topic", "remark", "source", "known_to", "data", "field", "value", "box")


@st.composite
def altered(draw: st.DrawFn) -> tuple[Any, ...]:
    """What ``entry`` takes for a stored event of which a few things were put, taken away, turned round or spoilt."""
    path = draw(st.sampled_from(FILES))
    stored = json.loads(path.read_bytes())
    for _ in range(draw(st.integers(0, 3))):
        part = draw(st.sampled_from([one for one in (stored, stored.get("data"), stored.get("actor")) if one]))
        if isinstance(part, dict):
            name = draw(st.sampled_from([*part, *STRANGE]))
            change = draw(st.sampled_from(("put", "put", "drop", "turn")))
            if change == "put":
                part[name] = deepcopy(draw(st.sampled_from(ODD)))
            elif change == "drop":
                part.pop(name, None)
            elif isinstance(part.get(name), dict):
                part[name] = dict(reversed(part[name].items()))
    state = bytearray(
        json.dumps(stored, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 1)))), "utf-8"
    )
    if draw(st.integers(0, 9)) == 0:
        state[draw(st.integers(0, len(state) - 1))] = draw(st.integers(0, 255))
    position, _, *of = columns(path)
    moment = draw(st.datetimes(datetime(1000, 1, 1)) | st.just(FIRST.replace(tzinfo=None)))  # noqa: DTZ001  aware below
    zone = draw(st.sampled_from((UTC, timezone(timedelta(hours=2)))))
    return (
        position,
        (moment.replace(tzinfo=UTC) if moment.year > 9998 else moment.replace(tzinfo=zone)),
        *of[:-1],
        bytes(state),
    )


@given(given_columns=altered())
def test_entries_equal_plain_ones(given_columns) -> None:
    """Of any stored bytes, right or spoilt, the entry is what the table says when it is followed to the letter."""
    expected = plain_entry(*given_columns)
    if expected is None:
        with pytest.raises(EntryError):
            entry(*given_columns)
    else:
        assert entry(*given_columns) == expected


identifiers = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60).map(
    "urn:x:{}".format
)


@given(
    knowers=st.lists(
        st.tuples(
            identifiers,
            st.datetimes(datetime(1900, 1, 1)),  # noqa: DTZ001  made aware below
        ),
        max_size=120,
    ),
    source=st.text(max_size=40),
    name=st.text(min_size=1, max_size=200),
    position=st.integers(0, module.POSITION_MAX),
    version=st.integers(1, 2**31 - 1),
)
def test_entries_of_any_event(knowers, source, name, position, version) -> None:
    """Any entry is canonical; one that was said to fit does; and small bytes never make a large entry."""
    state = msgspec.json.encode(
        {
            "id": uuid4(),
            "at": FIRST,
            "actor": {"organisation": "urn:x:y", "role": "INTAKE", "user": "u"},
            "command": uuid4(),
            "data": {"organisation": "urn:x:y", "name": name},
            "source": source,
            "known_to": [{"organisation": who, "since": since.replace(tzinfo=UTC)} for who, since in knowers],
        }
    )
    made = entry(position, FIRST, STREAM, version, "organisation-renamed", 1, state)
    assert made == rfc8785.dumps(json.loads(made))
    assert len(made) <= len(state) + module._GROWTH_MAX
    if fits(STREAM, version, "organisation-renamed", 1, state):
        assert len(made) <= ENTRY_BYTES_MAX
    else:
        assert len(made) > ENTRY_BYTES_MAX - 32  # the longest position has some digits more than this one
