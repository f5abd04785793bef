"""Events as bytes: golden files of every version ever written, and how older ones are read."""

from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import msgspec
import pytest

from infra.store.given import CLERK, event
from knelpunt.domain import topics
from knelpunt.domain.case.facts import StepTaken
from knelpunt.domain.event import Event
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import StepKind
from knelpunt.infra.store import codec
from knelpunt.infra.store.codec import Row, UnreadableEvent, decode, encode

GOLDEN = Path(__file__).parents[2] / "domain" / "golden"
STREAM = UUID("d1b41618-7d89-59de-92d8-52a8b1ff0261")
RECORDED = datetime(2024, 6, 1, tzinfo=UTC)

FILES = sorted(GOLDEN.glob("*.json"))


def row(topic: str, version: int, state: bytes) -> Row:
    return Row(7, STREAM, 3, topic, version, RECORDED, state)


def golden(path: Path) -> tuple[str, int, bytes]:
    topic, version = path.name.removesuffix(".json").split(".v")
    return topic, int(version), path.read_bytes()


def test_every_version_has_a_golden_file() -> None:
    """There is a file for each version of each topic up to today's, and for nothing else."""
    wanted = {f"{topic}.v{v}.json" for topic, last in topics.VERSIONS.items() for v in range(1, last + 1)}
    assert {path.name for path in FILES} == wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_golden_files_are_read(path) -> None:
    """Every version ever written is read as an event of today; today's is written again byte for byte."""
    topic, version, state = golden(path)
    found = decode(row(topic, version, state))
    assert isinstance(found.data, topics.FACTS[topic])
    assert (found.stream, found.version, found.position, found.recorded_at) == (STREAM, 3, 7, RECORDED)
    stored = msgspec.json.decode(state)
    assert (str(found.id), str(found.command_id)) == (stored["id"], stored["command"])
    if version == topics.VERSIONS[topic]:
        assert encode(found) == state
        # A golden file says something about every field, or a change of one would go unnoticed.
        either = {"event"} if topic == "account-given" else set()  # it is about an event or a gap
        assert set(stored["data"]) >= set(found.data.__struct_encode_fields__) - either


def test_an_older_version_is_lifted(monkeypatch) -> None:
    """An event of an older version is read through its upcasters, one step after the other."""
    monkeypatch.setattr(topics, "VERSIONS", MappingProxyType({**topics.VERSIONS, "step-taken": 3}))
    steps = {
        ("step-taken", 1): lambda fact: {("organisation" if k == "agency" else k): v for k, v in fact.items()},
        ("step-taken", 2): lambda fact: {**fact, "kind": fact["kind"].upper()},
    }
    monkeypatch.setattr(topics, "UPCASTERS", MappingProxyType(steps))
    monkeypatch.setattr(codec, "_decoder", lambda *_: None)
    today = event(STREAM, 3)
    assert isinstance(today.data, StepTaken)
    old = encode(today).replace(b"LETTER", b"letter")
    # Only the fact's own organisation had another name then; the actor's comes before it.
    head, _, tail = old.rpartition(b'"organisation"')
    found = decode(row("step-taken", 1, head + b'"agency"' + tail))
    assert found == msgspec.structs.replace(today, position=7, recorded_at=RECORDED)


def test_a_missing_upcaster_is_an_unreadable_event(monkeypatch) -> None:
    """A version that nothing lifts is reported as an event that cannot be read."""
    monkeypatch.setattr(topics, "VERSIONS", MappingProxyType({**topics.VERSIONS, "step-taken": 2}))
    monkeypatch.setattr(codec, "_decoder", lambda *_: None)
    with pytest.raises(UnreadableEvent) as caught:
        decode(row("step-taken", 1, encode(event(STREAM, 1))))
    assert caught.value.position == 7


def test_a_clear_text_cannot_be_encoded() -> None:
    """There is no way to write an event whose text was not sealed."""
    fact = StepTaken(STREAM, CLERK.organisation, StepKind.NOTE, clear("GEHEIM"))
    with pytest.raises(TypeError) as caught:
        encode(event(STREAM, 1, fact))
    assert "GEHEIM" not in str(caught.value)


def test_equal_events_have_equal_bytes() -> None:
    """Encoding is deterministic, and leaves out what holds its default."""
    one = event(STREAM, 1)
    again = Event(**{name: getattr(one, name) for name in one.__struct_fields__})
    assert encode(one) == encode(again)
    assert set(msgspec.json.decode(encode(one))) == {"id", "at", "actor", "command", "data"}
