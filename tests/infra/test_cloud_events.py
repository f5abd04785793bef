"""Events as CloudEvents: their attributes keep to the profile, and their data is the entry in the log."""

import json
import re
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from knelpunt.infra.cloud_events import ELSEWHERE, TYPE_PREFIX, cloud_event, obstacles_named, source_of
from knelpunt.infra.store.codec import Row
from knelpunt.infra.trail.entry import EntryError

STATES = Path(__file__).parents[1] / "domain" / "golden"
ENTRIES = Path(__file__).parent / "trail" / "golden"
STREAM = UUID("d1b41618-7d89-59de-92d8-52a8b1ff0261")
SUBJECT = "7d32cd5c-e176-5e85-ae6f-7e1586e6ddd4"
SOURCE = source_of("00000001823288444000", "knelpunt/ignored")
FILES = sorted(STATES.glob("*.json"))


def stored(path: Path) -> Row:
    """The row of a golden event, in the place that its published entry tells."""
    topic, version = path.name.removesuffix(".json").split(".v")
    told = json.loads((ENTRIES / path.name.replace(".json", ".entry.json")).read_bytes())
    recorded_at = datetime.fromisoformat(told["recorded_at"])
    return Row(told["position"], STREAM, told["version"], topic, int(version), recorded_at, path.read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_kind_of_event(path) -> None:
    """Every kind of event has the attributes of the profile, which lead to nobody, and its log entry as data."""
    row = stored(path)
    made = cloud_event(row, SOURCE, obstacles_named([row]))
    data = made.pop("data")
    assert data == json.loads((ENTRIES / path.name.replace(".json", ".entry.json")).read_bytes())
    assert made == {
        "specversion": "1.0",
        "id": data["id"],
        "source": "urn:nld:oin:00000001823288444000:systeem:knelpunt",
        "type": f"{TYPE_PREFIX}{data['topic']}.v{data['topic_version']}",
        "time": data["recorded_at"],
        "sequence": f"{data['position']:016}",
        "datacontenttype": "application/json",
    }
    # CloudEvents, "Naming Conventions": lower-case letters and digits; here all are strings, and none names a case.
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in made)
    assert SUBJECT not in msgspec.json.encode(made).decode() + msgspec.json.encode(data).decode()
    assert str(STREAM) not in msgspec.json.encode(made).decode()


@pytest.mark.parametrize("topic", ELSEWHERE)
def test_an_obstacle_of_a_case_that_is_not_seen(topic) -> None:
    """Its id is left out of an event that names it, which says so; where it may be seen, it stands there."""
    field = ELSEWHERE[topic]
    row = stored(max(STATES.glob(f"{topic}.v*.json")))
    (obstacle,) = obstacles_named([row])
    hidden, shown = cloud_event(row, SOURCE, ()), cloud_event(row, SOURCE, {obstacle})
    assert str(obstacle) in msgspec.json.encode(shown).decode()
    assert str(obstacle) not in msgspec.json.encode(hidden).decode()
    assert (hidden.pop("withheld"), hidden["data"]["data"].pop(field)) == (field, None)
    assert shown["data"]["data"].pop(field) == str(obstacle)
    assert hidden == shown


@pytest.mark.parametrize("field", ELSEWHERE.values())
def test_a_correction_to_an_obstacle_that_is_not_seen(field) -> None:
    """What corrects such a field names one as well, and hides it likewise; other values are nobody's secret."""
    row = stored(max(STATES.glob("fact-corrected.v*.json")))
    state = msgspec.json.decode(row.state)
    state["data"] |= {"field": field, "value": SUBJECT}
    row = msgspec.structs.replace(row, state=msgspec.json.encode(state))
    assert obstacles_named([row]) == {UUID(SUBJECT)}
    hidden = cloud_event(row, SOURCE, ())
    assert (hidden["withheld"], hidden["data"]["data"]["value"]) == ("value", None)
    assert cloud_event(row, SOURCE, {UUID(SUBJECT)})["data"]["data"]["value"] == SUBJECT


def test_sequences_sort_as_text() -> None:
    """What sorts by sequence sorts by position, from the first event to the last that JSON can number."""
    row = stored(FILES[0])
    positions = [0, 9, 10, 99_999, 2**31, 2**53 - 1]
    sequences = [cloud_event(msgspec.structs.replace(row, position=each), SOURCE, ())["sequence"] for each in positions]
    assert sequences == sorted(sequences)
    assert len(set(map(len, sequences))) == 1


def test_a_registry_without_an_oin() -> None:
    """Without an OIN the source is still an absolute URI, and another one for each registry."""
    assert source_of(None, "knelpunt/9bd5ddb1-ecb8-5773-8264-b2226ccf8372") == (
        "urn:uuid:9bd5ddb1-ecb8-5773-8264-b2226ccf8372"
    )


def test_what_is_stored_otherwise_is_no_event() -> None:
    """Stored bytes that are not what their topic says are refused instead of sent as they come."""
    row = msgspec.structs.replace(stored(FILES[0]), state=b'{"text":"somebody"}')
    with pytest.raises(EntryError):
        cloud_event(row, SOURCE, ())
